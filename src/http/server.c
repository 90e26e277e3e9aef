#include "http/http-internal.h"

#include "http/tls.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/metric.h"
#include "http/framing.h"
#include "http/tap.h"

#include <errno.h>
#include <signal.h>

#include "base/banned.h"

/* Per connection: what framing.h lets through, and room for the answer's headers. libmicrohttpd
 * refuses what does not fit in its own words. */
#define CONNECTION_MEMORY (SC_FRAMING_WEIGHT + 4096)

static void on_log(void *cls, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list args)
{
    char text[256];
    (void)cls;
    if (!sc_log_enabled(SC_LOG_DEBUG))
        return;
    (void)vsnprintf(text, sizeof(text), fmt, args);
    text[strcspn(text, "\r\n")] = '\0';
    SC_LOG(DEBUG, "http", "libmicrohttpd", SC_S("text", text));
}

/* Targets are decoded by router.c, which refuses what it must not decode. */
static size_t keep_escaped(void *cls, struct MHD_Connection *conn, char *text)
{
    (void)cls;
    (void)conn;
    return strlen(text);
}

static void *on_uri(void *cls, const char *uri, struct MHD_Connection *conn)
{
    (void)conn;
    return sc_request_new(cls, uri);
}

/* What is kept with a connection: the slot of the watch from 1 on, and whether its address is
 * counted. */
static void *pack_connection(int slot, bool counted)
{
    return (void *)(intptr_t)((slot + 1) * 2 + (counted ? 1 : 0));
}

static int slot_of_context(const void *context)
{
    return (int)((intptr_t)context / 2) - 1;
}

static int connection_fd(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

static int connection_slot(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info == NULL ? -1 : slot_of_context(info->socket_context);
}

static const struct sockaddr *client_of(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info == NULL ? NULL : info->client_addr;
}

static void on_connection(void *cls, struct MHD_Connection *conn, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    const struct sc_listener *l = cls;
    struct sc_http *http = l->http;
    int fd = connection_fd(conn);
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        (void)sc_tap_open(fd, l->tls); /* one that has no tap is refused at its first request */
        int slot = fd < 0 ? -1 : sc_park_watch(&http->park, fd);
        bool counted;
        if (!sc_guard_connects(http, client_of(conn), &counted) && fd >= 0)
            (void)shutdown(fd, SHUT_RDWR); /* which libmicrohttpd then closes */
        *context = pack_connection(slot, counted);
    } else {
        sc_park_unwatch(&http->park, slot_of_context(*context));
        if (((intptr_t)*context & 1) != 0)
            sc_guard_disconnects(http, client_of(conn));
        sc_tap_close(fd);
    }
}

static void count_live(struct sc_http *http, int by)
{
    SC_COUNT(http_in_flight, 0, by);
    if (atomic_fetch_add(&http->live, by) + by > 0)
        return; /* only who waits for the last one needs the lock */
    SC_LOCK(&http->lock);
    (void)pthread_cond_broadcast(&http->cond);
}

static enum sc_request_kind kind_of(const struct sc_request *req)
{
    if (req->waits)
        return SC_REQUEST_WAIT;
    return req->spool == NULL ? SC_REQUEST_PLAIN : SC_REQUEST_UPLOAD;
}

/* What came through the pipeline is counted there; this is what did not come so far. */
static void measure_upload(const struct sc_request *req)
{
    if (sc_spool_appends(req->spool))
        return; /* a part of one */
    if (req->status == 0 && !req->body_done)
        SC_COUNT(uploads, SC_UPLOAD_ABORTED, 1);
    else if (req->refusal != NULL)
        SC_COUNT(uploads, SC_UPLOAD_REFUSED, 1);
}

static void measure(const struct sc_request *req)
{
    const struct sc_http_options *o = &req->http->options;
    size_t route = SC_METRIC_ROUTES;
    if (req->route != NULL && (size_t)(req->route - o->routes) < SC_METRIC_ROUTES)
        route = (size_t)(req->route - o->routes);
    int64_t took_us = SC_MAX(0, sc_clock_mono_us() - req->start_us);
    SC_COUNT(http_requests, route * SC_METRIC_ANSWERS + (size_t)(req->status / 100), 1);
    SC_COUNT(http_route_us, route, (uint64_t)took_us);
    SC_OBSERVE(http_duration, kind_of(req), took_us);
    if (req->spool != NULL)
        measure_upload(req);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode how)
{
    const struct sc_listener *listener = cls;
    struct sc_request *req = *con_cls;
    *con_cls = NULL;
    if (req == NULL)
        return;
    sc_tap_answering(req->fd, false);
    int64_t idle_ms = (int64_t)listener->http->options.idle_timeout_s * 1000;
    /* Of a WebSocket libmicrohttpd calls this under its own lock, and then ends the connection: the
     * park, whose lock comes before that one, hears of the end alone. */
    if (req->status != MHD_HTTP_SWITCHING_PROTOCOLS)
        sc_park_idle(&listener->http->park, connection_slot(conn), idle_ms);
    bool counted = req->counted;
    if (counted)
        measure(req);
    if (counted && sc_log_enabled(SC_LOG_DEBUG))
        SC_LOG(DEBUG, "http", "request", SC_S("method", req->method),
               SC_S("path", req->target.path), SC_I("status", req->status),
               SC_I("ms", (sc_clock_mono_us() - req->start_us) / 1000), SC_S("id", req->id),
               SC_I("end", how));
    sc_request_free(req);
    if (counted)
        count_live(listener->http, -1);
}

static enum MHD_Result refuse(struct sc_request *req, enum sc_code code, const char *why)
{
    struct sc_error err = { 0 };
    (void)sc_error_set(&err, code, "%s", why);
    sc_reply_header(req, "Retry-After", "1");
    (void)sc_reply_error(req, &err);
    return sc_request_answer(req);
}

/* Runs the handler here, or suspends the connection and lets the pool do it. */
static enum MHD_Result dispatch(struct sc_request *req)
{
    struct sc_http *http = req->http;
    bool run_here = (req->route->flags & (SC_ROUTE_INLINE | SC_ROUTE_QUICK)) != 0;

    if (!sc_http_hold(http))
        return refuse(req, SC_E_SHUTTING_DOWN, "the server is stopping");
    if (run_here) {
        sc_request_run(req);
        if (!req->later.armed) {
            sc_http_let_go(http);
            return sc_request_answer(req);
        }
    } else if (!sc_pool_reserve(&http->pool)) {
        sc_http_let_go(http);
        return refuse(req, SC_E_SERVER_UNREACHABLE, "the server is busy: try again");
    }

    /* Suspended before another thread can see the request: a resume that came first would be lost.
     */
    MHD_suspend_connection(req->conn);
    if (run_here) {
        sc_park_add(&http->park, req);
    } else {
        req->fresh = true;
        sc_pool_push(&http->pool, req);
    }
    return MHD_YES;
}

/* The first call for a request: its headers are in. */
static enum MHD_Result begin(struct sc_request *req, struct MHD_Connection *conn,
                             const char *method, const char *version)
{
    req->admitted = true;
    req->http11 = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    req->conn = conn;
    req->fd = connection_fd(conn);
    if (sc_tap_requests(req->fd) == 0) {
        SC_LOG(ERROR, "http", "a connection that nobody watches was closed");
        return MHD_NO;
    }
    req->slot = connection_slot(conn);
    sc_park_busy(&req->http->park, req->slot);
    memcpy(req->method, method, strnlen(method, sizeof(req->method) - 1));
    req->counted = true;
    count_live(req->http, 1);
    sc_request_admit(req);

    /* A refusal is told before the body when the client waits for it (Expect) or the body is long;
     * a short body is read first, else the client would see its connection reset instead. */
    bool body_waits = sc_request_header_n(conn, MHD_HTTP_HEADER_EXPECT).len > 0;
    if (req->refusal != NULL &&
        (req->content_length > SC_HTTP_DRAIN || (body_waits && req->content_length != 0))) {
        (void)sc_reply_error(req, req->refusal);
        return sc_request_answer(req);
    }
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **con_cls)
{
    struct sc_request *req = *con_cls;
    (void)cls;
    (void)url;

    if (!req->admitted)
        return begin(req, conn, method, version);
    if (*size > 0) {
        bool more = sc_request_receive(req, data, *size);
        *size = 0;
        return more ? MHD_YES : MHD_NO;
    }
    if (req->drop)
        return MHD_NO;
    if (req->response != NULL)
        return sc_request_answer(req);
    sc_request_received(req);
    if (req->refusal != NULL) {
        (void)sc_reply_error(req, req->refusal);
        return sc_request_answer(req);
    }
    if (req->route == NULL) { /* OPTIONS has its answer from admit.c */
        struct sc_buf empty = { 0 };
        (void)sc_reply_bytes(req, MHD_HTTP_NO_CONTENT, NULL, &empty);
        return sc_request_answer(req);
    }
    return dispatch(req);
}

static enum sc_code start_listener(struct sc_listener *l, struct sc_error *err)
{
    const struct sc_http_options *o = &l->http->options;
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    if (getsockname(l->fd, (struct sockaddr *)&address, &len) != 0)
        return sc_error_errno(err, errno, "cannot use the listening socket");
    l->is_unix = address.ss_family == AF_UNIX;
    struct sc_ip ip;
    l->loopback = sc_client_ip_of((struct sockaddr *)&address, &ip) && sc_ip_is_loopback(&ip);

    l->tls = o->tls && !l->is_unix;

    struct MHD_OptionItem more[4] = { { MHD_OPTION_END, 0, NULL } };
    size_t count = 0;
    if (o->threads > 1)
        more[count++] = (struct MHD_OptionItem){ MHD_OPTION_THREAD_POOL_SIZE, o->threads, NULL };
    if (l->tls) {
        static char priorities[] = SC_TLS_PRIORITIES;
        more[count++] =
            (struct MHD_OptionItem){ MHD_OPTION_HTTPS_CERT_CALLBACK, 0, sc_tls_callback() };
        more[count++] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities };
    }
    more[count].option = MHD_OPTION_END;
    l->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC |
            MHD_USE_ERROR_LOG | (l->tls ? MHD_USE_TLS : 0),
        0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_ARRAY, more, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SC_MAX(o->connection_limit, o->threads), MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)SC_MAX(o->idle_timeout_s, 0), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
        keep_escaped, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_uri, l, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed, l, MHD_OPTION_END);
    if (l->daemon == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "cannot start the HTTP server: %s",
                            strerrordesc_np(errno));
    return SC_OK;
}

static enum sc_code start_all(struct sc_http *http, struct sc_error *err)
{
    if (!sc_park_start(&http->park, http))
        return sc_error_errno(err, errno, "cannot start the thread of waiting requests");
    if (!sc_sockets_start(&http->sockets, http))
        return sc_error_errno(err, errno, "cannot start the thread of WebSockets");
    /* Of each upload that is received at the same time, one hashes and one writes. */
    if (!sc_hasher_start(&http->hasher, 2 * http->options.threads) ||
        !sc_pool_start(&http->pool, http, http->options.workers))
        return sc_error_set(err, SC_E_INTERNAL, "cannot start the HTTP threads");
    for (size_t i = 0; i < http->listener_count; i++) {
        enum sc_code code = start_listener(&http->listeners[i], err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

enum sc_code sc_http_start(const struct sc_http_options *options, struct sc_http **out,
                           struct sc_error *err)
{
    SC_AUTO(sc_http_freep) struct sc_http *http = sc_alloc(sizeof(*http));
    http->options = *options;
    atomic_init(&http->spool_limit, options->spool_limit);
    http->options.listen_fds = NULL;
    sc_router_init(&http->router, options->routes, options->route_count);
    http->options.temp_dir = sc_strdup(options->temp_dir == NULL ? "/tmp" : options->temp_dir);
    sc_assert(pthread_mutex_init(&http->lock, NULL) == 0);
    sc_assert(pthread_mutex_init(&http->match_lock, NULL) == 0);
    sc_cond_init(&http->cond);
    sc_guard_init(&http->guard, options->limits_dir);
    sc_http_set_policy(http, &options->policy);
    http->listener_count = options->listen_count;
    http->listeners = sc_alloc_array(SC_MAX(options->listen_count, 1), sizeof(*http->listeners));
    for (size_t i = 0; i < options->listen_count; i++)
        http->listeners[i] = (struct sc_listener){ .http = http, .fd = options->listen_fds[i] };

    /* Signals are the daemon's own thread's; SIGPIPE would come from sendfile. */
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    enum sc_code code = start_all(http, err);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == SC_OK)
        *out = SC_TAKE(http);
    return code;
}

/* Waits until *count is 0; deadline_ms negative: for ever. */
static void wait_for_zero(struct sc_http *http, atomic_int *count, int64_t deadline_ms)
{
    SC_LOCK(&http->lock);
    while (atomic_load(count) > 0) {
        if (!sc_cond_wait(&http->cond, &http->lock, deadline_ms))
            break;
    }
}

void sc_http_stop(struct sc_http *http, int64_t deadline_ms)
{
    if (http->stopped)
        return;
    http->stopped = true;
    atomic_store(&http->stopping, true);
    for (size_t i = 0; i < http->listener_count; i++) {
        if (http->listeners[i].daemon != NULL)
            (void)MHD_quiesce_daemon(http->listeners[i].daemon);
    }
    if (http->park.started)
        sc_park_close(&http->park);
    sc_sockets_stop(&http->sockets, SC_MAX(deadline_ms, 0));
    wait_for_zero(http, &http->live, SC_MAX(deadline_ms, 0));
    /* A handler cannot be interrupted, and libmicrohttpd must not be stopped under a suspended
     * connection: past the deadline only uploads and downloads are cut. An upload that ends just
     * then is refused. */
    atomic_store(&http->closing, true);
    wait_for_zero(http, &http->suspended, -1);
    for (size_t i = 0; i < http->listener_count; i++) {
        struct sc_listener *l = &http->listeners[i];
        if (l->daemon != NULL)
            MHD_stop_daemon(l->daemon);
        l->daemon = NULL;
        if (l->fd >= 0)
            (void)close(l->fd);
        l->fd = -1;
    }
    sc_pool_stop(&http->pool);
    sc_hasher_stop(&http->hasher);
    if (http->park.started)
        sc_park_stop(&http->park);
}

void sc_http_set_spool_limit(struct sc_http *http, int64_t bytes)
{
    atomic_store(&http->spool_limit, bytes);
}

int sc_http_uploads(struct sc_http *http)
{
    return atomic_load(&http->uploads);
}

void sc_http_free(struct sc_http *http)
{
    if (http == NULL)
        return;
    sc_http_stop(http, 0);
    sc_sockets_done(&http->sockets);
    (void)pthread_cond_destroy(&http->cond);
    (void)pthread_mutex_destroy(&http->match_lock);
    (void)pthread_mutex_destroy(&http->lock);
    sc_guard_done(&http->guard);
    sc_router_done(&http->router);
    free(http->listeners);
    free((char *)(uintptr_t)http->options.temp_dir);
    free(http);
}
