#include "rig.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "http/spill.h"
#include "http/websocket.h"
#include "sys/socket.h"
#include "json/writer.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

#include "base/banned.h"

struct rig_counters rig_counters;

#define MAX_WAITERS 512

struct waiter {
    struct sc_request *req;
    bool on;
};

struct feed {
    struct sc_stream *stream;
    struct sc_buf text;
    bool end;
    bool on;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond;
/* -- protected by lock -- */
static struct waiter waiters[MAX_WAITERS];
static struct feed feeds[MAX_WAITERS];
static bool gate_open;

static void bump_locked(int *counter)
{
    (*counter)++;
    (void)pthread_cond_broadcast(&cond);
}

static void bump(int *counter)
{
    SC_LOCK(&lock);
    bump_locked(counter);
}

int rig_count(int *counter)
{
    SC_LOCK(&lock);
    return *counter;
}

void rig_await(int *counter, int value)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec += PATIENCE_MS / 1000;
    SC_LOCK(&lock);
    while (*counter < value) {
        if (pthread_cond_timedwait(&cond, &lock, &now) != 0)
            fail_msg("the counter stays at %d, not %d", *counter, value);
    }
}

/* ---- handlers ---- */

static struct sc_done *say(struct sc_request *req, const char *text)
{
    struct sc_buf body = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "text", text);
    sc_json_end(&w);
    return sc_reply_json(req, 200, &body);
}

static struct sc_done *on_hello(struct sc_request *req, void *app)
{
    (void)app;
    return say(req, "hello");
}

static struct sc_done *on_item(struct sc_request *req, void *app)
{
    (void)app;
    SC_AUTO_FREE char *id =
        sc_strndup(sc_request_param(req, "id").ptr, sc_request_param(req, "id").len);
    assert_null(sc_request_param(req, "zzz").ptr);
    return say(req, id);
}

static struct sc_done *on_special(struct sc_request *req, void *app)
{
    (void)app;
    return say(req, "the special one");
}

static void put_pair(void *ctx, struct sc_str name, struct sc_str value)
{
    sc_buf_printf(ctx, "%.*s=%.*s;", (int)name.len, name.ptr, (int)value.len, value.ptr);
}

static struct sc_done *on_query(struct sc_request *req, void *app)
{
    SC_AUTO_BUF text = { 0 };
    (void)app;
    sc_request_each_query(req, put_pair, &text);
    struct sc_str a = sc_request_query(req, "a");
    sc_buf_printf(&text, "|%.*s|%s", (int)a.len, a.ptr == NULL ? "" : a.ptr,
                  sc_request_query(req, "zzz").ptr == NULL ? "absent" : "there");
    return say(req, sc_buf_text(&text));
}

static struct sc_done *on_body(struct sc_request *req, void *app)
{
    struct sc_buf body = { 0 };
    (void)app;
    sc_buf_printf(&body, "%zu:", sc_request_body(req).len);
    sc_buf_put_str(&body, sc_request_body(req));
    return sc_reply_bytes(req, 201, "text/plain", &body);
}

static struct sc_done *on_who(struct sc_request *req, void *app)
{
    (void)app;
    sc_reply_header(req, "X-Extra", "yes");
    sc_reply_header(req, "X-Bad", "a\r\nSet-Cookie: x");
    return say(req, sc_request_principal(req)->name);
}

static struct sc_done *on_boom(struct sc_request *req, void *app)
{
    struct sc_error err = { 0 };
    (void)app;
    (void)sc_error_field(&err, SC_E_JOB_NOT_FOUND, "job_id", "no job 'x\"y'");
    return sc_reply_error(req, &err);
}

static struct sc_done *on_silent(struct sc_request *req, void *app)
{
    (void)req;
    (void)app;
    return NULL;
}

static struct sc_done *on_overflow(struct sc_request *req, void *app)
{
    struct sc_buf body = { .limit = 4 };
    (void)app;
    sc_buf_puts(&body, "too long");
    return sc_reply_json(req, 200, &body);
}

static struct sc_done *on_slow(struct sc_request *req, void *app)
{
    (void)app;
    {
        SC_LOCK(&lock);
        bump_locked(&rig_counters.slow);
        while (!gate_open)
            (void)pthread_cond_wait(&cond, &lock);
    }
    return say(req, "slow");
}

void rig_open_gate(void)
{
    SC_LOCK(&lock);
    gate_open = true;
    (void)pthread_cond_broadcast(&cond);
}

static struct sc_done *on_upload(struct sc_request *req, void *app)
{
    SC_AUTO_BUF fields = { 0 };
    struct sc_buf body = { 0 };
    struct sc_json w;
    (void)app;
    sc_request_each_field(req, put_pair, &fields);
    const struct sc_spooled *file = sc_request_file(req);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "fields", sc_buf_text(&fields));
    if (file != NULL) {
        struct stat st;
        assert_int_equal(fstat(file->fd, &st), 0);
        assert_int_equal(st.st_size, file->size);
        sc_json_text(&w, "name", file->name);
        sc_json_int(&w, "size", file->size);
        sc_json_text(&w, "sha256", file->sha256);
        if (sc_request_query(req, "take").ptr != NULL) {
            assert_int_equal(unlink(file->path), 0);
            sc_request_file_taken(req);
        }
    }
    sc_json_end(&w);
    return sc_reply_json(req, 201, &body);
}

static struct sc_done *on_file(struct sc_request *req, void *app)
{
    static const char text[] = "0123456789";
    (void)app;
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, 10, f), 10);
    assert_int_equal(fflush(f), 0);
    int fd = dup(fileno(f));
    (void)fclose(f);
    return sc_reply_file(req, fd, 10, "audio/x-test", "abc");
}

/* An answer that is made in pieces: ?size=N of them. */
static struct sc_done *on_long(struct sc_request *req, void *app)
{
    SC_AUTO_SPILL body;
    int64_t size = 0;
    (void)app;
    (void)sc_str_to_int64(sc_request_query(req, "size"), &size);
    sc_spill_init(&body, req);
    for (int64_t at = 0; at < size; at += 10)
        assert_int_equal(sc_spill_put(&body, "0123456789", 10, NULL), SC_OK);
    return sc_reply_spill(req, "text/plain", &body);
}

static struct sc_done *on_empty_file(struct sc_request *req, void *app)
{
    (void)app;
    return sc_reply_file(req, open("/dev/null", O_RDONLY), 0, "audio/x-test", NULL);
}

/* ---- waiting ---- */

static struct waiter *waiter_of(struct sc_request *req)
{
    for (size_t i = 0; i < MAX_WAITERS; i++) {
        if (waiters[i].on && waiters[i].req == req)
            return &waiters[i];
    }
    return NULL;
}

static struct sc_done *on_again(struct sc_request *req, void *app)
{
    (void)app;
    {
        SC_LOCK(&lock);
        struct waiter *w = waiter_of(req);
        if (w != NULL)
            w->on = false;
        bump_locked(&rig_counters.again);
    }
    return say(req, "waited");
}

static void on_gone(void *ctx)
{
    struct waiter *w = ctx;
    SC_LOCK(&lock);
    w->on = false;
    bump_locked(&rig_counters.gone);
}

static struct sc_done *on_park(struct sc_request *req, void *app)
{
    int64_t ms = 60000;
    struct waiter *w = NULL;
    (void)app;
    (void)sc_str_to_int64(sc_request_query(req, "ms"), &ms);
    {
        SC_LOCK(&lock);
        for (size_t i = 0; i < MAX_WAITERS && w == NULL; i++)
            w = waiters[i].on ? NULL : &waiters[i];
        assert_non_null(w);
        *w = (struct waiter){ req, true };
    }
    if (sc_request_query(req, "early").ptr != NULL) {
        SC_LOCK(&lock);
        assert_true(sc_request_resume(req));
    }
    struct sc_done *done = sc_reply_later(req, sc_clock_mono_ms() + ms, on_again, on_gone, w);
    bump(&rig_counters.parked);
    return done;
}

int rig_resume_all(void)
{
    int n = 0;
    SC_LOCK(&lock);
    for (size_t i = 0; i < MAX_WAITERS; i++) {
        if (waiters[i].on && sc_request_resume(waiters[i].req))
            n++;
    }
    return n;
}

/* ---- streams ---- */

static bool stream_next(void *ctx, struct sc_buf *out)
{
    struct feed *f = ctx;
    SC_LOCK(&lock);
    sc_buf_put_str(out, sc_buf_str(&f->text));
    sc_buf_reset(&f->text);
    return !f->end;
}

static void stream_closed(void *ctx)
{
    struct feed *f = ctx;
    SC_LOCK(&lock);
    sc_buf_done(&f->text);
    f->on = false;
    bump_locked(&rig_counters.closed);
}

static struct sc_done *on_stream(struct sc_request *req, void *app)
{
    struct feed *f = NULL;
    (void)app;
    SC_LOCK(&lock);
    for (size_t i = 0; i < MAX_WAITERS && f == NULL; i++)
        f = feeds[i].on ? NULL : &feeds[i];
    assert_non_null(f);
    *f = (struct feed){ .on = true };
    sc_buf_puts(&f->text, ": hi\n\n");
    struct sc_done *done =
        sc_reply_stream(req, "text/event-stream", stream_next, stream_closed, f, &f->stream);
    bump_locked(&rig_counters.streams);
    return done;
}

void rig_publish(const char *text)
{
    SC_LOCK(&lock);
    for (size_t i = 0; i < MAX_WAITERS; i++) {
        struct feed *f = &feeds[i];
        if (!f->on)
            continue;
        if (text == NULL)
            f->end = true;
        else
            sc_buf_puts(&f->text, text);
        sc_stream_wake(f->stream);
    }
}

/* ---- WebSockets ---- */

static struct sc_sockets *_Atomic all_sockets;

static void socket_opened(struct sc_socket *socket, void *ctx)
{
    (void)socket;
    (void)ctx;
    bump(&rig_counters.sockets);
}

static void socket_message(struct sc_socket *socket, void *ctx, struct sc_str payload, bool text)
{
    SC_AUTO_BUF frame = { 0 };
    (void)ctx;
    if (sc_str_equal(payload, SC_STR("close")))
        sc_socket_close(socket, SC_WS_POLICY, "as you wish");
    sc_ws_frame(&frame, text ? SC_WS_TEXT : SC_WS_BINARY, payload);
    sc_socket_send(socket, sc_buf_str(&frame));
}

static void socket_closed(void *ctx)
{
    (void)ctx;
    bump(&rig_counters.sockets_closed);
}

static struct sc_done *on_socket(struct sc_request *req, void *app)
{
    static const struct sc_socket_ops ops = { socket_opened, socket_message, NULL, socket_closed,
                                              1000 };
    atomic_store(&all_sockets, sc_request_sockets(req));
    return sc_reply_socket(req, &ops, app);
}

static int64_t sockets_round(void *app)
{
    (void)app;
    bump(&rig_counters.rounds);
    return INT64_MAX;
}

void rig_wake_sockets(void)
{
    sc_sockets_wake(atomic_load(&all_sockets));
}

int rig_open_socket(struct rig *rig)
{
    SC_AUTO_BUF out = { 0 };
    int fd = rig_connect_unix(rig);
    rig_send(fd, "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    assert_true(rig_read_until(fd, &out, "\r\n\r\n", 1));
    assert_int_equal(rig_status(&out), 101);
    return fd;
}

/* ---- the server ---- */

static enum sc_code authorise(void *app, struct sc_str bearer, const struct sc_peer *peer,
                              struct sc_principal *out, struct sc_error *err)
{
    (void)app;
    bump(&rig_counters.auth);
    if (sc_str_equal(bearer, SC_STR("bad")))
        return sc_error_set(err, SC_E_UNAUTHENTICATED, "this token is not known");
    out->scopes = SC_SCOPE_READ | SC_SCOPE_WRITE;
    (void)sc_str_to_int64(bearer, &out->token_id);
    (void)snprintf(out->name, sizeof(out->name), "%s%s%.*s", peer->unix_socket ? "unix " : "tcp ",
                   peer->loopback ? "loopback " : "", (int)bearer.len, bearer.ptr);
    return SC_OK;
}

static const struct sc_route routes[] = {
    { "GET", "/", on_hello, 0, SC_ROUTE_OPEN | SC_ROUTE_INLINE, 0, "" },
    { "GET", "/api/hello", on_hello, 0, SC_ROUTE_INLINE, 0, "" },
    { "GET", "/api/live", on_hello, 0, SC_ROUTE_INLINE | SC_ROUTE_OPEN | SC_ROUTE_ADMIN_STOP, 0,
      "" },
    { "GET", "/api/items/{id}", on_item, 0, 0, 0, "" },
    { "DELETE", "/api/items/{id}", on_item, 0, 0, 0, "" },
    { "POST", "/api/items/special", on_special, 0, 0, 0, "" },
    { "GET", "/api/items/special", on_special, 0, 0, 0, "" },
    { "GET", "/api/query", on_query, 0, 0, 0, "" },
    { "POST", "/api/body", on_body, 0, 0, 1000, "" },
    { "GET", "/api/who", on_who, SC_SCOPE_READ, 0, 0, "" },
    { "GET", "/api/admin", on_who, SC_SCOPE_ADMIN, 0, 0, "" },
    { "GET", "/api/boom", on_boom, 0, 0, 0, "" },
    { "GET", "/api/silent", on_silent, 0, 0, 0, "" },
    { "GET", "/api/overflow", on_overflow, 0, 0, 0, "" },
    { "GET", "/api/slow", on_slow, 0, 0, 0, "" },
    { "POST", "/api/upload", on_upload, 0, SC_ROUTE_SPOOL, 0, "" },
    { "GET", "/api/file", on_file, 0, 0, 0, "" },
    { "GET", "/api/empty", on_empty_file, 0, 0, 0, "" },
    { "GET", "/api/long", on_long, 0, 0, 0, "" },
    { "POST", "/api/long", on_long, 0, 0, 1000, "" },
    { "PUT", "/api/long", on_long, 0, 0, 1000, "" },
    { "GET", "/api/park", on_park, 0, 0, 0, "" },
    { "GET", "/api/park-inline", on_park, 0, SC_ROUTE_INLINE, 0, "" },
    { "GET", "/api/stream", on_stream, 0, 0, 0, "" },
    { "GET", "/ws", on_socket, 0, SC_ROUTE_SOCKET, 0, "" },
};

void rig_start(struct rig *rig, const struct rig_options *options)
{
    static const struct rig_options usual = { .workers = 4,
                                              .spool_limit = 1 << 20,
                                              .idle_timeout_s = 30 };
    struct sc_error err = { 0 };
    int fds[2];
    bool loopback;
    const struct rig_options *o = options == NULL ? &usual : options;

    {
        SC_LOCK(&lock);
        pthread_condattr_t attr;
        assert_int_equal(pthread_condattr_init(&attr), 0);
        assert_int_equal(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
        assert_int_equal(pthread_cond_init(&cond, &attr), 0);
        rig_counters = (struct rig_counters){ 0 };
        gate_open = false;
    }
    *rig = (struct rig){ .dir = test_dir_new() };
    (void)test_path(&rig->dir, "server.sock", rig->socket);
    (void)test_path(&rig->dir, "temp", rig->temp);
    assert_int_equal(mkdir(rig->temp, 0700), 0);
    if (sc_socket_listen_unix(rig->socket, &fds[0], &err) != SC_OK ||
        sc_socket_listen_tcp("127.0.0.1:0", &fds[1], &rig->port, &loopback, &err) != SC_OK)
        fail_msg("%s", err.msg);
    (void)snprintf(rig->unix_server, sizeof(rig->unix_server), "unix:%s", rig->socket);
    (void)snprintf(rig->tcp_server, sizeof(rig->tcp_server), "http://127.0.0.1:%d", rig->port);
    const struct sc_http_options http = {
        .routes = routes,
        .route_count = SC_ARRAY_LEN(routes),
        .auth = authorise,
        .listen_fds = fds,
        .listen_count = 2,
        .threads = 2,
        .workers = o->workers,
        .connection_limit = 1000,
        .idle_timeout_s = o->idle_timeout_s,
        .temp_dir = rig->temp,
        .nap_ms = 200,
        .spool_limit = o->spool_limit,
        .socket_limit = o->socket_limit > 0 ? o->socket_limit : 1000,
        .ping_ms = o->ping_ms,
        .sockets_round = sockets_round,
    };
    if (sc_http_start(&http, &rig->http, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

void rig_done(struct rig *rig)
{
    rig_open_gate();
    sc_http_free(rig->http);
    rig->http = NULL;
    test_dir_done(&rig->dir);
    SC_LOCK(&lock);
    for (size_t i = 0; i < MAX_WAITERS; i++)
        assert_false(waiters[i].on || feeds[i].on);
}

/* ---- the raw client ---- */

static void set_timeout(int fd)
{
    struct timeval limit = { .tv_sec = PATIENCE_MS / 1000 };
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
}

int rig_connect_tcp(struct rig *rig)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)rig->port) };
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    set_timeout(fd);
    return fd;
}

int rig_connect_unix(struct rig *rig)
{
    struct sc_error err = { 0 };
    int fd = -1;
    if (sc_socket_connect_unix(rig->socket, &fd, &err) != SC_OK)
        fail_msg("%s", err.msg);
    set_timeout(fd);
    return fd;
}

void rig_send(int fd, const char *text)
{
    size_t len = strlen(text);
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server may refuse before it has read all */
        text += n;
        len -= (size_t)n;
    }
}

bool rig_read_until(int fd, struct sc_buf *out, const char *mark, int times)
{
    for (;;) {
        int seen = 0;
        for (const char *at = sc_buf_text(out); (at = strstr(at, mark)) != NULL; at++)
            seen++;
        if (seen >= times)
            return true;
        char piece[4096];
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        if (n <= 0)
            return false;
        sc_buf_append(out, piece, (size_t)n);
    }
}

void rig_read_all(int fd, struct sc_buf *out)
{
    (void)rig_read_until(fd, out, "\x01never", 1);
}

void rig_ask(struct rig *rig, const char *head, const char *body, struct sc_buf *out)
{
    SC_AUTO_CLOSE int fd = rig_connect_tcp(rig);
    SC_AUTO_BUF text = { 0 };
    sc_buf_reset(out);
    sc_buf_printf(&text, "%s\r\nHost: localhost\r\nConnection: close\r\n", head);
    if (body != NULL)
        sc_buf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
    sc_buf_printf(&text, "\r\n%s", body == NULL ? "" : body);
    rig_send(fd, sc_buf_text(&text));
    rig_read_all(fd, out);
}

int rig_status(const struct sc_buf *answer)
{
    int status = 0;
    (void)sscanf(sc_buf_text(answer), "HTTP/1.%*d %d", &status);
    return status;
}

int rig_temp_files(struct rig *rig)
{
    DIR *d = opendir(rig->temp);
    int n = 0;
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(d);
    return n;
}
