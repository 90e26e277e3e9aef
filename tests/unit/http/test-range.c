#include "http/range.h"

#include "testing.h"

#include "base/banned.h"

static void ranges_are_read_as_the_standard_says(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t size;
        enum sc_range want;
        int64_t start, len;
    } rows[] = {
        { "bytes=0-0", 10, SC_RANGE_PART, 0, 1 },
        { "bytes=2-5", 10, SC_RANGE_PART, 2, 4 },
        { "Bytes= 2-", 10, SC_RANGE_PART, 2, 8 },
        { "bytes=9-99", 10, SC_RANGE_PART, 9, 1 },
        { "bytes=-3", 10, SC_RANGE_PART, 7, 3 },
        { "bytes=-30", 10, SC_RANGE_PART, 0, 10 },
        { "bytes=0-99999999999999999999", 10, SC_RANGE_PART, 0, 10 },
        { "bytes=0-9223372036854775807", INT64_MAX, SC_RANGE_PART, 0, INT64_MAX },
        { "bytes=10-", 10, SC_RANGE_UNSATISFIABLE, -1, -1 },
        { "bytes=99999999999999999999-", 10, SC_RANGE_UNSATISFIABLE, -1, -1 },
        { "bytes=-0", 10, SC_RANGE_UNSATISFIABLE, -1, -1 },
        { "bytes=-1", 0, SC_RANGE_UNSATISFIABLE, -1, -1 },
        { "bytes=0-", 0, SC_RANGE_UNSATISFIABLE, -1, -1 },
        { "bytes=5-2", 10, SC_RANGE_NONE, -1, -1 },
        { "bytes=", 10, SC_RANGE_NONE, -1, -1 },
        { "bytes=-", 10, SC_RANGE_NONE, -1, -1 },
        { "bytes=a-b", 10, SC_RANGE_NONE, -1, -1 },
        { "bytes=+1-2", 10, SC_RANGE_NONE, -1, -1 },
        { "bytes=1", 10, SC_RANGE_NONE, -1, -1 },
        { "bytes=0-1,3-4", 10, SC_RANGE_NONE, -1, -1 },
        { "items=0-1", 10, SC_RANGE_NONE, -1, -1 },
        { "", 10, SC_RANGE_NONE, -1, -1 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t start = -1, len = -1;
        enum sc_range got = sc_range_parse(sc_str_from(rows[i].header), rows[i].size, &start, &len);
        if (got != rows[i].want || start != rows[i].start || len != rows[i].len)
            fail_msg("'%s': %d %lld+%lld", rows[i].header, got, (long long)start, (long long)len);
    }
}

static void tags_are_compared_weakly_and_strongly(void **state)
{
    (void)state;
    struct sc_str tag = SC_STR("\"abc\"");
    assert_true(sc_etag_listed(SC_STR("\"x\", W/\"abc\""), tag));
    assert_true(sc_etag_listed(SC_STR("*"), tag));
    assert_true(sc_etag_listed(SC_STR("\"abc\""), SC_STR("W/\"abc\"")));
    assert_false(sc_etag_listed(SC_STR("\"ab\""), tag));
    assert_false(sc_etag_listed(SC_STR(""), tag));
    assert_true(sc_etag_is(SC_STR(" \"abc\""), tag));
    assert_false(sc_etag_is(SC_STR("W/\"abc\""), tag));
    assert_false(sc_etag_is(SC_STR("W/\"abc\""), SC_STR("W/\"abc\"")));
    assert_false(sc_etag_is(SC_STR("Wed, 21 Oct 2015 07:28:00 GMT"), tag));
}

#define SUM "\"0123456789abcdef"
#define DIGITS "fedcba9876543210"

static void a_tag_may_name_a_version(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t version; /* of thing 7, of the first tag with one; 0: none has */
        bool is_wanted;  /* one of them is of version 12 */
    } rows[] = {
        { SUM ".7-" DIGITS ".12\"", 12, true },
        { " W/" SUM ".7-" DIGITS ".3\" ", 3, false },
        { " W/" SUM ".7-" DIGITS ".12\" ", 12, true },
        { SUM "\", " SUM ".7-" DIGITS ".4\"", 4, false },
        { SUM ".7-" DIGITS ".3\", " SUM ".7-" DIGITS ".12\"", 3, true },
        { SUM ".8-" DIGITS ".12\"", 0, false },
        { SUM ".8-" DIGITS ".12\", " SUM ".7-" DIGITS ".3\"", 3, false },
        { SUM ".7-0000000000000000.12\"", 12, false },
        { SUM ".12\"", 0, false },
        { SUM "\"", 0, false },
        { SUM ".7-" DIGITS ".\"", 0, false },
        { SUM ".7-" DIGITS ".0\"", 0, false },
        { SUM ".7-" DIGITS ".-1\"", 0, false },
        { SUM ".7-" DIGITS ".12x\"", 0, false },
        { SUM ".7-" DIGITS ".12", 0, false },
        { SUM ".7-" DIGITS "0.12\"", 0, false },
        { SUM ".7-.12\"", 0, false },
        { SUM ".-" DIGITS ".12\"", 0, false },
        { SUM ".x-" DIGITS ".12\"", 0, false },
        { SUM ".12.7-" DIGITS "\"", 0, false },
        { "*", 0, false },
        { "", 0, false },
    };
    static const struct sc_etag_version wanted = { 7, 12, DIGITS };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_str header = sc_str_from(rows[i].header);
        struct sc_etag_version found = { .version = 0 };
        if (sc_etag_version_of(header, 7, &found) != (rows[i].version > 0) ||
            found.version != rows[i].version || sc_etag_names(header, &wanted) != rows[i].is_wanted)
            fail_msg("%s", rows[i].header);
    }
}

static void lists_of_tags_are_told_from_other_texts(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool valid;
    } rows[] = {
        { "\"abc\"", true },  { " W/\"abc\" ", true }, { "\"a,b\", W/\"\"", true },
        { "*", true },        { "", false },           { "abc", false },
        { "\"abc", false },   { "\"", false },         { "\"a\" \"b\"", false },
        { "\"a\",", false },  { "*, \"a\"", false },   { "3", false },
        { "w/\"a\"", false }, { "\"a b\"", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (sc_etag_list_is_valid(sc_str_from(rows[i].header)) != rows[i].valid)
            fail_msg("%s", rows[i].header);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ranges_are_read_as_the_standard_says),
        TEST(tags_are_compared_weakly_and_strongly),
        TEST(a_tag_may_name_a_version),
        TEST(lists_of_tags_are_told_from_other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
