#include "api/tus.h"

#include "testing.h"

#include "base/banned.h"

static void numbers_of_bytes_have_digits_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value; /* -1: refused */
    } rows[] = { { "0", 0 },   { "42", 42 }, { "9223372036854775807", INT64_MAX },
                 { "", -1 },   { "-1", -1 }, { "9223372036854775808", -1 },
                 { "+1", -1 }, { " 1", -1 }, { "1e3", -1 },
                 { "0x1", -1 } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        int64_t value = -1;
        enum sc_code code = sc_tus_bytes("Upload-Length", sc_str_from(rows[i].text), &value, &err);
        assert_int_equal(code, rows[i].value < 0 ? SC_E_INVALID_VALUE : SC_OK);
        assert_int_equal(value, rows[i].value);
        assert_string_equal(err.field, rows[i].value < 0 ? "Upload-Length" : "");
    }
}

static void checksums_are_of_a_known_kind_and_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len; /* 0: refused */
    } rows[] = {
        { "sha1 2jmj7l5rSw0yVb/vlWAYkK/YBwk=", 20 },
        { "md5 1B2M2Y8AsgTpgAmY7PhCfg==", 16 },
        { "sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", 32 },
        { "sha256 1B2M2Y8AsgTpgAmY7PhCfg==", 0 },
        { "md5 1B2M2Y8AsgTpgAmY7PhCfh==", 0 }, /* bits behind the end */
        { "md5 1B2M2Y8AsgTpgAmY7PhCfg", 0 },
        { "md5  1B2M2Y8AsgTpgAmY7PhCfg==", 0 },
        { "crc32 AAAAAA==", 0 },
        { "md5", 0 },
        { "", 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        struct sc_checksum sum = { 0 };
        enum sc_code code = sc_tus_checksum(sc_str_from(rows[i].text), &sum, &err);
        assert_int_equal(code, rows[i].len == 0 ? SC_E_INVALID_VALUE : SC_OK);
        assert_int_equal(sum.len, rows[i].len);
    }
}

static void metadata_tells_name_job_and_options(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *options; /* options NULL: refused */
        bool job;
    } rows[] = {
        { "", "", "{}", false },
        { "filename bWVtby5tcDM=,filetype YXVkaW8=", "memo.mp3", "{}", false },
        { "name Yg==, filename YQ==", "a", "{}", false },
        { "filename YQ==,name Yg==", "a", "{}", false },
        { "name Yg==,relativePath bnVsbA==,type eA==", "b", "{}", false },
        { "job dHJ1ZQ==", "", "{}", true },
        { "engine bnVsbA==", "", "{\"engine\":\"null\"}", true },
        { "engine bnVsbA==,job MA==", "", "{\"engine\":\"null\"}", false },
        { "job MA==,engine bnVsbA==", "", "{\"engine\":\"null\"}", false },
        { "filename", "", "{}", false },
        { "job bWF5YmU=", "", NULL, false },
        { "filename a.mp3", "", NULL, false },
        { "a YQ==,a YQ==", "", NULL, false },
        { "a YQ==,", "", "{\"a\":\"a\"}", true },
        { ",a YQ==", "", NULL, false },
        { "vad /w==", "", NULL, false }, /* no UTF-8 */
        { "filename /w==", "\xef\xbf\xbd", "{}", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO(sc_tus_metadata_done) struct sc_tus_metadata m = { 0 };
        struct sc_error err = { 0 };
        enum sc_code code = sc_tus_metadata(sc_str_from(rows[i].text), &m, &err);
        assert_int_equal(code, rows[i].options == NULL ? SC_E_INVALID_VALUE : SC_OK);
        if (code != SC_OK)
            continue;
        assert_string_equal(sc_buf_text(&m.name), rows[i].name);
        assert_string_equal(sc_buf_text(&m.options), rows[i].options);
        assert_int_equal(m.job, rows[i].job);
    }
}

static void dates_are_those_of_http(void **state)
{
    char out[SC_HTTP_DATE_TEXT];
    (void)state;
    assert_string_equal(sc_tus_date(0, out), "Thu, 01 Jan 1970 00:00:00 GMT");
    assert_string_equal(sc_tus_date(784111777000, out), "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_string_equal(sc_tus_date(784111776001, out), "Sun, 06 Nov 1994 08:49:37 GMT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_of_bytes_have_digits_alone),
        TEST(checksums_are_of_a_known_kind_and_length),
        TEST(metadata_tells_name_job_and_options),
        TEST(dates_are_those_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
