#include "queue/queue-internal.h"

#include "base/banned.h"

SC_DEFINE_ENUM_STRINGS(sc_stage, SC_STAGE_COUNT_,
                       {
                           [SC_STAGE_INGEST] = "ingest",
                           [SC_STAGE_SPLIT] = "split",
                           [SC_STAGE_TRANSCRIBE] = "transcribe",
                           [SC_STAGE_CONVERT] = "convert",
                           [SC_STAGE_MERGE] = "merge",
                           [SC_STAGE_JOIN] = "join",
                           [SC_STAGE_NOOP] = "noop",
                       });

SC_DEFINE_ENUM_STRINGS(sc_task_state, SC_TASK_STATE_COUNT_,
                       {
                           [SC_TASK_READY] = "ready",
                           [SC_TASK_RUNNING] = "running",
                           [SC_TASK_SCHEDULED] = "scheduled",
                           [SC_TASK_WAITING] = "waiting",
                           [SC_TASK_DONE] = "done",
                           [SC_TASK_DEAD] = "dead",
                           [SC_TASK_CANCELLED] = "cancelled",
                       });

bool sc_stage_has_chunks(enum sc_stage stage)
{
    return stage == SC_STAGE_TRANSCRIBE || stage == SC_STAGE_CONVERT;
}

static void row_read(struct sc_stmt *st, struct sc_task_row *out)
{
    *out = (struct sc_task_row){
        .task = {
            .id = sc_stmt_int(st, "id"),
            .job = sc_stmt_int(st, "job"),
            .epoch = sc_stmt_int(st, "epoch"),
            .owner_id = sc_stmt_int(st, "owner_id"),
            .stage = (enum sc_stage)sc_stmt_int(st, "stage"),
            .chunk = (int)sc_stmt_int(st, "chunk"),
            .state = (enum sc_task_state)sc_stmt_int(st, "state"),
            .failures = (int)sc_stmt_int(st, "failures"),
            .interruptions = (int)sc_stmt_int(st, "interruptions"),
            .worker_id = sc_stmt_int_or(st, "worker_id", 0),
            .lease_until_ms = sc_stmt_int_or(st, "lease_until_ms", 0),
            .claimed_ms = sc_stmt_int_or(st, "claimed_ms", 0),
        },
        .max_failures = (int)sc_stmt_int_or(st, "max_failures", 0),
    };
    SC_STMT_COPY(st, "job_id", out->task.job_id);
    SC_STMT_COPY(st, "lane", out->task.lane);
    SC_STMT_READ(st, out, worker);
}

enum sc_code sc_task_row_get(struct sc_conn *conn, int64_t id, struct sc_task_row *out,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TASK_GET);
    sc_stmt_bind_int(&st, ":id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_TASK_NOT_FOUND, "no task %lld", (long long)id);
    if (code == SC_OK)
        row_read(&st, out);
    return code;
}

enum sc_code sc_task_row_check(const struct sc_task_row *row, const struct sc_fence *fence,
                               enum sc_code found, struct sc_error *err)
{
    if (found != SC_OK && found != SC_E_TASK_NOT_FOUND)
        return found;
    if (found == SC_OK && row->task.state == SC_TASK_RUNNING && row->task.epoch == fence->epoch &&
        row->task.worker_id == fence->worker_id)
        return SC_OK;
    return sc_error_set(err, SC_E_LEASE_LOST, "task %lld is no longer leased to worker %lld",
                        (long long)fence->task_id, (long long)fence->worker_id);
}

enum sc_code sc_task_row_fenced(struct sc_conn *conn, const struct sc_fence *fence,
                                struct sc_task_row *out, struct sc_error *err)
{
    enum sc_code code = sc_task_row_get(conn, fence->task_id, out, err);
    return sc_task_row_check(out, fence, code, err);
}

enum sc_code sc_task_check(struct sc_conn *conn, const struct sc_fence *fence, struct sc_task *out,
                           struct sc_error *err)
{
    struct sc_task_row row;
    enum sc_code code = sc_task_row_fenced(conn, fence, &row, err);
    if (code == SC_OK)
        *out = row.task;
    return code;
}

enum sc_code sc_task_list(struct sc_conn *conn, int64_t job, sc_task_fn fn, void *ctx,
                          struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TASK_LIST);
    sc_stmt_bind_int(&st, ":job", job);
    for (;;) {
        bool more = false;
        enum sc_code code = sc_stmt_step(&st, &more, err);
        if (code != SC_OK || !more)
            return code;
        struct sc_task_row row;
        row_read(&st, &row);
        code = fn(ctx, &row.task, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_task_leave(struct sc_queue *queue, struct sc_conn *tx, const struct sc_task *task,
                           const struct sc_task_leave *leave, struct sc_error *err)
{
    sc_assert(sc_task_may_move(SC_TASK_RUNNING, leave->to));
    bool final = leave->to == SC_TASK_DONE || leave->to == SC_TASK_DEAD;

    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_LEAVE);
    sc_stmt_bind_int(&st, ":to", (int64_t)leave->to);
    sc_stmt_bind_opt(&st, ":worker_id", leave->worker_id == 0 ? -1 : leave->worker_id);
    sc_stmt_bind_opt(&st, ":run_after_ms", leave->run_after_ms);
    sc_stmt_bind_opt(&st, ":finished_ms", final ? sc_queue_clock_ms(queue) : -1);
    sc_stmt_bind_int(&st, ":failures", leave->failures);
    sc_stmt_bind_int(&st, ":interruptions", leave->interruptions);
    sc_stmt_bind_text(&st, ":error_code",
                      leave->why == NULL ? NULL : sc_code_name(leave->why->code));
    sc_stmt_bind_text(&st, ":error_message", leave->why == NULL ? NULL : leave->why->msg);
    sc_stmt_bind_int(&st, ":id", task->id);
    sc_stmt_bind_int(&st, ":epoch", task->epoch);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK && sc_conn_changes(tx) == 0)
        return sc_error_set(err, SC_E_LEASE_LOST, "task %lld has moved on", (long long)task->id);
    if (leave->to != SC_TASK_DONE) /* a chunk that is done is counted by then */
        sc_queue_forget_under_way(queue, task->id);
    /* One that was passed over for the lane's limit may go now. */
    if (code == SC_OK && sc_queue_lane_max(queue, task->lane) > 0)
        sc_queue_note_ready(queue, tx);
    return code;
}

enum sc_code sc_task_move(struct sc_conn *tx, int64_t task, enum sc_task_state from,
                          enum sc_task_state to, struct sc_error *err)
{
    sc_assert(sc_task_may_move(from, to));
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_MOVE);
    sc_stmt_bind_int(&st, ":id", task);
    sc_stmt_bind_int(&st, ":from", (int64_t)from);
    sc_stmt_bind_int(&st, ":to", (int64_t)to);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_task_move_all(struct sc_conn *tx, int64_t job, enum sc_task_state from,
                              enum sc_task_state to, int64_t *moved, struct sc_error *err)
{
    sc_assert(sc_task_may_move(from, to));
    /* A task of a retried job starts as if it were new, but for its epoch. */
    bool again = from == SC_TASK_DEAD || from == SC_TASK_CANCELLED;
    SC_AUTO_STMT st = sc_stmt_get(tx, again ? SC_SQL_TASK_AGAIN_JOB : SC_SQL_TASK_MOVE_JOB);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":from", (int64_t)from);
    sc_stmt_bind_int(&st, ":to", (int64_t)to);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK && moved != NULL)
        *moved = sc_conn_changes(tx);
    return code;
}

enum sc_code sc_queue_ids(struct sc_stmt *st, int64_t *ids, size_t cap, size_t *count,
                          struct sc_error *err)
{
    size_t n = 0;
    while (n < cap) {
        bool row = false;
        enum sc_code code = sc_stmt_step(st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row)
            break;
        ids[n++] = sc_stmt_int(st, "id");
    }
    sc_stmt_reset(st);
    *count = n;
    return SC_OK;
}

static enum sc_task_state initial_state(enum sc_admission admission)
{
    switch (admission) {
    case SC_ADMISSION_SCHEDULED:
        return SC_TASK_SCHEDULED;
    case SC_ADMISSION_WAITING:
        return SC_TASK_WAITING;
    case SC_ADMISSION_ADMITTED:
        return SC_TASK_READY;
    case SC_ADMISSION_ENDED:
        break;
    }
    sc_assert(admission != SC_ADMISSION_ENDED);
    return SC_TASK_CANCELLED;
}

enum sc_code sc_task_announce(struct sc_conn *tx, int64_t job, int chunk, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_ANNOUNCE_CHUNK);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_int(&st, ":chunk", chunk);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

static enum sc_code count_chunk(struct sc_conn *tx, int64_t job, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_COUNT_CHUNKS);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_int(&st, ":total", 1);
    sc_stmt_bind_int(&st, ":completed", 0);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

enum sc_code sc_task_add(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                         const struct sc_task_spec *spec, struct sc_error *err)
{
    sc_assert(strlen(spec->lane) < sizeof(((struct sc_task *)0)->lane));
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK)
        return code;
    if (brief.admission == SC_ADMISSION_ENDED)
        return sc_error_set(err, SC_E_CONFLICT, "job %s is %s", brief.job_id,
                            sc_job_state_to_string(brief.state));

    enum sc_task_state state = initial_state(brief.admission);
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_INSERT);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":stage", (int64_t)spec->stage);
    sc_stmt_bind_int(&st, ":chunk", spec->chunk);
    sc_stmt_bind_text(&st, ":lane", spec->lane);
    sc_stmt_bind_int(&st, ":state", (int64_t)state);
    code = sc_stmt_run(&st, err);
    if (code != SC_OK || sc_conn_changes(tx) == 0)
        return code;
    if (state == SC_TASK_READY)
        sc_queue_note_ready(queue, tx);
    bool counts = sc_stage_has_chunks(spec->stage) && spec->chunk >= 0 && !spec->counted;
    return counts ? count_chunk(tx, job, err) : SC_OK;
}
