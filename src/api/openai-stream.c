/* stream=true: the text as it becomes certain, chunk by chunk, as server-sent events. A client that
 * goes away leaves its job, as ever. */

#include "api/call.h"
#include "api/stream.h"

#include "base/alloc.h"
#include "base/log.h"

#include "base/banned.h"

#define RING 64

struct telling {
    struct sc_call *call; /* owned; its request is gone */
    struct sc_preview *preview;
    struct sc_segments told;
    char path[64]; /* of the request, for errors */
};

static void telling_free(void *ctx)
{
    struct telling *t = ctx;
    sc_call_free(t->call);
    sc_preview_free(t->preview);
    sc_segments_done(&t->told);
    free(t);
}

static void tell_error(const struct telling *t, const struct sc_error *err, struct sc_buf *out)
{
    const struct sc_openai_refusal refusal = {
        .err = err,
        .method = "POST",
        .path = t->path,
        .limit = sc_config_now(t->call->api->options.config)->upload_max_size,
    };
    sc_openai_error_event(&refusal, out);
}

static void tell_from(const struct telling *t, const struct sc_segments *segments, size_t from,
                      struct sc_buf *out)
{
    for (size_t i = from; i < segments->count; i++)
        sc_openai_segment_event(&t->call->form, segments, i, out);
}

static enum sc_code tell_more(struct telling *t, struct sc_conn *conn, struct sc_buf *out,
                              struct sc_error *err)
{
    size_t from = t->told.count;
    enum sc_code code = sc_preview_next(t->preview, conn, &t->told, err);
    if (code == SC_OK)
        tell_from(t, &t->told, from, out);
    return code;
}

/* What was told stands; the last event has the text as it was stored. */
static enum sc_code tell_end(const struct telling *t, struct sc_conn *conn,
                             const struct sc_job *job, struct sc_buf *out, struct sc_error *err)
{
    struct sc_transcript stored = { 0 };
    SC_AUTO_SEGMENTS segments = { 0 };
    enum sc_code code = sc_transcript_of_job(conn, job->id, &stored, err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &stored, stored.version, &segments, err);
    if (code != SC_OK)
        return code;
    const struct sc_openai_result result = sc_call_result(t->call, job, &stored);
    tell_from(t, &segments, t->told.count, out);
    sc_openai_done_event(&t->call->form, &result, &segments, out);
    return SC_OK;
}

/* False: that was the end. */
static bool tell(struct telling *t, struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_store_read(t->call->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, t->call->job, &job, err);
    bool ended = code != SC_OK || job.admission == SC_ADMISSION_ENDED;
    if (code == SC_OK && job.state == SC_JOB_COMPLETED)
        code = tell_end(t, conn, &job, out, err);
    else if (code == SC_OK && ended)
        code = sc_call_failure(&job, err);
    else if (code == SC_OK)
        code = tell_more(t, conn, out, err);
    return !ended && code == SC_OK;
}

static bool next_events(struct sc_api_stream *stream, void *ctx, struct sc_buf *out)
{
    struct telling *t = ctx;
    struct sc_error err = { 0 };
    struct sc_event event;
    while (sc_subscriber_next(sc_api_stream_ring(stream), &event)) /* what is read next is newer */
        ;
    bool more = false;
    if (atomic_load(&t->call->api->stopping))
        (void)sc_error_set(&err, SC_E_SHUTTING_DOWN,
                           "the server stops; the job goes on when it is there again");
    else if (!sc_api_stream_lives(stream))
        (void)sc_error_set(&err, SC_E_UNAUTHENTICATED, "the token has ended");
    else
        more = tell(t, out, &err);
    if (err.code != SC_OK)
        tell_error(t, &err, out);
    return more;
}

static bool wants(const struct sc_event *event)
{
    return sc_call_ends(event) || event->kind == SC_EVENT_TASK_COMPLETED;
}

struct sc_done *sc_openai_stream(struct sc_call *call)
{
    static const struct sc_api_stream_ops ops = { next_events, telling_free, wants };
    struct sc_request *req = SC_TAKE(call->req);
    struct telling *t = sc_alloc(sizeof(*t));
    *t = (struct telling){ .call = call, .preview = sc_preview_new(call->job) };
    (void)snprintf(t->path, sizeof(t->path), "%s", sc_request_path(req));
    return sc_api_stream_reply(req, sc_api_stream_open(req, call->api, call->job, RING, &ops, t));
}
