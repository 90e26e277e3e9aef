#include "http/accept.h"

#include "testing.h"

#include "base/banned.h"

static void gzip_is_taken_where_it_is_wanted(void **state)
{
    static const struct {
        const char *header;
        bool want;
    } rows[] = {
        { "gzip", true },
        { "GZip , deflate", true },
        { "br;q=1.0, gzip;q=0.8, *;q=0.1", true },
        { "x-gzip", true },
        { "*", true },
        { "gzip; q=0.001", true },
        { "gzip;q=0.5, identity;q=0.5", true },
        { "", false },
        { "identity", false },
        { "br, deflate", false },
        { "gzip;q=0", false },
        { "gzip;q=0.000", false },
        { "gzip;q=0, *", false },
        { "*;q=0", false },
        { "gzip;q=0.4, identity;q=0.5", false },
        { "gzipped", false },
        { "gzip;q=nonsense", true },
        { "gzip;q=2", true },
        { ",,;,gzip;;", true },
    };
    (void)state;
    assert_false(sc_accepts_gzip((struct sc_str){ 0 }));
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (sc_accepts_gzip(sc_str_from(rows[i].header)) != rows[i].want)
            fail_msg("'%s'", rows[i].header);
    }
}

static void types_are_taken_by_the_closest_range(void **state)
{
    static const struct {
        const char *header;
        bool want;
    } rows[] = {
        { "", true },
        { "*/*", true },
        { "*", true },
        { "application/json", true },
        { "Application/JSON; charset=utf-8", true },
        { "application/*", true },
        { "text/html, application/xhtml+xml, */*;q=0.8", true },
        { "text/html, application/json;q=0.1", true },
        { "application/json;q=0.2, */*;q=0", true },
        { " , ", true },
        { "text/html", false },
        { "application/xml", false },
        { "application/jsonl", false },
        { "text/*", false },
        { "*/*;q=0", false },
        { "application/json;q=0, */*", false },
        { "application/json;q=0.0, application/*;q=0", false },
    };
    (void)state;
    assert_true(sc_accepts_type((struct sc_str){ 0 }, SC_STR("application/json")));
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (sc_accepts_type(sc_str_from(rows[i].header),
                            SC_STR("application/json; charset=utf-8")) != rows[i].want)
            fail_msg("'%s'", rows[i].header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gzip_is_taken_where_it_is_wanted),
        TEST(types_are_taken_by_the_closest_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
