#include "queue/queue-internal.h"

#include "base/lock.h"
#include "base/metric.h"

#include "base/banned.h"

struct sc_event sc_queue_event(enum sc_event_kind kind, const struct sc_job_brief *job)
{
    struct sc_event event = {
        .kind = kind,
        .job = job->id,
        .owner_id = job->owner_id,
        .at_ms = sc_clock_wall_ms(),
        .state = (int)job->state,
        .stage = job->stage,
        .chunk = -1,
        .duration_ms = -1,
        .audio_ms = job->duration_ms,
        .eta_ms = -1,
        .progress = sc_job_brief_progress(job),
    };
    (void)snprintf(event.job_id, sizeof(event.job_id), "%s", job->job_id);
    return event;
}

struct sc_event sc_queue_task_event(enum sc_event_kind kind, const struct sc_job_brief *job,
                                    const struct sc_task_row *row)
{
    struct sc_event event = sc_queue_event(kind, job);
    event.stage = (int)row->task.stage;
    event.chunk = row->task.chunk;
    event.attempt = row->task.failures + row->task.interruptions + 1;
    event.epoch = row->task.epoch;
    (void)snprintf(event.worker, sizeof(event.worker), "%s", row->worker);
    return event;
}

static void measure(const struct sc_event *event)
{
    _Static_assert(SC_STAGE_COUNT_ <= SC_METRIC_STAGES, "a cell for each stage");
    switch (event->kind) {
    case SC_EVENT_JOB_COMPLETED:
        SC_COUNT(jobs_ended, SC_JOB_END_COMPLETED, 1);
        SC_OBSERVE(job_duration, 0, event->duration_ms * 1000);
        break;
    case SC_EVENT_JOB_FAILED:
        SC_COUNT(jobs_ended, SC_JOB_END_FAILED, 1);
        break;
    case SC_EVENT_JOB_CANCELLED:
        SC_COUNT(jobs_ended, SC_JOB_END_CANCELLED, 1);
        break;
    case SC_EVENT_STAGE_COMPLETED:
        if (event->stage < 0)
            break;
        SC_COUNT(stages, event->stage, 1);
        SC_COUNT(stage_ms, event->stage, (uint64_t)SC_MAX(0, event->duration_ms));
        break;
    case SC_EVENT_TASK_FAILED:
        SC_COUNT(task_setbacks, SC_TASK_FAILURE, 1);
        break;
    case SC_EVENT_TASK_INTERRUPTED:
        SC_COUNT(task_setbacks, SC_TASK_INTERRUPTION, 1);
        break;
    case SC_EVENT_TASK_RELEASED:
        SC_COUNT(task_setbacks, SC_TASK_RELEASE, 1);
        break;
    case SC_EVENT_JOB_CREATED:
    case SC_EVENT_JOB_STARTED:
    case SC_EVENT_JOB_PROGRESS:
    case SC_EVENT_JOB_RETRIED:
    case SC_EVENT_JOB_CHANGED:
    case SC_EVENT_STAGE_STARTED:
    case SC_EVENT_TASK_CLAIMED:
    case SC_EVENT_TASK_COMPLETED:
    case SC_EVENT_GAP:
    case SC_EVENT_STORAGE:
    case SC_EVENT_WEBHOOK_DISABLED:
    case SC_EVENT_SEGMENT:
    case SC_EVENT_SEGMENT_PROVISIONAL:
    case SC_EVENT_KIND_COUNT_:
        break;
    }
}

static void publish(void *owner, const void *arg)
{
    measure(arg);
    sc_hub_publish(owner, arg);
}

/* Not called under the lock, which is a leaf: it writes. */
static enum sc_code tell_listener(struct sc_queue *queue, struct sc_conn *tx,
                                  const struct sc_event *event, struct sc_error *err)
{
    sc_event_write_fn fn;
    void *ctx;
    {
        SC_LOCK(&queue->lock);
        fn = queue->on_event;
        ctx = queue->event_ctx;
    }
    return fn == NULL ? SC_OK : fn(ctx, tx, event, err);
}

enum sc_code sc_queue_emit(struct sc_queue *queue, struct sc_conn *tx, struct sc_event *event,
                           struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EVENT_INSERT);
    sc_stmt_bind_int(&st, ":job", event->job);
    sc_stmt_bind_int(&st, ":at_ms", event->at_ms);
    sc_stmt_bind_int(&st, ":kind", (int64_t)event->kind);
    sc_stmt_bind_int(&st, ":state", event->state);
    sc_stmt_bind_opt(&st, ":stage", event->stage);
    sc_stmt_bind_opt(&st, ":chunk", event->chunk);
    sc_stmt_bind_opt(&st, ":attempt", event->attempt == 0 ? -1 : event->attempt);
    sc_stmt_bind_opt(&st, ":epoch", event->epoch == 0 ? -1 : event->epoch);
    sc_stmt_bind_text(&st, ":worker", event->worker[0] == '\0' ? NULL : event->worker);
    sc_stmt_bind_opt(&st, ":duration_ms", event->duration_ms);
    sc_stmt_bind_int(&st, ":progress", event->progress);
    sc_stmt_bind_text(&st, ":code", event->code == SC_OK ? NULL : sc_code_name(event->code));
    sc_stmt_bind_text(&st, ":message", event->message[0] == '\0' ? NULL : event->message);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;

    event->id = sc_conn_last_id(tx);
    if (queue->hub != NULL)
        sc_conn_after_commit(tx, publish, queue->hub, event, sizeof(*event));
    return tell_listener(queue, tx, event, err);
}

static void call_hooks(struct sc_queue *queue, const struct sc_hook *hooks)
{
    SC_LOCK(&queue->lock);
    for (size_t i = 0; i < SC_QUEUE_LISTENERS; i++) {
        if (hooks[i].fn != NULL)
            hooks[i].fn(hooks[i].ctx);
    }
}

static void ready_committed(void *owner, const void *arg)
{
    (void)arg;
    struct sc_queue *queue = owner;
    call_hooks(queue, queue->on_ready);
}

static void cancel_committed(void *owner, const void *arg)
{
    (void)arg;
    struct sc_queue *queue = owner;
    call_hooks(queue, queue->on_cancel);
}

static void silent_committed(void *owner, const void *arg)
{
    struct sc_queue *queue = owner;
    const int64_t *worker_id = arg;
    SC_COUNT(workers_lost, SC_WORKER_SILENT, 1);
    SC_LOCK(&queue->lock);
    if (queue->on_silent != NULL)
        queue->on_silent(queue->silent_ctx, *worker_id);
}

static void due_committed(void *owner, const void *arg)
{
    struct sc_queue *queue = owner;
    const int64_t *in_ms = arg;
    SC_LOCK(&queue->lock);
    if (queue->on_due != NULL)
        queue->on_due(queue->due_ctx, *in_ms);
}

void sc_queue_note_due(struct sc_queue *queue, struct sc_conn *tx, int64_t in_ms)
{
    sc_conn_after_commit(tx, due_committed, queue, &in_ms, sizeof(in_ms));
}

void sc_queue_note_silent(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id)
{
    sc_conn_after_commit(tx, silent_committed, queue, &worker_id, sizeof(worker_id));
}

void sc_queue_note_ready(struct sc_queue *queue, struct sc_conn *tx)
{
    sc_conn_after_commit(tx, ready_committed, queue, NULL, 0);
}

void sc_queue_note_cancel(struct sc_queue *queue, struct sc_conn *tx)
{
    sc_conn_after_commit(tx, cancel_committed, queue, NULL, 0);
}

void sc_queue_note_freed(struct sc_queue *queue, struct sc_conn *tx)
{
    sc_queue_note_cancel(queue, tx);
    if (queue->config.lane_limits[0].lane != NULL)
        sc_queue_note_ready(queue, tx);
}

static void event_from_row(struct sc_stmt *st, struct sc_event *out)
{
    *out = (struct sc_event){
        .id = sc_stmt_int(st, "id"),
        .kind = (enum sc_event_kind)sc_stmt_int(st, "kind"),
        .job = sc_stmt_int(st, "job"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .at_ms = sc_stmt_int(st, "at_ms"),
        .state = (int)sc_stmt_int(st, "state"),
        .stage = (int)sc_stmt_int_or(st, "stage", -1),
        .chunk = (int)sc_stmt_int_or(st, "chunk", -1),
        .attempt = (int)sc_stmt_int_or(st, "attempt", 0),
        .epoch = sc_stmt_int_or(st, "epoch", 0),
        .duration_ms = sc_stmt_int_or(st, "duration_ms", -1),
        .audio_ms = sc_stmt_int_or(st, "audio_ms", -1),
        .eta_ms = -1,
        .progress = (int)sc_stmt_int_or(st, "progress", 0),
        .transcript_id = sc_stmt_int_or(st, "transcript_id", 0),
    };
    (void)sc_code_parse(sc_stmt_text(st, "code"), &out->code); /* "" and unknown: SC_OK stays */
    SC_STMT_READ(st, out, job_id);
    SC_STMT_READ(st, out, worker);
    SC_STMT_READ(st, out, message);
}

enum sc_code sc_event_list(struct sc_conn *conn, const struct sc_event_filter *filter,
                           sc_event_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st =
        sc_stmt_get(conn, filter->job == 0 ? SC_SQL_EVENT_LIST_ALL : SC_SQL_EVENT_LIST_JOB);
    if (filter->job != 0)
        sc_stmt_bind_int(&st, ":job", filter->job);
    sc_stmt_bind_int(&st, ":owner_id", filter->owner_id);
    sc_stmt_bind_int(&st, ":after", filter->after_id);
    sc_stmt_bind_int(&st, ":limit", filter->limit);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_event event;
        event_from_row(&st, &event);
        code = fn(ctx, &event, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_event_newest(struct sc_conn *conn, int64_t *id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EVENT_NEWEST);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *id = sc_stmt_int_or(&st, "id", 0);
    return code;
}
