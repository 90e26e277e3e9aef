/* One thread watches all who wait: a suspended connection is out of libmicrohttpd's sight, so that
 * nobody else would notice its client leaving or its time ending. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/banned.h"

#define EVENTS 64
/* The longest sleep: the clock may be another than the kernel's (tests), or may have jumped. */
#define NAP_MS 1000
#define WAKE_TOKEN UINT64_MAX

static void poke(struct sc_park *park)
{
    uint64_t one = 1;
    ssize_t n;
    do {
        n = write(park->wake_fd, &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

/* ---- slots; park->lock is held ---- */

static int slot_take_locked(struct sc_park *park, int fd, int64_t deadline_ms)
{
    int slot = park->first_free;
    if (slot >= 0) {
        park->first_free = park->slots[slot].next_free;
    } else {
        void *p = park->slots;
        if (!sc_try_grow(&p, &park->slot_cap, (size_t)park->slot_count + 1, sizeof(*park->slots)))
            return -1;
        park->slots = p;
        slot = park->slot_count++;
        park->slots[slot] = (struct sc_watch){ 0 };
    }
    struct sc_watch *w = &park->slots[slot];
    w->fd = fd;
    w->generation++;
    w->deadline_ms = deadline_ms;
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT,
                                 .data.u64 = (uint64_t)w->generation << 32 | (uint32_t)slot };
    /* Without a watch the deadline still ends the wait. */
    (void)epoll_ctl(park->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    if (deadline_ms < park->next_ms) {
        park->next_ms = deadline_ms;
        poke(park);
    }
    return slot;
}

static void slot_free_locked(struct sc_park *park, int slot)
{
    struct sc_watch *w = &park->slots[slot];
    (void)epoll_ctl(park->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    w->req = NULL;
    w->stream = NULL;
    w->next_free = park->first_free;
    park->first_free = slot;
}

/* ---- requests ---- */

static void queue_again_locked(struct sc_park *park, struct sc_request *req)
{
    if (req->slot >= 0)
        slot_free_locked(park, req->slot);
    req->slot = -1;
    req->wait = SC_WAIT_QUEUED;
    req->pending = false;
    req->rerun = true;
    req->handler = req->later.again;
    sc_pool_push(&park->http->pool, req);
}

static void mark_gone_locked(struct sc_park *park, struct sc_request *req)
{
    if (req->slot >= 0)
        slot_free_locked(park, req->slot);
    req->slot = -1;
    req->wait = SC_WAIT_GONE;
}

/* Outside the lock: `gone` takes the caller's. */
static void finish_gone(struct sc_request *req, bool stopping)
{
    if (req->later.gone != NULL)
        req->later.gone(req->later.ctx);
    if (stopping) {
        struct sc_error err = { 0 };
        (void)sc_error_set(&err, SC_E_SHUTTING_DOWN, "the server is stopping");
        (void)sc_reply_error(req, &err);
    } else {
        req->drop = true;
    }
    sc_request_release(req);
}

void sc_park_running(struct sc_park *park, struct sc_request *req)
{
    if (!req->rerun)
        return; /* nobody can resume what has never been parked but itself: no lock for it */
    SC_LOCK(&park->lock);
    req->wait = SC_WAIT_RUNNING;
}

static int connection_fd(struct MHD_Connection *conn)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info == NULL ? -1 : info->connect_fd;
}

void sc_park_add(struct sc_park *park, struct sc_request *req)
{
    {
        SC_LOCK(&park->lock);
        if (!park->stopping) {
            if (!req->pending) {
                req->slot =
                    slot_take_locked(park, connection_fd(req->conn), req->later.deadline_ms);
                if (req->slot >= 0) {
                    park->slots[req->slot].req = req;
                    req->wait = SC_WAIT_PARKED;
                    return;
                }
            }
            queue_again_locked(park, req);
            return;
        }
        mark_gone_locked(park, req);
    }
    finish_gone(req, true);
}

bool sc_request_resume(struct sc_request *req)
{
    struct sc_park *park = &req->http->park;
    SC_LOCK(&park->lock);
    switch (req->wait) {
    case SC_WAIT_RUNNING:
        /* Before its first parking the wake-up counts: it will run again at once. In a run of
         * `again` it may have looked already, so another waiter should be woken too. */
        req->pending = true;
        return !req->rerun;
    case SC_WAIT_PARKED:
        queue_again_locked(park, req);
        return true;
    case SC_WAIT_QUEUED:
    case SC_WAIT_GONE:
        break;
    }
    return false;
}

/* ---- streams ---- */

int sc_park_add_stream(struct sc_park *park, struct sc_stream *stream, int fd)
{
    SC_LOCK(&park->lock);
    if (park->stopping)
        return -1;
    int slot = slot_take_locked(park, fd, sc_clock_mono_ms() + SC_STREAM_COMMENT_MS);
    if (slot >= 0)
        park->slots[slot].stream = stream;
    return slot;
}

void sc_park_remove_stream(struct sc_park *park, int slot)
{
    SC_LOCK(&park->lock);
    slot_free_locked(park, slot);
}

/* ---- the thread ---- */

/* An event of a socket. Returns the request whose client has gone, for finish_gone(). */
static struct sc_request *take_event_locked(struct sc_park *park, uint64_t token)
{
    uint32_t slot = (uint32_t)token;
    if (slot >= (uint32_t)park->slot_count)
        return NULL;
    struct sc_watch *w = &park->slots[slot];
    if (w->generation != (uint32_t)(token >> 32))
        return NULL;
    if (w->stream != NULL)
        sc_stream_end_locked(w->stream, true);
    struct sc_request *req = w->req;
    if (req != NULL)
        mark_gone_locked(park, req);
    return req;
}

static void take_deadlines_locked(struct sc_park *park, int64_t now_ms)
{
    park->next_ms = INT64_MAX;
    for (int i = 0; i < park->slot_count; i++) {
        struct sc_watch *w = &park->slots[i];
        if (w->req == NULL && w->stream == NULL)
            continue;
        if (w->deadline_ms <= now_ms && w->req != NULL) {
            queue_again_locked(park, w->req);
            continue;
        }
        if (w->deadline_ms <= now_ms) {
            w->deadline_ms = now_ms + SC_STREAM_COMMENT_MS;
            sc_stream_comment_locked(w->stream);
        }
        park->next_ms = SC_MIN(park->next_ms, w->deadline_ms);
    }
}

static int next_timeout(struct sc_park *park)
{
    SC_LOCK(&park->lock);
    int64_t left = park->next_ms - sc_clock_mono_ms();
    return (int)SC_MAX(0, SC_MIN(left, NAP_MS));
}

/* One round; false: the thread ends. */
static bool round_once(struct sc_park *park)
{
    struct epoll_event events[EVENTS];
    struct sc_request *gone[EVENTS];
    size_t gone_count = 0;

    int n = epoll_wait(park->epoll_fd, events, EVENTS, next_timeout(park));
    {
        SC_LOCK(&park->lock);
        if (park->stop)
            return false;
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == WAKE_TOKEN) {
                uint64_t count;
                (void)!read(park->wake_fd, &count, sizeof(count));
                continue;
            }
            struct sc_request *req = take_event_locked(park, events[i].data.u64);
            if (req != NULL)
                gone[gone_count++] = req;
        }
        int64_t now_ms = sc_clock_mono_ms();
        if (now_ms >= park->next_ms)
            take_deadlines_locked(park, now_ms);
    }
    for (size_t i = 0; i < gone_count; i++)
        finish_gone(gone[i], false);
    return true;
}

static void *park_main(void *ctx)
{
    (void)pthread_setname_np(pthread_self(), "http-park");
    while (round_once(ctx))
        ;
    return NULL;
}

bool sc_park_start(struct sc_park *park, struct sc_http *http)
{
    park->http = http;
    park->first_free = -1;
    park->next_ms = INT64_MAX;
    park->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    park->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_TOKEN };
    sc_assert(pthread_mutex_init(&park->lock, NULL) == 0);
    park->started = true;
    int error = 0;
    if (park->epoll_fd < 0 || park->wake_fd < 0 ||
        epoll_ctl(park->epoll_fd, EPOLL_CTL_ADD, park->wake_fd, &event) != 0)
        error = errno;
    else
        error = pthread_create(&park->thread, NULL, park_main, park);
    if (error == 0)
        return true;
    park->started = false;
    (void)pthread_mutex_destroy(&park->lock);
    if (park->epoll_fd >= 0)
        (void)close(park->epoll_fd);
    if (park->wake_fd >= 0)
        (void)close(park->wake_fd);
    errno = error;
    return false;
}

void sc_park_close(struct sc_park *park)
{
    struct sc_request *first = NULL;
    {
        SC_LOCK(&park->lock);
        park->stopping = true;
        for (int i = 0; i < park->slot_count; i++) {
            struct sc_watch *w = &park->slots[i];
            struct sc_request *req = w->req;
            if (w->stream != NULL)
                sc_stream_end_locked(w->stream, false);
            if (req == NULL)
                continue;
            mark_gone_locked(park, req);
            req->next = first;
            first = req;
        }
    }
    while (first != NULL) {
        struct sc_request *req = first;
        first = req->next;
        finish_gone(req, true);
    }
}

void sc_park_stop(struct sc_park *park)
{
    {
        SC_LOCK(&park->lock);
        park->stop = true;
    }
    poke(park);
    (void)pthread_join(park->thread, NULL);
    park->started = false;
    (void)close(park->epoll_fd);
    (void)close(park->wake_fd);
    free(SC_TAKE(park->slots));
    (void)pthread_mutex_destroy(&park->lock);
}
