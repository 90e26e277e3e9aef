#include "media/worker-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
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

/* One call of an engine: tasks of the same engine and the same bytes of a model, of one job or of
 * several. Each has its own end: what is cancelled or late leaves the call, the others go on. */
struct batch {
    struct runner *runner;
    struct task *tasks[WORKER_TASKS]; /* borrowed */
    struct sc_buf pcm[WORKER_TASKS];
    struct sc_engine_request requests[WORKER_TASKS];
    struct sc_engine_result results[WORKER_TASKS];
    int64_t deadline_ms[WORKER_TASKS]; /* -1: none */
    bool dealt_with[WORKER_TASKS];
    size_t count, left;       /* left: to be dealt with */
    struct engine_open *open; /* what they are recognised with; borrowed */
    int64_t begun_ms;         /* 0: it never was */
    struct tasks *next;       /* NULL: others of the same claim are still to be done */
};

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

/* ---- one call ---- */

/* Nobody waits for what is lost, and nobody for a model when the worker ends. */
static bool loading_must_stop(void *ctx)
{
    const struct batch *b = ctx;
    const bool endless = SC_FAULT("worker.load"); /* for tests: it is loaded for ever */
    for (;;) {
        bool wanted = false;
        for (size_t i = 0; i < b->count; i++)
            wanted = wanted || !atomic_load(&b->tasks[i]->lost);
        if (!wanted || worker_stopping_for(b->runner->worker, 0))
            return true;
        if (!endless)
            return false;
        sc_clock_sleep_ms(5);
    }
}

static enum sc_code open_engine(struct batch *b, struct sc_error *err)
{
    const struct task *t = b->tasks[0];
    struct engine_cache *cache = &b->runner->cache;
    const char *options[WORKER_TASKS];
    const struct engine_wanted wanted = { .engine = sc_engine_find(t->engine),
                                          .model = t->model,
                                          .hash = t->model_hash,
                                          .is_local = b->runner->worker->lifeline >= 0,
                                          .options = options,
                                          .count = b->count };
    const struct sc_engine_stop stop = { loading_must_stop, b };
    if (wanted.engine == NULL)
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE, "this worker has no engine '%s'",
                            t->engine);
    for (size_t i = 0; i < b->count; i++)
        options[i] = b->tasks[i]->settings;
    (void)engine_cache_expire(cache);
    return engine_cache_get(cache, &wanted, &stop, &b->open, err);
}

static bool is_late(const struct batch *b, size_t i)
{
    return b->deadline_ms[i] >= 0 && sc_clock_mono_ms() >= b->deadline_ms[i];
}

/* What nobody waits for is left out of the call, which ends when that is all of it. A server ends
 * the worker of a cancelled task that still runs: of one that is left out nothing runs. */
static bool engine_must_stop(void *ctx)
{
    struct batch *b = ctx;
    size_t wanted = 0;
    for (size_t i = 0; i < b->count; i++) {
        if (!b->dealt_with[i] && (atomic_load(&b->tasks[i]->lost) || is_late(b, i)))
            atomic_store(&b->tasks[i]->unwanted, true);
        wanted += !b->dealt_with[i] && !atomic_load(&b->tasks[i]->unwanted);
    }
    for (size_t i = 0; i < b->count && wanted > 0; i++) {
        if (atomic_load(&b->tasks[i]->unwanted))
            atomic_store(&b->tasks[i]->running, false);
    }
    return wanted == 0 || worker_stopping_for(b->runner->worker, WORKER_GRACE_MS);
}

/* In the log of the job that had to wait for it; returns how long that was, 0 when it is told. */
static int64_t tell_load(struct engine_open *open, struct sc_engine_result *result)
{
    if (open == NULL) /* it could not be had */
        return 0;
    int64_t took = SC_MAX(open->load_ms, 0);
    if (open->load_ms >= 0 && open->bytes > 0)
        sc_buf_printf(&result->log, "model %s loaded in %lld ms, %lld MB\n",
                      open->model[0] == '\0' ? open->engine->name : open->model, (long long)took,
                      (long long)(open->bytes / 1000000));
    open->load_ms = -1;
    return took;
}

/* Says how one of them ended; with the last goes the claim of what comes next, unless the worker
 * ends. A cancelled one is nobody's any more; what was left out otherwise came too late. */
static void hand_in(struct batch *b, size_t i, struct sc_engine_result *result)
{
    struct task *t = b->tasks[i];
    struct worker *w = b->runner->worker;
    atomic_store(&t->running, false);
    b->dealt_with[i] = true;
    b->left--;
    if (result->code == SC_E_CANCELLED)
        result->code = sc_error_set(&result->error, SC_E_TIMEOUT,
                                    "the engine did not finish the chunk in time");
    if (!atomic_load(&t->lost)) {
        const struct delivery delivery = {
            .task = t,
            .result = result,
            .processing_ms =
                b->begun_ms == 0 ? 0 : (sc_clock_mono_ms() - b->begun_ms) / (int64_t)b->count,
            .load_ms = tell_load(b->open, result),
            .why = result->code == SC_OK ? NULL : &result->error,
            .next = b->left == 0 && !worker_stopping_for(w, 0) ? b->next : NULL,
        };
        deliver(w, b->runner->client, &delivery);
    }
    atomic_store(&t->lost, true); /* heartbeats name it no more */
    sc_engine_result_done(result);
}

static void hand_in_early(const struct sc_engine_request *request, struct sc_engine_result *result)
{
    struct batch *b = request->done_ctx;
    hand_in(b, (size_t)(request - b->requests), result);
}

/* More than this waits for no server. */
#define SAID_MAX ((size_t)65536)

/* The main thread tells it: a server that does not answer keeps no engine waiting. */
static void note_said(const struct sc_engine_request *request, const struct sc_segments *segments,
                      size_t first)
{
    struct batch *b = request->so_far_ctx;
    struct task *t = b->tasks[request - b->requests];
    struct worker *w = b->runner->worker;
    SC_LOCK(&w->lock);
    if (t->said.len > SAID_MAX)
        sc_buf_reset(&t->said);
    if (t->said.len == 0)
        t->said_first = (int64_t)first;
    write_segments(segments, first, &t->said);
    w->has_said = true;
    (void)pthread_cond_broadcast(&w->changed);
}

static enum sc_code call_engine(struct batch *b, struct sc_error *err)
{
    const struct sc_engine_stop stop = { engine_must_stop, b };
    const struct engine_open *open = b->open;
    b->begun_ms = sc_clock_mono_ms();
    for (size_t i = 0; i < b->count; i++) {
        struct task *t = b->tasks[i];
        b->dealt_with[i] = false;
        b->deadline_ms[i] = t->timeout_ms > 0 ? b->begun_ms + t->timeout_ms : -1;
        b->results[i] = (struct sc_engine_result){ 0 };
        b->requests[i] = (struct sc_engine_request){
            .pcm = (const int16_t *)(const void *)b->pcm[i].ptr,
            .samples = b->pcm[i].len / sizeof(int16_t),
            .start_ms = t->start_ms,
            .until_ms = t->until_ms,
            .carry = t->carry,
            .chunk = t->chunk,
            .attempt = t->attempt,
            .language = t->language,
            .settings = t->settings,
            .progress = &t->progress,
            .unwanted = &t->unwanted,
            .done = hand_in_early,
            .done_ctx = b,
            .so_far = note_said,
            .so_far_ctx = b,
        };
        atomic_store(&t->running, true);
    }
    if (b->count > 1)
        SC_LOG(INFO, "worker", "chunks are heard in one call", SC_I("chunks", b->count),
               SC_S("engine", open->engine->name));
    enum sc_code code =
        open->engine->transcribe(open->state, b->requests, b->results, b->count, &stop, err);
    engine_cache_used(b->open);
    for (size_t i = 0; i < b->count; i++)
        atomic_store(&b->tasks[i]->running, false);
    return code;
}

static void release_left(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!b->dealt_with[i])
            release(b->runner, b->tasks[i]);
    }
}

static void hand_in_left(struct batch *b, enum sc_code code, const struct sc_error *why)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->dealt_with[i])
            continue;
        if (code != SC_OK) {
            b->results[i].code = code;
            b->results[i].error = *why;
        }
        hand_in(b, i, &b->results[i]);
    }
}

static void run_batch(struct batch *b);

/* The call failed as a whole: what was the matter with it need not be so with each of them. */
static void try_each_alone(const struct batch *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->dealt_with[i])
            continue;
        struct batch one = { .runner = b->runner, .tasks = { b->tasks[i] }, .count = 1 };
        one.pcm[0] = b->pcm[i]; /* borrowed */
        run_batch(&one);
    }
}

static void run_batch(struct batch *b)
{
    struct sc_error err = { 0 };
    b->left = b->count;
    enum sc_code code = open_engine(b, &err);
    if (code == SC_OK)
        code = call_engine(b, &err);
    const bool stopped = code == SC_E_CANCELLED;
    if (stopped && (b->open == NULL || worker_stopping_for(b->runner->worker, WORKER_GRACE_MS)))
        release_left(b);
    else if (code != SC_OK && !stopped && b->left > 1)
        try_each_alone(b);
    else
        hand_in_left(b, code, &err);
}

/* ---- from claims to calls ---- */

static bool same_call(const struct task *a, const struct task *b)
{
    return strcmp(a->engine, b->engine) == 0 && strcmp(a->model, b->model) == 0 &&
           strcmp(a->model_hash, b->model_hash) == 0;
}

static size_t batch_of(const struct worker *w, const char *engine)
{
    for (size_t i = 0; i < w->engine_count; i++) {
        if (strcmp(w->engines[i]->name, engine) == 0)
            return (size_t)w->batch[i];
    }
    return 1;
}

static void batch_done(struct batch *b)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(b->pcm); i++)
        sc_buf_done(&b->pcm[i]);
}

/* Runs neighbours of the same engine and model together; returns how many tasks are dealt with. */
static size_t run_some(struct runner *r, struct task *tasks, size_t count)
{
    SC_AUTO(batch_done) struct batch b = { .runner = r };
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
        run_batch(&b);
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
