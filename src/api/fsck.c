/* The check of everything that is stored, a slice for each call: whoever asks goes on at the place
 * that the answer names, and nothing is kept here between the calls. */

#include "api/api-internal.h"

#include "library/fsck.h"

#include "base/banned.h"

#define SLICE_MS 200

struct fsck_body {
    struct sc_str after;
    bool audio, repair, accept;
};

static const struct sc_json_field body_fields[] = {
    SC_BODY(struct fsck_body, after, TEXT, .help = "The `next` of the answer before"),
    SC_BODY(struct fsck_body, audio, BOOL, .help = "Read every recording", .example = "false"),
    SC_BODY(struct fsck_body, repair, BOOL, .help = "Restore what can be restored exactly"),
    SC_BODY(struct fsck_body, accept, BOOL,
            .help = "With `repair`: take what cannot be restored as it is now, under a new "
                    "checksum; the history says so"),
};
static const struct sc_json_shape body_shape = {
    .name = "FsckRequest",
    .request = true,
    SC_SHAPE_FIELDS(body_fields),
};

static enum sc_code decode(struct sc_request *req, struct fsck_body *out,
                           struct sc_fsck_place *from, struct sc_json_doc **doc,
                           struct sc_error *err)
{
    enum sc_code code = sc_request_read(req, &body_shape, out, doc, err);
    if (code == SC_OK && out->after.ptr != NULL && !sc_fsck_place_parse(out->after, from))
        return sc_error_field(err, SC_E_INVALID_VALUE, "after",
                              "after must be what an earlier answer gave as next");
    if (code == SC_OK && out->accept && !out->repair)
        return sc_error_field(err, SC_E_INVALID_VALUE, "accept",
                              "accept goes with repair: what can be restored comes first");
    return code;
}

static void add_problem(void *ctx, const struct sc_fsck_problem *problem)
{
    sc_fsck_problem_view(ctx, problem);
}

struct sc_done *sc_api_db_fsck(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct fsck_body asked = { .audio = false };
    struct sc_fsck_place from = { .phase = SC_FSCK_STORE };
    struct sc_fsck_slice slice;
    struct sc_json w;
    enum sc_code code = decode(req, &asked, &from, &doc, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    int64_t owner = sc_api_owner(req);
    struct sc_fsck_options options = {
        .store = api->options.store,
        .blobs = sc_pipelines_blobs(api->options.pipelines),
        .root = sc_config_now(api->options.config)->data_dir,
        .audio = asked.audio,
        .repair = asked.repair,
        .accept = asked.accept,
        .by = owner,
        .reader = owner == SC_LOCAL_OWNER ? 0 : owner,
        .slice_ms = SLICE_MS,
    };
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "problems");
    code = sc_fsck_step(&options, &from, &slice, add_problem, &w, &err);
    sc_json_end(&w);
    if (code == SC_OK)
        sc_fsck_slice_fields(&w, from.phase, &slice);
    sc_json_end(&w);
    return sc_api_answer(req, code, &err, 200, &body);
}

SC_API_DOC(db_fsck) = { .body = &body_shape, .replies = { { 200, &sc_shape_fsck } } };
