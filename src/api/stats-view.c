#include "api/views.h"

#include "base/banned.h"

SC_DEFINE_ENUM_STRINGS(sc_measure, SC_MEASURE_COUNT_,
                       {
                           [SC_MEASURE_JOBS] = "jobs",
                           [SC_MEASURE_COMPLETED] = "completed",
                           [SC_MEASURE_DURATION] = "duration_seconds",
                           [SC_MEASURE_AVERAGE_DURATION] = "average_duration_seconds",
                           [SC_MEASURE_PROCESSING] = "processing_time",
                           [SC_MEASURE_AVERAGE_PROCESSING] = "average_processing_time",
                           [SC_MEASURE_SPEED] = "speed",
                       });

/* The average of none is unknown. */
static void put_average(struct sc_json *w, const char *key, int64_t sum_ms, int64_t count)
{
    sc_json_seconds(w, key, count > 0 ? sum_ms / count : -1);
}

/* Times real time. */
static void put_speed(struct sc_json *w, const char *key, int64_t audio_ms, int64_t ms)
{
    if (ms > 0)
        sc_json_real(w, key, (double)audio_ms / (double)ms, 2);
    else
        sc_json_null(w, key);
}

void sc_stats_totals_fields(struct sc_json *w, const struct sc_report_files *files,
                            const struct sc_stats_jobs *jobs)
{
    sc_json_int(w, "total_files", files->files);
    sc_json_seconds(w, "total_duration_seconds", files->duration_ms);
    put_average(w, "average_duration_seconds", files->duration_ms, files->timed);
    sc_json_int(w, "total_jobs", jobs->total);
    put_average(w, "average_processing_time", jobs->processing_ms, jobs->completed);
    put_speed(w, "average_speed", jobs->paced_audio_ms, jobs->paced_ms);
    sc_json_object(w, "jobs_by_status");
    for (int i = 0; i < SC_JOB_STATE_COUNT_; i++)
        sc_json_int(w, sc_job_state_to_string((enum sc_job_state)i), jobs->by_state[i]);
    sc_json_end(w);
    sc_json_object(w, "duplicates");
    sc_json_int(w, "hashes", files->repeated);
    sc_json_int(w, "uploads", files->arrivals - files->files);
    sc_json_end(w);
    sc_json_object(w, "storage");
    sc_json_int(w, "used_bytes", files->bytes);
    sc_json_int(w, "saved_bytes", files->saved_bytes);
    sc_json_end(w);
}

static void put_counts(struct sc_json *w, const struct sc_report_row *row)
{
    sc_json_int(w, "jobs", row->jobs);
    sc_json_int(w, "completed", row->completed);
    sc_json_seconds(w, "duration_seconds", row->duration_ms);
    put_average(w, "average_processing_time", row->processing_ms, row->completed);
    put_speed(w, "speed", row->paced_audio_ms, row->paced_ms);
}

void sc_stats_language_view(struct sc_json *w, const struct sc_report_row *row)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "language", row->by[0]);
    put_counts(w, row);
    sc_json_end(w);
}

void sc_stats_model_view(struct sc_json *w, const struct sc_report_row *row)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "engine", row->by[0]);
    sc_json_text(w, "model", row->by[1]);
    put_counts(w, row);
    sc_json_end(w);
}

void sc_stats_day_view(struct sc_json *w, const struct sc_report_row *row)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "day", row->by[0]);
    put_counts(w, row);
    sc_json_end(w);
}

static void put_value(struct sc_json *w, enum sc_measure measure, const struct sc_report_row *row)
{
    switch (measure) {
    case SC_MEASURE_JOBS:
        sc_json_int(w, "value", row->jobs);
        return;
    case SC_MEASURE_COMPLETED:
        sc_json_int(w, "value", row->completed);
        return;
    case SC_MEASURE_DURATION:
        sc_json_seconds(w, "value", row->duration_ms);
        return;
    case SC_MEASURE_AVERAGE_DURATION:
        put_average(w, "value", row->duration_ms, row->jobs);
        return;
    case SC_MEASURE_PROCESSING:
        sc_json_seconds(w, "value", row->processing_ms);
        return;
    case SC_MEASURE_AVERAGE_PROCESSING:
        put_average(w, "value", row->processing_ms, row->completed);
        return;
    case SC_MEASURE_SPEED:
        put_speed(w, "value", row->paced_audio_ms, row->paced_ms);
        return;
    case SC_MEASURE_COUNT_:
        break;
    }
}

void sc_stats_query_begin(struct sc_json *w, const enum sc_dimension by[2], enum sc_measure measure)
{
    sc_json_object(w, NULL);
    sc_json_array(w, "group_by");
    for (int i = 0; i < 2 && by[i] != SC_BY_NOTHING; i++)
        sc_json_text(w, NULL, sc_dimension_to_string(by[i]));
    sc_json_end(w);
    sc_json_text(w, "measure", sc_measure_to_string(measure));
    sc_json_array(w, "rows");
}

void sc_stats_answer_view(struct sc_json *w, const enum sc_dimension by[2], enum sc_measure measure,
                          const struct sc_report_row *row)
{
    sc_json_object(w, NULL);
    for (int i = 0; i < 2 && by[i] != SC_BY_NOTHING; i++)
        sc_json_text(w, sc_dimension_to_string(by[i]), row->by[i]);
    put_value(w, measure, row);
    sc_json_end(w);
}

void sc_stats_query_end(struct sc_json *w, bool partial)
{
    sc_json_end(w);
    sc_json_bool(w, "partial", partial);
    sc_json_end(w);
}

static void put_ended(struct sc_json *w, const char *key, const struct sc_throughput *ended)
{
    sc_json_object(w, key);
    sc_json_int(w, "jobs", ended->completed);
    sc_json_int(w, "failed", ended->failed);
    sc_json_seconds(w, "audio_seconds", ended->audio_ms);
    sc_json_end(w);
}

void sc_throughput_view(struct sc_json *w, const char *key, const struct sc_throughput *minute,
                        const struct sc_throughput *hour)
{
    sc_json_object(w, key);
    put_ended(w, "minute", minute);
    put_ended(w, "hour", hour);
    sc_json_end(w);
}

/* ---- what the views write ---- */

static const struct sc_json_field ended_fields[] = {
    SC_SHOW(INT, "jobs", "Completed ones", "4"),
    SC_SHOW(INT, "failed", "Failed ones", "0"),
    SC_SHOW(REAL, "audio_seconds", "The length of their recordings", "312.5"),
};
static const struct sc_json_shape ended_shape = { .name = "Ended", SC_SHAPE_FIELDS(ended_fields) };
static const struct sc_json_field throughput_fields[] = {
    SC_SHOW_OF(OBJECT, "minute", &ended_shape, "In the last whole minute"),
    SC_SHOW_OF(OBJECT, "hour", &ended_shape, "In the last 60 minutes"),
};
const struct sc_json_shape sc_shape_throughput = {
    .name = "Throughput",
    .help = "What ended",
    SC_SHAPE_FIELDS(throughput_fields),
};

static const struct sc_json_field state_fields[] = {
    SC_SHOW(INT, "pending", "How many are pending", "1"),
    SC_SHOW(INT, "processing", "How many are processing", "2"),
    SC_SHOW(INT, "completed", "How many are completed", "40"),
    SC_SHOW(INT, "failed", "How many are failed", "1"),
    SC_SHOW(INT, "cancelled", "How many are cancelled", "0"),
};
static const struct sc_json_shape state_shape = { .name = "JobsByStatus",
                                                  SC_SHAPE_FIELDS(state_fields) };
static const struct sc_json_field repeat_fields[] = {
    SC_SHOW(INT, "hashes", "Files that came more than once", "2"),
    SC_SHOW(INT, "uploads", "Their later arrivals", "3"),
};
static const struct sc_json_shape repeat_shape = { .name = "Repeats",
                                                   SC_SHAPE_FIELDS(repeat_fields) };
static const struct sc_json_field storage_fields[] = {
    SC_SHOW(INT, "used_bytes", "What the files take", "48088"),
    SC_SHOW(INT, "saved_bytes", "What later arrivals would have taken", "16044"),
};
static const struct sc_json_shape storage_shape = { .name = "Storage",
                                                    SC_SHAPE_FIELDS(storage_fields) };

#define COUNTS                                                                                 \
    SC_SHOW(INT, "jobs", "How many", "12"), SC_SHOW(INT, "completed", "Completed ones", "11"), \
        SC_SHOW(REAL, "duration_seconds", "The length of their recordings", "312.5"),          \
        SC_SHOW(REAL_OR_NULL, "average_processing_time", "Of the completed ones", "8.2"),      \
        SC_SHOW(REAL_OR_NULL, "speed", "Times real time", "3.4")

static const struct sc_json_field language_fields[] = {
    SC_SHOW(TEXT, "language", "Detected, else given", "en"),
    COUNTS,
};
static const struct sc_json_shape language_shape = { .name = "LanguageStats",
                                                     SC_SHAPE_FIELDS(language_fields) };
static const struct sc_json_field model_fields[] = {
    SC_SHOW(TEXT, "engine", "The engine", "pocketsphinx"),
    SC_SHOW(TEXT, "model", "Its model", "en-us"),
    COUNTS,
};
static const struct sc_json_shape model_shape = { .name = "ModelStats",
                                                  SC_SHAPE_FIELDS(model_fields) };
static const struct sc_json_field day_fields[] = {
    SC_SHOW(TEXT, "day", "In UTC, by creation", "2026-11-20"),
    COUNTS,
};
static const struct sc_json_shape day_shape = { .name = "DayStats", SC_SHAPE_FIELDS(day_fields) };

static const struct sc_json_field queue_fields[] = {
    SC_QUEUE_TOTALS,
    SC_SHOW_OF(OBJECT, "throughput", &sc_shape_throughput, NULL),
};
static const struct sc_json_shape queue_shape = { .name = "QueueStats",
                                                  SC_SHAPE_FIELDS(queue_fields) };

static const struct sc_json_field stats_fields[] = {
    SC_SHOW(INT, "total_files", "Files of the asker", "2"),
    SC_SHOW(REAL, "total_duration_seconds", "Their length", "186.5"),
    SC_SHOW(REAL_OR_NULL, "average_duration_seconds", "Of those whose length is known", "93.25"),
    SC_SHOW(INT, "total_jobs", "Jobs of the asker", "44"),
    SC_SHOW(REAL_OR_NULL, "average_processing_time", "Of completed jobs", "8.2"),
    SC_SHOW(REAL_OR_NULL, "average_speed", "Times real time", "3.4"),
    SC_SHOW_OF(OBJECT, "jobs_by_status", &state_shape, NULL),
    SC_SHOW_OF(OBJECT, "duplicates", &repeat_shape, NULL),
    SC_SHOW_OF(OBJECT, "storage", &storage_shape, NULL),
    SC_SHOW_OF(LIST, "languages", &language_shape, "By language"),
    SC_SHOW_OF(LIST, "models", &model_shape, "By engine and model"),
    SC_SHOW_OF(LIST, "days", &day_shape, "The last 30"),
    SC_SHOW_OF(OBJECT, "queue", &queue_shape, NULL),
};
const struct sc_json_shape sc_shape_stats = {
    .name = "Stats",
    .help = "Figures about the asker's files and jobs, and the queue",
    SC_SHAPE_FIELDS(stats_fields),
};

static const struct sc_json_field answer_fields[] = {
    { .name = "status", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    { .name = "pipeline", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    { .name = "engine", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    { .name = "model", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    { .name = "language", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    { .name = "day",
      SC_SHOW_TEXT,
      .optional = true,
      .help = "Where it was asked for",
      .example = "2026-11-20" },
    { .name = "week", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    { .name = "month", SC_SHOW_TEXT, .optional = true, .help = "Where it was asked for" },
    SC_SHOW(REAL_OR_NULL, "value", "The measure of this group", "12"),
};
static const struct sc_json_shape answer_shape = { .name = "StatsRow",
                                                   SC_SHAPE_FIELDS(answer_fields) };
static const struct sc_json_field answers_fields[] = {
    { .name = "group_by",
      SC_SHOW_TEXTS,
      .words = sc_words_dimension,
      .help = "As asked",
      .example = "[\"day\"]" },
    SC_SHOW_WORDS(TEXT, "measure", sc_words_measure, "As asked", "jobs"),
    SC_SHOW_OF(LIST, "rows", &answer_shape, "One for each group"),
    SC_SHOW(BOOL, "partial", "There are more than 5,000 rows", "false"),
};
const struct sc_json_shape sc_shape_stats_query = {
    .name = "StatsAnswer",
    SC_SHAPE_FIELDS(answers_fields),
};
