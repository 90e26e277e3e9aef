#include "cli/table.h"

#include "testing.h"

#include <locale.h>

#include "base/banned.h"

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "ID", "SIZE", "NAME" },
                        .right = { false, true, false },
                        .columns = 3,
                        .flexible = 2 };
    SC_AUTO_BUF out = { 0 };
    sc_table_cell(&t, "1");
    sc_table_cell(&t, "1.4 MB");
    sc_table_cell(&t, "a.wav");
    sc_table_cell(&t, "22");
    sc_table_cell(&t, "");
    sc_table_cell(&t, NULL);
    sc_table_render(&t, 0, &out);
    assert_string_equal(sc_buf_text(&out), "ID    SIZE  NAME\n"
                                           "1   1.4 MB  a.wav\n"
                                           "22       -  -\n");
}

static void prose_in_the_last_column_is_broken_between_words(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "ID", "MEANING" }, .columns = 2, .flexible = 1, .wraps = true };
    SC_AUTO_BUF narrow = { 0 };
    SC_AUTO_BUF piped = { 0 };
    sc_table_cell(&t, "one");
    sc_table_cell(&t, "broken between words");
    sc_table_cell(&t, "2");
    sc_table_cell(&t, "short");
    sc_table_render(&t, 20, &narrow);
    assert_string_equal(sc_buf_text(&narrow), "ID   MEANING\n"
                                              "one  broken between\n"
                                              "     words\n"
                                              "2    short\n");
    sc_table_render(&t, 0, &piped);
    assert_string_equal(sc_buf_text(&piped), "ID   MEANING\n"
                                             "one  broken between words\n"
                                             "2    short\n");
}

static void what_does_not_fit_is_stacked(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "JOB", "STATUS", "NAME" }, .columns = 3, .flexible = 2 };
    SC_AUTO_BUF fits = { 0 };
    SC_AUTO_BUF narrow = { 0 };
    sc_table_cell(&t, "0123456789");
    sc_table_cell(&t, "completed");
    sc_table_cell(&t, "a talk about nothing");
    sc_table_cell(&t, "9876543210");
    sc_table_cell(&t, NULL);
    sc_table_cell(&t, "b");
    sc_table_render(&t, 31, &fits);
    assert_string_equal(sc_buf_text(&fits), "JOB         STATUS     NAME\n"
                                            "0123456789  completed  a talk \xe2\x80\xa6\n"
                                            "9876543210  -          b\n");
    sc_table_render(&t, 24, &narrow);
    assert_string_equal(sc_buf_text(&narrow), "JOB     0123456789\n"
                                              "STATUS  completed\n"
                                              "NAME    a talk about\n"
                                              "        nothing\n"
                                              "\n"
                                              "JOB     9876543210\n"
                                              "NAME    b\n");
}

static void wide_signs_take_two_columns(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "NAME", "X" }, .columns = 2, .flexible = -1 };
    SC_AUTO_BUF out = { 0 };
    sc_table_cell(&t, "\xe4\xbc\x9a\xe8\xad\xb0\xe4\xbc\x9a");
    sc_table_cell(&t, "1");
    sc_table_cell(&t, "\xc3\xa9");
    sc_table_cell(&t, "2");
    sc_table_render(&t, 0, &out);
    assert_string_equal(sc_buf_text(&out),
                        "NAME    X\n\xe4\xbc\x9a\xe8\xad\xb0\xe4\xbc\x9a  1\n\xc3\xa9       2\n");
}

static void the_flexible_column_gives_way(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "NAME", "STATUS" }, .columns = 2, .flexible = 0 };
    SC_AUTO_BUF wide = { 0 };
    SC_AUTO_BUF narrow = { 0 };
    sc_table_cell(&t, "a-long-name-of-a-file.wav");
    sc_table_cell(&t, "completed");
    sc_table_render(&t, 24, &wide);
    assert_string_equal(sc_buf_text(&wide),
                        "NAME           STATUS\na-long-name-\xe2\x80\xa6  completed\n");
    /* … down to a width that says something. */
    sc_table_render(&t, 19, &narrow);
    assert_string_equal(sc_buf_text(&narrow), "NAME      STATUS\na-long-\xe2\x80\xa6  completed\n");
}

static void minor_columns_are_left_out_where_there_is_no_room(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "ID", "STAGE", "LENGTH", "NAME", "CODE" },
                        .columns = 5,
                        .flexible = 3,
                        .minor = { 0, 1, 2, 0, 0 } };
    static const char *const cells[] = { "12345678", "merge", "0:07", "a-name-of-some-length", "" };
    static const struct {
        int width;
        const char *want;
    } rows[] = {
        { 60, "ID        STAGE  LENGTH  NAME                   CODE\n" },
        { 50, "ID        STAGE  LENGTH  NAME\n" }, /* nothing is lost with an empty column */
        { 42, "ID        STAGE  LENGTH  NAME\n" },
        { 38, "ID        LENGTH  NAME\n" },
        { 30, "ID        NAME\n" },
        { 18, "ID        NAME\n" },
        { 17, "ID      12345678\n" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cells); i++)
        sc_table_cell(&t, cells[i]);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_table_render(&t, rows[i].width, &out);
        if (strncmp(sc_buf_text(&out), rows[i].want, strlen(rows[i].want)) != 0)
            fail_msg("%d: %s", rows[i].width, sc_buf_text(&out));
    }
}

static void cells_are_data(void **state)
{
    (void)state;
    SC_AUTO_TABLE t = { .titles = { "NAME" }, .columns = 1, .flexible = -1 };
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF cell = { 0 };
    sc_buf_puts(&cell, "$(x)\n\x1b[31m");
    sc_table_take(&t, &cell);
    assert_int_equal(cell.len, 0);
    sc_table_render(&t, 0, &out);
    assert_string_equal(sc_buf_text(&out), "NAME\n$(x)\\n\\x1b[31m\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(columns_are_as_wide_as_their_widest_cell),
        TEST(prose_in_the_last_column_is_broken_between_words),
        TEST(what_does_not_fit_is_stacked),
        TEST(wide_signs_take_two_columns),
        TEST(the_flexible_column_gives_way),
        TEST(minor_columns_are_left_out_where_there_is_no_room),
        TEST(cells_are_data),
    };
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
