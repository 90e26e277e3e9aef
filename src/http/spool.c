/* Bodies that are a recording, or hold one: the part `file` of multipart/form-data, whose other
 * parts are kept, a body that is the file itself, or a piece that is appended to a file of the
 * application's. Its bytes go to the file and to the hasher while they arrive. A failure is
 * remembered, not answered: libmicrohttpd can answer only once the body has been read, and closing
 * the connection would tell the client nothing. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "http/inflow.h"
#include "http/multipart.h"
#include "sys/file.h"

#include <strings.h>

#include "base/banned.h"

#define FIELDS 64
#define FIELD_BYTES ((size_t)64 << 10)
/* Of a field that holds a file as a data: URL (OpenAI's samples of voices) so much is passed over
 * behind what is kept: nobody here reads the file. */
#define DATA_URL_BYTES ((int64_t)4 << 20)
#define NAME_BYTES 256

struct field {
    char *name;
    struct sc_buf value;
    int64_t passed; /* bytes behind value */
};

struct sc_spool {
    const struct sc_http_options *options;
    struct sc_request *req;
    struct sc_hasher *hasher;
    struct sc_multipart *parser; /* NULL: the body is the file */
    struct sc_error error;       /* the first one; code SC_OK: none */
    int64_t drained;
    struct field fields[FIELDS];
    size_t field_count;
    struct field *open; /* the field that the next bytes belong to; NULL: the file */
    /* The file. */
    struct sc_inflow in;
    bool has_file;
    bool taken;
    int fd; /* ours, -1: none */
    char *path;
    char *name;
    struct sc_hash *hash; /* ours */
    struct sc_spooled result;
    /* A piece: the file is the application's. */
    bool appends;
    struct sc_append append;
};

/* Forms write quotes and line ends of a file's name as %22, %0D and %0A, and nothing else so. */
static char *unescape_name(const char *name)
{
    static const struct {
        const char *code;
        char sign;
    } escaped[] = { { "%22", '"' }, { "%0D", '\r' }, { "%0A", '\n' } };
    char *out = sc_strdup(name == NULL ? "" : name);
    char *to = out;
    for (const char *at = out; *at != '\0';) {
        char sign = *at;
        size_t len = 1;
        for (size_t i = 0; i < SC_ARRAY_LEN(escaped); i++) {
            if (strncasecmp(at, escaped[i].code, 3) == 0) {
                sign = escaped[i].sign;
                len = 3;
            }
        }
        *to++ = sign;
        at += len;
    }
    *to = '\0';
    return out;
}

static enum sc_code begin_temp(struct sc_spool *s, struct sc_error *err)
{
    enum sc_code code = sc_file_temp(s->options->temp_dir, ".part", &s->fd, &s->path, err);
    if (code != SC_OK)
        return code;
    s->has_file = true;
    s->hash = sc_hash_new();
    sc_inflow_begin(&s->in, s->fd, s->hasher, &(struct sc_hash_sums){ s->hash, NULL });
    return SC_OK;
}

/* field: the part, a constant. */
static enum sc_code begin_file(struct sc_spool *s, const char *field, const char *name,
                               struct sc_error *err)
{
    if (s->has_file)
        return sc_error_field(err, SC_E_INVALID_REQUEST, field,
                              "one file is taken, and the part `%s` is another", field);
    s->in.field = field;
    s->open = NULL;
    if (s->options->form != NULL && s->options->form(s->options->app, s->req, err) != SC_OK) {
        sc_request_refuse(s->req, err); /* a client that goes on sending is told so soon */
        return err->code;
    }
    s->name = unescape_name(name);
    if (!sc_utf8_is_valid(sc_str_from(s->name))) {
        SC_AUTO_BUF clean = { 0 };
        sc_utf8_append_lossy(&clean, sc_str_from(s->name));
        free(s->name);
        s->name = sc_buf_take(&clean);
        if (s->name == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    }
    return begin_temp(s, err);
}

static enum sc_code add_file_bytes(struct sc_spool *s, const char *bytes, size_t len,
                                   struct sc_error *err)
{
    bool passed = false;
    enum sc_code code = sc_inflow_add(&s->in, bytes, len, &passed, err);
    if (passed && s->appends)
        s->options->append->wrote(s->append.ctx, s->in.written);
    return code;
}

static enum sc_code begin_field(struct sc_spool *s, const char *name, struct sc_error *err)
{
    if (s->field_count == FIELDS)
        return sc_error_set(err, SC_E_BODY_TOO_LARGE, "at most %d form fields are taken", FIELDS);
    s->open = &s->fields[s->field_count++];
    s->open->name = sc_strdup(name);
    s->open->value.limit = FIELD_BYTES;
    return SC_OK;
}

static enum sc_code add_field_bytes(struct sc_spool *s, const char *bytes, size_t len,
                                    struct sc_error *err)
{
    struct field *field = s->open;
    size_t kept = SC_MIN(len, FIELD_BYTES - field->value.len);
    sc_buf_append(&field->value, bytes, kept);
    field->passed += (int64_t)(len - kept);
    bool file = sc_str_starts(sc_buf_str(&field->value), SC_STR("data:"));
    if (!field->value.failed && field->passed <= (file ? DATA_URL_BYTES : 0))
        return SC_OK;
    return sc_error_field(err, SC_E_BODY_TOO_LARGE, s->open->name,
                          "a form field holds at most %zu bytes",
                          FIELD_BYTES + (file ? (size_t)DATA_URL_BYTES : 0));
}

/* The name of a part that is the file, a constant; NULL: it is a field. */
static const char *file_field(const struct sc_part *part)
{
    if (strcmp(part->name, "file") == 0)
        return "file";
    /* Clients of whisper-asr-webservice call it so. */
    bool is_audio = part->filename != NULL && strcmp(part->name, "audio_file") == 0;
    return is_audio ? "audio_file" : NULL;
}

static enum sc_code begin_part(void *ctx, const struct sc_part *part, struct sc_error *err)
{
    struct sc_spool *s = ctx;
    size_t len = strlen(part->name);
    if (len == 0 || len > NAME_BYTES)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "a part of the form has no usable name");
    const char *file = file_field(part);
    if (file != NULL)
        return begin_file(s, file, part->filename, err);
    return begin_field(s, part->name, err);
}

static enum sc_code add_bytes(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct sc_spool *s = ctx;
    return s->open == NULL ? add_file_bytes(s, bytes, len, err)
                           : add_field_bytes(s, bytes, len, err);
}

static const struct sc_multipart_ops parts = { begin_part, add_bytes };

/* ---- the kinds of bodies ---- */

static bool is_type(struct sc_str type, const char *want)
{
    return sc_str_equal_nocase(sc_str_trim(sc_str_take_until(&type, ';')), sc_str_from(want));
}

static bool begins_with(struct sc_str type, const char *want)
{
    size_t len = strlen(want);
    return type.len > len && strncasecmp(type.ptr, want, len) == 0;
}

/* What may be a recording. */
static bool is_raw_type(struct sc_str type)
{
    return type.len == 0 || begins_with(type, "audio/") || begins_with(type, "video/") ||
           is_type(type, "application/octet-stream") || is_type(type, "application/ogg");
}

static enum sc_code begin_form(struct sc_spool *s, struct sc_str type, struct sc_error *err)
{
    char boundary[SC_BOUNDARY_MAX + 1];
    enum sc_code code = sc_multipart_boundary(type, boundary, err);
    if (code == SC_OK)
        s->parser = sc_multipart_new(boundary, &parts, s);
    return code;
}

static enum sc_code begin_append(struct sc_spool *s, struct sc_request *req, struct sc_error *err)
{
    enum sc_code code = s->options->append->begin(s->options->app, req, &s->append, err);
    if (code != SC_OK)
        return code;
    s->appends = s->has_file = true;
    s->in.limit = s->append.limit;
    s->in.field = NULL;
    sc_inflow_begin_at(&s->in, s->append.fd, s->append.offset, s->hasher,
                       &(struct sc_hash_sums){ s->append.whole, s->append.piece });
    return SC_OK;
}

static enum sc_code begin_body(struct sc_spool *s, struct sc_request *req, struct sc_error *err)
{
    unsigned flags = req->route->flags;
    struct sc_str type = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONTENT_TYPE);
    if ((flags & SC_ROUTE_RAW) != 0 && is_raw_type(type))
        return begin_temp(s, err);
    if ((flags & SC_ROUTE_SPOOL) != 0)
        return begin_form(s, type, err);
    if (!is_type(type, SC_HTTP_PIECE_TYPE))
        return sc_error_set(err, SC_E_UNSUPPORTED_TYPE,
                            "the Content-Type must be " SC_HTTP_PIECE_TYPE);
    return (flags & SC_ROUTE_APPEND) != 0 ? begin_append(s, req, err) : begin_temp(s, err);
}

struct sc_spool *sc_spool_new(struct sc_request *req, struct sc_error *err)
{
    SC_AUTO(sc_spool_freep) struct sc_spool *s = sc_alloc(sizeof(*s));
    s->fd = -1;
    s->options = &req->http->options;
    s->req = req;
    s->in.limit = atomic_load(&req->http->spool_limit);
    s->in.field = "file";
    s->hasher = &req->http->hasher;
    return begin_body(s, req, err) == SC_OK ? SC_TAKE(s) : NULL;
}

void sc_spool_free(struct sc_spool *s)
{
    if (s == NULL)
        return;
    sc_spool_end(s);
    sc_multipart_free(s->parser);
    for (size_t i = 0; i < s->field_count; i++) {
        free(s->fields[i].name);
        sc_buf_done(&s->fields[i].value);
    }
    sc_inflow_done(&s->in);
    sc_hash_free(s->hash);
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->path != NULL && !s->taken)
        (void)unlink(s->path);
    free(s->path);
    free(s->name);
    free(s);
}

void sc_spool_feed(struct sc_spool *s, const char *bytes, size_t len)
{
    if (s->error.code != SC_OK) {
        s->drained += (int64_t)len;
        return;
    }
    enum sc_code code = s->parser == NULL ? add_file_bytes(s, bytes, len, &s->error)
                                          : sc_multipart_feed(s->parser, bytes, len, &s->error);
    sc_assert(code == s->error.code);
}

int64_t sc_spool_drained(const struct sc_spool *s)
{
    return s->drained;
}

static void check_text(const struct field *f, struct sc_error *err)
{
    if (!sc_utf8_is_valid(sc_str_from(f->name)))
        (void)sc_error_set(err, SC_E_INVALID_REQUEST, "the name of a form field is no valid UTF-8");
    else if (!sc_utf8_is_valid(sc_buf_str(&f->value)))
        (void)sc_error_field(err, SC_E_INVALID_REQUEST, f->name,
                             "a form field is no valid UTF-8: send it as UTF-8");
}

enum sc_code sc_spool_finish(struct sc_spool *s, struct sc_error *err)
{
    if (s->error.code == SC_OK && s->parser != NULL && !sc_multipart_is_whole(s->parser))
        (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST,
                           "the form ends before its last boundary");
    if (s->error.code == SC_OK && s->has_file && sc_inflow_finish(&s->in, &s->error) != SC_OK)
        sc_assert(s->error.code != SC_OK);
    for (size_t i = 0; i < s->field_count && s->error.code == SC_OK; i++)
        check_text(&s->fields[i], &s->error);
    if (s->error.code != SC_OK) {
        sc_spool_end(s);
        return sc_error_copy(err, &s->error);
    }
    if (s->path != NULL) {
        SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_copy(s->hash);
        s->result = (struct sc_spooled){
            .path = s->path,
            .fd = s->fd,
            .size = s->in.size,
            .name = s->name == NULL ? "" : s->name,
        };
        sc_hash_hex(sum, s->result.sha256);
    }
    return SC_OK;
}

/* What is in the file of a cut body stays, with the sums of just that. */
void sc_spool_end(struct sc_spool *s)
{
    if (!s->appends || s->taken)
        return;
    s->taken = true;
    if (s->error.code == SC_OK) {
        enum sc_code code SC_UNUSED = sc_inflow_finish(&s->in, NULL); /* what is written counts */
    }
    sc_inflow_done(&s->in);
    s->options->append->end(s->append.ctx, s->in.written);
}

void *sc_spool_append_take(struct sc_spool *s, int64_t *bytes)
{
    sc_assert(s->appends && !s->taken);
    s->taken = true;
    sc_inflow_done(&s->in);
    *bytes = s->in.written;
    return s->append.ctx;
}

struct sc_hash *sc_spool_hash_take(struct sc_spool *s)
{
    sc_inflow_done(&s->in);
    return SC_TAKE(s->hash);
}

bool sc_spool_is_form(const struct sc_spool *s)
{
    return s->parser != NULL;
}

bool sc_spool_appends(const struct sc_spool *s)
{
    return s->appends;
}

void sc_spool_each_field(struct sc_spool *s, sc_pair_fn fn, void *ctx)
{
    for (size_t i = 0; i < s->field_count; i++)
        fn(ctx, sc_str_from(s->fields[i].name), sc_buf_str(&s->fields[i].value));
}

const struct sc_spooled *sc_spool_file(struct sc_spool *s)
{
    return s->path != NULL ? &s->result : NULL;
}

void sc_spool_file_taken(struct sc_spool *s)
{
    s->taken = true;
}
