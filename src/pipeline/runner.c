/* The threads that run the server's own stages, and the one that renews their leases. */

#include "pipeline/export.h"
#include "pipeline/purge.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

#include "base/banned.h"

#define IDLE_LOOK_MS 60000    /* a wake-up is never relied on alone */
#define HELD_LOOK_MS 50       /* bytes that a request holds are not told when they are let go */
#define AFTER_TROUBLE_MS 1000 /* before a task is given back that met a full disk */

bool sc_runner_should_stop(void *runner)
{
    struct sc_runner *r = runner;
    return atomic_load(&r->cancelled) || atomic_load(&r->p->stopping);
}

void sc_runner_pause(struct sc_runner *r, uint64_t seen, int64_t ms)
{
    struct sc_pipelines *p = r->p;
    int64_t deadline = sc_clock_mono_ms() + ms;
    SC_LOCK(&p->lock);
    while (p->wakes == seen && !sc_runner_should_stop(r)) {
        if (!sc_cond_wait(&p->wake, &p->lock, deadline))
            return;
    }
}

/* The whole time, whatever wakes the others, unless it is to stop. */
static void rest(struct sc_runner *r, int64_t ms)
{
    struct sc_pipelines *p = r->p;
    int64_t deadline = sc_clock_mono_ms() + ms;
    SC_LOCK(&p->lock);
    while (!sc_runner_should_stop(r) && sc_cond_wait(&p->wake, &p->lock, deadline))
        ;
}

struct sc_fence sc_runner_fence(const struct sc_runner *r)
{
    return (struct sc_fence){ r->task.id, r->p->worker_id, r->task.epoch };
}

/* ---- claiming ---- */

struct own_claim {
    struct sc_runner *r;
    struct sc_task task;
    size_t count;
};

static enum sc_code write_claim(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct own_claim *c = ctx;
    struct sc_claim claim = { c->r->p->worker_id, &c->r->lane, 1, 1, NULL };
    return sc_task_claim(c->r->p->o.queue, tx, &claim, &c->task, &c->count, err);
}

static bool lane_has_ready(struct sc_runner *r)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(r->p->o.store, &conn, NULL) != SC_OK)
        return false;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_LANE_HAS_READY);
    sc_stmt_bind_text(&st, ":lane", r->lane);
    return sc_stmt_one(&st, NULL) == SC_OK && sc_stmt_int(&st, "ready") != 0;
}

static bool claim_one(struct sc_runner *r)
{
    struct own_claim c = { .r = r };
    struct sc_error err = { 0 };
    if (!lane_has_ready(r))
        return false;
    enum sc_code code = sc_store_write(r->p->o.store, SC_RELAXED, write_claim, &c, &err);
    if (code != SC_OK) {
        SC_LOG(WARNING, "pipeline", "cannot claim", SC_S("lane", r->lane), SC_S("why", err.msg));
        return false;
    }
    if (c.count == 0)
        return false;
    SC_LOCK(&r->p->lock);
    r->task = c.task;
    atomic_store(&r->cancelled, false);
    sc_assert(pthread_cond_signal(&r->p->beat_wake) == 0); /* now there is a lease to renew */
    return true;
}

/* ---- the end of a task that did not complete ---- */

struct ending {
    struct sc_runner *r;
    const struct sc_error *why; /* NULL: given back at no charge */
    bool interrupted;           /* from outside: no failure of the task */
};

static enum sc_code write_ending(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct ending *e = ctx;
    struct sc_fence fence = sc_runner_fence(e->r);
    if (e->why == NULL)
        return sc_task_release(e->r->p->o.queue, tx, &fence, err);
    if (e->interrupted)
        return sc_task_interrupt(e->r->p->o.queue, tx, &fence, e->why, err);
    return sc_task_fail(e->r->p->o.queue, tx, &fence, e->why, err);
}

/* Trouble of the machine, not of the recording: a full disk must condemn no job. */
static bool is_surroundings(enum sc_code code)
{
    switch ((int)code) {
    case SC_E_NO_SPACE:
    case SC_E_IO_ERROR:
    case SC_E_STORE_ERROR:
    case SC_E_STORE_UNAVAILABLE:
    case SC_E_STORE_READ_ONLY:
    case SC_E_STORE_DAMAGED:
    case SC_E_SHUTTING_DOWN:
        return true;
    }
    return false;
}

/* A store that takes no writes may soon take them again: until then the task stays ours, its lease
 * is renewed or runs out. */
static enum sc_code hand_over(struct ending *e, struct sc_error *err)
{
    struct sc_runner *r = e->r;
    for (;;) {
        enum sc_code code = sc_store_write(r->p->o.store, SC_RELAXED, write_ending, e, err);
        if (!is_surroundings(code) || sc_runner_should_stop(r))
            return code;
        rest(r, AFTER_TROUBLE_MS);
    }
}

static void end_badly(struct sc_runner *r, struct sc_error *why)
{
    struct sc_error err = { 0 };
    struct ending e = { .r = r, .why = why };
    SC_LOG(WARNING, "pipeline", "a stage did not finish", SC_S("job", r->task.job_id),
           SC_S("stage", sc_stage_to_string(r->task.stage)), SC_S("code", sc_code_name(why->code)),
           SC_S("why", why->msg));
    /* We did not stop it and the task was not cancelled: somebody killed the decoder. */
    e.interrupted = why->code == SC_E_CANCELLED && !atomic_load(&r->p->stopping);
    if (why->code == SC_E_CANCELLED && !e.interrupted)
        e.why = NULL;
    if (is_surroundings(why->code)) {
        e.why = NULL;
        rest(r, AFTER_TROUBLE_MS);
    }
    enum sc_code code = hand_over(&e, &err);
    if (code != SC_OK && code != SC_E_LEASE_LOST)
        SC_LOG(WARNING, "pipeline", "cannot give a task back", SC_S("why", err.msg));
}

static void run_task(struct sc_runner *r)
{
    struct sc_error err = { 0 };
    enum sc_code code = r->run(r, &err);
    if (code != SC_OK && code != SC_E_LEASE_LOST && !atomic_load(&r->cancelled)) {
        if (err.code != code)
            (void)sc_error_set(&err, code, "%s", sc_code_text(code));
        end_badly(r, &err);
    }
    SC_LOCK(&r->p->lock);
    r->task.id = 0;
    atomic_store(&r->cancelled, false); /* else an idle thread would never rest */
    sc_assert(pthread_cond_broadcast(&r->p->turns) == 0);
}

static void *run_loop(void *ctx)
{
    struct sc_runner *r = ctx;
    bool exports = r->run == sc_merge_run;
    while (!atomic_load(&r->p->stopping)) {
        uint64_t seen = sc_pipelines_wakes(r->p);
        if (claim_one(r))
            run_task(r);
        else if (!exports || !sc_export_next_owed(r))
            sc_runner_pause(r, seen, IDLE_LOOK_MS);
    }
    return NULL;
}

void sc_runners_wait_turn(struct sc_pipelines *p, int64_t until_ms)
{
    SC_LOCK(&p->lock);
    (void)sc_cond_wait(&p->turns, &p->lock, SC_MIN(until_ms, sc_clock_mono_ms() + HELD_LOOK_MS));
}

bool sc_runners_wait_for(struct sc_pipelines *p, int64_t job, int64_t until_ms)
{
    SC_LOCK(&p->lock);
    for (bool in_time = true;; in_time = sc_cond_wait(&p->turns, &p->lock, until_ms)) {
        bool held = false;
        for (size_t i = 0; i < p->runner_count; i++)
            held = held || sc_runner_holds_locked(&p->runners[i], job);
        if (!held || !in_time)
            return !held;
    }
}

/* ---- leases ---- */

struct beat {
    struct sc_pipelines *p;
    struct sc_beat_list list;
};

static enum sc_code write_beat(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct beat *b = ctx;
    return sc_task_heartbeat(b->p->o.queue, tx, &b->list, err);
}

static size_t list_held_locked(struct sc_pipelines *p, struct sc_held *held)
{
    size_t n = 0;
    for (size_t i = 0; i < p->runner_count; i++) {
        const struct sc_task *task = &p->runners[i].task;
        if (task->id != 0)
            held[n++] = (struct sc_held){ task->id, task->epoch, SC_BEAT_OK };
    }
    return n;
}

static void apply_answers(struct sc_pipelines *p, const struct sc_held *held, size_t n)
{
    SC_LOCK(&p->lock);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; held[i].answer != SC_BEAT_OK && k < p->runner_count; k++) {
            struct sc_runner *r = &p->runners[k];
            if (r->task.id == held[i].task_id && r->task.epoch == held[i].epoch)
                atomic_store(&r->cancelled, true);
        }
    }
    sc_assert(pthread_cond_broadcast(&p->wake) == 0);
}

/* Until the next heartbeat is due, or at once when something was cancelled; while nothing is held,
 * until a task is claimed. Lists what is held. */
static size_t wait_for_beat(struct sc_pipelines *p, struct sc_held *held)
{
    int64_t interval = sc_config_now(p->o.config)->queue_heartbeat;
    SC_LOCK(&p->lock);
    int64_t due = sc_clock_mono_ms() + interval;
    bool idle = list_held_locked(p, held) == 0;
    while (!atomic_load(&p->stopping) && !(p->beat_now && !idle)) {
        bool woken = sc_cond_wait(&p->beat_wake, &p->lock, idle ? -1 : due);
        if (!woken && !idle)
            break;
        if (idle && list_held_locked(p, held) > 0) {
            idle = false;
            due = sc_clock_mono_ms() + interval;
        }
    }
    p->beat_now = false;
    return list_held_locked(p, held);
}

static void *beat_loop(void *ctx)
{
    struct sc_pipelines *p = ctx;
    struct sc_held *held = sc_alloc_array(p->runner_count, sizeof(*held));
    while (!atomic_load(&p->stopping)) {
        struct beat b = { p, { .worker_id = p->worker_id, .held = held } };
        b.list.count = wait_for_beat(p, held);
        if (b.list.count > 0 &&
            sc_store_write(p->o.store, SC_RELAXED, write_beat, &b, NULL) == SC_OK)
            apply_answers(p, held, b.list.count);
    }
    free(held);
    return NULL;
}

/* ---- start and stop ---- */

static enum sc_code write_worker(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_pipelines *p = ctx;
    struct sc_worker me = { .name = "serve", .device = "cpu", .pid = (int)getpid(), .local = true };
    if (gethostname(me.host, sizeof(me.host) - 1) != 0)
        (void)snprintf(me.host, sizeof(me.host), "localhost");
    return sc_worker_register(p->o.queue, tx, &me, "[]", &p->worker_id, err);
}

enum sc_code sc_runners_start(struct sc_pipelines *p, struct sc_error *err)
{
    enum sc_code code = sc_store_write(p->o.store, SC_DURABLE, write_worker, p, err);
    if (code != SC_OK)
        return code;
    size_t splits = (size_t)sc_config_now(p->o.config)->split_jobs;
    p->runners = sc_alloc_array(splits + 1, sizeof(*p->runners));
    p->runner_count = splits + 1;
    for (size_t i = 0; i < p->runner_count; i++) {
        struct sc_runner *r = &p->runners[i];
        r->p = p;
        r->lane = i < splits ? SC_LANE_SPLIT : SC_LANE_MERGE;
        r->run = i < splits ? sc_split_run : sc_merge_run;
        atomic_init(&r->cancelled, false);
    }
    for (size_t i = 0; i < p->runner_count; i++) {
        struct sc_runner *r = &p->runners[i];
        r->started = pthread_create(&r->thread, NULL, run_loop, r) == 0;
        sc_assert(r->started);
        (void)pthread_setname_np(r->thread, i < splits ? "split" : "merge");
    }
    p->beat_started = pthread_create(&p->beat_thread, NULL, beat_loop, p) == 0;
    sc_assert(p->beat_started);
    (void)pthread_setname_np(p->beat_thread, "leases");
    return SC_OK;
}

void sc_runners_stop(struct sc_pipelines *p)
{
    for (size_t i = 0; i < p->runner_count; i++) {
        if (p->runners[i].started)
            (void)pthread_join(p->runners[i].thread, NULL);
        p->runners[i].started = false;
    }
    if (p->beat_started)
        (void)pthread_join(p->beat_thread, NULL);
    p->beat_started = false;
}
