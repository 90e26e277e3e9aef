/* The whole store: what it holds, whether it is sound. */

#include "api/api-internal.h"

#include "base/banned.h"

static void add_table(void *ctx, const char *table, int64_t rows)
{
    sc_json_int(ctx, table, rows);
}

struct sc_done *sc_api_db_info(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_store_info info = { 0 };
    struct sc_json w;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_store_info(api->options.store, &info, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_store_fields(&w, sc_config_now(api->options.config)->data_dir, &info,
                    sc_store_schema_version());
    sc_json_object(&w, SC_STORE_TABLES);
    code = sc_store_tables(api->options.store, add_table, &w, &err);
    sc_json_end(&w);
    sc_json_end(&w);
    return sc_api_answer(req, code, &err, 200, &body);
}

static void add_problem(void *ctx, const char *problem)
{
    sc_json_text(ctx, NULL, problem);
}

/* Damage is told as an error, so that a script sees it, with every problem beside it. */
struct sc_done *sc_api_db_check(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_json w;
    enum sc_code code = sc_request_empty(req, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, SC_STORE_PROBLEMS);
    code = sc_store_check(api->options.store, add_problem, &w, &err);
    if (code != SC_OK && code != SC_E_STORE_DAMAGED)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_json_end(&w);
    sc_check_fields(&w, code == SC_OK ? NULL : &err, sc_request_id(req));
    sc_json_end(&w);
    return sc_reply_json(req, sc_code_http_status(code), &body);
}

/* ---- described ---- */

SC_API_DOC(db_info) = { .replies = { { 200, &sc_shape_store } } };

SC_API_DOC(db_check) = {
    .replies = { { 200, &sc_shape_store_check, .help = "The store is sound" },
                 { 503, &sc_shape_store_check, .help = "`STORE_DAMAGED`, with every problem" } },
};
