/* How the server is. live touches nothing, so that it answers whatever has happened. ready looks at
 * memory and asks the kernel how full the disk is; what takes longer (does the decoder work?) was
 * found out before, by others. */

#include "api/api-internal.h"
#include "api/system-view.h"

#include "base/clock.h"
#include "sys/file.h"

#include "base/banned.h"

#define HEARD_MS 120000 /* a worker that waits for tasks asks again each minute */

static void set_check(struct sc_health *health, enum sc_check check, enum sc_check_status status)
{
    health->checks[check].status = status;
}

static void check_store(struct sc_api *api, struct sc_health *health)
{
    if (!sc_store_is_writable(api->options.store, &health->checks[SC_CHECK_STORE].why))
        set_check(health, SC_CHECK_STORE, SC_CHECK_FAILED);
}

static void check_disk(struct sc_api *api, struct sc_health *health)
{
    const struct sc_config *config = sc_config_now(api->options.config);
    int64_t left = sc_disk_free(config->data_dir);
    if (left < 0 || left >= config->upload_reserve)
        return;
    set_check(health, SC_CHECK_DISK, SC_CHECK_FAILED);
    (void)sc_error_set(
        &health->checks[SC_CHECK_DISK].why, SC_E_NO_SPACE,
        "%lld bytes are free on the disk, upload.reserve keeps %lld bytes: uploads are "
        "refused; make room",
        (long long)left, (long long)config->upload_reserve);
}

static void check_workers(struct sc_api *api, struct sc_health *health)
{
    struct sc_error *why = &health->checks[SC_CHECK_WORKERS].why;
    struct sc_places places = { .places = 1 };
    if (api->options.worker_places != NULL)
        api->options.worker_places(api->options.ctx, &places);
    int64_t heard = atomic_load(&api->heard_ms);
    bool heard_of = heard != 0 && sc_clock_mono_ms() - heard < HEARD_MS;
    if (places.failing && !heard_of) {
        set_check(health, SC_CHECK_WORKERS, SC_CHECK_FAILED);
        (void)sc_error_set(why, SC_E_WORKER_CRASHED,
                           "the workers that this server starts end at once, or cannot be "
                           "started: see the log, and `scripta doctor`");
    } else if (places.places == 0 && !heard_of) {
        /* They have to reach us to register, perhaps through what asks whether we are ready. */
        set_check(health, SC_CHECK_WORKERS, SC_CHECK_WARNING);
        (void)sc_error_set(why, SC_E_ENGINE_UNAVAILABLE,
                           "this server starts no workers (workers=-1) and has not heard of any: "
                           "jobs wait");
    }
}

static void check_decoder(struct sc_api *api, struct sc_health *health)
{
    static const enum sc_check_status states[] = {
        [SC_ABLE_UNKNOWN] = SC_CHECK_UNKNOWN,
        [SC_ABLE_YES] = SC_CHECK_OK,
        [SC_ABLE_NO] = SC_CHECK_FAILED,
    };
    enum sc_able able =
        sc_pipelines_decoder(api->options.pipelines, &health->checks[SC_CHECK_DECODER].why);
    set_check(health, SC_CHECK_DECODER, states[able]);
}

static void look(struct sc_api *api, struct sc_health *health)
{
    *health = (struct sc_health){
        .stopping = atomic_load(&api->stopping),
        .workers = -1,
        .uptime_ms = sc_clock_mono_ms() - api->started_ms,
    };
    check_store(api, health);
    check_disk(api, health);
    check_workers(api, health);
    check_decoder(api, health);
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
    struct sc_error reading = { 0 };
    struct sc_health health;
    SC_AUTO_BUF body = { 0 };
    look(api, &health);
    if (count_workers(api, &health.workers, &reading) != SC_OK &&
        health.checks[SC_CHECK_STORE].status == SC_CHECK_OK) {
        set_check(&health, SC_CHECK_STORE, SC_CHECK_FAILED);
        health.checks[SC_CHECK_STORE].why = reading;
    }
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
    struct sc_health health;
    SC_AUTO_BUF body = { 0 };
    look(api, &health);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_ready_view(&w, &health, sc_request_id(req));
    return sc_reply_json(req, sc_health_is_ready(&health) ? 200 : 503, &body);
}

/* ---- described ---- */

SC_API_DOC(health_show) = { .replies = { { 200, &sc_shape_health } } };
SC_API_DOC(health_live) = { .replies = { { 200, &sc_shape_live } } };
SC_API_DOC(health_ready) = {
    .replies = { { 200, &sc_shape_ready, .help = "Work is accepted" },
                 { 503, &sc_shape_ready, .help = "It is not, and why" } },
};
