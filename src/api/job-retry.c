/* POST /api/jobs/retry: failed jobs go on, all of them or those that a filter lets through. A call
 * does at most SLICES transactions; its cursor goes on, so that no job that fails again meanwhile
 * is met twice. */

#include "api/api-internal.h"

#include "base/clock.h"
#include "base/fault.h"
#include "models/models.h"

#include "base/banned.h"

#define SLICE 100 /* jobs in a transaction */
#define SLICES 10

struct retry_body {
    struct sc_str error_code, pipeline, engine, model, tag, cursor, since, until;
    int64_t file_id;
    bool dry_run;
};

static const struct sc_json_field fields[] = {
    SC_BODY(struct retry_body, error_code, TEXT, .words = sc_words_code,
            .help = "Only those that failed with this", .example = "TIMEOUT"),
    SC_BODY(struct retry_body, pipeline, TEXT, .min = 1, .max = 64,
            .help = "Only of this pipeline"),
    SC_BODY(struct retry_body, engine, TEXT, .min = 1, .max = 64, .help = "Only of this engine"),
    SC_BODY(struct retry_body, model, TEXT, .min = 1, .max = 256, .help = "Only of this model"),
    SC_BODY(struct retry_body, tag, TEXT, .min = 1, .max = SC_TAG_MAX,
            .help = "Only with this tag"),
    SC_BODY(struct retry_body, file_id, INT, .min = 1, .max = INT64_MAX,
            .help = "Only of this recording"),
    { .name = "created_since",
      .type = SC_JSON_TEXT,
      .offset = offsetof(struct retry_body, since),
      .help = "Only those made from this time on: RFC 3339, a date, or how long ago",
      .example = "7d" },
    { .name = "created_until",
      .type = SC_JSON_TEXT,
      .offset = offsetof(struct retry_body, until),
      .help = "Only those made before this time" },
    SC_BODY(struct retry_body, dry_run, BOOL, .help = "Only name them", .example = "true"),
    SC_BODY(struct retry_body, cursor, TEXT, .min = 1, .max = SC_JOB_CURSOR_TEXT,
            .help = "Where to go on: the `next_cursor` of an answer"),
};
static const struct sc_json_shape shape = {
    .name = "RetryJobsRequest",
    .help = "Which failed jobs; {} for all",
    .request = true,
    SC_SHAPE_FIELDS(fields),
};

struct slice {
    int64_t walk_end_ms; /* by the monotonic clock */
    struct sc_api *api;
    struct sc_job_filter filter;
    int64_t jobs[SLICE];
    char ids[SLICE][SC_UUID_TEXT];
    bool vain[SLICE]; /* its model was replaced */
    bool retried[SLICE];
    size_t count;
};

static enum sc_code read_time(struct sc_str text, const char *field, int64_t *out,
                              struct sc_error *err)
{
    if (text.ptr == NULL || sc_time_or_age_parse(text, sc_clock_wall_ms(), out))
        return SC_OK;
    return sc_query_refuse(field, text, "RFC 3339, a date, or how long ago such as 7d", err);
}

/* All that is bad is told. */
static enum sc_code fill_filter(const struct retry_body *body, struct sc_job_filter *f,
                                struct sc_error *err)
{
    struct sc_error all = { 0 }, one = { 0 };
    f->status.state = SC_JOB_FAILED;
    f->error_code = body->error_code;
    f->pipeline = body->pipeline;
    f->engine = body->engine;
    f->model = body->model;
    f->tag = body->tag;
    f->file_id = body->file_id;
    if (read_time(body->since, "created_since", &f->created_since, &one) != SC_OK)
        (void)sc_error_also(&all, &one);
    one = (struct sc_error){ 0 };
    if (read_time(body->until, "created_until", &f->created_until, &one) != SC_OK)
        (void)sc_error_also(&all, &one);
    one = (struct sc_error){ 0 };
    if (body->cursor.ptr != NULL && !sc_job_cursor_parse(SC_JOB_NEWEST, body->cursor, &f->after)) {
        (void)sc_query_refuse_cursor(body->cursor, &one);
        (void)sc_error_also(&all, &one);
    }
    return all.code == SC_OK ? SC_OK : sc_error_copy(err, &all);
}

static enum sc_code keep_job(void *ctx, const struct sc_job *job, struct sc_error *err)
{
    struct slice *s = ctx;
    (void)err;
    s->vain[s->count] = sc_api_may_retry(s->api, job, NULL) != SC_OK;
    s->jobs[s->count] = job->id;
    memcpy(s->ids[s->count++], job->job_id, SC_UUID_TEXT);
    return SC_OK;
}

static bool walk_is_over(void *ctx)
{
    const int64_t *end_ms = ctx;
    return SC_FAULT("jobs.retry") || sc_clock_mono_ms() >= *end_ms;
}

static enum sc_code read_slice(struct slice *s, struct sc_job_page_end *end, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    s->count = 0;
    s->filter.spent = walk_is_over;
    s->walk_end_ms = sc_clock_mono_ms() + SC_LIST_WALK_MS;
    s->filter.spent_ctx = &s->walk_end_ms;
    enum sc_code code = sc_store_read(s->api->options.store, &conn, err);
    return code == SC_OK ? sc_job_list(conn, &s->filter, keep_job, s, end, err) : code;
}

enum sc_code sc_api_may_retry(const struct sc_api *api, const struct sc_job *job,
                              struct sc_error *err)
{
    SC_AUTO_MODEL m = { 0 };
    struct sc_error why = { 0 };
    bool ended = job->state == SC_JOB_FAILED || job->state == SC_JOB_CANCELLED;
    /* One that is not here may come back, or lie with a worker. */
    if (!ended || job->model_hash[0] == '\0' ||
        sc_models_find(sc_config_now(api->options.config), job->model, &m, &why) != SC_OK ||
        sc_model_is_still(&m, job->model_hash))
        return SC_OK;
    return sc_error_set(err, SC_E_CONFLICT,
                        "the model '%.80s' was replaced after job %s was made: it would fail "
                        "again; submit the recording again",
                        job->model, job->job_id);
}

/* One that has gone, goes on already or has forgotten what it did is left as it is. */
static enum sc_code write_slice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct slice *s = ctx;
    for (size_t i = 0; i < s->count; i++) {
        struct sc_error one = { 0 };
        s->retried[i] = false;
        if (s->vain[i])
            continue;
        enum sc_code code = sc_job_retry(s->api->options.queue, tx, s->jobs[i], &one);
        s->retried[i] = code == SC_OK;
        if (code != SC_OK && code != SC_E_CONFLICT && code != SC_E_JOB_NOT_FOUND)
            return sc_error_copy(err, &one);
    }
    return SC_OK;
}

static enum sc_code run_slices(struct slice *s, bool dry_run, struct sc_json *w,
                               struct sc_job_page_end *end, struct sc_error *err)
{
    int64_t done = 0, refused = 0;
    enum sc_code code = SC_OK;
    sc_json_array(w, "job_ids");
    for (int n = 0; n < SLICES && code == SC_OK && (n == 0 || end->more); n++) {
        code = read_slice(s, end, err);
        if (code == SC_OK && !dry_run && s->count > 0)
            code = sc_store_write(s->api->options.store, SC_DURABLE, write_slice, s, err);
        for (size_t i = 0; code == SC_OK && i < s->count; i++) {
            bool named = dry_run ? !s->vain[i] : s->retried[i];
            done += named;
            refused += !named;
            if (named)
                sc_json_text(w, NULL, s->ids[i]);
        }
        s->filter.after = end->next;
    }
    sc_json_end(w);
    sc_json_int(w, "jobs", done);
    sc_json_int(w, "refused", refused);
    return code;
}

struct sc_done *sc_api_jobs_retry(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct retry_body asked = { .file_id = 0 };
    struct slice s = { .api = api, .filter = sc_job_filter_all(sc_api_owner(req), SLICE) };
    struct sc_job_page_end end = { .more = false };
    char cursor[SC_JOB_CURSOR_TEXT];
    struct sc_json w;
    enum sc_code code = sc_request_read(req, &shape, &asked, &doc, &err);
    if (code == SC_OK)
        code = fill_filter(&asked, &s.filter, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    code = run_slices(&s, asked.dry_run, &w, &end, &err);
    sc_json_bool(&w, "dry_run", asked.dry_run);
    sc_json_text(&w, "next_cursor",
                 end.more ? sc_job_cursor_format(SC_JOB_NEWEST, &end.next, cursor) : NULL);
    sc_json_end(&w);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

static const struct sc_json_field answer_fields[] = {
    SC_SHOW(TEXTS, "job_ids", "Those that go on, or with `dry_run` would",
            "[\"0198a5c2-6c1e-7b3a-9a51-3f1f5f0c2d11\"]"),
    SC_SHOW(INT, "jobs", "How many these are", "1"),
    SC_SHOW(INT, "refused", "Failed jobs that have forgotten what they did, or went on meanwhile",
            "0"),
    SC_SHOW(BOOL, "dry_run", "They were only named", "false"),
    SC_SHOW(TEXT_OR_NULL, "next_cursor", "To send as `cursor` for the others; null: there are none",
            NULL),
};
static const struct sc_json_shape answer_shape = {
    .name = "RetriedJobs",
    SC_SHAPE_FIELDS(answer_fields),
};

SC_API_DOC(jobs_retry) = {
    .body = &shape,
    .replies = { { 200, &answer_shape } },
};
