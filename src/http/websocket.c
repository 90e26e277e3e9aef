/* One thread and one epoll for all WebSockets. libmicrohttpd answers the handshake and hands the
 * connection over through a mailbox. Without TLS we keep a duplicate of its descriptor and give the
 * connection back at once, with its 16 KiB of memory and its place among those of http.connections;
 * with TLS it goes on between us and the client, and our end is one of a pair.
 *
 * Whoever was last heard longest ago stands first in its queue, and all of a queue wait equally
 * long: so the first ones tell the next deadline, and moving to the end costs nothing. */
#include "http/websocket.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/metric.h"
#include "http/http-internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/banned.h"

#define EVENTS 128
#define NAP_MS 60000
#define READ_BYTES 16384
/* From so many on we do not wait for the end of the round. */
#define FLUSH_BYTES ((size_t)8 << 10)
/* For the client's answer to our closing, and then for the end of its connection. */
#define CLOSE_MS 5000
#define LINGER_MS 1000
#define STOP_MS 1000
#define STOP_NAP_MS 50
/* Unless the options say otherwise. */
#define PING_MS 30000

static void poke(struct sc_sockets *all)
{
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(all->wake_fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

/* ---- queues ---- */

static void leave_queue(struct sc_socket *s)
{
    struct sc_socket_queue *q = &s->sockets->queues[s->queue];
    if (s->prev == NULL)
        q->first = s->next;
    else
        s->prev->next = s->next;
    if (s->next == NULL)
        q->last = s->prev;
    else
        s->next->prev = s->prev;
    s->prev = s->next = NULL;
}

static void join_queue(struct sc_socket *s, enum sc_socket_state kind)
{
    struct sc_socket_queue *q = &s->sockets->queues[kind];
    s->queue = kind;
    s->since_ms = sc_clock_mono_ms();
    s->prev = q->last;
    if (q->last == NULL)
        q->first = s;
    else
        q->last->next = s;
    q->last = s;
}

static void move_to(struct sc_socket *s, enum sc_socket_state kind)
{
    leave_queue(s);
    join_queue(s, kind);
}

static int64_t patience_ms(const struct sc_sockets *all, enum sc_socket_state kind)
{
    switch (kind) {
    case SC_SOCKET_QUIET:
        return all->ping_ms;
    case SC_SOCKET_ASKED:
        return all->pong_ms;
    case SC_SOCKET_CLOSING:
        return CLOSE_MS;
    case SC_SOCKET_ENDED:
        return LINGER_MS;
    case SC_SOCKET_NONE:
    case SC_SOCKET_STATES:
        break;
    }
    return 0;
}

/* ---- one socket ---- */

static bool is_alive(const struct sc_socket *s)
{
    return s->queue == SC_SOCKET_QUIET || s->queue == SC_SOCKET_ASKED;
}

void sc_socket_free(struct sc_socket *s)
{
    if (s == NULL)
        return;
    atomic_fetch_sub(&s->sockets->open, 1);
    s->ops->closed(s->ctx);
    sc_ws_free(s->ws);
    sc_buf_done(&s->early);
    sc_buf_done(&s->out);
    free(s);
}

void sc_socket_close_fd(struct sc_socket *s)
{
    if (s->tls != NULL) {
        /* It does not always see by itself that both ends are done with. */
        (void)shutdown(s->far_fd, SHUT_RDWR);
        (void)MHD_upgrade_action(s->tls, MHD_UPGRADE_ACTION_CLOSE);
    } else {
        (void)close(s->fd);
    }
    s->tls = NULL;
    s->fd = -1;
}

/* Its memory stays until the end of the round: an event of it may still be to come. */
static void drop(struct sc_socket *s)
{
    if (s->queue == SC_SOCKET_NONE)
        return;
    (void)epoll_ctl(s->sockets->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
    if (s->far_fd >= 0)
        (void)epoll_ctl(s->sockets->epoll_fd, EPOLL_CTL_DEL, s->far_fd, NULL);
    sc_socket_close_fd(s);
    move_to(s, SC_SOCKET_NONE);
    s->sockets->served--;
    SC_COUNT(sockets_open, 0, -1);
}

/* Reads only what it can answer: a client that does not take answers is not listened to. */
static void set_interest(struct sc_socket *s)
{
    uint32_t wanted = s->out.len > 0 ? EPOLLOUT : EPOLLIN;
    struct epoll_event event = { .events = wanted, .data.ptr = s };
    if (wanted == s->interest)
        return;
    s->interest = wanted;
    if (epoll_ctl(s->sockets->epoll_fd, EPOLL_CTL_MOD, s->fd, &event) != 0)
        drop(s);
}

/* The socket is heard of: its client lives. */
static void note_life(struct sc_socket *s)
{
    if (is_alive(s))
        move_to(s, SC_SOCKET_QUIET);
}

/* Sends what the connection takes; false: it is lost. */
static bool send_some(struct sc_socket *s)
{
    size_t sent = 0;
    while (sent < s->out.len) {
        ssize_t n = send(s->fd, s->out.ptr + sent, s->out.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            sent += (size_t)n;
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        else
            return false;
    }
    if (sent == s->out.len)
        sc_buf_done(&s->out); /* thousands are idle: none keeps room for what it once said */
    else
        sc_buf_consume(&s->out, sent);
    return true;
}

static void flush(struct sc_socket *s)
{
    if (s->queue == SC_SOCKET_NONE)
        return;
    if (s->out.failed || !send_some(s)) {
        drop(s);
        return;
    }
    if (s->out.len == 0 && s->queue == SC_SOCKET_CLOSING && sc_ws_is_over(s->ws)) {
        /* With TLS libmicrohttpd passes on what is left while its end is whole. */
        if (s->tls == NULL)
            (void)shutdown(s->fd, SHUT_WR);
        move_to(s, SC_SOCKET_ENDED);
    }
    set_interest(s);
}

static void mark_dirty(struct sc_socket *s)
{
    struct sc_sockets *all = s->sockets;
    if (s->flushing)
        return;
    s->flushing = true;
    s->next_dirty = all->dirty;
    all->dirty = s;
}

/* Puts the closing into what is to be sent, if one was asked for or made by the protocol. */
static void settle(struct sc_socket *s)
{
    if (s->close_code != 0)
        sc_ws_close(s->ws, s->close_code, s->close_reason, &s->out);
    if (is_alive(s) && sc_ws_is_closing(s->ws))
        move_to(s, SC_SOCKET_CLOSING);
    if (s->out.len > 0 || s->queue == SC_SOCKET_CLOSING)
        mark_dirty(s);
}

static void feed(struct sc_socket *s, struct sc_str bytes)
{
    s->feeding = true;
    bool ok = sc_ws_feed(s->ws, bytes, &s->out);
    s->feeding = false;
    if (!ok)
        drop(s);
    else
        settle(s);
}

void sc_socket_take_message(void *ctx, struct sc_str payload, bool text)
{
    struct sc_socket *s = ctx;
    if (s->close_code == 0)
        s->ops->message(s, s->ctx, payload, text);
}

static void read_some(struct sc_socket *s)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        drop(s);
        return;
    }
    note_life(s);
    if (s->queue != SC_SOCKET_ENDED)
        feed(s, (struct sc_str){ bytes, (size_t)n });
}

/* ---- for its owner ---- */

void sc_socket_send(struct sc_socket *s, struct sc_str frame)
{
    if (!is_alive(s) || s->close_code != 0 || sc_ws_is_closing(s->ws))
        return;
    sc_buf_put_str(&s->out, frame);
    if (s->out.len >= FLUSH_BYTES && !s->feeding)
        flush(s);
    else
        mark_dirty(s);
}

bool sc_socket_has_room(const struct sc_socket *s, size_t len)
{
    return s->out.len + len <= SC_SOCKET_OUT_BYTES;
}

void sc_socket_when_drained(struct sc_socket *s)
{
    s->tell_drained = true;
    mark_dirty(s);
}

void sc_socket_close(struct sc_socket *s, enum sc_ws_close code, const char *reason)
{
    if (!is_alive(s) || s->close_code != 0)
        return;
    s->close_code = code;
    (void)snprintf(s->close_reason, sizeof(s->close_reason), "%s", reason);
    if (!s->feeding)
        settle(s);
}

/* ---- the thread ---- */

static void open_socket(struct sc_socket *s)
{
    struct sc_sockets *all = s->sockets;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
    s->interest = EPOLLIN;
    join_queue(s, SC_SOCKET_QUIET);
    all->served++;
    SC_COUNT(sockets_open, 0, 1);
    /* libmicrohttpd does not tell us of a client that leaves without a word. */
    struct epoll_event far = { .events = EPOLLRDHUP | EPOLLET, .data.ptr = s };
    if (epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, s->fd, &event) != 0 ||
        (s->far_fd >= 0 && epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, s->far_fd, &far) != 0)) {
        drop(s);
        return;
    }
    s->ops->opened(s, s->ctx);
    if (s->early.len > 0)
        feed(s, sc_buf_str(&s->early));
    sc_buf_done(&s->early);
}

static void take_event(struct sc_socket *s, uint32_t events)
{
    if (s->queue == SC_SOCKET_NONE)
        return;
    if ((events & EPOLLRDHUP) != 0) { /* asked for of the far end alone */
        drop(s);
        return;
    }
    if ((events & EPOLLOUT) == 0) {
        read_some(s); /* an error or a hang-up shows itself there */
        return;
    }
    note_life(s); /* it took what was sent before */
    mark_dirty(s);
}

/* Sends what there is, and tells whoever waits for that. What is sent then
 * waits for the next round: somebody who reads fast must not keep the others waiting. */
static void flush_dirty(struct sc_sockets *all)
{
    struct sc_socket *next = SC_TAKE(all->dirty);
    while (next != NULL) {
        struct sc_socket *s = next;
        next = s->next_dirty;
        s->flushing = false;
        flush(s);
        if (s->tell_drained && s->out.len == 0 && is_alive(s)) {
            s->tell_drained = false;
            s->ops->drained(s, s->ctx);
        }
    }
}

static void take_deadline(struct sc_socket *s)
{
    switch (s->queue) {
    case SC_SOCKET_QUIET:
        move_to(s, SC_SOCKET_ASKED);
        if (s->out.len == 0) { /* else the connection itself is asked: does it take anything? */
            sc_ws_frame(&s->out, SC_WS_PING, SC_STR(""));
            mark_dirty(s);
        }
        return;
    case SC_SOCKET_ASKED:
    case SC_SOCKET_CLOSING:
    case SC_SOCKET_ENDED:
        drop(s);
        return;
    case SC_SOCKET_NONE:
    case SC_SOCKET_STATES:
        return;
    }
}

/* Returns the next deadline. */
static int64_t take_deadlines(struct sc_sockets *all)
{
    int64_t next_ms = INT64_MAX;
    for (int kind = 0; kind < SC_SOCKET_NONE; kind++) {
        int64_t patience = patience_ms(all, (enum sc_socket_state)kind);
        int64_t now_ms = sc_clock_mono_ms();
        struct sc_socket *s;
        while ((s = all->queues[kind].first) != NULL && s->since_ms + patience <= now_ms)
            take_deadline(s);
        if (s != NULL)
            next_ms = SC_MIN(next_ms, s->since_ms + patience);
    }
    return next_ms;
}

static void close_all(struct sc_sockets *all)
{
    for (int kind = SC_SOCKET_QUIET; kind <= SC_SOCKET_ASKED; kind++) {
        while (all->queues[kind].first != NULL) {
            struct sc_socket *s = all->queues[kind].first;
            s->close_code = 0;
            sc_socket_close(s, SC_WS_GOING_AWAY, "the server is stopping");
            if (is_alive(s)) /* it could not be told */
                drop(s);
        }
    }
}

static void free_gone(struct sc_sockets *all)
{
    struct sc_socket_queue *gone = &all->queues[SC_SOCKET_NONE];
    for (struct sc_socket *s = gone->first, *next = NULL; s != NULL; s = next) {
        next = s->next;
        sc_socket_free(s);
    }
    *gone = (struct sc_socket_queue){ 0 };
}

/* What other threads want. False: the thread ends. */
static bool take_mail(struct sc_sockets *all)
{
    struct sc_socket *arrived;
    int64_t stop_ms;
    {
        SC_LOCK(&all->lock);
        arrived = SC_TAKE(all->arrived);
        all->round_due = all->round_due || all->woken;
        all->woken = false;
        all->ending = all->stopping;
        stop_ms = all->stop_ms;
    }
    while (arrived != NULL) {
        struct sc_socket *s = arrived;
        arrived = s->next;
        s->next = NULL;
        open_socket(s);
    }
    if (all->ending)
        close_all(all);
    return !all->ending || (all->served > 0 && sc_clock_mono_ms() < stop_ms);
}

static int timeout_of(const struct sc_sockets *all)
{
    int64_t nap_ms = all->http->options.nap_ms > 0 ? all->http->options.nap_ms : NAP_MS;
    if (all->dirty != NULL)
        return 0;
    if (all->ending)
        nap_ms = SC_MIN(nap_ms, STOP_NAP_MS);
    int64_t next_ms = SC_MIN(all->next_ms, all->round_ms);
    return (int)SC_MAX(0, SC_MIN(next_ms - sc_clock_mono_ms(), nap_ms));
}

static void take_events(struct sc_sockets *all)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(all->epoll_fd, events, EVENTS, timeout_of(all));
    for (int i = 0; i < n; i++) {
        uint64_t count;
        if (events[i].data.ptr == NULL)
            (void)!read(all->wake_fd, &count, sizeof(count));
        else
            take_event(events[i].data.ptr, events[i].events);
    }
}

static bool round_once(struct sc_sockets *all)
{
    const struct sc_http_options *o = &all->http->options;
    take_events(all);
    bool more = take_mail(all);
    if (o->sockets_round != NULL && (all->round_due || sc_clock_mono_ms() >= all->round_ms)) {
        all->round_due = false;
        all->round_ms = o->sockets_round(o->app);
    }
    all->next_ms = take_deadlines(all);
    flush_dirty(all);
    free_gone(all);
    return more;
}

static void *sockets_main(void *ctx)
{
    struct sc_sockets *all = ctx;
    (void)pthread_setname_np(pthread_self(), "http-sockets");
    while (round_once(all))
        ;
    for (int kind = 0; kind < SC_SOCKET_NONE; kind++) {
        while (all->queues[kind].first != NULL)
            drop(all->queues[kind].first);
    }
    free_gone(all);
    return NULL;
}

bool sc_sockets_start(struct sc_sockets *all, struct sc_http *http)
{
    const struct sc_http_options *o = &http->options;
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
    all->http = http;
    all->ping_ms = o->ping_ms > 0 ? o->ping_ms : PING_MS;
    all->pong_ms = o->pong_ms > 0 ? o->pong_ms : PING_MS;
    all->next_ms = all->round_ms = INT64_MAX;
    all->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sc_assert(pthread_mutex_init(&all->lock, NULL) == 0);
    all->made = true;
    if (all->epoll_fd < 0 || all->wake_fd < 0 ||
        epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, all->wake_fd, &event) != 0)
        return false;
    int error = pthread_create(&all->thread, NULL, sockets_main, all);
    all->started = error == 0;
    errno = error;
    return all->started;
}

void sc_sockets_stop(struct sc_sockets *all, int64_t deadline_ms)
{
    if (!all->started)
        return;
    {
        SC_LOCK(&all->lock);
        all->stopping = true;
        all->stop_ms = SC_MIN(deadline_ms, sc_clock_mono_ms() + STOP_MS);
    }
    poke(all);
    (void)pthread_join(all->thread, NULL);
    all->started = false;
}

void sc_sockets_done(struct sc_sockets *all)
{
    if (!all->made)
        return;
    sc_assert(!all->started);
    sc_closep(&all->epoll_fd);
    sc_closep(&all->wake_fd);
    (void)pthread_mutex_destroy(&all->lock);
    all->made = false;
}

void sc_sockets_wake(struct sc_sockets *all)
{
    {
        SC_LOCK(&all->lock);
        if (all->woken)
            return;
        all->woken = true;
    }
    poke(all);
}

struct sc_sockets *sc_request_sockets(struct sc_request *req)
{
    return &req->http->sockets;
}

bool sc_socket_hand_over(struct sc_socket *s)
{
    struct sc_sockets *all = s->sockets;
    {
        SC_LOCK(&all->lock);
        if (all->stopping)
            return false;
        s->next = all->arrived;
        all->arrived = s;
    }
    poke(all);
    return true;
}
