#pragma once
/* UTF-8 (RFC 3629): validation and safe display. */

#include "base/buf.h"
#include "base/error.h"

/* Length of the longest valid prefix in bytes; equals s.len when all is valid. */
size_t sc_utf8_valid_prefix(struct sc_str s);
static inline bool sc_utf8_is_valid(struct sc_str s)
{
    return sc_utf8_valid_prefix(s) == s.len;
}
/* Is s a text? INVALID_VALUE of the field "text" tells the line, and the byte within it, where
 * something stands that is no UTF-8, or a NUL. Lines end in LF, CRLF or CR. */
SC_MUST_USE enum sc_code sc_utf8_check_text(struct sc_str s, struct sc_error *err);
/* Decodes one code point; returns its bytes (1..4), or 0 for bad or no input. */
size_t sc_utf8_decode(struct sc_str s, uint32_t *code_point);
/* Appends one code point. */
void sc_utf8_append(struct sc_buf *out, uint32_t code_point);
/* Appends s with invalid bytes as U+FFFD. */
void sc_utf8_append_lossy(struct sc_buf *out, struct sc_str s);
/* Nothing of s is seen: it is empty, or holds only white space, control signs and signs without a
 * width. */
bool sc_utf8_is_blank(struct sc_str s);
/* Appends s with the signs that turn the order of what follows round (U+202A to U+202E, U+2066 to
 * U+2069) as JSON writes them, \u202e: what a terminal shows of JSON stays JSON. */
void sc_utf8_append_unturned(struct sc_buf *out, struct sc_str s);
/* Appends s so that a terminal shows it as data: control signs (C0, C1, DEL), invalid bytes and
 * bidirectional controls become \n, \t, \xHH or \u{HHHH}. */
void sc_utf8_append_printable(struct sc_buf *out, struct sc_str s);
