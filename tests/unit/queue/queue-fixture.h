#pragma once
/* A queue on a real store, with a clock that stands still, and one-line forms of its verbs: each is
 * one write. */

#include "queue/queue-internal.h"
#include "store/fixture.h"

#define T0 INT64_C(1700000000000)

struct rig {
    struct fixture f;
    struct test_clock clock;
    struct sc_hub *hub;
    struct sc_queue *queue;
    struct sc_queue_config config;
    int64_t worker; /* registered, local */
};

/* What a write needs and answers, for all of them. */
struct op {
    struct sc_queue *queue;
    const struct sc_job_spec *spec;
    struct sc_job job;
    bool flag;
    int64_t id, id2, number;
    struct sc_claim claim;
    struct sc_task task;
    struct sc_task *tasks;
    size_t count;
    struct sc_fence fence;
    struct sc_error why;
    struct sc_held *held;
    struct sc_worker worker;
    int stage, chunk;
    const char *text, *text2;
};

static inline enum sc_code do_write(struct rig *r, sc_write_fn fn, struct op *op)
{
    op->queue = r->queue;
    struct sc_error err = { 0 };
    enum sc_code code = sc_store_write(r->f.store, SC_RELAXED, fn, op, &err);
    assert_true(code == SC_OK || err.msg[0] != '\0'); /* every refusal says why */
    return code;
}

static inline enum sc_code op_create(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_job_create(op->queue, tx, op->spec, &op->job, &op->flag, err);
}

static inline struct sc_job_spec noop_spec(void)
{
    return (struct sc_job_spec){
        .owner_id = 1,
        .pipeline = "noop",
        .counted = true,
        .class = SC_CLASS_NORMAL,
        .first_stage = SC_STAGE_NOOP,
        .first_lane = "noop",
    };
}

/* jobs.id of what the spec made or found. */
static inline int64_t create_from(struct rig *r, const struct sc_job_spec *spec, bool *existing)
{
    struct op op = { .spec = spec };
    assert_int_equal(do_write(r, op_create, &op), SC_OK);
    int64_t id = op.job.id;
    if (existing != NULL)
        *existing = op.flag;
    sc_job_done(&op.job);
    return id;
}

static inline int64_t create(struct rig *r, enum sc_class class, int priority)
{
    struct sc_job_spec spec = noop_spec();
    spec.class = class;
    spec.priority = priority;
    return create_from(r, &spec, NULL);
}

static inline struct sc_job job_of(struct rig *r, int64_t id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_job job;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_job_get(conn, id, &job, NULL), SC_OK);
    return job;
}

static inline enum sc_job_state state_of(struct rig *r, int64_t id)
{
    SC_AUTO_JOB job = job_of(r, id);
    return job.state;
}

static inline enum sc_code op_add(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_add(op->queue, tx, op->id, (enum sc_stage)op->stage, op->chunk, op->text, err);
}

static inline enum sc_code add_chunk(struct rig *r, int64_t job, int chunk)
{
    struct op op = {
        .id = job, .stage = SC_STAGE_TRANSCRIBE, .chunk = chunk, .text = "engine:null"
    };
    return do_write(r, op_add, &op);
}

static inline enum sc_code op_claim(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_claim(op->queue, tx, &op->claim, op->tasks, &op->count, err);
}

static const char *const all_lanes[] = { "noop", "engine:null", "server" };

static inline size_t claim_as(struct rig *r, int64_t worker, struct sc_task *out, int max)
{
    struct op op = { .tasks = out,
                     .claim = { .worker_id = worker,
                                .lanes = all_lanes,
                                .lane_count = SC_ARRAY_LEN(all_lanes),
                                .max = max } };
    assert_int_equal(do_write(r, op_claim, &op), SC_OK);
    return op.count;
}

static inline size_t claim(struct rig *r, struct sc_task *out, int max)
{
    return claim_as(r, r->worker, out, max);
}

/* The one task that there is to claim. */
static inline struct sc_task claim_one(struct rig *r)
{
    struct sc_task task;
    assert_int_equal(claim(r, &task, 1), 1);
    return task;
}

static inline bool nothing_to_claim(struct rig *r)
{
    struct sc_task task;
    return claim(r, &task, 1) == 0;
}

static inline struct sc_fence fence_of(const struct sc_task *task)
{
    return (struct sc_fence){ task->id, task->worker_id, task->epoch };
}

static inline enum sc_code op_finish(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_complete(op->queue, tx, &op->fence, &op->task, &op->flag, err);
}

static inline enum sc_code complete(struct rig *r, const struct sc_task *task, bool *repeated)
{
    struct op op = { .fence = fence_of(task) };
    enum sc_code code = do_write(r, op_finish, &op);
    if (repeated != NULL)
        *repeated = op.flag;
    return code;
}

static inline enum sc_code op_fail(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_fail(op->queue, tx, &op->fence, &op->why, err);
}

static inline enum sc_code fail_task(struct rig *r, const struct sc_task *task, enum sc_code why)
{
    struct op op = { .fence = fence_of(task) };
    sc_error_set(&op.why, why, "said by the test");
    return do_write(r, op_fail, &op);
}

static inline enum sc_code op_release(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_release(op->queue, tx, &op->fence, err);
}

static inline enum sc_code release(struct rig *r, const struct sc_task *task)
{
    struct op op = { .fence = fence_of(task) };
    return do_write(r, op_release, &op);
}

static inline enum sc_code op_beat(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_heartbeat(op->queue, tx, op->id, op->held, op->count, err);
}

static inline enum sc_code beat(struct rig *r, int64_t worker, struct sc_held *held, size_t count)
{
    struct op op = { .id = worker, .held = held, .count = count };
    return do_write(r, op_beat, &op);
}

static inline enum sc_code op_register(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_worker_register(op->queue, tx, &op->worker, "[\"null\"]", &op->id, err);
}

static inline int64_t register_worker(struct rig *r, const char *name, bool local)
{
    struct op op = { .worker = { .host = "here", .device = "cpu", .pid = 7, .local = local } };
    (void)snprintf(op.worker.name, sizeof(op.worker.name), "%s", name);
    assert_int_equal(do_write(r, op_register, &op), SC_OK);
    return op.id;
}

static inline enum sc_code op_gone(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_worker_gone(op->queue, tx, op->id, op->stage, err);
}

static inline enum sc_code worker_gone(struct rig *r, int64_t worker, int signal)
{
    struct op op = { .id = worker, .stage = signal };
    return do_write(r, op_gone, &op);
}

static inline enum sc_code op_cancel(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_job_cancel(op->queue, tx, op->id, err);
}

static inline enum sc_code op_retry(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_job_retry(op->queue, tx, op->id, err);
}

static inline enum sc_code op_end(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_job_complete(op->queue, tx, op->id, err);
}

static inline enum sc_code on_job(struct rig *r, sc_write_fn verb, int64_t job)
{
    struct op op = { .id = job };
    return do_write(r, verb, &op);
}

/* Claims the one task, completes it and its job. */
static inline int64_t run_one_job(struct rig *r)
{
    struct sc_task task = claim_one(r);
    assert_int_equal(complete(r, &task, NULL), SC_OK);
    assert_int_equal(on_job(r, op_end, task.job), SC_OK);
    return task.job;
}

static inline enum sc_code op_sweep(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_queue_sweep(op->queue, tx, &op->flag, &op->number, err);
}

/* *more and the time until the next thing is due. */
static inline int64_t sweep(struct rig *r, bool *more)
{
    struct op op = { 0 };
    assert_int_equal(do_write(r, op_sweep, &op), SC_OK);
    if (more != NULL)
        *more = op.flag;
    return op.number;
}

static inline enum sc_code op_pause(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_queue_pause(op->queue, tx, (enum sc_class)op->id, op->flag, err);
}

static inline void pause_class(struct rig *r, enum sc_class class, bool paused)
{
    struct op op = { .id = (int64_t) class, .flag = paused };
    assert_int_equal(do_write(r, op_pause, &op), SC_OK);
}

static inline void rig_open(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_queue_open(r->f.store, r->hub, &r->config, &r->queue, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    r->queue->jitter_seed = 1;
}

static inline struct rig rig_new(void)
{
    struct rig r = {
        .clock = test_clock_at(T0, 5000),
        .f = fixture_new(),
        .hub = sc_hub_new(),
        .config = { .max_concurrent = { 1000, 1000, 1000 } },
    };
    rig_open(&r);
    r.worker = register_worker(&r, "w1", true);
    return r;
}

/* The server goes and another comes. */
static inline void restart(struct rig *r)
{
    sc_queue_close(r->queue);
    rig_open(r);
}

static inline void rig_done(struct rig *r)
{
    sc_queue_close(r->queue);
    fixture_done(&r->f);
    sc_hub_free(r->hub);
    test_clock_done(&r->clock);
}
#define AUTO_RIG(name) SC_AUTO(rig_done) struct rig name = rig_new()

static inline int64_t ask(struct rig *r, const char *sql)
{
    return number(r->f.store, sql);
}

/* How many events of a kind the log holds. */
static inline int64_t events_of(struct rig *r, enum sc_event_kind kind)
{
    char sql[96];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM job_events WHERE kind = %d", (int)kind);
    return ask(r, sql);
}
