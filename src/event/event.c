#include "event/event.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/metric.h"

#include <stdatomic.h>

#include "base/banned.h"

/* Two kinds of lock. The hub's guards the list and is held while events are handed out, so that a
 * subscriber is never called once its close has returned; a subscriber's guards its ring. Order:
 * hub, then subscriber. Wake functions run under the hub's lock only: they may take from the ring
 * but must not open, close or publish.
 *
 * A full ring drops what comes and notes it; the reader takes what is left, then one GAP, and only
 * then is the ring filled again. So whatever it reads from the store after the GAP is at least as
 * new as all that was dropped. */

SC_DEFINE_ENUM_STRINGS(sc_event_kind, SC_EVENT_KIND_COUNT_,
                       {
                           [SC_EVENT_JOB_CREATED] = "job_created",
                           [SC_EVENT_JOB_STARTED] = "job_started",
                           [SC_EVENT_JOB_PROGRESS] = "job_progress",
                           [SC_EVENT_JOB_COMPLETED] = "job_complete",
                           [SC_EVENT_JOB_FAILED] = "job_error",
                           [SC_EVENT_JOB_CANCELLED] = "job_cancelled",
                           [SC_EVENT_JOB_RETRIED] = "job_retried",
                           [SC_EVENT_STAGE_STARTED] = "stage_started",
                           [SC_EVENT_STAGE_COMPLETED] = "stage_completed",
                           [SC_EVENT_TASK_CLAIMED] = "task_claimed",
                           [SC_EVENT_TASK_COMPLETED] = "task_completed",
                           [SC_EVENT_TASK_FAILED] = "task_failed",
                           [SC_EVENT_TASK_INTERRUPTED] = "task_interrupted",
                           [SC_EVENT_TASK_RELEASED] = "task_released",
                           [SC_EVENT_GAP] = "gap",
                           [SC_EVENT_JOB_CHANGED] = "job_changed",
                           [SC_EVENT_STORAGE] = "storage_warning",
                           [SC_EVENT_WEBHOOK_DISABLED] = "webhook_disabled",
                           [SC_EVENT_SEGMENT] = "segment",
                           [SC_EVENT_SEGMENT_PROVISIONAL] = "segment_provisional",
                       });

struct sc_subscriber {
    struct sc_hub *hub;
    int64_t owner_id, job;
    sc_wake_fn wake;
    void *wake_ctx;
    struct sc_subscriber *next; /* guarded by the hub's lock */

    pthread_mutex_t lock;
    pthread_cond_t filled;
    /* guarded by lock */
    struct sc_event *ring;
    size_t cap, head, used;
    bool gap;
    int64_t last_id; /* of the newest event that went in: where a reader has to resume */
};

struct sc_hub {
    pthread_mutex_t lock;
    struct sc_subscriber *first; /* guarded by lock */
    atomic_int count;
};

struct sc_hub *sc_hub_new(void)
{
    struct sc_hub *hub = sc_alloc(sizeof(*hub));
    sc_assert(pthread_mutex_init(&hub->lock, NULL) == 0);
    return hub;
}

void sc_hub_free(struct sc_hub *hub)
{
    if (hub == NULL)
        return;
    sc_assert(hub->first == NULL); /* subscribers are closed before their hub */
    sc_assert(pthread_mutex_destroy(&hub->lock) == 0);
    free(hub);
}

int sc_hub_subscribers(struct sc_hub *hub)
{
    return atomic_load(&hub->count);
}

bool sc_hub_has_subscribers(struct sc_hub *hub)
{
    return sc_hub_subscribers(hub) > 0;
}

static bool wants(const struct sc_subscriber *sub, const struct sc_event *event)
{
    if (sub->job != 0 && sub->job != event->job)
        return false;
    return sub->owner_id == 0 || sub->owner_id == event->owner_id;
}

/* True when the reader has to be woken: the ring was empty. */
static bool push(struct sc_subscriber *sub, const struct sc_event *event)
{
    SC_LOCK(&sub->lock);
    if (sub->gap || sub->used == sub->cap) {
        sub->gap = true;
        SC_COUNT(events_dropped, 0, 1);
        return false;
    }
    sub->ring[(sub->head + sub->used) % sub->cap] = *event;
    sub->used++;
    if (event->id > 0)
        sub->last_id = event->id;
    sc_assert(pthread_cond_broadcast(&sub->filled) == 0);
    return sub->used == 1;
}

void sc_hub_publish(struct sc_hub *hub, const struct sc_event *event)
{
    SC_COUNT(events_published, 0, 1);
    if (!sc_hub_has_subscribers(hub))
        return;
    SC_LOCK(&hub->lock);
    for (struct sc_subscriber *sub = hub->first; sub != NULL; sub = sub->next) {
        if (wants(sub, event) && push(sub, event) && sub->wake != NULL)
            sub->wake(sub->wake_ctx);
    }
}

struct sc_subscriber *sc_subscriber_open(struct sc_hub *hub, int64_t owner_id, int64_t job,
                                         size_t ring, sc_wake_fn wake, void *ctx)
{
    struct sc_subscriber *sub = sc_alloc(sizeof(*sub));
    sub->hub = hub;
    sub->owner_id = owner_id;
    sub->job = job;
    sub->wake = wake;
    sub->wake_ctx = ctx;
    sub->cap = SC_MAX(ring, (size_t)1);
    sub->ring = sc_alloc_array(sub->cap, sizeof(sub->ring[0]));
    sc_assert(pthread_mutex_init(&sub->lock, NULL) == 0);
    sc_cond_init(&sub->filled);

    SC_LOCK(&hub->lock);
    sub->next = hub->first;
    hub->first = sub;
    atomic_fetch_add(&hub->count, 1);
    return sub;
}

static void unlink_from_hub(struct sc_subscriber *sub)
{
    SC_LOCK(&sub->hub->lock);
    struct sc_subscriber **at = &sub->hub->first;
    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    atomic_fetch_sub(&sub->hub->count, 1);
}

void sc_subscriber_close(struct sc_subscriber *sub)
{
    if (sub == NULL)
        return;
    unlink_from_hub(sub);
    sc_assert(pthread_cond_destroy(&sub->filled) == 0);
    sc_assert(pthread_mutex_destroy(&sub->lock) == 0);
    free(sub->ring);
    free(sub);
}

static bool next_locked(struct sc_subscriber *sub, struct sc_event *out)
{
    if (sub->used > 0) {
        *out = sub->ring[sub->head];
        sub->head = (sub->head + 1) % sub->cap;
        sub->used--;
        return true;
    }
    if (!sub->gap)
        return false;
    sub->gap = false;
    *out = (struct sc_event){
        .id = sub->last_id,
        .kind = SC_EVENT_GAP,
        .job = sub->job,
        .owner_id = sub->owner_id,
        .at_ms = sc_clock_wall_ms(),
        .stage = -1,
        .chunk = -1,
        .duration_ms = -1,
        .audio_ms = -1,
        .eta_ms = -1,
    };
    return true;
}

bool sc_subscriber_next(struct sc_subscriber *sub, struct sc_event *out)
{
    SC_LOCK(&sub->lock);
    return next_locked(sub, out);
}

bool sc_subscriber_wait(struct sc_subscriber *sub, int64_t deadline_ms, struct sc_event *out)
{
    SC_LOCK(&sub->lock);
    while (!next_locked(sub, out)) {
        if (!sc_cond_wait(&sub->filled, &sub->lock, deadline_ms))
            return next_locked(sub, out);
    }
    return true;
}
