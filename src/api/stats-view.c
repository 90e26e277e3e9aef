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
