#include "net/client.h"

#include "net/client-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "json/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/un.h>

#include "base/banned.h"

#define CONNECT_MS 10000
#define CALL_MS 60000
/* How often a call asks its stop function: Ctrl-C should feel prompt. */
#define STOP_POLL_MS 50
#define SILENCE_POLL_MS 1000
#define WOKEN_POLL_MS 60000

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void global_init(void)
{
    sc_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

void sc_net_init(void)
{
    (void)pthread_once(&global_once, global_init);
}

/* A path that fits sockaddr_un: itself, or by way of its folder's descriptor. */
static enum sc_code shorten_socket(struct sc_client *c, const char *path, struct sc_error *err)
{
    const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    if (path[0] == '\0')
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%s' names no socket", c->server);
    if (strlen(path) <= room) {
        c->socket = sc_strdup(path);
        return SC_OK;
    }
    const char *slash = strrchr(path, '/');
    SC_AUTO_FREE char *dir =
        slash == NULL ? sc_strdup(".") : sc_strndup(path, (size_t)(slash - path) + 1);
    c->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (c->dir_fd < 0)
        return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "no server answers at '%.160s': %s", path,
                            strerrordesc_np(errno));
    c->socket = sc_asprintf("/proc/self/fd/%d/%s", c->dir_fd, slash == NULL ? path : slash + 1);
    if (strlen(c->socket) > room)
        return sc_error_set(err, SC_E_INVALID_VALUE, "the socket's name is too long: '%.160s'",
                            path);
    return SC_OK;
}

static enum sc_code set_server(struct sc_client *c, struct sc_error *err)
{
    if (strncmp(c->server, "unix:", 5) == 0) {
        c->base = sc_strdup("http://localhost");
        return shorten_socket(c, c->server + 5, err);
    }
    if (strncmp(c->server, "http://", 7) != 0 && strncmp(c->server, "https://", 8) != 0)
        return sc_error_set(err, SC_E_INVALID_VALUE,
                            "'%.120s' is no server: unix:PATH, http://HOST:PORT or https://HOST",
                            c->server);
    size_t len = strlen(c->server);
    while (len > 0 && c->server[len - 1] == '/')
        len--;
    c->base = sc_strndup(c->server, len);
    return SC_OK;
}

/* No control signs: a line break in a token would add headers. */
static bool header_is_safe(const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    }
    return true;
}

enum sc_code sc_client_open(const char *server, const char *token, struct sc_client **out,
                            struct sc_error *err)
{
    sc_net_init();
    SC_AUTO(sc_client_closep) struct sc_client *c = sc_alloc(sizeof(*c));
    c->dir_fd = -1;
    c->server = sc_strdup(server);
    if (token != NULL && token[0] != '\0') {
        if (!header_is_safe(token))
            return sc_error_set(err, SC_E_INVALID_VALUE, "the token holds control signs");
        c->auth = sc_asprintf("Authorization: Bearer %s", token);
    }
    enum sc_code code = set_server(c, err);
    if (code != SC_OK)
        return code;
    c->easy = curl_easy_init();
    c->multi = curl_multi_init();
    sc_assert(c->easy != NULL && c->multi != NULL);
    *out = SC_TAKE(c);
    return SC_OK;
}

void sc_client_close(struct sc_client *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->easy);
    if (c->multi != NULL)
        (void)curl_multi_cleanup(c->multi);
    curl_slist_free_all(c->headers);
    sc_buf_done(&c->scrap);
    if (c->dir_fd >= 0)
        (void)close(c->dir_fd);
    free(c->socket);
    free(c->ca_file);
    free(c->auth);
    free(c->base);
    free(c->server);
    free(c);
}

void sc_client_trust(struct sc_client *c, const char *ca_file)
{
    free(c->ca_file);
    c->ca_file = ca_file == NULL || ca_file[0] == '\0' ? NULL : sc_strdup(ca_file);
}

void sc_client_set_stop(struct sc_client *c, sc_client_stop_fn fn, void *ctx)
{
    c->stop = fn;
    c->stop_ctx = ctx;
}

void sc_client_expect_wake(struct sc_client *c)
{
    c->woken = true;
}

void sc_client_wake(struct sc_client *c)
{
    (void)curl_multi_wakeup(c->multi);
}

void sc_client_add_header(struct sc_client *c, const char *line)
{
    struct curl_slist *more = curl_slist_append(c->headers, line);
    sc_assert(more != NULL);
    c->headers = more;
}

void sc_client_header(struct sc_client *c, const char *name, const char *value)
{
    sc_assert(header_is_safe(name));
    if (!header_is_safe(value))
        return;
    SC_AUTO_FREE char *line = sc_asprintf("%s: %s", name, value);
    sc_client_add_header(c, line);
}

size_t sc_client_fault(struct sc_client *c, enum sc_code code, const char *msg)
{
    c->broken = true;
    (void)sc_error_set(&c->fault, code, "%s", msg);
    return 0;
}

static size_t keep_reply(char *bytes, size_t one, size_t len, void *ctx)
{
    struct sc_client *c = ctx;
    (void)one;
    c->active_ms = sc_clock_mono_ms();
    sc_buf_append(c->reply, bytes, len);
    if (c->reply->failed)
        return sc_client_fault(c, SC_E_IO_ERROR, "the server's answer is too large");
    return len;
}

/* Calls to this machine must not go through a proxy that the environment names. */
static bool is_local(const struct sc_client *c)
{
    static const char *const hosts[] = { "http://127.", "http://localhost", "http://[::1]" };
    if (c->socket != NULL)
        return true;
    for (size_t i = 0; i < SC_ARRAY_LEN(hosts); i++) {
        if (strncmp(c->base, hosts[i], strlen(hosts[i])) == 0)
            return true;
    }
    return false;
}

void sc_client_begin(struct sc_client *c, const char *method, const char *path)
{
    sc_assert(path[0] == '/');
    SC_AUTO_FREE char *url = sc_asprintf("%s%s", c->base, path);
    c->why[0] = '\0';
    c->broken = false;
    c->finished = false;
    c->result = CURLE_OK;
    c->active_ms = sc_clock_mono_ms();
    sc_buf_reset(&c->scrap);
    c->reply = &c->scrap;

    curl_easy_reset(c->easy);
    (void)curl_easy_setopt(c->easy, CURLOPT_URL, url);
    (void)curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "scripta/" SC_VERSION);
    (void)curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    (void)curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->why);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, keep_reply);
    (void)curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
    (void)curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
    if (strcmp(method, "HEAD") == 0)
        (void)curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
    (void)curl_easy_setopt(c->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->ca_file != NULL)
        (void)curl_easy_setopt(c->easy, CURLOPT_CAINFO, c->ca_file);
    if (c->socket != NULL)
        (void)curl_easy_setopt(c->easy, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    if (is_local(c))
        (void)curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
    if (c->auth != NULL)
        sc_client_add_header(c, c->auth);
}

int sc_client_status(struct sc_client *c)
{
    long status = 0;
    (void)curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int)status;
}

static enum sc_code unreachable(struct sc_client *c, CURLcode result, struct sc_error *err)
{
    const char *why = c->why[0] != '\0' ? c->why : curl_easy_strerror(result);
    if (result == CURLE_COULDNT_CONNECT && c->socket != NULL) {
        /* Of a socket libcurl tells a host and a port, which nobody named. */
        long number = 0;
        (void)curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &number);
        why = number == ENOENT ? "there is no such socket" : "nothing listens there";
    }
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, sc_str_from(why)); /* libcurl quotes what the server sent */
    return sc_error_set(err, SC_E_SERVER_UNREACHABLE, "no server answers at '%.100s': %.100s",
                        c->server, sc_buf_text(&shown));
}

/* libcurl has no memory, too, for a header line beyond its own limit of 100 KB. */
static enum sc_code no_memory(struct sc_client *c, struct sc_error *err)
{
    curl_off_t answered_us = 0;
    (void)curl_easy_getinfo(c->easy, CURLINFO_STARTTRANSFER_TIME_T, &answered_us);
    if (answered_us == 0)
        return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                        "the server at '%.160s' answers with too long a header", c->server);
}

static enum sc_code untrusted(struct sc_client *c, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, sc_str_from(c->why));
    return sc_error_set(err, SC_E_SERVER_UNREACHABLE,
                        "the certificate of '%.100s' is not trusted: name its authority with "
                        "--ca-file or SCRIPTA_CA_FILE (%.100s)",
                        c->server, sc_buf_text(&shown));
}

/* What libcurl's result means to us. */
static enum sc_code translate(struct sc_client *c, CURLcode result, struct sc_error *err)
{
    if (c->broken)
        return sc_error_copy(err, &c->fault);
    switch ((int)result) {
    case CURLE_OK:
        return SC_OK;
    case CURLE_OPERATION_TIMEDOUT: {
        curl_off_t connected_us = 0;
        (void)curl_easy_getinfo(c->easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
        if (connected_us == 0)
            return unreachable(c, result, err);
        return sc_error_set(err, SC_E_TIMEOUT, "the server at '%.160s' did not answer in time",
                            c->server);
    }
    case CURLE_PEER_FAILED_VERIFICATION:
        return untrusted(c, err);
    case CURLE_SSL_CACERT_BADFILE:
        return sc_error_field(err, SC_E_CONFIG_ERROR, "ca_file",
                              "ca_file: '%.160s' cannot be read, or holds no certificates in PEM",
                              c->ca_file == NULL ? "" : c->ca_file);
    case CURLE_URL_MALFORMAT:
        return sc_error_set(err, SC_E_INVALID_VALUE, "'%.160s' is no address of a server",
                            c->server);
    case CURLE_OUT_OF_MEMORY:
        return no_memory(c, err);
    default:
        return unreachable(c, result, err);
    }
}

/* Drives the transfer until it ends. Own loop rather than curl_easy_perform: that one asks its
 * progress callback only once a second. */
static enum sc_code drive(struct sc_client *c, int64_t idle_ms, struct sc_error *err)
{
    for (;;) {
        int running = 0, left = 0;
        CURLMcode m = curl_multi_perform(c->multi, &running);
        if (m != CURLM_OK)
            return sc_error_set(err, SC_E_INTERNAL, "libcurl: %s", curl_multi_strerror(m));
        if (c->finished)
            return SC_OK;
        const CURLMsg *msg = curl_multi_info_read(c->multi, &left);
        if (msg != NULL && msg->msg == CURLMSG_DONE) {
            c->result = msg->data.result;
            return translate(c, c->result, err);
        }
        if (c->stop != NULL && c->stop(c->stop_ctx))
            return sc_error_set(err, SC_E_CANCELLED, "cancelled");
        if (idle_ms > 0 && sc_clock_mono_ms() - c->active_ms > idle_ms)
            return sc_error_set(err, SC_E_TIMEOUT, "the server at '%.160s' has gone silent",
                                c->server);
        /* libcurl cuts the wait where a time-out of its own ends it. */
        int wait_ms = SILENCE_POLL_MS;
        if (c->stop != NULL && !c->woken)
            wait_ms = STOP_POLL_MS;
        else if (c->stop != NULL && idle_ms <= 0)
            wait_ms = WOKEN_POLL_MS;
        (void)curl_multi_poll(c->multi, NULL, 0, wait_ms, NULL);
    }
}

enum sc_code sc_client_run(struct sc_client *c, int64_t timeout_ms, int64_t idle_ms, int *status,
                           struct sc_error *err)
{
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
    if (timeout_ms > 0)
        (void)curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    CURLMcode m = curl_multi_add_handle(c->multi, c->easy);
    sc_assert(m == CURLM_OK);
    enum sc_code code = drive(c, idle_ms, err);
    int answered = sc_client_status(c);
    (void)curl_multi_remove_handle(c->multi, c->easy);
    curl_slist_free_all(SC_TAKE(c->headers));
    (void)curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, NULL);
    if (code == SC_OK)
        *status = answered;
    return code;
}

/* An answer without our error body: another server, or a proxy between. */
static enum sc_code code_of_status(int status)
{
    switch (status) {
    case 401:
    case 407:
        return SC_E_UNAUTHENTICATED;
    case 403:
        return SC_E_FORBIDDEN;
    case 404:
        return SC_E_NOT_FOUND;
    case 405:
        return SC_E_METHOD_NOT_ALLOWED;
    case 408:
    case 504:
        return SC_E_TIMEOUT;
    case 409:
        return SC_E_CONFLICT;
    case 413:
        return SC_E_BODY_TOO_LARGE;
    case 415:
        return SC_E_UNSUPPORTED_TYPE;
    case 502:
    case 503:
        return SC_E_SERVER_UNREACHABLE;
    case 507:
        return SC_E_NO_SPACE;
    default:
        return status >= 400 && status < 500 ? SC_E_INVALID_REQUEST : SC_E_INTERNAL;
    }
}

enum sc_code sc_client_judge(struct sc_client *c, int status, struct sc_str body,
                             struct sc_error *err)
{
    if (status >= 200 && status < 300)
        return SC_OK;
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    if (status >= 400 && body.len > 0 && sc_json_parse(body, &doc, NULL) == SC_OK) {
        const struct sc_json_value *e = sc_json_member(sc_json_root(doc), "error");
        enum sc_code code;
        if (sc_code_parse(sc_json_get_text(sc_json_member(e, "code"), ""), &code) && code != SC_OK)
            return sc_error_field(
                err, code, sc_json_get_text(sc_json_member(e, "field"), ""), "%s",
                sc_json_get_text(sc_json_member(e, "message"), sc_code_text(code)));
    }
    return sc_error_set(err, code_of_status(status), "the server at '%.160s' answered %d",
                        c->server, status);
}

enum sc_code sc_client_call(struct sc_client *c, const struct sc_call *call, int *status,
                            struct sc_buf *reply, struct sc_error *err)
{
    const char *method = call->method == NULL ? "GET" : call->method;
    int got = 0;
    sc_buf_reset(reply);
    sc_client_begin(c, method, call->path);
    c->reply = reply;
    if (call->body != NULL) {
        size_t len = call->body_len == 0 ? strlen(call->body) : call->body_len;
        (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, call->body);
        sc_client_header(c, "Content-Type", call->type == NULL ? "application/json" : call->type);
        sc_client_add_header(c, "Expect:");
    } else if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
               strcmp(method, "PATCH") == 0) {
        (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)0);
        (void)curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, "");
        sc_client_add_header(c, "Content-Type:");
    }
    int64_t timeout_ms = call->timeout_ms <= 0 ? CALL_MS : call->timeout_ms;
    enum sc_code code = sc_client_run(c, timeout_ms, 0, &got, err);
    if (code != SC_OK)
        return code;
    if (status != NULL)
        *status = got;
    return sc_client_judge(c, got, sc_buf_str(reply), err);
}
