#include "testing.h"

#include "whisper/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/banned.h"

#define PARTS 1000

struct work {
    atomic_int done[PARTS];
    atomic_int threads[8];
    int stop_after; /* parts; -1: never */
    atomic_int count;
};

static void do_part(void *ctx, size_t part, int thread)
{
    struct work *w = ctx;
    w->done[part]++;
    w->threads[thread]++;
    w->count++;
}

static bool enough(void *ctx)
{
    struct work *w = ctx;
    return w->stop_after >= 0 && w->count >= w->stop_after;
}

static struct sc_pool *pool_of(int threads)
{
    struct sc_pool *pool = NULL;
    assert_int_equal(sc_pool_open(threads, &pool, NULL), SC_OK);
    assert_int_equal(sc_pool_threads(pool), threads);
    return pool;
}

static void each_part_is_done_once_by_any_number_of_threads(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 5; threads += 2) {
        SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(threads);
        static const size_t counts[] = { 0, 1, 2, 3, PARTS };
        for (size_t i = 0; i < SC_ARRAY_LEN(counts); i++) {
            struct work w = { .stop_after = -1 };
            assert_true(sc_pool_run(pool, do_part, &w, counts[i], NULL));
            for (size_t part = 0; part < PARTS; part++)
                assert_int_equal(w.done[part], part < counts[i] ? 1 : 0);
            for (int t = threads; t < (int)SC_ARRAY_LEN(w.threads); t++)
                assert_int_equal(w.threads[t], 0);
        }
    }
}

static void a_thousand_rounds_follow_one_another(void **state)
{
    (void)state;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(4);
    struct work w = { .stop_after = -1 };

    for (int round = 1; round <= 1000; round++) {
        assert_true(sc_pool_run(pool, do_part, &w, 3, NULL));
        assert_int_equal(w.count, 3 * round);
    }
}

static void a_stop_leaves_parts_out_and_says_so(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads += 3) {
        SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(threads);
        struct work w = { .stop_after = 0 };
        const struct sc_stop stop = { enough, &w };
        assert_false(sc_pool_run(pool, do_part, &w, PARTS, &stop) && w.count < PARTS);
        assert_int_equal(w.threads[0], 0);
        w = (struct work){ .stop_after = 1 };
        const bool whole = sc_pool_run(pool, do_part, &w, PARTS, &stop);
        assert_true(whole == (w.count == PARTS));
        if (threads == 1)
            assert_int_equal(w.count, 1);
        w = (struct work){ .stop_after = -1 };
        assert_true(sc_pool_run(pool, do_part, &w, PARTS, &stop));
        assert_int_equal(w.count, PARTS);
    }
}

/* The last part is done: there is nothing that a stop could leave out. */
static void a_stop_behind_the_last_part_is_none(void **state)
{
    (void)state;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(1);
    struct work w = { .stop_after = 5 };
    const struct sc_stop stop = { enough, &w };
    assert_true(sc_pool_run(pool, do_part, &w, 5, &stop));
    assert_int_equal(w.count, 5);
}

struct crowd {
    atomic_int inside, most;
};

static void be_inside(void *ctx, size_t part, int thread)
{
    struct crowd *c = ctx;
    (void)part;
    (void)thread;
    int now = ++c->inside;
    int most = c->most;
    while (now > most && !atomic_compare_exchange_weak(&c->most, &most, now)) {
    }
    sched_yield();
    c->inside--;
}

static void fewer_of_its_threads_may_take_part(void **state)
{
    (void)state;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(4);
    static const int rows[][2] = { { 1, 1 }, { 2, 2 }, { 9, 4 }, { 0, 4 }, { 3, 3 } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct crowd crowd = { 0 };
        struct work w = { .stop_after = -1 };
        sc_pool_use(pool, rows[i][0]);
        for (int round = 0; round < 200; round++)
            assert_true(sc_pool_run(pool, be_inside, &crowd, 20, NULL));
        assert_in_range(crowd.most, 1, rows[i][1]);
        assert_true(sc_pool_run(pool, do_part, &w, PARTS, NULL));
        assert_int_equal(w.count, PARTS);
    }
}

struct steps {
    struct sc_pool *pool;
    atomic_int asked, until;
    atomic_bool left_out;
};

static bool is_enough(void *ctx)
{
    struct steps *s = ctx;
    return ++s->asked > s->until;
}

/* A part of many steps. */
static void do_steps(void *ctx, size_t part, int thread)
{
    struct steps *s = ctx;
    (void)part;
    for (int i = 0; i < 50; i++) {
        if (!sc_pool_goes_on(s->pool, thread)) {
            s->left_out = true;
            return;
        }
    }
}

static void a_stop_in_the_middle_of_a_part_is_told(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 3; threads++) {
        SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(threads);
        struct steps s = { .pool = pool };
        const struct sc_stop stop = { is_enough, &s };
        for (int until = 0; until < 400; until += 7) {
            s.asked = 0;
            s.until = until;
            s.left_out = false;
            const bool whole = sc_pool_run(pool, do_steps, &s, 5, &stop);
            assert_true(!(whole && s.left_out));
            if (threads == 1) /* 50 questions within each of five parts, one before each */
                assert_int_equal(whole, until >= 5 * 51);
        }
        assert_true(sc_pool_run(pool, do_steps, &s, 5, NULL));
    }
}

struct wait {
    struct sc_pool *pool;
    atomic_bool begun, told;
};

static bool when_begun(void *ctx)
{
    struct wait *w = ctx;
    return w->begun;
}

/* Of two parts the caller's is short, unless it got the long one, which ends by being told. */
static void wait_for_word(void *ctx, size_t part, int thread)
{
    struct wait *w = ctx;
    if (part != 0)
        return;
    w->begun = true;
    while (sc_pool_goes_on(w->pool, thread))
        (void)sched_yield();
    w->told = true;
}

static void who_waits_for_others_hears_of_a_stop(void **state)
{
    (void)state;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(2);
    for (int i = 0; i < 50; i++) {
        struct wait w = { .pool = pool };
        const struct sc_stop stop = { when_begun, &w };
        assert_false(sc_pool_run(pool, wait_for_word, &w, 2, &stop));
        assert_true(w.told);
    }
}

struct caller {
    struct sc_pool *pool;
    struct work work;
    bool whole;
};

static void *call(void *arg)
{
    struct caller *c = arg;
    c->whole = true;
    for (int i = 0; i < 50; i++)
        c->whole = sc_pool_run(c->pool, do_part, &c->work, 20, NULL) && c->whole;
    return NULL;
}

static void callers_take_turns(void **state)
{
    (void)state;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = pool_of(3);
    struct caller callers[3];
    pthread_t threads[3];

    for (size_t i = 0; i < SC_ARRAY_LEN(callers); i++) {
        callers[i] = (struct caller){ .pool = pool, .work = { .stop_after = -1 } };
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(callers); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(callers[i].whole);
        assert_int_equal(callers[i].work.count, 50 * 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_part_is_done_once_by_any_number_of_threads),
        TEST(a_thousand_rounds_follow_one_another),
        TEST(a_stop_leaves_parts_out_and_says_so),
        TEST(a_stop_behind_the_last_part_is_none),
        TEST(fewer_of_its_threads_may_take_part),
        TEST(a_stop_in_the_middle_of_a_part_is_told),
        TEST(who_waits_for_others_hears_of_a_stop),
        TEST(callers_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
