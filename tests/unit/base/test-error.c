#include "base/error.h"

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
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_code_has_a_name_that_reads_back),
        TEST(setting_fills_code_text_and_place),
        TEST(errno_decides_the_code),
        TEST(long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
