#include "sys/hosts.h"

#include "sys/nets.h"
#include "testing.h"

#include "base/banned.h"

static void names_are_names_and_no_numbers(void **state)
{
    (void)state;
    static const char *const good[] = { "a",
                                        "hooks.example.com",
                                        "xn--bcher-kva.example",
                                        "a_b.c",
                                        "10.example",
                                        "0x7f.example",
                                        "3com.com",
                                        "a.1b" };
    static const char *const bad[] = { "",
                                       ".",
                                       "a.",
                                       ".a",
                                       "a..b",
                                       "-a",
                                       "a b",
                                       "a%2e",
                                       "1",
                                       "127.1",
                                       "10.0.0.1",
                                       "a.1",
                                       "a.0x7f",
                                       "0x7f000001",
                                       "a.0X",
                                       "a:b",
                                       "b\xc3\xbc.example",
                                       "[::1]",
                                       "a/b",
                                       "a,b" };
    char longest[300];
    for (size_t i = 0; i < SC_ARRAY_LEN(good); i++) {
        if (!sc_host_is_name(sc_str_from(good[i])))
            fail_msg("'%s' is a name", good[i]);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        if (sc_host_is_name(sc_str_from(bad[i])))
            fail_msg("'%s' is no name", bad[i]);
    }
    for (size_t i = 0; i < sizeof(longest); i++)
        longest[i] = i % 50 == 49 ? '.' : 'a';
    assert_true(sc_host_is_name((struct sc_str){ longest, 253 }));
    assert_false(sc_host_is_name((struct sc_str){ longest, 254 }));
    memset(longest, 'a', sizeof(longest));
    assert_true(sc_host_is_name((struct sc_str){ longest, 63 }));
    assert_false(sc_host_is_name((struct sc_str){ longest, 64 }));
}

static void lists_are_words_between_commas(void **state)
{
    (void)state;
    static const char *const good[] = { "", "*", "10.0.0.0/8", "hooks.lan, 192.168.1.7,fd00::/8" };
    static const char *const bad[] = { ",",           "a,",       "a,,b", "10.0.0.1/8",
                                       "10.0.0.0/40", "http://a", "a b",  "a:80",
                                       "[::1]",       "*.lan",    "127.1" };
    for (size_t i = 0; i < SC_ARRAY_LEN(good); i++) {
        if (!sc_hosts_is_list(good[i]))
            fail_msg("'%s' is a list", good[i]);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        if (sc_hosts_is_list(bad[i]))
            fail_msg("'%s' is no list", bad[i]);
    }
}

static void lists_name_hosts_and_addresses(void **state)
{
    (void)state;
    static const char list[] = "hooks.lan, 10.0.0.0/8,::1";
    struct sc_ip inside, outside, v6;
    assert_true(sc_ip_parse(SC_STR("10.1.2.3"), &inside));
    assert_true(sc_ip_parse(SC_STR("11.1.2.3"), &outside));
    assert_true(sc_ip_parse(SC_STR("::1"), &v6));
    assert_true(sc_hosts_has(list, "hooks.lan", &outside));
    assert_true(sc_hosts_has(list, "HOOKS.lan", NULL));
    assert_false(sc_hosts_has(list, "hooks.lan.evil.example", &outside));
    assert_false(sc_hosts_has(list, "lan", &outside));
    assert_true(sc_hosts_has(list, "any.example", &inside));
    assert_false(sc_hosts_has(list, "any.example", &outside));
    assert_false(sc_hosts_has(list, "any.example", NULL));
    assert_true(sc_hosts_has(list, "::1", &v6));
    assert_false(sc_hosts_has("", "hooks.lan", &inside));
    assert_true(sc_hosts_has("a,*", "hooks.lan", NULL));
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
        struct sc_ip a;
        assert_true(sc_client_ip_parse(sc_str_from(rows[i].address), &a));
        if (sc_hosts_has(rows[i].list, NULL, &a) != rows[i].in)
            fail_msg("'%s' and %s", rows[i].list, rows[i].address);
    }
}

static void lists_of_networks_have_no_names(void **state)
{
    (void)state;
    static const char *const good[] = { "", "10.0.0.1", "10.0.0.0/8,::1", "10.0.0.0/8, fd00::/8 ,",
                                        "::/0" };
    static const char *const bad[] = { "10.0.0.1/8",   "10.0.0.0/33", "10.0.0.0/-0", "10.0.0.0/",
                                       "fd00::/129",   "a",           ",",           "10.0.0.1 ::1",
                                       "10.0.0.0/8/8", "/8",          "10.0.0.0/0x8" };
    for (size_t i = 0; i < SC_ARRAY_LEN(good); i++)
        if (!sc_hosts_is_net_list(good[i]))
            fail_msg("'%s' is refused", good[i]);
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        if (sc_hosts_is_net_list(bad[i]))
            fail_msg("'%s' is taken", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_are_names_and_no_numbers),  TEST(lists_are_words_between_commas),
        TEST(lists_name_hosts_and_addresses),  TEST(networks_hold_what_begins_like_them),
        TEST(lists_of_networks_have_no_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
