/* How the server is. live and ready touch memory only, so that they answer when the store does not.
 */

#include "api/api-internal.h"

#include "base/clock.h"

#include "base/banned.h"

/* *store: where the reason goes, should the store refuse writes. */
static struct sc_health look(struct sc_api *api, struct sc_error *store)
{
    bool writable = sc_store_is_writable(api->options.store, store);
    return (struct sc_health){
        .stopping = atomic_load(&api->stopping),
        .store = writable ? NULL : store,
        .workers = -1,
        .uptime_ms = sc_clock_mono_ms() - api->started_ms,
    };
}

static enum sc_code count_worker(void *ctx, const struct sc_worker *worker, struct sc_error *err)
{
    int64_t *count = ctx;
    (void)worker;
    (void)err;
    (*count)++;
    return SC_OK;
}

static enum sc_code count_workers(struct sc_api *api, int64_t *count, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t n = 0;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_worker_list(api->options.queue, conn, count_worker, &n, err);
    if (code == SC_OK)
        *count = n;
    return code;
}

struct sc_done *sc_api_health_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error store = { 0 };
    struct sc_error reading = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_health health = look(api, &store);
    if (count_workers(api, &health.workers, &reading) != SC_OK && health.store == NULL)
        health.store = &reading;
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_health_view(&w, &health);
    return sc_reply_json(req, 200, &body);
}

struct sc_done *sc_api_health_live(struct sc_request *req, struct sc_api *api)
{
    SC_AUTO_BUF body = { 0 };
    (void)api;
    sc_live_view(&body);
    return sc_reply_json(req, 200, &body);
}

struct sc_done *sc_api_health_ready(struct sc_request *req, struct sc_api *api)
{
    struct sc_error store = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_health health = look(api, &store);
    bool ready = !health.stopping && health.store == NULL;
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_ready_view(&w, &health, sc_request_id(req));
    return sc_reply_json(req, ready ? 200 : 503, &body);
}
