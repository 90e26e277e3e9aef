#include "http/disposition.h"

#include "base/utf8.h"

#include "base/banned.h"

#define STEM_BYTES 150

/* Shown wrongly, or taken for a path, by some program between here and the disk. */
static bool is_unsafe(uint32_t cp)
{
    bool control = cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0xfffd;
    bool turns = (cp >= 0x202a && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069) || cp == 0x200e ||
                 cp == 0x200f || cp == 0x2028 || cp == 0x2029;
    return control || turns || cp == '/' || cp == '\\' || cp == ':';
}

static void put_safe(struct sc_buf *out, struct sc_str stem)
{
    uint32_t cp;
    for (size_t n; stem.len > 0; stem.ptr += n, stem.len -= n) {
        n = sc_utf8_decode(stem, &cp);
        bool bad = n == 0 || is_unsafe(cp) || (out->len == 0 && (cp == '.' || cp == ' '));
        n = SC_MAX(n, (size_t)1);
        if (out->len + n > STEM_BYTES)
            break;
        if (bad)
            sc_buf_putc(out, '_');
        else
            sc_buf_append(out, stem.ptr, n);
    }
    if (out->len == 0)
        sc_buf_puts(out, "download");
}

/* What a quoted string of ASCII can hold without escapes, on which clients disagree. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
}

static bool is_attribute_sign(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$&+-.^_`|~", c) != NULL);
}

void sc_disposition_put(struct sc_buf *out, struct sc_str stem, const char *extension)
{
    SC_AUTO_BUF name = { 0 };
    bool plain = true;
    put_safe(&name, stem);
    sc_buf_printf(&name, "%s%s", extension[0] == '\0' ? "" : ".", extension);
    sc_buf_puts(out, "attachment; filename=\"");
    for (size_t i = 0; i < name.len; i++) {
        bool follows = ((unsigned char)name.ptr[i] & 0xc0) == 0x80; /* one '_' for each sign */
        plain = plain && is_plain(name.ptr[i]);
        if (!follows)
            sc_buf_putc(out, is_plain(name.ptr[i]) ? name.ptr[i] : '_');
    }
    sc_buf_putc(out, '"');
    if (plain)
        return;
    sc_buf_puts(out, "; filename*=UTF-8''");
    for (size_t i = 0; i < name.len; i++) {
        if (is_attribute_sign(name.ptr[i]))
            sc_buf_putc(out, name.ptr[i]);
        else
            sc_buf_printf(out, "%%%02X", (unsigned)(unsigned char)name.ptr[i]);
    }
}
