/* What was exported. */

#include "api/content.h"

#include "base/banned.h"

static enum sc_code add_export(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (!sc_page_take(page, row->id))
        return SC_OK;
    sc_export_view(&page->w, NULL, row);
    return SC_OK;
}

static enum sc_code export_rows(struct sc_request *req, struct sc_conn *conn,
                                const struct sc_query_page *asked, struct sc_page *page,
                                struct sc_error *err)
{
    struct sc_transcript t;
    enum sc_code code = sc_content_find(req, conn, &t, err);
    return code == SC_OK
               ? sc_export_list(conn, t.id, asked->before, asked->limit, add_export, page, err)
               : code;
}

static const struct sc_query_field exports_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_EXPORT) };
static const struct sc_query exports_query = SC_QUERY(exports_fields);

struct sc_done *sc_api_transcript_exports(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "exports", SC_CURSOR_EXPORT, &exports_query, export_rows };
    return sc_list_answer(req, api, &list, NULL);
}

/* ---- one ---- */

struct wanted {
    int64_t id;
    struct sc_buf *out;
};

static enum sc_code put_wanted(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct wanted *wanted = ctx;
    struct sc_json w;
    (void)err;
    if (row->id != wanted->id)
        return SC_OK;
    sc_json_begin(&w, wanted->out);
    sc_export_view(&w, NULL, row);
    return SC_OK;
}

/* The {n} of the path. */
static enum sc_code show_one(struct sc_request *req, struct sc_conn *conn, struct sc_buf *out,
                             struct sc_error *err)
{
    struct sc_transcript t;
    struct wanted wanted = { .out = out };
    struct sc_str text = sc_request_param(req, "n");
    char quoted[SC_QUOTED_TEXT];
    enum sc_code code = sc_content_find(req, conn, &t, err);
    if (code == SC_OK && sc_str_to_int64(text, &wanted.id) && wanted.id > 0 &&
        wanted.id < INT64_MAX)
        code = sc_export_list(conn, t.id, wanted.id + 1, 1, put_wanted, &wanted, err);
    if (code == SC_OK && out->len == 0)
        code = sc_error_set(err, SC_E_NOT_FOUND, "no such export: '%s'", sc_quote(text, quoted));
    return code;
}

struct sc_done *sc_api_transcript_kept(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = show_one(req, conn, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(transcript_exports) = {
    .query = &exports_query,
    .replies = { { 200, &sc_shape_exports } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND },
};

SC_API_DOC(transcript_kept) = {
    .replies = { { 200, &sc_shape_export_row } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_NOT_FOUND },
};
