#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "json/writer.h"

#include <unistd.h>

#include "base/banned.h"

#define WORKER_MAX 1000 /* shown */

struct worker_list {
    struct sc_conn *conn;
    int64_t owner_id;
    struct sc_worker_row *rows; /* owned */
    size_t count, cap;
};

static void worker_list_done(struct worker_list *list)
{
    free(list->rows);
}

static enum sc_code add_worker(void *ctx, const struct sc_worker *worker, struct sc_error *err)
{
    struct worker_list *list = ctx;
    if (list->count == WORKER_MAX)
        return SC_OK;
    if (!sc_try_grow((void **)&list->rows, &list->cap, list->count + 1, sizeof(*list->rows)))
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the list of workers");
    struct sc_worker_row *row = &list->rows[list->count++];
    *row = (struct sc_worker_row){ .worker = *worker, .class = -1 };
    if (worker->local && worker->pid == (int)getpid())
        row->worker.heartbeat_ms = sc_clock_wall_ms(); /* we ourselves, who answer just now */
    if (worker->job_id[0] == '\0')
        return SC_OK;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_job_find(list->conn, 0, worker->job_id, &job, err);
    if (code == SC_OK) {
        row->class = (int)job.class;
        row->visible = job.owner_id == list->owner_id;
    }
    return code;
}

struct sc_done *sc_api_queue_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO(worker_list_done) struct worker_list list = { .owner_id = sc_api_owner(req) };
    struct sc_queue_picture picture = { .worker_count = 0 };

    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    list.conn = conn;
    if (code == SC_OK)
        code = sc_queue_stats(api->options.queue, conn, &picture.stats, &err);
    if (code == SC_OK)
        code = sc_report_throughput(conn, &picture.minute, &picture.hour, &err);
    if (code == SC_OK)
        code = sc_worker_list(api->options.queue, conn, add_worker, &list, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    picture.workers = list.rows;
    picture.worker_count = list.count;
    sc_queue_view(&w, &picture);
    return sc_api_answer(req, SC_OK, &err, 200, &body);
}

struct pause_change {
    struct sc_queue *queue;
    enum sc_class class;
    bool paused;
    int64_t by;
};

static enum sc_code record_pause(struct sc_conn *tx, const struct pause_change *change,
                                 struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "queue", sc_class_to_string(change->class));
    sc_json_end(&w);
    const struct sc_change row = {
        .kind = change->paused ? SC_CHANGE_QUEUE_PAUSED : SC_CHANGE_QUEUE_RESUMED,
        .owner_id = change->by,
        .by = change->by,
        .at_ms = sc_clock_wall_ms(),
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &row, err);
}

static enum sc_code write_pause(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct pause_change *change = ctx;
    enum sc_code code = sc_queue_pause(change->queue, tx, change->class, change->paused, err);
    return code == SC_OK ? record_pause(tx, change, err) : code;
}

static enum sc_code find_class(struct sc_str name, enum sc_class *out, struct sc_error *err)
{
    for (int i = 0; i < SC_CLASS_COUNT_; i++) {
        if (sc_str_equal(name, sc_str_from(sc_class_to_string((enum sc_class)i)))) {
            *out = (enum sc_class)i;
            return SC_OK;
        }
    }
    char quoted[SC_QUOTED_TEXT];
    return sc_error_set(err, SC_E_QUEUE_NOT_FOUND,
                        "no such queue: '%s'; there are high, normal and low",
                        sc_quote(name, quoted));
}

static struct sc_done *set_paused(struct sc_request *req, struct sc_api *api, bool paused)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct pause_change change = { .queue = api->options.queue,
                                   .paused = paused,
                                   .by = sc_api_owner(req) };
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = find_class(sc_request_param(req, "name"), &change.class, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_pause, &change, &err);
    if (code == SC_OK)
        sc_paused_view(&body, change.class, paused);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_queue_pause(struct sc_request *req, struct sc_api *api)
{
    return set_paused(req, api, true);
}

struct sc_done *sc_api_queue_resume(struct sc_request *req, struct sc_api *api)
{
    return set_paused(req, api, false);
}

/* ---- described ---- */

SC_API_DOC(queue_show) = { .replies = { { 200, &sc_shape_queue } } };
SC_API_DOC(queue_pause) = {
    .replies = { { 200, &sc_shape_paused } },
    .errors = { SC_E_QUEUE_NOT_FOUND },
};
SC_API_DOC(queue_resume) = {
    .replies = { { 200, &sc_shape_paused } },
    .errors = { SC_E_QUEUE_NOT_FOUND },
};
