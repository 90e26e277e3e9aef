/* GET /api/events: server-sent events. */

#include "api/follower.h"
#include "api/stream.h"

#include "base/alloc.h"

#include "base/banned.h"

#define RING 32  /* what it misses is read from the log */
#define PAGE 100 /* rows read from the log at a time */

struct listener {
    struct sc_api *api;
    struct sc_follower follower;
    bool ended;
};

static void listener_free(void *ctx)
{
    struct listener *l = ctx;
    sc_follow_leave(l->api, SC_FOLLOW_STREAM, l->follower.owner_id);
    free(l);
}

static bool is_terminal(enum sc_event_kind kind)
{
    return kind == SC_EVENT_JOB_COMPLETED || kind == SC_EVENT_JOB_FAILED ||
           kind == SC_EVENT_JOB_CANCELLED;
}

static void tell(void *ctx, const struct sc_event *event, const struct sc_segment *segment)
{
    sc_event_sse(ctx, event, segment);
}

/* After the last page a stream of one job ends when the job has: a failed job that was retried has
 * gone on, whatever its log says of failures. */
static enum sc_code replay_page(struct listener *l, struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_follower *f = &l->follower;
    enum sc_code code = sc_follower_replay(f, l->api, PAGE, tell, out, err);
    if (code != SC_OK || f->replaying || f->job == 0)
        return code;
    code = sc_store_read(l->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, f->job, &job, err);
    if (code == SC_OK)
        l->ended = job.admission == SC_ADMISSION_ENDED;
    return code;
}

static void drain_ring(struct listener *l, struct sc_subscriber *ring, struct sc_buf *out)
{
    struct sc_follower *f = &l->follower;
    struct sc_event event;
    while (!f->replaying && !l->ended && sc_subscriber_next(ring, &event)) {
        if (event.kind == SC_EVENT_GAP) {
            sc_follower_miss(f);
        } else if (sc_follower_takes(f, &event)) {
            sc_follower_tell(l->api, &event, tell, out);
            l->ended = f->job != 0 && is_terminal(event.kind);
        }
    }
}

/* Fills until there is something to send; asks to be asked again when the log holds more. */
static bool next_events(struct sc_api_stream *stream, void *ctx, struct sc_buf *out)
{
    struct listener *l = ctx;
    struct sc_error err = { 0 };
    do {
        if (!sc_api_stream_lives(stream))
            return false;
        if (l->follower.replaying && replay_page(l, out, &err) != SC_OK)
            return false; /* the client connects again and goes on from its cursor */
        drain_ring(l, sc_api_stream_ring(stream), out);
    } while (!l->ended && l->follower.replaying && out->len == 0);
    if (!l->ended && l->follower.replaying)
        sc_api_stream_wake(stream);
    return !l->ended;
}

static const struct sc_query_field follow_fields[] = {
    SC_FOLLOWING_ROWS("Only of this job, from its first event to its end"),
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

static enum sc_code begin(struct sc_request *req, struct sc_api *api, struct sc_follower *out,
                          struct sc_error *err)
{
    struct sc_following what = { .since = -1 };
    enum sc_code code = sc_query_read(req, &follow_query, &what, err);
    if (code == SC_OK)
        code = decode_last(req, &what.since, err);
    return code == SC_OK ? sc_follow_open(req, api, SC_FOLLOW_STREAM, &what, out, err) : code;
}

struct sc_done *sc_api_event_stream(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_api_stream_ops ops = { next_events, listener_free, NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    struct sc_follower follower;
    enum sc_code code = begin(req, api, &follower, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &none);
    struct listener *l = sc_alloc(sizeof(*l));
    *l = (struct listener){ .api = api, .follower = follower };
    return sc_api_stream_reply(req, sc_api_stream_open(req, api, follower.job, RING, &ops, l));
}

SC_API_DOC(event_stream) = {
    .query = &follow_query,
    .replies = { { 200, &sc_shape_event, .types = "text/event-stream",
                   .help = "A stream of events: `event:` is the type, `id:` the cursor, `data:` "
                           "the event as JSON" } },
    .errors = { SC_E_JOB_NOT_FOUND },
    .flags = SC_DOC_LAST_EVENT,
};
