/* What ends with time: some while after a job has ended (queue.result_ttl, queue.failure_ttl) its
 * rows of the queue and its folder in work/, later (log.max_age) its logs. Job, transcript, outputs
 * and uploads stay. Files are removed once no task is left, for a job without tasks cannot be
 * retried; a kill in between makes the next call do it again. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "library/changes.h"
#include "json/writer.h"

#include "base/banned.h"

#define SLICE 100 /* rows per write */
#define FORGET_EACH_MS 3600000

struct visit {
    struct sc_pipelines *p;
    int64_t job;
    char job_id[SC_UUID_TEXT];
    int64_t clock_ms, next_ms; /* next_ms -1: nothing due */
    bool found, bare;          /* bare: it has no tasks any more */
    bool logs;                 /* they have had their time */
    int64_t told;              /* how many jobs the history was told of */
};

static enum sc_code scalar(struct sc_conn *tx, enum sc_sql sql, const char *name, int64_t value,
                           const char *column, int64_t *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    if (name != NULL)
        sc_stmt_bind_int(&st, name, value);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = sc_stmt_int(&st, column);
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

static enum sc_code find_expired(struct visit *v, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_EXPIRED);
    sc_stmt_bind_int(&st, ":clock", v->clock_ms);
    sc_stmt_bind_int(&st, ":limit", 1);
    enum sc_code code = sc_stmt_one(&st, err);
    v->found = code == SC_OK;
    if (v->found) {
        v->job = sc_stmt_int(&st, "id");
        SC_STMT_READ(&st, v, job_id);
    }
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

static enum sc_code set_expiry(struct sc_conn *tx, int64_t job, int64_t at_ms, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_SET_EXPIRY);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_opt(&st, ":expires_ms", at_ms);
    return sc_stmt_run(&st, err);
}

/* A slice of the tasks. After the last one the job is visited again for its logs. */
static enum sc_code drop_tasks(struct visit *v, struct sc_conn *tx, struct sc_error *err)
{
    int64_t left = 0;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_EXPIRE);
        sc_stmt_bind_int(&st, ":job", v->job);
        sc_stmt_bind_int(&st, ":limit", SLICE);
        enum sc_code code = sc_stmt_run(&st, err);
        if (code != SC_OK)
            return code;
    }
    int64_t dropped = sc_conn_changes(tx);
    enum sc_code code = scalar(tx, SC_SQL_TASK_EXISTS, ":job", v->job, "yes", &left, err);
    v->bare = code == SC_OK && left == 0;
    v->logs = v->bare && dropped == 0;
    if (!v->bare || v->logs)
        return code;
    int64_t age = sc_config_now(v->p->o.config)->log_max_age;
    return set_expiry(tx, v->job, age > 0 ? v->clock_ms + age : -1, err);
}

/* One row for all jobs that were visited in a row: one for each would be as many as there are jobs.
 * The server does it, by its settings. */
static enum sc_code tell_expired(struct visit *v, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "jobs", v->p->expired);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_JOBS_EXPIRED,
        .owner_id = SC_LOCAL_OWNER,
        .by = SC_LOCAL_OWNER,
        .at_ms = sc_clock_wall_ms(),
        .detail = sc_buf_text(&detail),
    };
    v->told = v->p->expired;
    return v->told == 0 ? SC_OK : sc_change_record(tx, &change, err);
}

static enum sc_code write_visit(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct visit *v = ctx;
    v->bare = v->logs = false;
    v->next_ms = -1;
    v->told = 0;
    enum sc_code code = find_expired(v, tx, err);
    if (code == SC_OK && v->found)
        code = drop_tasks(v, tx, err);
    if (code == SC_OK && !v->found)
        code = scalar(tx, SC_SQL_JOB_NEXT_EXPIRY, NULL, 0, "expires_ms", &v->next_ms, err);
    return code == SC_OK && !v->found ? tell_expired(v, tx, err) : code;
}

static enum sc_code write_end(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct visit *v = ctx;
    return set_expiry(tx, v->job, -1, err);
}

enum sc_code sc_pipelines_expire(struct sc_pipelines *p, int64_t *next_ms, struct sc_error *err)
{
    struct visit v = { .p = p, .clock_ms = sc_queue_clock_ms(p->o.queue) };
    enum sc_code code = sc_store_write(p->o.store, SC_RELAXED, write_visit, &v, err);
    if (code != SC_OK)
        return code;
    p->expired += v.bare && !v.logs;
    p->expired -= v.told;
    SC_AUTO_FREE char *work = sc_work_dir(p, v.job_id);
    SC_AUTO_FREE char *logs = sc_asprintf("%s/logs/jobs/%s", p->root, v.job_id);
    if (v.bare)
        (void)sc_folder_remove(work); /* said in the log */
    if (v.logs) {
        (void)sc_folder_remove(logs); /* said in the log */
        code = sc_store_write(p->o.store, SC_RELAXED, write_end, &v, err);
    }
    *next_ms = v.found ? 0 : v.next_ms < 0 ? -1 : SC_MAX(1, v.next_ms - v.clock_ms);
    return code;
}

/* ---- the history ---- */

struct forgetting {
    int64_t before_ms, removed;
};

static enum sc_code write_forget(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct forgetting *f = ctx;
    return sc_changes_forget(tx, f->before_ms, SLICE, &f->removed, err);
}

enum sc_code sc_pipelines_forget(struct sc_pipelines *p, int64_t *next_ms, struct sc_error *err)
{
    int64_t age_ms = sc_config_now(p->o.config)->history_max_age;
    int64_t now_ms = sc_clock_mono_ms();
    *next_ms = -1;
    if (age_ms == 0 || now_ms < p->forget_ms)
        return SC_OK;
    struct forgetting f = { .before_ms = sc_clock_wall_ms() - age_ms };
    enum sc_code code = sc_store_write(p->o.store, SC_RELAXED, write_forget, &f, err);
    if (code == SC_OK && f.removed == SLICE)
        *next_ms = 0;
    else if (code == SC_OK)
        p->forget_ms = now_ms + FORGET_EACH_MS;
    return code;
}
