#include "cli/format.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <sys/ioctl.h>
#include <time.h>
#include <wchar.h>

#include "base/banned.h"

#define MINUTE_MS 60000
#define HOUR_MS (60 * (int64_t)MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)

void sc_format_clock(struct sc_buf *out, double seconds)
{
    if (!(seconds >= 0) || seconds > 1e12) {
        sc_buf_putc(out, '-');
        return;
    }
    int64_t s = (int64_t)(seconds + 0.5);
    if (s >= 3600)
        sc_buf_printf(out, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    else
        sc_buf_printf(out, "%d:%02d", (int)(s / 60), (int)(s % 60));
}

void sc_format_size(struct sc_buf *out, int64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 0) {
        sc_buf_putc(out, '-');
        return;
    }
    while (value >= 999.5 && unit + 1 < SC_ARRAY_LEN(units)) {
        value /= 1000;
        unit++;
    }
    sc_buf_printf(out, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

/* What is past counts in whole units; what is to come to the nearest one, for what was asked for in
 * two hours is a moment less by the time that it is told. */
static void put_distance(struct sc_buf *out, int64_t ms, bool to_come)
{
    int64_t unit = ms < 90000 ? 1000 : ms < 90 * (int64_t)MINUTE_MS ? MINUTE_MS : HOUR_MS;
    const char *name = unit == 1000 ? "s" : unit == MINUTE_MS ? "min" : "h";
    sc_buf_printf(out, "%" PRId64 " %s", (ms + (to_come ? unit / 2 : 0)) / unit, name);
}

void sc_format_moment(struct sc_buf *out, const char *rfc3339)
{
    int64_t ms;
    struct tm local;
    if (!sc_time_parse(sc_str_from(rfc3339), &ms)) {
        sc_utf8_append_printable(out, sc_str_from(rfc3339[0] == '\0' ? "-" : rfc3339));
        return;
    }
    time_t seconds = (time_t)(ms / 1000);
    if (localtime_r(&seconds, &local) != NULL)
        sc_buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", local.tm_year + 1900, local.tm_mon + 1,
                      local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
}

void sc_format_time(struct sc_buf *out, const char *rfc3339, int64_t now_ms)
{
    int64_t ms;
    struct tm local;

    if (rfc3339 == NULL || rfc3339[0] == '\0') {
        sc_buf_putc(out, '-');
        return;
    }
    if (now_ms < 0 || !sc_time_parse(sc_str_from(rfc3339), &ms)) {
        sc_utf8_append_printable(out, sc_str_from(rfc3339));
        return;
    }
    int64_t away = ms - now_ms;
    time_t seconds = (time_t)(ms / 1000);
    if (away > -2000 && away <= 0) {
        sc_buf_puts(out, "just now");
    } else if (away > -DAY_MS && away <= 0) {
        put_distance(out, -away, false);
        sc_buf_puts(out, " ago");
    } else if (away > 0 && away < DAY_MS) {
        sc_buf_puts(out, "in ");
        put_distance(out, away, true);
    } else if (localtime_r(&seconds, &local) != NULL) {
        sc_buf_printf(out, "%04d-%02d-%02d %02d:%02d", local.tm_year + 1900, local.tm_mon + 1,
                      local.tm_mday, local.tm_hour, local.tm_min);
    }
}

void sc_format_word(struct sc_buf *out, const char *text)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        sc_buf_puts(out, text);
        return;
    }
    sc_buf_putc(out, '\'');
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\'')
            sc_buf_puts(out, "'\\''");
        else
            sc_buf_putc(out, *p);
    }
    sc_buf_putc(out, '\'');
}

/* Columns of one code point; what the locale does not know counts as one. */
static size_t columns(uint32_t code_point)
{
    int width = wcwidth((wchar_t)code_point);
    return width < 0 ? 1 : (size_t)width;
}

size_t sc_format_width(struct sc_str text)
{
    size_t width = 0;

    while (text.len > 0) {
        uint32_t code_point = 0xfffd;
        size_t bytes = sc_utf8_decode(text, &code_point);
        width += columns(code_point);
        bytes = SC_MAX(bytes, 1);
        text.ptr += bytes;
        text.len -= bytes;
    }
    return width;
}

void sc_format_cut(struct sc_buf *out, struct sc_str text, size_t width)
{
    struct sc_str rest = text;
    size_t used = 0;

    if (sc_format_width(text) <= width) {
        sc_buf_put_str(out, text);
        return;
    }
    if (width == 0)
        return;
    while (rest.len > 0) {
        uint32_t code_point = 0xfffd;
        size_t bytes = SC_MAX(sc_utf8_decode(rest, &code_point), 1);
        if (used + columns(code_point) > width - 1)
            break;
        used += columns(code_point);
        rest.ptr += bytes;
        rest.len -= bytes;
    }
    sc_buf_append(out, text.ptr, text.len - rest.len);
    sc_buf_puts(out, "\xe2\x80\xa6");
}

static void put_line(struct sc_buf *out, struct sc_str line, size_t width)
{
    size_t at = 0;
    while (line.len > 0) {
        SC_AUTO_BUF word = { 0 };
        sc_utf8_append_printable(&word, sc_str_take_until(&line, ' '));
        size_t columns_of_word = sc_format_width(sc_buf_str(&word));
        if (at > 0 && width > 0 && at + 1 + columns_of_word > width) {
            sc_buf_putc(out, '\n');
            at = 0;
        } else if (at > 0) {
            sc_buf_putc(out, ' ');
            at++;
        }
        sc_buf_put_str(out, sc_buf_str(&word));
        at += columns_of_word;
    }
    sc_buf_putc(out, '\n');
}

void sc_format_lines(struct sc_buf *out, struct sc_str text, size_t width)
{
    while (text.len > 0)
        put_line(out, sc_str_take_until(&text, '\n'), width);
}

void sc_format_wrap(struct sc_buf *out, struct sc_str text, const struct sc_margins *margins)
{
    size_t at = margins->at;
    for (bool first = true; text.len > 0; first = false) {
        SC_AUTO_BUF word = { 0 };
        sc_utf8_append_printable(&word, sc_str_take_until(&text, ' '));
        size_t columns_of_word = sc_format_width(sc_buf_str(&word));
        size_t space = first ? 0 : 1;
        bool full = margins->width > 0 && at + space + columns_of_word > margins->width;
        if (full && at > margins->indent) {
            sc_buf_printf(out, "\n%*s", (int)margins->indent, "");
            at = margins->indent;
        } else if (space > 0) {
            sc_buf_putc(out, ' ');
            at++;
        }
        sc_buf_put_str(out, sc_buf_str(&word));
        at += columns_of_word;
    }
}

int sc_format_terminal_width(int fd, int fallback)
{
    struct winsize size;

    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return fallback;
    return SC_MAX((int)size.ws_col, 20);
}
