/* Upkeep: what time alone brings about. Each call does at most SC_QUEUE_SLICE rows, the rest is for
 * the next one. */

#include "queue/queue-internal.h"

#include "base/banned.h"

/* A time-out cancels all tasks of a job, so fewer of them fit into one transaction. */
#define TIMEOUTS_PER_SWEEP 8
/* How often the clock is saved: what a killed server forgets of its jobs' time. */
#define SAVE_CLOCK_MS 10000
/* A worker of another host that was silent for so many leases, and longer than a claim may wait
 * (60 s) twice over, and holds nothing, has gone. */
#define SILENT_LEASES 4
#define SILENT_MIN_MS 150000
/* What ended in which minute is of use for the last hour. */
#define KEEP_MINUTES_MS 7200000

struct sweep {
    struct sc_queue *queue;
    struct sc_conn *tx;
    size_t left; /* rows that this call may still touch */
    bool more;
};

/* Rows that are due: the statement binds one time and a limit. */
struct due {
    enum sc_sql sql;
    const char *time_name;
    int64_t time;
    size_t most; /* of this kind, at most SC_QUEUE_SLICE */
    int64_t ids[SC_QUEUE_SLICE];
    size_t count;
};

/* Takes what it finds off the sweep's rows. */
static enum sc_code find_due(struct sweep *sweep, struct due *due, struct sc_error *err)
{
    size_t limit = SC_MIN(due->most, sweep->left);
    if (limit == 0) {
        sweep->more = true;
        return SC_OK;
    }
    SC_AUTO_STMT st = sc_stmt_get(sweep->tx, due->sql);
    sc_stmt_bind_int(&st, due->time_name, due->time);
    sc_stmt_bind_int(&st, ":limit", (int64_t)limit);
    enum sc_code code = sc_queue_ids(&st, due->ids, limit, &due->count, err);
    sweep->left -= due->count;
    sweep->more = sweep->more || due->count == limit;
    return code;
}

static enum sc_code expire_leases(struct sweep *sweep, struct sc_error *err)
{
    struct due due = {
        .sql = SC_SQL_TASK_EXPIRED,
        .time_name = ":clock",
        .time = sc_queue_clock_ms(sweep->queue),
        .most = SC_QUEUE_SLICE,
    };
    enum sc_code code = find_due(sweep, &due, err);
    struct sc_error why = { 0 };
    sc_error_set(&why, SC_E_WORKER_CRASHED, "the lease has run out");
    for (size_t i = 0; code == SC_OK && i < due.count; i++) {
        struct sc_task_row row;
        code = sc_task_row_get(sweep->tx, due.ids[i], &row, err);
        if (code == SC_OK)
            code = sc_task_setback(sweep->queue, sweep->tx, due.ids[i], SC_SETBACK_INTERRUPTION,
                                   &why, err);
        if (code == SC_OK)
            sc_queue_note_silent(sweep->queue, sweep->tx, row.task.worker_id);
    }
    return code;
}

static enum sc_code promote_tasks(struct sweep *sweep, struct sc_error *err)
{
    struct due due = {
        .sql = SC_SQL_TASK_DUE,
        .time_name = ":clock",
        .time = sc_queue_clock_ms(sweep->queue),
        .most = SC_QUEUE_SLICE,
    };
    enum sc_code code = find_due(sweep, &due, err);
    for (size_t i = 0; code == SC_OK && i < due.count; i++)
        code = sc_task_move(sweep->tx, due.ids[i], SC_TASK_SCHEDULED, SC_TASK_READY, err);
    if (code == SC_OK && due.count > 0)
        sc_queue_note_ready(sweep->queue, sweep->tx);
    return code;
}

/* A user's run_after is wall time: the only thing here that follows the wall clock's steps. */
static enum sc_code promote_jobs(struct sweep *sweep, struct sc_error *err)
{
    struct due due = {
        .sql = SC_SQL_JOB_DUE,
        .time_name = ":now",
        .time = sc_clock_wall_ms(),
        .most = SC_QUEUE_SLICE,
    };
    enum sc_code code = find_due(sweep, &due, err);
    for (size_t i = 0; code == SC_OK && i < due.count; i++)
        code = sc_admission_due(sweep->queue, sweep->tx, due.ids[i], err);
    return code;
}

static enum sc_code time_out_jobs(struct sweep *sweep, struct sc_error *err)
{
    struct due due = {
        .sql = SC_SQL_JOB_OVERDUE,
        .time_name = ":clock",
        .time = sc_queue_clock_ms(sweep->queue),
        .most = TIMEOUTS_PER_SWEEP,
    };
    enum sc_code code = find_due(sweep, &due, err);
    struct sc_error why = { 0 };
    sc_error_set(&why, SC_E_TIMEOUT, "the job took longer than its time-out allows");
    for (size_t i = 0; code == SC_OK && i < due.count; i++) {
        struct sc_job_brief job;
        code = sc_job_brief_get(sweep->tx, due.ids[i], &job, err);
        if (code != SC_OK)
            break;
        struct sc_verdict verdict = {
            .to = SC_JOB_FAILED, .why = &why, .stage = job.stage, .chunk = -1
        };
        code = sc_job_end(sweep->queue, sweep->tx, &job, &verdict, err);
    }
    return code;
}

/* None of them when other rows have used up the sweep: then the next one looks. */
static enum sc_code expire_keys(struct sweep *sweep, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(sweep->tx, SC_SQL_IDEMPOTENCY_EXPIRE);
    sc_stmt_bind_int(&st, ":before", sc_clock_wall_ms() - sweep->queue->config.idempotency_ttl_ms);
    sc_stmt_bind_int(&st, ":limit", (int64_t)sweep->left);
    enum sc_code code = sc_stmt_run(&st, err);
    sweep->more = sweep->more || sc_conn_changes(sweep->tx) >= (int64_t)sweep->left;
    return code;
}

static enum sc_code forget_silent_workers(struct sweep *sweep, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(sweep->tx, SC_SQL_WORKER_GONE_SILENT);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    sc_stmt_bind_int(&st, ":before",
                     sc_queue_clock_ms(sweep->queue) -
                         SC_MAX(SILENT_MIN_MS, SILENT_LEASES * sweep->queue->config.lease_ms));
    return sc_stmt_run(&st, err);
}

static enum sc_code forget_minutes(struct sweep *sweep, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(sweep->tx, SC_SQL_REPORT_FORGET_MINUTES);
    sc_stmt_bind_int(&st, ":before", (sc_clock_wall_ms() - KEEP_MINUTES_MS) / 60000);
    return sc_stmt_run(&st, err);
}

static enum sc_code forget_empty_figures(struct sweep *sweep, enum sc_sql sql, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(sweep->tx, sql);
    return sc_stmt_run(&st, err);
}

/* What is done a few times a minute, however often time brings something about. */
static enum sc_code save_clock(struct sweep *sweep, struct sc_error *err)
{
    int64_t clock = sc_queue_clock_ms(sweep->queue);
    if (clock - sweep->queue->clock_saved_ms < SAVE_CLOCK_MS)
        return SC_OK;
    enum sc_code code = sc_queue_meta_put(sweep->tx, SC_META_CLOCK, clock, err);
    if (code == SC_OK)
        code = forget_empty_figures(sweep, SC_SQL_REPORT_FORGET_EMPTY, err);
    if (code == SC_OK)
        code = forget_empty_figures(sweep, SC_SQL_REPORT_FORGET_DAYS, err);
    if (code == SC_OK)
        sweep->queue->clock_saved_ms = clock;
    return code;
}

/* Lowers *next to the time of a statement's row, as milliseconds from `now`. */
static enum sc_code nearer(struct sc_conn *tx, enum sc_sql sql, const char *column, int64_t now,
                           int64_t *next, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK || sc_stmt_is_null(&st, column))
        return code;
    int64_t in = SC_MAX(0, sc_stmt_int(&st, column) - now);
    if (*next < 0 || in < *next)
        *next = in;
    return SC_OK;
}

static enum sc_code next_due(struct sweep *sweep, int64_t *next, struct sc_error *err)
{
    int64_t clock = sc_queue_clock_ms(sweep->queue);
    struct sc_conn *tx = sweep->tx;
    enum sc_code code = nearer(tx, SC_SQL_TASK_NEXT_EXPIRY, "lease_until_ms", clock, next, err);
    if (code == SC_OK)
        code = nearer(tx, SC_SQL_TASK_NEXT_DUE, "run_after_ms", clock, next, err);
    if (code == SC_OK)
        code = nearer(tx, SC_SQL_JOB_NEXT_DEADLINE, "deadline_ms", clock, next, err);
    if (code == SC_OK)
        code = nearer(tx, SC_SQL_JOB_NEXT_DUE, "run_after_ms", sc_clock_wall_ms(), next, err);
    return code;
}

enum sc_code sc_queue_sweep(struct sc_queue *queue, struct sc_conn *tx, bool *more,
                            int64_t *next_ms, struct sc_error *err)
{
    static enum sc_code (*const steps[])(struct sweep *, struct sc_error *) = {
        expire_leases, promote_tasks, promote_jobs,          time_out_jobs,
        expire_keys,   save_clock,    forget_silent_workers, forget_minutes,
    };
    struct sweep sweep = { .queue = queue, .tx = tx, .left = SC_QUEUE_SLICE };
    for (size_t i = 0; i < SC_ARRAY_LEN(steps); i++) {
        enum sc_code code = steps[i](&sweep, err);
        if (code != SC_OK)
            return code;
    }
    int64_t next = -1;
    enum sc_code code = next_due(&sweep, &next, err);
    if (code != SC_OK)
        return code;
    *more = sweep.more;
    *next_ms = sweep.more ? 0 : next;
    return SC_OK;
}
