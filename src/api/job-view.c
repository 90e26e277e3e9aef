#include "api/marks.h"
#include "api/views.h"

#include "base/banned.h"

#define SAMPLES_PER_MS 16

#define POSITION_MAX 1000 /* positions are counted exactly up to here */

/* Text that may be missing: null instead of "". */
static void put_optional(struct sc_json *w, const char *key, const char *text)
{
    sc_json_text(w, key, text[0] == '\0' ? NULL : text);
}

/* An id that may be missing. */
static void put_id(struct sc_json *w, const char *key, int64_t id)
{
    sc_json_opt(w, key, id > 0 ? id : -1);
}

static void put_stage(struct sc_json *w, const char *key, int stage)
{
    sc_json_text(w, key, stage < 0 ? NULL : sc_stage_to_string((enum sc_stage)stage));
}

static void put_position(struct sc_json *w, const char *key, int position)
{
    if (position > POSITION_MAX)
        sc_json_text(w, key, "1000+");
    else
        sc_json_opt(w, key, position);
}

static void put_what(struct sc_json *w, const struct sc_job *job)
{
    sc_json_text(w, "job_id", job->job_id);
    put_id(w, "file_id", job->file_id);
    put_id(w, "campaign_id", job->campaign_id);
    put_optional(w, "file_name", job->file_name);
    put_optional(w, "name", job->name);
    sc_json_text(w, "pipeline", job->pipeline);
    put_optional(w, "engine", job->engine);
    put_optional(w, "engine_version", job->engine_version);
    put_optional(w, "model", job->model);
    put_optional(w, "task", job->task);
    put_optional(w, "language", job->language);
    put_optional(w, "detected_language", job->detected_language);
    put_optional(w, "compute_type", job->compute_type);
    put_optional(w, "device", job->device);
    sc_json_text(w, "priority", sc_class_to_string(job->class));
    sc_json_int(w, "priority_order", job->priority);
    sc_json_seconds(w, "timeout_seconds", job->timeout_ms > 0 ? job->timeout_ms : -1);
    sc_json_raw(w, "tags", sc_str_from(job->tags == NULL ? "[]" : job->tags));
    put_optional(w, "notes", job->notes == NULL ? "" : job->notes);
    sc_json_raw(w, "settings", sc_str_from(job->settings == NULL ? "{}" : job->settings));
}

static void put_progress(struct sc_json *w, const struct sc_job *job,
                         const struct sc_job_outlook *look)
{
    bool ran = job->started_ms > 0 && job->completed_ms > 0;
    sc_json_text(w, "status", sc_job_state_to_string(job->state));
    put_stage(w, "stage", job->stage);
    sc_json_int(w, "progress", look->progress);
    sc_json_seconds(w, "eta_seconds", look->eta_ms);
    put_position(w, "queue_position", look->position);
    sc_json_int(w, "chunks_total", job->chunks_total);
    sc_json_int(w, "chunks_completed", job->chunks_completed);
    sc_json_int(w, "retry_count", job->retry_count);
    sc_json_bool(w, "dead_letter", job->dead_letter);
    sc_json_seconds(w, "duration_seconds", job->duration_ms);
    sc_json_seconds(w, "processing_time", ran ? job->processing_ms : -1);
}

static void put_error(struct sc_json *w, const struct sc_job *job)
{
    bool failed = job->error_code != SC_OK;
    sc_json_text(w, "error_code", failed ? sc_code_name(job->error_code) : NULL);
    sc_json_text(w, "error_message", failed ? job->error_message : NULL);
    put_stage(w, "error_stage", failed ? job->error_stage : -1);
    sc_json_opt(w, "error_chunk", failed ? job->error_chunk : -1);
}

/* Where its bytes are, below the data folder; older readers look for them here. */
static void put_places(struct sc_json *w, const struct sc_job *job)
{
    char chunks[SC_UUID_TEXT + 16] = "";
    if (job->file_id > 0)
        (void)snprintf(chunks, sizeof(chunks), "work/%s/chunks", job->job_id);
    put_id(w, "worker_id", job->worker_id);
    put_optional(w, "input_file_path", job->input_file_path);
    put_optional(w, "chunks_dir_path", chunks);
    sc_json_null(w, "converted_chunks_dir_path");
    put_optional(w, "output_file_path", job->output_file_path);
}

void sc_job_fields(struct sc_json *w, const struct sc_job *job, const struct sc_job_outlook *look)
{
    put_what(w, job);
    put_progress(w, job, look);
    put_error(w, job);
    sc_json_raw(w, "warnings", sc_str_from(job->warnings == NULL ? "[]" : job->warnings));
    put_places(w, job);
    put_id(w, "transcript_id", job->transcript_id);
    sc_json_time(w, "created_at", job->created_ms);
    sc_json_time(w, "started_at", job->started_ms);
    sc_json_time(w, "completed_at", job->completed_ms);
    sc_json_time(w, "updated_at", job->updated_ms);
    sc_json_time(w, "archived_at", job->archived_ms);
    sc_json_time(w, "run_after", job->run_after_ms);
}

void sc_job_view(struct sc_json *w, const char *key, const struct sc_job *job,
                 const struct sc_job_outlook *look)
{
    sc_json_object(w, key);
    sc_job_fields(w, job, look);
    sc_json_end(w);
}

/* What was heard of it. */
static void put_stretches(struct sc_json *w, const struct sc_stretches *s)
{
    sc_json_seconds(w, "sound", sc_stretches_samples(s) / SAMPLES_PER_MS);
    sc_json_array(w, "stretches");
    for (size_t i = 0; i < s->count; i++) {
        sc_json_object(w, NULL);
        sc_json_seconds(w, "start", s->items[i].start_samples / SAMPLES_PER_MS);
        sc_json_seconds(w, "end", s->items[i].end_samples / SAMPLES_PER_MS);
        sc_json_end(w);
    }
    sc_json_end(w);
}

void sc_chunk_view(struct sc_json *w, const char *key, const struct sc_chunk *chunk)
{
    bool failed = chunk->error_code != SC_OK;
    sc_json_object(w, key);
    sc_json_int(w, "chunk_index", chunk->chunk);
    sc_json_opt(w, "channel", chunk->channel < 0 ? -1 : chunk->channel + 1);
    sc_json_seconds(w, "start_time", chunk->start_ms);
    sc_json_seconds(w, "end_time", chunk->end_ms);
    put_stretches(w, &chunk->stretches);
    put_optional(w, "language", chunk->language);
    sc_json_text(w, "status", chunk->status);
    sc_json_int(w, "attempts", chunk->attempts);
    sc_json_text(w, "error_code", failed ? sc_code_name(chunk->error_code) : NULL);
    sc_json_text(w, "error_message", failed ? chunk->error_message : NULL);
    sc_json_time(w, "processed_at", chunk->processed_ms);
    if (chunk->text.ptr == NULL)
        sc_json_null(w, "text");
    else
        sc_json_str(w, "text", chunk->text);
    sc_json_end(w);
}

void sc_job_log_view(struct sc_json *w, enum sc_stage stage, struct sc_str text, bool cut)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "stage", sc_stage_to_string(stage));
    sc_json_bool(w, "cut", cut);
    sc_json_array(w, "lines");
    while (text.len > 0)
        sc_json_str(w, NULL, sc_str_take_until(&text, '\n'));
    sc_json_end(w);
    sc_json_end(w);
}

void sc_cleaned_view(struct sc_buf *out, int64_t jobs, bool dry_run)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "jobs", jobs);
    sc_json_bool(&w, "dry_run", dry_run);
    sc_json_end(&w);
}

void sc_job_deleted_view(struct sc_buf *out, const char *job_id)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "job_id", job_id);
    sc_json_bool(&w, "deleted", true);
    sc_json_end(&w);
}

void sc_cost_view(struct sc_buf *out, const struct sc_cost *cost)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_bool(&w, "dry_run", true);
    sc_json_text(&w, "pipeline", cost->pipeline);
    put_optional(&w, "engine", cost->engine);
    put_optional(&w, "model", cost->model);
    sc_json_bool(&w, "model_checked", !cost->model_unchecked);
    sc_json_bool(&w, "duplicate", cost->file_id > 0);
    put_id(&w, "file_id", cost->file_id);
    put_optional(&w, "job_id", cost->job_id);
    sc_json_seconds(&w, "duration_seconds", cost->duration_ms);
    sc_json_int(&w, "streams", cost->streams);
    sc_json_opt(&w, "chunks_expected", cost->chunks);
    sc_json_seconds(&w, "estimated_seconds", cost->job_id[0] == '\0' ? cost->estimate_ms : 0);
    sc_json_int(&w, "bytes_needed", cost->storage_bytes + cost->work_bytes);
    sc_json_int(&w, "storage_bytes", cost->storage_bytes);
    sc_json_int(&w, "work_bytes", cost->work_bytes);
    sc_json_end(&w);
}

/* ---- what the views write ---- */

static const struct sc_json_field warning_fields[] = {
    SC_SHOW(TEXT, "code",
            "`AUDIO_LOST`, `AUDIO_TRUNCATED`, `CHANNELS_CANCEL`, `MUSIC_DROPPED` or `NO_SPEECH`",
            "AUDIO_LOST"),
    SC_SHOW(TEXT, "message", "What was lost, for people", "the audio cannot be decoded here"),
    SC_SHOW(REAL, "start", "From when, in seconds of the recording", "12.5"),
    SC_SHOW(REAL_OR_NULL, "end", "Until when; null: to its end", "14.0"),
    { .name = "channel",
      SC_SHOW_INT,
      .optional = true,
      .help = "Which channel, from 1, where each is recognised by itself" },
};
static const struct sc_json_shape warning_shape = { .name = "Warning",
                                                    .help = "What was lost without failing a job",
                                                    SC_SHAPE_FIELDS(warning_fields) };

static const struct sc_json_field job_fields[] = {
    SC_SHOW(UUID, "job_id", "Names the job for ever", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW(INT_OR_NULL, "file_id", "The recording", "1"),
    SC_SHOW(INT_OR_NULL, "campaign_id", "Of an older system", "null"),
    SC_SHOW(TEXT_OR_NULL, "file_name", "The name of the recording when the job was made",
            "memo.mp3"),
    SC_SHOW(TEXT_OR_NULL, "name", "The name that was given to the job", "memo.mp3"),
    SC_SHOW(TEXT, "pipeline", "What is done", "transcribe"),
    SC_SHOW(TEXT_OR_NULL, "engine", "The engine that recognises", "pocketsphinx"),
    SC_SHOW(TEXT_OR_NULL, "engine_version", "Its version, once it has worked", NULL),
    SC_SHOW(TEXT_OR_NULL, "model", "The model of the engine", "en-us"),
    SC_SHOW(TEXT_OR_NULL, "task", "`transcribe` or `translate`", "transcribe"),
    SC_SHOW(TEXT_OR_NULL, "language", "The language that was asked for", "auto"),
    SC_SHOW(TEXT_OR_NULL, "detected_language", "The language that the engine heard", NULL),
    SC_SHOW(TEXT_OR_NULL, "compute_type", "Of an older system", NULL),
    SC_SHOW(TEXT_OR_NULL, "device", "What the engine ran on", NULL),
    SC_SHOW_WORDS(TEXT, "priority", sc_words_class, "The class of the queue", "normal"),
    SC_SHOW(INT, "priority_order", "Its place within the class; smaller is earlier", "0"),
    SC_SHOW(REAL_OR_NULL, "timeout_seconds", "Longest time from its start", NULL),
    SC_SHOW_MARKS,
    SC_SHOW(OBJECT, "settings", "The other options that it was made with", "{\"vad\": true}"),
    SC_SHOW_WORDS(TEXT, "status", sc_words_job_state, "How far it is", "processing"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "stage", sc_words_stage, "The stage at work", "transcribe"),
    SC_SHOW(INT, "progress", "0 to 100", "40"),
    SC_SHOW(REAL_OR_NULL, "eta_seconds",
            "In how long it will probably be done; of one that waits by what is before it", "31.0"),
    { .name = "queue_position",
      SC_SHOW_INT_OR_NULL,
      .also = SC_JSON_TEXT,
      .help = "How many jobs of its class come before it while it waits; `1000+` beyond a thousand",
      .example = "null" },
    SC_SHOW(INT, "chunks_total", "Chunks that are known so far", "5"),
    SC_SHOW(INT, "chunks_completed", "Chunks that are recognised", "2"),
    SC_SHOW(INT, "retry_count", "Times that it was retried", "0"),
    SC_SHOW(BOOL, "dead_letter", "It failed for good", "false"),
    SC_SHOW(REAL_OR_NULL, "duration_seconds", "The length of the recording", "93.25"),
    SC_SHOW(REAL_OR_NULL, "processing_time", "Seconds from its start to its end", NULL),
    SC_SHOW_WORDS(TEXT_OR_NULL, "error_code", sc_words_code, "Why it failed", NULL),
    SC_SHOW(TEXT_OR_NULL, "error_message", "The same as a sentence", NULL),
    SC_SHOW_WORDS(TEXT_OR_NULL, "error_stage", sc_words_stage, "Where it failed", NULL),
    SC_SHOW(INT_OR_NULL, "error_chunk", "At which chunk", NULL),
    SC_SHOW_OF(LIST, "warnings", &warning_shape, "What was lost without failing the job"),
    SC_SHOW(INT_OR_NULL, "worker_id", "One of the workers that hold a task of it", "3"),
    SC_SHOW(TEXT_OR_NULL, "input_file_path", "The recording, below the data folder",
            "audio/uploads/2026/11/9f86.mp3"),
    SC_SHOW(TEXT_OR_NULL, "chunks_dir_path", "Its chunks, below the data folder", NULL),
    SC_SHOW(TEXT_OR_NULL, "converted_chunks_dir_path", "Of an older system", NULL),
    SC_SHOW(TEXT_OR_NULL, "output_file_path", "What was exported, below the data folder", NULL),
    SC_SHOW(INT_OR_NULL, "transcript_id", "Its transcript, from the first result on", "1"),
    SC_SHOW(TIME, "created_at", "When it was made", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "started_at", "When work began", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "completed_at", "When it ended", NULL),
    SC_SHOW(TIME, "updated_at", "When it changed last", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TIME_OR_NULL, "archived_at", "When it was archived", NULL),
    SC_SHOW(TIME_OR_NULL, "run_after", "Not before this time", NULL),
};

const struct sc_json_shape sc_shape_job = {
    .name = "Job",
    .help = "A piece of work on a recording",
    SC_SHAPE_FIELDS(job_fields),
};

SC_WALK_SHAPE(sc_shape_jobs, "JobPage", "jobs", &sc_shape_job);

static const struct sc_json_field upload_fields[] = {
    SC_SHOW(BOOL, "duplicate", "These bytes were known before", "false"),
};
const struct sc_json_shape sc_shape_upload = {
    .name = "UploadedJob",
    .help = "A job, and whether its recording was known",
    .base = &sc_shape_job,
    SC_SHAPE_FIELDS(upload_fields),
};

static const struct sc_json_field stretch_fields[] = {
    SC_SHOW(REAL, "start", "In seconds of the recording", "0.0"),
    SC_SHOW(REAL, "end", "In seconds of the recording", "11.2"),
};
static const struct sc_json_shape stretch_shape = {
    .name = "Stretch",
    .help = "A part of a recording without a long pause",
    SC_SHAPE_FIELDS(stretch_fields),
};
static const struct sc_json_field chunk_fields[] = {
    SC_SHOW(INT, "chunk_index", "From 0", "0"),
    SC_SHOW(INT_OR_NULL, "channel", "From 1; null where all channels are mixed", NULL),
    SC_SHOW(REAL, "start_time", "In seconds of the recording", "0.0"),
    SC_SHOW(REAL, "end_time", "In seconds of the recording", "28.4"),
    SC_SHOW(REAL, "sound",
            "Seconds of sound that are heard: fewer than from start to end where pauses were "
            "shortened",
            "21.6"),
    SC_SHOW_OF(LIST, "stretches", &stretch_shape, "Where that sound lies, in order"),
    SC_SHOW(TEXT_OR_NULL, "language", "What is spoken in it: as it was heard, or is told", "en"),
    SC_SHOW_WORDS(TEXT, "status", sc_words_task_state, "How far its task is", "done"),
    SC_SHOW(INT, "attempts", "How often it was begun", "1"),
    SC_SHOW_WORDS(TEXT_OR_NULL, "error_code", sc_words_code, "Why it failed last", NULL),
    SC_SHOW(TEXT_OR_NULL, "error_message", "The same as a sentence", NULL),
    SC_SHOW(TIME_OR_NULL, "processed_at", "When its result came", "2026-11-20T14:30:45.123Z"),
    SC_SHOW(TEXT_OR_NULL, "text", "What was recognised", "good morning"),
};
static const struct sc_json_shape chunk_shape = {
    .name = "Chunk",
    .help = "A piece of a recording that is recognised at once",
    SC_SHAPE_FIELDS(chunk_fields)
};
static const struct sc_json_field chunks_fields[] = {
    SC_SHOW_OF(LIST, "chunks", &chunk_shape, "In the order of time"),
};
const struct sc_json_shape sc_shape_chunks = {
    .name = "Chunks",
    SC_SHAPE_FIELDS(chunks_fields),
};

static const struct sc_json_field log_fields[] = {
    SC_SHOW_WORDS(TEXT, "stage", sc_words_stage, "Whose log it is", "split"),
    SC_SHOW(BOOL, "cut", "It began earlier", "false"),
    SC_SHOW(TEXTS, "lines", "The oldest first", "[\"2026-11-20T14:30:45.123Z split begins\"]"),
};
static const struct sc_json_shape log_shape = { .name = "StageLog", SC_SHAPE_FIELDS(log_fields) };
static const struct sc_json_field logs_fields[] = {
    SC_SHOW_OF(LIST, "logs", &log_shape, "One for each stage that noted anything"),
};
const struct sc_json_shape sc_shape_logs = {
    .name = "JobLog",
    SC_SHAPE_FIELDS(logs_fields),
};

static const struct sc_json_field cleaned_fields[] = {
    SC_SHOW(INT, "jobs", "How many", "12"),
    SC_SHOW(BOOL, "dry_run", "They were only counted", "false"),
};
const struct sc_json_shape sc_shape_jobs_cleaned = {
    .name = "CleanedJobs",
    SC_SHAPE_FIELDS(cleaned_fields),
};

static const struct sc_json_field deleted_fields[] = {
    SC_SHOW(UUID, "job_id", "The job", "0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11"),
    SC_SHOW(BOOL, "deleted", "Always true", "true"),
};
const struct sc_json_shape sc_shape_job_deleted = {
    .name = "DeletedJob",
    SC_SHAPE_FIELDS(deleted_fields),
};

static const struct sc_json_field cost_fields[] = {
    SC_SHOW(BOOL, "dry_run", "Always true: nothing was made", "true"),
    SC_SHOW(TEXT, "pipeline", "What would be done", "transcribe"),
    SC_SHOW(TEXT_OR_NULL, "engine", "The engine", "pocketsphinx"),
    SC_SHOW(TEXT_OR_NULL, "model", "Its model", "en-us"),
    SC_SHOW(
        BOOL, "model_checked",
        "false: only the program or server behind the engine knows whether it has the model, or "
        "it is a path outside the models folders, which a worker opens; the job fails with "
        "`MODEL_ERROR` when there is none",
        "true"),
    SC_SHOW(BOOL, "duplicate", "These bytes are known", "false"),
    SC_SHOW(INT_OR_NULL, "file_id", "The file that has them", NULL),
    SC_SHOW(UUID_OR_NULL, "job_id", "The earlier job that would answer for the same work", NULL),
    SC_SHOW(REAL_OR_NULL, "duration_seconds", "The length of the recording", "93.25"),
    SC_SHOW(INT, "streams", "Streams that are recognised each by itself", "1"),
    SC_SHOW(INT_OR_NULL, "chunks_expected", "At most; null: unknown", "4"),
    SC_SHOW(REAL_OR_NULL, "estimated_seconds", "At the pace of earlier jobs; null: there are none",
            "31.5"),
    SC_SHOW(INT, "bytes_needed", "All that follows", "4500000"),
    SC_SHOW(INT, "storage_bytes", "What would stay", "1500000"),
    SC_SHOW(INT, "work_bytes", "What is needed until the job ends, at most", "3000000"),
};
const struct sc_json_shape sc_shape_cost = {
    .name = "Cost",
    .help = "What a job would cost",
    SC_SHAPE_FIELDS(cost_fields),
};
