#pragma once
/* One-line forms of the queue's other verbs, each one write: claims, and how tasks and jobs end. */

#include "queue-fixture.h"

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
    return sc_task_heartbeat(op->queue, tx, &op->beat, err);
}

static inline enum sc_code beat(struct rig *r, int64_t worker, struct sc_held *held, size_t count)
{
    struct op op = { .beat = { .worker_id = worker, .held = held, .count = count } };
    return do_write(r, op_beat, &op);
}

/* It holds nothing, and has read all answers to claims up to that time of the queue's clock. */
static inline enum sc_code beat_as_of(struct rig *r, int64_t as_of_ms)
{
    struct op op = { .beat = { .worker_id = r->worker, .as_of_ms = as_of_ms } };
    return do_write(r, op_beat, &op);
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

static inline enum sc_code op_dismissed(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_worker_dismissed(op->queue, tx, op->id, err);
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
