#include "http/router.h"

#include "testing.h"

#include "base/banned.h"

static const struct sc_route routes[] = {
    { .method = "GET", .pattern = "/" },
    { .method = "GET", .pattern = "/a/{id}" },
    { .method = "POST", .pattern = "/a/{id}" },
    { .method = "GET", .pattern = "/a/b" },
    { .method = "GET", .pattern = "/{x}/c" },
    { .method = "GET", .pattern = "/a/{id}/export.{txt}" },
    { .method = "PUT", .pattern = "/a/b" },
    { .method = "GET", .pattern = "/m/{id}", .flags = SC_ROUTE_SLASH },
};

/* The pattern found, "404", "405" or "400". */
static const char *find(const char *method, const char *uri)
{
    struct sc_target t;
    struct sc_router router;
    SC_AUTO_BUF allow = { 0 };
    const char *out = "400";
    sc_router_init(&router, routes, SC_ARRAY_LEN(routes));
    if (sc_target_parse(uri, &t, NULL) == SC_OK) {
        struct sc_error err = { 0 };
        const struct sc_route *r = sc_router_find(&router, method, &t, &allow, &err);
        out = r != NULL                             ? r->pattern
              : err.code == SC_E_NOT_FOUND          ? "404"
              : err.code == SC_E_METHOD_NOT_ALLOWED ? "405"
                                                    : "400";
    }
    sc_router_done(&router);
    sc_target_done(&t);
    return out;
}

static void the_most_literal_route_wins(void **state)
{
    (void)state;
    static const struct {
        const char *method, *uri, *want;
    } rows[] = {
        { "GET", "/", "/" },
        { "GET", "/?x=1", "/" },
        { "GET", "/a/b", "/a/b" },
        { "HEAD", "/a/b", "/a/b" },
        { "POST", "/a/b", "/a/{id}" },
        { "GET", "/a/%62", "/a/b" },
        { "GET", "/a/c", "/a/{id}" },
        { "GET", "/z/c", "/{x}/c" },
        { "GET", "http://h:1/a/b?q", "/a/b" },
        { "DELETE", "/a/b", "405" },
        { "HEAD", "/z/d", "404" },
        { "GET", "/a", "404" },
        { "GET", "/a/", "404" },
        { "GET", "/a/b/", "404" },
        { "GET", "//", "404" },
        { "GET", "/A/b", "404" },
        { "GET", "/a/b/c/d", "404" },
        { "GET", "a/b", "400" },
        { "GET", "*", "400" },
        { "GET", "/a/..", "400" },
        { "GET", "/a/%2E%2e/b", "400" },
        { "GET", "/a/%2f", "400" },
        { "GET", "/%2f", "400" },
        { "POST", "/a/b%2Fc", "400" },
        { "GET", "/m/a%2Fb", "/m/{id}" },
        { "GET", "/m/..%2fb", "/m/{id}" },
        { "GET", "/m%2fa", "400" },
        { "PUT", "/m/a%2Fb", "405" },
        { "GET", "/a/%00", "400" },
        { "GET", "/a/%0a", "400" },
        { "GET", "/a/%", "400" },
        { "GET", "/a/%c0%af", "400" },
        { "GET", "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17", "400" },
        { "GET", "/a/b?x=%zz", "400" },
        { "GET", "/a/b?x=%ff", "400" },
        { "GET", "/a/b?x=%2f%0a", "/a/b" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        const char *got = find(rows[i].method, rows[i].uri);
        if (strcmp(got, rows[i].want) != 0)
            fail_msg("%s %s: %s", rows[i].method, rows[i].uri, got);
    }
}

static void names_take_their_segment(void **state)
{
    (void)state;
    struct sc_target t;
    assert_int_equal(sc_target_parse("/a/x%20y", &t, NULL), SC_OK);
    struct sc_str id = sc_router_param(&routes[1], &t, "id");
    assert_true(sc_str_equal(id, SC_STR("x y")));
    assert_null(sc_router_param(&routes[1], &t, "i").ptr);
    assert_string_equal(t.path, "/a/x%20y");
    sc_target_done(&t);

    assert_int_equal(sc_target_parse("/m/x%2Fy", &t, NULL), SC_OK);
    assert_true(sc_str_equal(sc_router_param(&routes[7], &t, "id"), SC_STR("x/y")));
    sc_target_done(&t);
}

static void queries_keep_order_and_repeats(void **state)
{
    (void)state;
    struct sc_target t;
    assert_int_equal(sc_target_parse("/?a=1&&a=2&b&=v&c=x%3Dy+z", &t, NULL), SC_OK);
    assert_int_equal(t.query_count, 5);
    assert_true(sc_str_equal(t.query[0].value, SC_STR("1")));
    assert_true(sc_str_equal(t.query[1].value, SC_STR("2")));
    assert_int_equal(t.query[2].value.len, 0);
    assert_int_equal(t.query[3].name.len, 0);
    assert_true(sc_str_equal(t.query[4].value, SC_STR("x=y z")));
    sc_target_done(&t);

    SC_AUTO_BUF many = { 0 };
    sc_buf_puts(&many, "/?");
    for (int i = 0; i < SC_TARGET_PAIRS + 1; i++)
        sc_buf_puts(&many, "a=1&");
    assert_int_equal(sc_target_parse(sc_buf_text(&many), &t, NULL), SC_E_INVALID_REQUEST);
    sc_target_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_most_literal_route_wins),
        TEST(names_take_their_segment),
        TEST(queries_keep_order_and_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
