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
        assert_false(sc_cursor_parse(SC_CURSOR_UPLOAD, cursor, &id));
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
        enum sc_stage_part part;
    } rows[] = {
        { "pending", SC_JOB_PENDING, -1, SC_PART_ANY },
        { "processing", SC_JOB_PROCESSING, -1, SC_PART_ANY },
        { "completed", SC_JOB_COMPLETED, -1, SC_PART_ANY },
        { "failed", SC_JOB_FAILED, -1, SC_PART_ANY },
        { "cancelled", SC_JOB_CANCELLED, -1, SC_PART_ANY },
        { "NEW", SC_JOB_PENDING, SC_STAGE_SPLIT, SC_PART_PENDING },
        { "PENDING", SC_JOB_PENDING, -1, SC_PART_ANY },
        { "PENDING_CHUNK", SC_JOB_PENDING, SC_STAGE_SPLIT, SC_PART_PENDING },
        { "CHUNKING", SC_JOB_PROCESSING, SC_STAGE_SPLIT, SC_PART_PROCESSING },
        { "CHUNKED", SC_JOB_PROCESSING, SC_STAGE_SPLIT, SC_PART_COMPLETED },
        { "PENDING_CONVERSION", SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_PENDING },
        { "CONVERTING", SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_PROCESSING },
        { "CONVERTED", SC_JOB_PROCESSING, SC_STAGE_CONVERT, SC_PART_COMPLETED },
        { "PENDING_JOIN", SC_JOB_PROCESSING, SC_STAGE_JOIN, SC_PART_PENDING },
        { "JOINING", SC_JOB_PROCESSING, SC_STAGE_JOIN, SC_PART_PROCESSING },
        { "PROCESSING", SC_JOB_PROCESSING, -1, SC_PART_ANY },
        { "COMPLETED", SC_JOB_COMPLETED, -1, SC_PART_ANY },
        { "FAILED", SC_JOB_FAILED, -1, SC_PART_ANY },
        { "ERROR", SC_JOB_FAILED, -1, SC_PART_ANY },
        { "CANCELLED", SC_JOB_CANCELLED, -1, SC_PART_ANY },
        { "Pending", -1, 0, SC_PART_ANY },
        { "", -1, 0, SC_PART_ANY },
        { "chunking", -1, 0, SC_PART_ANY },
        { "completed ", -1, 0, SC_PART_ANY },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_status_filter filter = { SC_JOB_CANCELLED, 99, SC_PART_PENDING };
        bool known = sc_status_parse(sc_str_from(rows[i].name), &filter);
        assert_int_equal(known, rows[i].state >= 0);
        assert_int_equal(filter.state, known ? rows[i].state : (int)SC_JOB_CANCELLED);
        assert_int_equal(filter.stage, known ? rows[i].stage : 99);
        assert_int_equal(filter.part, known ? rows[i].part : SC_PART_PENDING);
    }
}

static void cursors_of_a_sorted_list_carry_the_place_and_the_order(void **state)
{
    (void)state;
    char text[SC_JOB_CURSOR_TEXT];
    for (int sort = 0; sort < SC_JOB_SORT_COUNT_; sort++) {
        struct sc_job_place place = { INT64_MAX, INT64_MAX }, back = { 0 };
        (void)sc_job_cursor_format((enum sc_job_sort)sort, &place, text);
        for (int other = 0; other < SC_JOB_SORT_COUNT_; other++) {
            bool ok = sc_job_cursor_parse((enum sc_job_sort)other, sc_str_from(text), &back);
            assert_int_equal(ok, sort == other);
        }
        assert_int_equal(back.id, INT64_MAX);
        assert_int_equal(back.value, sort == SC_JOB_NEWEST ? 0 : INT64_MAX);
    }
    struct sc_job_place empty = { .value = 0, .id = 7 }, back = { 9, 9 };
    (void)sc_job_cursor_format(SC_JOB_SHORTEST, &empty, text);
    assert_true(sc_job_cursor_parse(SC_JOB_SHORTEST, sc_str_from(text), &back));
    assert_int_equal(back.value, 0);
    static const char *const bad[] = { "",
                                       "O",
                                       "O-",
                                       "O1",
                                       "O1-",
                                       "O-1",
                                       "O01-1",
                                       "O1-2-3",
                                       "O1-x",
                                       "E1-1",
                                       "O8000000000000000-1",
                                       "O11111111111111111-1" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        struct sc_job_place place = { 7, 8 };
        assert_false(sc_job_cursor_parse(SC_JOB_OLDEST, sc_str_from(bad[i]), &place));
        assert_int_equal(place.value + place.id, 15);
    }
}

static void times_are_dates_moments_or_ages(void **state)
{
    (void)state;
    const int64_t now = INT64_C(1700000000000), day = 86400000;
    int64_t at = -1;
    assert_true(sc_time_or_age_parse(SC_STR("7d"), now, &at));
    assert_int_equal(at, now - 7 * day);
    assert_true(sc_time_or_age_parse(SC_STR("2023-11-14"), now, &at));
    assert_int_equal(at, INT64_C(1699920000000));
    assert_true(sc_time_or_age_parse(SC_STR("2023-11-14T22:13:20+01:00"), now, &at));
    assert_int_equal(at, now - 3600000);
    assert_true(sc_time_or_age_parse(SC_STR("1970-01-01"), now, &at)); /* 0 would be no limit */
    assert_int_equal(at, 1);
    assert_true(sc_time_or_age_parse(SC_STR("0000-01-01"), now, &at));
    assert_int_equal(at, 1);
    assert_false(sc_time_or_age_parse(SC_STR("soon"), now, &at));
    assert_false(sc_time_or_age_parse(SC_STR("-1d"), now, &at));
    assert_false(sc_time_or_age_parse(SC_STR("99999d"), now, &at));
    assert_int_equal(at, 1);
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
    sc_known_names_visit(&k, SC_STR("size"), SC_STR("1")); /* the first fault comes first */
    assert_string_equal(err.field, "colour\\n");
    assert_non_null(strstr(err.msg, "; unknown query parameter 'size'"));
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
    static const struct sc_query_field row = SC_QUERY_LIMIT_ROW(struct sc_query_page, limit);
    static const char *const bad[] = { "0",   "501", "-1",  "",
                                       "ten", "5 ",  "1e2", "99999999999999999999" };
    struct sc_error err = { 0 };
    int limit = 7;
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        assert_int_equal(row.read(&row, sc_str_from(bad[i]), &limit, &err), SC_E_INVALID_VALUE);
        assert_string_equal(err.field, "limit");
        assert_int_equal(limit, 7);
    }
    assert_int_equal(row.read(&row, SC_STR("1"), &limit, &err), SC_OK);
    assert_int_equal(limit, 1);
    assert_int_equal(row.read(&row, SC_STR("500"), &limit, &err), SC_OK);
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

/* Other chunks are told it, so that nothing else than a code may come through. */
static void the_language_of_a_result_is_a_code_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *told, *read;
    } rows[] = {
        { "de", "de" },   { "DE", "de" },        { "German", "de" }, { "pt-BR", "pt" },
        { "yue", "yue" }, { "auto", "" },        { "Auto", "" },     { "", "" },
        { "xx", "" },     { "German (de)", "" }, { " en", "" },      { "d e", "" },
        { "deu", "de" },  { "GER", "de" },       { "tlh", "tlh" },   { "deutsch", "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF body = { 0 };
        SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
        SC_AUTO(sc_result_done) struct sc_chunk_result result = { 0 };
        struct sc_lanes next = { .max = 0 };
        sc_buf_printf(&body, "{\"worker_id\":1,\"epoch\":2,\"language\":\"%s\"}", rows[i].told);
        assert_int_equal(sc_json_parse(sc_buf_str(&body), &doc, NULL), SC_OK);
        assert_int_equal(sc_result_read(sc_json_root(doc), &result, &next, NULL), SC_OK);
        assert_string_equal(result.language, rows[i].read);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cursors_come_back_as_the_id_that_they_hold),
        TEST(what_is_no_cursor_is_refused),
        TEST(status_filters_know_new_and_older_names),
        TEST(cursors_of_a_sorted_list_carry_the_place_and_the_order),
        TEST(times_are_dates_moments_or_ages),
        TEST(unknown_names_are_refused_by_name_with_the_known_ones),
        TEST(repeated_names_are_refused),
        TEST(where_nothing_is_known_the_message_says_so),
        TEST(limits_are_whole_numbers_in_range),
        TEST(idempotency_keys_are_short_and_printable),
        TEST(quoted_text_prints_safely_and_fits),
        TEST(job_ids_are_uuids_or_name_no_job),
        TEST(the_language_of_a_result_is_a_code_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
