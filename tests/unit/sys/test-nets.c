#include "sys/nets.h"

#include "testing.h"

#include <netinet/in.h>

#include "base/banned.h"

static struct sc_ip parsed(const char *text)
{
    struct sc_ip a;
    if (!sc_client_ip_parse(sc_str_from(text), &a))
        fail_msg("%s is no address", text);
    return a;
}

static void addresses_go_there_and_back(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "192.0.2.1", "192.0.2.1" },
        { "::ffff:192.0.2.1", "192.0.2.1" },
        { "2001:DB8:0:0::1", "2001:db8::1" },
        { "::", "::" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char text[SC_IP_TEXT];
        struct sc_ip a = parsed(rows[i][0]);
        assert_string_equal(sc_ip_format(&a, text), rows[i][1]);
    }
    static const char *const bad[] = { "",        "1.2.3",       "1.2.3.4.5",  "1.2.3.256",
                                       "[::1]",   "fe80::1%lo",  "1.2.3.4:80", " 1.2.3.4",
                                       "unknown", "01.2.3.4567", "::1::2" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_ip a;
        if (sc_client_ip_parse(sc_str_from(bad[i]), &a))
            fail_msg("%s is taken", bad[i]);
    }
    struct sc_ip a;
    assert_false(sc_client_ip_parse(SC_STR("1.2.3.4\0"), &a));
}

static void sockets_tell_theirs(void **state)
{
    (void)state;
    char text[SC_IP_TEXT];
    struct sc_ip a;
    const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) };
    const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    const struct sockaddr local = { .sa_family = AF_UNIX };
    assert_true(sc_client_ip_of((const struct sockaddr *)&v4, &a));
    assert_string_equal(sc_ip_format(&a, text), "192.0.2.1");
    assert_true(sc_client_ip_of((const struct sockaddr *)&v6, &a));
    assert_true(sc_ip_is_loopback(&a));
    assert_false(sc_client_ip_of(&local, &a));
    assert_false(sc_client_ip_of(NULL, &a));
}

static void loopback_is_a_network_and_an_address(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback;
    } rows[] = {
        { "127.0.0.1", true },    { "127.255.0.9", true },      { "::1", true },
        { "128.0.0.1", false },   { "::ffff:127.0.0.1", true }, { "::2", false },
        { "::127.0.0.1", false }, { "7f00::1", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_ip a = parsed(rows[i].text);
        assert_int_equal(sc_ip_is_loopback(&a), rows[i].loopback);
    }
}

static void a_customer_is_an_ipv4_address_or_64_bits(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.1", "::ffff:192.0.2.1", true },
        { "2001:db8::1", "2001:db8:0:0:ffff::2", true },
        { "2001:db8::1", "2001:db8:0:1::1", false },
        { "0.0.0.0", "::", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_ip a = parsed(rows[i].a);
        struct sc_ip b = parsed(rows[i].b);
        assert_int_equal(sc_ip_customer(&a) == sc_ip_customer(&b), rows[i].same);
    }
}

static void networks_hold_what_begins_like_them(void **state)
{
    (void)state;
    static const struct {
        const char *list, *address;
        bool in;
    } rows[] = {
        { "", "10.0.0.1", false },
        { "10.0.0.0/8", "10.255.0.1", true },
        { "10.0.0.0/8", "11.0.0.1", false },
        { "10.0.0.0/8", "::ffff:10.0.0.1", true },
        { "192.0.2.1", "192.0.2.1", true },
        { "192.0.2.1", "192.0.2.2", false },
        { "192.0.2.128/25", "192.0.2.200", true },
        { "192.0.2.128/25", "192.0.2.100", false },
        { " 10.0.0.1 , fd00::/8 ", "fd12::3", true },
        { "fd00::/8", "fe00::1", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "2001:db8::1", false },
        { "::/0", "203.0.113.9", false },
        { "::1", "::1", true },
        { "no, 10.0.0.1", "10.0.0.1", true },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_ip a = parsed(rows[i].address);
        if (sc_nets_have(rows[i].list, &a) != rows[i].in)
            fail_msg("'%s' and %s", rows[i].list, rows[i].address);
    }
}

static void lists_are_judged_when_they_are_set(void **state)
{
    (void)state;
    static const char *const good[] = { "", "10.0.0.1", "10.0.0.0/8,::1", "10.0.0.0/8, fd00::/8 ,",
                                        "::/0" };
    static const char *const bad[] = { "10.0.0.1/8",   "10.0.0.0/33", "10.0.0.0/-0", "10.0.0.0/",
                                       "fd00::/129",   "a",           ",",           "10.0.0.1 ::1",
                                       "10.0.0.0/8/8", "/8",          "10.0.0.0/0x8" };
    for (size_t i = 0; i < SC_ARRAY_LEN(good); i++)
        if (!sc_nets_is_list(good[i]))
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        if (sc_nets_is_list(bad[i]))
            fail_msg("'%s' is taken", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses_go_there_and_back),          TEST(sockets_tell_theirs),
        TEST(loopback_is_a_network_and_an_address), TEST(a_customer_is_an_ipv4_address_or_64_bits),
        TEST(networks_hold_what_begins_like_them),  TEST(lists_are_judged_when_they_are_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
