#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "http/answer.h"
#include "http/range.h"
#include "http/replay.h"
#include "http/represent.h"
#include "http/tap.h"
#include "json/writer.h"

#include <strings.h>

#include "base/banned.h"

/* Handlers can have a struct sc_done * only from here. */
struct sc_done {
    char unused;
};
static struct sc_done done_token;

static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static char *make_header(const char *name, const char *value)
{
    size_t name_size = strlen(name) + 1, value_size = strlen(value) + 1;
    char *header = sc_alloc(name_size + value_size);
    memcpy(header, name, name_size);
    memcpy(header + name_size, value, value_size);
    return header;
}

void sc_reply_header(struct sc_request *req, const char *name, const char *value)
{
    if (req->header_count == SC_HTTP_REPLY_HEADERS || !is_header_text(name) ||
        !is_header_text(value))
        return;
    req->headers[req->header_count++] = make_header(name, value);
}

static const char *value_of(const char *header)
{
    return header + strlen(header) + 1;
}

const char *sc_reply_header_set(const struct sc_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++) {
        if (strcasecmp(req->headers[i], name) == 0)
            return value_of(req->headers[i]);
    }
    return NULL;
}

static bool has_header(const struct sc_request *req, const char *name)
{
    return sc_reply_header_set(req, name) != NULL;
}

static void default_header(struct sc_request *req, const char *name, const char *value)
{
    if (!has_header(req, name))
        (void)MHD_add_response_header(req->response, name, value);
}

int sc_reply_status(const struct sc_request *req)
{
    return req->response == NULL ? 0 : req->status;
}

static struct sc_done *set_response(struct sc_request *req, int status,
                                    struct MHD_Response *response)
{
    sc_assert(response != NULL);
    sc_assert(req->response == NULL); /* one answer for each request */
    req->response = response;
    req->status = status;
    return &done_token;
}

/* Microseconds as milliseconds with one digit behind the point. */
static char *put_ms(char *to, const char *name, int64_t us)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t left = (uint64_t)SC_MAX(us + 50, 0) / 100;
    digits[--at] = (char)('0' + left % 10);
    digits[--at] = '.';
    do {
        left /= 10;
        digits[--at] = (char)('0' + left % 10);
    } while (left >= 10);
    to = stpcpy(to, name);
    memcpy(to, digits + at, sizeof(digits) - at);
    return to + sizeof(digits) - at;
}

static void put_timing(struct sc_request *req)
{
    char text[128];
    char *to = put_ms(text, "total;dur=", sc_clock_mono_us() - req->start_us);
    to = put_ms(to, ", queue;dur=", req->queue_us);
    *put_ms(to, ", store;dur=", req->store_us) = '\0';
    (void)MHD_add_response_header(req->response, "Server-Timing", text);
}

enum MHD_Result sc_request_answer(struct sc_request *req)
{
    struct MHD_Response *r = req->response;

    for (size_t i = 0; i < req->header_count; i++)
        (void)MHD_add_response_header(r, req->headers[i], value_of(req->headers[i]));
    put_timing(req);
    (void)MHD_add_response_header(r, "X-Request-Id", req->id);
    default_header(req, "X-Content-Type-Options", "nosniff");
    default_header(req, "Referrer-Policy", "no-referrer");
    /* Not even as an image or a sound of another site's page. */
    default_header(req, "Cross-Origin-Resource-Policy", "same-origin");
    default_header(req, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    default_header(req, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    sc_cors_answer(req, r);
    if (atomic_load(&req->http->stopping) && req->socket == NULL &&
        !has_header(req, MHD_HTTP_HEADER_CONNECTION))
        (void)MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
    sc_tap_answering(req->fd, true);
    if (req->status == MHD_HTTP_SWITCHING_PROTOCOLS)
        sc_tap_close(req->fd);
    enum MHD_Result result = MHD_queue_response(req->conn, (unsigned)req->status, r);
    MHD_destroy_response(SC_TAKE(req->response));
    return result;
}

struct sc_done *sc_reply_given(struct sc_request *req)
{
    sc_assert(req->response != NULL);
    return &done_token;
}

static struct sc_done *reply_empty(struct sc_request *req, int status)
{
    static char nothing[1];
    return set_response(req, status,
                        MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT));
}

/* In the shape of our own errors, whatever the address: nobody who takes no JSON reads it. */
static struct sc_done *reply_not_acceptable(struct sc_request *req)
{
    struct sc_error err = { 0 };
    for (size_t i = 0; i < req->header_count; i++) {
        if (strcasecmp(req->headers[i], MHD_HTTP_HEADER_CONTENT_TYPE) == 0) {
            free(req->headers[i]);
            req->headers[i] = make_header(MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
        }
    }
    (void)sc_error_set(&err, SC_E_NOT_ACCEPTABLE,
                       "the answer has no type that the Accept header takes");
    return sc_reply_error(req, &err);
}

static struct sc_done *reply_too_large(struct sc_request *req)
{
    struct sc_error bug = { 0 };
    (void)sc_error_set(&bug, SC_E_INTERNAL, "the answer is too large");
    return sc_reply_error(req, &bug);
}

void sc_reply_is_as_get(struct sc_request *req)
{
    req->as_get = true;
}

void sc_reply_is_version(struct sc_request *req, const struct sc_etag_version *version)
{
    req->version = *version;
}

void sc_reply_is_any_type(struct sc_request *req)
{
    req->any_type = true;
}

struct sc_done *sc_reply_bytes(struct sc_request *req, int status, const char *content_type,
                               struct sc_buf *body)
{
    size_t len = body->len;
    char *bytes = sc_buf_take(body);
    if (bytes == NULL)
        return reply_too_large(req);
    if (content_type != NULL && !has_header(req, MHD_HTTP_HEADER_CONTENT_TYPE))
        sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    const char *type = sc_reply_header_set(req, MHD_HTTP_HEADER_CONTENT_TYPE);
    enum sc_represented how = SC_REPRESENTED;
    if (status == MHD_HTTP_OK && type != NULL)
        how = sc_represent(req, sc_str_from(type), &bytes, &len);
    if (how != SC_REPRESENTED) {
        free(bytes);
        return how == SC_REPRESENTED_REFUSED ? reply_not_acceptable(req)
                                             : reply_empty(req, MHD_HTTP_NOT_MODIFIED);
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(len, bytes, MHD_RESPMEM_MUST_FREE);
    return set_response(req, status, r);
}

struct sc_done *sc_reply_whole_file(struct sc_request *req, int fd, int64_t size,
                                    const char *content_type, const char *sum)
{
    SC_AUTO_CLOSE int owned = fd;
    sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    switch (sc_represent_file(req, sc_str_from(content_type), sum, &owned, &size)) {
    case SC_REPRESENTED_REFUSED:
        return reply_not_acceptable(req);
    case SC_REPRESENTED_KNOWN:
        return reply_empty(req, MHD_HTTP_NOT_MODIFIED);
    case SC_REPRESENTED:
        break;
    }
    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64((uint64_t)size, SC_TAKE_FD(owned), 0);
    return set_response(req, MHD_HTTP_OK, r);
}

struct sc_done *sc_reply_json(struct sc_request *req, int status, struct sc_buf *body)
{
    return sc_reply_bytes(req, status, "application/json", body);
}

static void put_fields(struct sc_json *w, const struct sc_error *err)
{
    const char *field, *message;
    size_t at = 0;
    if (err->field[0] == '\0')
        return;
    sc_json_text(w, "field", err->field);
    sc_json_array(w, "fields");
    while (sc_error_next_field(err, &at, &field, &message)) {
        sc_json_object(w, NULL);
        sc_json_text(w, "field", field);
        sc_json_text(w, "message", message);
        sc_json_end(w);
    }
    sc_json_end(w);
}

int sc_http_error_body(struct sc_request *req, const struct sc_error *err, struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_object(&w, "error");
    sc_json_text(&w, "code", sc_code_name(err->code));
    sc_json_text(&w, "message", err->msg[0] == '\0' ? sc_code_text(err->code) : err->msg);
    put_fields(&w, err);
    sc_json_text(&w, "request_id", req->id);
    sc_json_end(&w);
    sc_json_end(&w);
    return sc_code_http_status(err->code);
}

struct sc_done *sc_reply_error(struct sc_request *req, const struct sc_error *err)
{
    sc_assert(req != NULL && err != NULL);
    const struct sc_http_options *o = &req->http->options;
    SC_AUTO_BUF body = { 0 };

    /* Stopping is no failure, and 200 waiting workers would be 200 lines; a method that does not
     * exist is the client's; a quota that is used up is told when it is nearly so. */
    if (sc_code_http_status(err->code) >= 500 && err->code != SC_E_SHUTTING_DOWN &&
        err->code != SC_E_NOT_IMPLEMENTED && err->code != SC_E_STORAGE_QUOTA)
        SC_LOG(ERROR, "http", "request failed", SC_S("id", req->id), SC_S("method", req->method),
               SC_S("path", sc_request_path(req)), SC_S("code", sc_code_name(err->code)),
               SC_S("message", err->msg), SC_S("file", err->file), SC_I("line", err->line));
    int status = o->error_body == NULL ? sc_http_error_body(req, err, &body)
                                       : o->error_body(o->app, req, err, &body);
    return sc_reply_json(req, status, &body);
}

/* The quoted form of a tag; NULL for none. */
static char *quote_etag(const char *etag)
{
    if (etag == NULL || etag[0] == '\0')
        return NULL;
    if (etag[0] == '"' || strncmp(etag, "W/", 2) == 0)
        return sc_strdup(etag);
    return sc_asprintf("\"%s\"", etag);
}

static void drop_header(struct sc_request *req, const char *name)
{
    for (size_t i = 0; i < req->header_count; i++) {
        if (strcasecmp(req->headers[i], name) != 0)
            continue;
        free(req->headers[i]);
        req->headers[i--] = req->headers[--req->header_count];
    }
}

/* The answer is an error, and no file to be saved under that name. */
static struct sc_done *refuse_range(struct sc_request *req, int64_t size)
{
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *content_range = sc_asprintf("bytes */%lld", (long long)size);
    drop_header(req, MHD_HTTP_HEADER_CONTENT_DISPOSITION);
    sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_RANGE, content_range);
    (void)sc_error_set(&err, SC_E_RANGE_NOT_SATISFIABLE,
                       "the range begins behind the end: there are %lld bytes", (long long)size);
    return sc_reply_error(req, &err);
}

/* Which bytes the client wants; NONE: all of them. */
static enum sc_range wanted_range(struct sc_request *req, int64_t size, struct sc_str etag,
                                  int64_t *start, int64_t *len)
{
    struct sc_str range = sc_request_header(req, MHD_HTTP_HEADER_RANGE);
    struct sc_str condition = sc_request_header(req, MHD_HTTP_HEADER_IF_RANGE);
    if (range.ptr == NULL || strcmp(req->method, "GET") != 0)
        return SC_RANGE_NONE;
    if (condition.ptr != NULL && (etag.ptr == NULL || !sc_etag_is(condition, etag)))
        return SC_RANGE_NONE;
    return sc_range_parse(range, size, start, len);
}

struct part {
    int64_t start, len;
    int status;
};

/* Which bytes go out, and the headers that say so; the answer itself, where none do. */
static struct sc_done *choose_part(struct sc_request *req, int64_t size, const char *content_type,
                                   const char *tag, struct part *out)
{
    sc_assert(req != NULL && out != NULL);
    SC_AUTO_FREE char *content_range = NULL;
    *out = (struct part){ .len = size, .status = MHD_HTTP_OK };
    if (tag != NULL) {
        sc_reply_header(req, MHD_HTTP_HEADER_ETAG, tag);
        if (sc_request_has(req, tag))
            return reply_empty(req, MHD_HTTP_NOT_MODIFIED);
    }
    if (!has_header(req, MHD_HTTP_HEADER_CACHE_CONTROL))
        sc_reply_header(req, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
    sc_reply_header(req, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    switch (wanted_range(req, size, sc_str_from(tag), &out->start, &out->len)) {
    case SC_RANGE_UNSATISFIABLE:
        return refuse_range(req, size);
    case SC_RANGE_PART:
        content_range = sc_asprintf("bytes %lld-%lld/%lld", (long long)out->start,
                                    (long long)(out->start + out->len - 1), (long long)size);
        sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_RANGE, content_range);
        out->status = MHD_HTTP_PARTIAL_CONTENT;
        break;
    case SC_RANGE_NONE:
        break;
    }
    sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    return out->len == 0 ? reply_empty(req, out->status) : NULL;
}

struct sc_done *sc_reply_file(struct sc_request *req, int fd, int64_t size,
                              const char *content_type, const char *etag)
{
    SC_AUTO_CLOSE int owned = fd;
    SC_AUTO_FREE char *tag = quote_etag(etag);
    struct part part;
    struct sc_done *done = choose_part(req, size, content_type, tag, &part);
    if (done != NULL)
        return done;
    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64((uint64_t)part.len, owned, (uint64_t)part.start);
    sc_assert(r != NULL);
    (void)SC_TAKE_FD(owned); /* libmicrohttpd closes it */
    return set_response(req, part.status, r);
}

struct sc_done *sc_reply_bytes_or_part(struct sc_request *req, const char *content_type,
                                       struct sc_buf *body)
{
    size_t len = body->len;
    SC_AUTO_FREE char *bytes = sc_buf_take(body);
    struct part part;
    if (bytes == NULL)
        return reply_too_large(req);
    if (!sc_represent_as_it_is(req, sc_str_from(content_type), bytes, len))
        return reply_not_acceptable(req);
    struct sc_done *done = choose_part(req, (int64_t)len, content_type, req->tag, &part);
    if (done != NULL)
        return done;
    memmove(bytes, bytes + part.start, (size_t)part.len);
    struct MHD_Response *r =
        MHD_create_response_from_buffer((size_t)part.len, SC_TAKE(bytes), MHD_RESPMEM_MUST_FREE);
    return set_response(req, part.status, r);
}

struct sc_done *sc_reply_later(struct sc_request *req, int64_t deadline_ms, sc_handler_fn again,
                               void (*gone)(void *ctx), void *ctx)
{
    req->later.armed = true;
    req->waits = true;
    req->later.deadline_ms = deadline_ms;
    req->later.again = again;
    req->later.gone = gone;
    req->later.ctx = ctx;
    return &done_token;
}

struct sc_done *sc_request_stream_done(struct sc_request *req, struct MHD_Response *response)
{
    req->waits = true;
    return set_response(req, MHD_HTTP_OK, response);
}

struct sc_done *sc_request_upgrade_done(struct sc_request *req, struct MHD_Response *response)
{
    req->waits = true;
    return set_response(req, MHD_HTTP_SWITCHING_PROTOCOLS, response);
}
