/* What time alone brings about in the queue: expired leases, ended back-offs, due jobs. Neither a
 * claim nor a failure tells us of the time that it sets, so we look again soon while something is
 * under way, and every second when nothing is. */

#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"

#include "base/banned.h"

#define BUSY_MS 250
#define IDLE_MS 1000

struct sc_upkeep {
    struct sc_store *store;
    struct sc_queue *queue;
    bool failing; /* the thread's */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop; /* protected by lock */
};

struct sweep {
    struct sc_queue *queue;
    bool more;
    int64_t next_ms;
};

static enum sc_code write_sweep(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sweep *sweep = ctx;
    return sc_queue_sweep(sweep->queue, tx, &sweep->more, &sweep->next_ms, err);
}

/* Milliseconds until the next one. */
static int64_t sweep_once(struct sc_upkeep *u)
{
    struct sweep sweep = { .queue = u->queue, .next_ms = -1 };
    struct sc_error err = { 0 };
    enum sc_code code = sc_store_write(u->store, SC_RELAXED, write_sweep, &sweep, &err);
    if (code != SC_OK) {
        if (!u->failing)
            SC_LOG(WARNING, "daemon", "cannot sweep the queue", SC_S("code", sc_code_name(code)),
                   SC_S("error", err.msg));
        u->failing = true;
        return IDLE_MS;
    }
    u->failing = false;
    if (sweep.more)
        return 0;
    return sweep.next_ms < 0 ? IDLE_MS : SC_MIN(sweep.next_ms, BUSY_MS);
}

static bool wait_for(struct sc_upkeep *u, int64_t ms)
{
    SC_LOCK(&u->lock);
    int64_t end = sc_clock_mono_ms() + ms;
    while (!u->stop && sc_cond_wait(&u->changed, &u->lock, end)) {
    }
    return !u->stop;
}

static void *upkeep_main(void *ctx)
{
    struct sc_upkeep *u = ctx;
    (void)pthread_setname_np(pthread_self(), "upkeep");
    while (wait_for(u, sweep_once(u))) {
    }
    return NULL;
}

enum sc_code sc_upkeep_open(struct sc_store *store, struct sc_queue *queue, struct sc_upkeep **out,
                            struct sc_error *err)
{
    struct sc_upkeep *u = sc_alloc(sizeof(*u));
    u->store = store;
    u->queue = queue;
    sc_assert(pthread_mutex_init(&u->lock, NULL) == 0);
    sc_cond_init(&u->changed);
    int rc = pthread_create(&u->thread, NULL, upkeep_main, u);
    if (rc != 0) {
        free(u);
        return sc_error_errno(err, rc, "cannot start the thread of upkeep");
    }
    *out = u;
    return SC_OK;
}

void sc_upkeep_close(struct sc_upkeep *u)
{
    if (u == NULL)
        return;
    {
        SC_LOCK(&u->lock);
        u->stop = true;
        (void)pthread_cond_broadcast(&u->changed);
    }
    (void)pthread_join(u->thread, NULL);
    (void)pthread_cond_destroy(&u->changed);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}
