#pragma once
/* The queue: jobs and their tasks, admission, claims with leases and epochs, retries, cancelling.
 *
 * State is in the store; functions that take a `tx` run inside a write (sc_store_write) and
 * compose: several of them in one write are one transaction. Each appends to job_events and
 * publishes to the hub after the commit. Legal transitions stand in one table
 * (queue/transitions.c). */

#include "event/event.h"
#include "store/store.h"

enum sc_class { SC_CLASS_HIGH, SC_CLASS_NORMAL, SC_CLASS_LOW, SC_CLASS_COUNT_ };
enum sc_stage {
    SC_STAGE_INGEST,
    SC_STAGE_SPLIT,
    SC_STAGE_TRANSCRIBE,
    SC_STAGE_CONVERT,
    SC_STAGE_MERGE,
    SC_STAGE_JOIN,
    SC_STAGE_NOOP,
    SC_STAGE_COUNT_
};
enum sc_job_state {
    SC_JOB_PENDING,
    SC_JOB_PROCESSING,
    SC_JOB_COMPLETED,
    SC_JOB_FAILED,
    SC_JOB_CANCELLED,
    SC_JOB_STATE_COUNT_
};
enum sc_admission {
    SC_ADMISSION_SCHEDULED,
    SC_ADMISSION_WAITING,
    SC_ADMISSION_ADMITTED,
    SC_ADMISSION_ENDED
};
enum sc_task_state {
    SC_TASK_READY,
    SC_TASK_RUNNING,
    SC_TASK_SCHEDULED, /* backing off or not yet due */
    SC_TASK_WAITING,   /* of a job that is not admitted yet */
    SC_TASK_DONE,
    SC_TASK_DEAD,
    SC_TASK_CANCELLED,
    SC_TASK_STATE_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_class);
SC_DECLARE_ENUM_STRINGS(sc_stage);
SC_DECLARE_ENUM_STRINGS(sc_job_state);
SC_DECLARE_ENUM_STRINGS(sc_task_state);

/* Settings, fixed at open. 0 takes the value named here. */
struct sc_queue_config {
    int max_concurrent[SC_CLASS_COUNT_]; /* 2: admitted jobs per class */
    int64_t lease_ms;                    /* 30 000 */
    int max_failures;                    /* 3 */
    int max_interruptions;               /* 100, back-off from the fifth */
    int64_t backoff_base_ms;             /* 1 000: doubled per failure, with jitter */
    int64_t backoff_max_ms;              /* 300 000 */
    int64_t job_timeout_ms;              /* 0: none */
    int64_t idempotency_ttl_ms;          /* 24 h */
};

struct sc_queue;

/* Renews the server's generation: tasks leased before it (by an earlier server's own threads or
 * local workers) are ready again as interruptions. Needs a running store; borrows hub. */
SC_MUST_USE enum sc_code sc_queue_open(struct sc_store *store, struct sc_hub *hub,
                                       const struct sc_queue_config *config, struct sc_queue **out,
                                       struct sc_error *err);
/* NULL allowed. No write of the queue may be under way. */
void sc_queue_close(struct sc_queue *queue);
SC_DEFINE_FREEP(struct sc_queue, sc_queue_close);

/* The queue's clock: wall time as it stood at open, advanced by the monotonic clock, so that no
 * step of the wall clock moves it. The times of tasks (claimed_ms, lease_until_ms, back-off) are on
 * it. Thread-safe. */
int64_t sc_queue_clock_ms(const struct sc_queue *queue);

/* ---- jobs ---- */

struct sc_job {
    int64_t id, owner_id, file_id, transcript_id; /* 0: none */
    char job_id[SC_UUID_TEXT];
    char pipeline[24], engine[24], engine_version[40], model[120], task[16], language[24];
    char detected_language[24];
    char file_name[512], name[512];
    enum sc_class class;
    int priority;
    enum sc_job_state state;
    int stage; /* sc_stage or -1 */
    enum sc_admission admission;
    bool counted, split_done, dead_letter;
    int chunks_total, chunks_completed, retry_count, error_chunk;
    int error_stage;
    int64_t split_samples, run_after_ms, timeout_ms, duration_ms, processing_ms;
    enum sc_code error_code; /* SC_OK: none */
    char error_message[240];
    int64_t created_ms, started_ms, completed_ms, updated_ms; /* 0: not yet */
    char *settings;                                           /* canonical JSON; owned */
};
void sc_job_done(struct sc_job *job); /* frees what it owns */
#define SC_AUTO_JOB SC_AUTO(sc_job_done) struct sc_job

struct sc_job_spec {
    int64_t owner_id, file_id;
    const char *pipeline, *engine, *engine_version, *model, *task, *language, *file_name, *name;
    const char *settings;   /* canonical JSON of the resolved options */
    const char *dedupe_key; /* NULL: none */
    bool force;             /* takes the key from an earlier job */
    bool counted;           /* takes a place of max_concurrent */
    enum sc_class class;
    int priority;
    int64_t run_after_ms; /* 0: now */
    int64_t timeout_ms;   /* 0: the queue's */
    int64_t duration_ms;  /* 0: unknown */
    enum sc_stage first_stage;
    const char *first_lane;
};

/* Makes the job and its first task, or finds the one that has the same dedupe key (*existing). */
SC_MUST_USE enum sc_code sc_job_create(struct sc_queue *queue, struct sc_conn *tx,
                                       const struct sc_job_spec *spec, struct sc_job *out,
                                       bool *existing, struct sc_error *err);
/* owner_id 0: of anybody. JOB_NOT_FOUND also for another owner's. */
SC_MUST_USE enum sc_code sc_job_find(struct sc_conn *conn, int64_t owner_id, const char *job_id,
                                     struct sc_job *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_job_get(struct sc_conn *conn, int64_t id, struct sc_job *out,
                                    struct sc_error *err);

struct sc_job_filter {
    int64_t owner_id;  /* 0: all */
    int state;         /* -1: all */
    int64_t file_id;   /* 0: all */
    int64_t before_id; /* cursor: ids below it; 0: from the newest */
    int limit;
};
typedef enum sc_code (*sc_job_fn)(void *ctx, const struct sc_job *job, struct sc_error *err);
/* Newest first. */
SC_MUST_USE enum sc_code sc_job_list(struct sc_conn *conn, const struct sc_job_filter *filter,
                                     sc_job_fn fn, void *ctx, struct sc_error *err);

/* 0..100. */
int sc_job_progress(const struct sc_job *job);
/* Milliseconds until it is done, from what its chunks took so far; -1: unknown. */
int64_t sc_job_eta_ms(struct sc_conn *conn, const struct sc_job *job);
/* Jobs before it in its class (exact to 1 000, more: 1 001); -1 unless it waits. */
SC_MUST_USE enum sc_code sc_job_position(struct sc_conn *conn, const struct sc_job *job,
                                         int *position, struct sc_error *err);

/* Ends a pending or processing job; its running tasks are told at their next heartbeat. CONFLICT
 * when it has ended. Repeating on a cancelled one is OK. */
SC_MUST_USE enum sc_code sc_job_cancel(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                       struct sc_error *err);
/* A failed or cancelled job goes on where it stopped: done tasks stay done. */
SC_MUST_USE enum sc_code sc_job_retry(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                      struct sc_error *err);
/* The pipeline's verdicts. Both admit the next job of the class. */
SC_MUST_USE enum sc_code sc_job_complete(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                         struct sc_error *err);
SC_MUST_USE enum sc_code sc_job_fail(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                     const struct sc_error *why, int stage, int chunk,
                                     struct sc_error *err);
/* A stage began or ended: sets jobs.stage, logs with its duration. */
SC_MUST_USE enum sc_code sc_job_enter_stage(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                            enum sc_stage stage, struct sc_error *err);

/* ---- tasks ---- */

struct sc_task {
    int64_t id, job, epoch, owner_id;
    char job_id[SC_UUID_TEXT];
    enum sc_stage stage;
    int chunk; /* -1: none */
    char lane[48];
    enum sc_task_state state;
    int failures, interruptions;
    int64_t worker_id, lease_until_ms, claimed_ms;
};

/* What a holder must show: nothing changes unless all three still match. */
struct sc_fence {
    int64_t task_id, worker_id, epoch;
};

/* Adds a task in the state that the job's admission allows; idempotent on (job, stage, chunk). A
 * new chunk of transcribe or convert raises chunks_total. chunk -1: the stage has none. CONFLICT
 * when the job has ended. */
SC_MUST_USE enum sc_code sc_task_add(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                     enum sc_stage stage, int chunk, const char *lane,
                                     struct sc_error *err);

/* Does this holder still hold it? LEASE_LOST. */
SC_MUST_USE enum sc_code sc_task_check(struct sc_conn *conn, const struct sc_fence *fence,
                                       struct sc_task *out, struct sc_error *err);
typedef enum sc_code (*sc_task_fn)(void *ctx, const struct sc_task *task, struct sc_error *err);
/* The tasks of a job, by stage and chunk. */
SC_MUST_USE enum sc_code sc_task_list(struct sc_conn *conn, int64_t job, sc_task_fn fn, void *ctx,
                                      struct sc_error *err);

struct sc_claim {
    int64_t worker_id;
    const char *const *lanes;
    size_t lane_count;
    int max; /* at most SC_CLAIM_MAX */
};
#define SC_CLAIM_MAX 64
/* Best first: class, finer priority, the job's age; one claim in ten takes the oldest waiting.
 * Paused classes are passed over. *count may be 0. out has room for claim->max. The first claim of
 * a job starts it and enters the task's stage. NOT_FOUND: no such worker alive, register again. */
SC_MUST_USE enum sc_code sc_task_claim(struct sc_queue *queue, struct sc_conn *tx,
                                       const struct sc_claim *claim, struct sc_task *out,
                                       size_t *count, struct sc_error *err);
/* LEASE_LOST unless the fence matches; a repeat of an accepted completion sets *repeated. Counts
 * chunks_completed for stages with chunks. */
SC_MUST_USE enum sc_code sc_task_complete(struct sc_queue *queue, struct sc_conn *tx,
                                          const struct sc_fence *fence, struct sc_task *out,
                                          bool *repeated, struct sc_error *err);
/* The worker reports why it failed. Retryable codes back off until max_failures, others and the
 * last fail the job. */
SC_MUST_USE enum sc_code sc_task_fail(struct sc_queue *queue, struct sc_conn *tx,
                                      const struct sc_fence *fence, const struct sc_error *why,
                                      struct sc_error *err);
/* Given back unfinished at no charge. */
SC_MUST_USE enum sc_code sc_task_release(struct sc_queue *queue, struct sc_conn *tx,
                                         const struct sc_fence *fence, struct sc_error *err);
/* What a heartbeat answers per task. */
enum sc_beat { SC_BEAT_OK, SC_BEAT_LOST, SC_BEAT_CANCELLED };
struct sc_held {
    int64_t task_id, epoch;
    enum sc_beat answer; /* output */
};
/* Renews the leases of those listed; tasks leased to the worker, claimed before the last heartbeat
 * and not listed are ready again. NOT_FOUND: no such worker alive, register again. */
SC_MUST_USE enum sc_code sc_task_heartbeat(struct sc_queue *queue, struct sc_conn *tx,
                                           int64_t worker_id, struct sc_held *held, size_t count,
                                           struct sc_error *err);

/* ---- workers ---- */

struct sc_worker {
    int64_t id;
    char name[64], host[64], device[32];
    int pid;
    bool local;
    int64_t registered_ms, heartbeat_ms, gone_ms;
    char job_id[SC_UUID_TEXT]; /* of the task that it holds, "" when idle */
};
SC_MUST_USE enum sc_code sc_worker_register(struct sc_queue *queue, struct sc_conn *tx,
                                            const struct sc_worker *worker,
                                            const char *engines_json, int64_t *id,
                                            struct sc_error *err);
typedef enum sc_code (*sc_worker_fn)(void *ctx, const struct sc_worker *worker,
                                     struct sc_error *err);
/* Those alive, in the order of their registration. */
SC_MUST_USE enum sc_code sc_worker_list(struct sc_queue *queue, struct sc_conn *conn,
                                        sc_worker_fn fn, void *ctx, struct sc_error *err);
/* Its process has ended. `fatal_signal` (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS) counts
 * a failure on each task that it held, anything else an interruption. */
SC_MUST_USE enum sc_code sc_worker_gone(struct sc_queue *queue, struct sc_conn *tx,
                                        int64_t worker_id, int fatal_signal, struct sc_error *err);

/* ---- upkeep and views ---- */

/* Expired leases, due tasks and jobs, job time-outs, old idempotency keys; bounded per call.
 * *more says that another call has work at once; *next_ms in how many milliseconds the next thing
 * is due (-1: none). */
SC_MUST_USE enum sc_code sc_queue_sweep(struct sc_queue *queue, struct sc_conn *tx, bool *more,
                                        int64_t *next_ms, struct sc_error *err);
SC_MUST_USE enum sc_code sc_queue_pause(struct sc_queue *queue, struct sc_conn *tx,
                                        enum sc_class class, bool paused, struct sc_error *err);
struct sc_queue_stats {
    struct {
        int64_t pending, running, failed, oldest_age_ms; /* jobs */
        bool paused;
        int max_concurrent;
    } class[SC_CLASS_COUNT_];
    int64_t tasks_ready, tasks_running;
    int64_t completed_total, failed_total;
};
SC_MUST_USE enum sc_code sc_queue_stats(struct sc_queue *queue, struct sc_conn *conn,
                                        struct sc_queue_stats *out, struct sc_error *err);
/* Tasks that are ready or running for lanes other than 'server': is a worker needed? */
SC_MUST_USE enum sc_code sc_queue_demand(struct sc_conn *conn, int64_t *ready, int64_t *running,
                                         struct sc_error *err);

/* Called (on the writer thread, after a commit) whenever tasks of some lane became ready. */
typedef void (*sc_ready_fn)(void *ctx);
void sc_queue_on_ready(struct sc_queue *queue, sc_ready_fn fn, void *ctx);
/* Called after a commit that cancelled tasks which a worker holds. */
void sc_queue_on_cancel(struct sc_queue *queue, sc_ready_fn fn, void *ctx);

/* ---- the log of events ---- */

struct sc_event_filter {
    int64_t owner_id; /* 0: all */
    int64_t job;      /* 0: all */
    int64_t after_id; /* cursor: ids above it */
    int limit;
};
typedef enum sc_code (*sc_event_fn)(void *ctx, const struct sc_event *event, struct sc_error *err);
/* Oldest first. */
SC_MUST_USE enum sc_code sc_event_list(struct sc_conn *conn, const struct sc_event_filter *filter,
                                       sc_event_fn fn, void *ctx, struct sc_error *err);
/* The cursor of the newest event, 0: there is none. */
SC_MUST_USE enum sc_code sc_event_newest(struct sc_conn *conn, int64_t *id, struct sc_error *err);

/* Totals since the store was made, in the table counters. */
#define SC_COUNTER_COMPLETED "jobs.completed"
#define SC_COUNTER_FAILED "jobs.failed"

/* Idempotency keys: SC_OK with *job (0: key is new and now reserved for `job` by _put), or
 * IDEMPOTENCY_CONFLICT. Inside the write that creates the job. */
SC_MUST_USE enum sc_code sc_idempotency_find(struct sc_conn *tx, int64_t owner_id, const char *key,
                                             const char *fingerprint, int64_t *job,
                                             int64_t *file_id, struct sc_error *err);
SC_MUST_USE enum sc_code sc_idempotency_put(struct sc_conn *tx, int64_t owner_id, const char *key,
                                            const char *fingerprint, int64_t job, int64_t file_id,
                                            struct sc_error *err);
