/* What several writers escape, and the encodings that text is written in. */

#include "transcript/text.h"
#include "transcript/writer-internal.h"

#include "base/utf8.h"

#include <inttypes.h>

#include "base/banned.h"

/* ---- cells ---- */

/* Also the wide forms, which spreadsheets of East Asia take for the same. */
static bool begins_formula(struct sc_str s)
{
    uint32_t cp;
    if (sc_utf8_decode(s, &cp) == 0)
        return false;
    return cp == '=' || cp == '+' || cp == '-' || cp == '@' || cp == '\t' || cp == '\r' ||
           cp == 0xff1d || cp == 0xff0b || cp == 0xff0d || cp == 0xff20;
}

/* What a spreadsheet would run as a formula, and what would be read as one that was guarded. */
bool sc_cell_is_guarded(struct sc_str cell)
{
    while (cell.len > 0 && cell.ptr[0] == '\'') {
        cell.ptr++;
        cell.len--;
    }
    return begins_formula(cell);
}

void sc_writer_put_cell(struct sc_buf *out, const char *text)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(text));
    if (sc_cell_is_guarded(sc_buf_str(&line)))
        sc_buf_putc(out, '\'');
    sc_buf_put_str(out, sc_buf_str(&line));
    out->failed = out->failed || line.failed;
}

/* ---- XML ---- */

static void put_xml_sign(struct sc_buf *out, uint32_t cp)
{
    if (cp == '&')
        sc_buf_puts(out, "&amp;");
    else if (cp == '<')
        sc_buf_puts(out, "&lt;");
    else if (cp == '>')
        sc_buf_puts(out, "&gt;");
    else if (cp == '"')
        sc_buf_puts(out, "&quot;");
    else
        /* XML 1.0 has no control signs but white space, and not these two. */
        sc_utf8_append(out, cp < 0x20 ? ' ' : cp == 0xfffe || cp == 0xffff ? 0xfffd : cp);
}

void sc_writer_put_xml(struct sc_buf *out, struct sc_str text)
{
    while (text.len > 0) {
        uint32_t cp;
        size_t n = sc_utf8_decode(text, &cp);
        put_xml_sign(out, n == 0 ? 0xfffd : cp);
        text.ptr += SC_MAX(n, (size_t)1);
        text.len -= SC_MAX(n, (size_t)1);
    }
}

/* ---- encodings ---- */

static void put_unit(struct sc_buf *out, uint32_t unit)
{
    sc_buf_putc(out, (char)(unit & 0xff));
    sc_buf_putc(out, (char)(unit >> 8 & 0xff));
}

static void put_utf16(struct sc_buf *out, uint32_t cp)
{
    if (cp < 0x10000) {
        put_unit(out, cp);
        return;
    }
    put_unit(out, 0xd800 + ((cp - 0x10000) >> 10));
    put_unit(out, 0xdc00 + ((cp - 0x10000) & 0x3ff));
}

/* The signs of 0x80 to 0x9f; 0: none. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

static bool put_windows_1252(struct sc_buf *out, uint32_t cp)
{
    if (cp < 0x80 || (cp >= 0xa0 && cp < 0x100)) {
        sc_buf_putc(out, (char)cp);
        return true;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(windows_1252); i++) {
        if (windows_1252[i] == cp) {
            sc_buf_putc(out, (char)(0x80 + i));
            return true;
        }
    }
    return false;
}

static enum sc_code refuse_sign(uint32_t cp, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    if (cp == 0xfeff)
        return sc_error_field(err, SC_E_INVALID_VALUE, "bom",
                              "windows-1252 has no byte order mark; leave bom out, or choose "
                              "another encoding");
    sc_utf8_append(&shown, cp);
    SC_AUTO_BUF sign = { 0 };
    sc_utf8_append_printable(&sign, sc_buf_str(&shown));
    return sc_error_field(err, SC_E_INVALID_VALUE, "encoding",
                          "windows-1252 has no '%s' (U+%04" PRIX32 "), which the text holds; "
                          "choose utf-8 or utf-16le",
                          sc_buf_text(&sign), cp);
}

enum sc_code sc_writer_encode(struct sc_str text, enum sc_writer_encoding encoding,
                              struct sc_buf *out, struct sc_error *err)
{
    while (text.len > 0) {
        uint32_t cp;
        size_t n = sc_utf8_decode(text, &cp);
        if (n == 0) {
            cp = 0xfffd;
            n = 1;
        }
        if (encoding == SC_ENCODING_UTF16LE)
            put_utf16(out, cp);
        else if (encoding == SC_ENCODING_UTF8)
            sc_utf8_append(out, cp);
        else if (!put_windows_1252(out, cp))
            return refuse_sign(cp, err);
        text.ptr += n;
        text.len -= n;
    }
    return SC_OK;
}
