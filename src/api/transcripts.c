#include "api/api-internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "transcript/writer.h"

#include "base/banned.h"

static enum sc_code add_transcript(void *ctx, const struct sc_transcript *t, struct sc_error *err)
{
    struct sc_page *page = ctx;
    (void)err;
    if (sc_page_take(page, t->id))
        sc_transcript_view(&page->w, NULL, t, t->version, NULL);
    return SC_OK;
}

static enum sc_code decode_filter(struct sc_request *req, struct sc_transcript_filter *filter,
                                  char job_id[SC_UUID_TEXT], struct sc_error *err)
{
    static const char *const names[] = { "job_id", "file_id", "limit", "cursor", NULL };
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = sc_query_page(req, SC_CURSOR_TRANSCRIPT, &filter->limit, &filter->before_id, err);
    if (code == SC_OK)
        code = sc_query_number(req, "file_id", &filter->file_id, err);
    struct sc_str text = sc_request_query(req, "job_id");
    if (code == SC_OK && text.ptr != NULL)
        code = sc_job_id_parse(text, job_id, err);
    return code;
}

struct sc_done *sc_api_transcript_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript_filter filter = { .owner_id = sc_api_owner(req) };
    char job_id[SC_UUID_TEXT] = "";

    enum sc_code code = decode_filter(req, &filter, job_id, &err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, &err);
    if (code == SC_OK && job_id[0] != '\0')
        code = sc_job_find(conn, filter.owner_id, job_id, &job, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_page page;
    sc_page_begin(&page, &body, "transcripts", filter.limit);
    filter.job = job.id;
    filter.limit++;
    code = sc_transcript_list(conn, &filter, add_transcript, &page, &err);
    sc_page_end(&page, SC_CURSOR_TRANSCRIPT);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* The transcript of the path with the version asked for. */
struct content {
    struct sc_transcript t;
    int version; /* 0: a partial one */
    struct sc_segments segments;
};

static void content_done(struct content *c)
{
    sc_segments_done(&c->segments);
}

static enum sc_code load(struct sc_request *req, struct sc_api *api, struct content *out,
                         struct sc_error *err)
{
    static const char *const names[] = { "version", NULL };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t id, version = 0;
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = sc_path_number(req, SC_E_TRANSCRIPT_NOT_FOUND, &id, err);
    if (code == SC_OK)
        code = sc_query_number(req, "version", &version, err);
    if (code == SC_OK)
        code = sc_store_read(api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_transcript_find(conn, sc_api_owner(req), id, &out->t, err);
    if (code != SC_OK)
        return code;
    if (version > out->t.version) {
        return sc_error_field(err, SC_E_VERSION_NOT_FOUND, "version",
                              "transcript %lld has no version %lld; its newest is %d",
                              (long long)id, (long long)version, out->t.version);
    }
    out->version = version == 0 ? out->t.version : (int)version;
    return sc_transcript_segments(conn, &out->t, out->version, &out->segments, err);
}

struct sc_done *sc_api_transcript_show(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(content_done) struct content content = { 0 };
    enum sc_code code = load(req, api, &content, &err);
    if (code == SC_OK) {
        struct sc_json w;
        sc_json_begin(&w, &body);
        sc_transcript_view(&w, NULL, &content.t, content.version, &content.segments);
    }
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- export ---- */

static enum sc_code write_note(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_export_record(tx, ctx, sc_clock_wall_ms(), err);
}

/* The export has been made: that it cannot be recorded (a full disk) does not take it back. */
static void record_export(struct sc_request *req, struct sc_api *api, const struct content *content,
                          const char *format)
{
    struct sc_error err = { 0 };
    struct sc_export note = {
        .transcript_id = content->t.id,
        .version = content->version,
        .format = format,
        .by = sc_api_owner(req),
    };
    if (sc_store_write(api->options.store, SC_RELAXED, write_note, &note, &err) != SC_OK) {
        SC_LOG(WARNING, "api", "cannot record an export", SC_I("transcript", content->t.id),
               SC_S("format", format), SC_S("error", err.msg));
    }
}

static enum sc_code format_content(const struct content *content, const struct sc_format *format,
                                   struct sc_buf *out, struct sc_error *err)
{
    struct sc_writer_meta meta = {
        .transcript_id = content->t.id,
        .file_id = content->t.file_id,
        .job_id = content->t.job_id,
        .status = content->t.complete ? "complete" : "partial",
        .language = content->t.language,
        .version = content->version,
    };
    return sc_format_to_buf(format, &content->segments, &meta, NULL, out, err);
}

static struct sc_done *export_as(struct sc_request *req, struct sc_api *api, const char *name)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(content_done) struct content content = { 0 };
    const struct sc_format *format = sc_format_find(name);
    sc_assert(format != NULL); /* the routes name only formats that there are */
    enum sc_code code = load(req, api, &content, &err);
    if (code == SC_OK)
        code = format_content(&content, format, &body, &err);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    record_export(req, api, &content, name);
    char disposition[96];
    (void)snprintf(disposition, sizeof(disposition), "attachment; filename=\"transcript-%lld.%s\"",
                   (long long)content.t.id, format->extension);
    sc_reply_header(req, "Content-Disposition", disposition);
    return sc_reply_bytes(req, 200, format->mime_type, &body);
}

struct sc_done *sc_api_transcript_export_txt(struct sc_request *req, struct sc_api *api)
{
    return export_as(req, api, "txt");
}

struct sc_done *sc_api_transcript_export_srt(struct sc_request *req, struct sc_api *api)
{
    return export_as(req, api, "srt");
}

struct sc_done *sc_api_transcript_export_json(struct sc_request *req, struct sc_api *api)
{
    return export_as(req, api, "json");
}
