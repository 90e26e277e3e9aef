#include "api/request.h"

#include "testing.h"

#include "base/banned.h"

static void cursors_come_back_as_the_id_that_they_hold(void **state)
{
    (void)state;
    static const int64_t ids[] = { 1, 9, 15, 16, 4095, INT64_C(1) << 40, INT64_MAX };
    for (size_t i = 0; i < SC_ARRAY_LEN(ids); i++) {
        char text[SC_CURSOR_TEXT];
        int64_t id = -1;
        struct sc_str cursor = sc_str_from(sc_cursor_format(SC_CURSOR_JOB, ids[i], text));
        assert_true(sc_cursor_parse(SC_CURSOR_JOB, cursor, &id));
        assert_true(id == ids[i]);
        assert_false(sc_cursor_parse(SC_CURSOR_FILE, cursor, &id));
        assert_false(sc_cursor_parse(SC_CURSOR_EVENT, cursor, &id));
    }
}

static void what_is_no_cursor_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",    "j",   "1",    "j0",  "j01", "j-1",
        "jA",  "j1 ", " j1",  "jg",  "J1",  "jffffffffffffffff",
        "j1j", "j+1", "j0x1", "j1;", "x1",  "j10000000000000000",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        int64_t id = 77;
        assert_false(sc_cursor_parse(SC_CURSOR_JOB, sc_str_from(bad[i]), &id));
        assert_int_equal(id, 77);
    }
}

static void status_filters_know_new_and_older_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int state; /* -1: refused */
        int stage;
    } rows[] = {
        { "pending", SC_JOB_PENDING, -1 },
        { "processing", SC_JOB_PROCESSING, -1 },
        { "completed", SC_JOB_COMPLETED, -1 },
        { "failed", SC_JOB_FAILED, -1 },
        { "cancelled", SC_JOB_CANCELLED, -1 },
        { "NEW", SC_JOB_PENDING, -1 },
        { "PENDING", SC_JOB_PENDING, -1 },
        { "PENDING_CHUNK", SC_JOB_PENDING, -1 },
        { "CHUNKING", SC_JOB_PROCESSING, SC_STAGE_SPLIT },
        { "CHUNKED", SC_JOB_PROCESSING, SC_STAGE_CONVERT },
        { "PENDING_CONVERSION", SC_JOB_PROCESSING, SC_STAGE_CONVERT },
        { "CONVERTING", SC_JOB_PROCESSING, SC_STAGE_CONVERT },
        { "CONVERTED", SC_JOB_PROCESSING, SC_STAGE_JOIN },
        { "PENDING_JOIN", SC_JOB_PROCESSING, SC_STAGE_JOIN },
        { "JOINING", SC_JOB_PROCESSING, SC_STAGE_JOIN },
        { "PROCESSING", SC_JOB_PROCESSING, -1 },
        { "COMPLETED", SC_JOB_COMPLETED, -1 },
        { "FAILED", SC_JOB_FAILED, -1 },
        { "ERROR", SC_JOB_FAILED, -1 },
        { "Pending", -1, 0 },
        { "", -1, 0 },
        { "chunking", -1, 0 },
        { "completed ", -1, 0 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_status_filter filter = { SC_JOB_CANCELLED, 99 };
        bool known = sc_status_parse(sc_str_from(rows[i].name), &filter);
        assert_int_equal(known, rows[i].state >= 0);
        assert_int_equal(filter.state, known ? rows[i].state : (int)SC_JOB_CANCELLED);
        assert_int_equal(filter.stage, known ? rows[i].stage : 99);
    }
}

static const char *const names[] = { "limit", "cursor", NULL };

static void unknown_names_are_refused_by_name_with_the_known_ones(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    struct sc_known_names k = { .names = names, .what = "query parameter", .err = &err };
    sc_known_names_visit(&k, SC_STR("limit"), SC_STR("5"));
    assert_int_equal(k.code, SC_OK);
    sc_known_names_visit(&k, SC_STR("colour\n"), SC_STR("red"));
    assert_int_equal(k.code, SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "colour\\n");
    assert_string_equal(err.msg, "unknown query parameter 'colour\\n'; known are limit, cursor");
    sc_known_names_visit(&k, SC_STR("size"), SC_STR("1")); /* the first fault is kept */
    assert_string_equal(err.field, "colour\\n");
}

static void repeated_names_are_refused(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    struct sc_known_names k = { .names = names, .what = "query parameter", .err = &err };
    sc_known_names_visit(&k, SC_STR("limit"), SC_STR("5"));
    sc_known_names_visit(&k, SC_STR("cursor"), SC_STR(""));
    assert_int_equal(k.code, SC_OK);
    sc_known_names_visit(&k, SC_STR("limit"), SC_STR("6"));
    assert_int_equal(k.code, SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "limit");
}

static void where_nothing_is_known_the_message_says_so(void **state)
{
    (void)state;
    static const char *const none[] = { NULL };
    struct sc_error err = { 0 };
    struct sc_known_names k = { .names = none, .what = "form field", .err = &err };
    sc_known_names_visit(&k, SC_STR("engine"), SC_STR("null"));
    assert_int_equal(k.code, SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "unknown form field 'engine': this address takes none");
}

static void limits_are_whole_numbers_in_range(void **state)
{
    (void)state;
    static const char *const bad[] = { "0",   "501", "-1",  "",
                                       "ten", "5 ",  "1e2", "99999999999999999999" };
    struct sc_error err = { 0 };
    int limit = 7;
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        assert_int_equal(sc_limit_parse(sc_str_from(bad[i]), &limit, &err), SC_E_INVALID_VALUE);
        assert_string_equal(err.field, "limit");
        assert_int_equal(limit, 7);
    }
    assert_int_equal(sc_limit_parse(SC_STR("1"), &limit, &err), SC_OK);
    assert_int_equal(limit, 1);
    assert_int_equal(sc_limit_parse(SC_STR("500"), &limit, &err), SC_OK);
    assert_int_equal(limit, 500);
}

static void idempotency_keys_are_short_and_printable(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    char longest[256];
    memset(longest, 'k', sizeof(longest));
    assert_int_equal(sc_idempotency_key_check(SC_STR("a b~"), &err), SC_OK);
    assert_int_equal(sc_idempotency_key_check((struct sc_str){ longest, 255 }, &err), SC_OK);
    assert_int_equal(sc_idempotency_key_check((struct sc_str){ longest, 256 }, &err),
                     SC_E_INVALID_VALUE);
    assert_int_equal(sc_idempotency_key_check(SC_STR(""), &err), SC_E_INVALID_VALUE);
    assert_int_equal(sc_idempotency_key_check(SC_STR("a\tb"), &err), SC_E_INVALID_VALUE);
    assert_int_equal(sc_idempotency_key_check(SC_STR("k\xc3\xa9"), &err), SC_E_INVALID_VALUE);
}

static void quoted_text_prints_safely_and_fits(void **state)
{
    (void)state;
    char out[SC_QUOTED_TEXT];
    assert_string_equal(sc_quote(SC_STR("plain"), out), "plain");
    assert_string_equal(sc_quote(SC_STR("a\x1b[2J\n"), out), "a\\x1b[2J\\n");
    char wide[200];
    for (size_t i = 0; i + 1 < sizeof(wide); i += 2)
        memcpy(wide + i, "\xc3\xa9", 2);
    const char *cut = sc_quote((struct sc_str){ wide, sizeof(wide) }, out);
    assert_true(strlen(cut) < SC_QUOTED_TEXT);
    assert_string_equal(cut + strlen(cut) - 3, "...");
    char hostile[60];
    memset(hostile, 0x01, sizeof(hostile));
    assert_true(strlen(sc_quote((struct sc_str){ hostile, sizeof(hostile) }, out)) <
                SC_QUOTED_TEXT);
}

static void job_ids_are_uuids_or_name_no_job(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    char id[SC_UUID_TEXT] = "unset";
    char good[SC_UUID_TEXT];
    sc_uuid7(good);
    assert_int_equal(sc_job_id_parse(sc_str_from(good), id, &err), SC_OK);
    assert_string_equal(id, good);
    assert_int_equal(sc_job_id_parse(SC_STR("1"), id, &err), SC_E_JOB_NOT_FOUND);
    assert_int_equal(sc_job_id_parse(SC_STR("' OR 1=1"), id, &err), SC_E_JOB_NOT_FOUND);
    assert_string_equal(id, good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cursors_come_back_as_the_id_that_they_hold),
        TEST(what_is_no_cursor_is_refused),
        TEST(status_filters_know_new_and_older_names),
        TEST(unknown_names_are_refused_by_name_with_the_known_ones),
        TEST(repeated_names_are_refused),
        TEST(where_nothing_is_known_the_message_says_so),
        TEST(limits_are_whole_numbers_in_range),
        TEST(idempotency_keys_are_short_and_printable),
        TEST(quoted_text_prints_safely_and_fits),
        TEST(job_ids_are_uuids_or_name_no_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
