/* What becomes of a body on its way out: whether the client takes its type, its tag, whether the
 * client has it already, whether it travels compressed. */
#include "http/represent.h"
#include "http/accept.h"
#include "http/http-internal.h"
#include "http/range.h"

#include "sys/file.h"
#include "zip/gzip.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/banned.h"

/* Below, headers and a packet weigh more than what compressing saves. */
#define COMPRESS_FROM 1024

static uint64_t fold(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * UINT64_C(0xd6e8feb86659fd93);
    return sum ^ sum >> 32;
}

/* Tells bodies apart, and is no secret: multiplied and folded, eight bytes at a time. */
static uint64_t sum_of(const char *bytes, size_t len)
{
    uint64_t sum = UINT64_C(0x9e3779b97f4a7c15) ^ len;
    uint64_t word = 0;
    for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
        memcpy(&word, bytes, sizeof(word));
        sum = fold(sum, word);
    }
    if (len > 0) {
        word = 0;
        memcpy(&word, bytes, len);
        sum = fold(sum, word);
    }
    return sum * UINT64_C(0xd6e8feb86659fd93) ^ sum >> 29;
}

static void write_tag(struct sc_request *req, const char *sum)
{
    const struct sc_etag_version *v = &req->version;
    if (v->version > 0)
        (void)snprintf(req->tag, sizeof(req->tag), "\"%.16s.%" PRId64 "-%s.%" PRId64 "\"", sum,
                       v->id, v->digits, v->version);
    else
        (void)snprintf(req->tag, sizeof(req->tag), "\"%.16s\"", sum);
}

static void set_tag(struct sc_request *req, uint64_t sum)
{
    char digits[17];
    (void)snprintf(digits, sizeof(digits), "%016" PRIx64, sum);
    write_tag(req, digits);
}

static bool is_reading(const struct sc_request *req)
{
    return strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
}

/* Text shrinks to a quarter; sound and what is compressed already does not. */
static bool is_compressible(struct sc_str type)
{
    struct sc_str rest = type;
    struct sc_str bare = sc_str_trim(sc_str_take_until(&rest, ';'));
    return sc_str_starts(bare, SC_STR("text/")) || sc_str_equal(bare, SC_STR("application/json")) ||
           sc_str_equal(bare, SC_STR("application/x-subrip"));
}

static bool wants_gzip(struct sc_request *req)
{
    return sc_accepts_gzip(sc_request_header(req, MHD_HTTP_HEADER_ACCEPT_ENCODING));
}

/* The tag goes out as a weak one with compressed bytes: they are others, of the same content. */
static void put_tag(struct sc_request *req, bool compressed)
{
    char text[SC_HTTP_TAG + 2] = "W/";
    memcpy(text + 2, req->tag, sizeof(req->tag));
    sc_reply_header(req, MHD_HTTP_HEADER_ETAG, compressed ? text : text + 2);
}

static bool is_refused(struct sc_request *req, struct sc_str type)
{
    return is_reading(req) && !req->probing && !req->any_type &&
           !sc_accepts_type(sc_request_header(req, MHD_HTTP_HEADER_ACCEPT), type);
}

bool sc_request_has(struct sc_request *req, const char *tag)
{
    struct sc_str known = sc_request_header(req, MHD_HTTP_HEADER_IF_NONE_MATCH);
    return is_reading(req) && !req->probing && known.ptr != NULL &&
           sc_etag_listed(known, sc_str_from(tag));
}

/* A tag is of what GET of the address answers; what else is answered to a change has none. */
static bool is_tagged(const struct sc_request *req)
{
    return (is_reading(req) || req->as_get) && req->route != NULL;
}

struct outgoing {
    bool tagged;
    bool shrinks; /* it may be compressed, and the client takes that */
};

/* What comes before the bytes are looked at. req->tag is set where out->tagged says so. */
static enum sc_represented judge(struct sc_request *req, bool can_shrink, struct outgoing *out)
{
    *out = (struct outgoing){ .tagged = is_tagged(req) };
    if (req->probing)
        return SC_REPRESENTED;
    if (can_shrink)
        sc_reply_header(req, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    out->shrinks = can_shrink && wants_gzip(req);
    if (!out->tagged || !sc_request_has(req, req->tag))
        return SC_REPRESENTED;
    put_tag(req, out->shrinks);
    return SC_REPRESENTED_KNOWN;
}

static void put_headers(struct sc_request *req, const struct outgoing *out, bool shrunk)
{
    if (out->tagged && !req->probing)
        put_tag(req, shrunk);
    if (shrunk)
        sc_reply_header(req, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
}

/* ---- in a file ---- */

static enum sc_code write_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    const int *fd = ctx;
    return len == 0 ? SC_OK : sc_file_write_all(*fd, bytes, len, err);
}

static bool compress_into(int from, int64_t len, int *to)
{
    SC_AUTO_GZIP g = { 0 };
    char bytes[16 << 10];
    bool good = sc_gzip_begin(&g, write_piece, to);
    for (int64_t at = 0; good && at < len;) {
        ssize_t n = pread(from, bytes, sizeof(bytes), (off_t)at);
        good = n > 0;
        at += n;
        good = good && sc_gzip_put(&g, bytes, (size_t)n, at >= len, NULL) == SC_OK;
    }
    return good;
}

/* Where it cannot be compressed, or that would not make it smaller, it goes as it is. */
static bool compress_file(struct sc_request *req, int *fd, int64_t *len)
{
    SC_AUTO_CLOSE int small = -1;
    if (sc_nameless_file(req->http->options.temp_dir, &small, NULL) != SC_OK ||
        !compress_into(*fd, *len, &small))
        return false;
    off_t end = lseek(small, 0, SEEK_CUR);
    if (end <= 0 || (int64_t)end >= *len)
        return false;
    (void)close(*fd);
    *fd = SC_TAKE_FD(small);
    *len = (int64_t)end;
    return true;
}

enum sc_represented sc_represent_file(struct sc_request *req, struct sc_str type, const char *sum,
                                      int *fd, int64_t *len)
{
    struct outgoing out;
    if (is_refused(req, type))
        return SC_REPRESENTED_REFUSED;
    if (is_tagged(req))
        write_tag(req, sum);
    enum sc_represented how = judge(req, is_compressible(type), &out);
    if (how == SC_REPRESENTED)
        put_headers(req, &out, out.shrinks && compress_file(req, fd, len));
    return how;
}

/* ---- in memory ---- */

static bool compress(char **bytes, size_t *len)
{
    size_t small_len = 0;
    char *small = sc_gzip(*bytes, *len, &small_len);
    if (small == NULL)
        return false;
    free(*bytes);
    *bytes = small;
    *len = small_len;
    return true;
}

enum sc_represented sc_represent(struct sc_request *req, struct sc_str type, char **bytes,
                                 size_t *len)
{
    struct outgoing out;
    if (is_refused(req, type))
        return SC_REPRESENTED_REFUSED;
    if (is_tagged(req))
        set_tag(req, sum_of(*bytes, *len));
    enum sc_represented how = judge(req, *len >= COMPRESS_FROM && is_compressible(type), &out);
    if (how == SC_REPRESENTED)
        put_headers(req, &out, out.shrinks && compress(bytes, len));
    return how;
}

bool sc_represent_as_it_is(struct sc_request *req, struct sc_str type, const char *bytes,
                           size_t len)
{
    if (is_refused(req, type))
        return false;
    set_tag(req, sum_of(bytes, len));
    return true;
}
