/* The whole store: what it holds, whether it is sound. */

#include "api/api-internal.h"

#include "base/banned.h"

static void add_table(void *ctx, const char *table, int64_t rows)
{
    sc_json_int(ctx, table, rows);
}

struct sc_done *sc_api_db_info(struct sc_request *req, struct sc_api *api)
{
    static const char *const none[] = { NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_store_info info = { 0 };
    struct sc_json w;
    enum sc_code code = sc_query_only(req, none, &err);
    if (code == SC_OK)
        code = sc_store_info(api->options.store, &info, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_store_fields(&w, &info, sc_store_schema_version());
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

/* That the store is damaged is what was asked, so the answer is 200 with the problems found. */
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
    sc_json_end(&w);
    sc_check_fields(&w, code == SC_OK);
    sc_json_end(&w);
    return sc_api_answer(req, code == SC_E_STORE_DAMAGED ? SC_OK : code, &err, 200, &body);
}
