#include "net/guard.h"

#include "testing.h"

#include "base/banned.h"

static void plain_urls_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        int port;
        bool tls;
    } rows[] = {
        { "https://hooks.example.com", "hooks.example.com", 443, true },
        { "https://Hooks.Example.COM/a/b?c=d&e=%2F", "hooks.example.com", 443, true },
        { "http://example.com?x", "example.com", 80, false },
        { "http://example.com:8080/x:y@z", "example.com", 8080, false },
        { "https://example.com:443/", "example.com", 443, true },
        { "http://8.8.8.8:65535/", "8.8.8.8", 65535, false },
        { "https://[2606:4700::1111]/", "2606:4700::1111", 443, true },
        { "https://[2606:4700::1111]:8443", "2606:4700::1111", 8443, true },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_guard_target out;
        struct sc_error err = { 0 };
        if (sc_guard_url(rows[i].url, "", &out, &err) != SC_OK)
            fail_msg("%s: %s", rows[i].url, err.msg);
        assert_string_equal(out.host, rows[i].host);
        assert_int_equal(out.port, rows[i].port);
        assert_int_equal(out.tls, rows[i].tls);
    }
}

static const char *const bad[] = {
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:70/_x",
    "HTTP://example.com/",
    "http:/example.com/",
    "http:///example.com/",
    "http://",
    "http://:80/",
    "http://?x",
    "http://example.com:/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:080/",
    "http://example.com:+80/",
    "http://example.com:80:80/",
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:1023/",
    "http://user@example.com/",
    "http://user:secret@example.com/",
    "http://8.8.8.8@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://example.com\\@127.0.0.1/",
    "http://example.com/#x",
    "http://exa mple.com/",
    "http://example.com/ x",
    "http://example.com/\r\nHost: x",
    "http://example.com/\x7f",
    "http://b\303\274cher.example/",
    "http://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1/",
    "http://example..com/",
    "http://example.com./",
    "http://.example.com/",
    "http://-x.example/",
    "http://exa%6dple.com/",
    "http://exa*mple.com/",
    "http://127.0.0.1/",
    "http://127.0.0.1:8000/",
    "http://127.0.0.2/",
    "http://127.255.255.255/",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0x7f.0.0.1/",
    "http://0x7f000001/",
    "http://0X7F000001/",
    "http://0x7f.1/",
    "http://127.0.0.01/",
    "http://127.0.0.1./",
    "http://0127.0.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://0.0.0.0:80/",
    "http://00000000/",
    "http://0x0/",
    "http://4294967295/",
    "http://256.256.256.256/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://192.168.1/",
    "http://3232235521/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://2852039166/",
    "http://100.64.0.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://localhost:8000/",
    "http://a.localhost/",
    "http://[::1]/",
    "http://[::1]:8000/",
    "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[::1%lo]/",
    "http://[ff02::1]/",
    "http://[::1/",
    "http://::1/",
    "http://[::1]x/",
    "http://[::1]:/",
    "http://[127.0.0.1]/",
    "http://[]/",
    "http://[localhost]/",
    "http://127.0.0.1%2eexample.com/",
    "http://127.0.0.1%00.example.com/",
};

static void what_points_into_the_house_or_is_spelled_oddly_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_guard_target out = { .port = 77 };
        struct sc_error err = { 0 };
        if (sc_guard_url(bad[i], "", &out, &err) != SC_E_INVALID_VALUE)
            fail_msg("%s was taken", bad[i]);
        assert_true(err.msg[0] != '\0');
        assert_int_equal(out.port, 77);
    }
    assert_true(SC_ARRAY_LEN(bad) >= 100);
}

static void a_list_of_the_administrator_opens_what_it_names(void **state)
{
    (void)state;
    static const struct {
        const char *url, *allow;
        bool taken;
    } rows[] = {
        { "http://127.0.0.1:25/", "127.0.0.1", true },
        { "http://127.0.0.2/", "127.0.0.1", false },
        { "http://10.9.8.7/", "192.168.0.0/16,10.0.0.0/8", true },
        { "http://localhost/", "localhost", true },
        { "http://localhost/", "127.0.0.0/8", false }, /* a name: whatever it points to */
        { "http://[::1]/", "*", true },
        { "http://0x7f.1/", "*", false },
        { "http://a@localhost/", "*", false },
        { "ftp://localhost/", "*", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        enum sc_code code = sc_guard_url(rows[i].url, rows[i].allow, NULL, NULL);
        if ((code == SC_OK) != rows[i].taken)
            fail_msg("%s with '%s'", rows[i].url, rows[i].allow);
    }
}

static void sockets_connect_to_public_and_listed_addresses(void **state)
{
    (void)state;
    struct sc_ip home, world;
    assert_true(sc_ip_parse(SC_STR("192.168.1.7"), &home));
    assert_true(sc_ip_parse(SC_STR("8.8.8.8"), &world));
    assert_true(sc_guard_allows("", "hooks.example.com", &world));
    assert_false(sc_guard_allows("", "hooks.example.com", &home));
    assert_true(sc_guard_allows("hooks.example.com", "hooks.example.com", &home));
    assert_true(sc_guard_allows("192.168.1.0/24", "hooks.example.com", &home));
    assert_false(sc_guard_allows("192.168.2.0/24", "hooks.example.com", &home));
}

static void long_urls_are_refused(void **state)
{
    (void)state;
    char url[SC_GUARD_URL + 1];
    memset(url, 'a', sizeof(url));
    memcpy(url, "http://example.com/", 19);
    url[SC_GUARD_URL] = '\0';
    assert_int_equal(sc_guard_url(url, "", NULL, NULL), SC_E_INVALID_VALUE);
    url[SC_GUARD_URL - 1] = '\0';
    assert_int_equal(sc_guard_url(url, "", NULL, NULL), SC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plain_urls_are_taken_apart),
        TEST(what_points_into_the_house_or_is_spelled_oddly_is_refused),
        TEST(a_list_of_the_administrator_opens_what_it_names),
        TEST(sockets_connect_to_public_and_listed_addresses),
        TEST(long_urls_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
