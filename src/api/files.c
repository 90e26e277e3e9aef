#include "api/api-internal.h"

#include "base/alloc.h"

#include "base/banned.h"

static enum sc_code add_file(void *ctx, const struct sc_file *file, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, file->id))
        sc_file_view(&page->w, NULL, file);
    return SC_OK;
}

static bool is_hash(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return text.len == SC_SHA256_TEXT - 1;
}

/* The texts become the caller's. */
static enum sc_code decode_filter(struct sc_request *req, struct sc_file_filter *filter,
                                  char **hash, char **name, struct sc_error *err)
{
    static const char *const names[] = { "hash", "name", "limit", "cursor", NULL };
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = sc_query_page(req, SC_CURSOR_FILE, &filter->limit, &filter->before_id, err);
    if (code != SC_OK)
        return code;
    struct sc_str text = sc_request_query(req, "hash");
    if (text.ptr != NULL && !is_hash(text)) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "hash",
                              "hash must be a SHA-256 in 64 lower-case hexadecimal digits");
    }
    if (text.ptr != NULL)
        filter->hash = *hash = sc_strndup(text.ptr, text.len);
    text = sc_request_query(req, "name");
    if (text.ptr != NULL)
        filter->name = *name = sc_strndup(text.ptr, text.len);
    return SC_OK;
}

struct sc_done *sc_api_file_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_FREE char *hash = NULL;
    SC_AUTO_FREE char *name = NULL;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_file_filter filter = { .owner_id = sc_api_owner(req) };

    enum sc_code code = decode_filter(req, &filter, &hash, &name, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_page page;
    sc_page_begin(&page, &body, "files", filter.limit);
    filter.limit++;
    code = sc_file_list(conn, &filter, add_file, &page, &err);
    sc_page_end(&page, SC_CURSOR_FILE);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_show(struct sc_request *req, struct sc_api *api)
{
    static const char *const none[] = { NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t id;

    enum sc_code code = sc_query_only(req, none, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = sc_file_find(conn, sc_api_owner(req), id, &file, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_file_view(&w, NULL, &file);
    return sc_api_answer(req, SC_OK, &err, 200, &body);
}
