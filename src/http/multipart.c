/* One pass, no looking back. A delimiter is CR LF "--" boundary, and no boundary holds a CR: where
 * the comparison fails, none of what has matched can begin another delimiter but the sign at hand.
 * So a delimiter that two slices share needs no copy of them: how much of it has matched says what
 * they held. */

#include "http/multipart.h"

#include "base/alloc.h"

#include "base/banned.h"

#define HEAD_MAX ((size_t)16 << 10) /* the header lines of one part */
#define AROUND_MAX \
    ((size_t)64 << 10) /* what stands before the first boundary and behind the last */

enum state {
    BEFORE,    /* the first boundary */
    DELIMITED, /* the rest of a boundary's line */
    HEAD,
    CONTENT,
    BEHIND, /* the last boundary */
};

struct sc_multipart {
    const struct sc_multipart_ops *ops;
    void *ctx;
    enum state state;
    char delimiter[SC_BOUNDARY_MAX + 5];
    size_t delimiter_len;
    size_t matched;  /* signs of the delimiter, CONTENT and BEFORE */
    size_t borrowed; /* of those, what is no content: the end of the line before */
    size_t around;
    struct sc_buf line;
    size_t head_bytes;
    struct sc_buf name, filename;
    bool has_filename;
};

static enum sc_code malformed(const char *why, struct sc_error *err)
{
    return sc_error_set(err, SC_E_INVALID_REQUEST, "the form is malformed: %s", why);
}

static bool is_one_of(char c, const char *signs)
{
    return c != '\0' && strchr(signs, c) != NULL;
}

/* ---- parameters of a header: ; name=value; name="value" ---- */

/* Browsers write a quote in a value as %22 and leave a backslash alone, older clients write \" for
 * it. So a backslash is one, but before a quote that does not end the value. *rest begins behind
 * the opening quote; false: there is no closing one. */
static bool take_quoted(struct sc_str *rest, struct sc_buf *out)
{
    for (size_t i = 0; i < rest->len; i++) {
        bool escape = rest->ptr[i] == '\\' && i + 2 < rest->len && rest->ptr[i + 1] == '"';
        if (rest->ptr[i] == '"') {
            *rest = (struct sc_str){ rest->ptr + i + 1, rest->len - i - 1 };
            return true;
        }
        i += escape ? 1 : 0;
        sc_buf_putc(out, rest->ptr[i]);
    }
    return false;
}

/* The next parameter: its name is returned, empty at the end, its value put into out. False: it is
 * no parameter. */
static bool take_parameter(struct sc_str *rest, struct sc_str *name, struct sc_buf *out)
{
    sc_buf_reset(out);
    while (rest->len > 0 && is_one_of(rest->ptr[0], "; \t"))
        *rest = (struct sc_str){ rest->ptr + 1, rest->len - 1 };
    if (rest->len == 0) {
        *name = (struct sc_str){ "", 0 };
        return true;
    }
    const char *equals = memchr(rest->ptr, '=', rest->len);
    if (equals == NULL)
        return false;
    *name = sc_str_trim((struct sc_str){ rest->ptr, (size_t)(equals - rest->ptr) });
    *rest = (struct sc_str){ equals + 1, rest->len - (size_t)(equals + 1 - rest->ptr) };
    if (rest->len > 0 && rest->ptr[0] == '"') {
        *rest = (struct sc_str){ rest->ptr + 1, rest->len - 1 };
        return take_quoted(rest, out);
    }
    sc_buf_put_str(out, sc_str_trim(sc_str_take_until(rest, ';')));
    return true;
}

static bool is_boundary(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] == 0x7f || (unsigned char)text.ptr[i] > 0x7f)
            return false;
    }
    return text.len >= 1 && text.len <= SC_BOUNDARY_MAX && text.ptr[text.len - 1] != ' ';
}

enum sc_code sc_multipart_boundary(struct sc_str content_type, char out[SC_BOUNDARY_MAX + 1],
                                   struct sc_error *err)
{
    SC_AUTO_BUF value = { 0 };
    struct sc_str rest = content_type;
    struct sc_str type = sc_str_trim(sc_str_take_until(&rest, ';'));
    struct sc_str name = SC_STR("-");
    bool good = sc_str_equal_nocase(type, SC_STR("multipart/form-data"));
    while (good && name.len > 0 && !sc_str_equal_nocase(name, SC_STR("boundary")))
        good = take_parameter(&rest, &name, &value);
    if (!good || name.len == 0)
        return sc_error_set(err, SC_E_UNSUPPORTED_TYPE,
                            "the Content-Type must be multipart/form-data with a boundary");
    if (!is_boundary(sc_buf_str(&value)))
        return sc_error_set(err, SC_E_UNSUPPORTED_TYPE,
                            "the boundary of the Content-Type must have 1 to %d ASCII signs",
                            SC_BOUNDARY_MAX);
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return SC_OK;
}

/* ---- the lines of a part's head ---- */

static enum sc_code read_disposition(struct sc_multipart *m, struct sc_str value,
                                     struct sc_error *err)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_str rest = value, name = SC_STR("-");
    (void)sc_str_take_until(&rest, ';');
    while (name.len > 0) {
        if (!take_parameter(&rest, &name, &text))
            return malformed("a Content-Disposition cannot be read", err);
        bool is_filename = sc_str_equal_nocase(name, SC_STR("filename"));
        if (!is_filename && !sc_str_equal_nocase(name, SC_STR("name")))
            continue;
        m->has_filename = m->has_filename || is_filename;
        struct sc_buf *into = is_filename ? &m->filename : &m->name;
        sc_buf_reset(into);
        sc_buf_put_str(into, sc_buf_str(&text));
    }
    return SC_OK;
}

/* Other control signs are data of whoever named the file so. */
static bool is_cut(struct sc_str line)
{
    return memchr(line.ptr, '\0', line.len) != NULL || memchr(line.ptr, '\r', line.len) != NULL;
}

static enum sc_code begin_part(struct sc_multipart *m, struct sc_error *err)
{
    const struct sc_part part = { sc_buf_text(&m->name),
                                  m->has_filename ? sc_buf_text(&m->filename) : NULL };
    m->state = CONTENT;
    /* The CR LF of the empty line may already be that of the next delimiter: an empty part. */
    m->matched = m->borrowed = 2;
    return m->ops->begin(m->ctx, &part, err);
}

static enum sc_code read_head_line(struct sc_multipart *m, struct sc_error *err)
{
    struct sc_str value = sc_buf_str(&m->line);
    if (value.len > 0 && value.ptr[value.len - 1] == '\r')
        value.len--;
    if (value.len == 0)
        return begin_part(m, err);
    if (is_cut(value))
        return malformed("the head of a part holds a NUL, or a CR alone", err);
    struct sc_str name = sc_str_trim(sc_str_take_until(&value, ':'));
    if (!sc_str_equal_nocase(name, SC_STR("Content-Disposition")))
        return SC_OK;
    return read_disposition(m, value, err);
}

/* Takes up to the end of the line. */
static enum sc_code feed_head(struct sc_multipart *m, struct sc_str *in, struct sc_error *err)
{
    const char *end = memchr(in->ptr, '\n', in->len);
    size_t len = end == NULL ? in->len : (size_t)(end - in->ptr);
    m->head_bytes += len + (end == NULL ? 0 : 1);
    if (m->head_bytes > HEAD_MAX)
        return malformed("the head of a part is too long", err);
    sc_buf_append(&m->line, in->ptr, len);
    *in = (struct sc_str){ in->ptr + len, in->len - len };
    if (end == NULL)
        return SC_OK;
    *in = (struct sc_str){ in->ptr + 1, in->len - 1 };
    enum sc_code code = read_head_line(m, err);
    sc_buf_reset(&m->line);
    return code;
}

/* ---- delimiters and what is between them ---- */

static enum sc_code emit(struct sc_multipart *m, const char *bytes, size_t len,
                         struct sc_error *err)
{
    if (len == 0)
        return SC_OK;
    if (m->state == CONTENT)
        return m->ops->bytes(m->ctx, bytes, len, err);
    m->around += len;
    return m->around <= AROUND_MAX ? SC_OK : malformed("there is no boundary", err);
}

/* The first CR that may begin a delimiter: one before an LF, or the last sign. Sound has one CR in
 * 256 bytes, and each would be an end of a slice. */
static const char *find_line_end(struct sc_str in)
{
    const char *end = in.ptr + in.len;
    const char *cr = memchr(in.ptr, '\r', in.len);
    while (cr != NULL && cr + 1 < end && cr[1] != '\n')
        cr = memchr(cr + 1, '\r', (size_t)(end - cr - 1));
    return cr;
}

static enum sc_code feed_content(struct sc_multipart *m, struct sc_str *in, struct sc_error *err)
{
    if (m->matched == 0) {
        const char *cr = find_line_end(*in);
        size_t len = cr == NULL ? in->len : (size_t)(cr - in->ptr);
        enum sc_code code = emit(m, in->ptr, len, err);
        m->matched = cr == NULL ? 0 : 1;
        len += m->matched;
        *in = (struct sc_str){ in->ptr + len, in->len - len };
        return code;
    }
    size_t len = 0;
    while (len < in->len && m->matched < m->delimiter_len &&
           in->ptr[len] == m->delimiter[m->matched]) {
        len++;
        m->matched++;
    }
    *in = (struct sc_str){ in->ptr + len, in->len - len };
    if (m->matched == m->delimiter_len) {
        m->state = DELIMITED;
        m->matched = m->borrowed = 0;
        return SC_OK;
    }
    if (in->len == 0)
        return SC_OK;
    size_t held = m->matched - m->borrowed;
    const char *from = m->delimiter + m->borrowed;
    m->matched = m->borrowed = 0;
    return emit(m, from, held, err);
}

/* Behind a delimiter stand "--", or blanks and the end of the line. */
static enum sc_code feed_delimited(struct sc_multipart *m, struct sc_str *in, struct sc_error *err)
{
    char c = in->ptr[0];
    *in = (struct sc_str){ in->ptr + 1, in->len - 1 };
    sc_buf_putc(&m->line, c);
    struct sc_str line = sc_buf_str(&m->line);
    if (sc_str_equal(line, SC_STR("--"))) {
        m->state = BEHIND;
        sc_buf_reset(&m->line);
        return SC_OK;
    }
    if (c == '\n' && sc_str_trim(line).len == 0) {
        m->state = HEAD;
        m->head_bytes = 0;
        m->has_filename = false;
        sc_buf_reset(&m->name);
        sc_buf_reset(&m->filename);
        sc_buf_reset(&m->line);
        return SC_OK;
    }
    bool may_end = sc_str_equal(line, SC_STR("-"));
    bool is_blank = line.ptr[0] != '-' && is_one_of(c, " \t\r");
    if (line.len <= SC_BOUNDARY_MAX && (may_end || is_blank))
        return SC_OK;
    return malformed("a line begins with the boundary and goes on", err);
}

enum sc_code sc_multipart_feed(struct sc_multipart *m, const char *bytes, size_t len,
                               struct sc_error *err)
{
    struct sc_str in = { bytes, len };
    enum sc_code code = SC_OK;
    while (code == SC_OK && in.len > 0) {
        switch (m->state) {
        case BEFORE:
        case CONTENT:
            code = feed_content(m, &in, err);
            break;
        case DELIMITED:
            code = feed_delimited(m, &in, err);
            break;
        case HEAD:
            code = feed_head(m, &in, err);
            break;
        case BEHIND:
            code = emit(m, in.ptr, in.len, err);
            in.len = 0;
            break;
        }
    }
    return code;
}

bool sc_multipart_is_whole(const struct sc_multipart *m)
{
    return m->state == BEHIND;
}

struct sc_multipart *sc_multipart_new(const char *boundary, const struct sc_multipart_ops *ops,
                                      void *ctx)
{
    struct sc_multipart *m = sc_alloc(sizeof(*m));
    sc_assert(strlen(boundary) <= SC_BOUNDARY_MAX);
    *m = (struct sc_multipart){ .ops = ops, .ctx = ctx };
    m->delimiter_len = (size_t)snprintf(m->delimiter, sizeof(m->delimiter), "\r\n--%s", boundary);
    m->matched = m->borrowed = 2; /* the first boundary may stand at the very beginning */
    m->line.limit = HEAD_MAX;
    return m;
}

void sc_multipart_free(struct sc_multipart *m)
{
    if (m == NULL)
        return;
    sc_buf_done(&m->line);
    sc_buf_done(&m->name);
    sc_buf_done(&m->filename);
    free(m);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return (c >= 'a' && c <= 'f') ? c - 'a' + 10 : (c >= 'A' && c <= 'F') ? c - 'A' + 10 : -1;
}

/* UTF-8'en'na%C3%AFve.mp3 (RFC 8187). */
static bool put_extended(struct sc_str text, struct sc_buf *out)
{
    struct sc_str charset = sc_str_take_until(&text, '\'');
    (void)sc_str_take_until(&text, '\'');
    if (!sc_str_equal_nocase(charset, SC_STR("UTF-8")))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char sign = text.ptr[i];
        if (sign == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(text.ptr[i + 2]);
            if (low < 0 || high * 16 + low == 0)
                return false;
            sign = (char)(high * 16 + low);
            i += 2;
        }
        sc_buf_putc(out, sign);
    }
    return true;
}

bool sc_disposition_name(struct sc_str value, struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF plain = { 0 };
    struct sc_str rest = value;
    struct sc_str name = SC_STR("-");
    (void)sc_str_take_until(&rest, ';');
    while (name.len > 0) {
        if (!take_parameter(&rest, &name, &text))
            return false;
        if (sc_str_equal_nocase(name, SC_STR("filename*")))
            return put_extended(sc_buf_str(&text), out);
        if (sc_str_equal_nocase(name, SC_STR("filename")) && plain.len == 0)
            sc_buf_put_str(&plain, sc_buf_str(&text));
    }
    sc_buf_put_str(out, sc_buf_str(&plain));
    return plain.len > 0;
}
