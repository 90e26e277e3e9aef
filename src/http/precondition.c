/* If-Match on what changes a thing: the change is made only while the thing is as the client read
 * it; with If-None-Match only while it is not. What GET of the same address would answer is made
 * and its tag compared. Conditional changes run one at a time, so that of several with one tag a
 * single one is made; a change without a condition may come between.
 *
 * And the same way of asking for answers that repeat what an earlier request made. */
#include "http/http-internal.h"
#include "http/range.h"
#include "http/replay.h"
#include "http/represent.h"

#include "base/lock.h"

#include "base/banned.h"

static bool has_condition(struct sc_request *req)
{
    return sc_request_header(req, MHD_HTTP_HEADER_IF_MATCH).ptr != NULL ||
           sc_request_header(req, MHD_HTTP_HEADER_IF_NONE_MATCH).ptr != NULL;
}

bool sc_request_is_conditional(struct sc_request *req)
{
    static const char *const changing[] = { "PATCH", "PUT", "DELETE" };
    bool changes = false;
    for (size_t i = 0; i < SC_ARRAY_LEN(changing); i++)
        changes = changes || strcmp(req->method, changing[i]) == 0;
    return changes && has_condition(req);
}

static void forget_answer(struct sc_request *req, size_t headers)
{
    MHD_destroy_response(SC_TAKE(req->response));
    req->status = 0;
    req->version = (struct sc_etag_version){ .version = 0 };
    while (req->header_count > headers) {
        req->header_count--;
        free(req->headers[req->header_count]);
    }
}

/* Answers as GET of the address would, without its query. */
static struct sc_done *ask_as_get(struct sc_request *req, const struct sc_route *get)
{
    char method[sizeof(req->method)];
    const struct sc_route *route = req->route;
    size_t query_count = req->target.query_count;
    memcpy(method, req->method, sizeof(method));
    (void)snprintf(req->method, sizeof(req->method), "GET");
    req->route = get;
    req->target.query_count = 0;
    req->probing = true;
    struct sc_done *done = get->handler(req, req->http->options.app);
    req->probing = false;
    req->later.armed = false;
    req->target.query_count = query_count;
    req->route = route;
    memcpy(req->method, method, sizeof(method));
    return done;
}

struct sc_done *sc_reply_as_get(struct sc_request *req, const char *path)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF allow = { 0 };
    struct sc_target own = req->target;
    const struct sc_route *get = NULL;
    req->target = (struct sc_target){ 0 };
    if (sc_target_parse(path, &req->target, &err) == SC_OK)
        get = sc_router_find(&req->http->router, "GET", &req->target, &allow, &err);
    struct sc_done *done = get == NULL ? sc_reply_error(req, &err) : ask_as_get(req, get);
    sc_target_done(&req->target);
    req->target = own;
    return done;
}

static bool is_any(struct sc_str list)
{
    return sc_str_equal(sc_str_trim(list), SC_STR("*"));
}

/* Does the list name what was just answered? */
static bool names(const struct sc_request *req, struct sc_str list)
{
    return is_any(list) || (req->tag[0] != '\0' && sc_etag_listed(list, sc_str_from(req->tag)));
}

/* What makes a version goes by that alone, of the thing asked and with its checksum: marks, or an
 * export that is written behind an edit, make another answer and no other version. */
static bool names_version(const struct sc_request *req, struct sc_str list)
{
    return (req->route->flags & SC_ROUTE_STALE) != 0 && req->version.version > 0 &&
           sc_etag_names(list, &req->version);
}

/* Answers as GET of req->target would, and sets req->tag: "": it has none. */
static void ask_for_tag(struct sc_request *req)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF allow = { 0 };
    const struct sc_route *get =
        sc_router_find(&req->http->router, "GET", &req->target, &allow, &err);
    req->tag[0] = '\0';
    if (get != NULL)
        (void)ask_as_get(req, get);
}

bool sc_request_tag_of(struct sc_request *req, const char *path, int64_t version,
                       char out[SC_ETAG_TEXT])
{
    struct sc_error err = { 0 };
    struct sc_target own = req->target;
    size_t headers = req->header_count;
    req->target = (struct sc_target){ 0 };
    if (sc_target_parse(path, &req->target, &err) == SC_OK)
        ask_for_tag(req);
    bool found = req->response != NULL && req->status == MHD_HTTP_OK && req->tag[0] != '\0' &&
                 req->version.version == version;
    if (req->response != NULL)
        forget_answer(req, headers);
    if (found)
        memcpy(out, req->tag, sizeof(req->tag));
    sc_target_done(&req->target);
    req->target = own;
    return found;
}

/* Is the tag of what GET of req->target answers one that is wanted, and not unwanted (.ptr NULL:
 * all are, none is)? False: the request has its answer. */
static bool still_matches(struct sc_request *req, struct sc_str wanted, struct sc_str unwanted)
{
    struct sc_error err = { 0 };
    size_t headers = req->header_count;
    ask_for_tag(req);
    if (req->response != NULL && req->status != MHD_HTTP_OK && req->status != MHD_HTTP_NOT_FOUND)
        return false; /* why it cannot be read is the answer */
    bool missing = req->status == MHD_HTTP_NOT_FOUND;
    bool fits = wanted.ptr == NULL || names(req, wanted) || names_version(req, wanted);
    if (fits && wanted.ptr != NULL && !is_any(wanted))
        req->matched = req->version.version;
    if (req->response != NULL)
        forget_answer(req, headers);
    /* What is not there the handler itself says best. */
    if (missing || (fits && (unwanted.ptr == NULL || !names(req, unwanted))))
        return true;
    req->stale = !fits && (req->route->flags & SC_ROUTE_STALE) != 0;
    if (req->stale)
        return true;
    (void)sc_error_set(&err, SC_E_PRECONDITION_FAILED, "%s",
                       fits ? "it is there, as If-None-Match says that it must not be"
                            : SC_STALE_MESSAGE);
    (void)sc_reply_error(req, &err);
    return false;
}

struct sc_str sc_request_stale_tags(struct sc_request *req)
{
    return req->stale ? sc_request_header(req, MHD_HTTP_HEADER_IF_MATCH) : (struct sc_str){ 0 };
}

int64_t sc_request_matched_version(const struct sc_request *req)
{
    return req->matched;
}

static bool is_list(struct sc_str header)
{
    return header.ptr == NULL || sc_etag_list_is_valid(header);
}

bool sc_request_still_matches(struct sc_request *req)
{
    struct sc_error err = { 0 };
    struct sc_str wanted = sc_request_header(req, MHD_HTTP_HEADER_IF_MATCH);
    struct sc_str unwanted = sc_request_header(req, MHD_HTTP_HEADER_IF_NONE_MATCH);
    if (is_list(wanted) && is_list(unwanted))
        return still_matches(req, wanted, unwanted);
    const char *which = is_list(wanted) ? "If-None-Match" : "If-Match";
    (void)sc_error_field(&err, SC_E_INVALID_VALUE, which,
                         "%s must be *, or tags in quotation marks as ETag has them, with commas "
                         "between them",
                         which);
    (void)sc_reply_error(req, &err);
    return false;
}

/* As sc_request_still_matches, of another address of ours. */
static bool path_still_matches(struct sc_request *req, const char *path)
{
    struct sc_error err = { 0 };
    struct sc_target own = req->target;
    req->target = (struct sc_target){ 0 };
    bool parsed = sc_target_parse(path, &req->target, &err) == SC_OK;
    bool fits = parsed && sc_request_still_matches(req);
    sc_target_done(&req->target);
    req->target = own;
    if (!parsed)
        (void)sc_reply_error(req, &err);
    return fits;
}

struct sc_done *sc_reply_if_match(struct sc_request *req, const char *path, sc_handler_fn handler,
                                  void *app)
{
    if (!has_condition(req))
        return handler(req, app);
    SC_LOCK(&req->http->match_lock);
    return path_still_matches(req, path) ? handler(req, app) : sc_reply_given(req);
}
