#include "media/worker-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "media/media.h"
#include "models/models.h"
#include "sys/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/banned.h"

#define BACKOFF_MIN_MS 200
#define BACKOFF_MAX_MS 5000
#define EXIT_MS 4700 /* after SIGTERM, whatever hangs */

bool worker_stopping_for(struct worker *w, int64_t ms)
{
    int64_t since = atomic_load(&w->stopping_ms);
    return since != 0 && sc_clock_mono_ms() - since >= ms;
}

bool worker_sleep(struct worker *w, int64_t ms)
{
    SC_LOCK(&w->lock);
    int64_t end = sc_clock_mono_ms() + ms;
    while (!worker_stopping_for(w, 0) && sc_cond_wait(&w->changed, &w->lock, end)) {
    }
    return !worker_stopping_for(w, 0);
}

static bool is_stopping(void *ctx)
{
    return worker_stopping_for(ctx, 0);
}

/* ---- the watcher ---- */

static void begin_stop(struct worker *w)
{
    SC_LOCK(&w->lock);
    if (atomic_load(&w->stopping_ms) == 0)
        atomic_store(&w->stopping_ms, SC_MAX(sc_clock_mono_ms(), 1));
    (void)pthread_cond_broadcast(&w->changed);
    if (!w->ending)
        sc_client_wake(w->client);
}

static bool lifeline_is_cut(int fd)
{
    char byte;
    ssize_t n = read(fd, &byte, 1);
    return n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

/* What an engine has started ends with us. */
static void leave(void)
{
    sc_run_sweep();
    _exit(SC_EXIT_OK);
}

static void *watch(void *ctx)
{
    struct worker *w = ctx;
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    SC_AUTO_CLOSE int fd = signalfd(-1, &signals, SFD_CLOEXEC);
    for (;;) {
        struct pollfd polled[2] = {
            { .fd = fd, .events = POLLIN },
            { .fd = w->lifeline, .events = POLLIN },
        };
        bool stopping = worker_stopping_for(w, 0);
        (void)poll(polled, SC_ARRAY_LEN(polled), stopping ? 100 : -1);
        /* The server that started us is gone: so is the right to be here. */
        if (polled[1].revents != 0 && lifeline_is_cut(w->lifeline))
            leave();
        if (worker_stopping_for(w, EXIT_MS))
            leave();
        struct signalfd_siginfo info;
        if (polled[0].revents != 0 && read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
            begin_stop(w);
    }
    return NULL;
}

/* ---- the main thread ---- */

static bool is_final(enum sc_code code)
{
    return code == SC_E_UNAUTHENTICATED || code == SC_E_FORBIDDEN || code == SC_E_INVALID_VALUE ||
           code == SC_E_INVALID_REQUEST;
}

/* Tries until the server answers. CANCELLED when stopping. */
static enum sc_code register_worker(struct worker *w, struct sc_error *err)
{
    int64_t wait = BACKOFF_MIN_MS;
    bool said = false;
    w->id = 0;
    for (;;) {
        enum sc_code code = call_register(w, err);
        if (code == SC_OK)
            SC_LOG(INFO, "worker", "registered", SC_S("name", w->name), SC_I("worker", w->id));
        if (code == SC_OK || code == SC_E_CANCELLED || is_final(code))
            return code;
        if (!said)
            SC_LOG(WARNING, "worker", "waiting for the server", SC_S("error", err->msg));
        said = true;
        if (!worker_sleep(w, wait))
            return sc_error_set(err, SC_E_CANCELLED, "stopping");
        wait = SC_MIN(wait * 2, BACKOFF_MAX_MS);
    }
}

static void mark_all_lost(struct worker *w)
{
    for (size_t i = 0; i < w->task_count; i++)
        atomic_store(&w->tasks[i].lost, true);
}

/* True once the runner has dealt with all tasks; false at the time of the next heartbeat, or when
 * there is something to be told before. */
static bool wait_for_runner(struct worker *w, int64_t until_ms)
{
    SC_LOCK(&w->lock);
    while (w->busy && !w->has_said && sc_cond_wait(&w->changed, &w->lock, until_ms)) {
    }
    return !w->busy;
}

static void set_has_said(struct worker *w, bool has_said)
{
    SC_LOCK(&w->lock);
    w->has_said = has_said;
}

/* What is said so far in chunks that go on. It is worth one try: the result has all of it. A
 * heartbeat is worth more: at its time the rest stays to be told. */
static void tell_said(struct worker *w, int64_t until_ms)
{
    struct sc_error err = { 0 };
    enum sc_code code = SC_OK;
    set_has_said(w, false);
    for (size_t i = 0; i < w->task_count; i++) {
        struct task *t = &w->tasks[i];
        int64_t left_ms = until_ms - sc_clock_mono_ms();
        if (left_ms <= 0 || code == SC_E_TIMEOUT) {
            set_has_said(w, true);
            return;
        }
        SC_AUTO_BUF text = { 0 };
        struct saying what = { 0 };
        {
            SC_LOCK(&w->lock);
            text = t->said;
            t->said = (struct sc_buf){ 0 };
            what = (struct saying){ t->said_first, sc_buf_str(&text) };
        }
        if (text.len == 0 || text.failed || t->is_mute || w->id == 0 || atomic_load(&t->lost))
            continue;
        code = call_say(w, t, &what, left_ms, &err);
        t->is_mute = code != SC_OK && code != SC_E_TIMEOUT && !sc_code_is_retryable(code);
        if (code != SC_OK)
            SC_LOG(DEBUG, "worker", "not told what was said", SC_I("task", t->id),
                   SC_S("error", err.msg));
    }
}

/* Hands the claimed tasks to the runner and heartbeats until they are dealt with. The tasks'
 * identities do not change meanwhile, so reading them needs no lock. */
static void run_tasks(struct worker *w)
{
    struct sc_error err = { 0 };
    {
        SC_LOCK(&w->lock);
        w->busy = true;
        (void)pthread_cond_broadcast(&w->changed);
    }
    int64_t next = sc_clock_mono_ms() + w->heartbeat_ms;
    while (!wait_for_runner(w, next)) {
        tell_said(w, next);
        if (sc_clock_mono_ms() < next)
            continue;
        enum sc_code code = w->id == 0 ? SC_OK : call_heartbeat(w, &err);
        next = sc_clock_mono_ms() + (code == SC_OK ? w->heartbeat_ms : w->heartbeat_ms / 4 + 10);
        if (code == SC_E_NOT_FOUND) {
            /* Another server by now: it does not know us and has given our tasks back. */
            mark_all_lost(w);
            w->id = 0;
        }
    }
}

static void finish_noops(struct worker *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->task_count; i++) {
        bool is_last = i + 1 == w->task_count && kept == 0 && !worker_stopping_for(w, 0);
        if (w->tasks[i].is_noop) {
            const struct delivery done = {
                .task = &w->tasks[i],
                .next = is_last ? &w->next : NULL,
            };
            deliver(w, w->client, &done);
            task_done(&w->tasks[i]);
        } else if (kept++ != i) {
            w->tasks[kept - 1] = w->tasks[i];
            w->tasks[i] = (struct task){ 0 };
        }
    }
    w->task_count = kept;
}

static void forget_tasks(struct worker *w)
{
    for (size_t i = 0; i < w->task_count; i++)
        task_done(&w->tasks[i]);
    w->task_count = 0;
}

/* Turns to what was claimed with the last result; false: nothing was. */
static bool go_on(struct worker *w)
{
    forget_tasks(w);
    for (size_t i = 0; i < w->next.count; i++) {
        w->tasks[i] = w->next.at[i];
        w->next.at[i] = (struct task){ 0 };
    }
    w->task_count = w->next.count;
    w->next.count = 0;
    if (w->next.as_of > 0)
        w->as_of = w->next.as_of;
    w->next.as_of = 0;
    return w->task_count > 0;
}

static void work_off(struct worker *w)
{
    do {
        finish_noops(w);
        if (w->task_count > 0)
            run_tasks(w);
    } while (go_on(w));
}

static enum sc_code serve(struct worker *w, struct sc_error *err)
{
    int64_t wait = BACKOFF_MIN_MS;
    while (!worker_stopping_for(w, 0)) {
        sc_client_set_stop(w->client, is_stopping, w);
        enum sc_code code = w->id == 0 ? register_worker(w, err) : SC_OK;
        if (code == SC_E_CANCELLED)
            break;
        if (code != SC_OK)
            return code;
        code = call_claim(w, err);
        sc_client_set_stop(w->client, NULL, NULL);
        if (code == SC_OK) {
            wait = BACKOFF_MIN_MS;
            work_off(w);
        } else if (code == SC_E_NOT_FOUND) {
            w->id = 0;
        } else if (is_final(code)) {
            return code;
        } else if (worker_sleep(w, wait)) {
            wait = SC_MIN(wait * 2, BACKOFF_MAX_MS);
        }
    }
    return SC_OK;
}

static enum sc_code start_and_serve(struct worker *w, struct sc_error *err)
{
    pthread_t runner;
    pthread_t watcher;
    (void)pthread_mutex_init(&w->lock, NULL);
    sc_cond_init(&w->changed);
    enum sc_code code = sc_client_open(w->server, w->token, &w->client, err);
    if (code != SC_OK)
        return code;
    sc_client_trust(w->client, w->config->ca_file);
    sc_client_expect_wake(w->client);
    sc_assert(pthread_create(&watcher, NULL, watch, w) == 0);
    sc_assert(pthread_detach(watcher) == 0);
    sc_assert(pthread_create(&runner, NULL, runner_main, w) == 0);
    code = serve(w, err);
    {
        SC_LOCK(&w->lock);
        w->ending = true;
        (void)pthread_cond_broadcast(&w->changed);
    }
    (void)pthread_join(runner, NULL);
    sc_client_close(w->client);
    return code;
}

/* ---- the command line ---- */

static bool add_engine(struct worker *w, const struct sc_engine_ops *engine)
{
    if (w->engine_count == WORKER_ENGINES)
        return false;
    struct sc_engine_caps caps;
    engine->caps(w->config, &caps);
    int batch = SC_MAX(1, SC_MIN(caps.batch, WORKER_TASKS));
    w->batch[w->engine_count] = batch;
    w->engines[w->engine_count++] = engine;
    w->max_chunks = SC_MAX(w->max_chunks, batch);
    return true;
}

/* An engine whose models are files can run with those of a full path, and with what is added later.
 * A worker of this server shares its folder; one of another host that has no model is asked for
 * none. */
static bool may_run(const struct worker *w, const struct sc_engine_ops *engine)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_engine_caps caps;
    engine->caps(w->config, &caps);
    bool has =
        !caps.model_files || w->lifeline >= 0 || sc_models_find(w->config, "", &m, NULL) == SC_OK;
    return has && engine->usable(w->config, NULL) == SC_OK;
}

/* names NULL: all that can run here. */
static bool choose_engines(struct worker *w, const char *names)
{
    size_t count = 0;
    const struct sc_engine_ops *const *all = sc_engine_all(&count);
    w->max_chunks = 1;
    for (size_t i = 0; names == NULL && i < count; i++) {
        if (may_run(w, all[i]) && !add_engine(w, all[i]))
            return false;
    }
    struct sc_str rest = sc_str_from(names);
    while (rest.len > 0) {
        struct sc_str name = sc_str_trim(sc_str_take_until(&rest, ','));
        SC_AUTO_FREE char *text = sc_strndup(name.ptr, name.len);
        const struct sc_engine_ops *engine = sc_engine_find(text);
        if (engine == NULL || !add_engine(w, engine))
            return false;
    }
    return w->engine_count > 0;
}

struct arguments {
    const char *engines;
    int64_t lifeline, max_chunks, settings;
};

static bool parse(struct worker *w, struct arguments *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--server") == 0)
            w->server = value;
        else if (strcmp(argv[i], "--name") == 0)
            w->name = value;
        else if (strcmp(argv[i], "--engines") == 0)
            a->engines = value;
        else if (strcmp(argv[i], "--lifeline") == 0) {
            if (!media_number(value, 0, 1 << 20, &a->lifeline))
                return false;
        } else if (strcmp(argv[i], "--settings") == 0) {
            if (!media_number(value, 0, 1 << 20, &a->settings))
                return false;
        } else if (strcmp(argv[i], "--max-chunks") == 0) {
            if (!media_number(value, 1, WORKER_TASKS, &a->max_chunks))
                return false;
        } else
            return false;
    }
    return w->server != NULL && w->name != NULL;
}

int media_worker(int argc, char **argv)
{
    /* The watcher and the runner read it until the process ends. */
    static struct worker w;
    struct arguments a = { .lifeline = -1, .settings = -1 };
    struct sc_error err = { 0 };
    sigset_t signals;

    if (!parse(&w, &a, argc, argv))
        return media_usage("worker", "--server and --name are needed, or a value is wrong");
    if (media_settings((int)a.settings, &w.config, &err) != SC_OK)
        return media_fail(&err);
    w.lifeline = (int)a.lifeline;
    if (!choose_engines(&w, a.engines))
        return media_usage("worker", "no such engine, or none that can run here");
    if (a.max_chunks > 0)
        w.max_chunks = (int)a.max_chunks;
    w.token = getenv("SCRIPTA_TOKEN");

    /* Blocked in every thread: the watcher reads them from a descriptor. */
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    sc_run_adopt();
    return start_and_serve(&w, &err) == SC_OK ? SC_EXIT_OK : media_fail(&err);
}
