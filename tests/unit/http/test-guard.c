/* Limits, forwarded addresses and pages of other origins. */
#include "rig.h"

#include "base/clock.h"
#include "http/forwarded.h"
#include "http/http-internal.h"

#include <netinet/in.h>

#include "base/banned.h"

#define PROXIED "\r\nX-Forwarded-For: "

static void trusted_proxies_are_believed_from_the_right(void **state)
{
    (void)state;
    static const struct {
        bool rfc7239;
        const char *chain, *peer, *client;
    } rows[] = {
        /* Nobody speaks for a stranger. */
        { false, "198.51.100.7", "203.0.113.5", "203.0.113.5" },
        { false, "", "10.0.0.1", "10.0.0.1" },
        { false, "198.51.100.7", "10.0.0.1", "198.51.100.7" },
        { false, "1.1.1.1, 198.51.100.7", "10.0.0.1", "198.51.100.7" },
        { false, "1.1.1.1,198.51.100.7 , 10.0.0.2", "10.0.0.1", "198.51.100.7" },
        { false, "10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3" },
        { false, "2001:db8::7", "10.0.0.1", "2001:db8::7" },
        { false, "[2001:db8::7]:4711", "10.0.0.1", "2001:db8::7" },
        { false, "[2001:db8::7]", "10.0.0.1", "2001:db8::7" },
        { false, "198.51.100.7:4711", "10.0.0.1", "198.51.100.7" },
        /* What cannot be read stands for nobody, and nothing before it counts. */
        { false, "198.51.100.7, unknown", "10.0.0.1", "10.0.0.1" },
        { false, "198.51.100.7,", "10.0.0.1", "10.0.0.1" },
        { false, "198.51.100.7,,", "10.0.0.1", "10.0.0.1" },
        { false, "[2001:db8::7", "10.0.0.1", "10.0.0.1" },
        { false, "[2001:db8::7]x", "10.0.0.1", "10.0.0.1" },
        { false, "for=198.51.100.7", "10.0.0.1", "10.0.0.1" },
        { true, "198.51.100.7", "10.0.0.1", "10.0.0.1" },
        { true, "for=198.51.100.7", "10.0.0.1", "198.51.100.7" },
        { true, "proto=https; FOR = \"[2001:db8::7]:80\";by=x", "10.0.0.1", "2001:db8::7" },
        { true, "for=1.1.1.1, for=198.51.100.7;proto=http", "10.0.0.1", "198.51.100.7" },
        { true, "for=\"1.1.1.1, for=198.51.100.7", "10.0.0.1", "198.51.100.7" },
        { true, "for=_hidden", "10.0.0.1", "10.0.0.1" },
        { true, "for=1.1.1.1;for=2.2.2.2", "10.0.0.1", "10.0.0.1" },
        { true, "by=10.0.0.1", "10.0.0.1", "10.0.0.1" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char text[SC_IP_TEXT];
        struct sc_ip a;
        assert_true(sc_client_ip_parse(sc_str_from(rows[i].peer), &a));
        sc_forwarded_client(rows[i].rfc7239, sc_str_from(rows[i].chain), "10.0.0.0/8", &a);
        if (strcmp(sc_ip_format(&a, text), rows[i].client) != 0)
            fail_msg("'%s': %s, not %s", rows[i].chain, text, rows[i].client);
    }
}

/* How many of `times` answers have the status 200; the others must be `status`. */
static int let_in(struct rig *rig, const char *headers, int times, int status)
{
    SC_AUTO_BUF head = { 0 };
    int n = 0;
    sc_buf_printf(&head, "GET /api/who HTTP/1.1%s", headers);
    for (int i = 0; i < times; i++) {
        SC_AUTO_BUF out = { 0 };
        rig_ask(rig, sc_buf_text(&head), NULL, &out);
        n += rig_status(&out) == 200;
        if (rig_status(&out) != 200 && rig_status(&out) != status)
            fail_msg("%s: %s", headers, sc_buf_text(&out));
        if (rig_status(&out) == 429 && strstr(sc_buf_text(&out), "\r\nRetry-After: ") == NULL)
            fail_msg("when to come back? %s", sc_buf_text(&out));
    }
    return n;
}

static void start_standing_still(struct rig *rig, const struct sc_http_policy *policy)
{
    rig_start(rig, NULL);
    sc_http_set_policy(rig->http, policy);
    sc_clock_set(sc_clock_wall_ms(), sc_clock_mono_ms());
}

static void stop_and_go_on(struct rig *rig)
{
    sc_clock_set(-1, -1);
    rig_done(rig);
}

static void a_token_has_its_count_wherever_it_comes_from(void **state)
{
    (void)state;
    SC_AUTO(stop_and_go_on) struct rig rig;
    start_standing_still(&rig, &(struct sc_http_policy){ .rate_token = 5 });
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 7", 9, 429), 5);
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 7" PROXIED "1.2.3.4", 2, 429), 0);
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 8", 9, 429), 5);
    assert_int_equal(let_in(&rig, "", 9, 429), 9); /* the owner */
    sc_clock_set(sc_clock_wall_ms(), sc_clock_mono_ms() + SC_HTTP_RATE_WINDOW_MS);
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 7", 9, 429), 5);
    sc_http_set_policy(rig.http, &(struct sc_http_policy){ .rate_token = 7 });
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 7", 9, 429), 2);
    sc_http_set_policy(rig.http, &(struct sc_http_policy){ .rate_token = 0 });
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 7", 9, 429), 9);
}

static void addresses_are_told_by_trusted_proxies_alone(void **state)
{
    (void)state;
    SC_AUTO(stop_and_go_on) struct rig rig;
    start_standing_still(&rig, &(struct sc_http_policy){ .rate_address = 3 });
    /* Whatever it says, it is 127.0.0.1. */
    assert_int_equal(let_in(&rig, PROXIED "192.0.2.1", 2, 429), 2);
    assert_int_equal(let_in(&rig, PROXIED "192.0.2.2", 2, 429), 1);
    assert_int_equal(let_in(&rig, PROXIED "192.0.2.3", 2, 429), 0);
    sc_http_set_policy(
        rig.http, &(struct sc_http_policy){ .rate_address = 3, .trusted_proxies = "127.0.0.0/8" });
    assert_int_equal(let_in(&rig, PROXIED "192.0.2.1", 5, 429), 3);
    assert_int_equal(let_in(&rig, PROXIED "192.0.2.9" PROXIED "192.0.2.2", 5, 429), 3);
    assert_int_equal(let_in(&rig, PROXIED "2001:db8::1", 2, 429), 2);
    assert_int_equal(let_in(&rig, PROXIED "2001:db8::ffff:2", 2, 429), 1);
    /* The other header says nothing. */
    assert_int_equal(let_in(&rig, "\r\nForwarded: for=192.0.2.77" PROXIED "192.0.2.1", 2, 429), 0);
}

static void what_is_no_route_counts_too(void **state)
{
    (void)state;
    SC_AUTO(stop_and_go_on) struct rig rig;
    start_standing_still(
        &rig, &(struct sc_http_policy){ .rate_address = 2, .trusted_proxies = "127.0.0.1" });
    static const int statuses[] = { 404, 405, 429 };
    static const char *const heads[] = { "GET /api/nothing HTTP/1.1" PROXIED "192.0.2.1",
                                         "PUT /api/who HTTP/1.1" PROXIED "192.0.2.1",
                                         "POST /api/body HTTP/1.1" PROXIED "192.0.2.1" };
    for (size_t i = 0; i < SC_ARRAY_LEN(heads); i++) {
        SC_AUTO_BUF out = { 0 };
        rig_ask(&rig, heads[i], i == 2 ? "text" : NULL, &out);
        assert_int_equal(rig_status(&out), statuses[i]);
    }
    /* What answers out of memory does always: somebody may live by it. */
    SC_AUTO_BUF out = { 0 };
    rig_ask(&rig, "GET /api/live HTTP/1.1" PROXIED "192.0.2.1", NULL, &out);
    assert_int_equal(rig_status(&out), 200);
}

static void wrong_tokens_are_braked_and_right_ones_are_not(void **state)
{
    (void)state;
    SC_AUTO(stop_and_go_on) struct rig rig;
    start_standing_still(&rig, &(struct sc_http_policy){ .token_failures = 4 });
    SC_AUTO_BUF out = { 0 };
    for (int i = 0; i < 6; i++) {
        rig_ask(&rig, "GET /api/who HTTP/1.1\r\nAuthorization: Bearer bad", NULL, &out);
        assert_int_equal(rig_status(&out), i < 4 ? 401 : 429);
    }
    assert_non_null(strstr(sc_buf_text(&out), "\r\nRetry-After: 20\r\n"));
    assert_non_null(strstr(sc_buf_text(&out), "RATE_LIMITED"));
    assert_null(strstr(sc_buf_text(&out), "WWW-Authenticate"));
    assert_int_equal(let_in(&rig, "\r\nAuthorization: Bearer 7", 2, 0), 2);
    assert_int_equal(let_in(&rig, "", 2, 0), 2);
    sc_clock_set(sc_clock_wall_ms(), sc_clock_mono_ms() + 60000);
    rig_ask(&rig, "GET /api/who HTTP/1.1\r\nAuthorization: Bearer bad", NULL, &out);
    assert_int_equal(rig_status(&out), 401);
}

static void strangers_have_so_many_connections(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    sc_http_set_policy(
        rig.http, &(struct sc_http_policy){ .connections = 2, .trusted_proxies = "192.0.2.9" });
    struct sockaddr_in from[3] = { { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000201) },
                                   { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000209) },
                                   { .sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(0x7f000001) } };
    bool counted;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(sc_guard_connects(rig.http, (struct sockaddr *)&from[0], &counted), i < 2);
        assert_int_equal(counted, i < 2);
        assert_true(sc_guard_connects(rig.http, (struct sockaddr *)&from[1], &counted));
        assert_false(counted);
        assert_true(sc_guard_connects(rig.http, (struct sockaddr *)&from[2], &counted));
        assert_false(counted);
    }
    sc_guard_disconnects(rig.http, (struct sockaddr *)&from[0]);
    assert_true(sc_guard_connects(rig.http, (struct sockaddr *)&from[0], &counted));
    assert_true(sc_guard_connects(rig.http, NULL, &counted) && !counted);
}

static void ask_of_page(struct rig *rig, const char *head, struct sc_buf *out)
{
    rig_ask(rig, head, NULL, out);
}

static bool says(const struct sc_buf *out, const char *piece)
{
    return strstr(sc_buf_text(out), piece) != NULL;
}

static void listed_origins_may_read(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    sc_http_set_policy(rig.http, &(struct sc_http_policy){
                                     .cors_origins = "http://a.example:3000, https://b.example" });
    ask_of_page(&rig, "GET /api/who HTTP/1.1\r\nOrigin: https://b.example", &out);
    assert_true(says(&out, "\r\nAccess-Control-Allow-Origin: https://b.example\r\n"));
    assert_true(says(&out, "\r\nVary: Origin\r\n"));
    assert_true(says(&out, "\r\nAccess-Control-Expose-Headers: "));
    assert_false(says(&out, "Allow-Credentials"));
    /* Refusals too: a page shall see why. */
    ask_of_page(&rig, "GET /api/nothing HTTP/1.1\r\nOrigin: https://b.example", &out);
    assert_true(says(&out, "\r\nAccess-Control-Allow-Origin: https://b.example\r\n"));
    static const char *const others[] = {
        "",
        "\r\nOrigin: https://b.example:443",
        "\r\nOrigin: http://b.example",
        "\r\nOrigin: null",
        "\r\nOrigin: https://b.example.evil",
        "\r\nOrigin: *",
        "\r\nOrigin: ",
        "\r\nOrigin: https://b.example, http://a.example:3000",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(others); i++) {
        SC_AUTO_BUF head = { 0 };
        sc_buf_printf(&head, "GET /api/who HTTP/1.1%s", others[i]);
        ask_of_page(&rig, sc_buf_text(&head), &out);
        assert_false(says(&out, "Access-Control"));
        assert_true(says(&out, "\r\nVary: Origin\r\n"));
    }
}

static void preflights_tell_what_a_page_may_send(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    static const char page[] =
        "OPTIONS /api/items/1 HTTP/1.1\r\nOrigin: https://b.example\r\n"
        "Access-Control-Request-Method: DELETE\r\n"
        "Access-Control-Request-Headers: authorization,x-stainless-os, cookie,x-stainless-<,range";
    ask_of_page(&rig, page, &out);
    assert_false(says(&out, "Access-Control"));
    sc_http_set_policy(rig.http, &(struct sc_http_policy){ .cors_origins = "https://b.example" });
    ask_of_page(&rig, page, &out);
    assert_int_equal(rig_status(&out), 204);
    assert_true(says(&out, "\r\nAccess-Control-Allow-Origin: https://b.example\r\n"));
    assert_true(says(&out, "\r\nAccess-Control-Allow-Methods: GET, HEAD, DELETE, OPTIONS\r\n"));
    assert_true(
        says(&out, "\r\nAccess-Control-Allow-Headers: authorization, x-stainless-os, range\r\n"));
    assert_true(says(&out, "\r\nAccess-Control-Max-Age: 600\r\n"));
    assert_false(says(&out, "Private-Network"));
    ask_of_page(&rig,
                "OPTIONS /api/who HTTP/1.1\r\nOrigin: https://b.example\r\n"
                "Access-Control-Request-Method: GET\r\n"
                "Access-Control-Request-Private-Network: true",
                &out);
    assert_true(says(&out, "\r\nAccess-Control-Allow-Private-Network: true\r\n"));
    ask_of_page(&rig,
                "OPTIONS /api/who HTTP/1.1\r\nOrigin: https://c.example\r\n"
                "Access-Control-Request-Method: GET",
                &out);
    assert_int_equal(rig_status(&out), 204);
    assert_false(says(&out, "Access-Control"));
}

static void a_name_of_this_machine_can_be_told(void **state)
{
    (void)state;
    assert_true(sc_host_is_loopback(SC_STR("scripta.local:8000"), "a, Scripta.Local"));
    assert_false(sc_host_is_loopback(SC_STR("scripta.local.evil"), "a, scripta.local"));
    assert_false(sc_host_is_loopback(SC_STR(""), "a,,b"));
    assert_false(sc_host_is_loopback(SC_STR("scripta.local"), ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(trusted_proxies_are_believed_from_the_right),
        TEST(a_token_has_its_count_wherever_it_comes_from),
        TEST(addresses_are_told_by_trusted_proxies_alone),
        TEST(what_is_no_route_counts_too),
        TEST(wrong_tokens_are_braked_and_right_ones_are_not),
        TEST(strangers_have_so_many_connections),
        TEST(listed_origins_may_read),
        TEST(preflights_tell_what_a_page_may_send),
        TEST(a_name_of_this_machine_can_be_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
