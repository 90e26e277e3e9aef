/* multipart/form-data: the `file` part goes to a temp file and to the hasher while it arrives,
 * the other parts are kept. A failure is remembered, not answered: libmicrohttpd can answer only
 * once the body has been read, and closing the connection would tell the client nothing. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "http/multipart.h"
#include "sys/file.h"

#include <strings.h>

#include "base/banned.h"

#define FIELDS 64
#define FIELD_BYTES ((size_t)64 << 10)
/* So much is written to the disk while the next arrives, so that little is left for the fsync. */
#define WRITE_BACK ((int64_t)8 << 20)
#define NAME_BYTES 256

struct field {
    char *name;
    struct sc_buf value;
};

struct sc_spool {
    const struct sc_http_options *options;
    int64_t limit; /* of the file */
    struct sc_hasher *hasher;
    struct sc_multipart *parser;
    struct sc_error error; /* the first one; code SC_OK: none */
    int64_t drained;
    struct field fields[FIELDS];
    size_t field_count;
    struct field *open; /* the field that the next bytes belong to; NULL: the file */
    /* The file. */
    bool has_file;
    bool taken;
    int fd;
    char *path;
    char *name;
    struct sc_hash_line *hash;
    char *block; /* of the line; the bytes that are not written yet */
    size_t filled;
    int64_t size;
    int64_t begun; /* bytes that are on their way to the disk */
    struct sc_spooled result;
};

/* The file first, so that its error is known before more is read; it is hashed meanwhile. */
static enum sc_code flush_block(struct sc_spool *s, struct sc_error *err)
{
    if (s->filled == 0)
        return SC_OK;
    enum sc_code code = sc_file_write_all(s->fd, s->block, s->filled, err);
    if (code != SC_OK)
        return code;
    sc_hash_line_push(s->hash, s->filled);
    s->block = NULL;
    s->filled = 0;
    if (s->size - s->begun >= WRITE_BACK) {
        sc_file_start_write_back(s->fd, s->begun, s->size - s->begun);
        s->begun = s->size;
    }
    return SC_OK;
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

static enum sc_code begin_file(struct sc_spool *s, const char *name, struct sc_error *err)
{
    if (s->has_file)
        return sc_error_field(err, SC_E_INVALID_REQUEST, "file",
                              "one `file` part is taken, not several");
    s->has_file = true;
    s->open = NULL;
    s->name = unescape_name(name);
    if (!sc_utf8_is_valid(sc_str_from(s->name))) {
        SC_AUTO_BUF clean = { 0 };
        sc_utf8_append_lossy(&clean, sc_str_from(s->name));
        free(s->name);
        s->name = sc_buf_take(&clean);
        if (s->name == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    }
    s->hash = sc_hash_line_new(s->hasher);
    return sc_file_temp(s->options->temp_dir, ".part", &s->fd, &s->path, err);
}

static enum sc_code add_file_bytes(struct sc_spool *s, const char *bytes, size_t len,
                                   struct sc_error *err)
{
    enum sc_code code = SC_OK;
    if ((int64_t)len > s->limit - s->size)
        return sc_error_field(err, SC_E_FILE_TOO_LARGE, "file",
                              "files of at most %lld bytes are taken", (long long)s->limit);
    while (len > 0 && code == SC_OK) {
        if (s->block == NULL)
            s->block = sc_hash_line_block(s->hash);
        if (s->block == NULL)
            return sc_error_set(err, SC_E_INTERNAL, "out of memory");
        size_t n = SC_MIN(len, SC_HASH_BLOCK - s->filled);
        memcpy(s->block + s->filled, bytes, n);
        s->filled += n;
        s->size += (int64_t)n;
        bytes += n;
        len -= n;
        if (s->filled == SC_HASH_BLOCK)
            code = flush_block(s, err);
    }
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
    sc_buf_append(&s->open->value, bytes, len);
    if (!s->open->value.failed)
        return SC_OK;
    return sc_error_field(err, SC_E_BODY_TOO_LARGE, s->open->name,
                          "a form field holds at most %zu bytes", FIELD_BYTES);
}

/* Clients of whisper-asr-webservice call it audio_file. */
static bool is_file(const struct sc_part *part)
{
    return strcmp(part->name, "file") == 0 ||
           (part->filename != NULL && strcmp(part->name, "audio_file") == 0);
}

static enum sc_code begin_part(void *ctx, const struct sc_part *part, struct sc_error *err)
{
    struct sc_spool *s = ctx;
    size_t len = strlen(part->name);
    if (len == 0 || len > NAME_BYTES)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "a part of the form has no usable name");
    if (is_file(part))
        return begin_file(s, part->filename, err);
    return begin_field(s, part->name, err);
}

static enum sc_code add_bytes(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct sc_spool *s = ctx;
    return s->open == NULL ? add_file_bytes(s, bytes, len, err)
                           : add_field_bytes(s, bytes, len, err);
}

static const struct sc_multipart_ops parts = { begin_part, add_bytes };

struct sc_spool *sc_spool_new(struct sc_request *req, struct sc_error *err)
{
    char boundary[SC_BOUNDARY_MAX + 1];
    struct sc_str type = sc_request_header_n(req->conn, MHD_HTTP_HEADER_CONTENT_TYPE);
    if (sc_multipart_boundary(type, boundary, err) != SC_OK)
        return NULL;
    struct sc_spool *s = sc_alloc(sizeof(*s));
    s->fd = -1;
    s->options = &req->http->options;
    s->limit = atomic_load(&req->http->spool_limit);
    s->hasher = &req->http->hasher;
    s->parser = sc_multipart_new(boundary, &parts, s);
    return s;
}

void sc_spool_free(struct sc_spool *s)
{
    if (s == NULL)
        return;
    sc_multipart_free(s->parser);
    for (size_t i = 0; i < s->field_count; i++) {
        free(s->fields[i].name);
        sc_buf_done(&s->fields[i].value);
    }
    if (s->fd >= 0)
        (void)close(s->fd);
    if (s->path != NULL && !s->taken)
        (void)unlink(s->path);
    sc_hash_line_free(s->hash);
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
    enum sc_code code = sc_multipart_feed(s->parser, bytes, len, &s->error);
    sc_assert(code == s->error.code);
}

int64_t sc_spool_drained(const struct sc_spool *s)
{
    return s->drained;
}

enum sc_code sc_spool_finish(struct sc_spool *s, struct sc_error *err)
{
    if (s->error.code == SC_OK && !sc_multipart_is_whole(s->parser))
        (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST,
                           "the form ends before its last boundary");
    if (s->error.code == SC_OK)
        (void)flush_block(s, &s->error);
    for (size_t i = 0; i < s->field_count && s->error.code == SC_OK; i++) {
        if (!sc_utf8_is_valid(sc_buf_str(&s->fields[i].value)) ||
            !sc_utf8_is_valid(sc_str_from(s->fields[i].name)))
            (void)sc_error_set(&s->error, SC_E_INVALID_REQUEST, "a form field is no valid UTF-8");
    }
    if (s->error.code != SC_OK)
        return sc_error_copy(err, &s->error);
    if (s->has_file) {
        s->result =
            (struct sc_spooled){ .path = s->path, .fd = s->fd, .size = s->size, .name = s->name };
        sc_hash_line_hex(s->hash, s->result.sha256);
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
