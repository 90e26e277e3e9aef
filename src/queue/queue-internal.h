#pragma once
/* Shared by the files of the queue. Functions with `tx` run on the writer thread. */

#include "base/clock.h"
#include "queue/queue.h"
#include "queue/transitions.h"
#include "queue/underway.h"
#include "store/figures.h"

#include <pthread.h>

#define SC_QUEUE_SLICE 100      /* rows per transaction of bulk work */
#define SC_FAIR_EVERY 10        /* one claim, one admission in this many takes the oldest */
#define SC_FREE_INTERRUPTIONS 4 /* so many come back at once, the next ones back off */
/* … for at most so long: whoever pulled the plug twenty times waits for no job for minutes. */
#define SC_INTERRUPTION_WAIT_MS 5000

struct sc_hook {
    sc_ready_fn fn;
    void *ctx;
};

struct sc_queue {
    struct sc_store *store;
    struct sc_hub *hub;            /* NULL: nobody is told */
    struct sc_queue_config config; /* the writer thread's; it writes under the lock, too */
    int64_t generation;
    int64_t clock_offset_ms; /* wall minus monotonic, at open */
    uint64_t jitter_seed;

    /* the writer thread's */
    unsigned claim_turn;
    unsigned admission_turn[SC_CLASS_COUNT_];
    int64_t clock_saved_ms;

    /* Guards the hooks, and is held while they are called; what is under way; what was said; and
     * the writes of config. */
    pthread_mutex_t lock;
    struct sc_under_way under_way[SC_UNDER_WAY];
    struct sc_said_list said;
    struct sc_hook on_ready[SC_QUEUE_LISTENERS], on_cancel[SC_QUEUE_LISTENERS];
    sc_silent_fn on_silent;
    sc_due_fn on_due;
    sc_event_write_fn on_event;
    void *silent_ctx, *due_ctx, *event_ctx;
};

/* ---- clock.c ---- */

/* Milliseconds that the nth attempt (from 1) has to wait: exponential, the upper half by chance.
 * The chance comes from seed, task and epoch alone. */
int64_t sc_queue_backoff_ms(const struct sc_queue *queue, int64_t task, int64_t epoch, int nth);

/* ---- jobs.c: what every step needs to know of its job, without texts ---- */

struct sc_job_brief {
    int64_t id, owner_id;
    char job_id[SC_UUID_TEXT];
    enum sc_class class;
    enum sc_job_state state;
    int stage; /* -1: none yet */
    enum sc_admission admission;
    bool counted, split_done;
    int chunks_total, chunks_completed;
    int64_t split_samples, duration_ms;       /* duration -1: unknown */
    int64_t timeout_ms;                       /* -1: none */
    int64_t started_clock_ms, stage_clock_ms; /* -1: not yet */
    struct sc_job_figure figure;              /* as the figures count it now */
};
SC_MUST_USE enum sc_code sc_job_brief_get(struct sc_conn *conn, int64_t job,
                                          struct sc_job_brief *out, struct sc_error *err);
int sc_job_brief_progress(const struct sc_job_brief *job);

/* ---- tasks.c ---- */

struct sc_task_row {
    struct sc_task task;
    char worker[SC_WORKER_NAME]; /* the holder's */
    int max_failures;            /* of its job; 0: the queue's */
};
/* TASK_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_task_row_get(struct sc_conn *conn, int64_t id, struct sc_task_row *out,
                                         struct sc_error *err);
/* LEASE_LOST unless the task runs under this fence; `found`: the answer of sc_task_row_get. */
SC_MUST_USE enum sc_code sc_task_row_check(const struct sc_task_row *row,
                                           const struct sc_fence *fence, enum sc_code found,
                                           struct sc_error *err);
SC_MUST_USE enum sc_code sc_task_row_fenced(struct sc_conn *conn, const struct sc_fence *fence,
                                            struct sc_task_row *out, struct sc_error *err);
struct sc_task_leave {
    enum sc_task_state to;
    int64_t worker_id;    /* 0: none */
    int64_t run_after_ms; /* -1: none */
    int failures, interruptions;
    const struct sc_error *why; /* NULL: none */
};
/* Out of the running state. */
SC_MUST_USE enum sc_code sc_task_leave(struct sc_queue *queue, struct sc_conn *tx,
                                       const struct sc_task *task,
                                       const struct sc_task_leave *leave, struct sc_error *err);
/* One task, or all of a job that are in `from`. *moved (NULL allowed): how many there were. */
SC_MUST_USE enum sc_code sc_task_move(struct sc_conn *tx, int64_t task, enum sc_task_state from,
                                      enum sc_task_state to, struct sc_error *err);
SC_MUST_USE enum sc_code sc_task_move_all(struct sc_conn *tx, int64_t job, enum sc_task_state from,
                                          enum sc_task_state to, int64_t *moved,
                                          struct sc_error *err);
/* Has the stage chunks that count for the job's progress? */
bool sc_stage_has_chunks(enum sc_stage stage);

/* Ids of a statement's rows, at most cap; reset afterwards. */
SC_MUST_USE enum sc_code sc_queue_ids(struct sc_stmt *st, int64_t *ids, size_t cap, size_t *count,
                                      struct sc_error *err);

/* ---- finish.c ---- */

/* A running task is given back at no charge, for whoever has it. Nothing happens when it no longer
 * runs. */
SC_MUST_USE enum sc_code sc_task_put_back(struct sc_queue *queue, struct sc_conn *tx, int64_t task,
                                          struct sc_error *err);
enum sc_setback { SC_SETBACK_FAILURE, SC_SETBACK_INTERRUPTION };
/* A running task did not end well: it comes back, at once or later, or it is dead and its job
 * fails. Nothing happens when it no longer runs. */
SC_MUST_USE enum sc_code sc_task_setback(struct sc_queue *queue, struct sc_conn *tx, int64_t task,
                                         enum sc_setback kind, const struct sc_error *why,
                                         struct sc_error *err);

/* ---- workers.c ---- */

/* It claims: a sign of life, noted when the last one is older than half a lease, so that idle
 * workers, which send no heartbeats, are not taken for gone. name: SC_WORKER_NAME bytes. */
SC_MUST_USE enum sc_code sc_worker_seen(struct sc_queue *queue, struct sc_conn *tx,
                                        int64_t worker_id, char *name, struct sc_error *err);

/* ---- admission.c ---- */

/* Admits jobs of the class until its places are taken. */
SC_MUST_USE enum sc_code sc_admission_fill(struct sc_queue *queue, struct sc_conn *tx,
                                           enum sc_class class, struct sc_error *err);
/* A waiting job: in at once when it takes no place, else when its turn comes. */
SC_MUST_USE enum sc_code sc_admission_enter(struct sc_queue *queue, struct sc_conn *tx,
                                            const struct sc_job_brief *job, struct sc_error *err);
/* A scheduled job becomes a waiting one, and perhaps an admitted one. */
SC_MUST_USE enum sc_code sc_admission_due(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                          struct sc_error *err);
SC_MUST_USE enum sc_code sc_admission_move(struct sc_conn *tx, int64_t job, enum sc_admission from,
                                           enum sc_admission to, struct sc_error *err);

/* ---- lifecycle.c ---- */

struct sc_verdict {
    enum sc_job_state to;
    const struct sc_error *why; /* of a failure */
    int stage, chunk;           /* where it failed, -1: none */
    bool dead_letter;
};
SC_MUST_USE enum sc_code sc_job_end(struct sc_queue *queue, struct sc_conn *tx,
                                    struct sc_job_brief *job, const struct sc_verdict *verdict,
                                    struct sc_error *err);
/* The first claim of a pending job, for its first stage. */
SC_MUST_USE enum sc_code sc_job_start(struct sc_queue *queue, struct sc_conn *tx,
                                      struct sc_job_brief *job, enum sc_stage stage,
                                      struct sc_error *err);
SC_MUST_USE enum sc_code sc_job_set_stage(struct sc_queue *queue, struct sc_conn *tx,
                                          struct sc_job_brief *job, enum sc_stage stage,
                                          struct sc_error *err);

/* ---- events.c ---- */

struct sc_event sc_queue_event(enum sc_event_kind kind, const struct sc_job_brief *job);
struct sc_event sc_queue_task_event(enum sc_event_kind kind, const struct sc_job_brief *job,
                                    const struct sc_task_row *row);
/* Appends it to job_events and publishes it after the commit. */
SC_MUST_USE enum sc_code sc_queue_emit(struct sc_queue *queue, struct sc_conn *tx,
                                       struct sc_event *event, struct sc_error *err);
/* After the commit: tasks became ready; tasks that somebody holds were cancelled. */
void sc_queue_note_ready(struct sc_queue *queue, struct sc_conn *tx);
void sc_queue_note_cancel(struct sc_queue *queue, struct sc_conn *tx);
/* The second, and what was passed over for the limit of a lane may go now. */
void sc_queue_note_freed(struct sc_queue *queue, struct sc_conn *tx);
void sc_queue_note_silent(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id);

/* ---- stats.c ---- */

/* Which classes are paused. */
SC_MUST_USE enum sc_code sc_queue_paused(struct sc_conn *conn, bool out[SC_CLASS_COUNT_],
                                         struct sc_error *err);

/* ---- queue.c ---- */

/* Tasks of the lane that may run at the same time; 0: any number. */
int sc_queue_lane_max(const struct sc_queue *queue, const char *lane);
/* A number in the table meta; `absent` when it is not there. */
SC_MUST_USE enum sc_code sc_queue_meta_get(struct sc_conn *conn, const char *key, int64_t absent,
                                           int64_t *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_queue_meta_put(struct sc_conn *tx, const char *key, int64_t value,
                                           struct sc_error *err);
#define SC_META_GENERATION "queue.generation"
#define SC_META_CLOCK "queue.clock_ms" /* the queue's clock when it was last saved */
