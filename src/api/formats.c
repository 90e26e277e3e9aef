/* The formats that there are, and which of them exports may be made in. */

#include "api/formats.h"
#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "library/transcripts.h"

#include "base/banned.h"

struct sc_done *sc_api_format_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_formats_active active;
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK)
        code = sc_formats_active(conn, &active, &err);
    if (code == SC_OK)
        sc_formats_view(&body, &active);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- switched ---- */

struct format_change {
    const struct sc_format *format;
    bool is_active;
    int64_t by;
};

static const struct sc_json_field change_fields[] = {
    SC_BODY(struct format_change, is_active, BOOL, .required = true,
            .help = "May exports be made in it?", .example = "false"),
};
static const struct sc_json_shape change_shape = {
    .name = "FormatChange",
    .request = true,
    SC_SHAPE_FIELDS(change_fields),
};

static enum sc_code write_switch(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct format_change *c = ctx;
    return sc_format_switch(tx, c->format, c->is_active, c->by, sc_clock_wall_ms(), err);
}

static enum sc_code find_format(struct sc_request *req, const struct sc_format **out,
                                struct sc_error *err)
{
    struct sc_str text = sc_request_param(req, "format");
    SC_AUTO_FREE char *name = sc_strndup(text.ptr, text.len);
    char quoted[SC_QUOTED_TEXT];
    *out = sc_format_find(name);
    return *out != NULL ? SC_OK
                        : sc_error_set(err, SC_E_NOT_FOUND, "no such format: '%s'; there are %s",
                                       sc_quote(text, quoted), sc_format_names());
}

struct sc_done *sc_api_format_edit(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct format_change c = { .by = sc_api_owner(req) };
    enum sc_code code = find_format(req, &c.format, &err);
    if (code == SC_OK)
        code = sc_request_read(req, &change_shape, &c, &doc, &err);
    if (code == SC_OK)
        code = sc_store_write(api->options.store, SC_DURABLE, write_switch, &c, &err);
    if (code == SC_OK)
        sc_format_view(&body, c.format, c.is_active);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(format_list) = { .replies = { { 200, &sc_shape_formats } } };

SC_API_DOC(format_edit) = {
    .body = &change_shape,
    .replies = { { 200, &sc_shape_format } },
    .errors = { SC_E_NOT_FOUND },
};
