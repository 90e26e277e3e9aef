#include "api/content.h"

#include "base/alloc.h"

#include "base/banned.h"

static enum sc_code add_transcript(void *ctx, const struct sc_transcript *t, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, t->id))
        sc_transcript_view(&page->w, NULL, t, t->version, NULL);
    return SC_OK;
}

/* Query parameters as text of their own; the filter borrows it. */
struct asked {
    char job_id[SC_UUID_TEXT];
    char *language, *model; /* owned; NULL: not given */
};

static void asked_done(struct asked *a)
{
    free(a->language);
    free(a->model);
}

static const char *copy_query(struct sc_request *req, const char *name, char **out)
{
    struct sc_str text = sc_request_query(req, name);
    if (text.ptr != NULL)
        *out = sc_strndup(text.ptr, text.len);
    return *out;
}

static enum sc_code decode_filter(struct sc_request *req, struct sc_transcript_filter *filter,
                                  struct asked *asked, struct sc_error *err)
{
    static const char *const names[] = { "job_id", "file_id", "language", "model", "since",
                                         "until",  "limit",   "cursor",   NULL };
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = sc_query_page(req, SC_CURSOR_TRANSCRIPT, &filter->limit, &filter->before_id, err);
    if (code == SC_OK)
        code = sc_query_number(req, "file_id", &filter->file_id, err);
    if (code == SC_OK)
        code = sc_query_time(req, "since", &filter->since_ms, err);
    if (code == SC_OK)
        code = sc_query_time(req, "until", &filter->until_ms, err);
    filter->language = copy_query(req, "language", &asked->language);
    filter->model = copy_query(req, "model", &asked->model);
    struct sc_str text = sc_request_query(req, "job_id");
    if (code == SC_OK && text.ptr != NULL)
        code = sc_job_id_parse(text, asked->job_id, err);
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
    struct sc_transcript_filter filter = { .owner_id = sc_api_owner(req) };
    SC_AUTO(asked_done) struct asked asked = { .job_id = "" };

    enum sc_code code = decode_filter(req, &filter, &asked, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK && asked.job_id[0] != '\0')
        code = sc_job_find(conn, filter.owner_id, asked.job_id, &job, &err);
    filter.job = job.id;
    if (code == SC_OK)
        code = sc_transcript_page(conn, &filter, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- one transcript ---- */

void sc_content_done(struct sc_content *c)
{
    sc_segments_done(&c->segments);
}

enum sc_code sc_content_find(struct sc_request *req, struct sc_conn *conn,
                             struct sc_transcript *out, struct sc_error *err)
{
    int64_t id;
    enum sc_code code = sc_path_number(req, SC_E_TRANSCRIPT_NOT_FOUND, &id, err);
    return code == SC_OK ? sc_transcript_find(conn, sc_api_owner(req), id, out, err) : code;
}

enum sc_code sc_content_load(struct sc_request *req, struct sc_api *api, int64_t version,
                             struct sc_content *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_content_find(req, conn, &out->t, err);
    if (code != SC_OK)
        return code;
    if (version > out->t.version) {
        return sc_error_field(err, SC_E_VERSION_NOT_FOUND, "version",
                              "transcript %lld has no version %lld; its newest is %d",
                              (long long)out->t.id, (long long)version, out->t.version);
    }
    out->version = version == 0 ? out->t.version : (int)version;
    return sc_transcript_segments(conn, &out->t, out->version, &out->segments, err);
}

struct sc_done *sc_content_list(struct sc_request *req, struct sc_api *api,
                                const struct sc_content_list *list)
{
    static const char *const names[] = { "limit", "cursor", NULL };
    struct sc_error err = { 0 };
    struct sc_transcript t;
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int limit;
    int64_t before;
    enum sc_code code = sc_query_only(req, names, &err);
    if (code == SC_OK)
        code = sc_query_page(req, list->kind, &limit, &before, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = sc_content_find(req, conn, &t, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_page page;
    sc_page_begin(&page, &body, list->name, limit);
    code = list->rows(conn, &t, before, limit + 1, &page, &err);
    sc_page_end(&page, list->kind);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_transcript_show(struct sc_request *req, struct sc_api *api)
{
    static const char *const names[] = { "version", NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_CONTENT content = { 0 };
    int64_t version = 0;
    enum sc_code code = sc_query_only(req, names, &err);
    if (code == SC_OK)
        code = sc_query_number(req, "version", &version, &err);
    if (code == SC_OK)
        code = sc_content_load(req, api, version, &content, &err);
    if (code == SC_OK) {
        struct sc_json w;
        sc_json_begin(&w, &body);
        sc_transcript_view(&w, NULL, &content.t, content.version, &content.segments);
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

static enum sc_code version_rows(struct sc_conn *conn, const struct sc_transcript *t,
                                 int64_t before, int limit, struct sc_page *page,
                                 struct sc_error *err)
{
    return sc_version_list(conn, t->id, before, limit, add_version, page, err);
}

struct sc_done *sc_api_version_list(struct sc_request *req, struct sc_api *api)
{
    return sc_content_list(
        req, api, &(struct sc_content_list){ "versions", SC_CURSOR_VERSION, version_rows });
}

/* The {v} of the path: VERSION_NOT_FOUND when it is no number, since no version has such a name. */
static enum sc_code path_version(struct sc_request *req, int64_t *out, struct sc_error *err)
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
    static const char *const none[] = { NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_CONTENT content = { 0 };
    SC_AUTO_VERSION v = { 0 };
    int64_t version = 0;
    enum sc_code code = sc_query_only(req, none, &err);
    if (code == SC_OK)
        code = path_version(req, &version, &err);
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
