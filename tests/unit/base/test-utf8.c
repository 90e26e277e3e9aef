#include "base/utf8.h"

#include "testing.h"

#include "base/banned.h"

static void the_valid_prefix_ends_at_the_first_bad_byte(void **state)
{
    (void)state;
    static const struct {
        struct sc_str text;
        size_t valid;
    } rows[] = {
        { { "", 0 }, 0 },
        { { "abc", 3 }, 3 },
        { { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9 }, 9 },
        { { "a\0b", 3 }, 3 },
        { { "a\xff", 2 }, 1 },
        { { "a\xc3", 2 }, 1 },
        { { "\xc0\x80", 2 }, 0 },         /* overlong */
        { { "\xe0\x80\xaf", 3 }, 0 },     /* overlong */
        { { "\xf0\x80\x80\xaf", 4 }, 0 }, /* overlong */
        { { "\xed\xa0\x80", 3 }, 0 },     /* surrogate */
        { { "\xf4\x90\x80\x80", 4 }, 0 }, /* beyond U+10FFFF */
        { { "\xf8\x88\x80\x80\x80", 5 }, 0 },
        { { "x\x80", 2 }, 1 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_int_equal(sc_utf8_valid_prefix(rows[i].text), rows[i].valid);
}

static void every_code_point_reads_back(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    for (uint32_t cp = 0; cp <= 0x10ffff; cp++) {
        if (cp >= 0xd800 && cp <= 0xdfff)
            continue;
        uint32_t got = UINT32_MAX;
        sc_buf_reset(&b);
        sc_utf8_append(&b, cp);
        assert_true(sc_utf8_decode(sc_buf_str(&b), &got) == b.len && got == cp);
    }
    sc_buf_reset(&b);
    sc_utf8_append(&b, 0xd800);
    sc_utf8_append(&b, 0x110000);
    assert_string_equal(b.ptr, "\xef\xbf\xbd\xef\xbf\xbd");
}

static void lossy_text_is_valid_text(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    sc_utf8_append_lossy(&b, SC_STR("a\xff\xc3\xa4\xe2\x82"));
    assert_string_equal(b.ptr, "a\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd");
    assert_true(sc_utf8_is_valid(sc_buf_str(&b)));
}

static void printable_text_holds_no_terminal_commands(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    sc_utf8_append_printable(&b, SC_STR("a\n\t\x1b[1m\x7f\xc2\x9b\xff\xe2\x80\xae\xc3\xa4"));
    assert_string_equal(b.ptr, "a\\n\\t\\x1b[1m\\x7f\\x9b\\xff\\u{202e}\xc3\xa4");
}

static void what_turns_text_round_is_spelt_out(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    sc_utf8_append_unturned(&b,
                            SC_STR("a\xe2\x80\xae\n\x1b[1m\xff\xe2\x81\xa6-\xe2\x81\xa9\xe2\x80\xaa"
                                   "\xe2\x80\xa9\xe2\x80\x8f\xc3\xa4"));
    assert_string_equal(b.ptr, "a\\u202e\n\x1b[1m\xff\\u2066-\\u2069\\u202a"
                               "\xe2\x80\xa9\xe2\x80\x8f\xc3\xa4");
}

static void a_text_of_which_nothing_is_seen_is_blank(void **state)
{
    (void)state;
    static const char *const blank[] = { "",
                                         " \t\r\n",
                                         "\xc2\xa0",
                                         "\xe2\x80\x8b",
                                         "\xe3\x80\x80 \xc2\xad\xef\xbb\xbf",
                                         "\xe2\x80\xaf\xe2\x81\xa0",
                                         "\xe2\x80\xae" };
    static const char *const seen[] = { "a", "\xc2\xa0-", "\xe2\x80\x90", "\xe3\x80\x81", "\xff" };
    for (size_t i = 0; i < SC_ARRAY_LEN(blank); i++)
        assert_true(sc_utf8_is_blank(sc_str_from(blank[i])));
    for (size_t i = 0; i < SC_ARRAY_LEN(seen); i++)
        assert_false(sc_utf8_is_blank(sc_str_from(seen[i])));
}

static void what_is_no_text_is_told_by_line_and_byte(void **state)
{
    (void)state;
    static const struct {
        struct sc_str text;
        const char *message; /* NULL: it is text */
    } rows[] = {
        { { "", 0 }, NULL },
        { { "a\r\n\xc3\xa4\n", 6 }, NULL },
        { { "\xe9t\xe9", 3 }, "line 1, byte 1: 0xE9 is no UTF-8 there; save the text as UTF-8" },
        { { "a\nbc\xff", 5 }, "line 2, byte 3: 0xFF is no UTF-8 there; save the text as UTF-8" },
        { { "a\r\nb\rc\xc3", 7 },
          "line 3, byte 2: 0xC3 is no UTF-8 there; save the text as UTF-8" },
        { { "a\nb\0\xff", 5 }, "line 2, byte 2: a NUL, which no text has; save the text as UTF-8" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        enum sc_code code = sc_utf8_check_text(rows[i].text, &err);
        assert_int_equal(code, rows[i].message == NULL ? SC_OK : SC_E_INVALID_VALUE);
        assert_string_equal(err.msg, rows[i].message == NULL ? "" : rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_valid_prefix_ends_at_the_first_bad_byte),
        TEST(every_code_point_reads_back),
        TEST(lossy_text_is_valid_text),
        TEST(printable_text_holds_no_terminal_commands),
        TEST(what_turns_text_round_is_spelt_out),
        TEST(a_text_of_which_nothing_is_seen_is_blank),
        TEST(what_is_no_text_is_told_by_line_and_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
