#include "cli/progress.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "cli/format.h"

#include "base/banned.h"

#define REDRAW_MS 100
#define BAR_MAX 30
#define BAR_MIN 8
#define LABEL_MIN 12

static void put_facts(const struct sc_progress *p, struct sc_buf *out)
{
    if (p->percent >= 0)
        sc_buf_printf(out, " %3d%%", (int)SC_MIN(p->percent, 100.0));
    if (p->speed > 0)
        sc_buf_printf(out, p->speed < 9.95 ? "  %.1fx" : "  %.0fx", p->speed);
    if (p->eta_s >= 0) {
        sc_buf_puts(out, "  ETA ");
        sc_format_clock(out, p->eta_s);
    }
}

static void put_bar(double percent, int width, bool colour, struct sc_buf *out)
{
    int inner = width - 3;
    int full = (int)((double)inner * SC_MIN(SC_MAX(percent, 0.0), 100.0) / 100.0);

    sc_buf_puts(out, colour ? " [\033[32m" : " [");
    for (int i = 0; i < inner; i++) {
        if (i == full && colour)
            sc_buf_puts(out, "\033[0m");
        sc_buf_putc(out, i < full ? '#' : '-');
    }
    sc_buf_puts(out, colour && full == inner ? "\033[0m]" : "]");
}

void sc_progress_render(const struct sc_progress *p, int width, bool colour, struct sc_buf *out)
{
    SC_AUTO_BUF facts = { 0 };
    SC_AUTO_BUF label = { 0 };

    put_facts(p, &facts);
    sc_utf8_append_printable(&label, sc_str_from(p->label));
    int left = width - (int)facts.len;
    int stage = 2 + (int)strlen(p->stage);
    int wanted = (int)sc_format_width(sc_buf_str(&label));

    /* Narrower terminals lose the bar first, then the stage, then the end of the name. */
    int bar = p->percent < 0 ? 0 : SC_MIN(BAR_MAX, left - stage - SC_MIN(wanted, LABEL_MIN));
    if (bar < BAR_MIN)
        bar = 0;
    if (left - bar - stage < SC_MIN(wanted, LABEL_MIN))
        stage = 0;
    sc_format_cut(out, sc_buf_str(&label), (size_t)SC_MAX(left - bar - stage, 0));
    if (stage > 0)
        sc_buf_printf(out, "  %s", p->stage);
    if (bar > 0)
        put_bar(p->percent, bar, colour, out);
    if ((int)facts.len <= width)
        sc_buf_put_str(out, sc_buf_str(&facts));
}

static void put_said(const struct sc_progress *p, int width, bool colour, struct sc_buf *out)
{
    SC_AUTO_BUF said = { 0 };
    sc_utf8_append_printable(&said, sc_str_trim(sc_str_from(p->said)));
    sc_buf_puts(out, colour ? "\033[2m" : "");
    sc_format_cut(out, sc_buf_str(&said), (size_t)width);
    sc_buf_puts(out, colour ? "\033[0m\033[K\n" : "\033[K\n");
}

void sc_progress_draw(const struct sc_progress_line *line, const struct sc_progress *p, int width,
                      struct sc_buf *out)
{
    sc_buf_puts(out, line->drawn && line->has_said ? "\r\033[A" : "\r");
    if (p->said != NULL)
        put_said(p, width, line->colour, out);
    sc_progress_render(p, width, line->colour, out);
    sc_buf_puts(out, "\033[K");
}

void sc_progress_show(struct sc_progress_line *line, const struct sc_progress *p)
{
    SC_AUTO_BUF out = { 0 };
    int64_t now = sc_clock_mono_ms();

    if (!line->enabled || (line->drawn && now - line->last_ms < REDRAW_MS))
        return;
    /* The last column stays free: some terminals wrap when it is written. */
    sc_progress_draw(line, p, sc_format_terminal_width(STDERR_FILENO, 80) - 1, &out);
    (void)fwrite(out.ptr, 1, out.len, stderr); /* a lost terminal loses only the display */
    (void)fflush(stderr);
    line->drawn = true;
    line->has_said = p->said != NULL;
    line->last_ms = now;
}

void sc_progress_clear(struct sc_progress_line *line)
{
    if (!line->drawn)
        return;
    (void)fputs(line->has_said ? "\r\033[K\033[A\033[K" : "\r\033[K", stderr);
    (void)fflush(stderr);
    line->drawn = false;
}
