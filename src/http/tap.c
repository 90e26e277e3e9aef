/* Else glibc's headers bring an inline recv that checks its length, and ours would be a second. */
#undef _FORTIFY_SOURCE

#include "http/tap.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/metric.h"
#include "http/framing.h"
#include "json/writer.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

/* Descriptors beyond are not served: nobody raises the limit of a process so far. */
#define TAPS 65536
/* A client that is still sending would miss the answer if the connection were closed under it. */
#define DRAIN_BYTES ((int64_t)4 << 20)
#define NO_DESCRIPTOR_NS 50000000

struct sc_tap {
    struct sc_framing framing;
    bool tls; /* recv() brings records, and what they hold comes from gnutls_record_recv() */
    gnutls_session_t session; /* of TLS, once something has been read */
    bool answering;
    bool refused; /* and told so */
    int64_t drained;
};

static _Atomic(struct sc_tap *) taps[TAPS];

static struct sc_tap *tap_of(int fd)
{
    return fd >= 0 && fd < TAPS ? atomic_load_explicit(&taps[fd], memory_order_acquire) : NULL;
}

bool sc_tap_open(int fd, bool tls)
{
    if (fd < 0 || fd >= TAPS)
        return false;
    struct sc_tap *tap = sc_alloc(sizeof(*tap));
    tap->tls = tls;
    sc_assert(atomic_exchange(&taps[fd], tap) == NULL);
    return true;
}

void sc_tap_close(int fd)
{
    if (fd >= 0 && fd < TAPS)
        free(atomic_exchange(&taps[fd], NULL));
}

void sc_tap_answering(int fd, bool on)
{
    struct sc_tap *tap = tap_of(fd);
    if (tap != NULL)
        tap->answering = on;
}

int64_t sc_tap_requests(int fd)
{
    const struct sc_tap *tap = tap_of(fd);
    return tap == NULL ? 0 : tap->framing.requests;
}

/* ---- the ends of a connection ---- */

/* What libmicrohttpd reads from. */
struct end {
    int fd;
    gnutls_session_t session; /* NULL: without TLS */
};

/* Below 0 as recv() or gnutls_record_recv() says it. */
static ssize_t pull(const struct end *end, void *buf, size_t len, int flags)
{
    if (end->session == NULL)
        return recvfrom(end->fd, buf, len, flags, NULL, NULL);
    return gnutls_record_recv_seq(end->session, buf, len, NULL);
}

/* A client that has filled the connection without reading does not want it. */
static void push(const struct end *end, const struct sc_buf *out)
{
    if (end->session == NULL)
        (void)send(end->fd, sc_buf_text(out), out->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    else
        (void)gnutls_record_send(end->session, sc_buf_text(out), out->len);
}

static void close_writing(const struct end *end)
{
    if (end->session != NULL)
        (void)gnutls_bye(end->session, GNUTLS_SHUT_WR);
    (void)shutdown(end->fd, SHUT_WR);
}

/* ---- the answer ---- */

static void put_body(const struct sc_framing *f, const char *id, struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_object(&w, "error");
    sc_json_text(&w, "code", sc_code_name(f->code));
    sc_json_text(&w, "message", f->why);
    sc_json_text(&w, "request_id", id);
    sc_json_end(&w);
    sc_json_end(&w);
}

static void send_answer(const struct end *end, bool is_head, int status, struct sc_str body,
                        const char *id)
{
    SC_AUTO_BUF out = { 0 };
    sc_buf_printf(&out,
                  "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/json\r\n"
                  "Content-Length: %zu\r\nX-Request-Id: %s\r\nServer-Timing: total;dur=0.0\r\n"
                  "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
                  "Cross-Origin-Resource-Policy: same-origin\r\nCache-Control: no-store\r\n"
                  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n\r\n",
                  status, MHD_get_reason_phrase_for((unsigned)status), body.len, id);
    if (!is_head)
        sc_buf_put_str(&out, body);
    push(end, &out);
}

/* Of what never became a request. */
static void answer(const struct sc_tap *tap, const struct end *end)
{
    char id[SC_UUID_TEXT];
    SC_AUTO_BUF body = { 0 };
    const struct sc_framing *f = &tap->framing;
    int status = sc_code_http_status(f->code);

    sc_uuid7(id);
    put_body(f, id, &body);
    send_answer(end, f->is_head, status, sc_buf_str(&body), id);
    SC_COUNT(http_requests, SC_METRIC_ROUTES * SC_METRIC_ANSWERS + (size_t)(status / 100), 1);
    SC_LOG(DEBUG, "http", "request refused", SC_S("code", sc_code_name(f->code)),
           SC_S("message", f->why), SC_S("id", id));
}

/* ---- reading ---- */

/* Passes over what a refused client still sends, until it leaves. */
static ssize_t drain(struct sc_tap *tap, const struct end *end)
{
    char scratch[16384];
    while (tap->drained < DRAIN_BYTES) {
        ssize_t n = pull(end, scratch, sizeof(scratch), MSG_DONTWAIT);
        if (n <= 0)
            return n;
        tap->drained += n;
    }
    return 0;
}

static ssize_t refuse(struct sc_tap *tap, const struct end *end)
{
    tap->refused = true;
    if (!tap->answering)
        answer(tap, end);
    close_writing(end);
    return drain(tap, end);
}

void sc_tap_refuse(int fd, int status, struct sc_str json, const char *id)
{
    struct sc_tap *tap = tap_of(fd);
    if (tap == NULL || tap->refused || tap->answering)
        return;
    const struct end end = { fd, tap->session };
    tap->refused = true;
    send_answer(&end, tap->framing.is_head, status, json, id);
    close_writing(&end);
}

static ssize_t tap_recv(struct sc_tap *tap, const struct end *end, char *buf, size_t len, int flags)
{
    if (tap->refused)
        return drain(tap, end);
    if (tap->framing.state == SC_FRAMING_REFUSED)
        return refuse(tap, end);
    ssize_t n = pull(end, buf, len, flags);
    if (n <= 0)
        return n;
    size_t good = sc_framing_feed(&tap->framing, buf, (size_t)n);
    if (good == 0)
        return refuse(tap, end);
    /* The requests before it are served first. All that came has been read, so only a fresh edge
     * brings libmicrohttpd back to here. */
    if (good < (size_t)n)
        (void)shutdown(end->fd, SHUT_RD);
    return (ssize_t)good;
}

__attribute__((visibility("default"), used)) ssize_t recv(int fd, void *buf, size_t len, int flags)
{
    const struct end end = { .fd = fd };
    struct sc_tap *tap = tap_of(fd);
    return tap == NULL || tap->tls ? pull(&end, buf, len, flags)
                                   : tap_recv(tap, &end, buf, len, flags);
}

/* libmicrohttpd gives a session its descriptor, libcurl a pointer, which no descriptor is as large
 * as. */
__attribute__((visibility("default"), used)) ssize_t gnutls_record_recv(gnutls_session_t session,
                                                                        void *buf, size_t len)
{
    intptr_t transport = (intptr_t)gnutls_transport_get_ptr(session);
    const struct end end = { transport < TAPS ? (int)transport : -1, session };
    struct sc_tap *tap = tap_of(end.fd);
    if (tap == NULL || !tap->tls)
        return pull(&end, buf, len, 0);
    tap->session = session;
    return tap_recv(tap, &end, buf, len, 0);
}

/* ---- accepting ---- */

/* A thread of libmicrohttpd that has no connection yet tries again at once when there is no
 * descriptor for its first one, for as long as there is none. */
__attribute__((visibility("default"), used)) int accept4(int fd, struct sockaddr *address,
                                                         socklen_t *len, int flags)
{
    static const struct timespec pause = { .tv_nsec = NO_DESCRIPTOR_NS };
    int connection = (int)syscall(SYS_accept4, fd, address, len, flags);
    if (connection >= 0 || (errno != EMFILE && errno != ENFILE))
        return connection;
    int error = errno;
    (void)nanosleep(&pause, NULL);
    errno = error;
    return -1;
}
