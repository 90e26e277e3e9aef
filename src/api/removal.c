/* Deleting files, jobs and transcripts; archiving; cleaning. */

#include "api/api-internal.h"

#include "base/clock.h"

#include "base/banned.h"

#define CLEAN_DAYS 30
#define DAY_MS INT64_C(86400000)

struct force {
    bool force;
};

static const struct sc_query_field job_force_fields[] = {
    SC_QUERY_ROW(FLAG, struct force, force, "force",
                 .help = "Cancel it first where it has not ended", .example = "true"),
};
static const struct sc_query job_force_query = SC_QUERY(job_force_fields);

static const struct sc_query_field file_force_fields[] = {
    SC_QUERY_ROW(FLAG, struct force, force, "force",
                 .help = "With its jobs and all that was made of it", .example = "true"),
};
static const struct sc_query file_force_query = SC_QUERY(file_force_fields);

struct sc_done *sc_api_job_delete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    char id[SC_UUID_TEXT];
    struct force asked = { .force = false };
    enum sc_code code = sc_query_read(req, &job_force_query, &asked, &err);
    if (code == SC_OK)
        code = sc_path_job_id(req, id, &err);
    if (code == SC_OK)
        code = sc_pipelines_delete_job(api->options.pipelines, sc_api_owner(req), id, asked.force,
                                       &err);
    if (code == SC_OK)
        sc_job_deleted_view(&body, id);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_transcript_delete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    int64_t id = 0;
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_TRANSCRIPT_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_pipelines_delete_transcript(api->options.pipelines, sc_api_owner(req), id, &err);
    if (code == SC_OK)
        sc_transcript_deleted_view(&body, id);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_delete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_file_uses gone = { 0 };
    int64_t id = 0;
    struct force asked = { .force = false };
    enum sc_code code = sc_query_read(req, &file_force_query, &asked, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &id, &err);
    if (code == SC_OK)
        code = sc_pipelines_delete_file(api->options.pipelines, sc_api_owner(req), id, asked.force,
                                        &gone, &err);
    if (code == SC_OK)
        sc_file_deleted_view(&body, id, &gone);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- archive and restore: the answer is the file or job as it is then ---- */

static enum sc_code show_file(struct sc_request *req, struct sc_api *api, int64_t id,
                              struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO_FILE file = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_file_find(conn, sc_api_owner(req), id, &file, err);
    if (code != SC_OK)
        return code;
    struct sc_json w;
    sc_json_begin(&w, body);
    sc_file_view(&w, NULL, &file);
    return SC_OK;
}

static struct sc_done *move_file(struct sc_request *req, struct sc_api *api, bool archive)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_archiving what = { .owner_id = sc_api_owner(req), .archive = archive };
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_FILE_NOT_FOUND, &what.file_id, &err);
    if (code == SC_OK)
        code = sc_pipelines_archive(api->options.pipelines, &what, &err);
    if (code == SC_OK)
        code = show_file(req, api, what.file_id, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_file_archive(struct sc_request *req, struct sc_api *api)
{
    return move_file(req, api, true);
}

struct sc_done *sc_api_file_restore(struct sc_request *req, struct sc_api *api)
{
    return move_file(req, api, false);
}

static enum sc_code show_job(struct sc_request *req, struct sc_api *api, const char *id,
                             struct sc_buf *body, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        enum sc_code code = sc_store_read(api->options.store, &conn, err);
        if (code == SC_OK)
            code = sc_job_find(conn, sc_api_owner(req), id, &job, err);
        if (code != SC_OK)
            return code;
    }
    struct sc_json w;
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    enum sc_code code = sc_api_job_fields(api, &job, &w, err);
    sc_json_end(&w);
    return code;
}

static struct sc_done *move_job(struct sc_request *req, struct sc_api *api, bool archive)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    char id[SC_UUID_TEXT];
    struct sc_archiving what = { .owner_id = sc_api_owner(req), .job_id = id, .archive = archive };
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = sc_path_job_id(req, id, &err);
    if (code == SC_OK)
        code = sc_pipelines_archive(api->options.pipelines, &what, &err);
    if (code == SC_OK)
        code = show_job(req, api, id, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_job_archive(struct sc_request *req, struct sc_api *api)
{
    return move_job(req, api, true);
}

struct sc_done *sc_api_job_restore(struct sc_request *req, struct sc_api *api)
{
    return move_job(req, api, false);
}

/* ---- clean ---- */

struct clean_body {
    struct sc_str kind;
    int64_t older_than_days;
    bool dry_run;
};

static const struct sc_json_field clean_fields[] = {
    SC_BODY(struct clean_body, kind, TEXT, .required = true, .words = sc_words_clean_kind,
            .help = "What to look for", .example = "orphans"),
    SC_BODY(struct clean_body, older_than_days, INT, .max = 36500,
            .help = "Only what is older; 30 unless given", .example = "30"),
    SC_BODY(struct clean_body, dry_run, BOOL, .help = "Remove nothing; true unless given",
            .example = "true"),
};
static const struct sc_json_shape clean_shape = {
    .name = "CleanFilesRequest",
    .request = true,
    SC_SHAPE_FIELDS(clean_fields),
};

static enum sc_code decode_clean(struct sc_request *req, struct sc_clean_files *out,
                                 struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct clean_body body = { .older_than_days = CLEAN_DAYS, .dry_run = true };
    enum sc_code code = sc_request_read(req, &clean_shape, &body, &doc, err);
    if (code != SC_OK)
        return code;
    int kind = 0;
    /* The table lets only known words in. */
    while (kind + 1 < SC_CLEAN_KIND_COUNT_ &&
           !sc_str_equal(body.kind, sc_str_from(sc_clean_kind_to_string(kind))))
        kind++;
    out->kind = (enum sc_clean_kind)kind;
    out->before_ms = sc_clock_wall_ms() - body.older_than_days * DAY_MS;
    out->dry_run = body.dry_run;
    return SC_OK;
}

struct sc_done *sc_api_files_clean(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_clean_files what = { .by = sc_api_owner(req), .dry_run = true };
    struct sc_cleaned cleaned = { 0 };
    enum sc_code code = decode_clean(req, &what, &err);
    if (code == SC_OK)
        code = sc_pipelines_clean_files(api->options.pipelines, &what, &cleaned, &err);
    if (code == SC_OK)
        sc_files_cleaned_view(&body, &what, &cleaned);
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_files_recovery(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct sc_mended mended;
    enum sc_code code = sc_query_none(req, &err);
    sc_pipelines_mended(api->options.pipelines, &mended);
    if (code == SC_OK)
        sc_mended_view(&body, &mended);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(job_delete) = {
    .query = &job_force_query,
    .replies = { { 200, &sc_shape_job_deleted } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(transcript_delete) = {
    .replies = { { 200, &sc_shape_transcript_deleted } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(file_delete) = {
    .query = &file_force_query,
    .replies = { { 200, &sc_shape_file_deleted } },
    .errors = { SC_E_FILE_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(file_archive) = {
    .replies = { { 200, &sc_shape_file } },
    .errors = { SC_E_FILE_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(file_restore) = {
    .replies = { { 200, &sc_shape_file } },
    .errors = { SC_E_FILE_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(job_archive) = {
    .replies = { { 200, &sc_shape_job } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_FILE_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(job_restore) = {
    .replies = { { 200, &sc_shape_job } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_FILE_NOT_FOUND, SC_E_CONFLICT },
};
SC_API_DOC(files_clean) = { .body = &clean_shape, .replies = { { 200, &sc_shape_files_cleaned } } };
SC_API_DOC(files_recovery) = { .replies = { { 200, &sc_shape_mended } } };
