#pragma once
/* Tables for people: aligned columns, cut to the terminal. Cells hold data from outside: they are
 * made printable when they are added. */

#include "base/buf.h"

#define SC_TABLE_COLUMNS 12

struct sc_table {
    const char *titles[SC_TABLE_COLUMNS];
    bool right[SC_TABLE_COLUMNS]; /* numbers */
    int columns;
    int flexible; /* the column that is cut when the line is too long; -1: none */
    bool wraps;   /* the flexible column, which is the last one, is broken at words instead */
    /* Columns that are left out when that is not enough: 1 first. 0: never, unless it is empty. */
    int minor[SC_TABLE_COLUMNS];
    struct sc_buf cells; /* each ends in NUL, row after row */
    size_t cell_count;
};

void sc_table_done(struct sc_table *t);
#define SC_AUTO_TABLE SC_AUTO(sc_table_done) struct sc_table
/* The next cell of the row at hand; "" and NULL become "-". */
void sc_table_cell(struct sc_table *t, const char *text);
/* A cell that was put together in a buffer, which is emptied. */
void sc_table_take(struct sc_table *t, struct sc_buf *text);
/* Titles and rows; width 0: never cut. Without rows only the titles. Where the columns do not fit
 * however much is left out, rows come as lines of a title and a cell. */
void sc_table_render(const struct sc_table *t, int width, struct sc_buf *out);
