/* multipart/form-data: the `file` part goes to a temp file and through the hash while it arrives,
 * the other parts are kept. A failure is remembered, not answered: libmicrohttpd can answer only
 * once the body has been read, and closing the connection would tell the client nothing. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "sys/file.h"

#include <strings.h>

#include "base/banned.h"

#define FIELDS 64
#define FIELD_BYTES ((size_t)64 << 10)
#define STAGING ((size_t)256 << 10)
#define PARSER_BYTES ((size_t)32 << 10)

struct field {
    char *name;
    struct sc_buf value;
};

struct sc_spool {
    const struct sc_http_options *options;
    struct MHD_PostProcessor *parser;
    struct sc_error error; /* the first one; code SC_OK: none */
    int64_t drained;
    struct field fields[FIELDS];
    size_t field_count;
    struct field *open; /* the field that the next slices belong to; NULL: the file, or none */
    bool in_file;
    bool slice_empty; /* the part has begun with a slice of no bytes */
    /* The file. */
    bool has_file;
    bool taken;
    int fd;
    char *path;
    char *name;
    struct sc_hash *hash;
    char *staging;
    size_t staged;
    int64_t size;
    struct sc_spooled result;
};

static void flush_staging(struct sc_spool *s)
{
    if (s->staged == 0 || s->error.code != SC_OK)
        return;
    sc_hash_update(s->hash, s->staging, s->staged);
    enum sc_code code = sc_file_write_all(s->fd, s->staging, s->staged, &s->error);
    sc_assert(code == s->error.code);
    s->staged = 0;
}

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

static void begin_file(struct sc_spool *s, const char *name)
{
    if (s->has_file) {
        (void)sc_error_field(&s->error, SC_E_INVALID_REQUEST, "file",
                             "one `file` part is taken, not several");
        return;
    }
    s->has_file = true;
    s->in_file = true;
    s->open = NULL;
    s->name = unescape_name(name);
    if (!sc_utf8_is_valid(sc_str_from(s->name))) {
        SC_AUTO_BUF clean = { 0 };
        sc_utf8_append_lossy(&clean, sc_str_from(s->name));
        free(s->name);
        s->name = sc_buf_take(&clean);
    }
    s->hash = sc_hash_new();
    s->staging = sc_try_alloc(STAGING);
    if (s->staging == NULL) {
        (void)sc_error_set(&s->error, SC_E_INTERNAL, "out of memory");
        return;
    }
    enum sc_code code = sc_file_temp(s->options->temp_dir, ".part", &s->fd, &s->path, &s->error);
    sc_assert(code == s->error.code);
}

static void add_file_bytes(struct sc_spool *s, const char *bytes, size_t len)
{
    if ((int64_t)len > s->options->spool_limit - s->size) {
        (void)sc_error_field(&s->error, SC_E_FILE_TOO_LARGE, "file",
                             "files of at most %lld bytes are taken",
                             (long long)s->options->spool_limit);
        return;
    }
    s->size += (int64_t)len;
    while (len > 0 && s->error.code == SC_OK) {
        size_t n = SC_MIN(len, STAGING - s->staged);
        memcpy(s->staging + s->staged, bytes, n);
        s->staged += n;
        bytes += n;
        len -= n;
        if (s->staged == STAGING)
            flush_staging(s);
    }
}

static void begin_field(struct sc_spool *s, const char *name)
{
    s->in_file = false;
    s->open = NULL;
    if (s->field_count == FIELDS) {
        (void)sc_error_set(&s->error, SC_E_BODY_TOO_LARGE, "at most %d form fields are taken",
                           FIELDS);
        return;
    }
    s->open = &s->fields[s->field_count++];
    s->open->name = sc_strdup(name);
    s->open->value.limit = FIELD_BYTES;
}

static void add_field_bytes(struct sc_spool *s, const char *bytes, size_t len)
{
    sc_buf_append(&s->open->value, bytes, len);
    if (s->open->value.failed)
        (void)sc_error_field(&s->error, SC_E_BODY_TOO_LARGE, s->open->name,
                             "a form field holds at most %zu bytes", FIELD_BYTES);
}

static enum MHD_Result on_part(void *cls, enum MHD_ValueKind kind, const char *key,
                               const char *filename, const char *content_type, const char *encoding,
                               const char *bytes, uint64_t off, size_t len)
{
    struct sc_spool *s = cls;
    (void)kind;
    (void)content_type;
    (void)encoding;
    if (s->error.code != SC_OK)
        return MHD_YES;
    if (key == NULL || key[0] == '\0' || strlen(key) > 256) {
        (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST,
                           "a part of the form has no usable name");
        return MHD_YES;
    }
    bool is_file = strcmp(key, "file") == 0;
    /* A part may begin with a slice of no bytes and then start at offset 0 once more. */
    bool same = s->slice_empty && is_file == s->in_file &&
                (is_file || (s->open != NULL && strcmp(s->open->name, key) == 0));
    if (off == 0 && !same) {
        if (is_file)
            begin_file(s, filename);
        else
            begin_field(s, key);
    }
    s->slice_empty = off == 0 && len == 0;
    if (len == 0 || s->error.code != SC_OK)
        return MHD_YES;
    if (s->in_file)
        add_file_bytes(s, bytes, len);
    else if (s->open != NULL)
        add_field_bytes(s, bytes, len);
    return MHD_YES;
}

struct sc_spool *sc_spool_new(struct sc_request *req, struct sc_error *err)
{
    struct sc_str type = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONTENT_TYPE);
    struct sc_str rest = type;
    SC_AUTO(sc_spool_freep) struct sc_spool *s = sc_alloc(sizeof(*s));
    s->fd = -1;
    s->options = &req->http->options;
    if (sc_str_equal_nocase(sc_str_trim(sc_str_take_until(&rest, ';')),
                            SC_STR("multipart/form-data")))
        s->parser = MHD_create_post_processor(req->conn, PARSER_BYTES, on_part, s);
    if (s->parser == NULL) {
        (void)sc_error_set(err, SC_E_UNSUPPORTED_TYPE,
                           "the Content-Type must be multipart/form-data with a boundary");
        return NULL;
    }
    return SC_TAKE(s);
}

void sc_spool_free(struct sc_spool *s)
{
    if (s == NULL)
        return;
    if (s->parser != NULL)
        (void)MHD_destroy_post_processor(s->parser);
    for (size_t i = 0; i < s->field_count; i++) {
        free(s->fields[i].name);
        sc_buf_done(&s->fields[i].value);
    }
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->path != NULL && !s->taken)
        (void)unlink(s->path);
    sc_hash_free(s->hash);
    free(s->staging);
    free(s->path);
    free(s->name);
    free(s);
}

void sc_spool_feed(struct sc_spool *s, const char *bytes, size_t len)
{
    if (s->error.code != SC_OK)
        s->drained += (int64_t)len;
    else if (MHD_post_process(s->parser, bytes, len) != MHD_YES && s->error.code == SC_OK)
        (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST, "the form is malformed");
}

int64_t sc_spool_drained(const struct sc_spool *s)
{
    return s->drained;
}

enum sc_code sc_spool_finish(struct sc_spool *s, struct sc_error *err)
{
    /* Says whether the last boundary has been seen. */
    bool whole = MHD_destroy_post_processor(SC_TAKE(s->parser)) == MHD_YES;
    flush_staging(s);
    /* A parser that has seen no boundary at all calls that whole. */
    if (s->error.code == SC_OK && (!whole || (!s->has_file && s->field_count == 0)))
        (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST,
                           "the form ends before its last boundary");
    for (size_t i = 0; i < s->field_count && s->error.code == SC_OK; i++) {
        if (!sc_utf8_is_valid(sc_buf_str(&s->fields[i].value)) ||
            !sc_utf8_is_valid(sc_str_from(s->fields[i].name)))
            (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST, "a form field is no valid UTF-8");
    }
    if (s->error.code != SC_OK)
        return sc_error_copy(err, &s->error);
    free(SC_TAKE(s->staging));
    if (s->has_file) {
        s->result =
            (struct sc_spooled){ .path = s->path, .fd = s->fd, .size = s->size, .name = s->name };
        sc_hash_hex(s->hash, s->result.sha256);
    }
    return SC_OK;
}

void sc_spool_each_field(struct sc_spool *s, sc_pair_fn fn, void *ctx)
{
    for (size_t i = 0; i < s->field_count; i++)
        fn(ctx, sc_str_from(s->fields[i].name), sc_buf_str(&s->fields[i].value));
}

const struct sc_spooled *sc_spool_file(struct sc_spool *s)
{
    return s->has_file ? &s->result : NULL;
}

void sc_spool_file_taken(struct sc_spool *s)
{
    s->taken = true;
}
