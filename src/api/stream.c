#include "api/stream.h"

#include "base/alloc.h"
#include "base/clock.h"

#include "base/banned.h"

#define LOOK_AGAIN_MS 1000

struct sc_api_stream {
    struct sc_api *api;
    const struct sc_api_stream_ops *ops;
    void *ctx;
    int64_t token_id;   /* 0: opened without */
    int64_t expires_ms; /* wall time at which that ends; 0: never */
    /* NULL until it has been opened, though a wake may come then already. */
    struct sc_subscriber *_Atomic subscriber;

    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct sc_stream *stream; /* NULL before it is known and after the end */
    bool pending;             /* a wake-up came before the stream was known */
    bool closed;
    int refs; /* the stream's and, until it has been handed over, the handler's */

    /* -- protected by api->lock -- */
    struct sc_api_stream *prev, *next;
};

static void free_stream(struct sc_api_stream *s)
{
    (void)pthread_mutex_destroy(&s->lock);
    s->ops->done(s->ctx);
    free(s);
}

static void unref(struct sc_api_stream *s)
{
    bool last;
    {
        SC_LOCK(&s->lock);
        last = --s->refs == 0;
    }
    if (last)
        free_stream(s);
}

void sc_api_stream_wake(struct sc_api_stream *s)
{
    SC_LOCK(&s->lock);
    if (s->stream != NULL)
        sc_stream_wake(s->stream);
    else
        s->pending = true;
}

/* What comes before the subscriber is known is left in its ring: `next` is asked first anyway. */
static void on_events(void *ctx)
{
    struct sc_api_stream *s = ctx;
    struct sc_subscriber *ring = atomic_load(&s->subscriber);
    struct sc_event event;
    bool wanted = s->ops->wants == NULL;
    while (s->ops->wants != NULL && ring != NULL && sc_subscriber_next(ring, &event))
        wanted = wanted || event.kind == SC_EVENT_GAP || s->ops->wants(&event);
    if (wanted)
        sc_api_stream_wake(s);
}

void sc_api_streams_wake(struct sc_api *api)
{
    SC_LOCK(&api->lock);
    for (struct sc_api_stream *s = api->streams; s != NULL; s = s->next)
        sc_api_stream_wake(s);
    sc_push_wake(api->push);
}

/* Each asks by itself whether its token lives, which depends on a clock that may be set back: those
 * that are still there are asked again. */
int64_t sc_api_streams_look(struct sc_api *api)
{
    int64_t now = sc_clock_wall_ms(), next = 0;
    SC_LOCK(&api->lock);
    if (api->streams_look_ms == 0 || api->streams_look_ms > now)
        return api->streams_look_ms;
    for (struct sc_api_stream *s = api->streams; s != NULL; s = s->next) {
        if (s->expires_ms == 0)
            continue;
        if (s->expires_ms <= now)
            sc_api_stream_wake(s);
        int64_t look = SC_MAX(s->expires_ms, now + LOOK_AGAIN_MS);
        next = next == 0 ? look : SC_MIN(next, look);
    }
    api->streams_look_ms = next;
    return next;
}

bool sc_api_stream_lives(const struct sc_api_stream *s)
{
    return !atomic_load(&s->api->stopping) && sc_api_token_lives(s->api, s->token_id);
}

struct sc_subscriber *sc_api_stream_ring(struct sc_api_stream *s)
{
    return atomic_load(&s->subscriber);
}

static void link_stream(struct sc_api_stream *s)
{
    struct sc_api *api = s->api;
    SC_LOCK(&api->lock);
    s->next = api->streams;
    if (s->next != NULL)
        s->next->prev = s;
    api->streams = s;
    if (s->expires_ms > 0 && (api->streams_look_ms == 0 || s->expires_ms < api->streams_look_ms))
        api->streams_look_ms = s->expires_ms;
}

static void unlink_stream(struct sc_api_stream *s)
{
    SC_LOCK(&s->api->lock);
    if (s->prev == NULL)
        s->api->streams = s->next;
    else
        s->prev->next = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
}

static void stream_closed(void *ctx)
{
    struct sc_api_stream *s = ctx;
    unlink_stream(s);
    {
        SC_LOCK(&s->lock);
        s->stream = NULL;
        s->closed = true;
    }
    sc_subscriber_close(atomic_load(&s->subscriber)); /* no wake-up comes after it */
    sc_api_count(s->api, -1);
    unref(s);
}

/* The stream may have ended by now: its own reference is gone then, ours is not. */
static void hand_over(struct sc_api_stream *s, struct sc_stream *stream)
{
    {
        SC_LOCK(&s->lock);
        if (!s->closed) {
            s->stream = stream;
            if (s->pending)
                sc_stream_wake(stream);
        }
    }
    unref(s);
}

static bool next_bytes(void *ctx, struct sc_buf *out)
{
    struct sc_api_stream *s = ctx;
    return s->ops->next(s, s->ctx, out);
}

struct sc_api_stream *sc_api_stream_open(struct sc_request *req, struct sc_api *api, int64_t job,
                                         size_t ring, const struct sc_api_stream_ops *ops,
                                         void *ctx)
{
    const struct sc_principal *who = sc_request_principal(req);
    struct sc_api_stream *s = sc_alloc(sizeof(*s));
    *s = (struct sc_api_stream){
        .api = api,
        .ops = ops,
        .ctx = ctx,
        .token_id = who->token_id,
        .expires_ms = who->token_id == 0 ? 0 : who->expires_ms,
        .refs = 2,
    };
    sc_assert(pthread_mutex_init(&s->lock, NULL) == 0);
    atomic_store(&s->subscriber,
                 sc_subscriber_open(api->options.hub, who->owner_id, job, ring, on_events, s));
    return s;
}

struct sc_done *sc_api_stream_reply(struct sc_request *req, struct sc_api_stream *s)
{
    struct sc_stream *stream = NULL;
    link_stream(s);
    if (s->expires_ms > 0)
        sc_push_look_at_streams(s->api->push, req);
    sc_api_count(s->api, 1);
    sc_reply_header(req, "Cache-Control", "no-store");
    struct sc_done *done = sc_reply_stream(req, "text/event-stream; charset=utf-8", next_bytes,
                                           stream_closed, s, &stream);
    hand_over(s, stream);
    return done;
}
