#include "cli/format.h"

#include "testing.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/banned.h"

static void clocks_show_hours_only_when_there_are_some(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {
        { 0, "0:00" },       { 7.4, "0:07" },     { 59.6, "1:00" },        { 750, "12:30" },
        { 3600, "1:00:00" }, { 3723, "1:02:03" }, { 360000, "100:00:00" }, { -1, "-" },
        { NAN, "-" },        { INFINITY, "-" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_clock(&out, rows[i].seconds);
        assert_string_equal(sc_buf_text(&out), rows[i].text);
    }
}

static void sizes_have_at_most_three_digits(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = {
        { 0, "0 B" },         { 999, "999 B" },     { 1000, "1.0 kB" },      { 1400000, "1.4 MB" },
        { 9960000, "10 MB" }, { 999600, "1.0 MB" }, { INT64_MAX, "9.2 EB" }, { -1, "-" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_size(&out, rows[i].bytes);
        assert_string_equal(sc_buf_text(&out), rows[i].text);
    }
}

static void times_of_no_now_are_as_they_are(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    sc_format_time(&out, "2023-11-14T22:13:19.500Z", -1);
    sc_format_time(&out, "", -1);
    assert_string_equal(sc_buf_text(&out), "2023-11-14T22:13:19.500Z-");
}

static void words_are_one_word_to_a_shell(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "/srv/data-1/a.b", "/srv/data-1/a.b" },
        { "", "''" },
        { "a b", "'a b'" },
        { "it's", "'it'\\''s'" },
        { "$(x)", "'$(x)'" },
        { "ä", "'ä'" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_word(&out, rows[i][0]);
        assert_string_equal(sc_buf_text(&out), rows[i][1]);
    }
}

static void times_near_now_are_relative(void **state)
{
    (void)state;
    const int64_t now = 1700000000000; /* 2023-11-14T22:13:20Z */
    static const struct {
        const char *time, *text;
    } rows[] = {
        { "2023-11-14T22:13:19.500Z", "just now" },
        { "2023-11-14T22:13:00Z", "20 s ago" },
        { "2023-11-14T22:08:20Z", "5 min ago" },
        { "2023-11-14T20:13:20Z", "2 h ago" },
        { "2023-11-14T20:13:20.500Z", "1 h ago" },
        { "2023-11-14T22:23:20Z", "in 10 min" },
        { "2023-11-15T00:13:19.990Z", "in 2 h" },
        { "2023-11-14T22:14:49.990Z", "in 90 s" },
        { "2023-11-10T10:00:00Z", "2023-11-10 10:00" },
        { "2030-01-31T08:00:00Z", "2030-01-31 08:00" },
        { "", "-" },
        { "soon\n", "soon\\n" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_time(&out, rows[i].time, now);
        assert_string_equal(sc_buf_text(&out), rows[i].text);
    }
}

static void text_is_cut_by_columns_and_never_inside_a_sign(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
        const char *cut;
    } rows[] = {
        { "abcdef", 6, "abcdef" },
        { "abcdef", 5, "abcd\xe2\x80\xa6" },
        { "abc", 1, "\xe2\x80\xa6" },
        { "abc", 0, "" },
        { "\xe4\xbc\x9a\xe8\xad\xb0\xe4\xbc\x9a", 5, "\xe4\xbc\x9a\xe8\xad\xb0\xe2\x80\xa6" },
        { "\xe4\xbc\x9a\xe8\xad\xb0\xe4\xbc\x9a", 4, "\xe4\xbc\x9a\xe2\x80\xa6" },
        { "\xe4\xbc\x9a\xe8\xad\xb0", 4, "\xe4\xbc\x9a\xe8\xad\xb0" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_cut(&out, sc_str_from(rows[i].text), rows[i].width);
        assert_string_equal(sc_buf_text(&out), rows[i].cut);
        assert_true(sc_format_width(sc_buf_str(&out)) <= rows[i].width);
    }
}

static void lines_break_at_spaces_and_cannot_steer_a_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t width;
        const char *want;
    } rows[] = {
        { "one two three\nfour", 8, "one two\nthree\nfour\n" },
        { "one two three\nfour", 0, "one two three\nfour\n" },
        { "one two", 7, "one two\n" },
        { "longer-than-that a", 5, "longer-than-that\na\n" },
        { "a\n\nb\n", 9, "a\n\nb\n" },
        { "\xe4\xbc\x9a \xe8\xad\xb0", 4, "\xe4\xbc\x9a\n\xe8\xad\xb0\n" },
        { "a\033[2Jb", 0, "a\\x1b[2Jb\n" },
        { "", 5, "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_lines(&out, sc_str_from(rows[i].text), rows[i].width);
        assert_string_equal(sc_buf_text(&out), rows[i].want);
    }
}

static void prose_is_wrapped_between_words_with_an_indent(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct sc_margins margins;
        const char *want;
    } rows[] = {
        { "one two three", { 0, 0, 8 }, "one two\nthree" },
        { "one two three", { 0, 0, 0 }, "one two three" },
        { "one two three", { 4, 2, 8 }, "one\n  two\n  three" },
        { "one-that-is-long two", { 2, 2, 8 }, "one-that-is-long\n  two" },
        { "one-that-is-long", { 6, 2, 8 }, "\n  one-that-is-long" },
        { "a\033[2Jb c", { 0, 0, 80 }, "a\\x1b[2Jb c" },
        { "", { 0, 0, 5 }, "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_format_wrap(&out, sc_str_from(rows[i].text), &rows[i].margins);
        assert_string_equal(sc_buf_text(&out), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prose_is_wrapped_between_words_with_an_indent),
        TEST(lines_break_at_spaces_and_cannot_steer_a_terminal),
        TEST(clocks_show_hours_only_when_there_are_some),
        TEST(sizes_have_at_most_three_digits),
        TEST(times_near_now_are_relative),
        TEST(times_of_no_now_are_as_they_are),
        TEST(words_are_one_word_to_a_shell),
        TEST(text_is_cut_by_columns_and_never_inside_a_sign),
    };
    if (setenv("TZ", "UTC", 1) != 0 || setlocale(LC_CTYPE, "C.UTF-8") == NULL)
        return 1;
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
