/* A job's way through its states: start, stages, end, retry. */

#include "queue/queue-internal.h"

#include "base/banned.h"

static int64_t since(const struct sc_queue *queue, int64_t clock_ms)
{
    return clock_ms < 0 ? -1 : SC_MAX(0, sc_queue_clock_ms(queue) - clock_ms);
}

static enum sc_code ended_conflict(const struct sc_job_brief *job, struct sc_error *err)
{
    return sc_error_set(err, SC_E_CONFLICT, "job %s is %s", job->job_id,
                        sc_job_state_to_string(job->state));
}

/* Takes the job off the figures as it was and adds it as it is now. */
static void recount(struct sc_conn *tx, struct sc_job_brief *job, enum sc_job_state to,
                    int64_t processing_ms)
{
    sc_conn_count_job(tx, &job->figure, -1);
    job->figure.state = (int)to;
    job->figure.processing_ms = SC_MAX(0, processing_ms);
    sc_conn_count_job(tx, &job->figure, 1);
}

static enum sc_code emit_plain(struct sc_queue *queue, struct sc_conn *tx, enum sc_event_kind kind,
                               const struct sc_job_brief *job, struct sc_error *err)
{
    struct sc_event event = sc_queue_event(kind, job);
    return sc_queue_emit(queue, tx, &event, err);
}

enum sc_code sc_job_start(struct sc_queue *queue, struct sc_conn *tx, struct sc_job_brief *job,
                          enum sc_stage stage, struct sc_error *err)
{
    sc_assert(sc_job_may_move(job->state, SC_JOB_PROCESSING));
    sc_assert(job->stage_clock_ms < 0); /* what is pending is in no stage */
    int64_t clock = sc_queue_clock_ms(queue);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_START);
    sc_stmt_bind_int(&st, ":id", job->id);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    sc_stmt_bind_int(&st, ":clock", clock);
    sc_stmt_bind_int(&st, ":stage", (int64_t)stage);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    recount(tx, job, SC_JOB_PROCESSING, job->figure.processing_ms);
    job->state = SC_JOB_PROCESSING;
    job->started_clock_ms = clock;
    if (job->timeout_ms >= 0)
        sc_queue_note_due(queue, tx, job->timeout_ms);
    code = emit_plain(queue, tx, SC_EVENT_JOB_STARTED, job, err);
    if (code != SC_OK)
        return code;
    job->stage = (int)stage;
    job->stage_clock_ms = clock;
    return emit_plain(queue, tx, SC_EVENT_STAGE_STARTED, job, err);
}

/* Logs the end of the stage that runs, when one does. */
static enum sc_code leave_stage(struct sc_queue *queue, struct sc_conn *tx,
                                const struct sc_job_brief *job, struct sc_error *err)
{
    if (job->stage < 0 || job->stage_clock_ms < 0)
        return SC_OK;
    struct sc_event event = sc_queue_event(SC_EVENT_STAGE_COMPLETED, job);
    event.duration_ms = since(queue, job->stage_clock_ms);
    return sc_queue_emit(queue, tx, &event, err);
}

enum sc_code sc_job_set_stage(struct sc_queue *queue, struct sc_conn *tx, struct sc_job_brief *job,
                              enum sc_stage stage, struct sc_error *err)
{
    if (job->stage == (int)stage && job->stage_clock_ms >= 0)
        return SC_OK;
    enum sc_code code = leave_stage(queue, tx, job, err);
    if (code != SC_OK)
        return code;

    int64_t clock = sc_queue_clock_ms(queue);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SET_STAGE);
    sc_stmt_bind_int(&st, ":id", job->id);
    sc_stmt_bind_int(&st, ":stage", (int64_t)stage);
    sc_stmt_bind_int(&st, ":clock", clock);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    job->stage = (int)stage;
    job->stage_clock_ms = clock;
    return emit_plain(queue, tx, SC_EVENT_STAGE_STARTED, job, err);
}

enum sc_code sc_job_enter_stage(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                enum sc_stage stage, struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK)
        return code;
    if (brief.state != SC_JOB_PROCESSING)
        return ended_conflict(&brief, err);
    return sc_job_set_stage(queue, tx, &brief, stage, err);
}

/* took: ms from its start, as its event will say it. */
static enum sc_code write_end(struct sc_queue *queue, struct sc_conn *tx, struct sc_job_brief *job,
                              const struct sc_verdict *verdict, int64_t took, struct sc_error *err)
{
    sc_assert(sc_job_may_move(job->state, verdict->to));
    sc_assert(sc_admission_may_move(job->admission, SC_ADMISSION_ENDED));
    const struct sc_error *why = verdict->why;
    int64_t now = sc_clock_wall_ms();
    int64_t ttl = verdict->to == SC_JOB_COMPLETED ? queue->config.result_ttl_ms
                                                  : queue->config.failure_ttl_ms;
    if (ttl > 0)
        sc_queue_note_due(queue, tx, ttl);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_END);
    sc_stmt_bind_int(&st, ":id", job->id);
    sc_stmt_bind_int(&st, ":from", (int64_t)job->state);
    sc_stmt_bind_int(&st, ":to", (int64_t)verdict->to);
    sc_stmt_bind_int(&st, ":now", now);
    sc_stmt_bind_opt(&st, ":processing_ms", took);
    sc_stmt_bind_opt(&st, ":expires_ms", ttl > 0 ? sc_queue_clock_ms(queue) + ttl : -1);
    sc_stmt_bind_int(&st, ":dead_letter", verdict->dead_letter ? 1 : 0);
    sc_stmt_bind_text(&st, ":error_code", why == NULL ? NULL : sc_code_name(why->code));
    sc_stmt_bind_text(&st, ":error_message", why == NULL ? NULL : why->msg);
    sc_stmt_bind_opt(&st, ":error_stage", why == NULL ? -1 : verdict->stage);
    sc_stmt_bind_opt(&st, ":error_chunk", why == NULL ? -1 : verdict->chunk);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    recount(tx, job, verdict->to, took);
    if (verdict->to != SC_JOB_CANCELLED)
        sc_conn_count_end(tx, verdict->to == SC_JOB_COMPLETED, now, job->figure.duration_ms);
    return SC_OK;
}

/* Which states its unfinished tasks are in: mostly none. */
static enum sc_code find_unfinished(struct sc_conn *tx, int64_t job, bool found[SC_TASK_DONE],
                                    struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_UNFINISHED);
    sc_stmt_bind_int(&st, ":job", job);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        found[sc_stmt_int(&st, "state")] = true;
    }
}

static enum sc_code cancel_tasks(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                 struct sc_error *err)
{
    bool found[SC_TASK_DONE] = { false };
    enum sc_code code = find_unfinished(tx, job, found, err);
    for (int state = 0; code == SC_OK && state < SC_TASK_DONE; state++) {
        if (found[state])
            code =
                sc_task_move_all(tx, job, (enum sc_task_state)state, SC_TASK_CANCELLED, NULL, err);
    }
    if (code == SC_OK && found[SC_TASK_RUNNING]) {
        sc_said_forget_job(queue, job);
        sc_queue_note_freed(queue, tx);
    }
    return code;
}

static enum sc_event_kind end_event(enum sc_job_state state)
{
    switch (state) {
    case SC_JOB_COMPLETED:
        return SC_EVENT_JOB_COMPLETED;
    case SC_JOB_FAILED:
        return SC_EVENT_JOB_FAILED;
    case SC_JOB_CANCELLED:
        return SC_EVENT_JOB_CANCELLED;
    case SC_JOB_PENDING:
    case SC_JOB_PROCESSING:
    case SC_JOB_STATE_COUNT_:
        break;
    }
    sc_assert(state == SC_JOB_COMPLETED);
    return SC_EVENT_JOB_COMPLETED;
}

static enum sc_code emit_end(struct sc_queue *queue, struct sc_conn *tx,
                             const struct sc_job_brief *job, const struct sc_verdict *verdict,
                             int64_t took, struct sc_error *err)
{
    struct sc_event event = sc_queue_event(end_event(job->state), job);
    event.duration_ms = took;
    if (verdict->why != NULL) {
        event.stage = verdict->stage;
        event.chunk = verdict->chunk;
        event.code = verdict->why->code;
        (void)snprintf(event.message, sizeof(event.message), "%.*s", (int)sizeof(event.message) - 1,
                       verdict->why->msg);
    }
    if (job->state == SC_JOB_COMPLETED) {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_TRANSCRIPT);
        sc_stmt_bind_int(&st, ":id", job->id);
        enum sc_code code = sc_stmt_one(&st, err);
        if (code != SC_OK)
            return code;
        event.transcript_id = sc_stmt_int_or(&st, "id", 0);
    }
    return sc_queue_emit(queue, tx, &event, err);
}

enum sc_code sc_job_end(struct sc_queue *queue, struct sc_conn *tx, struct sc_job_brief *job,
                        const struct sc_verdict *verdict, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if (verdict->to == SC_JOB_COMPLETED)
        code = leave_stage(queue, tx, job, err);
    int64_t took = since(queue, job->started_clock_ms);
    if (code == SC_OK)
        code = write_end(queue, tx, job, verdict, took, err);
    if (code == SC_OK)
        code = cancel_tasks(queue, tx, job->id, err);
    if (code != SC_OK)
        return code;
    job->state = verdict->to;
    job->admission = SC_ADMISSION_ENDED;
    code = emit_end(queue, tx, job, verdict, took, err);
    if (code == SC_OK)
        code = sc_admission_fill(queue, tx, job->class, err);
    return code;
}

enum sc_code sc_job_cancel(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                           struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK || brief.state == SC_JOB_CANCELLED)
        return code;
    if (brief.admission == SC_ADMISSION_ENDED)
        return sc_error_set(err, SC_E_CONFLICT, "job %s is %s: there is nothing left to cancel",
                            brief.job_id, sc_job_state_to_string(brief.state));
    struct sc_verdict verdict = { .to = SC_JOB_CANCELLED, .stage = -1, .chunk = -1 };
    return sc_job_end(queue, tx, &brief, &verdict, err);
}

enum sc_code sc_job_complete(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                             struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK || brief.state == SC_JOB_COMPLETED)
        return code;
    if (brief.state != SC_JOB_PROCESSING)
        return ended_conflict(&brief, err);
    struct sc_verdict verdict = { .to = SC_JOB_COMPLETED, .stage = -1, .chunk = -1 };
    return sc_job_end(queue, tx, &brief, &verdict, err);
}

enum sc_code sc_job_fail(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                         const struct sc_job_failure *failure, struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK)
        return code;
    if (brief.admission == SC_ADMISSION_ENDED)
        return ended_conflict(&brief, err);
    struct sc_verdict verdict = {
        .to = SC_JOB_FAILED,
        .why = failure->why,
        .stage = failure->stage,
        .chunk = failure->chunk,
    };
    return sc_job_end(queue, tx, &brief, &verdict, err);
}

static enum sc_code write_again(struct sc_conn *tx, struct sc_job_brief *job, struct sc_error *err)
{
    sc_assert(sc_job_may_move(job->state, SC_JOB_PENDING));
    sc_assert(sc_admission_may_move(job->admission, SC_ADMISSION_WAITING));
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_AGAIN);
    sc_stmt_bind_int(&st, ":id", job->id);
    sc_stmt_bind_int(&st, ":from", (int64_t)job->state);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        recount(tx, job, SC_JOB_PENDING, 0);
    return code;
}

/* What it had done is forgotten once queue.failure_ttl has ended its tasks. */
static enum sc_code check_tasks(struct sc_conn *tx, const struct sc_job_brief *job,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_EXISTS);
    sc_stmt_bind_int(&st, ":job", job->id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK || sc_stmt_int(&st, "yes") != 0)
        return code;
    return sc_error_set(err, SC_E_CONFLICT,
                        "job %s ended too long ago (queue.failure_ttl) to go on; make a new job of "
                        "its file",
                        job->job_id);
}

enum sc_code sc_job_retry(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                          struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK)
        return code;
    if (brief.state != SC_JOB_FAILED && brief.state != SC_JOB_CANCELLED)
        return sc_error_set(err, SC_E_CONFLICT,
                            "job %s is %s; only jobs that failed or were cancelled can be retried",
                            brief.job_id, sc_job_state_to_string(brief.state));

    code = check_tasks(tx, &brief, err);
    if (code == SC_OK)
        code = write_again(tx, &brief, err);
    if (code == SC_OK)
        code = sc_task_move_all(tx, job, SC_TASK_DEAD, SC_TASK_WAITING, NULL, err);
    if (code == SC_OK)
        code = sc_task_move_all(tx, job, SC_TASK_CANCELLED, SC_TASK_WAITING, NULL, err);
    if (code != SC_OK)
        return code;
    brief.state = SC_JOB_PENDING;
    brief.admission = SC_ADMISSION_WAITING;
    struct sc_event event = sc_queue_event(SC_EVENT_JOB_RETRIED, &brief);
    code = sc_queue_emit(queue, tx, &event, err);
    return code == SC_OK ? sc_admission_enter(queue, tx, &brief, err) : code;
}
