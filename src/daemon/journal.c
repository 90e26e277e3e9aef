/* The turns of every job as lines of the server's log. A thread of its own writes them, after the
 * commit and beside the work: a slow disk delays the log and nothing else. What the ring cannot
 * hold is told as a gap; the events themselves are in the store. */

#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/macros.h"
#include "event/event.h"
#include "queue/job.h"

#include "base/banned.h"

#define RING 4096
#define FIELDS 8

struct sc_journal {
    struct sc_subscriber *subscriber;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* protected by lock */
    bool filled;
    bool stop;
};

static void wake(void *ctx)
{
    struct sc_journal *j = ctx;
    SC_LOCK(&j->lock);
    j->filled = true;
    (void)pthread_cond_broadcast(&j->changed);
}

static enum sc_log_level level_of(const struct sc_event *e)
{
    switch (e->kind) {
    case SC_EVENT_JOB_FAILED:
    case SC_EVENT_TASK_FAILED:
    case SC_EVENT_TASK_INTERRUPTED:
    case SC_EVENT_GAP:
        return SC_LOG_WARNING;
    case SC_EVENT_JOB_CREATED:
    case SC_EVENT_JOB_COMPLETED:
    case SC_EVENT_JOB_CANCELLED:
    case SC_EVENT_JOB_RETRIED:
        return SC_LOG_INFO;
    case SC_EVENT_JOB_STARTED:
    case SC_EVENT_JOB_PROGRESS:
    case SC_EVENT_STAGE_STARTED:
    case SC_EVENT_STAGE_COMPLETED:
    case SC_EVENT_TASK_CLAIMED:
    case SC_EVENT_TASK_COMPLETED:
    case SC_EVENT_TASK_RELEASED:
    case SC_EVENT_KIND_COUNT_:
        break;
    }
    return SC_LOG_DEBUG;
}

/* Without the message: it may quote an engine, and so what was said. */
static void fill_fields(const struct sc_event *e, struct sc_log_field out[FIELDS])
{
    size_t n = 0;
    out[n++] = SC_S("job", e->job_id);
    if (e->stage >= 0)
        out[n++] = SC_S("stage", sc_stage_to_string((enum sc_stage)e->stage));
    if (e->chunk >= 0)
        out[n++] = SC_I("chunk", e->chunk);
    if (e->attempt > 0)
        out[n++] = SC_I("attempt", e->attempt);
    if (e->worker[0] != '\0')
        out[n++] = SC_S("worker", e->worker);
    if (e->duration_ms >= 0)
        out[n++] = SC_I("ms", e->duration_ms);
    if (e->code != SC_OK)
        out[n++] = SC_S("code", sc_code_name(e->code));
    out[n] = (struct sc_log_field){ 0 };
}

static void write_event(const struct sc_event *e)
{
    struct sc_log_field fields[FIELDS];
    if (e->kind == SC_EVENT_GAP) {
        SC_LOG(WARNING, "job", "events came faster than they could be logged");
        return;
    }
    if (!sc_log_enabled(level_of(e)))
        return;
    fill_fields(e, fields);
    sc_log_write(level_of(e), "job", sc_event_kind_to_string(e->kind), fields);
}

/* False when it is time to go. */
static bool wait_for_events(struct sc_journal *j)
{
    SC_LOCK(&j->lock);
    while (!j->stop && !j->filled)
        (void)sc_cond_wait(&j->changed, &j->lock, -1);
    j->filled = false;
    return !j->stop;
}

static void *journal_main(void *ctx)
{
    struct sc_journal *j = ctx;
    struct sc_event event;
    (void)pthread_setname_np(pthread_self(), "journal");
    bool more = true;
    while (more) {
        more = wait_for_events(j);
        /* What was published before the stop is written still. */
        while (sc_subscriber_next(j->subscriber, &event))
            write_event(&event);
    }
    return NULL;
}

enum sc_code sc_journal_open(struct sc_hub *hub, struct sc_journal **out, struct sc_error *err)
{
    struct sc_journal *j = sc_alloc(sizeof(*j));
    sc_assert(pthread_mutex_init(&j->lock, NULL) == 0);
    sc_cond_init(&j->changed);
    j->subscriber = sc_subscriber_open(hub, 0, 0, RING, wake, j);
    int rc = pthread_create(&j->thread, NULL, journal_main, j);
    if (rc != 0) {
        sc_subscriber_close(j->subscriber);
        free(j);
        return sc_error_errno(err, rc, "cannot start the thread of the journal");
    }
    *out = j;
    return SC_OK;
}

void sc_journal_close(struct sc_journal *j)
{
    if (j == NULL)
        return;
    {
        SC_LOCK(&j->lock);
        j->stop = true;
        (void)pthread_cond_broadcast(&j->changed);
    }
    (void)pthread_join(j->thread, NULL);
    sc_subscriber_close(j->subscriber);
    (void)pthread_cond_destroy(&j->changed);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}
