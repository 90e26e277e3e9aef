#include "api/content.h"

#include "base/alloc.h"
#include "http/answer.h"

#include "base/banned.h"

static enum sc_code add_transcript(void *ctx, const struct sc_transcript *t, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, t->id))
        sc_transcript_view(&page->w, NULL, t, t->version, NULL);
    return SC_OK;
}

struct asked {
    struct sc_transcript_filter filter;
    struct sc_query_page page;
    struct sc_str job, model, tag; /* as asked */
    char job_id[SC_UUID_TEXT];
    char language[SC_LANGUAGE_TEXT]; /* what the filter borrows, as the next ones */
    char *owned[2];
};

static void asked_done(struct asked *a)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(a->owned); i++)
        free(a->owned[i]);
}

static const struct sc_query_field list_fields[] = {
    SC_QUERY_ROW(TEXT, struct asked, job, "job_id", .format = "uuid", .help = "Of this job"),
    SC_QUERY_ROW(NUMBER, struct asked, filter.file_id, "file_id", .help = "Of this recording",
                 .example = "1"),
    SC_QUERY_ROW(LANGUAGE, struct asked, language, "language",
                 .help = "Of the text: a code, or an English name", .example = "en"),
    SC_QUERY_ROW(TEXT, struct asked, model, "model", .help = "Of the job"),
    SC_QUERY_ROW(TEXT, struct asked, tag, "tag", .help = "With this tag", .example = "interview"),
    SC_QUERY_ROW(TIME, struct asked, filter.since_ms, "since", .help = "Made from this time on",
                 .example = "7d"),
    SC_QUERY_ROW(TIME, struct asked, filter.until_ms, "until", .help = "Made before this time"),
    SC_QUERY_LIMIT_ROW(struct asked, page.limit),
    SC_QUERY_ROW(CURSOR, struct asked, page.before, "cursor", .cursor = SC_CURSOR_TRANSCRIPT,
                 .help = SC_QUERY_CURSOR_HELP),
};
static const struct sc_query list_query = SC_QUERY(list_fields);

static const char *own(struct sc_str text, char **out)
{
    if (text.ptr != NULL)
        *out = sc_strndup(text.ptr, text.len);
    return *out;
}

static enum sc_code decode_filter(struct sc_request *req, struct asked *asked, struct sc_error *err)
{
    struct sc_transcript_filter *filter = &asked->filter;
    asked->page.limit = SC_LIMIT_DEFAULT;
    enum sc_code code = sc_query_read(req, &list_query, asked, err);
    filter->owner_id = sc_api_owner(req);
    filter->limit = asked->page.limit;
    filter->before_id = asked->page.before;
    filter->language = asked->language[0] == '\0' ? NULL : asked->language;
    filter->model = own(asked->model, &asked->owned[0]);
    filter->tag = own(asked->tag, &asked->owned[1]);
    if (code == SC_OK && asked->job.ptr != NULL)
        code = sc_job_id_parse(asked->job, asked->job_id, err);
    return code;
}

enum sc_code sc_transcript_page(struct sc_conn *conn, struct sc_transcript_filter *filter,
                                struct sc_buf *body, struct sc_error *err)
{
    struct sc_page page;
    sc_page_begin(&page, body, "transcripts", filter->limit);
    filter->limit++;
    enum sc_code code = sc_transcript_list(conn, filter, add_transcript, &page, err);
    sc_page_end(&page, SC_CURSOR_TRANSCRIPT);
    return code;
}

struct sc_done *sc_api_transcript_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO(asked_done) struct asked asked = { .job_id = "" };

    enum sc_code code = decode_filter(req, &asked, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK && asked.job_id[0] != '\0')
        code = sc_job_find(conn, asked.filter.owner_id, asked.job_id, &job, &err);
    asked.filter.job = job.id;
    if (code == SC_OK)
        code = sc_transcript_page(conn, &asked.filter, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- one transcript ---- */

void sc_content_done(struct sc_content *c)
{
    sc_segments_done(&c->segments);
    sc_marks_done(&c->marks);
}

enum sc_code sc_content_find(struct sc_request *req, struct sc_conn *conn,
                             struct sc_transcript *out, struct sc_error *err)
{
    int64_t id;
    enum sc_code code = sc_path_number(req, SC_E_TRANSCRIPT_NOT_FOUND, &id, err);
    return code == SC_OK ? sc_transcript_find(conn, sc_api_owner(req), id, out, err) : code;
}

/* What the transcript's row says of the current version, said of an earlier one. */
static enum sc_code take_figures(struct sc_conn *conn, struct sc_content *c, struct sc_error *err)
{
    SC_AUTO_VERSION v = { 0 };
    enum sc_code code = sc_version_find(conn, c->t.id, c->version, &v, err);
    if (code != SC_OK)
        return code;
    c->t.segment_count = v.segment_count;
    c->t.word_count = v.word_count;
    c->t.updated_ms = v.created_ms;
    return SC_OK;
}

enum sc_code sc_content_open(struct sc_request *req, struct sc_conn *conn, int64_t version,
                             struct sc_content *out, struct sc_error *err)
{
    enum sc_code code = sc_content_find(req, conn, &out->t, err);
    if (code == SC_OK)
        code = sc_marks_get(conn, SC_MARKED_TRANSCRIPT, out->t.id, &out->marks, err);
    if (code != SC_OK)
        return code;
    out->t.marks = &out->marks;
    if (version > out->t.version) {
        return sc_error_field(err, SC_E_VERSION_NOT_FOUND, "version",
                              "transcript %lld has no version %lld; its newest is %d",
                              (long long)out->t.id, (long long)version, out->t.version);
    }
    out->version = version == 0 ? out->t.version : (int)version;
    return out->version == out->t.version ? SC_OK : take_figures(conn, out, err);
}

static enum sc_code take_hash(struct sc_conn *conn, struct sc_content *c, struct sc_error *err)
{
    SC_AUTO_VERSION v = { 0 };
    enum sc_code code = sc_version_find(conn, c->t.id, c->version, &v, err);
    if (code == SC_OK)
        memcpy(c->content_hash, v.content_hash, sizeof(c->content_hash));
    return code;
}

enum sc_code sc_content_load(struct sc_request *req, struct sc_api *api, int64_t version,
                             struct sc_content *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_content_open(req, conn, version, out, err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &out->t, out->version, &out->segments, err);
    return code == SC_OK && out->version > 0 ? take_hash(conn, out, err) : code;
}

struct shown {
    int64_t version; /* 0: the current one */
};

static const struct sc_query_field show_fields[] = {
    SC_QUERY_ROW(NUMBER, struct shown, version, "version",
                 .help = "An earlier version; the current one unless given", .example = "1"),
};
static const struct sc_query show_query = SC_QUERY(show_fields);

static void tell_version(struct sc_request *req, const struct sc_content *c)
{
    struct sc_etag_version v = { .id = c->t.id, .version = c->version };
    (void)snprintf(v.digits, sizeof(v.digits), "%.16s", c->content_hash);
    sc_reply_is_version(req, &v);
}

struct sc_done *sc_api_transcript_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_CONTENT content = { 0 };
    struct shown asked = { .version = 0 };
    enum sc_code code = sc_query_read(req, &show_query, &asked, &err);
    if (code == SC_OK)
        code = sc_content_load(req, api, asked.version, &content, &err);
    if (code == SC_OK) {
        struct sc_json w;
        sc_json_begin(&w, &body);
        sc_transcript_view(&w, NULL, &content.t, content.version, &content.segments);
        tell_version(req, &content);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- versions ---- */

static enum sc_code add_version(void *ctx, const struct sc_version *v, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, v->version))
        sc_version_view(&page->w, NULL, v, NULL);
    return SC_OK;
}

static enum sc_code version_rows(struct sc_request *req, struct sc_conn *conn,
                                 const struct sc_query_page *asked, struct sc_page *page,
                                 struct sc_error *err)
{
    struct sc_transcript t;
    enum sc_code code = sc_content_find(req, conn, &t, err);
    return code == SC_OK
               ? sc_version_list(conn, t.id, asked->before, asked->limit, add_version, page, err)
               : code;
}

static const struct sc_query_field version_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_VERSION) };
static const struct sc_query version_query = SC_QUERY(version_fields);

struct sc_done *sc_api_version_list(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "versions", SC_CURSOR_VERSION, &version_query,
                                         version_rows };
    return sc_list_answer(req, api, &list, NULL);
}

enum sc_code sc_path_version(struct sc_request *req, int64_t *out, struct sc_error *err)
{
    struct sc_str text = sc_request_param(req, "v");
    char quoted[SC_QUOTED_TEXT];
    if (!sc_str_to_int64(text, out) || *out < 1)
        return sc_error_set(err, SC_E_VERSION_NOT_FOUND, "no such version: '%s'",
                            sc_quote(text, quoted));
    return SC_OK;
}

static enum sc_code read_version(struct sc_api *api, const struct sc_content *content,
                                 struct sc_version *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    return code == SC_OK ? sc_version_find(conn, content->t.id, content->version, out, err) : code;
}

struct sc_done *sc_api_version_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_CONTENT content = { 0 };
    SC_AUTO_VERSION v = { 0 };
    int64_t version = 0;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_path_version(req, &version, &err);
    if (code == SC_OK)
        code = sc_content_load(req, api, version, &content, &err);
    if (code == SC_OK)
        code = read_version(api, &content, &v, &err);
    if (code == SC_OK) {
        struct sc_json w;
        sc_json_begin(&w, &body);
        sc_version_view(&w, NULL, &v, &content.segments);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(transcript_list) = {
    .query = &list_query,
    .replies = { { 200, &sc_shape_transcripts } },
    .errors = { SC_E_JOB_NOT_FOUND },
};
SC_API_DOC(transcript_show) = {
    .query = &show_query,
    .replies = { { 200, &sc_shape_transcript } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND },
};
SC_API_DOC(version_list) = {
    .query = &version_query,
    .replies = { { 200, &sc_shape_versions } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND },
};
SC_API_DOC(version_show) = {
    .replies = { { 200, &sc_shape_version } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND },
};
