/* GET /api/events: server-sent events. The subscription is opened first, then the log is read from
 * the cursor on, then the ring; what stands in both is told apart by its id, which grows with every
 * commit. A ring that overflowed is no loss: the log is read again from the last id sent. */

#include "api/api-internal.h"

#include "base/alloc.h"

#include "base/banned.h"

#define RING 256
#define PAGE 100 /* rows read from the log at a time */

struct sc_api_stream {
    struct sc_api *api;
    int64_t owner_id, job; /* job 0: all of the owner's */
    int64_t token_id;      /* 0: opened without */
    struct sc_subscriber *subscriber;

    /* the thread's that runs `next` */
    int64_t last_id; /* sent, or known to the client */
    bool replaying;  /* the log may hold more than was sent */
    bool ended;

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

static void wake(void *ctx)
{
    struct sc_api_stream *s = ctx;
    SC_LOCK(&s->lock);
    if (s->stream != NULL)
        sc_stream_wake(s->stream);
    else
        s->pending = true;
}

void sc_api_streams_wake(struct sc_api *api)
{
    SC_LOCK(&api->lock);
    for (struct sc_api_stream *s = api->streams; s != NULL; s = s->next)
        wake(s);
}

static bool is_terminal(enum sc_event_kind kind)
{
    return kind == SC_EVENT_JOB_COMPLETED || kind == SC_EVENT_JOB_FAILED ||
           kind == SC_EVENT_JOB_CANCELLED;
}

struct replay {
    struct sc_api_stream *stream;
    struct sc_buf *out;
    int count;
};

static enum sc_code replay_event(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    struct replay *r = ctx;
    (void)err;
    sc_event_sse(r->out, event);
    r->stream->last_id = event->id;
    r->count++;
    return SC_OK;
}

/* A page of the log. After the last one a stream of one job ends when the job has: a failed job
 * that was retried has gone on, whatever its log says of failures. */
static enum sc_code replay_page(struct sc_api_stream *s, struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_event_filter filter = { s->owner_id, s->job, s->last_id, PAGE };
    struct replay r = { s, out, 0 };
    enum sc_code code = sc_store_read(s->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_event_list(conn, &filter, replay_event, &r, err);
    if (code != SC_OK || r.count == PAGE)
        return code;
    s->replaying = false;
    if (s->job != 0)
        code = sc_job_get(conn, s->job, &job, err);
    if (s->job != 0 && code == SC_OK)
        s->ended = job.admission == SC_ADMISSION_ENDED;
    return code;
}

static void drain_ring(struct sc_api_stream *s, struct sc_buf *out)
{
    struct sc_event event;
    while (!s->replaying && !s->ended && sc_subscriber_next(s->subscriber, &event)) {
        if (event.kind == SC_EVENT_GAP) {
            s->replaying = true;
            return;
        }
        if (event.id > 0 && event.id <= s->last_id)
            continue;
        sc_event_sse(out, &event);
        s->last_id = SC_MAX(s->last_id, event.id);
        s->ended = s->job != 0 && is_terminal(event.kind);
    }
}

/* Fills until there is something to send; asks to be asked again when the log holds more. */
static bool next_events(void *ctx, struct sc_buf *out)
{
    struct sc_api_stream *s = ctx;
    struct sc_error err = { 0 };
    do {
        if (atomic_load(&s->api->stopping) || !sc_api_token_lives(s->api, s->token_id))
            return false;
        if (s->replaying && replay_page(s, out, &err) != SC_OK)
            return false; /* the client connects again and goes on from its cursor */
        drain_ring(s, out);
    } while (!s->ended && s->replaying && out->len == 0);
    if (!s->ended && s->replaying)
        wake(s);
    return !s->ended;
}

static void link_stream(struct sc_api_stream *s)
{
    SC_LOCK(&s->api->lock);
    s->next = s->api->streams;
    if (s->next != NULL)
        s->next->prev = s;
    s->api->streams = s;
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
    sc_subscriber_close(SC_TAKE(s->subscriber)); /* no wake-up comes after it */
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

struct follow {
    int64_t job;   /* 0: all of the owner's */
    int64_t since; /* -1: not given */
};

/* `since`, else what a browser sends when it connects again. */
static enum sc_code decode_since(struct sc_request *req, int64_t *since, struct sc_error *err)
{
    struct sc_str last = sc_request_header(req, "Last-Event-ID");
    if (sc_request_query(req, "since").ptr != NULL || last.len == 0)
        return sc_query_cursor(req, "since", SC_CURSOR_EVENT, since, err);
    if (sc_cursor_parse(SC_CURSOR_EVENT, last, since))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "Last-Event-ID",
                          "Last-Event-ID is no cursor of an event");
}

static enum sc_code decode_follow(struct sc_request *req, struct sc_api *api, struct follow *out,
                                  struct sc_error *err)
{
    static const char *const names[] = { "job_id", "since", NULL };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = decode_since(req, &out->since, err);
    struct sc_str text = sc_request_query(req, "job_id");
    if (code != SC_OK || text.ptr == NULL)
        return code;
    code = sc_job_id_parse(text, id, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_find(conn, sc_api_owner(req), id, &job, err);
    if (code == SC_OK)
        out->job = job.id;
    return code;
}

/* Where a stream without a cursor begins: a job's at its first event, that of all jobs now. */
static enum sc_code begin_at(struct sc_api *api, const struct follow *follow, int64_t *id,
                             struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    *id = SC_MAX(follow->since, 0);
    if (follow->since >= 0 || follow->job != 0)
        return SC_OK;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_event_newest(conn, id, err);
    return code;
}

static struct sc_api_stream *open_stream(struct sc_api *api, const struct sc_principal *who,
                                         int64_t job)
{
    struct sc_api_stream *s = sc_alloc(sizeof(*s));
    *s = (struct sc_api_stream){
        .api = api,
        .owner_id = who->owner_id,
        .token_id = who->token_id,
        .job = job,
        .replaying = true,
        .refs = 2,
    };
    sc_assert(pthread_mutex_init(&s->lock, NULL) == 0);
    s->subscriber = sc_subscriber_open(api->options.hub, who->owner_id, job, RING, wake, s);
    return s;
}

struct sc_done *sc_api_event_stream(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    struct follow follow = { .since = -1 };
    enum sc_code code = decode_follow(req, api, &follow, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &none);
    struct sc_api_stream *s = open_stream(api, sc_request_principal(req), follow.job);
    code = begin_at(api, &follow, &s->last_id, &err);
    if (code != SC_OK) {
        sc_subscriber_close(SC_TAKE(s->subscriber)); /* no wake-up comes after it */
        free_stream(s);
        return sc_api_answer(req, code, &err, 200, &none);
    }
    link_stream(s);
    sc_api_count(api, 1);
    struct sc_stream *stream = NULL;
    sc_reply_header(req, "Cache-Control", "no-store");
    struct sc_done *done =
        sc_reply_stream(req, "text/event-stream", next_events, stream_closed, s, &stream);
    hand_over(s, stream);
    return done;
}
