/* One thread watches all connections. A suspended one is out of libmicrohttpd's sight, so that
 * nobody else would notice its client leaving or its time ending; of the others it misses some
 * endings, and has no limit for headers that drip in. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/banned.h"

#define EVENTS 64
#define NAP_MS 60000
/* Until a connection that was shut down is looked at again. */
#define LOOK_AGAIN_MS 1000
/* From a client's hanging up to our help, if the server has not noticed by itself. */
#define NUDGE_MS 50
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

static void set_deadline_locked(struct sc_park *park, struct sc_watch *w, int64_t deadline_ms)
{
    w->deadline_ms = deadline_ms;
    if (deadline_ms < park->next_ms) {
        park->next_ms = deadline_ms;
        poke(park);
    }
}

static struct sc_watch *slot_new_locked(struct sc_park *park)
{
    if (park->first_free >= 0) {
        struct sc_watch *w = &park->slots[park->first_free];
        park->first_free = w->next_free;
        return w;
    }
    void *p = park->slots;
    if (!sc_try_grow(&p, &park->slot_cap, (size_t)park->slot_count + 1, sizeof(*park->slots)))
        return NULL;
    park->slots = p;
    struct sc_watch *w = &park->slots[park->slot_count++];
    *w = (struct sc_watch){ 0 };
    return w;
}

static void slot_free_locked(struct sc_park *park, struct sc_watch *w)
{
    w->used = false;
    w->next_free = park->first_free;
    park->first_free = (int)(w - park->slots);
}

int sc_park_watch(struct sc_park *park, int fd)
{
    SC_LOCK(&park->lock);
    struct sc_watch *w = slot_new_locked(park);
    if (w == NULL)
        return -1;
    int slot = (int)(w - park->slots);
    *w = (struct sc_watch){ .used = true, .fd = fd, .generation = w->generation + 1 };
    struct epoll_event event = { .events = EPOLLRDHUP | EPOLLET,
                                 .data.u64 = (uint64_t)w->generation << 32 | (uint32_t)slot };
    if (epoll_ctl(park->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        slot_free_locked(park, w);
        return -1;
    }
    set_deadline_locked(park, w, sc_clock_mono_ms() + SC_HTTP_HEADER_MS);
    return slot;
}

void sc_park_unwatch(struct sc_park *park, int slot)
{
    if (slot < 0)
        return;
    SC_LOCK(&park->lock);
    struct sc_watch *w = &park->slots[slot];
    sc_assert(w->used && w->req == NULL && w->stream == NULL);
    (void)epoll_ctl(park->epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
    slot_free_locked(park, w);
}

void sc_park_busy(struct sc_park *park, int slot)
{
    if (slot < 0)
        return;
    SC_LOCK(&park->lock);
    struct sc_watch *w = &park->slots[slot];
    w->busy = true;
    if (!w->hung_up)
        w->deadline_ms = INT64_MAX;
}

void sc_park_idle(struct sc_park *park, int slot, int64_t idle_ms)
{
    if (slot < 0)
        return;
    SC_LOCK(&park->lock);
    struct sc_watch *w = &park->slots[slot];
    w->busy = false;
    set_deadline_locked(park, w,
                        sc_clock_mono_ms() + (w->hung_up ? NUDGE_MS : idle_ms + SC_HTTP_HEADER_MS));
}

/* ---- requests ---- */

/* The request waits no longer, wherever its watch stands. */
static void detach_locked(struct sc_park *park, struct sc_request *req)
{
    if (req->slot < 0)
        return;
    park->slots[req->slot].req = NULL;
    park->slots[req->slot].deadline_ms = INT64_MAX;
}

static void queue_again_locked(struct sc_park *park, struct sc_request *req)
{
    detach_locked(park, req);
    req->wait = SC_WAIT_QUEUED;
    req->pending = false;
    req->rerun = true;
    req->handler = req->later.again;
    sc_pool_push(&park->http->pool, req);
}

static void mark_gone_locked(struct sc_park *park, struct sc_request *req)
{
    detach_locked(park, req);
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

void sc_park_add(struct sc_park *park, struct sc_request *req)
{
    bool refused;
    {
        SC_LOCK(&park->lock);
        refused = park->stopping || req->slot < 0;
        if (!refused && req->pending) {
            queue_again_locked(park, req);
            return;
        }
        if (!refused && !park->slots[req->slot].hung_up) {
            struct sc_watch *w = &park->slots[req->slot];
            w->req = req;
            req->wait = SC_WAIT_PARKED;
            set_deadline_locked(park, w, req->later.deadline_ms);
            return;
        }
        mark_gone_locked(park, req);
    }
    finish_gone(req, refused);
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

bool sc_park_add_stream(struct sc_park *park, struct sc_stream *stream, int slot)
{
    SC_LOCK(&park->lock);
    if (park->stopping || slot < 0 || park->slots[slot].hung_up)
        return false;
    park->slots[slot].stream = stream;
    set_deadline_locked(park, &park->slots[slot], sc_clock_mono_ms() + SC_STREAM_COMMENT_MS);
    return true;
}

void sc_park_remove_stream(struct sc_park *park, int slot)
{
    if (slot < 0)
        return;
    SC_LOCK(&park->lock);
    park->slots[slot].stream = NULL;
    park->slots[slot].deadline_ms = INT64_MAX;
}

/* ---- the thread ---- */

/* An event of a socket: the client sends no more, or has gone. Returns the parked request to give
 * up, for finish_gone(). */
static struct sc_request *take_event_locked(struct sc_park *park, uint64_t token, int64_t now_ms)
{
    uint32_t slot = (uint32_t)token;
    if (slot >= (uint32_t)park->slot_count)
        return NULL;
    struct sc_watch *w = &park->slots[slot];
    if (!w->used || w->generation != (uint32_t)(token >> 32))
        return NULL;
    w->hung_up = true;
    if (w->stream != NULL)
        sc_stream_end_locked(w->stream, true);
    struct sc_request *req = w->req;
    if (req != NULL)
        mark_gone_locked(park, req);
    set_deadline_locked(park, w, now_ms + NUDGE_MS);
    return req;
}

static void take_deadline_locked(struct sc_park *park, struct sc_watch *w, int64_t now_ms)
{
    if (w->req != NULL) {
        queue_again_locked(park, w->req);
    } else if (w->hung_up) {
        /* libmicrohttpd misses the end of a connection that comes together with bytes: it takes a
         * short read for the last of an edge. A fresh edge shows it. */
        (void)shutdown(w->fd, SHUT_RD);
        w->deadline_ms = now_ms + LOOK_AGAIN_MS;
    } else if (w->stream != NULL) {
        sc_stream_comment_locked(w->stream);
        w->deadline_ms = now_ms + SC_STREAM_COMMENT_MS;
    } else if (!w->busy) {
        (void)shutdown(w->fd, SHUT_RDWR); /* no headers in time */
        w->deadline_ms = now_ms + LOOK_AGAIN_MS;
    } else {
        w->deadline_ms = INT64_MAX;
    }
}

static void take_deadlines_locked(struct sc_park *park, int64_t now_ms)
{
    park->next_ms = INT64_MAX;
    for (int i = 0; i < park->slot_count; i++) {
        struct sc_watch *w = &park->slots[i];
        if (!w->used)
            continue;
        if (w->deadline_ms <= now_ms)
            take_deadline_locked(park, w, now_ms);
        park->next_ms = SC_MIN(park->next_ms, w->deadline_ms);
    }
}

static int next_timeout(struct sc_park *park)
{
    SC_LOCK(&park->lock);
    int nap_ms = park->http->options.nap_ms;
    int64_t left = park->next_ms - sc_clock_mono_ms();
    return (int)SC_MAX(0, SC_MIN(left, nap_ms > 0 ? nap_ms : NAP_MS));
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
        int64_t now_ms = sc_clock_mono_ms();
        for (int i = 0; i < n; i++) {
            if (events[i].data.u64 == WAKE_TOKEN) {
                uint64_t count;
                (void)!read(park->wake_fd, &count, sizeof(count));
                continue;
            }
            struct sc_request *req = take_event_locked(park, events[i].data.u64, now_ms);
            if (req != NULL)
                gone[gone_count++] = req;
        }
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
