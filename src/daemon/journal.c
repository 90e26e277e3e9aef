/* What becomes of jobs, one line each in the log. The queue publishes after its commits; the hub's
 * ring is bounded, so a slow disk under the log costs lines, never time. */

#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "base/log.h"

#include "base/banned.h"

#define RING 1024

struct sc_journal {
    struct sc_subscriber *subscriber;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* -- protected by lock -- */
    bool filled, stop;
};

enum weight { SILENT, NEWS, TROUBLE };

/* Tasks that come and go as they should are no news. */
static enum weight weight_of(enum sc_event_kind kind)
{
    switch (kind) {
    case SC_EVENT_JOB_CREATED:
    case SC_EVENT_JOB_COMPLETED:
    case SC_EVENT_JOB_CANCELLED:
    case SC_EVENT_JOB_RETRIED:
    case SC_EVENT_JOB_CHANGED:
        return NEWS;
    case SC_EVENT_JOB_FAILED:
    case SC_EVENT_TASK_FAILED:
    case SC_EVENT_TASK_INTERRUPTED:
    case SC_EVENT_STORAGE:
    case SC_EVENT_WEBHOOK_DISABLED:
    case SC_EVENT_GAP:
        return TROUBLE;
    case SC_EVENT_JOB_STARTED:
    case SC_EVENT_JOB_PROGRESS:
    case SC_EVENT_STAGE_STARTED:
    case SC_EVENT_STAGE_COMPLETED:
    case SC_EVENT_TASK_CLAIMED:
    case SC_EVENT_TASK_COMPLETED:
    case SC_EVENT_TASK_RELEASED:
    case SC_EVENT_SEGMENT:
    case SC_EVENT_SEGMENT_PROVISIONAL:
    case SC_EVENT_KIND_COUNT_:
        break;
    }
    return SILENT;
}

static void write_line(const struct sc_event *e)
{
    const char *kind = sc_event_kind_to_string(e->kind);
    switch (weight_of(e->kind)) {
    case SILENT:
        break;
    case NEWS:
        SC_LOG(INFO, "queue", kind, SC_S("job", e->job_id));
        break;
    case TROUBLE:
        if (e->kind == SC_EVENT_GAP)
            SC_LOG(WARNING, "queue", "events came too fast for the log");
        else
            SC_LOG(WARNING, "queue", kind, SC_S("job", e->job_id), SC_I("chunk", e->chunk),
                   SC_S("worker", e->worker), SC_S("code", sc_code_name(e->code)),
                   SC_S("why", e->message));
        break;
    }
}

static void ring_filled(void *ctx)
{
    struct sc_journal *j = ctx;
    SC_LOCK(&j->lock);
    j->filled = true;
    (void)pthread_cond_signal(&j->changed);
}

/* False: the end has come, and all before it is written. */
static bool wait_for_events(struct sc_journal *j)
{
    SC_LOCK(&j->lock);
    while (!j->filled && !j->stop)
        (void)sc_cond_wait(&j->changed, &j->lock, -1);
    bool more = j->filled;
    j->filled = false;
    return more;
}

static void *journal_main(void *ctx)
{
    struct sc_journal *j = ctx;
    struct sc_event event;
    (void)pthread_setname_np(pthread_self(), "journal");
    while (wait_for_events(j)) {
        while (sc_subscriber_next(j->subscriber, &event))
            write_line(&event);
    }
    return NULL;
}

enum sc_code sc_journal_open(struct sc_hub *hub, struct sc_journal **out, struct sc_error *err)
{
    struct sc_journal *j = sc_alloc(sizeof(*j));
    sc_assert(pthread_mutex_init(&j->lock, NULL) == 0);
    sc_cond_init(&j->changed);
    j->subscriber = sc_subscriber_open(hub, 0, 0, RING, ring_filled, j);
    int rc = pthread_create(&j->thread, NULL, journal_main, j);
    if (rc != 0) {
        sc_subscriber_close(j->subscriber);
        free(j);
        return sc_error_errno(err, rc, "cannot start the thread of the log");
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
        (void)pthread_cond_signal(&j->changed);
    }
    (void)pthread_join(j->thread, NULL);
    sc_subscriber_close(j->subscriber);
    (void)pthread_cond_destroy(&j->changed);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}
