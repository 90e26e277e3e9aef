#include "cli/table.h"

#include "base/utf8.h"
#include "cli/format.h"

#include "base/banned.h"

#define GAP 2
#define FLEXIBLE_MIN 8

void sc_table_done(struct sc_table *t)
{
    sc_buf_done(&t->cells);
}

void sc_table_cell(struct sc_table *t, const char *text)
{
    sc_utf8_append_printable(&t->cells, sc_str_from(text == NULL || text[0] == '\0' ? "-" : text));
    sc_buf_append(&t->cells, "", 1);
    t->cell_count++;
}

void sc_table_take(struct sc_table *t, struct sc_buf *text)
{
    sc_table_cell(t, sc_buf_text(text));
    sc_buf_reset(text);
}

static void measure(const struct sc_table *t, int width, size_t widths[SC_TABLE_COLUMNS])
{
    const char *cell = sc_buf_text(&t->cells);
    size_t total = 0;

    for (int c = 0; c < t->columns; c++)
        widths[c] = sc_format_width(sc_str_from(t->titles[c]));
    for (size_t i = 0; i < t->cell_count; i++, cell += strlen(cell) + 1) {
        size_t *w = &widths[i % (size_t)t->columns];
        size_t needed = sc_format_width(sc_str_from(cell));
        *w = SC_MAX(*w, needed);
    }
    for (int c = 0; c < t->columns; c++)
        total += widths[c] + (c > 0 ? GAP : 0);
    if (width > 0 && t->flexible >= 0 && total > (size_t)width) {
        size_t *w = &widths[t->flexible];
        size_t over = total - (size_t)width;
        size_t least = SC_MIN(*w, FLEXIBLE_MIN);
        *w = *w > over + least ? *w - over : least;
    }
}

static void pad(struct sc_buf *out, size_t count)
{
    while (count-- > 0)
        sc_buf_putc(out, ' ');
}

static void put_cell(const struct sc_table *t, int column, const char *text, size_t width,
                     struct sc_buf *out)
{
    SC_AUTO_BUF cut = { 0 };
    sc_format_cut(&cut, sc_str_from(text), width);
    size_t used = sc_format_width(sc_buf_str(&cut));
    bool last = column + 1 == t->columns;

    if (t->right[column])
        pad(out, width - SC_MIN(used, width));
    sc_buf_put_str(out, sc_buf_str(&cut));
    if (!t->right[column] && !last)
        pad(out, width - SC_MIN(used, width));
    if (last)
        sc_buf_putc(out, '\n');
    else
        pad(out, GAP);
}

void sc_table_render(const struct sc_table *t, int width, struct sc_buf *out)
{
    size_t widths[SC_TABLE_COLUMNS];
    const char *cell = sc_buf_text(&t->cells);

    sc_assert(t->columns > 0 && t->columns <= SC_TABLE_COLUMNS);
    sc_assert(t->cell_count % (size_t)t->columns == 0);
    measure(t, width, widths);
    for (int c = 0; c < t->columns; c++)
        put_cell(t, c, t->titles[c], widths[c], out);
    for (size_t i = 0; i < t->cell_count; i++, cell += strlen(cell) + 1) {
        int column = (int)(i % (size_t)t->columns);
        put_cell(t, column, cell, widths[column], out);
    }
}
