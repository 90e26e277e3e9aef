/* Judging a request by its headers, before a byte of its body is taken. */
#include "http/http-internal.h"

#include "base/id.h"
#include "http/token.h"
#include "http/ws-handshake.h"
#include "sys/socket.h"

#include "base/banned.h"

/* Room for the other parts of a form beside its file. */
#define SPOOL_EXTRA ((int64_t)4 << 20)
/* Routes whose bodies go to a file. */
#define SPOOLS (SC_ROUTE_SPOOL | SC_ROUTE_PIECE | SC_ROUTE_APPEND)

const char *const sc_scope_names[SC_SCOPE_COUNT_] = { "read", "write", "admin", "work" };

/* The client's own id when it is harmless in logs and headers, else a new one. */
static void set_id(struct sc_request *req)
{
    static const char sane[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._";
    struct sc_str id = sc_request_header_n(req->conn, "X-Request-Id");
    bool ok = id.len > 0 && id.len < sizeof(req->id);
    for (size_t i = 0; ok && i < id.len; i++)
        ok = id.ptr[i] != '\0' && strchr(sane, id.ptr[i]) != NULL;
    if (ok)
        (void)snprintf(req->id, sizeof(req->id), "%.*s", (int)id.len, id.ptr);
    else
        sc_uuid7(req->id);
}

/* framing.c has let only one length through, a number. */
static void read_length(struct sc_request *req)
{
    struct sc_str length = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONTENT_LENGTH);
    req->has_length = length.ptr != NULL;
    if (sc_request_header_n(req->conn, MHD_HTTP_HEADER_TRANSFER_ENCODING).ptr != NULL)
        req->content_length = -1;
    else if (length.ptr != NULL)
        (void)sc_str_to_int64(length, &req->content_length);
}

static enum sc_code check_expectation(struct sc_request *req, struct sc_error *err)
{
    struct sc_str expect = sc_request_header_n(req->conn, MHD_HTTP_HEADER_EXPECT);
    if (expect.ptr == NULL || sc_str_equal_nocase(sc_str_trim(expect), SC_STR("100-continue")))
        return SC_OK;
    return sc_error_set(err, SC_E_EXPECTATION_FAILED, "the only Expect taken is 100-continue");
}

static enum sc_code check_method(struct sc_request *req, struct sc_error *err)
{
    static const char *const known[] = { "GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                         "DELETE", "OPTIONS", "CONNECT", "TRACE" };
    for (size_t i = 0; i < SC_ARRAY_LEN(known); i++) {
        if (strcmp(req->method, known[i]) == 0)
            return SC_OK;
    }
    return sc_error_set(err, SC_E_NOT_IMPLEMENTED, "there is no method '%s'", req->method);
}

static struct sc_str bearer_token(struct sc_request *req)
{
    struct sc_str value = sc_request_header_n(req->conn, MHD_HTTP_HEADER_AUTHORIZATION);
    if (value.ptr == NULL && (req->route->flags & SC_ROUTE_SOCKET) != 0)
        return sc_ws_bearer(sc_request_header_n(req->conn, MHD_HTTP_HEADER_SEC_WEBSOCKET_PROTOCOL));
    return sc_authorization_token(req->conn);
}

/* Who may connect to the socket is a matter of its mode; this holds when that was loosened. */
static enum sc_code check_peer(struct sc_request *req, struct sc_error *err)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    uint32_t uid;
    if (!req->listener->is_unix)
        return SC_OK;
    if (info == NULL || !sc_socket_peer_uid(info->connect_fd, &uid) ||
        (uid != 0 && uid != (uint32_t)geteuid()))
        return sc_error_set(err, SC_E_FORBIDDEN, "this socket serves its owner only");
    return SC_OK;
}

static enum sc_code authorise(struct sc_request *req, struct sc_error *err)
{
    const struct sc_http_options *o = &req->http->options;
    unsigned open = o->publish ? SC_ROUTE_OPEN | SC_ROUTE_PUBLISHED : SC_ROUTE_OPEN;
    if ((req->route->flags & open) != 0 || o->auth == NULL)
        return SC_OK;
    struct sc_str bearer = bearer_token(req);
    enum sc_code code = o->auth(o->app, bearer, &req->peer, &req->principal, err);
    if (code == SC_E_UNAUTHENTICATED && bearer.len > 0)
        code = sc_guard_failed(req, err);
    if (code != SC_OK)
        return code;
    unsigned missing = req->route->scope & ~req->principal.scopes;
    for (int i = 0; i < SC_SCOPE_COUNT_; i++) {
        if ((missing & 1u << i) != 0)
            return sc_error_set(err, SC_E_FORBIDDEN,
                                "the token does not allow this: it lacks the scope '%s'",
                                sc_scope_names[i]);
    }
    return SC_OK;
}

/* A page may open a WebSocket to any address, with what its browser knows of that one: only the
 * Origin tells whose page it is. Who sends none is no browser. */
static enum sc_code check_origin(struct sc_request *req, struct sc_error *err)
{
    struct sc_str origin = sc_request_header_n(req->conn, MHD_HTTP_HEADER_ORIGIN);
    struct sc_str host = sc_request_header_n(req->conn, MHD_HTTP_HEADER_HOST);
    if (origin.ptr == NULL || sc_origin_is_of_host(origin, host) || sc_cors_is_listed(req, origin))
        return SC_OK;
    return sc_error_set(err, SC_E_FORBIDDEN, "pages of another origin may not open WebSockets");
}

static enum sc_code check_handshake(struct sc_request *req, struct sc_error *err)
{
    struct sc_str upgrade = sc_request_header_n(req->conn, MHD_HTTP_HEADER_UPGRADE);
    struct sc_str connection = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONNECTION);
    struct sc_str version = sc_request_header_n(req->conn, MHD_HTTP_HEADER_SEC_WEBSOCKET_VERSION);
    bool asked = sc_ws_list_has(upgrade, SC_STR("websocket")) &&
                 sc_ws_list_has(connection, SC_STR("upgrade"));
    if (!asked || !req->http11 || strcmp(req->method, "GET") != 0 ||
        !sc_str_equal(version, SC_STR("13"))) {
        sc_reply_header(req, MHD_HTTP_HEADER_UPGRADE, "websocket");
        sc_reply_header(req, MHD_HTTP_HEADER_SEC_WEBSOCKET_VERSION, "13");
        return sc_error_set(err, SC_E_UPGRADE_REQUIRED,
                            "this address is a WebSocket: ask for it with a GET of HTTP/1.1, "
                            "'Upgrade: websocket' and version 13");
    }
    if (!sc_ws_key_is_good(sc_request_header_n(req->conn, MHD_HTTP_HEADER_SEC_WEBSOCKET_KEY)))
        return sc_error_set(err, SC_E_INVALID_REQUEST,
                            "the Sec-WebSocket-Key is not 16 bytes in base64");
    return SC_OK;
}

static bool is_json(struct sc_str type)
{
    struct sc_str rest = type;
    return sc_str_equal_nocase(sc_str_trim(sc_str_take_until(&rest, ';')),
                               SC_STR("application/json"));
}

static enum sc_code begin_spool(struct sc_request *req, struct sc_error *err)
{
    int64_t limit = atomic_load(&req->http->spool_limit);
    if (limit < INT64_MAX - SPOOL_EXTRA && req->content_length > limit + SPOOL_EXTRA)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "files of at most %lld bytes are taken",
                            (long long)limit);
    if ((req->route->flags & SC_ROUTE_PIECE) != 0 && req->content_length == 0)
        return SC_OK;
    if (req->content_length == 0 && !req->has_length)
        return sc_error_set(err, SC_E_LENGTH_REQUIRED,
                            "send the body with a Content-Length, or chunked");
    req->spool = sc_spool_new(req, err);
    if (req->spool == NULL)
        return err->code;
    atomic_fetch_add(&req->http->uploads, 1);
    return SC_OK;
}

/* Not text/plain, which pages of anywhere may send without asking. */
static bool is_text_file(struct sc_str type)
{
    struct sc_str known =
        SC_STR("application/octet-stream|application/json|application/x-subrip|text/vtt|text/csv|"
               "text/tab-separated-values");
    type = sc_str_trim(sc_str_take_until(&type, ';'));
    while (known.len > 0) {
        if (sc_str_equal_nocase(type, sc_str_take_until(&known, '|')))
            return true;
    }
    return false;
}

static enum sc_code check_type(struct sc_request *req, struct sc_error *err)
{
    struct sc_str type = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONTENT_TYPE);
    if ((req->route->flags & SC_ROUTE_RAW) == 0)
        return is_json(type) ? SC_OK
                             : sc_error_set(err, SC_E_UNSUPPORTED_TYPE,
                                            "the Content-Type must be application/json");
    return is_text_file(type) ? SC_OK
                              : sc_error_set(err, SC_E_UNSUPPORTED_TYPE,
                                             "send the file as Content-Type: "
                                             "application/octet-stream");
}

static enum sc_code check_body(struct sc_request *req, struct sc_error *err)
{
    const struct sc_route *route = req->route;
    struct sc_str coding = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (coding.len > 0 && !sc_str_equal_nocase(coding, SC_STR("identity")))
        return sc_error_set(err, SC_E_UNSUPPORTED_TYPE, "compressed bodies are not taken");
    if ((route->flags & SPOOLS) != 0)
        return begin_spool(req, err);
    if (req->content_length == 0)
        return SC_OK;
    if (route->body_limit == 0)
        return sc_error_set(err, SC_E_BODY_TOO_LARGE, "this address takes no body");
    if (req->content_length > (int64_t)route->body_limit)
        return sc_error_set(err, SC_E_BODY_TOO_LARGE, "bodies of at most %zu bytes are taken",
                            route->body_limit);
    if (check_type(req, err) != SC_OK)
        return err->code;
    req->body.limit = route->body_limit;
    return SC_OK;
}

static enum sc_code find_route(struct sc_request *req, struct sc_error *err)
{
    SC_AUTO_BUF allow = { 0 };
    if (strcmp(req->method, "OPTIONS") == 0 && strcmp(req->uri, "*") == 0)
        return SC_OK;
    enum sc_code code = sc_target_parse(req->uri, &req->target, err);
    if (code != SC_OK)
        return code;
    const struct sc_route *route =
        sc_router_find(&req->http->router, req->method, &req->target, &allow, err);
    bool options = strcmp(req->method, "OPTIONS") == 0;
    if ((route == NULL || options) && allow.len > 0)
        sc_reply_header(req, MHD_HTTP_HEADER_ALLOW, sc_buf_text(&allow));
    if (options && allow.len > 0)
        sc_cors_preflight(req, sc_buf_text(&allow));
    if (route == NULL && allow.len > 0 && options)
        return SC_OK;
    if (route == NULL)
        return err->code;
    req->route = route;
    req->handler = route->handler;
    return SC_OK;
}

static enum sc_code judge(struct sc_request *req, struct sc_error *err)
{
    read_length(req);
    enum sc_code code = check_method(req, err);
    if (code == SC_OK)
        code = check_expectation(req, err);
    if (code == SC_OK)
        code = check_peer(req, err);
    sc_request_peer(req, &req->peer);
    if (code == SC_OK)
        code = find_route(req, err);
    bool stops = atomic_load(&req->http->stopping) && req->route != NULL &&
                 (req->route->flags & SC_ROUTE_ADMIN_STOP) == 0;
    if (code == SC_OK && stops)
        return sc_error_set(err, SC_E_SHUTTING_DOWN, "the server is stopping");
    bool socket = req->route != NULL && (req->route->flags & SC_ROUTE_SOCKET) != 0;
    if (code == SC_OK && socket)
        code = check_origin(req, err);
    if (code == SC_OK && req->route != NULL)
        code = authorise(req, err);
    code = sc_guard_charge(req, code, err);
    if (code == SC_OK && socket)
        code = check_handshake(req, err);
    return code != SC_OK || req->route == NULL ? code : check_body(req, err);
}

void sc_request_admit(struct sc_request *req)
{
    struct sc_error err = { 0 };
    set_id(req);
    enum sc_code code = judge(req, &err);
    if (code == SC_OK)
        return;
    if (err.code != code) /* a hook that set no message */
        (void)sc_error_set(&err, code, "%s", sc_code_text(code));
    sc_request_refuse(req, &err);
    if (code == SC_E_UNAUTHENTICATED)
        sc_reply_header(req, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
}
