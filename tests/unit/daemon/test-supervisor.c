#include "daemon/daemon-internal.h"
#include "testing.h"

#include "base/banned.h"

static void a_worker_that_finished_something_comes_back_at_once(void **state)
{
    (void)state;
    assert_int_equal(sc_supervisor_backoff_ms(true, 0), 0);
    assert_int_equal(sc_supervisor_backoff_ms(true, 30000), 0);
}

static void fruitless_deaths_wait_longer_each_time_up_to_half_a_minute(void **state)
{
    static const int64_t expected[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000 };
    (void)state;
    int64_t last = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        last = sc_supervisor_backoff_ms(false, last);
        assert_int_equal(last, expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_worker_that_finished_something_comes_back_at_once),
        TEST(fruitless_deaths_wait_longer_each_time_up_to_half_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
