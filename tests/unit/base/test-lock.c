#include "base/lock.h"

#include "testing.h"

#include <errno.h>

#include "base/banned.h"

struct shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};

static void *count_up(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < 1000; i++) {
        SC_LOCK(&s->lock);
        s->count++;
        assert_int_equal(pthread_cond_signal(&s->changed), 0);
    }
    return NULL;
}

static void a_guard_holds_the_lock_until_the_end_of_its_block(void **state)
{
    (void)state;
    pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
    {
        SC_LOCK(&m);
        assert_int_equal(pthread_mutex_trylock(&m), EBUSY);
    }
    assert_int_equal(pthread_mutex_trylock(&m), 0);
    assert_int_equal(pthread_mutex_unlock(&m), 0);
}

static void a_waiter_sees_what_other_threads_signal(void **state)
{
    (void)state;
    struct shared s = { .lock = PTHREAD_MUTEX_INITIALIZER };
    pthread_t threads[2];
    sc_cond_init(&s.changed);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, count_up, &s), 0);
    {
        SC_LOCK(&s.lock);
        while (s.count < 2000)
            assert_true(sc_cond_wait(&s.changed, &s.lock, -1));
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(pthread_cond_destroy(&s.changed), 0);
}

static void a_wait_ends_at_its_deadline(void **state)
{
    (void)state;
    struct shared s = { .lock = PTHREAD_MUTEX_INITIALIZER };
    sc_cond_init(&s.changed);
    {
        SC_LOCK(&s.lock);
        int64_t deadline = sc_clock_mono_ms() + 3;
        while (sc_cond_wait(&s.changed, &s.lock, deadline))
            continue;
        assert_true(sc_clock_mono_ms() >= deadline);
        SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000, 1000);
        assert_false(sc_cond_wait(&s.changed, &s.lock, clock.mono_ms));
    }
    assert_int_equal(pthread_cond_destroy(&s.changed), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_guard_holds_the_lock_until_the_end_of_its_block),
        TEST(a_waiter_sees_what_other_threads_signal),
        TEST(a_wait_ends_at_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
