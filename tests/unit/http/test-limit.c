#include "http/limit.h"

#include "testing.h"

#include <pthread.h>

#include "base/banned.h"

static const struct sc_limit ten_in_a_second = { 10, 1000 };

static int taken(struct sc_limiter *l, uint64_t key, int64_t now_ms, int times)
{
    struct sc_limit_state state;
    int n = 0;
    for (int i = 0; i < times; i++)
        n += sc_limiter_take(l, key, &ten_in_a_second, now_ms, &state);
    return n;
}

static void a_window_holds_so_many_and_no_more(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    struct sc_limit_state s;
    assert_true(sc_limiter_take(l, 7, &ten_in_a_second, 5000, &s));
    assert_int_equal(s.left, 9);
    assert_int_equal(s.reset_ms, 1000);
    assert_int_equal(taken(l, 7, 5600, 100), 9);
    assert_false(sc_limiter_take(l, 7, &ten_in_a_second, 5999, &s));
    assert_int_equal(s.left, 0);
    assert_int_equal(s.reset_ms, 1);
    assert_int_equal(taken(l, 8, 5999, 100), 10); /* another key */
    assert_int_equal(taken(l, 7, 6000, 100), 10); /* the next window */
}

/* Whoever has used up his count cannot get rid of it by a crowd of other keys. */
static void a_crowd_pushes_nobody_out(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    assert_int_equal(taken(l, 1, 0, 10), 10);
    int let_in = 0;
    for (uint64_t key = 2; key < 100000; key++)
        let_in += taken(l, key, 10, 1);
    assert_int_equal(taken(l, 1, 999, 1), 0);
    /* Those that found no room had what was left of others. */
    assert_true(let_in >= 8192 && let_in <= 8192 * 10);
    assert_int_equal(taken(l, 1, 1000, 1), 1);
}

struct racer {
    struct sc_limiter *limiter;
    int taken;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    for (uint64_t key = 0; key < 100; key++)
        r->taken += taken(r->limiter, key, 50, 20);
    return NULL;
}

static void threads_share_a_count(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    struct racer racers[4] = { { l, 0 }, { l, 0 }, { l, 0 }, { l, 0 } };
    pthread_t threads[4];
    int sum = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += racers[i].taken;
    }
    assert_int_equal(sum, 100 * 10);
}

static void held_ones_are_given_back(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    bool counted;
    for (int i = 0; i < 3; i++)
        assert_true(sc_limiter_hold(l, 5, 3, &counted) && counted);
    assert_false(sc_limiter_hold(l, 5, 3, &counted));
    assert_false(counted);
    assert_true(sc_limiter_hold(l, 6, 3, &counted));
    sc_limiter_drop(l, 5);
    assert_true(sc_limiter_hold(l, 5, 3, &counted) && counted);
    /* Who finds no room is let in, and not counted. */
    int uncounted = 0;
    for (uint64_t key = 10; key < 20000; key++) {
        assert_true(sc_limiter_hold(l, key, 3, &counted));
        uncounted += !counted;
    }
    assert_true(uncounted > 0);
    assert_false(sc_limiter_hold(l, 5, 3, &counted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_window_holds_so_many_and_no_more),
        TEST(a_crowd_pushes_nobody_out),
        TEST(threads_share_a_count),
        TEST(held_ones_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
