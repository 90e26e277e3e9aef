/* Bytes come in: POST /api/upload makes a job of them, POST /api/files/upload only keeps them. */

#include "api/api-internal.h"

#include "base/utf8.h"
#include "http/body.h"

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
    struct sc_error all;
};

static void take_option(void *ctx, struct sc_str name, struct sc_str value)
{
    struct field_walk *walk = ctx;
    struct sc_error one = { 0 };
    if (sc_job_options_set(walk->options, name, value, &one) != SC_OK)
        (void)sc_error_also(&walk->all, &one);
}

/* Form fields as options of a job, or none at all when no job is asked for. */
static enum sc_code decode_fields(struct sc_request *req, struct sc_job_options *options,
                                  struct sc_error *err)
{
    static const char *const none[] = { NULL };
    struct field_walk walk = { .options = options };
    struct sc_known_names known = { .names = none, .what = "form field", .err = err };
    if (options == NULL) {
        sc_request_each_field(req, sc_known_names_visit, &known);
        return known.code;
    }
    sc_request_each_field(req, take_option, &walk);
    return walk.all.code == SC_OK ? sc_job_options_check(options, err)
                                  : sc_error_copy(err, &walk.all);
}

/* Of a form's part it is its own; a body that is the file has none of its own. */
static void put_name(struct sc_request *req, struct sc_str given, struct sc_buf *out)
{
    SC_AUTO_BUF told = { 0 };
    if (sc_request_is_form(req))
        sc_buf_puts(out, sc_request_file(req)->name);
    else if (given.len > 0)
        sc_buf_put_str(out, given); /* of a query, which is UTF-8 */
    else if (sc_request_disposition(req, &told))
        sc_utf8_append_lossy(out, sc_buf_str(&told));
}

enum sc_code sc_api_arrive(struct sc_request *req, struct sc_api *api,
                           const struct sc_api_arrival *how, struct sc_arrived *out,
                           struct sc_error *err)
{
    const struct sc_spooled *file = sc_request_file(req);
    SC_AUTO_BUF name = { 0 };
    put_name(req, how->name, &name);
    struct sc_arrival arrival = {
        .owner_id = sc_api_owner(req),
        .temp_path = file->path,
        .fd = file->fd,
        .size = file->size,
        .sha256 = file->sha256,
        .name = sc_buf_text(&name),
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
    bool dry_run;       /* the asker only wants to know */
    bool waiting;       /* … will wait for the job's end */
    char *key;          /* owned */
    struct sc_str name; /* of a body that is no form; .ptr NULL: none */
};

static void wish_done(struct wish *w)
{
    free(w->key);
}

static const struct sc_query_field upload_fields[] = {
    SC_QUERY_ROW(FLAG, struct wish, dry_run, "dry_run",
                 .help = "Keep nothing, answer what the job would cost", .example = "true"),
    SC_QUERY_ROW(FLAG, struct wish, waiting, "waiting",
                 .help = "You wait for the end of the job: an earlier one that is scheduled for "
                         "later is passed over, or its turn comes at once"),
};
static const struct sc_query upload_query = SC_QUERY(upload_fields);

static const struct sc_query_field file_query_fields[] = {
    SC_QUERY_ROW(TEXT, struct wish, name, "name",
                 .help = "The name of a body that is the file itself", .example = "memo.mp3"),
};
static const struct sc_query file_query = SC_QUERY(file_query_fields);

/* options NULL: no job. */
static enum sc_code decode(struct sc_request *req, struct sc_job_options *options,
                           struct wish *wish, struct sc_error *err)
{
    enum sc_code code =
        sc_query_read(req, options == NULL ? &file_query : &upload_query, wish, err);
    if (code == SC_OK && wish->name.len > 0 && sc_request_is_form(req))
        code = sc_error_field(err, SC_E_INVALID_VALUE, "name",
                              "name names a body that is the file itself; a form names its part");
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
    const struct sc_api_arrival how = { .options = options,
                                        .idempotency_key = wish.key,
                                        .waiting = wish.waiting };
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
    const struct sc_api_arrival how = { .idempotency_key = wish.key, .name = wish.name };
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

/* ---- described ---- */

static const struct sc_json_shape upload_form = {
    .name = "UploadForm",
    .help = "The recording, and any options of a job",
    .request = true,
    .base = &sc_shape_recording,
    .more = sc_doc_job_option,
};
static const struct sc_json_shape file_form = {
    .name = "UploadFileForm",
    .help = "The recording",
    .request = true,
    .base = &sc_shape_recording,
};

SC_API_DOC(upload_job) = {
    .query = &upload_query,
    .form = &upload_form,
    .replies = { { 201, &sc_shape_upload, .help = "The job, which is new" },
                 { 200, &sc_shape_upload, &sc_shape_cost,
                   .help = "The earlier job that does the same work; with `dry_run` the cost" } },
    .errors = { SC_E_FILE_FORMAT, SC_E_AUDIO_TOO_SHORT, SC_E_FILE_TOO_LARGE, SC_E_AUDIO_ERROR,
                SC_E_ENGINE_UNAVAILABLE, SC_E_MODEL_ERROR, SC_E_CONFLICT,
                SC_E_IDEMPOTENCY_CONFLICT },
    .flags = SC_DOC_IDEMPOTENT | SC_DOC_LOCATION,
};

SC_API_DOC(upload_file) = {
    .query = &file_query,
    .form = &file_form,
    .replies = { { 201, &sc_shape_file_upload, .help = "The file, which is new" },
                 { 200, &sc_shape_file_upload, .help = "The file, whose bytes were known" } },
    .errors = { SC_E_FILE_FORMAT, SC_E_AUDIO_TOO_SHORT, SC_E_FILE_TOO_LARGE, SC_E_AUDIO_ERROR,
                SC_E_CONFLICT, SC_E_IDEMPOTENCY_CONFLICT },
    .flags = SC_DOC_IDEMPOTENT | SC_DOC_LOCATION | SC_DOC_RAW,
};
