#include "queue/queue-internal.h"

#include <signal.h>

#include "base/banned.h"

enum sc_code sc_worker_register(struct sc_queue *queue, struct sc_conn *tx,
                                const struct sc_worker *worker, const char *engines_json,
                                int64_t *id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WORKER_INSERT);
    sc_stmt_bind_text(&st, ":name", worker->name);
    sc_stmt_bind_text(&st, ":host", worker->host);
    sc_stmt_bind_int(&st, ":pid", worker->pid);
    sc_stmt_bind_int(&st, ":local", worker->local ? 1 : 0);
    sc_stmt_bind_int(&st, ":token_id", worker->token_id);
    sc_stmt_bind_int(&st, ":generation", queue->generation);
    sc_stmt_bind_text(&st, ":engines", engines_json == NULL ? "[]" : engines_json);
    sc_stmt_bind_text(&st, ":device", worker->device[0] == '\0' ? "cpu" : worker->device);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    sc_stmt_bind_int(&st, ":clock", sc_queue_clock_ms(queue));
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *id = sc_conn_last_id(tx);
    return code;
}

static enum sc_code held_by(struct sc_conn *tx, int64_t worker_id, int64_t *ids, size_t cap,
                            size_t *count, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_HELD);
    sc_stmt_bind_int(&st, ":worker_id", worker_id);
    sc_stmt_bind_int(&st, ":limit", (int64_t)cap);
    return sc_queue_ids(&st, ids, cap, count, err);
}

/* Signals that speak of a fault in the process itself; others came from outside. */
static bool is_fault(int signal)
{
    static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };
    for (size_t i = 0; i < SC_ARRAY_LEN(faults); i++) {
        if (faults[i] == signal)
            return true;
    }
    return false;
}

/* What a worker's death means for the tasks that it held, and why. */
static enum sc_setback judge_death(int signal, size_t held, struct sc_error *why)
{
    if (!is_fault(signal)) {
        sc_error_set(why, SC_E_WORKER_CRASHED, "the worker has gone");
        return SC_SETBACK_INTERRUPTION;
    }
    if (held > 1) {
        sc_error_set(why, SC_E_WORKER_CRASHED, "the worker died of %s on one of %zu tasks",
                     sigabbrev_np(signal), held);
        return SC_SETBACK_INTERRUPTION;
    }
    sc_error_set(why, SC_E_WORKER_CRASHED, "the worker died of %s on this task",
                 sigabbrev_np(signal));
    return SC_SETBACK_FAILURE;
}

static enum sc_code mark_gone(struct sc_conn *tx, int64_t worker_id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WORKER_GONE);
    sc_stmt_bind_int(&st, ":id", worker_id);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

enum sc_code sc_worker_gone(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id,
                            int fatal_signal, struct sc_error *err)
{
    enum sc_code code = mark_gone(tx, worker_id, err);
    enum sc_setback kind = SC_SETBACK_INTERRUPTION;
    struct sc_error why = { 0 };
    for (bool first = true;; first = false) {
        int64_t ids[SC_CLAIM_MAX];
        size_t count = 0;
        if (code == SC_OK)
            code = held_by(tx, worker_id, ids, SC_ARRAY_LEN(ids), &count, err);
        if (first)
            kind = judge_death(fatal_signal, count, &why);
        for (size_t i = 0; code == SC_OK && i < count; i++)
            code = sc_task_setback(queue, tx, ids[i], kind, &why, err);
        if (code != SC_OK || count == 0)
            return code;
    }
}

enum sc_code sc_worker_dismissed(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id,
                                 struct sc_error *err)
{
    enum sc_code code = mark_gone(tx, worker_id, err);
    for (;;) {
        int64_t ids[SC_CLAIM_MAX];
        size_t count = 0;
        if (code == SC_OK)
            code = held_by(tx, worker_id, ids, SC_ARRAY_LEN(ids), &count, err);
        for (size_t i = 0; code == SC_OK && i < count; i++)
            code = sc_task_put_back(queue, tx, ids[i], err);
        if (code != SC_OK || count == 0)
            return code;
    }
}

static enum sc_code unknown_worker(int64_t worker_id, struct sc_error *err)
{
    return sc_error_set(err, SC_E_NOT_FOUND, "no worker %lld: register again",
                        (long long)worker_id);
}

enum sc_code sc_worker_token(struct sc_conn *conn, int64_t worker_id, int64_t *token_id,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WORKER_GET);
    sc_stmt_bind_int(&st, ":id", worker_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return unknown_worker(worker_id, err);
    if (code == SC_OK)
        *token_id = sc_stmt_int(&st, "token_id");
    return code;
}

/* *at: when it was last heard of; name NULL: of no interest. NOT_FOUND: it must register again. */
static enum sc_code last_beat(struct sc_conn *tx, int64_t worker_id, char *name, int64_t *at,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WORKER_GET);
    sc_stmt_bind_int(&st, ":id", worker_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return unknown_worker(worker_id, err);
    if (code != SC_OK)
        return code;
    if (name != NULL)
        sc_stmt_copy(&st, "name", name, SC_WORKER_NAME);
    *at = sc_stmt_int(&st, "heartbeat_ms");
    return SC_OK;
}

static enum sc_code note_beat(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_WORKER_BEAT);
    sc_stmt_bind_int(&st, ":id", worker_id);
    sc_stmt_bind_int(&st, ":clock", sc_queue_clock_ms(queue));
    return sc_stmt_run(&st, err);
}

enum sc_code sc_worker_seen(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id,
                            char *name, struct sc_error *err)
{
    int64_t at = 0;
    enum sc_code code = last_beat(tx, worker_id, name, &at, err);
    if (code != SC_OK || sc_queue_clock_ms(queue) - at < queue->config.lease_ms / 2)
        return code;
    return note_beat(queue, tx, worker_id, err);
}

static enum sc_code renew(struct sc_queue *queue, struct sc_conn *tx, int64_t worker_id,
                          struct sc_held *held, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_RENEW);
    sc_stmt_bind_int(&st, ":id", held->task_id);
    sc_stmt_bind_int(&st, ":epoch", held->epoch);
    sc_stmt_bind_int(&st, ":worker_id", worker_id);
    sc_stmt_bind_int(&st, ":lease_until_ms", sc_queue_clock_ms(queue) + queue->config.lease_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code != SC_OK)
        return code;
    bool renewed = sc_conn_changes(tx) > 0;
    held->answer = SC_BEAT_OK;
    if (renewed && held->progress <= 0)
        return SC_OK;
    struct sc_task_row row;
    code = sc_task_row_get(tx, held->task_id, &row, err);
    if (renewed && code == SC_OK) {
        const struct sc_under_way what = { .task = held->task_id,
                                           .job = row.task.job,
                                           .percent = (int)SC_MIN(held->progress, 99) };
        sc_queue_note_under_way(queue, &what);
    }
    if (renewed)
        return code;
    if (code != SC_OK && code != SC_E_TASK_NOT_FOUND)
        return code;
    bool cancelled = code == SC_OK && row.task.state == SC_TASK_CANCELLED &&
                     row.task.worker_id == worker_id && row.task.epoch == held->epoch;
    held->answer = cancelled ? SC_BEAT_CANCELLED : SC_BEAT_LOST;
    return SC_OK;
}

static bool is_listed(const struct sc_beat_list *list, int64_t task)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->held[i].task_id == task)
            return true;
    }
    return false;
}

/* What the worker must know of and did not list, it has lost: a reply that never arrived, say.
 * Times of heartbeats would not tell: those that were sent before a claim may be read after it. */
static enum sc_code take_back_unlisted(struct sc_queue *queue, struct sc_conn *tx,
                                       const struct sc_beat_list *list, struct sc_error *err)
{
    int64_t lost[SC_CLAIM_MAX];
    size_t lost_count = 0;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_KNOWN);
        sc_stmt_bind_int(&st, ":worker_id", list->worker_id);
        sc_stmt_bind_int(&st, ":before", list->as_of_ms);
        while (lost_count < SC_ARRAY_LEN(lost)) {
            bool row = false;
            enum sc_code code = sc_stmt_step(&st, &row, err);
            if (code != SC_OK)
                return code;
            if (!row)
                break;
            int64_t id = sc_stmt_int(&st, "id");
            if (!is_listed(list, id))
                lost[lost_count++] = id;
        }
    }
    struct sc_error why = { 0 };
    sc_error_set(&why, SC_E_WORKER_CRASHED, "the worker does not know of this task");
    for (size_t i = 0; i < lost_count; i++) {
        enum sc_code code = sc_task_setback(queue, tx, lost[i], SC_SETBACK_INTERRUPTION, &why, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

enum sc_code sc_task_heartbeat(struct sc_queue *queue, struct sc_conn *tx,
                               const struct sc_beat_list *list, struct sc_error *err)
{
    int64_t at;
    enum sc_code code = last_beat(tx, list->worker_id, NULL, &at, err);
    if (code == SC_OK)
        code = note_beat(queue, tx, list->worker_id, err);
    for (size_t i = 0; code == SC_OK && i < list->count; i++)
        code = renew(queue, tx, list->worker_id, &list->held[i], err);
    if (code == SC_OK && list->as_of_ms > 0)
        code = take_back_unlisted(queue, tx, list, err);
    return code;
}

enum sc_code sc_worker_list(struct sc_queue *queue, struct sc_conn *conn, sc_worker_fn fn,
                            void *ctx, struct sc_error *err)
{
    int64_t to_wall = sc_clock_wall_ms() - sc_queue_clock_ms(queue);
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_WORKER_LIST);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_worker worker = {
            .id = sc_stmt_int(&st, "id"),
            .pid = (int)sc_stmt_int(&st, "pid"),
            .local = sc_stmt_int(&st, "local") != 0,
            .registered_ms = sc_stmt_int(&st, "registered_ms"),
            .heartbeat_ms = sc_stmt_int(&st, "heartbeat_ms") + to_wall,
        };
        SC_STMT_COPY(&st, "name", worker.name);
        SC_STMT_COPY(&st, "host", worker.host);
        SC_STMT_COPY(&st, "device", worker.device);
        SC_STMT_COPY(&st, "job_id", worker.job_id);
        code = fn(ctx, &worker, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_worker_deaf(struct sc_queue *queue, struct sc_conn *tx, int64_t task_id,
                            struct sc_error *err)
{
    struct sc_task_row row;
    struct sc_job_brief job;
    enum sc_code code = sc_task_row_get(tx, task_id, &row, err);
    if (code == SC_E_TASK_NOT_FOUND)
        return SC_OK;
    if (code == SC_OK)
        code = sc_job_brief_get(tx, row.task.job, &job, err);
    if (code != SC_OK)
        return code;
    struct sc_event event = sc_queue_task_event(SC_EVENT_TASK_INTERRUPTED, &job, &row);
    event.code = SC_E_WORKER_CRASHED;
    (void)snprintf(event.message, sizeof(event.message),
                   "the engine did not stop when it was told to: its worker is ended");
    return sc_queue_emit(queue, tx, &event, err);
}
