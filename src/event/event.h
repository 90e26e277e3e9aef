#pragma once
/* Events: values, never pointers into live objects. Published after the commit that made them; each
 * subscriber has a bounded ring and is never waited for: on overflow it gets one GAP and re-reads
 * state from the store. Thread-safe. */

#include "base/enum.h"
#include "base/error.h"
#include "base/id.h"

enum sc_event_kind {
    SC_EVENT_JOB_CREATED,
    SC_EVENT_JOB_STARTED,
    SC_EVENT_JOB_PROGRESS,
    SC_EVENT_JOB_COMPLETED,
    SC_EVENT_JOB_FAILED,
    SC_EVENT_JOB_CANCELLED,
    SC_EVENT_JOB_RETRIED,
    SC_EVENT_STAGE_STARTED,
    SC_EVENT_STAGE_COMPLETED,
    SC_EVENT_TASK_CLAIMED,
    SC_EVENT_TASK_COMPLETED,
    SC_EVENT_TASK_FAILED,      /* counted as a failure */
    SC_EVENT_TASK_INTERRUPTED, /* lease lost, worker killed, server restarted: not its fault */
    SC_EVENT_TASK_RELEASED,    /* given back by a worker that stops */
    SC_EVENT_GAP,              /* only in rings: events after its `id` were dropped */
    SC_EVENT_JOB_CHANGED,      /* by a user: its message names the fields */
    SC_EVENT_STORAGE,          /* of no job, not in the log: much room is taken (code, message) */
    SC_EVENT_WEBHOOK_DISABLED, /* likewise: it failed for long, or its receiver wants no more */
    SC_EVENT_SEGMENT, /* only in what clients are told: text that a completed task made certain */
    SC_EVENT_SEGMENT_PROVISIONAL, /* not in the log: text of a task that still runs */
    SC_EVENT_KIND_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_event_kind);

#define SC_WORKER_NAME 64 /* bytes of a worker's name with its end */

struct sc_event {
    int64_t id; /* row of job_events: the cursor */
    enum sc_event_kind kind;
    int64_t job; /* jobs.id */
    int64_t owner_id;
    char job_id[SC_UUID_TEXT];
    int64_t at_ms;
    int state; /* sc_job_state */
    int stage; /* sc_stage, -1: none */
    int chunk; /* -1: none */
    int attempt;
    int64_t epoch;
    int64_t duration_ms;   /* what happened took so long; -1: none */
    int64_t audio_ms;      /* of the job's recording; -1: not known */
    int64_t eta_ms;        /* to the end of the job; -1: not known. Not in the log */
    int progress;          /* 0..100 */
    int64_t transcript_id; /* 0: none */
    int64_t said;          /* of SEGMENT_PROVISIONAL, which text: grows; 0: none */
    enum sc_code code;
    char worker[SC_WORKER_NAME];
    char message[160];
};

struct sc_hub;
struct sc_subscriber;

/* Never NULL. */
struct sc_hub *sc_hub_new(void);
void sc_hub_free(struct sc_hub *hub);
SC_DEFINE_FREEP(struct sc_hub, sc_hub_free);
/* To every subscriber whose filter matches; never blocks beyond a short lock. */
void sc_hub_publish(struct sc_hub *hub, const struct sc_event *event);
bool sc_hub_has_subscribers(struct sc_hub *hub);
int sc_hub_subscribers(struct sc_hub *hub);

/* Called on the publishing thread when a ring goes from empty to filled. Must not block, nor open,
 * close or publish; sc_subscriber_next is allowed. Never called once the close has returned. */
typedef void (*sc_wake_fn)(void *ctx);

/* job 0: all of the owner's; owner_id 0: of everybody. ring: how many events it holds, at least 1.
 * wake may be NULL. Never NULL. Close it before its hub. */
struct sc_subscriber *sc_subscriber_open(struct sc_hub *hub, int64_t owner_id, int64_t job,
                                         size_t ring, sc_wake_fn wake, void *ctx);
/* NULL allowed. No other thread may be using it. */
void sc_subscriber_close(struct sc_subscriber *sub);
SC_DEFINE_FREEP(struct sc_subscriber, sc_subscriber_close);
/* Takes the oldest event; false when the ring is empty. After a GAP (taken like an event) re-read
 * state from the store: the ring is filled again from then on. */
bool sc_subscriber_next(struct sc_subscriber *sub, struct sc_event *out);
/* Waits for one until the monotonic deadline (sc_clock_mono_ms; negative: for ever). */
bool sc_subscriber_wait(struct sc_subscriber *sub, int64_t deadline_ms, struct sc_event *out);
