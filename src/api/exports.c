/* Exports: sent to the client, or kept below transcripts/. */

#include "api/content.h"
#include "api/export-place.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metric.h"
#include "http/disposition.h"
#include "http/spill.h"
#include "sys/file.h"

#include <errno.h>

#include "base/banned.h"

#define KEEP_TRIES 5

/* What is written, and of what. */
struct export
{
    const struct sc_format *format;
    struct sc_writer_options options;
    struct sc_content content;
    char *recording, *engine, *model; /* owned; NULL: not known */
};

static void export_done(struct export *e)
{
    sc_content_done(&e->content);
    free(e->recording);
    free(e->engine);
    free(e->model);
    sc_writer_options_done(&e->options);
}

/* ---- recording ---- */

struct note {
    struct sc_export row;
    int64_t owner;
    int64_t id;
};

/* A file is recorded only while its transcript is there: a deletion that came meanwhile has looked
 * for files already. */
static enum sc_code write_note(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct note *note = ctx;
    struct sc_transcript t;
    enum sc_code code = SC_OK;
    if (note->row.path != NULL)
        code = sc_transcript_find(tx, note->owner, note->row.transcript_id, &t, err);
    if (code == SC_OK)
        code = sc_export_record(tx, &note->row, sc_clock_wall_ms(), err);
    if (code == SC_OK)
        note->id = sc_conn_last_id(tx);
    return code;
}

/* The export has been made: that it cannot be recorded (a full disk) does not take it back, only
 * that its transcript was deleted does. *id is the record's, or 0. */
static enum sc_code record(struct sc_request *req, struct sc_api *api, const struct export *e,
                           const char *path, int64_t *id, struct sc_error *err)
{
    struct note note = {
        .row = {
            .transcript_id = e->content.t.id,
            .version = e->content.version,
            .format = e->format->name,
            .path = path,
            .by = sc_api_owner(req),
            .keep = (int)sc_config_now(api->options.config)->history_max_exports,
        },
        .owner = sc_api_owner(req),
    };
    /* A file that is kept must be known as long as it lasts: deletions look for it here. */
    enum sc_durability kept = path == NULL ? SC_RELAXED : SC_DURABLE;
    enum sc_code code = sc_store_write(api->options.store, kept, write_note, &note, err);
    *id = code == SC_OK ? note.id : 0;
    if (code != SC_E_TRANSCRIPT_NOT_FOUND)
        SC_COUNT(exports, sc_format_index(e->format), 1);
    if (code == SC_OK || code == SC_E_TRANSCRIPT_NOT_FOUND)
        return code;
    SC_LOG(WARNING, "api", "cannot record an export", SC_I("transcript", e->content.t.id),
           SC_S("format", e->format->name), SC_S("error", err->msg));
    return SC_OK;
}

/* ---- writing ---- */

/* What is said about the recording, as the job knew it; where that was cleaned away, as the words
 * know it. */
static void read_origin(struct sc_request *req, struct sc_conn *conn, struct export *e)
{
    struct sc_error err = { 0 };
    SC_AUTO_FILE file = { 0 };
    SC_AUTO_JOB job = { 0 };
    int64_t owner = sc_api_owner(req);
    if (sc_file_find(conn, owner, e->content.t.file_id, &file, &err) == SC_OK)
        e->recording = sc_strdup(file.original_name);
    if (e->content.t.job_id[0] == '\0') {
        sc_transcript_engine(conn, e->content.t.id, &e->engine, &e->model);
        return;
    }
    if (sc_job_find(conn, owner, e->content.t.job_id, &job, &err) == SC_OK) {
        free(e->recording);
        e->recording = sc_strdup(job.file_name);
        e->engine = sc_strdup(job.engine);
        e->model = sc_strdup(job.model);
    }
}

/* All that is known of it but its segments. */
static enum sc_code open_content(struct sc_request *req, struct sc_conn *conn, int64_t version,
                                 struct export *e, struct sc_error *err)
{
    enum sc_code code = sc_format_check(conn, e->format, err);
    if (code == SC_OK)
        code = sc_content_open(req, conn, version, &e->content, err);
    if (code == SC_OK)
        read_origin(req, conn, e);
    return code;
}

/* Segments go from the store to `piece` one at a time. */
static enum sc_code format_content(struct export *e, struct sc_conn *conn, sc_write_piece_fn piece,
                                   void *ctx, struct sc_error *err)
{
    const struct sc_content *c = &e->content;
    SC_AUTO_TRANSCRIPT_SOURCE from = { .begun = false };
    struct sc_writer_meta meta = {
        .transcript_id = c->t.id,
        .file_id = c->t.file_id,
        .job_id = c->t.job_id,
        .status = c->t.complete ? "complete" : "partial",
        .language = c->t.language,
        .version = c->version,
        .file_name = e->recording,
        .engine = e->engine,
        .model = e->model,
    };
    enum sc_code code = sc_transcript_source_open(conn, &c->t, c->version, &from, err);
    return code == SC_OK ? e->format->write(&from.source, &meta, &e->options, piece, ctx, err)
                         : code;
}

/* ---- sent ---- */

/* Of whichever format: the version, and every option of an export as its own. */
struct asked {
    struct export *e;
    int64_t version;
};

static enum sc_code read_option(const struct sc_query_field *field, struct sc_str text, void *at,
                                struct sc_error *err)
{
    struct asked *asked = at;
    return sc_writer_options_set(&asked->e->options, asked->e->format, sc_str_from(field->name),
                                 text, err);
}

static bool option_row(size_t index, struct sc_query_field *out)
{
    size_t count;
    const struct sc_writer_option *options = sc_writer_option_all(&count);
    if (index >= count)
        return false;
    /* No text may be an option's value, as it is the template's unless one is given. */
    *out = (struct sc_query_field){
        .name = options[index].name,
        .read = read_option,
        .may_be_empty = true,
    };
    return true;
}

#define VERSION_ROW                                        \
    SC_QUERY_ROW(NUMBER, struct asked, version, "version", \
                 .help = "An earlier version; the current one unless given", .example = "1")
static const struct sc_query_field sent_fields[] = { VERSION_ROW };
static const struct sc_query sent_query = { SC_SHAPE_FIELDS(sent_fields), .more = option_row };

static void put_disposition(struct sc_request *req, const struct export *e)
{
    SC_AUTO_BUF value = { 0 };
    SC_AUTO_FREE char *fallback = sc_asprintf("transcript-%lld", (long long)e->content.t.id);
    const char *name = e->recording == NULL ? fallback : e->recording;
    const char *dot = strrchr(name, '.');
    struct sc_str stem = { name, dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name) };
    sc_disposition_put(&value, stem, e->format->extension);
    if (!value.failed)
        sc_reply_header(req, "Content-Disposition", sc_buf_text(&value));
}

static enum sc_code spill_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    return sc_spill_put(ctx, bytes, len, err);
}

static enum sc_code make_sent(struct sc_request *req, struct sc_api *api, int64_t version,
                              struct export *e, struct sc_spill *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = open_content(req, conn, version, e, err);
    return code == SC_OK ? format_content(e, conn, spill_piece, out, err) : code;
}

static struct sc_done *send_as(struct sc_request *req, struct sc_api *api, const char *name)
{
    struct sc_error err = { 0 };
    SC_AUTO_SPILL body;
    SC_AUTO(export_done) struct export e = { .format = sc_format_find(name) };
    struct asked asked = { .e = &e };
    sc_spill_init(&body, req);
    sc_assert(e.format != NULL); /* the routes name only formats that there are */
    sc_writer_options_init(&e.options, e.format);
    enum sc_code code = sc_query_read(req, &sent_query, &asked, &err);
    if (code == SC_OK)
        code = make_sent(req, api, asked.version, &e, &body, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body.buf);
    int64_t id;
    (void)record(req, api, &e, NULL, &id, &err); /* it is sent all the same */
    put_disposition(req, &e);
    SC_AUTO_BUF type = { 0 };
    sc_format_put_type(e.format, &e.options, &type);
    return sc_reply_spill(req, sc_buf_text(&type), &body);
}

#define SEND(name, types_)                                                                      \
    struct sc_done *sc_api_transcript_export_##name(struct sc_request *req, struct sc_api *api) \
    {                                                                                           \
        return send_as(req, api, #name);                                                        \
    }                                                                                           \
    static bool described_##name(size_t index, struct sc_query_field *out)                      \
    {                                                                                           \
        return sc_doc_format_option(#name, index, out);                                         \
    }                                                                                           \
    static const struct sc_query query_##name = {                                               \
        SC_SHAPE_FIELDS(sent_fields),                                                           \
        .more = described_##name,                                                               \
    };                                                                                          \
    SC_API_DOC(transcript_export_##name) = {                                                    \
        .query = &query_##name,                                                                 \
        .replies = { { 200, .types = (types_), .help = "The export, as a download" } },         \
        .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND, SC_E_FORMAT_DISABLED },  \
        .flags = SC_DOC_DOWNLOAD,                                                               \
    }
#define SC_FORMAT(name, type, ...) SEND(name, type);
#include "config/formats.def"
#undef SC_FORMAT

/* ---- kept ---- */

struct wanted {
    struct sc_str format, output_path;
    int64_t version;
    const struct sc_json_value *options;
};

static const struct sc_json_field wanted_fields[] = {
    SC_BODY(struct wanted, format, TEXT, .required = true, .min = 1, .max = 16,
            .help = "One of `GET /api/formats`", .example = "vtt"),
    SC_BODY(struct wanted, version, INT, .min = 1, .max = INT32_MAX,
            .help = "An earlier version; the current one unless given"),
    SC_BODY(struct wanted, options, OBJECT, .help = "The options of the format",
            .example = "{\"max_line_length\": 32}"),
    SC_BODY(struct wanted, output_path, TEXT, .min = 1, .max = 500,
            .help = "Where to, below `transcripts/` of the data folder",
            .example = "talks/monday.vtt"),
};
static const struct sc_json_shape wanted_shape = {
    .name = "ExportRequest",
    .request = true,
    SC_SHAPE_FIELDS(wanted_fields),
};

static enum sc_code set_options(struct export *e, const struct sc_json_value *options,
                                struct sc_error *err)
{
    const char *name;
    const struct sc_json_value *value;
    void *at = NULL;
    struct sc_error all = { 0 };
    if (options == NULL)
        return SC_OK;
    while ((at = sc_json_next_member(options, at, &name, &value)) != NULL) {
        SC_AUTO_BUF text = { 0 };
        struct sc_error one = { 0 };
        if (sc_json_type(value) == SC_JSON_TEXT)
            sc_buf_put_str(&text, sc_json_get_str(value, SC_STR("")));
        else
            sc_json_dump(value, &text); /* true, 42, 1.5 are spelled as flags are */
        if (sc_writer_options_set(&e->options, e->format, sc_str_from(name), sc_buf_str(&text),
                                  &one) != SC_OK)
            (void)sc_error_also(&all, &one);
    }
    return all.code == SC_OK ? SC_OK : sc_error_copy(err, &all);
}

static enum sc_code decode_body(struct sc_request *req, struct export *e, struct wanted *out,
                                struct sc_json_doc **doc, struct sc_error *err)
{
    enum sc_code code = sc_request_read(req, &wanted_shape, out, doc, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *name = sc_strndup(out->format.ptr, out->format.len);
    e->format = sc_format_find(name);
    if (e->format == NULL) {
        char quoted[SC_QUOTED_TEXT];
        return sc_error_field(err, SC_E_INVALID_VALUE, "format",
                              "format is '%s', must be one of %s", sc_quote(out->format, quoted),
                              sc_format_names());
    }
    sc_writer_options_init(&e->options, e->format);
    return set_options(e, out->options, err);
}

/* Whose folders a client may write to: the own ones of its transcripts, and of everything below
 * transcripts/ whoever owns the data folder. */
static enum sc_code place(struct sc_request *req, const struct export *e,
                          const struct wanted *wanted, struct sc_buf *out, struct sc_error *err)
{
    const struct sc_content *c = &e->content;
    SC_AUTO_FREE char *own = c->t.job_id[0] != '\0'
                                 ? sc_strdup(c->t.job_id)
                                 : sc_asprintf("transcript-%lld", (long long)c->t.id);
    struct sc_export_home home = {
        .folder = own,
        .anywhere = (sc_request_principal(req)->scopes & SC_SCOPE_ADMIN) != 0,
    };
    if (wanted->output_path.ptr != NULL)
        return sc_export_place(wanted->output_path, &home, e->format->extension, out, err);
    SC_AUTO_FREE char *name =
        c->version == c->t.version
            ? sc_asprintf("transcript.%s", e->format->extension)
            : sc_asprintf("transcript-v%d.%s", c->version, e->format->extension);
    return sc_export_place(sc_str_from(name), &home, e->format->extension, out, err);
}

/* A file that is there may be replaced by a newer export of the same transcript only. */
static enum sc_code check_target(struct sc_api *api, const struct export *e, const char *path,
                                 const char *full, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t of = 0;
    if (access(full, F_OK) != 0)
        return SC_OK;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_export_owner_of(conn, path, &of, err);
    if (code == SC_OK && of != e->content.t.id)
        return sc_error_field(err, SC_E_CONFLICT, "output_path",
                              "'%.120s' is there and is no export of this transcript; choose "
                              "another output_path",
                              path);
    return code;
}

/* A link in the way could lead anywhere: the folder must really lie below transcripts/. */
static enum sc_code check_folder(const char *root, const char *folder, struct sc_error *err)
{
    SC_AUTO_FREE char *top = sc_path_join(root, "transcripts");
    SC_AUTO_FREE char *real_top = realpath(top, NULL);
    SC_AUTO_FREE char *real = realpath(folder, NULL);
    if (real_top == NULL || real == NULL)
        return sc_error_errno(err, errno, "cannot open '%s'", folder);
    size_t n = strlen(real_top);
    if (strncmp(real, real_top, n) == 0 && (real[n] == '/' || real[n] == '\0'))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "output_path",
                          "output_path leads out of transcripts/ through a link");
}

/* One file that is being written, a piece at a time. */
struct writing {
    struct sc_request *req;
    struct sc_api *api;
    struct export *e;
    int fd;
    int64_t size;
};

static enum sc_code write_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct writing *w = ctx;
    w->size += (int64_t)len;
    return sc_file_write_all(w->fd, bytes, len, err);
}

/* The version that was found, also where another is current by now; of one that was partial, what
 * it has become. */
static enum sc_code write_content(void *ctx, int fd, struct sc_error *err)
{
    struct writing *w = ctx;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    w->fd = fd;
    w->size = 0;
    enum sc_code code = sc_store_read(w->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_transcript_find(conn, sc_api_owner(w->req), w->e->content.t.id, &w->e->content.t,
                                  err);
    if (code != SC_OK)
        return code;
    if (w->e->content.version == 0)
        w->e->content.version = w->e->content.t.version;
    return format_content(w->e, conn, write_piece, w, err);
}

static enum sc_code write_into(const char *root, const char *folder, const char *full,
                               struct writing *w, struct sc_error *err)
{
    enum sc_code code = check_folder(root, folder, err);
    return code == SC_OK ? sc_file_fill_atomic(full, write_content, w, err) : code;
}

static enum sc_code still_there(struct sc_request *req, struct sc_api *api, const struct export *e,
                                struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    return code == SC_OK ? sc_transcript_find(conn, sc_api_owner(req), e->content.t.id, &t, err)
                         : code;
}

/* A deletion, or a move to the archive, may take the folder away as soon as it is made: the first
 * is told, behind the second it is made again. */
static enum sc_code keep(struct sc_request *req, struct sc_api *api, struct export *e,
                         const char *path, int64_t *size, struct sc_error *err)
{
    struct writing w = { .req = req, .api = api, .e = e };
    const char *root = sc_config_now(api->options.config)->data_dir;
    SC_AUTO_FREE char *full = sc_path_join(root, path);
    SC_AUTO_FREE char *folder = sc_strndup(full, (size_t)(strrchr(full, '/') - full));
    enum sc_code code = check_target(api, e, path, full, err);
    for (int tries = 1; code == SC_OK; tries++) {
        code = sc_dir_create_durable(folder, err);
        if (code != SC_OK)
            break;
        if (SC_FAULT("export.folder"))
            (void)rmdir(folder);
        code = write_into(root, folder, full, &w, err);
        if (code == SC_OK || access(folder, F_OK) == 0 || tries == KEEP_TRIES)
            break;
        code = still_there(req, api, e, err);
    }
    if (code != SC_OK)
        (void)rmdir(folder); /* one that was made for nothing is empty */
    *size = w.size;
    return code;
}

/* What was kept of a transcript that nobody finds any more, and its folder when that is empty. */
static void take_back(struct sc_api *api, const char *path)
{
    SC_AUTO_FREE char *full = sc_path_join(sc_config_now(api->options.config)->data_dir, path);
    (void)unlink(full);
    *strrchr(full, '/') = '\0';
    (void)rmdir(full);
}

static enum sc_code find_kept(struct sc_request *req, struct sc_api *api,
                              const struct wanted *wanted, struct export *e, struct sc_buf *path,
                              struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = open_content(req, conn, wanted->version, e, err);
    return code == SC_OK ? place(req, e, wanted, path, err) : code;
}

struct sc_done *sc_api_transcript_export(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct wanted wanted = { .version = 0 };
    int64_t id = 0, size = 0;
    SC_AUTO_BUF path = { 0 };
    SC_AUTO_BUF reply = { 0 };
    SC_AUTO(export_done) struct export e = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = decode_body(req, &e, &wanted, &doc, &err);
    if (code == SC_OK)
        code = find_kept(req, api, &wanted, &e, &path, &err);
    if (code == SC_OK)
        code = keep(req, api, &e, sc_buf_text(&path), &size, &err);
    if (code == SC_OK) {
        code = record(req, api, &e, sc_buf_text(&path), &id, &err);
        if (code != SC_OK)
            take_back(api, sc_buf_text(&path));
    }
    if (code == SC_OK) {
        struct sc_json w;
        sc_json_begin(&w, &reply);
        sc_json_object(&w, NULL);
        sc_json_opt(&w, "export_id", id > 0 ? id : -1);
        sc_json_int(&w, "transcript_id", e.content.t.id);
        sc_json_int(&w, "version_number", e.content.version);
        sc_json_text(&w, "format_name", e.format->name);
        sc_json_text(&w, "file_path", sc_buf_text(&path));
        sc_json_int(&w, "size_bytes", size);
        sc_json_end(&w);
        if (id > 0)
            sc_api_location(req, "/api/transcripts/%lld/exports/%lld", (long long)e.content.t.id,
                            (long long)id);
    }
    return sc_api_answer(req, code, &err, 201, &reply);
}

/* ---- described ---- */

SC_API_DOC(transcript_export) = {
    .body = &wanted_shape,
    .replies = { { 201, &sc_shape_export },
                 { 200, &sc_shape_export_row,
                   .help = "What the first request with this key made, as it is now" } },
    .errors = { SC_E_TRANSCRIPT_NOT_FOUND, SC_E_VERSION_NOT_FOUND, SC_E_CONFLICT,
                SC_E_FORMAT_DISABLED },
    .flags = SC_DOC_LOCATION,
};
