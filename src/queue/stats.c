#include "queue/queue-internal.h"

#include "base/lock.h"

#include "base/banned.h"

static enum sc_code counter_get(struct sc_conn *conn, const char *name, int64_t *out,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_COUNTER_GET);
    sc_stmt_bind_text(&st, ":name", name);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = sc_stmt_int(&st, "value");
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

/* limit: of a statement that has one, else 0. */
static enum sc_code count_of(struct sc_conn *conn, enum sc_sql sql, int64_t limit, int64_t *out,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, sql);
    if (limit > 0)
        sc_stmt_bind_int(&st, ":limit", limit);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = sc_stmt_int(&st, "n");
    return code;
}

enum sc_code sc_queue_paused(struct sc_conn *conn, bool out[SC_CLASS_COUNT_], struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_QUEUE_LIST);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        int64_t class = sc_stmt_int(&st, "class");
        if (class >= 0 && class < SC_CLASS_COUNT_)
            out[class] = sc_stmt_int(&st, "paused") != 0;
    }
}

enum sc_code sc_queue_pause(struct sc_queue *queue, struct sc_conn *tx, enum sc_class class,
                            bool paused, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_QUEUE_PAUSE);
    sc_stmt_bind_int(&st, ":class", (int64_t) class);
    sc_stmt_bind_int(&st, ":paused", paused ? 1 : 0);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK && !paused)
        sc_queue_note_ready(queue, tx);
    return code;
}

static enum sc_code count_jobs(struct sc_conn *conn, struct sc_queue_stats *out,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_QUEUE_COUNT_JOBS);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        int64_t class = sc_stmt_int(&st, "class");
        int64_t state = sc_stmt_int(&st, "state");
        int64_t jobs = sc_stmt_int(&st, "jobs");
        sc_assert(class >= 0 && class < SC_CLASS_COUNT_);
        if (state == SC_JOB_PENDING)
            out->class[class].pending = jobs;
        else if (state == SC_JOB_PROCESSING)
            out->class[class].running = jobs;
        else
            out->class[class].failed = jobs;
    }
}

/* Of the pending job that was made first. */
static enum sc_code oldest_age(struct sc_conn *conn, int class, int64_t *age_ms,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_QUEUE_OLDEST);
    sc_stmt_bind_int(&st, ":class", class);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *age_ms = SC_MAX(0, sc_clock_wall_ms() - sc_stmt_int(&st, "created_ms"));
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_queue_stats(struct sc_queue *queue, struct sc_conn *conn,
                            struct sc_queue_stats *out, struct sc_error *err)
{
    struct sc_queue_stats stats = { 0 };
    bool paused[SC_CLASS_COUNT_] = { false };
    int limits[SC_CLASS_COUNT_];
    {
        SC_LOCK(&queue->lock);
        memcpy(limits, queue->config.max_concurrent, sizeof(limits));
    }
    enum sc_code code = count_jobs(conn, &stats, err);
    if (code == SC_OK)
        code = sc_queue_paused(conn, paused, err);
    for (int c = 0; c < SC_CLASS_COUNT_; c++) {
        stats.class[c].paused = paused[c];
        stats.class[c].max_concurrent = limits[c];
        if (code == SC_OK)
            code = oldest_age(conn, c, &stats.class[c].oldest_age_ms, err);
    }
    if (code == SC_OK)
        code = count_of(conn, SC_SQL_TASK_COUNT_READY, SC_TASKS_COUNTED, &stats.tasks_ready, err);
    if (code == SC_OK)
        code = count_of(conn, SC_SQL_TASK_COUNT_RUNNING, 0, &stats.tasks_running, err);
    if (code == SC_OK)
        code = counter_get(conn, SC_COUNTER_COMPLETED, &stats.completed_total, err);
    if (code == SC_OK)
        code = counter_get(conn, SC_COUNTER_FAILED, &stats.failed_total, err);
    if (code == SC_OK)
        *out = stats;
    return code;
}

enum sc_code sc_queue_demand(struct sc_conn *conn, int64_t *ready, int64_t *running,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_TASK_DEMAND);
    sc_stmt_bind_int(&st, ":limit", SC_TASKS_COUNTED);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK) {
        *ready = sc_stmt_int(&st, "ready");
        *running = sc_stmt_int(&st, "running");
    }
    return code;
}
