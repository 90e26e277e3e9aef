#pragma once
/* The shapes of what the views write, each in the file of its view, and the words that texts of
 * them may be. */

#include "json/shape.h"

extern const struct sc_json_shape sc_shape_job, sc_shape_jobs, sc_shape_upload, sc_shape_chunks,
    sc_shape_logs, sc_shape_jobs_cleaned, sc_shape_job_deleted, sc_shape_cost, sc_shape_file,
    sc_shape_files, sc_shape_resumable, sc_shape_resumables, sc_shape_file_upload,
    sc_shape_duplicates, sc_shape_arrivals, sc_shape_usage, sc_shape_file_deleted,
    sc_shape_files_cleaned, sc_shape_mended, sc_shape_peaks, sc_shape_event, sc_shape_events,
    sc_shape_transcript_row, sc_shape_transcripts, sc_shape_transcript, sc_shape_transcript_deleted,
    sc_shape_versions, sc_shape_version, sc_shape_comparison, sc_shape_import, sc_shape_exports,
    sc_shape_export, sc_shape_export_row, sc_shape_formats, sc_shape_format, sc_shape_verification,
    sc_shape_token, sc_shape_tokens, sc_shape_token_created, sc_shape_throughput, sc_shape_stats,
    sc_shape_stats_query, sc_shape_queue, sc_shape_health, sc_shape_ready, sc_shape_live,
    sc_shape_paused, sc_shape_store, sc_shape_store_check, sc_shape_fsck, sc_shape_registration,
    sc_shape_heartbeat, sc_shape_completion, sc_shape_claim, sc_shape_nothing, sc_shape_engines,
    sc_shape_models, sc_shape_system, sc_shape_webhook, sc_shape_webhooks, sc_shape_webhook_secret,
    sc_shape_delivery, sc_shape_deliveries, sc_shape_search, sc_shape_saved_search,
    sc_shape_saved_searches, sc_shape_saved, sc_shape_pruned, sc_shape_replacement,
    sc_shape_changes;
/* Of the queue as a whole: rows of a shape. */
#define SC_QUEUE_TOTALS                                                                            \
    SC_SHOW(INT, "queued", "Jobs that wait", "3"), SC_SHOW(INT, "active", "Jobs at work", "1"),    \
        SC_SHOW(INT, "max_concurrent", "Jobs at work at most", "8"),                               \
        SC_SHOW(INT, "tasks_ready",                                                                \
                "Tasks that a worker may claim; counted up to 1,000, which stands for as many or " \
                "more",                                                                            \
                "2"),                                                                              \
        SC_SHOW(INT, "tasks_running", "Tasks that workers hold", "1"),                             \
        SC_SHOW(INT, "completed", "Jobs completed since the store was made", "40"),                \
        SC_SHOW(INT, "failed", "Jobs failed since then", "1")

/* ---- words.c ---- */

const char *sc_words_class(int index);
const char *sc_words_stage(int index);
const char *sc_words_job_state(int index);
const char *sc_words_task_state(int index);
const char *sc_words_event_kind(int index);
const char *sc_words_code(int index);
const char *sc_words_scope(int index);
const char *sc_words_dimension(int index);
const char *sc_words_measure(int index);
const char *sc_words_damage(int index);
const char *sc_words_intake_state(int index);
const char *sc_words_clean_kind(int index);
const char *sc_words_verify_state(int index);
const char *sc_words_fsck_phase(int index);
const char *sc_words_fsck_kind(int index);
const char *sc_words_webhook_end(int index);
const char *sc_words_delivery_state(int index);
/* What webhooks can hear of, "*" last. */
const char *sc_words_webhook_event(int index);
