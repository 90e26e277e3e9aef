#include "base/error.h"

#include "base/utf8.h"

#include "testing.h"

#include <errno.h>

#include "base/banned.h"

static void every_code_has_a_name_that_reads_back(void **state)
{
    (void)state;
    for (int i = 0; i < SC_CODE_COUNT_; i++) {
        enum sc_code code = SC_CODE_COUNT_;
        assert_true(sc_code_parse(sc_code_name((enum sc_code)i), &code));
        assert_int_equal(code, i);
        assert_true(strlen(sc_code_text(code)) > 0);
        assert_in_range(sc_code_http_status(code), 200, 599);
        assert_in_range(sc_code_exit_status(code), 0, 130);
    }
    enum sc_code code = SC_OK;
    assert_false(sc_code_parse("NO_SUCH_CODE", &code));
    assert_int_equal(code, SC_OK);
}

static void setting_fills_code_text_and_place(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    assert_int_equal(sc_error_set(&err, SC_E_IO_ERROR, "bad '%s'", "x"), SC_E_IO_ERROR);
    assert_int_equal(err.code, SC_E_IO_ERROR);
    assert_string_equal(err.msg, "bad 'x'");
    assert_string_equal(err.field, "");
    assert_true(err.line > 0);
    assert_int_equal(sc_error_set(NULL, SC_E_IO_ERROR, "x"), SC_E_IO_ERROR);
    assert_int_equal(sc_error_field(&err, SC_E_NO_SPACE, "language", "y"), SC_E_NO_SPACE);
    assert_string_equal(err.field, "language");
    struct sc_error copy;
    assert_int_equal(sc_error_copy(&copy, &err), SC_E_NO_SPACE);
    assert_string_equal(copy.msg, "y");
}

static void errno_decides_the_code(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    assert_int_equal(sc_error_errno(&err, ENOSPC, "cannot write"), SC_E_NO_SPACE);
    assert_int_equal(sc_error_errno(&err, EDQUOT, "cannot write"), SC_E_NO_SPACE);
    assert_int_equal(sc_error_errno(&err, EACCES, "cannot open 'a'"), SC_E_IO_ERROR);
    assert_string_equal(err.msg, "cannot open 'a': Permission denied");
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    (void)sc_error_errno(&err, EIO, "%0300d", 0);
    assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
    (void)sc_error_set(&err, SC_E_INTERNAL, "%0229d, caf\xc3\xa9 au lait", 0);
    assert_string_equal(err.msg + 228, "0 \xe2\x80\xa6"); /* between words, without the comma */
    (void)sc_error_set(&err, SC_E_INTERNAL, "%0210d, caf\xc3\xa9 au lait, what else is there", 0);
    assert_string_equal(err.msg + 209, "0, caf\xc3\xa9 au lait, what \xe2\x80\xa6");
}

static struct sc_error bad(const char *field, const char *why)
{
    struct sc_error err = { 0 };
    (void)sc_error_field(&err, SC_E_INVALID_VALUE, field, "%s %s", field, why);
    return err;
}

static void one_error_takes_in_others(void **state)
{
    (void)state;
    struct sc_error all = { 0 };
    const char *field, *message;
    size_t at = 0;
    assert_false(sc_error_next_field(&all, &at, &field, &message));
    struct sc_error one = bad("engine", "is unknown");
    assert_int_equal(sc_error_also(&all, &one), SC_E_INVALID_VALUE);
    at = 0;
    assert_true(sc_error_next_field(&all, &at, &field, &message));
    assert_string_equal(field, "engine");
    assert_string_equal(message, "engine is unknown");
    assert_false(sc_error_next_field(&all, &at, &field, &message));

    struct sc_error two = bad("limit", "is too large"), three = bad("name", "is missing");
    (void)sc_error_also(&two, &three);
    (void)sc_error_also(&all, &two);
    assert_string_equal(all.msg, "engine is unknown; limit is too large; name is missing");
    assert_string_equal(all.field, "engine");
    static const char *const expected[] = { "engine", "limit", "name" };
    at = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        assert_true(sc_error_next_field(&all, &at, &field, &message));
        assert_string_equal(field, expected[i]);
    }
    assert_string_equal(message, "name is missing");
    assert_false(sc_error_next_field(&all, &at, &field, &message));
    assert_int_equal(sc_error_also(NULL, &one), SC_E_INVALID_VALUE);
}

static void what_does_not_fit_is_left_out_whole(void **state)
{
    (void)state;
    struct sc_error all = { 0 };
    const char *field, *message;
    size_t at = 0, count = 0;
    for (int i = 0; i < 200; i++) {
        struct sc_error one = bad("field", "caf\xc3\xa9 \xe2\x82\xac");
        (void)sc_error_also(&all, &one);
    }
    while (sc_error_next_field(&all, &at, &field, &message)) {
        assert_string_equal(field, "field");
        assert_string_equal(message, "field caf\xc3\xa9 \xe2\x82\xac");
        count++;
    }
    assert_in_range(count, 20, 199);
    /* The sentence ends with a whole sign. */
    size_t len = strlen(all.msg);
    assert_true(len > 200 && len < sizeof(all.msg));
    assert_int_equal(sc_utf8_valid_prefix(sc_str_from(all.msg)), len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_code_has_a_name_that_reads_back),
        TEST(setting_fills_code_text_and_place),
        TEST(errno_decides_the_code),
        TEST(long_messages_are_cut),
        TEST(one_error_takes_in_others),
        TEST(what_does_not_fit_is_left_out_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
