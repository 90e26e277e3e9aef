#include "base/str.h"

#include "testing.h"

#include "base/banned.h"

static void slices_compare_by_bytes(void **state)
{
    (void)state;
    struct sc_str none = sc_str_from(NULL);
    assert_true(sc_str_equal(none, SC_STR("")));
    assert_true(sc_str_equal(SC_STR("a\0b"), SC_STR("a\0b")));
    assert_false(sc_str_equal(SC_STR("a"), SC_STR("A")));
    assert_true(sc_str_equal_nocase(SC_STR("Zz9"), SC_STR("zZ9")));
    assert_false(sc_str_equal_nocase(SC_STR("["), SC_STR("{")));
    assert_true(sc_str_starts(SC_STR("abc"), SC_STR("ab")));
    assert_true(sc_str_starts(none, none));
    assert_false(sc_str_starts(SC_STR("a"), SC_STR("ab")));
    assert_true(sc_str_ends(SC_STR("abc"), SC_STR("bc")));
    assert_true(sc_str_ends(none, none));
    assert_false(sc_str_ends(SC_STR("c"), SC_STR("bc")));
    assert_false(sc_str_ends(SC_STR("abc"), SC_STR("ab")));
}

static void trimming_takes_white_space_at_both_ends(void **state)
{
    (void)state;
    assert_true(sc_str_equal(sc_str_trim(SC_STR(" \t a b\r\n")), SC_STR("a b")));
    assert_int_equal(sc_str_trim(SC_STR(" \n ")).len, 0);
}

static void taking_until_a_separator_walks_a_list(void **state)
{
    (void)state;
    struct sc_str rest = SC_STR("a,,bc");
    assert_true(sc_str_equal(sc_str_take_until(&rest, ','), SC_STR("a")));
    assert_true(sc_str_equal(sc_str_take_until(&rest, ','), SC_STR("")));
    assert_true(sc_str_equal(sc_str_take_until(&rest, ','), SC_STR("bc")));
    assert_int_equal(rest.len, 0);
    assert_int_equal(sc_str_take_until(&rest, ',').len, 0);
}

static void whole_numbers_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        { "0", true, 0 },
        { "-17", true, -17 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+1", false, 0 },
        { " 1", false, 0 },
        { "1x", false, 0 },
        { "0x10", false, 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t value = 77;
        assert_int_equal(sc_str_to_int64(sc_str_from(rows[i].text), &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 77));
    }
}

static void decimal_numbers_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool ok;
        double value;
    } rows[] = {
        { "0.5", true, 0.5 }, { "-2", true, -2 },  { "1e3", true, 1000 }, { "1E-2", true, 0.01 },
        { "", false, 0 },     { ".5", false, 0 },  { "1.", false, 0 },    { "1e", false, 0 },
        { "inf", false, 0 },  { "nan", false, 0 }, { "0x1p3", false, 0 }, { "1e999", false, 0 },
        { "1,5", false, 0 },  { "--1", false, 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        double value = 77;
        assert_int_equal(sc_str_to_double(sc_str_from(rows[i].text), &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 77));
    }
}

static void truth_words_are_read(void **state)
{
    (void)state;
    static const char *const yes[] = { "on", "true", "yes", "1", "TRUE" };
    static const char *const no[] = { "off", "false", "no", "0", "Off" };
    bool value;
    for (size_t i = 0; i < SC_ARRAY_LEN(yes); i++) {
        value = false;
        assert_true(sc_str_to_bool(sc_str_from(yes[i]), &value) && value);
        value = true;
        assert_true(sc_str_to_bool(sc_str_from(no[i]), &value) && !value);
    }
    assert_false(sc_str_to_bool(SC_STR("2"), &value));
    assert_false(sc_str_to_bool(SC_STR(""), &value));
}

static void sizes_count_in_powers_of_1024(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes; /* -1: refused */
    } rows[] = {
        { "250", 250 },
        { "64k", 65536 },
        { "2M", 2097152 },
        { "20G", INT64_C(21474836480) },
        { "1t", INT64_C(1099511627776) },
        { "k", -1 },
        { "-1", -1 },
        { "", -1 },
        { "1kb", -1 },
        { "9999999999999G", -1 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t bytes = -1;
        assert_int_equal(sc_str_to_size(sc_str_from(rows[i].text), &bytes), rows[i].bytes >= 0);
        assert_int_equal(bytes, rows[i].bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slices_compare_by_bytes),
        TEST(trimming_takes_white_space_at_both_ends),
        TEST(taking_until_a_separator_walks_a_list),
        TEST(whole_numbers_are_read_or_refused),
        TEST(decimal_numbers_are_read_or_refused),
        TEST(truth_words_are_read),
        TEST(sizes_count_in_powers_of_1024),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
