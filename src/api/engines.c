#include "api/api-internal.h"

#include "base/banned.h"

struct sc_done *sc_api_engine_list(struct sc_request *req, struct sc_api *api)
{
    static const char *const none[] = { NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    enum sc_code code = sc_query_only(req, none, &err);
    if (code == SC_OK)
        code = sc_pipelines_engines(api->options.pipelines, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}
