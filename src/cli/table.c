#include "cli/table.h"

#include "base/utf8.h"
#include "cli/format.h"

#include <stdint.h>

#include "base/banned.h"

#define GAP 2
#define FLEXIBLE_MIN 8
#define FLEXIBLE_GOOD 16 /* less than this is worth leaving a minor column out */

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

/* How a table fits its width. */
struct layout {
    size_t widths[SC_TABLE_COLUMNS];
    bool empty[SC_TABLE_COLUMNS];  /* nothing but "-" */
    bool hidden[SC_TABLE_COLUMNS]; /* left out */
    int last;                      /* column that is shown */
    size_t begin;                  /* where on the screen the flexible column begins */
};

static void measure(const struct sc_table *t, struct layout *l)
{
    const char *cell = sc_buf_text(&t->cells);
    for (int c = 0; c < t->columns; c++) {
        l->widths[c] = sc_format_width(sc_str_from(t->titles[c]));
        l->empty[c] = t->cell_count > 0;
    }
    for (size_t i = 0; i < t->cell_count; i++, cell += strlen(cell) + 1) {
        size_t column = i % (size_t)t->columns;
        size_t needed = sc_format_width(sc_str_from(cell));
        l->widths[column] = SC_MAX(l->widths[column], needed);
        l->empty[column] = l->empty[column] && strcmp(cell, "-") == 0;
    }
}

/* Columns of the screen that the table takes when its flexible one is `flexible` wide at most. */
static size_t total_width(const struct sc_table *t, const struct layout *l, size_t flexible)
{
    size_t total = 0, shown = 0;
    for (int c = 0; c < t->columns; c++) {
        size_t width = c == t->flexible ? SC_MIN(l->widths[c], flexible) : l->widths[c];
        if (l->hidden[c])
            continue;
        total += width + (shown > 0 ? GAP : 0);
        shown++;
    }
    return total;
}

/* The least of the minor columns that are still shown; -1: none. */
static int least_minor(const struct sc_table *t, const struct layout *l)
{
    int found = -1;
    for (int c = 0; c < t->columns; c++) {
        bool may = t->minor[c] > 0 && !l->hidden[c];
        if (may && (found < 0 || t->minor[c] < t->minor[found]))
            found = c;
    }
    return found;
}

/* First goes what says nothing, then what is minor, then the end of the flexible column. */
static void fit(const struct sc_table *t, size_t width, struct layout *l)
{
    for (int c = 0; c < t->columns && total_width(t, l, SIZE_MAX) > width; c++)
        l->hidden[c] = l->empty[c];
    int minor = least_minor(t, l);
    while (minor >= 0 && total_width(t, l, FLEXIBLE_GOOD) > width) {
        l->hidden[minor] = true;
        minor = least_minor(t, l);
    }
    size_t others = total_width(t, l, 0);
    if (t->flexible < 0 || l->hidden[t->flexible] || total_width(t, l, SIZE_MAX) <= width)
        return;
    size_t *w = &l->widths[t->flexible];
    size_t room = width > others ? width - others : 0;
    *w = SC_MIN(*w, SC_MAX(room, (size_t)FLEXIBLE_MIN));
}

static void lay_out(const struct sc_table *t, int width, struct layout *l)
{
    measure(t, l);
    if (width > 0)
        fit(t, (size_t)width, l);
    for (int c = 0; c < t->columns; c++) {
        if (l->hidden[c])
            continue;
        l->last = c;
        if (c < t->flexible)
            l->begin += l->widths[c] + GAP;
    }
}

static void pad(struct sc_buf *out, size_t count)
{
    while (count-- > 0)
        sc_buf_putc(out, ' ');
}

static void put_cell(const struct sc_table *t, const struct layout *l, int column, const char *text,
                     struct sc_buf *out)
{
    SC_AUTO_BUF cut = { 0 };
    size_t width = l->widths[column];
    bool last = column == l->last;
    if (l->hidden[column])
        return;
    if (t->wraps && column == t->flexible) {
        const struct sc_margins margins = { l->begin, l->begin, l->begin + width };
        sc_format_wrap(out, sc_str_from(text), &margins);
        sc_buf_putc(out, '\n');
        return;
    }
    sc_format_cut(&cut, sc_str_from(text), width);
    size_t used = sc_format_width(sc_buf_str(&cut));

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

/* Where not even the least of columns fit beside each other: each row as lines "TITLE  cell". */
static void put_stacked(const struct sc_table *t, int width, struct sc_buf *out)
{
    const char *cell = sc_buf_text(&t->cells);
    size_t names = 0;

    for (int c = 0; c < t->columns; c++)
        names = SC_MAX(names, sc_format_width(sc_str_from(t->titles[c])));
    const struct sc_margins margins = { names + GAP, names + GAP, (size_t)width };
    for (size_t i = 0; i < t->cell_count; i++, cell += strlen(cell) + 1) {
        size_t column = i % (size_t)t->columns;
        const char *title = t->titles[column];
        if (column == 0 && i > 0)
            sc_buf_putc(out, '\n');
        if (strcmp(cell, "-") == 0)
            continue;
        sc_buf_puts(out, title);
        pad(out, names + GAP - sc_format_width(sc_str_from(title)));
        sc_format_wrap(out, sc_str_from(cell), &margins);
        sc_buf_putc(out, '\n');
    }
}

static bool fits(const struct sc_table *t, const struct layout *l, int width)
{
    size_t flexible = t->flexible < 0 ? 0 : l->widths[t->flexible];
    return width == 0 || total_width(t, l, flexible) <= (size_t)width;
}

void sc_table_render(const struct sc_table *t, int width, struct sc_buf *out)
{
    struct layout l = { .last = -1 };
    const char *cell = sc_buf_text(&t->cells);

    sc_assert(t->columns > 0 && t->columns <= SC_TABLE_COLUMNS);
    sc_assert(t->cell_count % (size_t)t->columns == 0);
    sc_assert(!t->wraps || t->flexible == t->columns - 1);
    lay_out(t, width, &l);
    if (!fits(t, &l, width)) {
        put_stacked(t, width, out);
        return;
    }
    for (int c = 0; c < t->columns; c++)
        put_cell(t, &l, c, t->titles[c], out);
    for (size_t i = 0; i < t->cell_count; i++, cell += strlen(cell) + 1)
        put_cell(t, &l, (int)(i % (size_t)t->columns), cell, out);
}
