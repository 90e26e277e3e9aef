#include "json/writer.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <math.h>

#include "base/banned.h"

/* Digits behind which a double holds nothing; larger requests are cut to it. */
#define MAX_DIGITS 17

void sc_json_begin(struct sc_json *w, struct sc_buf *out)
{
    *w = (struct sc_json){ .out = out };
}

/* One unescaped byte: printable ASCII but for the quote and the backslash. DEL is escaped too. */
static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The same of eight bytes at once: no top bit is set, none borrows when 0x20 is taken from it, none
 * is zero once what it must not be has been taken out of it. */
static bool are_plain(uint64_t eight)
{
    uint64_t quote = eight ^ EACH('"'), backslash = eight ^ EACH('\\'), del = eight ^ EACH(0x7f);
    uint64_t bad = eight | ((eight - EACH(0x20)) & ~eight) | ((quote - EACH(1)) & ~quote) |
                   ((backslash - EACH(1)) & ~backslash) | ((del - EACH(1)) & ~del);
    return (bad & EACH(0x80)) == 0;
}

/* Where the plain bytes from `at` on end. */
static size_t plain_end(struct sc_str s, size_t at)
{
    while (at < s.len && is_plain((unsigned char)s.ptr[at]))
        at++;
    return at;
}

static void put_escaped(struct sc_buf *out, unsigned char c)
{
    static const char *const names[] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",  ['\f'] = "\\f",
        ['\r'] = "\\r", ['"'] = "\\\"", ['\\'] = "\\\\",
    };
    if (c < SC_ARRAY_LEN(names) && names[c] != NULL)
        sc_buf_puts(out, names[c]);
    else
        sc_buf_printf(out, "\\u%04x", c);
}

/* Bytes that cannot stand as they are: one valid sign, or as many invalid bytes as one U+FFFD
 * stands for. Returns how many bytes of s it has written. */
static size_t put_sign(struct sc_buf *out, struct sc_str s)
{
    uint32_t code_point;
    size_t n = sc_utf8_decode(s, &code_point);
    if (n == 0) {
        sc_utf8_append(out, 0xfffd);
        return 1;
    }
    /* Line separators are legal in JSON but end a line in JavaScript and in event streams. */
    if (code_point == 0x2028 || code_point == 0x2029)
        sc_buf_printf(out, "\\u%04x", (unsigned)code_point);
    else
        sc_buf_append(out, s.ptr, n);
    return n;
}

static void put_escaped_text(struct sc_buf *out, struct sc_str s)
{
    for (size_t i = 0; i < s.len;) {
        size_t run = plain_end(s, i);
        sc_buf_append(out, s.ptr + i, run - i);
        i = run;
        if (i == s.len)
            break;
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < 0x80) {
            put_escaped(out, c);
            i++;
        } else {
            i += put_sign(out, (struct sc_str){ s.ptr + i, s.len - i });
        }
    }
}

/* Copies text as long as it is plain; false: it is not, and anything stands there. */
static bool copy_plain(char *to, struct sc_str s)
{
    uint64_t eight = 0;
    size_t at = 0;
    for (; s.len - at >= sizeof(eight); at += sizeof(eight)) {
        memcpy(&eight, s.ptr + at, sizeof(eight));
        memcpy(to + at, &eight, sizeof(eight));
        if (!are_plain(eight))
            return false;
    }
    if (at == s.len)
        return true;
    if (at > 0) { /* the last ones, with some that have been seen */
        memcpy(&eight, s.ptr + s.len - sizeof(eight), sizeof(eight));
        memcpy(to + s.len - sizeof(eight), &eight, sizeof(eight));
        return are_plain(eight);
    }
    for (; at < s.len && is_plain((unsigned char)s.ptr[at]); at++)
        to[at] = s.ptr[at];
    return at == s.len;
}

/* A comma or none, text in quotes, and what stands behind it. Nearly all text is plain, and then
 * written as one piece. */
static void put_quoted(struct sc_buf *out, bool comma, struct sc_str s, struct sc_str behind)
{
    size_t before = out->len;
    char *to = sc_buf_extend(out, s.len + behind.len + (comma ? 3 : 2));
    if (to == NULL)
        return;
    if (comma)
        *to++ = ',';
    *to++ = '"';
    if (copy_plain(to, s)) {
        to[s.len] = '"';
        memcpy(to + s.len + 1, behind.ptr, behind.len);
        return;
    }
    out->len = before;
    sc_buf_puts(out, comma ? ",\"" : "\"");
    put_escaped_text(out, s);
    sc_buf_putc(out, '"');
    sc_buf_put_str(out, behind);
}

/* The comma and the key before a value, and what of the value is known already. */
static void start_with(struct sc_json *w, const char *key, struct sc_str colon_and_value)
{
    struct sc_str value = { colon_and_value.ptr + 1, colon_and_value.len - 1 };
    if (w->depth == 0) {
        sc_assert(key == NULL);
        sc_buf_put_str(w->out, value);
        return;
    }
    int top = w->depth - 1;
    bool comma = w->some[top];
    sc_assert((w->kind[top] == '{') == (key != NULL));
    w->some[top] = true;
    if (key != NULL) {
        put_quoted(w->out, comma, sc_str_from(key), colon_and_value);
        return;
    }
    if (comma)
        sc_buf_putc(w->out, ',');
    sc_buf_put_str(w->out, value);
}

static void start_value(struct sc_json *w, const char *key)
{
    start_with(w, key, SC_STR(":"));
}

static void open_level(struct sc_json *w, const char *key, char kind)
{
    start_value(w, key);
    sc_assert(w->depth < SC_JSON_DEPTH);
    w->kind[w->depth] = kind;
    w->some[w->depth] = false;
    w->depth++;
    sc_buf_putc(w->out, kind);
}

void sc_json_object(struct sc_json *w, const char *key)
{
    open_level(w, key, '{');
}

void sc_json_array(struct sc_json *w, const char *key)
{
    open_level(w, key, '[');
}

void sc_json_end(struct sc_json *w)
{
    sc_assert(w->depth > 0);
    w->depth--;
    sc_buf_putc(w->out, w->kind[w->depth] == '{' ? '}' : ']');
}

void sc_json_text(struct sc_json *w, const char *key, const char *value)
{
    if (value == NULL)
        sc_json_null(w, key);
    else
        sc_json_str(w, key, sc_str_from(value));
}

void sc_json_str(struct sc_json *w, const char *key, struct sc_str value)
{
    start_value(w, key);
    put_quoted(w->out, false, value, SC_STR(""));
}

void sc_json_text_open(struct sc_json *w, const char *key)
{
    start_value(w, key);
    sc_buf_putc(w->out, '"');
}

void sc_json_text_part(struct sc_json *w, struct sc_str part)
{
    put_escaped_text(w->out, part);
}

void sc_json_text_close(struct sc_json *w)
{
    sc_buf_putc(w->out, '"');
}

void sc_json_int(struct sc_json *w, const char *key, int64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    start_value(w, key);
    if (value < 0)
        sc_buf_putc(w->out, '-');
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    sc_buf_append(w->out, digits + at, sizeof(digits) - at);
}

void sc_json_opt(struct sc_json *w, const char *key, int64_t value)
{
    if (value < 0)
        sc_json_null(w, key);
    else
        sc_json_int(w, key, value);
}

void sc_json_real(struct sc_json *w, const char *key, double value, int digits)
{
    if (!isfinite(value)) {
        sc_json_null(w, key);
        return;
    }
    start_value(w, key);
    sc_buf_printf(w->out, "%.*f", SC_MAX(0, SC_MIN(digits, MAX_DIGITS)), value);
}

void sc_json_bool(struct sc_json *w, const char *key, bool value)
{
    start_with(w, key, value ? SC_STR(":true") : SC_STR(":false"));
}

void sc_json_null(struct sc_json *w, const char *key)
{
    start_with(w, key, SC_STR(":null"));
}

void sc_json_raw(struct sc_json *w, const char *key, struct sc_str json)
{
    start_value(w, key);
    sc_buf_put_str(w->out, json);
}

void sc_json_seconds(struct sc_json *w, const char *key, int64_t ms)
{
    if (ms < 0) {
        sc_json_null(w, key);
        return;
    }
    char text[24];
    size_t at = sizeof(text);
    int64_t left = ms;
    for (int digits = 0; digits < 4 || left > 0; digits++) {
        if (digits == 3)
            text[--at] = '.';
        text[--at] = (char)('0' + left % 10);
        left /= 10;
    }
    start_value(w, key);
    sc_buf_append(w->out, text + at, sizeof(text) - at);
}

void sc_json_time(struct sc_json *w, const char *key, int64_t wall_ms)
{
    char text[SC_TIME_TEXT];
    sc_json_text(w, key, wall_ms <= 0 ? NULL : sc_time_rfc3339(wall_ms, text));
}
