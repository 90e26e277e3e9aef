#include "api/views.h"

#include "base/banned.h"

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
    sc_json_seconds(w, "duration_seconds", job->duration_ms > 0 ? job->duration_ms : -1);
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

void sc_chunk_view(struct sc_json *w, const char *key, const struct sc_chunk *chunk)
{
    bool failed = chunk->error_code != SC_OK;
    sc_json_object(w, key);
    sc_json_int(w, "chunk_index", chunk->chunk);
    sc_json_opt(w, "channel", chunk->channel < 0 ? -1 : chunk->channel + 1);
    sc_json_seconds(w, "start_time", chunk->start_ms);
    sc_json_seconds(w, "end_time", chunk->end_ms);
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
