/* The local workers: children that hold the read end of a pipe of ours, so that they end with us
 * however we end. One thread starts them when there is work, sees their deaths and gives their
 * tasks back.
 *
 * A worker is known by its process id until it has registered. A death may come first: then there
 * is nothing to give back, and a registration that is still under way is answered by marking the
 * worker gone at once. */

#include "daemon/daemon-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/metric.h"
#include "sys/process.h"
#include "sys/run.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "base/banned.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 30000
#define KILLED_MS 200
#define LIFELINE_FD 3
#define SETTINGS_FD 4
#define TEXT_(n) #n
#define TEXT(n) TEXT_(n)
/* Without a pidfd (none left, or the kernel denies it) deaths are looked for this often. */
#define BLIND_MS 100
/* When the store does not say what there is to do. */
#define RETRY_MS 1000
/* Recognition reads a model of some 100 MB all over, from memory that malloc gave: in huge pages
 * the processor finds it sooner (docs/benchmarks.md). Read by glibc when a program starts. */
#define TUNABLES "GLIBC_TUNABLES"
#define HUGE_PAGES TUNABLES "=glibc.malloc.hugetlb=1"

struct place {
    pid_t pid; /* of the last worker here; 0: there was none */
    bool alive;
    bool silent;     /* a lease of its ran out, and it was not heard since */
    bool finished;   /* it has finished a task */
    int64_t told_ms; /* monotonic: since when it ignores that it is to stop; 0: it does not */
    int64_t told_task;
    int pidfd;         /* -1: none */
    int lifeline;      /* the write end */
    int64_t worker_id; /* 0: not registered */
    int64_t again_ms;  /* monotonic: empty until then */
    int64_t backoff_ms;
};

struct sc_supervisor {
    struct sc_supervisor_options options;
    int wake_fd, idle_fd;
    pthread_t thread;
    atomic_bool full; /* all places are taken: more ready tasks are no news */

    /* -- the thread's -- */
    int target; /* so many workers have been wanted, and are kept up since */

    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct place places[SC_WORKERS_MAX];
    bool stopping, ending;
};

int64_t sc_supervisor_backoff_ms(bool finished, int64_t last_ms)
{
    if (finished)
        return 0;
    return SC_MAX(BACKOFF_MIN_MS, SC_MIN(last_ms * 2, BACKOFF_MAX_MS));
}

static void raise_event(int fd)
{
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

/* ---- deaths ---- */

struct farewell {
    struct sc_queue *queue;
    int64_t worker_id;
    int signal;
    bool dismissed; /* it ended because the server does */
};

static enum sc_code write_farewell(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct farewell *f = ctx;
    return f->dismissed ? sc_worker_dismissed(f->queue, tx, f->worker_id, err)
                        : sc_worker_gone(f->queue, tx, f->worker_id, f->signal, err);
}

static void say_farewell(struct sc_supervisor *s, int64_t worker_id, int signal, bool stopping)
{
    /* A fault is one at any time. */
    bool dismissed = stopping && (signal == 0 || signal == SIGKILL || signal == SIGTERM ||
                                  signal == SIGINT || signal == SIGHUP);
    struct farewell f = { s->options.queue, worker_id, signal, dismissed };
    struct sc_error err = { 0 };
    if (worker_id == 0)
        return;
    /* When the store fails now, the leases will run out. */
    if (sc_store_write(s->options.store, SC_DURABLE, write_farewell, &f, &err) != SC_OK)
        SC_LOG(WARNING, "daemon", "cannot give a worker's tasks back", SC_I("worker", worker_id),
               SC_S("error", err.msg));
}

struct death {
    int place;
    pid_t pid;
    int64_t worker_id, wait_ms;
    int status;
};

static struct death take_death_locked(struct sc_supervisor *s, int i, int status)
{
    struct place *p = &s->places[i];
    int64_t wait_ms = sc_supervisor_backoff_ms(p->finished, p->backoff_ms);
    /* Ended from outside: that says nothing of the next one. */
    if (status >= 0 && WIFSIGNALED(status) &&
        (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGTERM))
        wait_ms = SC_MIN(wait_ms, KILLED_MS);
    struct death death = { i, p->pid, p->worker_id, wait_ms, status };
    p->alive = false;
    p->worker_id = 0;
    p->backoff_ms = wait_ms;
    p->again_ms = sc_clock_mono_ms() + wait_ms;
    sc_closep(&p->pidfd);
    sc_closep(&p->lifeline);
    atomic_store(&s->full, false);
    return death;
}

static void mourn(struct sc_supervisor *s, const struct death *death, bool expected)
{
    bool killed = death->status >= 0 && WIFSIGNALED(death->status);
    int signal = killed ? WTERMSIG(death->status) : 0;
    say_farewell(s, death->worker_id, signal, expected);
    if (expected)
        return;
    SC_COUNT(workers_lost, SC_WORKER_DIED, 1);
    char name[24];
    (void)snprintf(name, sizeof(name), "local-%d", death->place + 1);
    if (killed)
        SC_LOG(WARNING, "daemon", "a worker died", SC_S("worker", name), SC_I("pid", death->pid),
               SC_S("signal", sigabbrev_np(signal)), SC_I("again_in_ms", death->wait_ms));
    else
        SC_LOG(WARNING, "daemon", "a worker ended", SC_S("worker", name), SC_I("pid", death->pid),
               SC_I("status", death->status < 0 ? -1 : WEXITSTATUS(death->status)),
               SC_I("again_in_ms", death->wait_ms));
}

/* Looks after place i; its worker may live on. */
static void look_after(struct sc_supervisor *s, int i)
{
    struct death death;
    bool expected;
    {
        SC_LOCK(&s->lock);
        int status;
        if (!s->places[i].alive || !sc_process_wait(s->places[i].pid, 0, &status))
            return;
        death = take_death_locked(s, i, status);
        expected = s->stopping;
    }
    /* A worker that was killed could not end the program that it ran. */
    sc_run_sweep();
    mourn(s, &death, expected);
}

/* ---- births ---- */

/* What the engines need to know, secrets too: on a descriptor, where no other user can read it. */
static enum sc_code open_settings(const struct sc_config *config, int *fd, struct sc_error *err)
{
    SC_AUTO_BUF pairs = { 0 };
    sc_config_hand_over(config, &pairs);
    return sc_process_bytes(pairs.ptr, pairs.len, fd, err);
}

/* Our environment, and the wish for huge pages unless it tunes malloc itself. Free the array; the
 * texts are borrowed. */
static const char **make_env(void)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    const char **env = sc_alloc_array(count + 2, sizeof(*env));
    for (size_t i = 0; i < count; i++)
        env[i] = environ[i];
    if (getenv(TUNABLES) == NULL)
        env[count] = HUGE_PAGES;
    return env;
}

static enum sc_code start_worker(struct sc_supervisor *s, int i, struct sc_error *err)
{
    SC_AUTO_CLOSE int read_end = -1;
    SC_AUTO_CLOSE int write_end = -1;
    SC_AUTO_FREE char *server = sc_asprintf("unix:%s", s->options.socket);
    SC_AUTO_CLOSE int settings = -1;
    const char **env SC_AUTO_FREE = make_env();
    char name[24];
    int ends[2];
    pid_t pid;
    (void)snprintf(name, sizeof(name), "local-%d", i + 1);
    const char *argv[] = {
        "scripta-media",   "worker",     "--server",        server, "--name", name, "--lifeline",
        TEXT(LIFELINE_FD), "--settings", TEXT(SETTINGS_FD), NULL
    };

    enum sc_code code = open_settings(sc_config_now(s->options.config), &settings, err);
    if (code == SC_OK)
        code = sc_process_pipe(ends, err);
    if (code != SC_OK)
        return code;
    read_end = ends[0];
    write_end = ends[1];
    struct sc_spawn spec = {
        .program = "scripta-media",
        .argv = argv,
        .env = env,
        .fds = { { .fd = read_end, .as = LIFELINE_FD }, { .fd = settings, .as = SETTINGS_FD } },
        .fd_count = 2,
    };
    /* Held over the spawn, so that a registration cannot come before its process id is known. */
    SC_LOCK(&s->lock);
    if (s->stopping)
        return SC_OK;
    code = sc_process_spawn(&spec, &pid, err);
    if (code != SC_OK)
        return code;
    int64_t backoff_ms = s->places[i].backoff_ms;
    s->places[i] = (struct place){
        .pid = pid,
        .alive = true,
        .pidfd = sc_process_open(pid),
        .lifeline = SC_TAKE_FD(write_end),
        .backoff_ms = backoff_ms,
    };
    SC_LOG(INFO, "daemon", "started a worker", SC_S("worker", name), SC_I("pid", pid));
    return SC_OK;
}

static void postpone(struct sc_supervisor *s, int i, const struct sc_error *why)
{
    SC_LOCK(&s->lock);
    struct place *p = &s->places[i];
    p->backoff_ms = sc_supervisor_backoff_ms(false, p->backoff_ms);
    p->again_ms = sc_clock_mono_ms() + p->backoff_ms;
    SC_LOG(ERROR, "daemon", "cannot start a worker", SC_S("error", why->msg),
           SC_I("again_in_ms", p->backoff_ms));
}

/* The first empty place that may be filled, or -1 with *wait_ms lowered to when the next may. */
static int find_place_locked(struct sc_supervisor *s, int64_t *wait_ms)
{
    int64_t now = sc_clock_mono_ms();
    for (int i = 0; i < s->options.workers; i++) {
        struct place *p = &s->places[i];
        if (p->alive)
            continue;
        if (p->again_ms <= now)
            return i;
        *wait_ms = *wait_ms < 0 ? p->again_ms - now : SC_MIN(*wait_ms, p->again_ms - now);
    }
    return -1;
}

static int count_alive_locked(const struct sc_supervisor *s)
{
    int alive = 0;
    for (int i = 0; i < s->options.workers; i++)
        alive += s->places[i].alive;
    return alive;
}

/* Those that work can be expected of. */
static int count_sound_locked(const struct sc_supervisor *s)
{
    int sound = 0;
    for (int i = 0; i < s->options.workers; i++)
        sound += s->places[i].alive && !s->places[i].silent;
    return sound;
}

/* Ends a silent worker, whose place is needed: it may be stopped or hang for ever. */
static void end_silent_locked(struct sc_supervisor *s)
{
    for (int i = 0; i < s->options.workers; i++) {
        if (!s->places[i].alive || !s->places[i].silent)
            continue;
        SC_LOG(WARNING, "daemon", "ending a worker that was not heard of for a lease",
               SC_I("pid", s->places[i].pid));
        (void)kill(s->places[i].pid, SIGKILL);
        return;
    }
}

/* Raises the target: none is started for tasks that others already have. */
static enum sc_code ask_demand(struct sc_supervisor *s, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t ready = 0;
    int64_t running = 0;
    enum sc_code code = sc_store_read(s->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_queue_demand(conn, &ready, &running, err);
    if (code == SC_OK && ready > 0)
        s->target = (int)SC_MAX(s->target, SC_MIN(ready + running, s->options.workers));
    return code;
}

/* Starts what is wanted; returns in how many milliseconds to look again, -1: when woken. */
static int64_t meet_demand(struct sc_supervisor *s)
{
    struct sc_error err = { 0 };
    {
        SC_LOCK(&s->lock);
        /* Before the demand is read: a task that is ready after that wakes us again. */
        bool full = count_sound_locked(s) == s->options.workers;
        atomic_store(&s->full, full);
        if (s->stopping || full)
            return -1;
    }
    if (s->target < s->options.workers && ask_demand(s, &err) != SC_OK)
        return RETRY_MS;
    for (;;) {
        int64_t wait_ms = -1;
        int i = -1;
        {
            SC_LOCK(&s->lock);
            if (s->stopping || count_sound_locked(s) >= s->target)
                return -1;
            i = find_place_locked(s, &wait_ms);
            if (i < 0 && wait_ms < 0)
                end_silent_locked(s);
        }
        if (i < 0)
            return wait_ms;
        if (start_worker(s, i, &err) != SC_OK)
            postpone(s, i, &err);
    }
}

/* ---- the thread ---- */

static int collect(struct sc_supervisor *s, struct pollfd *polled, int *places, bool *blind)
{
    SC_LOCK(&s->lock);
    int n = 0;
    for (int i = 0; i < s->options.workers; i++) {
        struct place *p = &s->places[i];
        if (!p->alive)
            continue;
        *blind = *blind || p->pidfd < 0;
        places[n] = i;
        polled[n++] = (struct pollfd){ .fd = p->pidfd, .events = POLLIN };
    }
    if (s->stopping && n == 0)
        raise_event(s->idle_fd);
    return n;
}

static bool must_end(struct sc_supervisor *s)
{
    SC_LOCK(&s->lock);
    return s->ending && count_alive_locked(s) == 0;
}

static void *supervise(void *ctx)
{
    struct sc_supervisor *s = ctx;
    (void)pthread_setname_np(pthread_self(), "supervisor");
    while (!must_end(s)) {
        struct pollfd polled[SC_WORKERS_MAX + 1];
        int places[SC_WORKERS_MAX];
        bool blind = false;
        int64_t wait_ms = meet_demand(s);
        int n = collect(s, polled, places, &blind);
        polled[n] = (struct pollfd){ .fd = s->wake_fd, .events = POLLIN };
        if (blind)
            wait_ms = wait_ms < 0 ? BLIND_MS : SC_MIN(wait_ms, BLIND_MS);
        (void)poll(polled, (nfds_t)n + 1, (int)SC_MIN(wait_ms, INT_MAX));
        uint64_t count;
        if (polled[n].revents != 0)
            (void)!read(s->wake_fd, &count, sizeof(count));
        for (int i = 0; i < n; i++) {
            if (polled[i].revents != 0 || polled[i].fd < 0)
                look_after(s, places[i]);
        }
    }
    return NULL;
}

enum sc_code sc_supervisor_open(const struct sc_supervisor_options *options,
                                struct sc_supervisor **out, struct sc_error *err)
{
    struct sc_supervisor *s = sc_alloc(sizeof(*s));
    s->options = *options;
    sc_run_adopt();
    s->options.workers = SC_MAX(0, SC_MIN(options->workers, SC_WORKERS_MAX));
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    s->idle_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (int i = 0; i < SC_WORKERS_MAX; i++)
        s->places[i] = (struct place){ .pidfd = -1, .lifeline = -1 };
    sc_assert(pthread_mutex_init(&s->lock, NULL) == 0);
    int rc =
        s->wake_fd < 0 || s->idle_fd < 0 ? errno : pthread_create(&s->thread, NULL, supervise, s);
    if (rc != 0) {
        sc_closep(&s->wake_fd);
        sc_closep(&s->idle_fd);
        (void)pthread_mutex_destroy(&s->lock);
        free(s);
        return sc_error_errno(err, rc, "cannot start the supervisor of workers");
    }
    *out = s;
    return SC_OK;
}

void sc_supervisor_close(struct sc_supervisor *s)
{
    if (s == NULL)
        return;
    sc_supervisor_kill(s);
    {
        SC_LOCK(&s->lock);
        s->ending = true;
    }
    raise_event(s->wake_fd);
    (void)pthread_join(s->thread, NULL);
    (void)close(s->wake_fd);
    (void)close(s->idle_fd);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- from other threads ---- */

void sc_supervisor_wake(struct sc_supervisor *s)
{
    if (!atomic_load(&s->full))
        raise_event(s->wake_fd);
}

void sc_supervisor_registered(struct sc_supervisor *s, int pid, int64_t worker_id)
{
    bool late = false;
    bool stopping;
    {
        SC_LOCK(&s->lock);
        stopping = s->stopping;
        for (int i = 0; i < s->options.workers; i++) {
            struct place *p = &s->places[i];
            if (p->pid != pid)
                continue;
            if (p->alive)
                p->worker_id = worker_id;
            else
                late = true;
        }
    }
    raise_event(s->wake_fd); /* are there tasks that even this one leaves lying? */
    if (late)
        say_farewell(s, worker_id, 0, stopping);
}

static struct place *find_worker_locked(struct sc_supervisor *s, int64_t worker_id)
{
    for (int i = 0; i < s->options.workers; i++) {
        if (s->places[i].alive && s->places[i].worker_id == worker_id)
            return &s->places[i];
    }
    return NULL;
}

void sc_supervisor_finished(struct sc_supervisor *s, int64_t worker_id)
{
    SC_LOCK(&s->lock);
    struct place *p = find_worker_locked(s, worker_id);
    if (p != NULL)
        p->finished = true;
}

void sc_supervisor_heard(struct sc_supervisor *s, int64_t worker_id)
{
    SC_LOCK(&s->lock);
    struct place *p = find_worker_locked(s, worker_id);
    if (p != NULL)
        p->silent = false;
}

/* True when its patience has ended: the worker is killed. */
static bool lose_patience_locked(struct place *p, int64_t task_id, int64_t grace_ms)
{
    int64_t now = sc_clock_mono_ms();
    if (task_id != p->told_task) {
        p->told_task = task_id;
        p->told_ms = task_id == 0 ? 0 : now;
    }
    if (p->told_ms == 0 || now - p->told_ms < grace_ms)
        return false;
    p->told_ms = now; /* not once more at the next heartbeat, should the kill take a while */
    SC_LOG(WARNING, "daemon", "ending a worker whose engine does not stop", SC_I("pid", p->pid),
           SC_I("task", task_id));
    (void)kill(p->pid, SIGKILL);
    return true;
}

struct deafness {
    struct sc_queue *queue;
    int64_t task_id;
};

static enum sc_code write_deafness(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct deafness *d = ctx;
    return sc_worker_deaf(d->queue, tx, d->task_id, err);
}

void sc_supervisor_told(struct sc_supervisor *s, int64_t worker_id, int64_t task_id)
{
    struct deafness d = { s->options.queue, task_id };
    struct sc_error err = { 0 };
    {
        SC_LOCK(&s->lock);
        struct place *p = find_worker_locked(s, worker_id);
        if (p == NULL ||
            !lose_patience_locked(p, task_id, sc_config_now(s->options.config)->queue_stop_grace))
            return;
    }
    if (sc_store_write(s->options.store, SC_DURABLE, write_deafness, &d, &err) != SC_OK)
        SC_LOG(WARNING, "daemon", "cannot log the end of a worker", SC_S("error", err.msg));
}

void sc_supervisor_silent(struct sc_supervisor *s, int64_t worker_id)
{
    {
        SC_LOCK(&s->lock);
        struct place *p = find_worker_locked(s, worker_id);
        if (p == NULL)
            return;
        p->silent = true;
        atomic_store(&s->full, false);
    }
    raise_event(s->wake_fd);
}

void sc_supervisor_look(struct sc_supervisor *s, int *places, int *alive, bool *failing)
{
    bool works = false;
    bool waits = false;
    SC_LOCK(&s->lock);
    for (int i = 0; i < s->options.workers; i++) {
        const struct place *p = &s->places[i];
        works = works || (p->alive && p->worker_id != 0);
        waits = waits || p->backoff_ms >= BACKOFF_MIN_MS;
    }
    *places = s->options.workers;
    *alive = count_alive_locked(s);
    *failing = waits && !works;
}

static void signal_all(struct sc_supervisor *s, int signal)
{
    SC_LOCK(&s->lock);
    s->stopping = true;
    for (int i = 0; i < s->options.workers; i++) {
        /* Not reaped yet, so the number is still its own. */
        if (s->places[i].alive)
            (void)kill(s->places[i].pid, signal);
    }
    raise_event(s->wake_fd);
}

void sc_supervisor_stop(struct sc_supervisor *s)
{
    signal_all(s, SIGTERM);
}

void sc_supervisor_kill(struct sc_supervisor *s)
{
    signal_all(s, SIGKILL);
}

int sc_supervisor_idle_fd(const struct sc_supervisor *s)
{
    return s->idle_fd;
}
