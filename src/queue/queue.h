#pragma once
/* The queue: jobs and their tasks, admission, claims with leases and epochs, retries, cancelling.
 *
 * State is in the store; functions that take a `tx` run inside a write (sc_store_write) and
 * compose: several of them in one write are one transaction. Each appends to job_events and
 * publishes to the hub after the commit. Legal transitions stand in one table
 * (queue/transitions.c). */

#include "event/event.h"
#include "queue/job.h"
#include "queue/list.h"
#include "queue/said.h"
#include "queue/task.h"
#include "store/store.h"

/* Settings. 0 takes the value named here. */
#define SC_LANE_LIMITS 8
struct sc_lane_limit {
    const char *lane; /* borrowed until the queue is closed; NULL ends the list */
    int max;          /* tasks of the lane that run at the same time, over all workers */
};
struct sc_queue_config {
    int max_concurrent[SC_CLASS_COUNT_]; /* 2: admitted jobs per class */
    int64_t lease_ms;                    /* 30 000 */
    int max_failures;                    /* 3 */
    int max_interruptions;               /* 100, back-off from the fifth, at most 5 s */
    int64_t backoff_base_ms;             /* 1 000: doubled per failure, with jitter */
    int64_t backoff_max_ms;              /* 300 000 */
    int64_t job_timeout_ms;              /* 0: none */
    int64_t idempotency_ttl_ms;          /* 24 h */
    struct sc_lane_limit lane_limits[SC_LANE_LIMITS]; /* of the others there is none */
    /* How long an ended job keeps its tasks; 0: for ever. */
    int64_t result_ttl_ms;  /* of a completed one */
    int64_t failure_ttl_ms; /* of a failed or cancelled one */
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

/* Other settings from now on: places that have become free are taken at once. The lease stays, for
 * workers were told of it. Times-to-live hold for jobs that end from now on. */
SC_MUST_USE enum sc_code sc_queue_configure(struct sc_queue *queue, struct sc_conn *tx,
                                            const struct sc_queue_config *config,
                                            struct sc_error *err);

/* The queue's clock: wall time as it stood at open, advanced by the monotonic clock, so that no
 * step of the wall clock moves it. The times of tasks (claimed_ms, lease_until_ms, back-off) are on
 * it. Thread-safe. */
int64_t sc_queue_clock_ms(const struct sc_queue *queue);

/* ---- upkeep and views ---- */

/* Expired leases, due tasks and jobs, job time-outs, old idempotency keys; bounded per call.
 * *more says that another call has work at once; *next_ms in how many milliseconds the next thing
 * is due (-1: none). */
SC_MUST_USE enum sc_code sc_queue_sweep(struct sc_queue *queue, struct sc_conn *tx, bool *more,
                                        int64_t *next_ms, struct sc_error *err);
SC_MUST_USE enum sc_code sc_queue_pause(struct sc_queue *queue, struct sc_conn *tx,
                                        enum sc_class class, bool paused, struct sc_error *err);
#define SC_TASKS_COUNTED 1000 /* no view of the queue takes longer because more are ready */
struct sc_queue_stats {
    struct {
        int64_t pending, running, failed, oldest_age_ms; /* jobs */
        bool paused;
        int max_concurrent;
    } class[SC_CLASS_COUNT_];
    int64_t tasks_ready; /* at most SC_TASKS_COUNTED: as many, or more */
    int64_t tasks_running;
    int64_t completed_total, failed_total;
};
SC_MUST_USE enum sc_code sc_queue_stats(struct sc_queue *queue, struct sc_conn *conn,
                                        struct sc_queue_stats *out, struct sc_error *err);
/* Tasks that are ready or running for lanes other than 'server': is a worker needed? *ready stops
 * somewhere above SC_TASKS_COUNTED. */
SC_MUST_USE enum sc_code sc_queue_demand(struct sc_conn *conn, int64_t *ready, int64_t *running,
                                         struct sc_error *err);

/* Called (on the writer thread, after a commit) whenever tasks of some lane became ready.
 * Listeners, at most SC_QUEUE_LISTENERS, are known by their ctx: fn NULL takes that one away, and
 * it is not called any more once this has returned. A listener must not block, nor come or go in a
 * call. */
#define SC_QUEUE_LISTENERS 4
typedef void (*sc_ready_fn)(void *ctx);
void sc_queue_on_ready(struct sc_queue *queue, sc_ready_fn fn, void *ctx);
/* Called after a commit that cancelled tasks which a worker holds. Listeners as above. */
void sc_queue_on_cancel(struct sc_queue *queue, sc_ready_fn fn, void *ctx);
/* Called (on the writer thread, after a commit) with the holder of each lease that ran out. One
 * listener; fn NULL takes it away. It must not block. */
typedef void (*sc_silent_fn)(void *ctx, int64_t worker_id);
void sc_queue_on_silent(struct sc_queue *queue, sc_silent_fn fn, void *ctx);

/* Called after a commit that set something for the sweep to do: in how many milliseconds. One
 * listener, as above. */
typedef void (*sc_due_fn)(void *ctx, int64_t in_ms);
void sc_queue_on_due(struct sc_queue *queue, sc_due_fn fn, void *ctx);
/* Inside a write: tells that listener, after the commit. */
void sc_queue_note_due(struct sc_queue *queue, struct sc_conn *tx, int64_t in_ms);

/* Called inside the write that makes an event, which fails with it: what must be written together
 * with the event is written here. It calls nothing of the queue. One listener; fn NULL takes it
 * away, when no write is under way. */
typedef enum sc_code (*sc_event_write_fn)(void *ctx, struct sc_conn *tx,
                                          const struct sc_event *event, struct sc_error *err);
void sc_queue_on_event(struct sc_queue *queue, sc_event_write_fn fn, void *ctx);

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

/* ---- idempotency keys ---- */

struct sc_idempotency {
    int64_t owner_id;
    const char *key;
    const char *fingerprint; /* of the request; another one under the same key is a conflict */
    int64_t job, file_id;    /* what the first request made; 0: nothing */
};
/* Inside the write that creates: fills job and file_id of the earlier request, both 0 when the key
 * is new (then _put follows), or IDEMPOTENCY_CONFLICT. */
SC_MUST_USE enum sc_code sc_idempotency_find(struct sc_conn *tx, struct sc_idempotency *key,
                                             struct sc_error *err);
SC_MUST_USE enum sc_code sc_idempotency_put(struct sc_conn *tx, const struct sc_idempotency *key,
                                            struct sc_error *err);

/* A request that is carried out in writes of its own: its key is claimed before them and told
 * afterwards what they made. Who finds a claim that was never ended cannot know how far it came. */
enum sc_once_state {
    SC_ONCE_NEW,  /* it is claimed now: sc_once_end or sc_once_drop follows */
    SC_ONCE_OPEN, /* claimed by a request under way */
    SC_ONCE_CUT,  /* claimed before the server was started the last time */
    SC_ONCE_DONE,
};
struct sc_once {
    int64_t owner_id;
    const char *key;
    const char *fingerprint;  /* SC_SHA256_TEXT, of the request */
    int64_t run;              /* of this start of the server: not that of another */
    enum sc_once_state state; /* out */
    char *made;               /* out: the address of what was made; owned; NULL unless DONE */
};
/* IDEMPOTENCY_CONFLICT. */
SC_MUST_USE enum sc_code sc_once_begin(struct sc_conn *tx, struct sc_once *once,
                                       struct sc_error *err);
/* once->made is what it made. A key that the request has not claimed stays as it is, and so with
 * sc_once_drop. */
SC_MUST_USE enum sc_code sc_once_end(struct sc_conn *tx, const struct sc_once *once,
                                     struct sc_error *err);
/* It made nothing: the key is as new. */
SC_MUST_USE enum sc_code sc_once_drop(struct sc_conn *tx, const struct sc_once *once,
                                      struct sc_error *err);
