/* Recordings in pieces, as the clients of the tus protocol send them: /api/uploads. The bytes are
 * the pipeline's matter (pipeline/intake.h), here are headers and answers. */

#include "api/resumable.h"

#include "api/api-internal.h"
#include "api/tus.h"
#include "base/alloc.h"
#include "base/clock.h"

#include "base/banned.h"

/* ---- headers ---- */

static void put_version(struct sc_request *req)
{
    sc_reply_header(req, "Tus-Resumable", SC_TUS_VERSION);
}

/* A plain GET or HEAD needs none, so that it can be asked by hand. */
static enum sc_code check_version(struct sc_request *req, bool needed, struct sc_error *err)
{
    struct sc_str version = sc_request_header(req, "Tus-Resumable");
    put_version(req);
    if (sc_str_equal(version, SC_STR(SC_TUS_VERSION)) || (version.ptr == NULL && !needed))
        return SC_OK;
    sc_reply_header(req, "Tus-Version", SC_TUS_VERSION);
    return sc_error_set(err, SC_E_TUS_VERSION,
                        "send the header Tus-Resumable: " SC_TUS_VERSION
                        ", the one version that is spoken here");
}

static void put_number(struct sc_request *req, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    sc_reply_header(req, name, text);
}

/* What became of it, for clients that look at no body. */
static void put_outcome(struct sc_request *req, const struct sc_intake_row *row)
{
    if (row->state != SC_INTAKE_COMPLETED)
        return;
    put_number(req, "Scripta-File-Id", row->file_id);
    if (row->job_id[0] != '\0')
        sc_reply_header(req, "Scripta-Job-Id", row->job_id);
    sc_reply_header(req, "Scripta-Duplicate", row->duplicate ? "true" : "false");
}

static void put_place(struct sc_request *req, const struct sc_intake_row *row)
{
    char date[SC_HTTP_DATE_TEXT];
    put_number(req, "Upload-Offset", row->offset);
    sc_reply_header(req, "Upload-Expires", sc_tus_date(row->expires_ms, date));
    put_outcome(req, row);
}

static const char *path_id(struct sc_request *req, char out[SC_UUID_TEXT])
{
    struct sc_str id = sc_request_param(req, "id");
    (void)snprintf(out, SC_UUID_TEXT, "%.*s", (int)SC_MIN(id.len, SC_UUID_TEXT - 1), id.ptr);
    if (id.len != SC_UUID_TEXT - 1)
        out[0] = '\0'; /* none has such an id */
    return out;
}

/* ---- what is offered ---- */

struct sc_done *sc_api_resumable_options(struct sc_request *req, struct sc_api *api)
{
    struct sc_buf nothing = { 0 };
    put_version(req);
    sc_reply_header(req, "Tus-Version", SC_TUS_VERSION);
    sc_reply_header(req, "Tus-Extension", SC_TUS_EXTENSIONS);
    sc_reply_header(req, "Tus-Checksum-Algorithm", "sha256,sha1,md5");
    put_number(req, "Tus-Max-Size", sc_config_now(api->options.config)->upload_max_size);
    return sc_reply_bytes(req, 204, NULL, &nothing);
}

/* ---- creation ---- */

struct wanted {
    int64_t total; /* -1: told later */
    char *metadata, *key;
    struct sc_tus_metadata read;
};

static void wanted_done(struct wanted *w)
{
    free(w->metadata);
    free(w->key);
    sc_tus_metadata_done(&w->read);
}

static enum sc_code decode_length(struct sc_request *req, int64_t *total, struct sc_error *err)
{
    struct sc_str length = sc_request_header(req, "Upload-Length");
    struct sc_str defer = sc_request_header(req, "Upload-Defer-Length");
    *total = -1;
    if (defer.ptr != NULL && (length.ptr != NULL || !sc_str_equal(defer, SC_STR("1"))))
        return sc_error_field(err, SC_E_INVALID_VALUE, "Upload-Defer-Length",
                              "Upload-Defer-Length must be 1, and comes without Upload-Length");
    if (defer.ptr != NULL)
        return SC_OK;
    return sc_tus_bytes("Upload-Length", length, total, err);
}

static enum sc_code decode_wanted(struct sc_request *req, struct wanted *out, struct sc_error *err)
{
    struct sc_str metadata = sc_request_header(req, "Upload-Metadata");
    enum sc_code code = sc_query_none(req, err);
    if (code == SC_OK)
        code = check_version(req, true, err);
    if (code == SC_OK)
        code = decode_length(req, &out->total, err);
    if (code == SC_OK)
        code = sc_request_idempotency_key(req, &out->key, err);
    if (code == SC_OK)
        code = sc_tus_metadata(metadata, &out->read, err);
    if (code == SC_OK)
        out->metadata = sc_strndup(metadata.ptr == NULL ? "" : metadata.ptr, metadata.len);
    return code;
}

static enum sc_code create(struct sc_request *req, struct sc_api *api, struct wanted *w,
                           struct sc_intake **intake, struct sc_intake_row *row,
                           struct sc_error *err)
{
    const struct sc_spooled *file = sc_request_file(req);
    struct sc_intake_spec spec = {
        .owner_id = sc_api_owner(req),
        .total = w->total,
        .name = sc_buf_text(&w->read.name),
        .options = w->read.job ? sc_buf_text(&w->read.options) : NULL,
        .metadata = w->metadata,
        .key = w->key,
    };
    if (file != NULL) {
        spec.temp_path = file->path;
        spec.fd = file->fd;
        spec.size = file->size;
        spec.hash = sc_request_hash_take(req);
    }
    enum sc_code code = sc_intake_create(api->options.pipelines, &spec, intake, row, err);
    if (code == SC_OK && *intake != NULL && file != NULL)
        sc_request_file_taken(req);
    return code;
}

static void copy_state(struct sc_intake_row *to, const struct sc_intake_row *from)
{
    to->state = from->state;
    to->offset = from->offset;
    to->expires_ms = from->expires_ms;
    to->file_id = from->file_id;
    to->duplicate = from->duplicate;
    to->existing_job = from->existing_job;
    memcpy(to->job_id, from->job_id, sizeof(to->job_id));
}

struct sc_done *sc_api_resumable_create(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(wanted_done) struct wanted wanted = { 0 };
    SC_AUTO(sc_intake_releasep) struct sc_intake *intake = NULL;
    SC_AUTO_INTAKE_ROW row = { 0 };
    enum sc_code code = decode_wanted(req, &wanted, &err);
    if (code == SC_OK)
        code = create(req, api, &wanted, &intake, &row, &err);
    bool made = intake != NULL;
    if (code == SC_OK && made)
        code = sc_intake_finish(intake, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 201, &body);
    if (made)
        copy_state(&row, sc_intake_row(intake));
    sc_intake_release(SC_TAKE(intake)); /* before the client can go on */
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_intake_view(&w, NULL, &row);
    SC_AUTO_FREE char *location = sc_asprintf("/api/uploads/%s", row.upload_id);
    sc_reply_header(req, "Location", location);
    put_place(req, &row);
    return sc_api_answer(req, SC_OK, &err, made ? 201 : 200, &body);
}

/* ---- a piece ---- */

/* What the headers of a piece say. */
struct piece {
    int64_t offset, total; /* total -1: not told */
    struct sc_checksum sum;
};

static enum sc_code decode_piece(struct sc_request *req, struct piece *out, struct sc_error *err)
{
    struct sc_str length = sc_request_header(req, "Upload-Length");
    struct sc_str sum = sc_request_header(req, "Upload-Checksum");
    *out = (struct piece){ .total = -1 };
    enum sc_code code = sc_query_none(req, err);
    if (code == SC_OK)
        code = check_version(req, true, err);
    if (code == SC_OK)
        code = sc_tus_bytes("Upload-Offset", sc_request_header(req, "Upload-Offset"), &out->offset,
                            err);
    if (code == SC_OK && length.ptr != NULL)
        code = sc_tus_bytes("Upload-Length", length, &out->total, err);
    if (code == SC_OK && sum.ptr != NULL)
        code = sc_tus_checksum(sum, &out->sum, err);
    return code;
}

static enum sc_code refused(const struct sc_intake_row *row, struct sc_error *err)
{
    return sc_error_set(err, SC_E_UPLOAD_REFUSED, "the upload was refused (%s): %s",
                        row->error_code, row->error);
}

static enum sc_code check_place(struct sc_request *req, struct sc_intake *in, int64_t offset,
                                struct sc_error *err)
{
    const struct sc_intake_row *row = sc_intake_row(in);
    if (row->state == SC_INTAKE_REFUSED)
        return refused(row, err);
    int64_t at = sc_intake_offset(in);
    if (row->state == SC_INTAKE_OPEN && at == offset)
        return SC_OK;
    if (at == row->offset) /* else it is not on the disk yet: HEAD brings it there, and tells it */
        put_number(req, "Upload-Offset", at);
    if (row->state == SC_INTAKE_COMPLETED)
        return sc_error_set(err, SC_E_UPLOAD_OFFSET, "the upload is complete");
    return sc_error_set(err, SC_E_UPLOAD_OFFSET,
                        "the upload goes on at byte %lld, the piece begins at %lld", (long long)at,
                        (long long)offset);
}

static enum sc_code begin_piece(void *app, struct sc_request *req, struct sc_append *out,
                                struct sc_error *err)
{
    struct sc_api *api = app;
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
    struct sc_intake_piece to;
    struct piece piece;
    char id[SC_UUID_TEXT];
    enum sc_code code = decode_piece(req, &piece, err);
    if (code == SC_OK)
        code =
            sc_intake_hold(api->options.pipelines, sc_api_owner(req), path_id(req, id), &in, err);
    if (code == SC_OK)
        code = check_place(req, in, piece.offset, err);
    if (code == SC_OK && piece.total >= 0)
        code = sc_intake_set_total(in, piece.total, err);
    if (code == SC_OK)
        code = sc_intake_begin(in, &piece.sum, sc_request_announced(req), &to, err);
    if (code != SC_OK)
        return code;
    *out = (struct sc_append){
        .fd = to.fd,
        .offset = to.offset,
        .limit = to.limit,
        .whole = to.whole,
        .piece = to.piece,
        .ctx = SC_TAKE(in),
    };
    return SC_OK;
}

static void wrote(void *ctx, int64_t bytes)
{
    sc_intake_progress(ctx, bytes);
}

static void end_piece(void *ctx, int64_t bytes)
{
    sc_intake_cut(ctx, bytes);
    sc_intake_release(ctx);
}

const struct sc_append_ops sc_resumable_ops = { begin_piece, wrote, end_piece };

struct sc_done *sc_api_resumable_append(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
    int64_t bytes = 0;
    (void)api;
    in = sc_request_append_take(req, &bytes);
    enum sc_code code = sc_intake_end(in, bytes, &err);
    if (code == SC_OK)
        code = sc_intake_finish(in, &err);
    if (code != SC_OK) {
        sc_intake_release(SC_TAKE(in));
        return sc_api_answer(req, code, &err, 204, &body);
    }
    put_place(req, sc_intake_row(in));
    sc_intake_release(SC_TAKE(in)); /* before the client can go on */
    return sc_reply_bytes(req, 204, NULL, &body);
}

/* ---- looking ---- */

static void put_state(struct sc_request *req, const struct sc_intake_row *row)
{
    put_place(req, row);
    if (row->total >= 0)
        put_number(req, "Upload-Length", row->total);
    else
        sc_reply_header(req, "Upload-Defer-Length", "1");
    if (row->metadata[0] != '\0')
        sc_reply_header(req, "Upload-Metadata", row->metadata);
}

/* What a client goes on from must be on the disk, and be a file when it is all. */
static struct sc_done *answer_head(struct sc_request *req, struct sc_api *api, const char *id)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
    enum sc_code code = sc_intake_hold(api->options.pipelines, sc_api_owner(req), id, &in, &err);
    if (code == SC_OK)
        code = sc_intake_finish(in, &err);
    if (in != NULL && sc_intake_row(in)->state == SC_INTAKE_REFUSED)
        code = refused(sc_intake_row(in), &err);
    struct sc_json w;
    sc_json_begin(&w, &body);
    if (code == SC_OK) {
        put_state(req, sc_intake_row(in));
        sc_intake_view(&w, NULL, sc_intake_row(in));
    }
    sc_intake_release(SC_TAKE(in));
    return sc_api_answer(req, code, &err, 200, &body);
}

/* Whoever only looks hinders nobody, but makes a file of what is whole. */
static enum sc_code look(struct sc_request *req, struct sc_api *api, const char *id,
                         struct sc_intake_row *row, int64_t *come, struct sc_error *err)
{
    struct sc_pipelines *p = api->options.pipelines;
    enum sc_code code = sc_intake_look(p, sc_api_owner(req), id, row, come, err);
    if (code != SC_OK || row->state != SC_INTAKE_OPEN || *come != row->total)
        return code;
    {
        SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
        if (sc_intake_hold(p, sc_api_owner(req), id, &in, NULL) != SC_OK ||
            (sc_intake_finish(in, NULL) != SC_OK && sc_intake_row(in)->state == SC_INTAKE_OPEN))
            return SC_OK;
    }
    sc_intake_row_done(row);
    return sc_intake_look(p, sc_api_owner(req), id, row, come, err);
}

struct sc_done *sc_api_resumable_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_INTAKE_ROW row = { 0 };
    int64_t come = 0;
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = check_version(req, false, &err);
    if (code == SC_OK && strcmp(sc_request_method(req), "HEAD") == 0)
        return answer_head(req, api, path_id(req, id));
    if (code == SC_OK)
        code = look(req, api, path_id(req, id), &row, &come, &err);
    struct sc_json w;
    sc_json_begin(&w, &body);
    if (code == SC_OK) {
        put_state(req,
                  &row); /* of the offset what is on the disk: a promise; below what has come */
        row.offset = come;
        sc_intake_view(&w, NULL, &row);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- the list ---- */

static const struct sc_query_field list_fields[] = { SC_QUERY_PAGE_ROWS(SC_CURSOR_RESUMABLE) };
static const struct sc_query list_query = SC_QUERY(list_fields);

static void put_row(void *ctx, const struct sc_intake_row *row)
{
    struct sc_page *page = ctx;
    if (sc_page_take(page, row->id))
        sc_intake_view(&page->w, NULL, row);
}

static enum sc_code rows(struct sc_request *req, struct sc_conn *conn,
                         const struct sc_query_page *asked, struct sc_page *page,
                         struct sc_error *err)
{
    const struct sc_intake_filter filter = {
        .owner_id = sc_api_owner(req),
        .before_id = asked->before,
        .now_ms = sc_clock_wall_ms(),
        .limit = asked->limit,
    };
    return sc_intake_list(conn, &filter, put_row, page, err);
}

struct sc_done *sc_api_resumable_list(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_list list = { "uploads", SC_CURSOR_RESUMABLE, &list_query, rows };
    put_version(req);
    return sc_list_answer(req, api, &list, NULL);
}

/* ---- the end ---- */

struct sc_done *sc_api_resumable_delete(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_intake_releasep) struct sc_intake *in = NULL;
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_request_empty(req, &err);
    if (code == SC_OK)
        code = check_version(req, true, &err);
    if (code == SC_OK)
        code =
            sc_intake_hold(api->options.pipelines, sc_api_owner(req), path_id(req, id), &in, &err);
    if (code == SC_OK)
        code = sc_intake_remove(in, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 204, &body);
    return sc_reply_bytes(req, 204, NULL, &body);
}

/* ---- described ---- */

#define ARRIVAL_ERRORS                                                                \
    SC_E_FILE_FORMAT, SC_E_FILE_TOO_LARGE, SC_E_AUDIO_ERROR, SC_E_ENGINE_UNAVAILABLE, \
        SC_E_MODEL_ERROR, SC_E_CONFLICT

SC_API_DOC(resumable_options) = {
    .replies = { { 204, .help = "What is offered, in the headers `Tus-Version`, `Tus-Extension`, "
                                "`Tus-Checksum-Algorithm` and `Tus-Max-Size`" } },
    .flags = SC_DOC_TUS,
};
SC_API_DOC(resumable_create) = {
    .replies = { { 201, &sc_shape_resumable, .help = "The upload, which is new" },
                 { 200, &sc_shape_resumable,
                   .help = "The unfinished upload of the same `Idempotency-Key`" } },
    .errors = { SC_E_TUS_VERSION, SC_E_RATE_LIMITED, SC_E_IDEMPOTENCY_CONFLICT, ARRIVAL_ERRORS },
    .flags = SC_DOC_TUS | SC_DOC_TUS_LENGTH | SC_DOC_TUS_CREATE | SC_DOC_LOCATION |
             SC_DOC_IDEMPOTENT | SC_DOC_PIECE | SC_DOC_BODY_OPTIONAL,
};
SC_API_DOC(resumable_list) = {
    .query = &list_query,
    .replies = { { 200, &sc_shape_resumables } },
};
SC_API_DOC(resumable_show) = {
    .replies = { { 200, &sc_shape_resumable } },
    .errors = { SC_E_UPLOAD_NOT_FOUND, SC_E_TUS_VERSION, SC_E_UPLOAD_LOCKED, SC_E_UPLOAD_REFUSED },
    .flags = SC_DOC_TUS,
};
SC_API_DOC(resumable_append) = {
    .replies = { { 204, .help = "The piece is on the disk; behind the last one the file and its "
                                "job are there" } },
    .errors = { SC_E_UPLOAD_NOT_FOUND, SC_E_TUS_VERSION, SC_E_UPLOAD_LOCKED, SC_E_UPLOAD_REFUSED,
                SC_E_UPLOAD_OFFSET, SC_E_CHECKSUM_MISMATCH, ARRIVAL_ERRORS },
    .flags = SC_DOC_TUS | SC_DOC_TUS_LENGTH | SC_DOC_TUS_PIECE | SC_DOC_PIECE,
};
SC_API_DOC(resumable_delete) = {
    .replies = { { 204, .help = "It is gone" } },
    .errors = { SC_E_UPLOAD_NOT_FOUND, SC_E_TUS_VERSION, SC_E_UPLOAD_LOCKED },
    .flags = SC_DOC_TUS,
};
