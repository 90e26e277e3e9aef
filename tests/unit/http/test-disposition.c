#include "http/disposition.h"

#include "testing.h"

#include "base/banned.h"

static void names_are_safe_for_every_client(void **state)
{
    (void)state;
    static const struct {
        const char *stem, *extension, *expected;
    } rows[] = {
        { "interview", "srt", "attachment; filename=\"interview.srt\"" },
        { "a b (1)", "", "attachment; filename=\"a b (1)\"" },
        { "café", "txt", "attachment; filename=\"caf_.txt\"; filename*=UTF-8''caf%C3%A9.txt" },
        { "会議", "vtt",
          "attachment; filename=\"__.vtt\"; filename*=UTF-8''%E4%BC%9A%E8%AD%B0.vtt" },
        { "say \"hi\" 100%", "csv",
          "attachment; filename=\"say _hi_ 100_.csv\"; "
          "filename*=UTF-8''say%20%22hi%22%20100%25.csv" },
        { "../../etc/passwd", "txt", "attachment; filename=\"_._.._etc_passwd.txt\"" },
        { "c:\\x\r\nSet-Cookie: a", "txt", "attachment; filename=\"c__x__Set-Cookie_ a.txt\"" },
        { "a\xe2\x80\xae"
          "fdp",
          "txt", "attachment; filename=\"a_fdp.txt\"" },
        { "\xff", "", "attachment; filename=\"_\"" },
        { "", "json", "attachment; filename=\"download.json\"" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_disposition_put(&out, sc_str_from(rows[i].stem), rows[i].extension);
        assert_string_equal(sc_buf_text(&out), rows[i].expected);
    }
}

static void long_names_keep_whole_signs_and_their_extension(void **state)
{
    (void)state;
    SC_AUTO_BUF stem = { 0 };
    SC_AUTO_BUF out = { 0 };
    sc_buf_putc(&stem, 'a');
    for (int i = 0; i < 100; i++)
        sc_buf_puts(&stem, "é");
    sc_disposition_put(&out, sc_buf_str(&stem), "srt");
    assert_non_null(strstr(sc_buf_text(&out), "%C3%A9.srt"));
    assert_true(out.len < 700);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_safe_for_every_client),
        TEST(long_names_keep_whole_signs_and_their_extension),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
