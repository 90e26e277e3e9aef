/* Pages of other origins: those of the list may read answers and send what our calls take. Nobody
 * is let in by that: a token is what counts, which no browser adds by itself, so credentials in the
 * sense of CORS (cookies) are never allowed. */
#include "http/http-internal.h"

#include "base/banned.h"

#define PREFLIGHT_S "600"

static const char exposed[] =
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Location, "
    "Retry-After, Scripta-Duplicate, Scripta-File-Id, Scripta-Job-Id, Server-Timing, "
    "Tus-Checksum-Algorithm, Tus-Extension, Tus-Max-Size, "
    "Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, "
    "X-Request-Id, X-Scripta-Engine, X-Scripta-Ignored, X-Scripta-Job, "
    "x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, "
    "x-should-retry";
/* Beside what browsers let pages send anyway; OpenAI's clients add X-Stainless-…. */
static const char taken[] =
    "Authorization, Cache-Control, Content-Type, Idempotency-Key, If-Match, If-Modified-Since, "
    "If-None-Match, If-Range, If-Unmodified-Since, Last-Event-ID, OpenAI-Beta, "
    "OpenAI-Organization, OpenAI-Project, Range, Tus-Resumable, Upload-Checksum, Upload-Concat, "
    "Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, User-Agent, "
    "X-HTTP-Method-Override, X-Request-Id, X-Requested-With";

static bool is_stainless(struct sc_str name)
{
    struct sc_str prefix = SC_STR("X-Stainless-");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'))
            return false;
    }
    return name.len > prefix.len &&
           sc_str_equal_nocase((struct sc_str){ name.ptr, prefix.len }, prefix);
}

void sc_cors_put_taken(struct sc_str asked, struct sc_buf *out)
{
    while (asked.len > 0) {
        struct sc_str name = sc_str_trim(sc_str_take_until(&asked, ','));
        if (!sc_list_has(taken, name) && !is_stainless(name))
            continue;
        if (out->len > 0)
            sc_buf_puts(out, ", ");
        sc_buf_put_str(out, name);
    }
}

bool sc_cors_is_listed(const struct sc_request *req, struct sc_str origin)
{
    /* The list is in lower case, as browsers write origins. */
    return origin.len > 0 && sc_list_has(sc_http_policy(req->http)->cors_origins, origin);
}

void sc_cors_preflight(struct sc_request *req, const char *methods)
{
    struct sc_str asked = sc_request_header_n(req->conn, "Access-Control-Request-Headers");
    SC_AUTO_BUF headers = { 0 };
    if (sc_request_header_n(req->conn, "Access-Control-Request-Method").ptr == NULL ||
        !sc_cors_is_listed(req, sc_request_header_n(req->conn, MHD_HTTP_HEADER_ORIGIN)))
        return;
    sc_cors_put_taken(asked, &headers);
    sc_reply_header(req, "Access-Control-Allow-Methods", methods);
    sc_reply_header(req, "Access-Control-Allow-Headers", sc_buf_text(&headers));
    sc_reply_header(req, "Access-Control-Max-Age", PREFLIGHT_S);
    /* A page of the internet that asks for a server of the user's own network. */
    if (sc_request_header_n(req->conn, "Access-Control-Request-Private-Network").ptr != NULL)
        sc_reply_header(req, "Access-Control-Allow-Private-Network", "true");
}

void sc_cors_answer(struct sc_request *req, struct MHD_Response *response)
{
    if (sc_http_policy(req->http)->cors_origins[0] == '\0')
        return;
    /* Also without one: a cache must not give this answer to a page. */
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_VARY, "Origin");
    struct sc_str origin = sc_request_header_n(req->conn, MHD_HTTP_HEADER_ORIGIN);
    char text[256];
    if (origin.len >= sizeof(text) || !sc_cors_is_listed(req, origin))
        return;
    memcpy(text, origin.ptr, origin.len);
    text[origin.len] = '\0';
    (void)MHD_add_response_header(response, "Access-Control-Allow-Origin", text);
    (void)MHD_add_response_header(response, "Access-Control-Expose-Headers", exposed);
}
