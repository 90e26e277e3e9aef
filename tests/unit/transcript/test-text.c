#include "transcript/text.h"

#include "testing.h"

#include "base/banned.h"

static void lower_case_covers_the_scripts_that_have_it(void **state)
{
    (void)state;
    static const uint32_t rows[][2] = {
        { 'A', 'a' },       { 'z', 'z' },     { '1', '1' },       { 0xc9, 0xe9 },
        { 0xd7, 0xd7 },     { 0xdf, 0xdf },   { 0x100, 0x101 },   { 0x101, 0x101 },
        { 0x130, 'i' },     { 0x139, 0x13a }, { 0x13a, 0x13a },   { 0x148, 0x148 },
        { 0x149, 0x149 },   { 0x178, 0xff },  { 0x17d, 0x17e },   { 0x391, 0x3b1 },
        { 0x3a3, 0x3c3 },   { 0x3c2, 0x3c3 }, { 0x386, 0x3ac },   { 0x38c, 0x3cc },
        { 0x38e, 0x3cd },   { 0x401, 0x451 }, { 0x416, 0x436 },   { 0x490, 0x491 },
        { 0x4c1, 0x4c2 },   { 0x531, 0x561 }, { 0x1ef8, 0x1ef9 }, { 0xff21, 0xff41 },
        { 0x4e00, 0x4e00 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_int_equal(sc_text_lower(rows[i][0]), rows[i][1]);
}

static void columns_are_those_of_a_screen(void **state)
{
    (void)state;
    assert_int_equal(sc_text_width('a'), 1);
    assert_int_equal(sc_text_width(0x301), 0);
    assert_int_equal(sc_text_width(0x200b), 0);
    assert_int_equal(sc_text_width(0x4f1a), 2);
    assert_int_equal(sc_text_width(0xac00), 2);
    assert_int_equal(sc_text_width(0xe01), 1);
    assert_int_equal(sc_text_width(0xeb5), 0);
    assert_int_equal(sc_text_width(0x103a), 0);
    assert_int_equal(sc_text_width(0x17d2), 0);
}

static void a_line_holds_no_control_signs_and_no_runs_of_space(void **state)
{
    (void)state;
    static const struct {
        struct sc_str in;
        const char *out;
    } rows[] = {
        { { "", 0 }, "" },
        { { " \t\r\n ", 5 }, "" },
        { { "  a \r\n\n b\t", 11 }, "a b" },
        { { "a\0b\x01"
            "c\x7f"
            "d",
            7 },
          "a b c d" },
        { { "\xef\xbb\xbf"
            "a\xc2\x85"
            "b\xe2\x80\xa8"
            "c",
            11 },
          "a b c" },
        { { "a\xff"
            "b",
            3 },
          "a\xef\xbf\xbd"
          "b" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_text_append_line(&out, rows[i].in);
        assert_string_equal(sc_buf_text(&out), rows[i].out);
    }
}

/* Of a sign, so many vowels behind it, and another sign. */
static bool needs_space(int vowels)
{
    SC_AUTO_BUF before = { 0 };
    sc_buf_puts(&before, "ก");
    for (int i = 0; i < vowels; i++)
        sc_buf_puts(&before, "\u0e34");
    return sc_text_needs_space(sc_buf_str(&before), SC_STR("ก"));
}

static void no_sign_is_looked_for_without_end(void **state)
{
    (void)state;
    assert_false(needs_space(0));
    assert_false(needs_space(2));
    assert_true(needs_space(100));
    assert_true(sc_text_needs_space(SC_STR("so"), SC_STR("ก")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lower_case_covers_the_scripts_that_have_it),
        TEST(columns_are_those_of_a_screen),
        TEST(a_line_holds_no_control_signs_and_no_runs_of_space),
        TEST(no_sign_is_looked_for_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
