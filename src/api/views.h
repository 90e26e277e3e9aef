#pragma once
/* The JSON of the API: the only code that knows the names of fields that leave the house. Pure. A
 * view writes one object under `key` (NULL: an element or the root); a `_fields` function writes
 * the members into an object that is open. */

#include "api/describe.h"
#include "api/shapes.h"
#include "http/http.h"
#include "outbox/webhook.h"
#include "pipeline/pipeline.h"
#include "queue/report.h"
#include "json/writer.h"

/* ---- job-view.c ---- */

struct sc_job_outlook {
    int64_t eta_ms; /* -1: unknown */
    int position;   /* -1: does not wait; over 1 000: some more */
    int progress;   /* 0..100 */
};
void sc_job_fields(struct sc_json *w, const struct sc_job *job, const struct sc_job_outlook *look);
void sc_job_view(struct sc_json *w, const char *key, const struct sc_job *job,
                 const struct sc_job_outlook *look);
void sc_chunk_view(struct sc_json *w, const char *key, const struct sc_chunk *chunk);

/* The end of a stage's log, as a list of lines; cut: it began earlier. */
void sc_job_log_view(struct sc_json *w, enum sc_stage stage, struct sc_str text, bool cut);
void sc_cleaned_view(struct sc_buf *out, int64_t jobs, bool dry_run);
void sc_job_deleted_view(struct sc_buf *out, const char *job_id);
/* What a job would cost, as a body. */
void sc_cost_view(struct sc_buf *out, const struct sc_cost *cost);

/* ---- file-view.c ---- */

void sc_file_fields(struct sc_json *w, const struct sc_file *file);
void sc_file_view(struct sc_json *w, const char *key, const struct sc_file *file);

/* A file that was deleted, with what went with it. */
void sc_file_deleted_view(struct sc_buf *out, int64_t id, const struct sc_file_uses *gone);

struct sc_verification; /* pipeline/verify.h */
void sc_verification_view(struct sc_buf *out, const struct sc_verification *v);

void sc_files_cleaned_view(struct sc_buf *out, const struct sc_clean_files *what,
                           const struct sc_cleaned *cleaned);
void sc_mended_view(struct sc_buf *out, const struct sc_mended *mended);

/* What an upload answers before the members of its job or file. */
void sc_arrived_fields(struct sc_json *w, const struct sc_arrived *arrived);

/* ---- peaks-view.c ---- */

void sc_peaks_json(struct sc_json *w, int64_t file_id, const struct sc_peaks_view *view);

/* ---- transcript-view.c ---- */

void sc_transcript_deleted_view(struct sc_buf *out, int64_t id);

/* segments NULL: a row of a list, without text and segments. version: the one shown. */
void sc_transcript_view(struct sc_json *w, const char *key, const struct sc_transcript *t,
                        int version, const struct sc_segments *segments);

/* segments NULL: a row of a list. */
void sc_version_view(struct sc_json *w, const char *key, const struct sc_version *v,
                     const struct sc_segments *segments);
void sc_export_view(struct sc_json *w, const char *key, const struct sc_export_row *row);

/* ---- compare-view.c ---- */

struct sc_comparison; /* transcript/compare.h */
/* One of the two that are compared. */
struct sc_compared {
    int64_t transcript_id;
    int version;
};
void sc_comparison_view(struct sc_buf *out, const struct sc_compared sides[2],
                        const struct sc_comparison *c);

/* ---- event-view.c ---- */

/* segment: of an event of that kind, else NULL. */
void sc_event_view(struct sc_json *w, const char *key, const struct sc_event *event,
                   const struct sc_segment *segment);
/* The event that tells a segment, which another one made certain. */
struct sc_event sc_event_of_segment(const struct sc_event *done, const struct sc_segment *segment);
/* As a server-sent event: event, id (none for events that are not in the log) and data lines. */
void sc_event_sse(struct sc_buf *out, const struct sc_event *event,
                  const struct sc_segment *segment);

/* ---- worker-view.c: answers to workers ---- */

void sc_registration_view(struct sc_buf *out, int64_t worker_id, int64_t lease_ms,
                          int64_t heartbeat_ms);
void sc_heartbeat_view(struct sc_buf *out, const struct sc_held *held, size_t count);
/* next NULL: the worker claimed nothing with it. */
void sc_completion_view(struct sc_buf *out, bool repeated, const struct sc_claimed *next);
/* What a worker gets to know of a task that it claimed. */
void sc_work_view(struct sc_json *w, const char *key, const struct sc_chunk_work *work);
/* The list `tasks` of what it claimed, and `as_of`. */
void sc_claimed_view(struct sc_json *w, const struct sc_claimed *claimed);

/* ---- stats-view.c ---- */

enum sc_measure {
    SC_MEASURE_JOBS,
    SC_MEASURE_COMPLETED,
    SC_MEASURE_DURATION,
    SC_MEASURE_AVERAGE_DURATION,
    SC_MEASURE_PROCESSING,
    SC_MEASURE_AVERAGE_PROCESSING,
    SC_MEASURE_SPEED, /* recordings' time by the time that they took */
    SC_MEASURE_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_measure);

struct sc_stats_jobs {
    int64_t by_state[SC_JOB_STATE_COUNT_];
    int64_t total, completed, processing_ms, paced_audio_ms, paced_ms;
};
void sc_stats_totals_fields(struct sc_json *w, const struct sc_report_files *files,
                            const struct sc_stats_jobs *jobs);
void sc_stats_language_view(struct sc_json *w, const struct sc_report_row *row);
void sc_stats_model_view(struct sc_json *w, const struct sc_report_row *row);
void sc_stats_day_view(struct sc_json *w, const struct sc_report_row *row);
/* {"group_by": [...], "measure": ..., "rows": [ … answers … ], "partial": …} */
void sc_stats_query_begin(struct sc_json *w, const enum sc_dimension by[2],
                          enum sc_measure measure);
void sc_stats_answer_view(struct sc_json *w, const enum sc_dimension by[2], enum sc_measure measure,
                          const struct sc_report_row *row);
void sc_stats_query_end(struct sc_json *w, bool partial);
void sc_throughput_view(struct sc_json *w, const char *key, const struct sc_throughput *minute,
                        const struct sc_throughput *hour);

/* ---- token-view.c ---- */

/* Texts are borrowed. Times of what has not happened: -1. */
struct sc_token_row {
    int64_t id;
    const char *name, *owner;
    unsigned scopes;
    int64_t created_ms, expires_ms, revoked_ms, last_used_ms;
};
void sc_token_view(struct sc_json *w, const char *key, const struct sc_token_row *token,
                   int64_t now_ms);
/* The one answer that holds the token itself. */
void sc_token_created_view(struct sc_buf *out, const struct sc_token_row *token, int64_t now_ms,
                           const char *secret);

/* ---- resumable-view.c ---- */

struct sc_intake_row; /* library/intakes.h */
void sc_intake_fields(struct sc_json *w, const struct sc_intake_row *row);
void sc_intake_view(struct sc_json *w, const char *key, const struct sc_intake_row *row);

/* ---- webhook-view.c ---- */

void sc_webhook_view(struct sc_json *w, const char *key, const struct sc_webhook *hook);
/* With its secret: where it was just made. */
void sc_webhook_secret_view(struct sc_buf *out, const struct sc_webhook *hook);
void sc_delivery_view(struct sc_json *w, const char *key, const struct sc_delivery *d);

/* ---- system-view.c ---- */

struct sc_worker_row {
    struct sc_worker worker;
    int class;    /* of the job that it works on, -1: idle */
    bool visible; /* the asker may see that job */
};
/* What the queue is doing: GET /api/queue. */
struct sc_queue_picture {
    struct sc_queue_stats stats;
    struct sc_throughput minute, hour;
    const struct sc_worker_row *workers; /* idle and busy ones; borrowed */
    size_t worker_count;
};
/* The queues in the order of the classes. */
void sc_queue_view(struct sc_json *w, const struct sc_queue_picture *picture);
void sc_queue_totals_fields(struct sc_json *w, const struct sc_queue_stats *stats);

void sc_paused_view(struct sc_buf *out, enum sc_class class, bool paused);
/* schema: the newest that this program knows. */
void sc_store_fields(struct sc_json *w, const char *data_dir, const struct sc_store_info *info,
                     int schema);
#define SC_STORE_TABLES "tables"
#define SC_STORE_PROBLEMS "problems"
struct sc_fsck_slice; /* library/fsck.h */
/* phase: of the slice itself, an enum sc_fsck_phase. */
void sc_fsck_slice_fields(struct sc_json *w, int phase, const struct sc_fsck_slice *slice);
/* The verdict behind the problems; damage NULL: none. */
void sc_check_fields(struct sc_json *w, const struct sc_error *damage, const char *request_id);
