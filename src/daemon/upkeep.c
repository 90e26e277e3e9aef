/* What time alone brings about: expired leases, ended back-offs, due jobs, then what their
 * times-to-live end, and jobs that are cleaned away. The queue says when its sweep is next needed
 * (sc_queue_on_due), so an idle server wakes once a minute only, for what is told by nobody: the
 * age of logs, minutes that are forgotten, a step of the wall clock. */

#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "library/edit.h"
#include "library/erase.h"
#include "library/recount.h"
#include "pipeline/intake.h"

#include "base/banned.h"

#define IDLE_MS 60000
#define RETRY_MS 1000     /* after a failed write */
#define BUSY_MAX_MS 10000 /* while something is due: the queue's clock is saved so often */
#define STEPS_PER_TURN 20 /* of each kind, before the sweep has its turn again */
#define NEVER INT64_MAX

struct sc_upkeep {
    struct sc_store *store;
    struct sc_queue *queue;
    struct sc_pipelines *pipelines;
    bool failing; /* the thread's, as what follows */
    bool settled; /* what a kill has left of long edits */
    struct sc_erase erase;
    struct sc_recount recount;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* -- protected by lock -- */
    bool stop;
    int64_t wake_ms; /* monotonic */
};

static void note_due(void *ctx, int64_t in_ms)
{
    struct sc_upkeep *u = ctx;
    int64_t at = sc_clock_mono_ms() + SC_MAX(0, in_ms);
    SC_LOCK(&u->lock);
    if (at >= u->wake_ms)
        return;
    u->wake_ms = at;
    (void)pthread_cond_broadcast(&u->changed);
}

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

static int64_t nearer(int64_t a_ms, int64_t b_ms)
{
    return a_ms < 0 ? b_ms : b_ms < 0 ? a_ms : SC_MIN(a_ms, b_ms);
}

/* Ends what has outlived its time; *next_ms: until more has, -1: unknown. */
static enum sc_code expire(struct sc_upkeep *u, int64_t *next_ms, struct sc_error *err)
{
    *next_ms = 0;
    for (int i = 0; i < STEPS_PER_TURN && *next_ms == 0; i++) {
        enum sc_code code = sc_pipelines_expire(u->pipelines, next_ms, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

/* Goes on with what was told to be cleaned away; *next_ms: until more of it can go, -1: none is. */
static enum sc_code purge(struct sc_upkeep *u, int64_t *next_ms, struct sc_error *err)
{
    *next_ms = 0;
    for (int i = 0; i < STEPS_PER_TURN && *next_ms == 0; i++) {
        enum sc_code code = sc_pipelines_purge(u->pipelines, next_ms, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

/* Removes uploads that nobody went on with. */
static enum sc_code expire_uploads(struct sc_upkeep *u, int64_t *next_ms, struct sc_error *err)
{
    *next_ms = 0;
    for (int i = 0; i < STEPS_PER_TURN && *next_ms == 0; i++) {
        enum sc_code code = sc_intake_expire(u->pipelines, next_ms, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

/* Forgets what the history has told for long enough. */
static enum sc_code forget(struct sc_upkeep *u, int64_t *next_ms, struct sc_error *err)
{
    *next_ms = 0;
    for (int i = 0; i < STEPS_PER_TURN && *next_ms == 0; i++) {
        enum sc_code code = sc_pipelines_forget(u->pipelines, next_ms, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

/* Has deleted words leave the indexes. */
static enum sc_code erase(struct sc_upkeep *u, int64_t *next_ms, struct sc_error *err)
{
    *next_ms = 0;
    for (int i = 0; i < STEPS_PER_TURN && *next_ms == 0; i++) {
        bool paid = false;
        enum sc_code code = sc_erase_step(u->store, &u->erase, next_ms, &paid, err);
        if (code != SC_OK)
            return code;
        if (paid)
            SC_LOG(INFO, "daemon", "what was deleted has left the indexes",
                   SC_I("took_ms", u->erase.took_us / 1000));
    }
    return SC_OK;
}

/* Counts the words of what older releases stored. */
static enum sc_code recount(struct sc_upkeep *u, int64_t *next_ms, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (u->recount.done)
        return SC_OK;
    for (int i = 0; i < STEPS_PER_TURN && code == SC_OK && !u->recount.done; i++)
        code = sc_recount_step(u->store, &u->recount, err);
    *next_ms = u->recount.done ? -1 : 0;
    if (code == SC_OK && u->recount.done && u->recount.changed > 0)
        SC_LOG(INFO, "daemon", "the words of transcripts of an older release are counted",
               SC_I("changed", u->recount.changed));
    return code;
}

static void complain(struct sc_upkeep *u, const struct sc_error *err)
{
    if (!u->failing)
        SC_LOG(WARNING, "daemon", "upkeep fails", SC_S("code", sc_code_name(err->code)),
               SC_S("error", err->msg));
    u->failing = true;
}

/* Milliseconds until the next turn. */
static int64_t turn(struct sc_upkeep *u)
{
    struct sweep sweep = { .queue = u->queue, .next_ms = -1 };
    struct sc_error err = { 0 };
    int64_t expire_ms = -1;
    int64_t purge_ms = -1;
    int64_t uploads_ms = -1;
    int64_t forget_ms = -1;
    int64_t erase_ms = -1;
    int64_t recount_ms = -1;
    enum sc_code code = u->settled ? SC_OK : sc_edits_settle(u->store, &err);
    u->settled = code == SC_OK;
    if (code == SC_OK)
        code = sc_store_write(u->store, SC_RELAXED, write_sweep, &sweep, &err);
    if (code == SC_OK)
        code = expire(u, &expire_ms, &err);
    if (code == SC_OK)
        code = purge(u, &purge_ms, &err);
    if (code == SC_OK)
        code = expire_uploads(u, &uploads_ms, &err);
    if (code == SC_OK)
        code = forget(u, &forget_ms, &err);
    if (code == SC_OK && purge_ms != 0)
        code = erase(u, &erase_ms, &err);
    if (code == SC_OK)
        code = recount(u, &recount_ms, &err);
    if (code != SC_OK) {
        complain(u, &err);
        return RETRY_MS;
    }
    u->failing = false;
    sc_log_expire();
    if (sweep.more || purge_ms == 0 || expire_ms == 0 || uploads_ms == 0 || erase_ms == 0 ||
        forget_ms == 0 || recount_ms == 0)
        return 0;
    int64_t wait = nearer(nearer(sweep.next_ms, expire_ms), nearer(purge_ms, uploads_ms));
    wait = nearer(wait, erase_ms);
    if (sweep.next_ms >= 0)
        wait = SC_MIN(wait, BUSY_MAX_MS);
    return wait < 0 ? IDLE_MS : SC_MIN(wait, IDLE_MS);
}

static bool wait_for(struct sc_upkeep *u, int64_t ms)
{
    SC_LOCK(&u->lock);
    u->wake_ms = SC_MIN(u->wake_ms, sc_clock_mono_ms() + ms);
    while (!u->stop && sc_clock_mono_ms() < u->wake_ms)
        (void)sc_cond_wait(&u->changed, &u->lock, u->wake_ms);
    u->wake_ms = NEVER; /* what is due from now on is told, or found by the sweep */
    return !u->stop;
}

static void *upkeep_main(void *ctx)
{
    struct sc_upkeep *u = ctx;
    (void)pthread_setname_np(pthread_self(), "upkeep");
    while (wait_for(u, turn(u))) {
    }
    return NULL;
}

enum sc_code sc_upkeep_open(struct sc_store *store, struct sc_queue *queue,
                            struct sc_pipelines *pipelines, struct sc_upkeep **out,
                            struct sc_error *err)
{
    struct sc_upkeep *u = sc_alloc(sizeof(*u));
    u->store = store;
    u->queue = queue;
    u->pipelines = pipelines;
    u->wake_ms = NEVER;
    sc_assert(pthread_mutex_init(&u->lock, NULL) == 0);
    sc_cond_init(&u->changed);
    sc_queue_on_due(queue, note_due, u);
    int rc = pthread_create(&u->thread, NULL, upkeep_main, u);
    if (rc != 0) {
        sc_queue_on_due(queue, NULL, NULL);
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
    sc_queue_on_due(u->queue, NULL, NULL);
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
