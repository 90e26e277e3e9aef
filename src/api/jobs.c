#include "api/api-internal.h"

#include "base/banned.h"

enum sc_code sc_api_job_outlook(struct sc_api *api, struct sc_conn *conn, const struct sc_job *job,
                                struct sc_job_outlook *out, struct sc_error *err)
{
    struct sc_queue *queue = api->options.queue;
    *out = (struct sc_job_outlook){ -1, -1, sc_job_progress(queue, job) };
    enum sc_code code = sc_job_position(conn, job, &out->position, err);
    if (code == SC_OK && (job->state == SC_JOB_PROCESSING || job->state == SC_JOB_PENDING))
        out->eta_ms = sc_job_eta_ms(queue, conn, job);
    return code;
}

enum sc_code sc_api_job_fields(struct sc_api *api, const struct sc_job *job, struct sc_json *w,
                               struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_job_outlook look;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_api_job_outlook(api, conn, job, &look, err);
    if (code == SC_OK)
        sc_job_fields(w, job, &look);
    return code;
}

/* ---- one job ---- */

static enum sc_code find_job(struct sc_request *req, struct sc_conn *conn, struct sc_job *out,
                             struct sc_error *err)
{
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_path_job_id(req, id, err);
    if (code == SC_OK)
        code = sc_job_find(conn, sc_api_owner(req), id, out, err);
    return code;
}

static enum sc_code show_job(struct sc_api *api, struct sc_conn *conn, const struct sc_job *job,
                             struct sc_buf *body, struct sc_error *err)
{
    struct sc_job_outlook look;
    enum sc_code code = sc_api_job_outlook(api, conn, job, &look, err);
    if (code != SC_OK)
        return code;
    struct sc_json w;
    sc_json_begin(&w, body);
    sc_job_view(&w, NULL, job, &look);
    return SC_OK;
}

static enum sc_code read_job(struct sc_api *api, const struct sc_job_memo_key *key,
                             struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_find(conn, key->owner_id, key->job_id, &job, err);
    if (code == SC_OK)
        code = show_job(api, conn, &job, body, err);
    if (code == SC_OK && job.state != SC_JOB_PROCESSING)
        sc_job_memo_keep(api->job_memo, key, sc_buf_str(body));
    return code;
}

struct sc_done *sc_api_job_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    char id[SC_UUID_TEXT];
    const struct sc_job_memo_key key = {
        .job_id = id,
        .owner_id = sc_api_owner(req),
        .version = sc_store_version(api->options.store),
    };
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_path_job_id(req, id, &err);
    if (code == SC_OK && !sc_job_memo_find(api->job_memo, &key, &body))
        code = read_job(api, &key, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

static enum sc_code add_event(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, event->id))
        sc_event_view(&page->w, NULL, event, NULL);
    return SC_OK;
}

static const struct sc_query_field event_fields[] = {
    SC_QUERY_ROW(CURSOR, struct sc_query_page, before, "since", .cursor = SC_CURSOR_EVENT,
                 .help = "Those after this event: its `id`, or `next_cursor`", .example = "e1a"),
    SC_QUERY_LIMIT_ROW(struct sc_query_page, limit),
};
static const struct sc_query event_query = SC_QUERY(event_fields);

static enum sc_code event_rows(struct sc_request *req, struct sc_conn *conn,
                               const struct sc_query_page *asked, struct sc_page *page,
                               struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = find_job(req, conn, &job, err);
    if (code != SC_OK)
        return code;
    const struct sc_event_filter filter = {
        .owner_id = sc_api_owner(req),
        .job = job.id,
        .after_id = asked->before,
        .limit = asked->limit,
    };
    return sc_event_list(conn, &filter, add_event, page, err);
}

struct sc_done *sc_api_job_events(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "events", SC_CURSOR_EVENT, &event_query, event_rows };
    return sc_list_answer(req, api, &list, NULL);
}

static enum sc_code add_chunk(void *ctx, const struct sc_chunk *chunk, struct sc_error *err)
{
    (void)err;
    sc_chunk_view(ctx, NULL, chunk);
    return SC_OK;
}

struct sc_done *sc_api_job_chunks(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;

    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = find_job(req, conn, &job, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "chunks");
    code = sc_chunk_list(conn, job.id, add_chunk, &w, &err);
    sc_json_end(&w);
    sc_json_end(&w);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- cancel and retry ---- */

typedef enum sc_code (*job_verb_fn)(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                    struct sc_error *err);

struct job_change {
    struct sc_request *req;
    struct sc_api *api;
    job_verb_fn verb;
    struct sc_buf *body;
};

/* The answer is the job as this transaction leaves it. */
static enum sc_code change_job(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct job_change *change = ctx;
    SC_AUTO_JOB before = { 0 };
    SC_AUTO_JOB after = { 0 };
    sc_buf_reset(change->body); /* a write may run twice */
    enum sc_code code = find_job(change->req, tx, &before, err);
    if (code == SC_OK)
        code = change->verb(change->api->options.queue, tx, before.id, err);
    if (code == SC_OK)
        code = sc_job_get(tx, before.id, &after, err);
    if (code == SC_OK)
        code = show_job(change->api, tx, &after, change->body, err);
    return code;
}

static struct sc_done *change_and_show(struct sc_request *req, struct sc_api *api, job_verb_fn verb)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct job_change change = { req, api, verb, &body };
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, change_job, &change, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_job_cancel(struct sc_request *req, struct sc_api *api)
{
    return change_and_show(req, api, sc_job_cancel);
}

/* Ahead of the write, for it looks at files. */
static enum sc_code check_retry(struct sc_request *req, struct sc_api *api, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_request_empty(req, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = find_job(req, conn, &job, err);
    return code == SC_OK ? sc_api_may_retry(api, &job, err) : code;
}

struct sc_done *sc_api_job_retry(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    enum sc_code code = check_retry(req, api, &err);
    return code == SC_OK ? change_and_show(req, api, sc_job_retry)
                         : sc_api_answer(req, code, &err, 200, &body);
}

/* ---- create ---- */

/* {file_id, …options}: whatever is no file_id is an option of the job, or refused by name. */
static enum sc_code decode_create(const struct sc_json_value *body, int64_t *file_id,
                                  struct sc_job_options *options, struct sc_error *err)
{
    const char *key;
    const struct sc_json_value *value;
    struct sc_error all = { 0 };
    for (void *it = sc_json_next_member(body, NULL, &key, &value); it != NULL;
         it = sc_json_next_member(body, it, &key, &value)) {
        struct sc_error one = { 0 };
        enum sc_code code = SC_OK;
        if (strcmp(key, "file_id") != 0)
            code = sc_job_options_set_json(options, key, value, &one);
        else if (sc_json_type(value) == SC_JSON_INT && sc_json_get_int(value, 0) > 0)
            *file_id = sc_json_get_int(value, 0);
        else if (sc_json_type(value) != SC_JSON_NULL)
            code = sc_error_field(&one, SC_E_INVALID_VALUE, "file_id",
                                  "file_id must be a whole number from 1 up");
        if (code != SC_OK)
            (void)sc_error_also(&all, &one);
    }
    return all.code == SC_OK ? sc_job_options_check(options, err) : sc_error_copy(err, &all);
}

struct create {
    struct sc_job_options *options; /* owned */
    char *key;                      /* owned; NULL: none */
    int64_t file_id;
    bool dry_run;
};

static const struct sc_query_field create_query_fields[] = {
    SC_QUERY_ROW(FLAG, struct create, dry_run, "dry_run",
                 .help = "Make nothing, answer what it would cost", .example = "true"),
};
static const struct sc_query create_query = SC_QUERY(create_query_fields);

static const struct sc_json_field create_fields[] = {
    { .name = "file_id",
      .type = SC_JSON_INT,
      .min = 1,
      .max = INT64_MAX,
      .help = "The recording; the pipeline noop needs none",
      .example = "1" },
};
static const struct sc_json_shape create_shape = {
    .name = "JobRequest",
    .help = "A job of a file that is there, with any options of a job",
    .request = true,
    SC_SHAPE_FIELDS(create_fields),
    .more = sc_doc_job_option,
};

static void create_done(struct create *c)
{
    sc_job_options_free(c->options);
    free(c->key);
}

static enum sc_code decode_request(struct sc_request *req, struct create *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_query_read(req, &create_query, out, err);
    if (code == SC_OK)
        code = sc_request_idempotency_key(req, &out->key, err);
    if (code == SC_OK)
        code = sc_request_json(req, &doc, err);
    if (code == SC_OK)
        code = decode_create(sc_json_root(doc), &out->file_id, out->options, err);
    return code;
}

static struct sc_done *answer_cost(struct sc_request *req, struct sc_api *api,
                                   const struct create *c)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_cost cost;
    enum sc_code code = sc_pipelines_submit_cost(api->options.pipelines, sc_api_owner(req),
                                                 c->file_id, c->options, &cost, &err);
    if (code == SC_OK)
        sc_cost_view(&body, &cost);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_job_create(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_arrived_done) struct sc_arrived arrived = { 0 };
    SC_AUTO(create_done) struct create c = { .options = sc_job_options_new() };
    enum sc_code code = decode_request(req, &c, &err);
    if (code == SC_OK && c.dry_run)
        return answer_cost(req, api, &c);
    if (code == SC_OK)
        code = sc_pipelines_submit(api->options.pipelines, sc_api_owner(req), c.file_id, c.options,
                                   c.key, &arrived, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 201, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    code = sc_api_job_fields(api, &arrived.job, &w, &err);
    sc_json_end(&w);
    sc_api_arrived_headers(req, &arrived);
    return sc_api_answer(req, code, &err, sc_api_arrived_status(&arrived), &body);
}

/* ---- described ---- */

SC_API_DOC(job_show) = {
    .replies = { { 200, &sc_shape_job } },
    .errors = { SC_E_JOB_NOT_FOUND },
};

SC_API_DOC(job_events) = {
    .query = &event_query,
    .replies = { { 200, &sc_shape_events } },
    .errors = { SC_E_JOB_NOT_FOUND },
};

SC_API_DOC(job_chunks) = {
    .replies = { { 200, &sc_shape_chunks } },
    .errors = { SC_E_JOB_NOT_FOUND },
};

SC_API_DOC(job_cancel) = {
    .replies = { { 200, &sc_shape_job } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_CONFLICT },
};

SC_API_DOC(job_retry) = {
    .replies = { { 200, &sc_shape_job } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_CONFLICT },
};

SC_API_DOC(job_create) = {
    .query = &create_query,
    .body = &create_shape,
    .replies = { { 201, &sc_shape_job, .help = "The job, which is new" },
                 { 200, &sc_shape_job, &sc_shape_cost,
                   .help = "The earlier job that does the same work; with `dry_run` the cost" } },
    .errors = { SC_E_FILE_NOT_FOUND, SC_E_ENGINE_UNAVAILABLE, SC_E_MODEL_ERROR, SC_E_CONFLICT,
                SC_E_IDEMPOTENCY_CONFLICT },
    .flags = SC_DOC_IDEMPOTENT | SC_DOC_LOCATION,
};
