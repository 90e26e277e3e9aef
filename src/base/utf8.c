#include "base/utf8.h"

#include "base/banned.h"

#define REPLACEMENT 0xfffdu

size_t sc_utf8_decode(struct sc_str s, uint32_t *code_point)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800,
                                      0x10000 }; /* by length: no overlong form */
    if (s.len == 0)
        return 0;
    unsigned char first = (unsigned char)s.ptr[0];
    size_t len;
    uint32_t cp;
    if (first < 0x80) {
        *code_point = first;
        return 1;
    }
    if ((first & 0xe0) == 0xc0) {
        len = 2;
        cp = first & 0x1f;
    } else if ((first & 0xf0) == 0xe0) {
        len = 3;
        cp = first & 0x0f;
    } else if ((first & 0xf8) == 0xf0) {
        len = 4;
        cp = first & 0x07;
    } else {
        return 0;
    }
    if (s.len < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        cp = cp << 6 | (c & 0x3f);
    }
    if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        return 0;
    *code_point = cp;
    return len;
}

size_t sc_utf8_valid_prefix(struct sc_str s)
{
    size_t at = 0;
    while (at < s.len) {
        uint32_t cp;
        size_t n = sc_utf8_decode((struct sc_str){ s.ptr + at, s.len - at }, &cp);
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

/* Line and byte of a place, both from 1 on. */
static void find_place(struct sc_str s, size_t at, size_t *line, size_t *byte)
{
    size_t begin = 0;
    *line = 1;
    for (size_t i = 0; i < at; i++) {
        bool crlf = s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n';
        if (crlf || (s.ptr[i] != '\n' && s.ptr[i] != '\r'))
            continue;
        begin = i + 1;
        ++*line;
    }
    *byte = at - begin + 1;
}

enum sc_code sc_utf8_check_text(struct sc_str s, struct sc_error *err)
{
    size_t valid = sc_utf8_valid_prefix(s), line, byte;
    const char *nul = valid == 0 ? NULL : memchr(s.ptr, '\0', valid);
    size_t at = nul == NULL ? valid : (size_t)(nul - s.ptr);
    if (at == s.len)
        return SC_OK;
    find_place(s, at, &line, &byte);
    if (nul != NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, "text",
                              "line %zu, byte %zu: a NUL, which no text has; save the text as "
                              "UTF-8",
                              line, byte);
    return sc_error_field(err, SC_E_INVALID_VALUE, "text",
                          "line %zu, byte %zu: 0x%02X is no UTF-8 there; save the text as UTF-8",
                          line, byte, (unsigned)(unsigned char)s.ptr[at]);
}

void sc_utf8_append(struct sc_buf *out, uint32_t cp)
{
    char bytes[4];
    size_t len;
    if (cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
        cp = REPLACEMENT;
    if (cp < 0x80) {
        bytes[0] = (char)cp;
        len = 1;
    } else if (cp < 0x800) {
        bytes[0] = (char)(0xc0 | cp >> 6);
        len = 2;
    } else if (cp < 0x10000) {
        bytes[0] = (char)(0xe0 | cp >> 12);
        len = 3;
    } else {
        bytes[0] = (char)(0xf0 | cp >> 18);
        len = 4;
    }
    for (size_t i = 1; i < len; i++)
        bytes[i] = (char)(0x80 | (cp >> (6 * (len - 1 - i)) & 0x3f));
    sc_buf_append(out, bytes, len);
}

/* Takes the next sign off *s into *code_point and its bytes into *raw; false when the first byte
 * belongs to no valid sign (*raw is then that byte). */
static bool take_sign(struct sc_str *s, struct sc_str *raw, uint32_t *code_point)
{
    size_t n = sc_utf8_decode(*s, code_point);
    *raw = (struct sc_str){ s->ptr, n == 0 ? 1 : n };
    s->ptr += raw->len;
    s->len -= raw->len;
    return n > 0;
}

void sc_utf8_append_lossy(struct sc_buf *out, struct sc_str s)
{
    while (s.len > 0 && !out->failed) {
        struct sc_str raw;
        uint32_t cp;
        if (take_sign(&s, &raw, &cp))
            sc_buf_put_str(out, raw);
        else
            sc_utf8_append(out, REPLACEMENT);
    }
}

static bool is_turn(uint32_t cp)
{
    return (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069);
}

void sc_utf8_append_unturned(struct sc_buf *out, struct sc_str s)
{
    while (s.len > 0 && !out->failed) {
        struct sc_str raw;
        uint32_t cp;
        if (take_sign(&s, &raw, &cp) && is_turn(cp))
            sc_buf_printf(out, "\\u%04x", (unsigned)cp);
        else
            sc_buf_put_str(out, raw);
    }
}

/* Signs that reorder or hide the text around them, or break the line. */
static bool is_layout_control(uint32_t cp)
{
    return cp == 0x061c || cp == 0x200e || cp == 0x200f || cp == 0x2028 || cp == 0x2029 ||
           is_turn(cp) || cp == 0xfeff;
}

bool sc_utf8_is_blank(struct sc_str s)
{
    static const uint32_t unseen[][2] = {
        { 0x0000, 0x0020 }, { 0x007f, 0x00a0 }, { 0x00ad, 0x00ad }, { 0x061c, 0x061c },
        { 0x1680, 0x1680 }, { 0x2000, 0x200f }, { 0x2028, 0x202f }, { 0x205f, 0x206f },
        { 0x3000, 0x3000 }, { 0xfeff, 0xfeff },
    };
    while (s.len > 0) {
        struct sc_str raw;
        uint32_t cp;
        size_t i = 0;
        if (!take_sign(&s, &raw, &cp))
            return false;
        while (i < SC_ARRAY_LEN(unseen) && (cp < unseen[i][0] || cp > unseen[i][1]))
            i++;
        if (i == SC_ARRAY_LEN(unseen))
            return false;
    }
    return true;
}

void sc_utf8_append_printable(struct sc_buf *out, struct sc_str s)
{
    while (s.len > 0 && !out->failed) {
        struct sc_str raw;
        uint32_t cp;
        if (!take_sign(&s, &raw, &cp))
            sc_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)raw.ptr[0]);
        else if (cp == '\n')
            sc_buf_puts(out, "\\n");
        else if (cp == '\t')
            sc_buf_puts(out, "\\t");
        else if (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f))
            sc_buf_printf(out, "\\x%02x", (unsigned)cp);
        else if (is_layout_control(cp))
            sc_buf_printf(out, "\\u{%04x}", (unsigned)cp);
        else
            sc_buf_put_str(out, raw);
    }
}
