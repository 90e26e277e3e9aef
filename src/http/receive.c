/* Taking a request's body. */
#include "http/http-internal.h"

#include "base/clock.h"
#include "http/tap.h"

#include "base/banned.h"

/* A client that drips keeps a connection from others; libmicrohttpd only sees that it is not idle.
 */
static bool is_too_slow(const struct sc_request *req)
{
    int64_t ms = (sc_clock_mono_us() - req->start_us) / 1000;
    return ms > SC_HTTP_BODY_GRACE_MS &&
           req->received / (ms / 1000) < sc_http_policy(req->http)->body_rate;
}

/* A client that goes on sending is told why, and then cut off. */
static void refuse_now(struct sc_request *req)
{
    const struct sc_http_options *o = &req->http->options;
    SC_AUTO_BUF body = { 0 };
    if (req->status != 0)
        return;
    req->status = o->error_body == NULL ? sc_http_error_body(req, req->refusal, &body)
                                        : o->error_body(o->app, req, req->refusal, &body);
    sc_tap_refuse(req->fd, req->status, sc_buf_str(&body), req->id);
}

/* A token may end while an upload comes, which may take hours. */
static bool has_ended(struct sc_request *req)
{
    const struct sc_http_options *o = &req->http->options;
    struct sc_error err = { 0 };
    if (req->principal.token_id == 0 || o->lives == NULL || o->lives(o->app, &req->principal))
        return false;
    (void)sc_error_set(&err, SC_E_UNAUTHENTICATED,
                       "the token was revoked or has expired while the upload came");
    sc_request_refuse(req, &err);
    return true;
}

bool sc_request_receive(struct sc_request *req, const char *bytes, size_t len)
{
    req->received += (int64_t)len;
    if (is_too_slow(req))
        return false;
    if (req->refusal != NULL || (req->spool != NULL && has_ended(req))) {
        if (req->received > SC_HTTP_DRAIN)
            refuse_now(req);
        return true;
    }
    if (req->spool != NULL) {
        sc_spool_feed(req->spool, bytes, len);
        /* Of an upload that says its length, the rest is bounded. */
        return req->content_length >= 0 || sc_spool_drained(req->spool) <= SC_HTTP_SPOOL_DRAIN;
    }
    sc_buf_append(&req->body, bytes, len);
    if (req->body.failed || req->body.limit == 0) {
        struct sc_error err = { 0 };
        (void)sc_error_set(&err, SC_E_BODY_TOO_LARGE, "bodies of at most %zu bytes are taken",
                           req->body.limit);
        sc_request_refuse(req, &err);
    }
    return true;
}

void sc_request_received(struct sc_request *req)
{
    struct sc_error err = { 0 };
    if (req->body_done)
        return;
    req->body_done = true;
    if (req->spool != NULL && req->refusal == NULL && sc_spool_finish(req->spool, &err) != SC_OK)
        sc_request_refuse(req, &err);
}
