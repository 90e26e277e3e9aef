#include "whisper/random.h"

#include "testing.h"

#include <math.h>

#include "base/banned.h"

/* The numbers that the authors' program prints, and the C++ standard asks for. */
static void words_are_those_of_the_mersenne_twister(void **state)
{
    (void)state;
    struct sc_random r;
    sc_random_seed(&r, 5489);
    assert_int_equal(sc_random_word(&r), 3499211612u);
    for (int i = 2; i < 10000; i++)
        (void)sc_random_word(&r);
    assert_int_equal(sc_random_word(&r), 4123659995u);
}

static void shares_lie_between_0_and_1(void **state)
{
    (void)state;
    struct sc_random r;
    double sum = 0;
    sc_random_seed(&r, 0);
    for (int i = 0; i < 10000; i++) {
        double share = sc_random_share(&r);
        assert_true(share >= 0 && share < 1);
        sum += share;
    }
    assert_true(fabs(sum / 10000 - 0.5) < 0.02);
}

static void draws_follow_the_chances_and_never_take_what_has_none(void **state)
{
    (void)state;
    const float logs[] = { -INFINITY, logf(0.1f), -INFINITY, logf(0.3f), -INFINITY };
    int counts[SC_ARRAY_LEN(logs)] = { 0 };
    struct sc_random r;
    sc_random_seed(&r, 1);
    for (int i = 0; i < 10000; i++)
        counts[sc_random_draw(&r, logs, SC_ARRAY_LEN(logs))]++;
    assert_int_equal(counts[0] + counts[2] + counts[4], 0);
    assert_true(abs(counts[1] - 2500) < 200);
    assert_int_equal(counts[1] + counts[3], 10000);
}

static void equal_seeds_draw_equally(void **state)
{
    (void)state;
    const float logs[] = { -1, -1, -1, -1, -1, -1, -1 };
    struct sc_random a;
    struct sc_random b;
    sc_random_seed(&a, 3);
    sc_random_seed(&b, 3);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sc_random_draw(&a, logs, 7), sc_random_draw(&b, logs, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_are_those_of_the_mersenne_twister),
        TEST(shares_lie_between_0_and_1),
        TEST(draws_follow_the_chances_and_never_take_what_has_none),
        TEST(equal_seeds_draw_equally),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
