/* GET /api/events: server-sent events. The subscription is opened first, then the log is read from
 * the cursor on, then the ring; what stands in both is told apart by its id, which grows with every
 * commit. A ring that overflowed is no loss: the log is read again from the last id sent. */

#include "api/stream.h"

#include "base/alloc.h"

#include "base/banned.h"

#define RING 256
#define PAGE 100 /* rows read from the log at a time */

struct follower {
    struct sc_api *api;
    int64_t owner_id, job; /* job 0: all of the owner's */
    int64_t last_id;       /* sent, or known to the client */
    bool replaying;        /* the log may hold more than was sent */
    bool ended;
};

static bool is_terminal(enum sc_event_kind kind)
{
    return kind == SC_EVENT_JOB_COMPLETED || kind == SC_EVENT_JOB_FAILED ||
           kind == SC_EVENT_JOB_CANCELLED;
}

struct replay {
    struct follower *follower;
    struct sc_buf *out;
    int count;
};

static enum sc_code replay_event(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    struct replay *r = ctx;
    (void)err;
    sc_event_sse(r->out, event);
    r->follower->last_id = event->id;
    r->count++;
    return SC_OK;
}

/* A page of the log. After the last one a stream of one job ends when the job has: a failed job
 * that was retried has gone on, whatever its log says of failures. */
static enum sc_code replay_page(struct follower *f, struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_event_filter filter = { f->owner_id, f->job, f->last_id, PAGE };
    struct replay r = { f, out, 0 };
    enum sc_code code = sc_store_read(f->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_event_list(conn, &filter, replay_event, &r, err);
    if (code != SC_OK || r.count == PAGE)
        return code;
    f->replaying = false;
    if (f->job != 0)
        code = sc_job_get(conn, f->job, &job, err);
    if (f->job != 0 && code == SC_OK)
        f->ended = job.admission == SC_ADMISSION_ENDED;
    return code;
}

static void drain_ring(struct follower *f, struct sc_subscriber *ring, struct sc_buf *out)
{
    struct sc_event event;
    while (!f->replaying && !f->ended && sc_subscriber_next(ring, &event)) {
        if (event.kind == SC_EVENT_GAP) {
            f->replaying = true;
            return;
        }
        if (event.id > 0 && event.id <= f->last_id)
            continue;
        sc_event_sse(out, &event);
        f->last_id = SC_MAX(f->last_id, event.id);
        f->ended = f->job != 0 && is_terminal(event.kind);
    }
}

/* Fills until there is something to send; asks to be asked again when the log holds more. */
static bool next_events(struct sc_api_stream *stream, void *ctx, struct sc_buf *out)
{
    struct follower *f = ctx;
    struct sc_error err = { 0 };
    do {
        if (!sc_api_stream_lives(stream))
            return false;
        if (f->replaying && replay_page(f, out, &err) != SC_OK)
            return false; /* the client connects again and goes on from its cursor */
        drain_ring(f, sc_api_stream_ring(stream), out);
    } while (!f->ended && f->replaying && out->len == 0);
    if (!f->ended && f->replaying)
        sc_api_stream_wake(stream);
    return !f->ended;
}

struct follow {
    int64_t job;   /* 0: all of the owner's */
    int64_t since; /* -1: not given */
    struct sc_str job_id;
};

static const struct sc_query_field follow_fields[] = {
    SC_QUERY_ROW(RAW, struct follow, job_id, "job_id", .format = "uuid",
                 .help = "Only of this job, from its first event to its end"),
    SC_QUERY_ROW(CURSOR, struct follow, since, "since", .cursor = SC_CURSOR_EVENT,
                 .help = "Everything after this event", .example = "e1a"),
};
static const struct sc_query follow_query = SC_QUERY(follow_fields);

/* `since`, else what a browser sends when it connects again. */
static enum sc_code decode_last(struct sc_request *req, int64_t *since, struct sc_error *err)
{
    struct sc_str last = sc_request_header(req, "Last-Event-ID");
    if (sc_request_query(req, "since").ptr != NULL || last.len == 0)
        return SC_OK;
    if (sc_cursor_parse(SC_CURSOR_EVENT, last, since))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "Last-Event-ID",
                          "Last-Event-ID is no cursor of an event");
}

static enum sc_code decode_follow(struct sc_request *req, struct sc_api *api, struct follow *out,
                                  struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_query_read(req, &follow_query, out, err);
    if (code == SC_OK)
        code = decode_last(req, &out->since, err);
    if (code != SC_OK || out->job_id.ptr == NULL)
        return code;
    code = sc_job_id_parse(out->job_id, id, err);
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

struct sc_done *sc_api_event_stream(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_api_stream_ops ops = { next_events, free, NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    struct follow follow = { .since = -1 };
    enum sc_code code = decode_follow(req, api, &follow, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &none);
    struct follower *f = sc_alloc(sizeof(*f));
    *f = (struct follower){
        .api = api,
        .owner_id = sc_api_owner(req),
        .job = follow.job,
        .replaying = true,
    };
    struct sc_api_stream *stream = sc_api_stream_open(req, api, follow.job, RING, &ops, f);
    code = begin_at(api, &follow, &f->last_id, &err);
    if (code != SC_OK) {
        sc_api_stream_drop(stream);
        return sc_api_answer(req, code, &err, 200, &none);
    }
    return sc_api_stream_reply(req, stream);
}

SC_API_DOC(event_stream) = {
    .query = &follow_query,
    .replies = { { 200, &sc_shape_event, .types = "text/event-stream",
                   .help = "A stream of events: `event:` is the type, `id:` the cursor, `data:` "
                           "the event as JSON" } },
    .errors = { SC_E_JOB_NOT_FOUND },
    .flags = SC_DOC_LAST_EVENT,
};
