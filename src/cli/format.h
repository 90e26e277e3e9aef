#pragma once
/* How numbers, times and text from outside are shown to a person. */

#include "base/buf.h"

/* "0:07", "12:30", "1:02:03"; "-" when negative. */
void sc_format_clock(struct sc_buf *out, double seconds);
/* "1.4 MB"; powers of 1000, as disks are sold; "-" when negative. */
void sc_format_size(struct sc_buf *out, int64_t bytes);
/* The moment on the clock of this machine, "2026-11-21 14:30:05"; "-" for "". */
void sc_format_moment(struct sc_buf *out, const char *rfc3339);
/* An RFC 3339 time as "just now", "5 min ago", "in 2 h", or "2026-11-20 14:30" in local time when
 * it is more than a day away, and as it is with now_ms < 0; "-" for none; what is no time is shown
 * as it is. */
void sc_format_time(struct sc_buf *out, const char *rfc3339, int64_t now_ms);
/* Text as one word of a shell's command line: as it is, or between quotes. */
void sc_format_word(struct sc_buf *out, const char *text);
/* Columns that a terminal needs for printable UTF-8. */
size_t sc_format_width(struct sc_str text);
/* Appends text cut to at most `width` columns, with "…" in place of what was cut. */
void sc_format_cut(struct sc_buf *out, struct sc_str text, size_t width);
/* Appends lines that are data as a terminal may show them: printable, and with width > 0 broken at
 * spaces before that column. Line feeds stay; the last one is added when it is missing. */
void sc_format_lines(struct sc_buf *out, struct sc_str text, size_t width);
struct sc_margins {
    size_t at;     /* the column where the text begins: the caller has filled the line up to it */
    size_t indent; /* where further lines begin */
    size_t width;  /* of the screen; 0: lines are never broken */
};
/* Appends words, made printable, broken at spaces; no line feed at the end. */
void sc_format_wrap(struct sc_buf *out, struct sc_str text, const struct sc_margins *margins);
/* Columns of the terminal on fd, at least 20; `fallback` when it is none. */
int sc_format_terminal_width(int fd, int fallback);
