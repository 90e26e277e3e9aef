#include "base/id.h"

#include "testing.h"

#include "base/banned.h"

static void ids_grow_even_when_the_clock_steps_back(void **state)
{
    (void)state;
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(INT64_C(2000000000000), 0);
    char last[SC_UUID_TEXT] = "", next[SC_UUID_TEXT];
    for (int i = 0; i < 20000; i++) {
        if (i == 5000)
            test_clock_step(&clock, -60000);
        if (i == 10000)
            test_clock_step(&clock, 120000);
        sc_uuid7(next);
        assert_true(strcmp(next, last) > 0);
        assert_true(sc_uuid_is_valid(sc_str_from(next)));
        memcpy(last, next, sizeof(last));
    }
}

/* Within a millisecond by random steps, so that nobody can tell the next one. */
static void ids_of_one_moment_are_no_series(void **state)
{
    (void)state;
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(INT64_C(3000000000000), 0);
    uint64_t last = 0, steps[40];
    for (size_t i = 0; i <= SC_ARRAY_LEN(steps); i++) {
        char id[SC_UUID_TEXT];
        sc_uuid7(id);
        uint64_t low = strtoull(id + 24, NULL, 16);
        if (i > 0)
            steps[i - 1] = low - last;
        last = low;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(steps); i++) {
        for (size_t k = 0; k < i; k++)
            assert_true(steps[i] != steps[k]); /* once in five million runs by chance */
    }
    (void)clock;
}

static void ids_carry_version_variant_and_time(void **state)
{
    (void)state;
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(INT64_C(0x1f0000abcdef), 0);
    char id[SC_UUID_TEXT];
    sc_uuid7(id);
    assert_memory_equal(id, "1f0000ab-cdef-7", 15);
    assert_non_null(strchr("89ab", id[19]));
    (void)clock;
}

static void only_lower_case_hyphenated_text_is_an_id(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } rows[] = {
        { "01a1fbbf-3969-7651-a5b0-99179d2a57f7", true },
        { "01A1fbbf-3969-7651-a5b0-99179d2a57f7", false },
        { "01a1fbbf-3969-7651-a5b0-99179d2a57f", false },
        { "01a1fbbf-3969-7651-a5b0-99179d2a57f77", false },
        { "01a1fbbf03969-7651-a5b0-99179d2a57f7", false },
        { "01a1fbbf-3969-7651-a5b0-99179d2a57g7", false },
        { "", false },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_int_equal(sc_uuid_is_valid(sc_str_from(rows[i].text)), rows[i].valid);
}

static void random_bytes_fill_large_areas(void **state)
{
    (void)state;
    unsigned char bytes[4096] = { 0 };
    sc_random_bytes(bytes, sizeof(bytes));
    int zeros = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        zeros += bytes[i] == 0;
    assert_true(zeros < 100); /* 16 on average */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ids_grow_even_when_the_clock_steps_back),
        TEST(ids_of_one_moment_are_no_series),
        TEST(ids_carry_version_variant_and_time),
        TEST(only_lower_case_hyphenated_text_is_an_id),
        TEST(random_bytes_fill_large_areas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
