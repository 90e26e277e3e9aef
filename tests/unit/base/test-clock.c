#include "base/clock.h"

#include "testing.h"

#include "base/banned.h"

static void a_set_clock_stands_still_until_given_back(void **state)
{
    (void)state;
    {
        SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(5000, 70);
        assert_int_equal(sc_clock_wall_ms(), 5000);
        assert_int_equal(sc_clock_mono_ms(), 70);
        test_clock_step(&clock, 5);
        assert_int_equal(sc_clock_wall_ms(), 5005);
        assert_int_equal(sc_clock_mono_us(), 75000);
    }
    assert_true(sc_clock_wall_ms() > INT64_C(1600000000000));
    int64_t before = sc_clock_mono_us();
    sc_clock_sleep_ms(2);
    assert_true(sc_clock_mono_us() - before >= 2000);
}

static void times_are_shown_in_utc_with_milliseconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { INT64_C(951827696007), "2000-02-29T12:34:56.007Z" },
        { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
        { INT64_MAX, "9999-12-31T23:59:59.999Z" },
        { INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z" },
        { INT64_MIN, "0000-01-01T00:00:00.000Z" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char out[SC_TIME_TEXT];
        assert_string_equal(sc_time_rfc3339(rows[i].ms, out), rows[i].text);
    }
}

static void good_times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        { "1970-01-01", 0 },
        { "1970-01-01T00:00:00Z", 0 },
        { "1970-01-01t00:00:01.5z", 1500 },
        { "1970-01-01 00:00:01.9999Z", 1999 },
        { "1970-01-01T01:00:00+01:00", 0 },
        { "1969-12-31T23:30:00-00:30", 0 },
        { "2000-02-29T12:34:56.007Z", INT64_C(951827696007) },
        { "0000-01-01", INT64_C(-62167219200000) },
        { "2016-12-31T23:59:60Z", INT64_C(1483228800000) },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t ms = -1;
        assert_true(sc_time_parse(sc_str_from(rows[i].text), &ms));
        assert_int_equal(ms, rows[i].ms);
    }
}

static void every_day_of_400_years_reads_back(void **state)
{
    (void)state;
    for (int64_t day = -146097; day < 146097; day++) {
        char out[SC_TIME_TEXT];
        int64_t ms = 0;
        (void)sc_time_rfc3339(day * 86400000, out);
        assert_true(sc_time_parse(sc_str_from(out), &ms));
        assert_true(ms == day * 86400000);
    }
}

static void bad_times_are_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "1970",
        "1970-1-01",
        "1970-00-01",
        "1970-13-01",
        "1970-01-00",
        "1970-04-31",
        "1900-02-29",
        "1970-01-01T",
        "1970-01-01T00:00:00",
        "1970-01-01T24:00:00Z",
        "1970-01-01T00:60:00Z",
        "1970-01-01T00:00:61Z",
        "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00+0100",
        "1970-01-01T00:00:00+24:00",
        "1970-01-01T00:00:00Zx",
        "+970-01-01",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t ms = 77;
        assert_false(sc_time_parse(sc_str_from(rows[i]), &ms));
        assert_int_equal(ms, 77);
    }
    int64_t ms;
    assert_false(sc_time_parse((struct sc_str){ "1970\0", 5 }, &ms));
}

static void durations_are_read_in_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } rows[] = {
        { "90", 90000 },     { "90s", 90000 }, { "15m", 900000 }, { "2h", 7200000 },
        { "7d", 604800000 }, { "0", 0 },       { "", -1 },        { "s", -1 },
        { "-1s", -1 },       { "1w", -1 },     { "1.5h", -1 },    { "9223372036854775807d", -1 },
        { " 1s", -1 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int64_t ms = -1;
        assert_int_equal(sc_duration_parse(sc_str_from(rows[i].text), &ms), rows[i].ms >= 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_set_clock_stands_still_until_given_back),
        TEST(times_are_shown_in_utc_with_milliseconds),
        TEST(good_times_are_read),
        TEST(every_day_of_400_years_reads_back),
        TEST(bad_times_are_refused),
        TEST(durations_are_read_in_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
