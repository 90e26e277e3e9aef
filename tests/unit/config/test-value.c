#include "config/value.h"

#include "testing.h"

#include "base/banned.h"

static void durations_go_there_and_back(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
        const char *back;
    } rows[] = {
        { "0", 0, "0" },           { "250ms", 250, "250ms" },    { "90", 90000, "90s" },
        { "60s", 60000, "1m" },    { "15m", 900000, "15m" },     { "24h", 86400000, "1d" },
        { "7d", 604800000, "7d" }, { "1500ms", 1500, "1500ms" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF back = { 0 };
        int64_t ms = -1;
        assert_true(sc_value_duration(sc_str_from(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
        sc_value_put_duration(&back, ms);
        assert_string_equal(sc_buf_text(&back), rows[i].back);
    }
    static const char *const bad[] = { "", "ms", "s", "-1s", "-5ms", "1.5s", "3w", "1 s" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        int64_t ms = 7;
        assert_false(sc_value_duration(sc_str_from(bad[i]), &ms));
        assert_int_equal(ms, 7);
    }
}

static void origins_are_written_as_browsers_write_them(void **state)
{
    (void)state;
    static const char *const good[] = { "", "https://app.example", "http://localhost:3000",
                                        "http://[::1]:8000, https://a.example",
                                        "http://127.0.0.1" };
    static const char *const bad[] = {
        "*",
        "null",
        "app.example",
        "https://",
        "https://A.example",
        "https://a.example/",
        "https://a.example:",
        "https://a.example:0",
        "https://a.example:99999",
        "ftp://a.example",
        "https://a.example b",
        "https://u@a.example",
        "http://[::1",
        "http://[::g]",
        "http://[::1]x",
        ",",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(good); i++)
        if (!sc_value_is_origins(good[i]))
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        if (sc_value_is_origins(bad[i]))
            fail_msg("'%s' is taken", bad[i]);
    assert_true(sc_value_is_hosts("") && sc_value_is_hosts("a.local, B"));
    assert_false(sc_value_is_hosts("a:80") || sc_value_is_hosts("a b") || sc_value_is_hosts(","));
}

static void sizes_are_shown_in_their_largest_exact_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        const char *text;
    } rows[] = { { 0, "0" },
                 { 1000, "1000" },
                 { 1024, "1K" },
                 { INT64_C(20) << 30, "20G" },
                 { INT64_C(3) << 40, "3T" },
                 { (INT64_C(1) << 30) + 1024, "1048577K" } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        sc_value_put_size(&out, rows[i].bytes);
        assert_string_equal(sc_buf_text(&out), rows[i].text);
    }
}

static void addresses_of_servers_have_a_scheme_and_a_host(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool url, server;
    } rows[] = {
        { "http://127.0.0.1:8080/v1", true, true },
        { "https://api.example.org", true, true },
        { "unix:/run/x.sock", false, true },
        { "http://user:pw@host/v1", false, true },
        { "http://host/v1?key=1", false, true },
        { "http://host/v1#a", false, true },
        { "http://host/a@b", true, true },
        { "http:///v1", false, false },
        { "http://", false, false },
        { "ftp://x", false, false },
        { "unix:", false, false },
        { "8000", false, false },
        { "", false, false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        assert_int_equal(sc_value_is_url(rows[i].text), rows[i].url);
        assert_int_equal(sc_value_is_server(rows[i].text), rows[i].server);
    }
}

static void choices_are_whole_words(void **state)
{
    (void)state;
    assert_true(sc_value_in_choices(SC_STR("a"), "a|b c|d"));
    assert_true(sc_value_in_choices(SC_STR("b c"), "a|b c|d"));
    assert_true(sc_value_in_choices(SC_STR("d"), "a|b c|d"));
    assert_false(sc_value_in_choices(SC_STR("b"), "a|b c|d"));
    assert_false(sc_value_in_choices(SC_STR("a|b c"), "a|b c|d"));
    assert_false(sc_value_in_choices(SC_STR(""), "a|b"));
    SC_AUTO_BUF out = { 0 };
    sc_value_put_choices(&out, "a|b|c");
    assert_string_equal(sc_buf_text(&out), "a, b or c");
}

static void plain_text_has_no_control_signs(void **state)
{
    (void)state;
    assert_true(sc_value_is_plain(SC_STR("gr\xc3\xbc\xc3\x9f")));
    assert_false(sc_value_is_plain(SC_STR("a\nb")));
    assert_false(sc_value_is_plain(SC_STR("\x7f")));
    assert_false(sc_value_is_plain(SC_STR("\xff")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(durations_go_there_and_back),
        TEST(origins_are_written_as_browsers_write_them),
        TEST(sizes_are_shown_in_their_largest_exact_unit),
        TEST(addresses_of_servers_have_a_scheme_and_a_host),
        TEST(choices_are_whole_words),
        TEST(plain_text_has_no_control_signs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
