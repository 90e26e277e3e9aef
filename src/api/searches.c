/* Saved searches: the parameters of GET /api/search under a name. */

#include "api/api-internal.h"
#include "api/search.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "config/value.h"
#include "library/searches.h"

#include "base/banned.h"

/* ---- bodies ---- */

struct search_body {
    struct sc_str name;
    const struct sc_json_value *search;
};

#define SEARCH_HELP                                                                       \
    "The parameters of `GET /api/search` as texts, without `cursor`; times such as `7d` " \
    "count from when it is run"
#define SEARCH_EXAMPLE "{\"q\": \"budget OR tax*\", \"since\": \"30d\"}"

static const struct sc_json_field create_fields[] = {
    SC_BODY(struct search_body, name, TEXT, .required = true, .min = 1, .max = SC_SEARCH_NAME_MAX,
            .help = "Its name, one of a kind", .example = "money"),
    SC_BODY(struct search_body, search, OBJECT, .required = true, .items = SC_JSON_TEXT,
            .help = SEARCH_HELP, .example = SEARCH_EXAMPLE),
};
static const struct sc_json_shape create_shape = {
    .name = "SavedSearchRequest",
    .request = true,
    SC_SHAPE_FIELDS(create_fields),
};
static const struct sc_json_field edit_fields[] = {
    SC_BODY(struct search_body, name, TEXT, .min = 1, .max = SC_SEARCH_NAME_MAX,
            .help = "Another name", .example = "money"),
    SC_BODY(struct search_body, search, OBJECT, .items = SC_JSON_TEXT, .help = SEARCH_HELP,
            .example = SEARCH_EXAMPLE),
};
static const struct sc_json_shape edit_shape = {
    .name = "SavedSearchChange",
    .request = true,
    SC_SHAPE_FIELDS(edit_fields),
};

/* *out owns its texts; what is not given is NULL. */
static enum sc_code decode(struct sc_request *req, const struct sc_json_shape *shape,
                           struct sc_saved_search *out, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO_BUF query = { 0 };
    struct search_body body = { .search = NULL };
    enum sc_code code = sc_request_read(req, shape, &body, &doc, err);
    if (code == SC_OK && body.name.ptr != NULL && !sc_value_is_plain(body.name))
        code = sc_error_field(err, SC_E_INVALID_VALUE, "name", "name holds control signs");
    if (code == SC_OK && body.name.ptr != NULL && sc_str_trim(body.name).len != body.name.len)
        code = sc_error_field(err, SC_E_INVALID_VALUE, "name",
                              "name begins or ends in a blank: leave it out");
    if (code == SC_OK && body.search != NULL)
        code = sc_search_check(body.search, err);
    if (code != SC_OK)
        return code;
    if (body.name.ptr != NULL)
        out->name = sc_strndup(body.name.ptr, body.name.len);
    if (body.search != NULL) {
        sc_json_dump(body.search, &query);
        out->query = sc_buf_take(&query);
    }
    return SC_OK;
}

/* ---- changes ---- */

struct change {
    struct sc_saved_search wanted, then; /* owned */
    int64_t by;
};

static void change_done(struct change *c)
{
    sc_saved_search_done(&c->wanted);
    sc_saved_search_done(&c->then);
}

static void view(struct sc_buf *out, const struct sc_saved_search *s)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_saved_search_view(&w, NULL, s);
}

static enum sc_code write_add(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    return sc_saved_search_add(tx, c->by, sc_clock_wall_ms(), &c->wanted, err);
}

static enum sc_code write_edit(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    return sc_saved_search_edit(tx, c->by, sc_clock_wall_ms(), &c->wanted, &c->then, err);
}

static enum sc_code write_removal(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    return sc_saved_search_remove(tx, c->by, sc_clock_wall_ms(), c->wanted.owner_id, c->wanted.id,
                                  &c->then, err);
}

struct sc_done *sc_api_saved_search_create(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(change_done) struct change c = { .by = sc_api_owner(req) };
    c.wanted.owner_id = c.by;
    enum sc_code code = decode(req, &create_shape, &c.wanted, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_add, &c, &err);
    if (code == SC_OK) {
        sc_api_location(req, "/api/searches/%lld", (long long)c.wanted.id);
        view(&body, &c.wanted);
    }
    return sc_api_answer(req, code, &err, 201, &body);
}

static enum sc_code find(struct sc_request *req, struct change *c, struct sc_error *err)
{
    c->by = c->wanted.owner_id = sc_api_owner(req);
    return sc_path_number(req, SC_E_NOT_FOUND, &c->wanted.id, err);
}

struct sc_done *sc_api_saved_search_edit(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(change_done) struct change c = { .by = 0 };
    enum sc_code code = find(req, &c, &err);
    if (code == SC_OK)
        code = decode(req, &edit_shape, &c.wanted, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_edit, &c, &err);
    if (code == SC_OK)
        view(&body, &c.then);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_saved_search_remove(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(change_done) struct change c = { .by = 0 };
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = find(req, &c, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_removal, &c, &err);
    if (code == SC_OK)
        view(&body, &c.then);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- reading ---- */

static void put_search(void *ctx, const struct sc_saved_search *s)
{
    struct sc_page *page = ctx;
    if (sc_page_take(page, s->id))
        sc_saved_search_view(&page->w, NULL, s);
}

static const struct sc_query_field list_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_SEARCH) };
static const struct sc_query list_query = SC_QUERY(list_fields);

static enum sc_code search_rows(struct sc_request *req, struct sc_conn *conn,
                                const struct sc_query_page *asked, struct sc_page *page,
                                struct sc_error *err)
{
    return sc_saved_search_list(conn, sc_api_owner(req), asked->before, asked->limit, put_search,
                                page, err);
}

struct sc_done *sc_api_saved_search_list(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "searches", SC_CURSOR_SEARCH, &list_query, search_rows };
    return sc_list_answer(req, api, &list, NULL);
}

struct sc_done *sc_api_saved_search_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO(change_done) struct change c = { .by = 0 };
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = find(req, &c, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = sc_saved_search_get(conn, c.by, c.wanted.id, &c.then, &err);
    if (code == SC_OK)
        view(&body, &c.then);
    return sc_api_answer(req, code, &err, 200, &body);
}

SC_API_DOC(saved_search_create) = {
    .body = &create_shape,
    .replies = { { 201, &sc_shape_saved_search } },
    .errors = { SC_E_CONFLICT },
    .flags = SC_DOC_LOCATION,
};
SC_API_DOC(saved_search_list) = { .query = &list_query,
                                  .replies = { { 200, &sc_shape_saved_searches } } };
SC_API_DOC(saved_search_show) = {
    .replies = { { 200, &sc_shape_saved_search } },
    .errors = { SC_E_NOT_FOUND },
};
SC_API_DOC(saved_search_edit) = {
    .body = &edit_shape,
    .replies = { { 200, &sc_shape_saved_search } },
    .errors = { SC_E_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(saved_search_remove) = {
    .replies = { { 200, &sc_shape_saved_search } },
    .errors = { SC_E_NOT_FOUND },
};
