/* How a running task ends: done, given back, failed, interrupted. */

#include "queue/queue-internal.h"

#include "base/banned.h"

static int64_t ran_for(const struct sc_queue *queue, const struct sc_task *task)
{
    return SC_MAX(0, sc_queue_clock_ms(queue) - task->claimed_ms);
}

static enum sc_code emit_task(struct sc_queue *queue, struct sc_conn *tx, enum sc_event_kind kind,
                              const struct sc_task_row *row, const struct sc_error *why,
                              struct sc_error *err)
{
    struct sc_job_brief job;
    enum sc_code code = sc_job_brief_get(tx, row->task.job, &job, err);
    if (code != SC_OK)
        return code;
    struct sc_event event = sc_queue_task_event(kind, &job, row);
    event.duration_ms = ran_for(queue, &row->task);
    if (why != NULL) {
        event.code = why->code;
        (void)snprintf(event.message, sizeof(event.message), "%.*s", (int)sizeof(event.message) - 1,
                       why->msg);
    }
    return sc_queue_emit(queue, tx, &event, err);
}

/* Raises chunks_completed and tells when that shows in the job's progress. */
static enum sc_code count_chunk(struct sc_queue *queue, struct sc_conn *tx,
                                const struct sc_task *task, struct sc_error *err)
{
    struct sc_job_brief before, after;
    enum sc_code code = sc_job_brief_get(tx, task->job, &before, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_COUNT_CHUNKS);
        sc_stmt_bind_int(&st, ":id", task->job);
        sc_stmt_bind_int(&st, ":total", 0);
        sc_stmt_bind_int(&st, ":completed", 1);
        sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
        code = sc_stmt_run(&st, err);
    }
    if (code == SC_OK)
        code = sc_job_brief_get(tx, task->job, &after, err);
    if (code == SC_OK)
        sc_queue_count_under_way(queue, task->id, after.chunks_completed);
    if (code != SC_OK || sc_job_brief_progress(&after) == sc_job_brief_progress(&before))
        return code;
    struct sc_event event = sc_queue_event(SC_EVENT_JOB_PROGRESS, &after);
    return sc_queue_emit(queue, tx, &event, err);
}

static bool is_repeat(const struct sc_task *task, const struct sc_fence *fence)
{
    return task->state == SC_TASK_DONE && task->epoch == fence->epoch &&
           task->worker_id == fence->worker_id;
}

enum sc_code sc_task_complete(struct sc_queue *queue, struct sc_conn *tx,
                              const struct sc_fence *fence, struct sc_task *out, bool *repeated,
                              struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_get(tx, fence->task_id, &row, err);
    if (code == SC_OK && is_repeat(&row.task, fence)) {
        *out = row.task;
        *repeated = true;
        return SC_OK;
    }
    code = sc_task_row_check(&row, fence, code, err);
    if (code != SC_OK)
        return code;

    struct sc_task_leave leave = {
        .to = SC_TASK_DONE,
        .worker_id = row.task.worker_id,
        .run_after_ms = -1,
        .failures = row.task.failures,
        .interruptions = row.task.interruptions,
    };
    code = sc_task_leave(queue, tx, &row.task, &leave, err);
    if (code == SC_OK)
        code = emit_task(queue, tx, SC_EVENT_TASK_COMPLETED, &row, NULL, err);
    if (code == SC_OK && sc_stage_has_chunks(row.task.stage) && row.task.chunk >= 0)
        code = count_chunk(queue, tx, &row.task, err);
    else
        sc_queue_forget_under_way(queue, row.task.id);
    if (code != SC_OK)
        return code;
    row.task.state = SC_TASK_DONE;
    *out = row.task;
    *repeated = false;
    return SC_OK;
}

static enum sc_code put_back(struct sc_queue *queue, struct sc_conn *tx,
                             const struct sc_task_row *row, struct sc_error *err)
{
    struct sc_task_leave leave = {
        .to = SC_TASK_READY,
        .run_after_ms = -1,
        .failures = row->task.failures,
        .interruptions = row->task.interruptions,
    };
    enum sc_code code = sc_task_leave(queue, tx, &row->task, &leave, err);
    if (code == SC_OK)
        code = emit_task(queue, tx, SC_EVENT_TASK_RELEASED, row, NULL, err);
    if (code == SC_OK)
        sc_queue_note_ready(queue, tx);
    return code;
}

enum sc_code sc_task_release(struct sc_queue *queue, struct sc_conn *tx,
                             const struct sc_fence *fence, struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_fenced(tx, fence, &row, err);
    return code == SC_OK ? put_back(queue, tx, &row, err) : code;
}

enum sc_code sc_task_put_back(struct sc_queue *queue, struct sc_conn *tx, int64_t task,
                              struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_get(tx, task, &row, err);
    if (code != SC_OK || row.task.state != SC_TASK_RUNNING)
        return code;
    return put_back(queue, tx, &row, err);
}

/* What a setback makes of a task. */
struct outcome {
    int failures, interruptions;
    int64_t wait_ms;  /* 0: ready at once */
    bool dead, spent; /* spent: dead because the limit is reached, not because of the code */
};

static struct outcome judge(const struct sc_queue *queue, const struct sc_task_row *row,
                            enum sc_setback kind, enum sc_code code)
{
    const struct sc_task *task = &row->task;
    int most = row->max_failures > 0 ? row->max_failures : queue->config.max_failures;
    struct outcome out = { .failures = task->failures, .interruptions = task->interruptions };
    int nth; /* of the attempts that have to wait */
    if (kind == SC_SETBACK_FAILURE) {
        nth = ++out.failures;
        out.spent = sc_code_is_retryable(code) && out.failures >= most;
        out.dead = out.spent || !sc_code_is_retryable(code);
    } else {
        nth = ++out.interruptions - SC_FREE_INTERRUPTIONS;
        out.spent = out.interruptions >= queue->config.max_interruptions;
        out.dead = out.spent;
    }
    if (!out.dead && nth > 0)
        out.wait_ms = sc_queue_backoff_ms(queue, task->id, task->epoch, nth);
    if (kind == SC_SETBACK_INTERRUPTION)
        out.wait_ms = SC_MIN(out.wait_ms, SC_INTERRUPTION_WAIT_MS);
    return out;
}

static enum sc_code fail_job(struct sc_queue *queue, struct sc_conn *tx, const struct sc_task *task,
                             const struct sc_error *why, bool dead_letter, struct sc_error *err)
{
    struct sc_job_brief job;
    enum sc_code code = sc_job_brief_get(tx, task->job, &job, err);
    if (code != SC_OK)
        return code;
    struct sc_verdict verdict = {
        .to = SC_JOB_FAILED,
        .why = why,
        .stage = (int)task->stage,
        .chunk = task->chunk,
        .dead_letter = dead_letter,
    };
    return sc_job_end(queue, tx, &job, &verdict, err);
}

static enum sc_code apply(struct sc_queue *queue, struct sc_conn *tx, struct sc_task_row *row,
                          enum sc_setback kind, const struct sc_error *why, struct sc_error *err)
{
    struct outcome outcome = judge(queue, row, kind, why->code);
    struct sc_task_leave leave = {
        .to = outcome.dead           ? SC_TASK_DEAD
              : outcome.wait_ms == 0 ? SC_TASK_READY
                                     : SC_TASK_SCHEDULED,
        .run_after_ms = outcome.wait_ms == 0 ? -1 : sc_queue_clock_ms(queue) + outcome.wait_ms,
        .failures = outcome.failures,
        .interruptions = outcome.interruptions,
        .why = why,
    };
    enum sc_code code = sc_task_leave(queue, tx, &row->task, &leave, err);
    if (code == SC_OK)
        code =
            emit_task(queue, tx,
                      kind == SC_SETBACK_FAILURE ? SC_EVENT_TASK_FAILED : SC_EVENT_TASK_INTERRUPTED,
                      row, why, err);
    if (code != SC_OK)
        return code;
    if (leave.to == SC_TASK_READY)
        sc_queue_note_ready(queue, tx);
    if (leave.to == SC_TASK_SCHEDULED)
        sc_queue_note_due(queue, tx, outcome.wait_ms);
    if (!outcome.dead)
        return SC_OK;
    return fail_job(queue, tx, &row->task, why, outcome.spent, err);
}

enum sc_code sc_task_setback(struct sc_queue *queue, struct sc_conn *tx, int64_t task,
                             enum sc_setback kind, const struct sc_error *why, struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_get(tx, task, &row, err);
    if (code != SC_OK)
        return code;
    /* Its job may have ended by the setback of a neighbour a moment ago. */
    if (row.task.state != SC_TASK_RUNNING)
        return SC_OK;
    return apply(queue, tx, &row, kind, why, err);
}

enum sc_code sc_task_fail(struct sc_queue *queue, struct sc_conn *tx, const struct sc_fence *fence,
                          const struct sc_error *why, struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_fenced(tx, fence, &row, err);
    if (code != SC_OK)
        return code;
    return apply(queue, tx, &row, SC_SETBACK_FAILURE, why, err);
}

enum sc_code sc_task_interrupt(struct sc_queue *queue, struct sc_conn *tx,
                               const struct sc_fence *fence, const struct sc_error *why,
                               struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_fenced(tx, fence, &row, err);
    if (code != SC_OK)
        return code;
    return apply(queue, tx, &row, SC_SETBACK_INTERRUPTION, why, err);
}
