#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/lock.h"
#include "base/metric.h"
#include "http/multipart.h"
#include "http/replay.h"
#include "http/represent.h"

#include "base/banned.h"

struct sc_request *sc_request_new(const struct sc_listener *listener, const char *uri)
{
    struct sc_request *req = sc_alloc(sizeof(*req));
    req->http = listener->http;
    req->listener = listener;
    req->uri = sc_strdup(uri);
    req->start_us = sc_clock_mono_us();
    req->slot = -1;
    req->fd = -1;
    return req;
}

void sc_request_free(struct sc_request *req)
{
    if (req->response != NULL)
        MHD_destroy_response(req->response);
    for (size_t i = 0; i < req->header_count; i++)
        free(req->headers[i]);
    if (req->spool != NULL)
        atomic_fetch_sub(&req->http->uploads, 1);
    sc_spool_free(req->spool);
    sc_socket_free(req->socket);
    sc_target_done(&req->target);
    sc_buf_done(&req->body);
    free(req->refusal);
    free(req->uri);
    free(req);
}

void sc_request_refuse(struct sc_request *req, const struct sc_error *why)
{
    if (req->refusal == NULL)
        req->refusal = sc_alloc(sizeof(*req->refusal));
    *req->refusal = *why;
}

static void run_handler(struct sc_request *req)
{
    struct sc_done *done = req->handler(req, req->http->options.app);
    (void)done;
}

void sc_request_run(struct sc_request *req)
{
    int64_t store_us = sc_store_waited_us;
    req->later.armed = false;
    if (sc_request_is_conditional(req)) {
        SC_LOCK(&req->http->match_lock);
        if (sc_request_still_matches(req))
            run_handler(req);
    } else {
        run_handler(req);
    }
    req->store_us += sc_store_waited_us - store_us;
    /* Whatever a handler returns, the client gets one answer. */
    if (req->response != NULL)
        req->later.armed = false;
    else if (!req->later.armed) {
        struct sc_error bug = { 0 };
        (void)sc_error_set(&bug, SC_E_INTERNAL, "the handler gave no answer");
        (void)sc_reply_error(req, &bug);
    }
}

void sc_http_let_go(struct sc_http *http)
{
    if (atomic_fetch_sub(&http->suspended, 1) > 1)
        return;
    SC_LOCK(&http->lock);
    (void)pthread_cond_broadcast(&http->cond);
}

bool sc_http_hold(struct sc_http *http)
{
    /* Counted first: either this is seen by who waits for nobody, or `closing` is seen here. */
    (void)atomic_fetch_add(&http->suspended, 1);
    if (!atomic_load(&http->closing))
        return true;
    sc_http_let_go(http);
    return false;
}

void sc_request_release(struct sc_request *req)
{
    struct sc_http *http = req->http;
    MHD_resume_connection(req->conn);
    /* Only now: once nothing is suspended, the daemons may be stopped. */
    sc_http_let_go(http);
}

struct sc_str sc_request_param(struct sc_request *req, const char *name)
{
    return sc_router_param(req->route, &req->target, name);
}

struct sc_str sc_request_query(struct sc_request *req, const char *name)
{
    for (size_t i = 0; i < req->target.query_count; i++) {
        if (sc_str_equal(req->target.query[i].name, sc_str_from(name)))
            return req->target.query[i].value;
    }
    return (struct sc_str){ 0 };
}

void sc_request_each_query(struct sc_request *req, sc_pair_fn fn, void *ctx)
{
    for (size_t i = 0; i < req->target.query_count; i++)
        fn(ctx, req->target.query[i].name, req->target.query[i].value);
}

struct sc_str sc_request_header_n(struct MHD_Connection *conn, const char *name)
{
    const char *value = NULL;
    size_t len = 0;
    if (MHD_lookup_connection_value_n(conn, MHD_HEADER_KIND, name, strlen(name), &value, &len) !=
            MHD_YES ||
        value == NULL)
        return (struct sc_str){ 0 };
    return (struct sc_str){ value, len };
}

struct sc_str sc_request_header(struct sc_request *req, const char *name)
{
    return sc_request_header_n(req->conn, name);
}

struct sc_str sc_request_body(struct sc_request *req)
{
    return sc_buf_str(&req->body);
}

const struct sc_principal *sc_request_principal(struct sc_request *req)
{
    return &req->principal;
}

const char *sc_request_id(struct sc_request *req)
{
    return req->id;
}

const char *sc_request_method(struct sc_request *req)
{
    return req->method;
}

const char *sc_request_uri(struct sc_request *req)
{
    return req->uri;
}

const char *sc_request_path(struct sc_request *req)
{
    return req->target.path == NULL ? "" : req->target.path;
}

int64_t sc_request_length(struct sc_request *req)
{
    return SC_MAX(req->content_length, req->received);
}

int64_t sc_request_announced(struct sc_request *req)
{
    return req->content_length;
}

void *sc_request_later_ctx(struct sc_request *req)
{
    return req->later.ctx;
}

void sc_request_each_field(struct sc_request *req, sc_pair_fn fn, void *ctx)
{
    if (req->spool != NULL)
        sc_spool_each_field(req->spool, fn, ctx);
}

const struct sc_spooled *sc_request_file(struct sc_request *req)
{
    return req->spool == NULL ? NULL : sc_spool_file(req->spool);
}

void sc_request_file_taken(struct sc_request *req)
{
    if (req->spool != NULL)
        sc_spool_file_taken(req->spool);
}

struct sc_hash *sc_request_hash_take(struct sc_request *req)
{
    sc_assert(req->spool != NULL);
    return sc_spool_hash_take(req->spool);
}

bool sc_request_is_form(struct sc_request *req)
{
    return req->spool != NULL && sc_spool_is_form(req->spool);
}

bool sc_request_disposition(struct sc_request *req, struct sc_buf *out)
{
    struct sc_str value = sc_request_header(req, MHD_HTTP_HEADER_CONTENT_DISPOSITION);
    return value.ptr != NULL && sc_disposition_name(value, out);
}

void *sc_request_append_take(struct sc_request *req, int64_t *bytes)
{
    sc_assert(req->spool != NULL);
    return sc_spool_append_take(req->spool, bytes);
}
