/* Taking a request's body. */
#include "http/http-internal.h"

#include "base/banned.h"

bool sc_request_receive(struct sc_request *req, const char *bytes, size_t len)
{
    req->received += (int64_t)len;
    if (req->refusal.code != SC_OK)
        return req->received <= SC_HTTP_DRAIN;
    if (req->spool != NULL) {
        sc_spool_feed(req->spool, bytes, len);
        /* Of an upload that says its length, the rest is bounded. */
        return req->content_length >= 0 || sc_spool_drained(req->spool) <= SC_HTTP_SPOOL_DRAIN;
    }
    sc_buf_append(&req->body, bytes, len);
    if (req->body.failed || req->body.limit == 0)
        (void)sc_error_set(&req->refusal, SC_E_BODY_TOO_LARGE,
                           "bodies of at most %zu bytes are taken", req->body.limit);
    return true;
}

void sc_request_received(struct sc_request *req)
{
    struct sc_error err = { 0 };
    if (req->body_done)
        return;
    req->body_done = true;
    if (req->spool != NULL && req->refusal.code == SC_OK &&
        sc_spool_finish(req->spool, &err) != SC_OK)
        req->refusal = err;
}
