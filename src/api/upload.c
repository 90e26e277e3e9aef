/* Bytes come in: POST /api/upload makes a job of them, POST /api/files/upload only keeps them. */

#include "api/api-internal.h"

#include <unistd.h>

#include "base/banned.h"

int sc_api_arrived_status(const struct sc_arrived *arrived)
{
    bool known = arrived->job.id > 0 ? arrived->existing_job : arrived->duplicate;
    return known || arrived->replayed ? 200 : 201;
}

void sc_api_arrived_headers(struct sc_request *req, const struct sc_arrived *arrived)
{
    char location[64];
    if (arrived->job.id > 0)
        (void)snprintf(location, sizeof(location), "/api/jobs/%s", arrived->job.job_id);
    else
        (void)snprintf(location, sizeof(location), "/api/files/%lld", (long long)arrived->file.id);
    sc_reply_header(req, "Location", location);
    if (arrived->replayed)
        sc_reply_header(req, "Idempotent-Replayed", "true");
}

struct field_walk {
    struct sc_job_options *options;
    enum sc_code code;
    struct sc_error *err;
};

static void take_option(void *ctx, struct sc_str name, struct sc_str value)
{
    struct field_walk *walk = ctx;
    if (walk->code == SC_OK)
        walk->code = sc_job_options_set(walk->options, name, value, walk->err);
}

/* Form fields as options of a job, or none at all when no job is asked for. */
static enum sc_code decode_fields(struct sc_request *req, struct sc_job_options *options,
                                  struct sc_error *err)
{
    static const char *const none[] = { NULL };
    struct field_walk walk = { .options = options, .err = err };
    struct sc_known_names known = { .names = none, .what = "form field", .err = err };
    if (options == NULL) {
        sc_request_each_field(req, sc_known_names_visit, &known);
        return known.code;
    }
    sc_request_each_field(req, take_option, &walk);
    return walk.code == SC_OK ? sc_job_options_check(options, err) : walk.code;
}

enum sc_code sc_api_arrive(struct sc_request *req, struct sc_api *api,
                           const struct sc_api_arrival *how, struct sc_arrived *out,
                           struct sc_error *err)
{
    const struct sc_spooled *file = sc_request_file(req);
    struct sc_arrival arrival = {
        .owner_id = sc_api_owner(req),
        .temp_path = file->path,
        .fd = file->fd,
        .size = file->size,
        .sha256 = file->sha256,
        .name = file->name,
        .source = "api",
        .idempotency_key = how->idempotency_key,
        .min_duration_ms = how->min_duration_ms,
        .waiting = how->waiting,
        .asked_by = sc_request_path(req),
    };
    enum sc_code code =
        sc_pipelines_arrive(api->options.pipelines, &arrival, how->options, out, err);
    /* What is refused has gone before the refusal is read; the request itself ends a little later.
     */
    if (code != SC_OK)
        (void)unlink(file->path);
    sc_request_file_taken(req);
    return code;
}

struct wish {
    bool dry_run; /* the asker only wants to know */
    bool waiting; /* … will wait for the job's end */
    char *key;    /* owned */
};

static void wish_done(struct wish *w)
{
    free(w->key);
}

/* options NULL: no job. */
static enum sc_code decode(struct sc_request *req, struct sc_job_options *options,
                           struct wish *wish, struct sc_error *err)
{
    static const char *const none[] = { NULL };
    static const char *const names[] = { "dry_run", "waiting", NULL };
    enum sc_code code = sc_query_only(req, options == NULL ? none : names, err);
    if (code == SC_OK)
        code = sc_query_flag(req, "dry_run", &wish->dry_run, err);
    if (code == SC_OK)
        code = sc_query_flag(req, "waiting", &wish->waiting, err);
    if (code == SC_OK)
        code = sc_request_idempotency_key(req, &wish->key, err);
    if (code == SC_OK)
        code = decode_fields(req, options, err);
    if (code == SC_OK && sc_request_file(req) == NULL) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "file",
                              "no recording came: send it as the form's part 'file'");
    }
    return code;
}

/* What it would cost; the spooled bytes go with the request. */
static struct sc_done *answer_cost(struct sc_request *req, struct sc_api *api,
                                   struct sc_job_options *options)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_cost cost;
    const struct sc_spooled *file = sc_request_file(req);
    const struct sc_arrival arrival = {
        .owner_id = sc_api_owner(req),
        .fd = file->fd,
        .size = file->size,
        .sha256 = file->sha256,
        .name = file->name,
    };
    enum sc_code code =
        sc_pipelines_arrive_cost(api->options.pipelines, &arrival, options, &cost, &err);
    if (code == SC_OK)
        sc_cost_view(&body, &cost);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_upload_job(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    SC_AUTO(sc_arrived_done) struct sc_arrived arrived = { 0 };
    SC_AUTO(wish_done) struct wish wish = { 0 };
    enum sc_code code = decode(req, options, &wish, &err);
    if (code == SC_OK && wish.dry_run)
        return answer_cost(req, api, options);
    const struct sc_api_arrival how = { options, wish.key, 0, wish.waiting };
    if (code == SC_OK)
        code = sc_api_arrive(req, api, &how, &arrived, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 201, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_arrived_fields(&w, &arrived);
    code = sc_api_job_fields(api, &arrived.job, &w, &err);
    sc_json_end(&w);
    sc_api_arrived_headers(req, &arrived);
    return sc_api_answer(req, code, &err, sc_api_arrived_status(&arrived), &body);
}

struct sc_done *sc_api_upload_file(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_arrived_done) struct sc_arrived arrived = { 0 };
    SC_AUTO(wish_done) struct wish wish = { 0 };
    enum sc_code code = decode(req, NULL, &wish, &err);
    const struct sc_api_arrival how = { NULL, wish.key, 0, false };
    if (code == SC_OK)
        code = sc_api_arrive(req, api, &how, &arrived, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 201, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    sc_arrived_fields(&w, &arrived);
    sc_file_fields(&w, &arrived.file);
    sc_json_end(&w);
    sc_api_arrived_headers(req, &arrived);
    return sc_api_answer(req, SC_OK, &err, sc_api_arrived_status(&arrived), &body);
}
