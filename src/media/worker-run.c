#include "media/worker-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "media/engine-cache.h"

#include <string.h>

#include "base/banned.h"

#define DELIVER_MS 60000
#define FETCH_MS 10000
#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 2000

struct runner {
    struct worker *worker;
    struct sc_client *client;
    struct engine_cache cache; /* loading a model takes long */
};

/* One call of an engine: tasks of the same engine and the same bytes of a model. */
struct batch {
    struct worker *worker;
    struct task *tasks[WORKER_TASKS]; /* borrowed */
    struct sc_buf pcm[WORKER_TASKS];
    size_t count;
    struct engine_open *open; /* what they are recognised with; borrowed */
    int64_t deadline_ms;      /* -1: none */
    struct tasks *next;       /* NULL: others of the same claim are still to be done */
};

static void batch_done(struct batch *b)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(b->pcm); i++)
        sc_buf_done(&b->pcm[i]);
}

static bool calls_must_end(void *ctx)
{
    return worker_stopping_for(ctx, WORKER_CALLS_MS);
}

/* Waits before the next try and doubles the wait; false when there is none. */
static bool back_off(struct worker *w, const struct task *t, int64_t *wait_ms, int64_t until_ms)
{
    int64_t end = SC_MIN(sc_clock_mono_ms() + *wait_ms, until_ms);
    while (sc_clock_mono_ms() < end) {
        if (atomic_load(&t->lost) || calls_must_end(w))
            return false;
        sc_clock_sleep_ms(20);
    }
    *wait_ms = SC_MIN(*wait_ms * 2, BACKOFF_MAX_MS);
    return sc_clock_mono_ms() < until_ms;
}

static bool is_worth_a_retry(enum sc_code code)
{
    return sc_code_is_retryable(code) || code == SC_E_TIMEOUT;
}

static bool belongs_to_another(enum sc_code code)
{
    return code == SC_E_LEASE_LOST || code == SC_E_NOT_FOUND || code == SC_E_TASK_NOT_FOUND;
}

void deliver(struct worker *w, struct sc_client *client, const struct delivery *delivery)
{
    const struct task *t = delivery->task;
    const struct sc_error *why = delivery->why;
    int64_t until = sc_clock_mono_ms() + DELIVER_MS;
    int64_t wait = BACKOFF_MIN_MS;
    struct sc_error err = { 0 };
    struct sc_error refused = { 0 };
    for (;;) {
        enum sc_code code = why == NULL ? call_complete(w, client, delivery, &err)
                                        : call_fail(client, t, delivery->result, why, &err);
        if (code == SC_OK || belongs_to_another(code) || code == SC_E_CANCELLED)
            return;
        if (is_worth_a_retry(code)) {
            if (back_off(w, t, &wait, until))
                continue;
            SC_LOG(WARNING, "worker", "result not delivered", SC_I("task", t->id),
                   SC_S("error", err.msg));
            return;
        }
        /* A result that the server refuses would be made again for ever: say that it failed. */
        SC_LOG(ERROR, "worker", "result refused", SC_I("task", t->id), SC_S("error", err.msg));
        if (why != NULL)
            return;
        (void)sc_error_set(&refused, SC_E_ENGINE_ERROR, "the server refused the result: %.180s",
                           err.msg);
        why = &refused;
    }
}

static void give_up_on(struct runner *r, const struct task *t, const struct sc_error *why)
{
    const struct delivery failed = { .task = t, .why = why };
    deliver(r->worker, r->client, &failed);
}

static void release(struct runner *r, const struct task *t)
{
    struct sc_error err = { 0 };
    if (!atomic_load(&t->lost) && call_release(r->client, t, &err) != SC_OK)
        SC_LOG(DEBUG, "worker", "task not released", SC_I("task", t->id), SC_S("error", err.msg));
}

static enum sc_code open_engine(struct runner *r, const struct task *t, struct engine_open **out,
                                struct sc_error *err)
{
    const struct sc_engine_ops *engine = sc_engine_find(t->engine);
    if (engine == NULL)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "this worker has no engine '%s'",
                            t->engine);
    (void)engine_cache_expire(&r->cache);
    return engine_cache_get(&r->cache, engine, t->model, t->model_hash, out, err);
}

/* False: the task has been dealt with. */
static bool fetch(struct runner *r, const struct task *t, struct sc_buf *pcm)
{
    int64_t until = sc_clock_mono_ms() + FETCH_MS;
    int64_t wait = BACKOFF_MIN_MS;
    struct sc_error err = { 0 };
    for (;;) {
        enum sc_code code = call_input(r->client, t, pcm, &err);
        if (code == SC_OK)
            return true;
        if (belongs_to_another(code) || code == SC_E_CANCELLED)
            return false;
        if (is_worth_a_retry(code) && back_off(r->worker, t, &wait, until))
            continue;
        if (is_worth_a_retry(code))
            release(r, t);
        else
            give_up_on(r, t, &err);
        return false;
    }
}

static bool any_lost(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (atomic_load(&b->tasks[i]->lost))
            return true;
    }
    return false;
}

static bool is_late(const struct batch *b)
{
    return b->deadline_ms >= 0 && sc_clock_mono_ms() >= b->deadline_ms;
}

static bool engine_must_stop(void *ctx)
{
    struct batch *b = ctx;
    return any_lost(b) || is_late(b) || worker_stopping_for(b->worker, WORKER_GRACE_MS);
}

static void drop_lost(struct batch *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (atomic_load(&b->tasks[i]->lost))
            continue;
        struct sc_buf moved = b->pcm[i];
        b->pcm[i] = b->pcm[kept];
        b->pcm[kept] = moved;
        b->tasks[kept++] = b->tasks[i];
    }
    b->count = kept;
}

static void give_up(struct runner *r, struct batch *b, const struct sc_error *why)
{
    for (size_t i = 0; i < b->count; i++)
        give_up_on(r, b->tasks[i], why);
}

/* The engine was stopped: for lost tasks the others begin anew, for a passed deadline they fail,
 * for a worker that ends they are given back. True: call the engine again. */
static bool after_stop(struct runner *r, struct batch *b)
{
    struct sc_error why = { 0 };
    if (worker_stopping_for(r->worker, WORKER_GRACE_MS)) {
        for (size_t i = 0; i < b->count; i++)
            release(r, b->tasks[i]);
        return false;
    }
    if (is_late(b)) {
        (void)sc_error_set(&why, SC_E_TIMEOUT, "the engine did not finish the chunk in time");
        give_up(r, b, &why);
        return false;
    }
    drop_lost(b);
    return b->count > 0;
}

static void mark_running(const struct batch *b, bool running)
{
    for (size_t i = 0; i < b->count; i++)
        atomic_store(&b->tasks[i]->running, running);
}

static enum sc_code transcribe(struct batch *b, struct sc_engine_result *results,
                               struct sc_error *err)
{
    struct sc_engine_request requests[WORKER_TASKS];
    for (size_t i = 0; i < b->count; i++) {
        const struct task *t = b->tasks[i];
        requests[i] = (struct sc_engine_request){
            .pcm = (const int16_t *)(const void *)b->pcm[i].ptr,
            .samples = b->pcm[i].len / sizeof(int16_t),
            .start_ms = t->start_ms,
            .chunk = t->chunk,
            .attempt = t->attempt,
            .language = t->language,
            .settings = t->settings,
            .progress = &b->tasks[i]->progress,
        };
    }
    const struct sc_engine_stop stop = { engine_must_stop, b };
    mark_running(b, true);
    const struct engine_open *open = b->open;
    enum sc_code code =
        open->engine->transcribe(open->state, requests, results, b->count, &stop, err);
    mark_running(b, false);
    return code;
}

/* In the log of the job that had to wait for it; returns how long that was, 0 when it is told. */
static int64_t tell_load(struct engine_open *open, struct sc_engine_result *result)
{
    int64_t took = SC_MAX(open->load_ms, 0);
    if (open->load_ms >= 0 && open->bytes > 0)
        sc_buf_printf(&result->log, "model %s loaded in %lld ms, %lld MB\n",
                      open->model[0] == '\0' ? open->engine->name : open->model, (long long)took,
                      (long long)(open->bytes / 1000000));
    open->load_ms = -1;
    return took;
}

/* With the last one goes the claim of what comes next, unless the worker ends. */
static void deliver_all(struct runner *r, const struct batch *b, struct sc_engine_result *results,
                        int64_t took_ms)
{
    for (size_t i = 0; i < b->count; i++) {
        bool is_last = i + 1 == b->count && !worker_stopping_for(r->worker, 0);
        const struct delivery delivery = {
            .task = b->tasks[i],
            .result = &results[i],
            .processing_ms = took_ms,
            .load_ms = tell_load(b->open, &results[i]),
            .why = results[i].code == SC_OK ? NULL : &results[i].error,
            .next = is_last ? b->next : NULL,
        };
        deliver(r->worker, r->client, &delivery);
        sc_engine_result_done(&results[i]);
    }
}

static void run_batch(struct runner *r, struct batch *b)
{
    struct sc_error err = { 0 };
    if (open_engine(r, b->tasks[0], &b->open, &err) != SC_OK) {
        give_up(r, b, &err);
        return;
    }
    int64_t begun = sc_clock_mono_ms();
    int64_t timeout = b->tasks[0]->timeout_ms;
    b->deadline_ms = timeout > 0 ? begun + timeout : -1;
    for (;;) {
        struct sc_engine_result results[WORKER_TASKS] = { 0 };
        enum sc_code code = transcribe(b, results, &err);
        engine_cache_used(b->open);
        int64_t took = (sc_clock_mono_ms() - begun) / (int64_t)b->count;
        if (code == SC_E_CANCELLED) {
            if (after_stop(r, b))
                continue;
            return;
        }
        if (code != SC_OK) {
            give_up(r, b, &err);
            return;
        }
        deliver_all(r, b, results, took);
        return;
    }
}

static bool same_call(const struct task *a, const struct task *b)
{
    return strcmp(a->engine, b->engine) == 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->model_hash, b->model_hash) == 0;
}

static size_t batch_of(const struct worker *w, const char *engine)
{
    const struct sc_engine_ops *ops = sc_engine_find(engine);
    struct sc_engine_caps caps = { .batch = 1 };
    if (ops != NULL)
        ops->caps(w->config, &caps);
    return (size_t)SC_MAX(1, SC_MIN(caps.batch, WORKER_TASKS));
}

/* Runs neighbours of the same engine and model together; returns how many tasks are dealt with. */
static size_t run_some(struct runner *r, struct task *tasks, size_t count)
{
    SC_AUTO(batch_done) struct batch b = { .worker = r->worker };
    size_t limit = batch_of(r->worker, tasks[0].engine);
    size_t taken = 0;
    while (taken < count && b.count < limit && same_call(&tasks[0], &tasks[taken])) {
        struct task *t = &tasks[taken++];
        if (worker_stopping_for(r->worker, 0))
            release(r, t);
        else if (!atomic_load(&t->lost) && fetch(r, t, &b.pcm[b.count]))
            b.tasks[b.count++] = t;
    }
    b.next = taken == count ? &r->worker->next : NULL;
    if (b.count > 0)
        run_batch(r, &b);
    return taken;
}

static void run_all(struct runner *r)
{
    struct worker *w = r->worker;
    for (size_t i = 0; i < w->task_count;)
        i += run_some(r, &w->tasks[i], w->task_count - i);
}

/* Waits for work; models that nobody has needed for a while go. Called and left with the lock held.
 */
static void wait_for_work_locked(struct runner *r)
{
    struct worker *w = r->worker;
    if (sc_cond_wait(&w->changed, &w->lock, engine_cache_next_ms(&r->cache)) || w->busy ||
        w->ending)
        return;
    (void)pthread_mutex_unlock(&w->lock);
    (void)engine_cache_expire(&r->cache);
    (void)pthread_mutex_lock(&w->lock);
}

void *runner_main(void *ctx)
{
    struct worker *w = ctx;
    struct runner r = { .worker = w, .cache = { .config = w->config } };
    struct sc_error err = { 0 };
    /* The address was good for the main thread's client. */
    sc_assert(sc_client_open(w->server, w->token, &r.client, &err) == SC_OK);
    sc_client_trust(r.client, w->config->ca_file);
    sc_client_set_stop(r.client, calls_must_end, w);
    (void)pthread_mutex_lock(&w->lock);
    while (!w->ending) {
        if (!w->busy) {
            wait_for_work_locked(&r);
            continue;
        }
        (void)pthread_mutex_unlock(&w->lock);
        run_all(&r);
        (void)pthread_mutex_lock(&w->lock);
        w->busy = false;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_mutex_unlock(&w->lock);
    engine_cache_close(&r.cache);
    sc_client_close(r.client);
    return NULL;
}
