#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"

#include "base/banned.h"

/* Fresh requests that may wait for a thread, for each thread: more answer 503 at once. */
#define QUEUE_PER_THREAD 32

static struct sc_request *pop(struct sc_pool *pool)
{
    SC_LOCK(&pool->lock);
    while (pool->first == NULL && !pool->stop)
        (void)sc_cond_wait(&pool->cond, &pool->lock, -1);
    struct sc_request *req = pool->first;
    if (req == NULL)
        return NULL;
    pool->first = req->next;
    if (pool->first == NULL)
        pool->last = NULL;
    req->next = NULL;
    if (req->fresh)
        pool->waiting--;
    req->fresh = false;
    req->queue_us += sc_clock_mono_us() - req->queued_us;
    return req;
}

static void *pool_main(void *ctx)
{
    struct sc_pool *pool = ctx;
    struct sc_request *req;
    (void)pthread_setname_np(pthread_self(), "http-handler");
    while ((req = pop(pool)) != NULL) {
        struct sc_park *park = &pool->http->park;
        sc_park_running(park, req);
        sc_request_run(req);
        if (req->later.armed)
            sc_park_add(park, req);
        else
            sc_request_release(req);
    }
    return NULL;
}

bool sc_pool_start(struct sc_pool *pool, struct sc_http *http, int threads)
{
    threads = SC_MAX(threads, 1);
    pool->http = http;
    pool->limit = threads * QUEUE_PER_THREAD;
    pool->threads = sc_alloc_array((size_t)threads, sizeof(*pool->threads));
    sc_assert(pthread_mutex_init(&pool->lock, NULL) == 0);
    sc_cond_init(&pool->cond);
    while (pool->thread_count < threads) {
        if (pthread_create(&pool->threads[pool->thread_count], NULL, pool_main, pool) != 0)
            return false;
        pool->thread_count++;
    }
    return true;
}

void sc_pool_stop(struct sc_pool *pool)
{
    if (pool->threads == NULL)
        return;
    {
        SC_LOCK(&pool->lock);
        pool->stop = true;
        (void)pthread_cond_broadcast(&pool->cond);
    }
    for (int i = 0; i < pool->thread_count; i++)
        (void)pthread_join(pool->threads[i], NULL);
    free(SC_TAKE(pool->threads));
    pool->thread_count = 0;
    (void)pthread_cond_destroy(&pool->cond);
    (void)pthread_mutex_destroy(&pool->lock);
}

bool sc_pool_reserve(struct sc_pool *pool)
{
    SC_LOCK(&pool->lock);
    if (pool->stop || pool->waiting >= pool->limit)
        return false;
    pool->waiting++;
    return true;
}

void sc_pool_push(struct sc_pool *pool, struct sc_request *req)
{
    req->queued_us = sc_clock_mono_us();
    SC_LOCK(&pool->lock);
    if (pool->last == NULL)
        pool->first = req;
    else
        pool->last->next = req;
    pool->last = req;
    (void)pthread_cond_signal(&pool->cond);
}
