/* The bytes of files: their download, and the room that they take. */

#include "api/api-internal.h"

#include "http/disposition.h"
#include "queue/report.h"
#include "sys/file.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/banned.h"

/* ---- download ---- */

/* By the format that the probe found, never by the name. */
const char *sc_mime_of_format(const char *format)
{
    static const struct {
        const char *format, *mime;
    } rows[] = {
        { "wav", "audio/wav" },        { "mp3", "audio/mpeg" },       { "flac", "audio/flac" },
        { "ogg", "audio/ogg" },        { "opus", "audio/ogg" },       { "m4a", "audio/mp4" },
        { "aac", "audio/aac" },        { "aiff", "audio/aiff" },      { "amr", "audio/amr" },
        { "caf", "audio/x-caf" },      { "mka", "audio/x-matroska" }, { "webm", "video/webm" },
        { "mkv", "video/x-matroska" }, { "mp4", "video/mp4" },        { "mov", "video/quicktime" },
        { "avi", "video/x-msvideo" },  { "au", "audio/basic" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].format, format) == 0)
            return rows[i].mime;
    }
    return "application/octet-stream";
}

struct sc_done *sc_api_file_download(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_BUF disposition = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO_CLOSE int fd = -1;
    struct stat st;
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK) {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        code = sc_api_find_file(req, api, &conn, &file, &err);
    }
    if (code == SC_OK)
        code = sc_pipelines_open_file(api->options.pipelines, &file, &fd, &err);
    if (code == SC_OK && fstat(fd, &st) != 0)
        code = sc_error_errno(&err, errno, "cannot read the file");
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    sc_disposition_put(&disposition, sc_str_from(file.original_name), "");
    sc_reply_header(req, "Content-Disposition", sc_buf_text(&disposition));
    return sc_reply_file(req, SC_TAKE_FD(fd), (int64_t)st.st_size, sc_mime_of_format(file.format),
                         file.file_hash);
}

/* ---- usage ---- */

static void add_format(void *ctx, const char *format, int64_t files, int64_t bytes)
{
    struct sc_json *w = ctx;
    sc_json_object(w, NULL);
    sc_json_text(w, "format", format);
    sc_json_int(w, "files", files);
    sc_json_int(w, "bytes", bytes);
    sc_json_end(w);
}

/* What may still come: the quota is everybody's, and so is the disk. */
static int64_t room_left(const struct sc_config *config, int64_t used)
{
    int64_t free_bytes = sc_disk_free(config->data_dir);
    int64_t left = free_bytes < 0 ? INT64_MAX : SC_MAX(0, free_bytes - config->upload_reserve);
    if (config->upload_quota > 0)
        left = SC_MIN(left, SC_MAX(0, config->upload_quota - used));
    return left;
}

/* How much everybody has is for administrators; what is left is for each, who must know whether a
 * recording fits. Without the limit the one does not follow from the other. */
static void put_all_owners(struct sc_json *w, const struct sc_config *config, int64_t used,
                           bool admin)
{
    sc_json_opt(w, "used_bytes", admin ? used : -1);
    sc_json_opt(w, "limit_bytes", admin && config->upload_quota > 0 ? config->upload_quota : -1);
}

static enum sc_code write_usage(struct sc_request *req, struct sc_api *api, int64_t additional,
                                struct sc_buf *body, struct sc_error *err)
{
    const struct sc_config *config = sc_config_now(api->options.config);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_report_files own;
    int64_t owner = sc_api_owner(req), used = 0;
    struct sc_json w;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_report_files(conn, owner, &own, err);
    if (code == SC_OK)
        code = sc_storage_used(conn, &used, err);
    if (code != SC_OK)
        return code;
    int64_t left = room_left(config, used);
    sc_json_begin(&w, body);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "files", own.files);
    sc_json_int(&w, "own_bytes", own.bytes);
    sc_json_int(&w, "saved_bytes", own.saved_bytes);
    put_all_owners(&w, config, used, (sc_request_principal(req)->scopes & SC_SCOPE_ADMIN) != 0);
    sc_json_int(&w, "available_bytes", left);
    if (additional >= 0)
        sc_json_bool(&w, "fits", additional <= left && additional <= config->upload_max_size);
    sc_json_array(&w, "formats");
    code = sc_file_formats(conn, owner, add_format, &w, err);
    sc_json_end(&w);
    sc_json_end(&w);
    return code;
}

static enum sc_code read_additional(const struct sc_query_field *field, struct sc_str text,
                                    void *at, struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    int64_t size;
    if (sc_str_to_size(text, &size) && size >= 0) {
        *(int64_t *)at = size;
        return SC_OK;
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                          "additional '%s' is no number of bytes, such as 1500000 or 20M",
                          sc_quote(text, quoted));
}

struct usage_query {
    int64_t additional; /* -1: not given */
};

static const struct sc_query_field usage_fields[] = {
    SC_QUERY_ROW(OWN, struct usage_query, additional, "additional", .read = read_additional,
                 .help = "A size such as `1500000` or `700M`: would a recording of it be taken?",
                 .example = "2G"),
};
static const struct sc_query usage_query = SC_QUERY(usage_fields);

struct sc_done *sc_api_file_usage(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    struct usage_query asked = { .additional = -1 };
    enum sc_code code = sc_query_read(req, &usage_query, &asked, &err);
    if (code == SC_OK)
        code = write_usage(req, api, asked.additional, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

SC_API_DOC(file_download) = {
    .replies = { { 200, .types = SC_MEDIA_TYPES, .help = "The bytes as they came" },
                 { 206, .types = SC_MEDIA_TYPES, .help = "The range asked for" } },
    .errors = { SC_E_FILE_NOT_FOUND },
    .flags = SC_DOC_RANGES | SC_DOC_DOWNLOAD,
};

SC_API_DOC(file_usage) = { .query = &usage_query, .replies = { { 200, &sc_shape_usage } } };
