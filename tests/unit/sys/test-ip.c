#include "sys/ip.h"

#include "testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/banned.h"

static struct sc_ip ip(const char *text)
{
    struct sc_ip out;
    if (!sc_ip_parse(sc_str_from(text), &out))
        fail_msg("'%s' should be an address", text);
    return out;
}

static void only_plain_spellings_are_addresses(void **state)
{
    (void)state;
    static const char *const good[] = { "0.0.0.0", "127.0.0.1", "255.255.255.255",
                                        "::",      "::1",       "2001:db8::1" };
    static const char *const bad[] = {
        "",           "1",          "127.1",      "2130706433", "0x7f000001",  "0x7f.0.0.1",
        "0177.0.0.1", "127.0.0.01", "127.0.0.1.", " 127.0.0.1", "127.0.0.256", "1.2.3.4.5",
        "[::1]",      "::1%lo",     "fe80::1%1",  "12345::",    "localhost",   ":",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(good); i++) {
        char text[SC_IP_TEXT];
        struct sc_ip found = ip(good[i]);
        assert_string_equal(sc_ip_format(&found, text), good[i]);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_ip out = { .v6 = true, .bytes = { 9 } };
        if (sc_ip_parse(sc_str_from(bad[i]), &out))
            fail_msg("'%s' is no address", bad[i]);
        assert_int_equal(out.bytes[0], 9);
    }
    assert_false(sc_ip_parse((struct sc_str){ "1.2.3.4\0x", 9 }, &(struct sc_ip){ 0 }));
}

static void sockaddrs_give_their_address(void **state)
{
    (void)state;
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct sc_ip out, want = ip("192.0.2.7");
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &in.sin_addr), 1);
    assert_true(sc_ip_from_sockaddr((struct sockaddr *)&in, &out));
    assert_true(sc_ip_equal(&out, &want));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &in6.sin6_addr), 1);
    assert_true(sc_ip_from_sockaddr((struct sockaddr *)&in6, &out));
    assert_false(sc_ip_equal(&out, &want));
    out = sc_ip_unmapped(&out);
    assert_true(sc_ip_equal(&out, &want));
    assert_false(sc_ip_from_sockaddr((struct sockaddr *)&un, &out));
}

struct judged {
    const char *text;
    bool public;
};

static void what_is_not_the_worlds_is_not_public(void **state)
{
    (void)state;
    /* The last address of each block beside the first one behind it. */
    static const struct judged rows[] = {
        { "0.0.0.0", false },
        { "0.255.255.255", false },
        { "1.0.0.0", true },
        { "9.255.255.255", true },
        { "10.0.0.0", false },
        { "10.255.255.255", false },
        { "11.0.0.0", true },
        { "100.63.255.255", true },
        { "100.64.0.0", false },
        { "100.127.255.255", false },
        { "100.128.0.0", true },
        { "126.255.255.255", true },
        { "127.0.0.0", false },
        { "127.0.0.1", false },
        { "127.255.255.255", false },
        { "128.0.0.0", true },
        { "169.253.255.255", true },
        { "169.254.0.0", false },
        { "169.254.169.254", false },
        { "169.255.0.0", true },
        { "172.15.255.255", true },
        { "172.16.0.0", false },
        { "172.31.255.255", false },
        { "172.32.0.0", true },
        { "192.0.0.1", false },
        { "192.0.1.0", true },
        { "192.0.2.1", false },
        { "192.0.3.0", true },
        { "192.88.99.1", false },
        { "192.167.255.255", true },
        { "192.168.0.0", false },
        { "192.168.255.255", false },
        { "192.169.0.0", true },
        { "198.17.255.255", true },
        { "198.18.0.0", false },
        { "198.19.255.255", false },
        { "198.20.0.0", true },
        { "198.51.100.1", false },
        { "203.0.113.1", false },
        { "203.0.114.0", true },
        { "223.255.255.255", true },
        { "224.0.0.1", false },
        { "239.255.255.255", false },
        { "240.0.0.1", false },
        { "255.255.255.255", false },
        { "8.8.8.8", true },
        { "::", false },
        { "::1", false },
        { "::ffff:8.8.8.8", false },
        { "::ffff:127.0.0.1", false },
        { "::8.8.8.8", false },
        { "64:ff9b::808:808", false },
        { "64:ff9b:1::1", false },
        { "100::1", false },
        { "1fff:ffff::1", false },
        { "2001::1", false },
        { "2001:1ff:ffff::1", false },
        { "2001:200::1", true },
        { "2001:db7:ffff::1", true },
        { "2001:db8::1", false },
        { "2001:db9::1", true },
        { "2001:4860:4860::8888", true },
        { "2002:7f00:1::", false },
        { "2003::1", true },
        { "2606:4700::1111", true },
        { "3ffe::1", false },
        { "3fff::1", false },
        { "3fff:fff:ffff::1", false },
        { "3fff:1000::1", true },
        { "4000::1", false },
        { "5f00::1", false },
        { "fc00::1", false },
        { "fd12:3456::1", false },
        { "fe80::1", false },
        { "fec0::1", false },
        { "ff02::1", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_ip one = ip(rows[i].text);
        if (sc_ip_is_public(&one) != rows[i].public)
            fail_msg("%s should %sbe public", rows[i].text, rows[i].public ? "" : "not ");
    }
}

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *net, *ip;
        bool holds;
    } rows[] = {
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.0", false },
        { "10.0.0.0/8", "::ffff:10.0.0.1", false },
        { "192.168.4.0/22", "192.168.7.255", true },
        { "192.168.4.0/22", "192.168.8.0", false },
        { "0.0.0.0/0", "8.8.8.8", true },
        { "0.0.0.0/0", "::1", false },
        { "127.0.0.1", "127.0.0.1", true },
        { "127.0.0.1", "127.0.0.2", false },
        { "fd00::/8", "fdff::1", true },
        { "fd00::/8", "fe00::1", false },
        { "::1", "::1", true },
        { "2001:db8::/33", "2001:db8:7fff::1", true },
        { "2001:db8::/33", "2001:db8:8000::1", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_subnet net;
        struct sc_ip one = ip(rows[i].ip);
        if (!sc_subnet_parse(sc_str_from(rows[i].net), &net))
            fail_msg("'%s' should be a network", rows[i].net);
        if (sc_subnet_holds(&net, &one) != rows[i].holds)
            fail_msg("%s in %s", rows[i].ip, rows[i].net);
    }
}

static void what_is_no_network_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "/8",
                                       "10.0.0.0/",
                                       "10.0.0.0/33",
                                       "10.0.0.0/-1",
                                       "10.0.0.0/08",
                                       "10.0.0.0/8 ",
                                       "10.0.0.0/8/8",
                                       "10.1.2.3/8",
                                       "::/129",
                                       "::1/64",
                                       "name/8",
                                       "10.0.0.0/+8",
                                       "10.0.0.0/1x" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_subnet net = { .bits = 77 };
        if (sc_subnet_parse(sc_str_from(bad[i]), &net) || net.bits != 77)
            fail_msg("'%s' is no network", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_plain_spellings_are_addresses),   TEST(sockaddrs_give_their_address),
        TEST(what_is_not_the_worlds_is_not_public), TEST(networks_hold_their_addresses),
        TEST(what_is_no_network_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
