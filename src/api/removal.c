/* Deleting files and jobs. */

#include "api/api-internal.h"

#include "base/banned.h"

/* ?force=1 and no more, and no body. */
static enum sc_code decode_force(struct sc_request *req, bool *force, struct sc_error *err)
{
    static const char *const names[] = { "force", NULL };
    enum sc_code code = sc_query_only(req, names, err);
    return code == SC_OK ? sc_query_flag(req, "force", force, err) : code;
}

struct sc_done *sc_api_job_delete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    char id[SC_UUID_TEXT];
    bool force = false;
    enum sc_code code = decode_force(req, &force, &err);
    if (code == SC_OK)
        code = sc_path_job_id(req, id, &err);
    if (code == SC_OK)
        code = sc_pipelines_delete_job(api->options.pipelines, sc_api_owner(req), id, force, &err);
    if (code == SC_OK)
        sc_job_deleted_view(&body, id);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_delete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_file_uses gone = { 0 };
    int64_t id = 0;
    bool force = false;
    enum sc_code code = decode_force(req, &force, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_pipelines_delete_file(api->options.pipelines, sc_api_owner(req), id, force, &gone,
                                        &err);
    if (code == SC_OK)
        sc_file_deleted_view(&body, id, &gone);
    return sc_api_answer(req, code, &err, 200, &body);
}
