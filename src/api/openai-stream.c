/* stream=true: the text as it becomes certain, chunk by chunk, as server-sent events. The last
 * ones, of which one has all of the text, are made at once into a file and told from there: memory
 * does not grow with the text, and no reader of the store waits for the client. A client that goes
 * away leaves its job, as ever. */

#include "api/call.h"
#include "api/stream.h"

#include "base/alloc.h"
#include "base/log.h"
#include "http/spill.h"

#include "base/banned.h"

#define RING 64
#define PIECE ((size_t)64 << 10) /* told at once */

struct telling {
    struct sc_call *call; /* owned; its request is gone */
    struct sc_preview *preview;
    struct sc_openai_pass pass; /* over what was told */
    struct sc_spill rest;       /* the last events */
    int64_t at;                 /* bytes of them that were told; -1: they have not been made */
    char path[64];              /* of the request, for errors */
};

static void telling_free(void *ctx)
{
    struct telling *t = ctx;
    sc_call_free(t->call);
    sc_preview_free(t->preview);
    sc_openai_pass_done(&t->pass);
    sc_spill_done(&t->rest);
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

static enum sc_code tell_more(struct telling *t, struct sc_conn *conn, bool *any,
                              struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO_SEGMENTS segments = { 0 };
    enum sc_code code = sc_preview_next(t->preview, conn, &segments, err);
    for (size_t i = 0; code == SC_OK && i < segments.count; i++)
        sc_openai_segment_event(&t->call->form, &t->pass, &segments.items[i], out);
    *any = segments.count > 0;
    return code;
}

static enum sc_code put_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    return sc_spill_put(ctx, bytes, len, err);
}

/* What was told stands; the last event has the text as it was stored. */
static enum sc_code make_rest(struct telling *t, struct sc_conn *conn, const struct sc_job *job,
                              struct sc_error *err)
{
    struct sc_transcript stored = { 0 };
    SC_AUTO_TRANSCRIPT_SOURCE from = { .begun = false };
    enum sc_code code = sc_transcript_of_job(conn, job->id, &stored, err);
    if (code == SC_OK)
        code = sc_transcript_source_open(conn, &stored, stored.version, &from, err);
    if (code != SC_OK)
        return code;
    const struct sc_openai_result result = sc_call_result(t->call, job, &stored);
    code = sc_openai_stream_end(&t->call->form, &result, &t->pass, &from.source, put_piece,
                                &t->rest, err);
    if (code == SC_OK)
        t->at = 0;
    return code;
}

/* False: that was the end. A line that was begun cannot be taken back: a failure breaks off. */
static bool tell_rest(struct telling *t, struct sc_buf *out)
{
    size_t before = out->len;
    if (sc_spill_read(&t->rest, t->at, PIECE, out, NULL) != SC_OK)
        out->failed = true;
    t->at += (int64_t)(out->len - before);
    return out->len - before == PIECE && !out->failed;
}

/* *any: there may be more at once. False: that was the end. */
static bool tell(struct telling *t, bool *any, struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_store_read(t->call->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, t->call->job, &job, err);
    bool ended = code != SC_OK || job.admission == SC_ADMISSION_ENDED;
    if (code == SC_OK && job.state == SC_JOB_COMPLETED)
        code = make_rest(t, conn, &job, err);
    else if (code == SC_OK && ended)
        code = sc_call_failure(&job, err);
    else if (code == SC_OK)
        code = tell_more(t, conn, any, out, err);
    return code == SC_OK;
}

/* What is there to tell while the end has not been made. */
static bool tell_news(struct sc_api_stream *stream, struct telling *t, bool *any,
                      struct sc_buf *out)
{
    struct sc_error err = { 0 };
    bool more = false;
    if (atomic_load(&t->call->api->stopping))
        (void)sc_error_set(&err, SC_E_SHUTTING_DOWN,
                           "the server stops; the job goes on when it is there again");
    else if (!sc_api_stream_lives(stream))
        (void)sc_error_set(&err, SC_E_UNAUTHENTICATED, "the token has ended");
    else
        more = tell(t, any, out, &err);
    if (err.code != SC_OK)
        tell_error(t, &err, out);
    return more;
}

static bool next_events(struct sc_api_stream *stream, void *ctx, struct sc_buf *out)
{
    struct telling *t = ctx;
    struct sc_event event;
    bool any = false, more = true;
    while (sc_subscriber_next(sc_api_stream_ring(stream), &event)) /* what is read next is newer */
        ;
    if (t->at < 0)
        more = tell_news(stream, t, &any, out);
    if (more && t->at >= 0)
        more = any = tell_rest(t, out);
    if (more && any)
        sc_api_stream_wake(stream);
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
    *t = (struct telling){ .call = call, .preview = sc_preview_new(call->job), .at = -1 };
    sc_spill_init(&t->rest, req);
    (void)snprintf(t->path, sizeof(t->path), "%s", sc_request_path(req));
    return sc_api_stream_reply(req, sc_api_stream_open(req, call->api, call->job, RING, &ops, t));
}
