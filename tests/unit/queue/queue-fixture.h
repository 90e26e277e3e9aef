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
    struct sc_beat_list beat;
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
        .duration_ms = -1,
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
    struct sc_task_spec spec = { (enum sc_stage)op->stage, op->chunk, op->text };
    return sc_task_add(op->queue, tx, op->id, &spec, err);
}

static inline enum sc_code add_chunk(struct rig *r, int64_t job, int chunk)
{
    struct op op = {
        .id = job, .stage = SC_STAGE_TRANSCRIBE, .chunk = chunk, .text = "engine:null"
    };
    return do_write(r, op_add, &op);
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
