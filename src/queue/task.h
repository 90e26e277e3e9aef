#pragma once
/* Tasks of the queue and the workers that claim, renew and finish them. Part of queue/queue.h. */

#include "event/event.h"
#include "queue/job.h"

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
SC_DECLARE_ENUM_STRINGS(sc_task_state);

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

struct sc_task_spec {
    enum sc_stage stage;
    int chunk; /* -1: the stage has none */
    const char *lane;
    bool counted; /* its chunk is in chunks_total already (sc_task_announce) */
};
/* Adds a task in the state that the job's admission allows; idempotent on (job, stage, chunk). A
 * new chunk of transcribe or convert raises chunks_total. CONFLICT when the
 * job has ended. */
SC_MUST_USE enum sc_code sc_task_add(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                     const struct sc_task_spec *spec, struct sc_error *err);

/* A chunk whose task comes later: chunks_total counts it, and all in front of it. */
SC_MUST_USE enum sc_code sc_task_announce(struct sc_conn *tx, int64_t job, int chunk,
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
    /* For each lane, tasks that the worker runs in one call: all that it gets are of one lane and
     * one model, and at most its share of what is ready in that lane. NULL: any that there are. */
    const int *batch;
};
#define SC_CLAIM_MAX 64
/* Best first: class, finer priority, the job's age; one claim in ten takes the oldest waiting.
 * Paused classes are passed over, and a task that has failed or was interrupted is given alone.
 * *count may be 0. out has room for claim->max. The first claim of a job starts it and enters the
 * task's stage. NOT_FOUND: no such worker alive, register again. */
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
/* Something from outside ended it: counts as an interruption, not as a failure. */
SC_MUST_USE enum sc_code sc_task_interrupt(struct sc_queue *queue, struct sc_conn *tx,
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
    int64_t progress;    /* of the chunk, in percent; 0: not known */
};
struct sc_beat_list { /* all that a worker holds */
    int64_t worker_id;
    /* The queue's clock when the last claim was made whose answer the worker has read: what it
     * claimed before and does not list, it has lost. What it claimed since may be on its way to it.
     * 0: nothing is known, what is not listed keeps its lease. */
    int64_t as_of_ms;
    struct sc_held *held; /* borrowed; answers are written */
    size_t count;
};
/* Renews the leases of those listed; tasks that the worker has lost are ready again. NOT_FOUND: no
 * such worker alive, register again. */
SC_MUST_USE enum sc_code sc_task_heartbeat(struct sc_queue *queue, struct sc_conn *tx,
                                           const struct sc_beat_list *list, struct sc_error *err);

/* ---- workers ---- */

struct sc_worker {
    int64_t id;
    char name[SC_WORKER_NAME], host[64], device[32];
    int pid;
    bool local;
    int64_t token_id; /* that it registered with; 0: none was needed */
    int64_t registered_ms, heartbeat_ms, gone_ms;
    char job_id[SC_UUID_TEXT]; /* of the task that it holds, "" when idle */
};
SC_MUST_USE enum sc_code sc_worker_register(struct sc_queue *queue, struct sc_conn *tx,
                                            const struct sc_worker *worker,
                                            const char *engines_json, int64_t *id,
                                            struct sc_error *err);
/* The token that it registered with; NOT_FOUND: there is no such worker (any more). */
SC_MUST_USE enum sc_code sc_worker_token(struct sc_conn *conn, int64_t worker_id, int64_t *token_id,
                                         struct sc_error *err);
typedef enum sc_code (*sc_worker_fn)(void *ctx, const struct sc_worker *worker,
                                     struct sc_error *err);
/* Those alive, in the order of their registration. */
SC_MUST_USE enum sc_code sc_worker_list(struct sc_queue *queue, struct sc_conn *conn,
                                        sc_worker_fn fn, void *ctx, struct sc_error *err);
/* It was told to stop working on a task and has not: it will be ended. Says so in the log of the
 * task's job, where that still is. */
SC_MUST_USE enum sc_code sc_worker_deaf(struct sc_queue *queue, struct sc_conn *tx, int64_t task_id,
                                        struct sc_error *err);
/* Its process has ended because we wanted it to: what it held goes back at no charge. */
SC_MUST_USE enum sc_code sc_worker_dismissed(struct sc_queue *queue, struct sc_conn *tx,
                                             int64_t worker_id, struct sc_error *err);
/* Its process has ended. `fatal_signal` (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS) counts
 * a failure on the task that it held. When it held several the guilty one is not known: that, like
 * any other end, is an interruption of each, and from then on each is claimed alone. */
SC_MUST_USE enum sc_code sc_worker_gone(struct sc_queue *queue, struct sc_conn *tx,
                                        int64_t worker_id, int fatal_signal, struct sc_error *err);
