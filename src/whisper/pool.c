/* A round is one call of sc_pool_run. Threads take parts by a counter, so that one which the system
 * keeps waiting holds up nothing but the part that it has. The caller waits for those that joined
 * the round, not for those that did not wake up in time: they find the counter at its end. */
#include "whisper/pool.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

/* So often the caller asks while others end their parts. */
#define ASK_MS 20

struct helper {
    struct sc_pool *pool;
    pthread_t id;
    int number;
};

struct sc_pool {
    int threads;
    int started; /* helpers that run: threads - 1, unless opening failed */
    struct helper *helpers;
    pthread_mutex_t turn; /* held by whoever runs a round */
    atomic_size_t next;   /* part of the round that nobody has */
    atomic_bool stopped;
    atomic_bool cut; /* some part ended in the middle */

    pthread_mutex_t lock;
    pthread_cond_t begun, ended;
    /* -- protected by lock */
    uint64_t round;
    int most;  /* helpers that may join it */
    bool open; /* a round may be joined */
    bool closing;
    int joined;
    /* -- written under lock while nobody has joined */
    sc_pool_fn fn;
    void *ctx;
    size_t parts;
    const struct sc_stop *stop; /* NULL: nobody; for the caller's thread */
};

static void help(struct sc_pool *pool, int thread)
{
    while (!atomic_load_explicit(&pool->stopped, memory_order_relaxed)) {
        const size_t part = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (part >= pool->parts)
            break;
        pool->fn(pool->ctx, part, thread);
    }
}

static bool may_join_locked(const struct sc_pool *pool, uint64_t seen)
{
    return pool->open && pool->round != seen && pool->joined < pool->most;
}

static void *helper_main(void *arg)
{
    const struct helper *self = arg;
    struct sc_pool *pool = self->pool;
    uint64_t seen = 0;

    SC_LOCK(&pool->lock);
    for (;;) {
        while (!pool->closing && !may_join_locked(pool, seen))
            (void)sc_cond_wait(&pool->begun, &pool->lock, -1);
        if (pool->closing)
            return NULL;
        seen = pool->round;
        pool->joined++;
        (void)pthread_mutex_unlock(&pool->lock);
        help(pool, self->number);
        (void)pthread_mutex_lock(&pool->lock);
        if (--pool->joined == 0)
            (void)pthread_cond_signal(&pool->ended);
    }
}

enum sc_code sc_pool_open(int threads, struct sc_pool **out, struct sc_error *err)
{
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = sc_alloc(sizeof(*pool));

    sc_assert(threads >= 1 && threads <= SC_POOL_THREADS);
    pool->threads = threads;
    pool->most = threads - 1;
    pool->helpers = sc_alloc_array((size_t)threads, sizeof(*pool->helpers));
    sc_assert(pthread_mutex_init(&pool->turn, NULL) == 0);
    sc_assert(pthread_mutex_init(&pool->lock, NULL) == 0);
    sc_cond_init(&pool->begun);
    sc_cond_init(&pool->ended);
    for (int i = 1; i < threads; i++) {
        struct helper *helper = &pool->helpers[i];
        *helper = (struct helper){ .pool = pool, .number = i };
        const int failed = pthread_create(&helper->id, NULL, helper_main, helper);
        if (failed != 0)
            return sc_error_set(err, SC_E_INTERNAL, "cannot start thread %d of %d: error %d", i + 1,
                                threads, failed);
        pool->started++;
    }
    *out = SC_TAKE(pool);
    return SC_OK;
}

void sc_pool_close(struct sc_pool *pool)
{
    if (pool == NULL)
        return;
    {
        SC_LOCK(&pool->lock);
        pool->closing = true;
        (void)pthread_cond_broadcast(&pool->begun);
    }
    for (int i = 1; i <= pool->started; i++)
        (void)pthread_join(pool->helpers[i].id, NULL);
    (void)pthread_cond_destroy(&pool->begun);
    (void)pthread_cond_destroy(&pool->ended);
    (void)pthread_mutex_destroy(&pool->lock);
    (void)pthread_mutex_destroy(&pool->turn);
    free(pool->helpers);
    free(pool);
}

void sc_pool_use(struct sc_pool *pool, int threads)
{
    SC_LOCK(&pool->lock);
    pool->most = SC_MIN(threads == 0 ? pool->threads : threads, pool->threads) - 1;
}

int sc_pool_threads(const struct sc_pool *pool)
{
    return pool->threads;
}

static bool ask(struct sc_pool *pool)
{
    if (pool->stop == NULL || !pool->stop->fn(pool->stop->ctx))
        return false;
    atomic_store_explicit(&pool->stopped, true, memory_order_relaxed);
    return true;
}

bool sc_pool_goes_on(struct sc_pool *pool, int thread)
{
    if ((thread != 0 || !ask(pool)) && !atomic_load_explicit(&pool->stopped, memory_order_relaxed))
        return true;
    atomic_store_explicit(&pool->cut, true, memory_order_relaxed);
    return false;
}

/* The caller's share. False: parts were left out. */
static bool work(struct sc_pool *pool)
{
    for (;;) {
        if (ask(pool)) {
            /* Behind the last part there is nothing left to leave out. */
            return atomic_load_explicit(&pool->next, memory_order_relaxed) >= pool->parts;
        }
        const size_t part = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (part >= pool->parts)
            return true;
        pool->fn(pool->ctx, part, 0);
    }
}

static void begin(struct sc_pool *pool, size_t helpers)
{
    pool->open = true;
    pool->round++;
    if (helpers >= (size_t)pool->started) {
        (void)pthread_cond_broadcast(&pool->begun);
        return;
    }
    for (size_t i = 0; i < helpers; i++)
        (void)pthread_cond_signal(&pool->begun);
}

/* Those who have a part yet; they hear of a stop through the caller alone. */
static void wait_for_helpers(struct sc_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (pool->joined > 0) {
        const bool asks = pool->stop != NULL && !atomic_load(&pool->stopped);
        (void)sc_cond_wait(&pool->ended, &pool->lock, asks ? sc_clock_mono_ms() + ASK_MS : -1);
        if (!asks || pool->joined == 0)
            continue;
        (void)pthread_mutex_unlock(&pool->lock);
        (void)ask(pool);
        (void)pthread_mutex_lock(&pool->lock);
    }
    (void)pthread_mutex_unlock(&pool->lock);
}

bool sc_pool_run(struct sc_pool *pool, sc_pool_fn fn, void *ctx, size_t parts,
                 const struct sc_stop *stop)
{
    SC_LOCK(&pool->turn);
    if (parts == 0)
        return true;
    {
        SC_LOCK(&pool->lock);
        pool->fn = fn;
        pool->ctx = ctx;
        pool->parts = parts;
        pool->stop = stop;
        atomic_store(&pool->next, 0);
        atomic_store(&pool->stopped, false);
        atomic_store(&pool->cut, false);
        if (parts > 1 && pool->started > 0)
            begin(pool, SC_MIN(parts - 1, (size_t)pool->most));
    }
    const bool whole = work(pool);
    wait_for_helpers(pool);
    return whole && !atomic_load(&pool->cut);
}
