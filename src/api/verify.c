/* Verifications of files: started, followed, cancelled. */

#include "api/api-internal.h"

#include "pipeline/verify.h"

#include "base/banned.h"

#define PATIENCE_MS 20000 /* of a call about one file */

/* The run as it stands, after at most wait_ms: 200 when it has ended, 202 while it goes on. */
static struct sc_done *answer_run(struct sc_request *req, struct sc_api *api, int64_t run,
                                  int64_t wait_ms)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_verification_done) struct sc_verification v = { 0 };
    enum sc_code code =
        sc_verify_look(api->options.pipelines, sc_api_owner(req), run, wait_ms, &v, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_api_location(req, "/api/files/verify/%lld", (long long)run);
    sc_verification_view(&body, &v);
    return sc_api_answer(req, SC_OK, &err, v.state >= SC_VERIFY_COMPLETED ? 200 : 202, &body);
}

static enum sc_code decode_ids(const struct sc_json_value *list, int64_t *ids, size_t *count,
                               struct sc_error *err)
{
    size_t n = list == NULL ? 0 : sc_json_count(list);
    if (list != NULL && (n == 0 || n > SC_VERIFY_IDS)) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "file_ids",
                              "file_ids must name 1 to %d files; leave it out for all",
                              SC_VERIFY_IDS);
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = sc_json_get_int(sc_json_at(list, i), 0);
        if (ids[i] < 1)
            return sc_error_field(err, SC_E_INVALID_VALUE, "file_ids",
                                  "file_ids must hold numbers of files");
    }
    *count = n;
    return SC_OK;
}

struct verify_body {
    const struct sc_json_value *file_ids;
};

static const struct sc_json_field start_fields[] = {
    SC_BODY(struct verify_body, file_ids, ARRAY, .items = SC_JSON_INT,
            .help = "1 to 500 files; all of them unless given", .example = "[1]"),
};
static const struct sc_json_shape start_shape = {
    .name = "VerifyRequest",
    .request = true,
    SC_SHAPE_FIELDS(start_fields),
};

struct sc_done *sc_api_verify_start(struct sc_request *req, struct sc_api *api)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct verify_body body = { NULL };
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    int64_t ids[SC_VERIFY_IDS], run = 0;
    size_t count = 0;
    enum sc_code code = SC_OK;
    if (sc_request_body(req).len > 0)
        code = sc_request_read(req, &start_shape, &body, &doc, &err);
    else
        code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = decode_ids(body.file_ids, ids, &count, &err);
    if (code == SC_OK)
        code = sc_verify_start(api->options.pipelines, sc_api_owner(req), ids, count, &run, &err);
    return code == SC_OK ? answer_run(req, api, run, 0)
                         : sc_api_answer(req, code, &err, 202, &none);
}

struct sc_done *sc_api_file_verify(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    int64_t id, run = 0;
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_verify_start(api->options.pipelines, sc_api_owner(req), &id, 1, &run, &err);
    return code == SC_OK ? answer_run(req, api, run, PATIENCE_MS)
                         : sc_api_answer(req, code, &err, 200, &none);
}

struct sc_done *sc_api_verify_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    int64_t run = 0;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_NOT_FOUND, &run, &err);
    return code == SC_OK ? answer_run(req, api, run, 0)
                         : sc_api_answer(req, code, &err, 200, &none);
}

struct sc_done *sc_api_verify_cancel(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF none = { 0 };
    int64_t run = 0;
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_NOT_FOUND, &run, &err);
    if (code == SC_OK)
        code = sc_verify_cancel(api->options.pipelines, sc_api_owner(req), run, &err);
    return code == SC_OK ? answer_run(req, api, run, PATIENCE_MS)
                         : sc_api_answer(req, code, &err, 200, &none);
}

/* ---- described ---- */

#define GOES_ON                                           \
    {                                                     \
        202, &sc_shape_verification, .help = "It goes on" \
    }
#define ENDED                                               \
    {                                                       \
        200, &sc_shape_verification, .help = "It has ended" \
    }

SC_API_DOC(verify_start) = {
    .body = &start_shape,
    .replies = { GOES_ON, ENDED },
    .errors = { SC_E_FILE_NOT_FOUND },
    .flags = SC_DOC_BODY_OPTIONAL | SC_DOC_LOCATION,
};
SC_API_DOC(file_verify) = {
    .replies = { ENDED, GOES_ON },
    .errors = { SC_E_FILE_NOT_FOUND },
    .flags = SC_DOC_LOCATION,
};
SC_API_DOC(verify_show) = {
    .replies = { ENDED, GOES_ON },
    .errors = { SC_E_NOT_FOUND },
    .flags = SC_DOC_LOCATION,
};
SC_API_DOC(verify_cancel) = {
    .replies = { ENDED, GOES_ON },
    .errors = { SC_E_NOT_FOUND },
    .flags = SC_DOC_LOCATION,
};
