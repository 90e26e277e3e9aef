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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(addresses_go_there_and_back),
        TEST(sockets_tell_theirs),
        TEST(loopback_is_a_network_and_an_address),
        TEST(a_customer_is_an_ipv4_address_or_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
