#pragma once
/* One-line forms of what a worker says of a task that it holds. */

#include "base/alloc.h"
#include "queue-verbs.h"

struct op_said {
    struct sc_queue *queue;
    struct sc_fence fence;
    struct sc_saying what;
};

static inline enum sc_code write_said(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op_said *op = ctx;
    return sc_task_say(op->queue, tx, &op->fence, &op->what, err);
}

/* Takes what the segment owns. */
static inline enum sc_code say_segment(struct rig *r, const struct sc_task *task, int64_t first,
                                       const struct sc_segment *segment)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    *sc_segments_add(&segments) = *segment;
    struct op_said op = { r->queue, fence_of(task), { first, 1, &segments } };
    return sc_store_write(r->f.store, SC_RELAXED, write_said, &op, NULL);
}

static inline enum sc_code say(struct rig *r, const struct sc_task *task, int64_t first,
                               const char *text)
{
    const struct sc_segment segment = { .end_ms = 1000, .text = sc_strdup(text) };
    return say_segment(r, task, first, &segment);
}
