/* Who is woken when tasks become ready. A waiter's handle is a struct desk: being resumed is a mark
 * on it, and a desk that has gone refuses. */

#include "api/parking.h"

#include "testing.h"

#include <semaphore.h>
#include <stdatomic.h>

#include "base/banned.h"

struct desk {
    struct sc_waiter waiter; /* first: the handle points here */
    int resumed;
    bool gone;
};

static bool resume_desk(void *handle)
{
    struct desk *d = handle;
    if (d->gone)
        return false;
    d->resumed++;
    return true;
}

static void *mark_parked(void *ctx)
{
    return ctx;
}

static void enter(struct sc_parking *p, struct desk *d, const char *key)
{
    *d = (struct desk){ 0 };
    d->waiter.handle = d;
    (void)snprintf(d->waiter.key, sizeof(d->waiter.key), "%s", key);
    sc_parking_enter(p, &d->waiter);
}

/* One try that finds nothing, and then the bench. */
static void sit(struct sc_parking *p, struct desk *d)
{
    sc_parking_begin(p, &d->waiter);
    sc_parking_end(p, &d->waiter, true);
    assert_non_null(sc_parking_park(p, &d->waiter, mark_parked, d));
}

static void leave_all(struct sc_parking *p, struct desk *desks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sc_parking_leave(p, &desks[i].waiter);
    sc_parking_done(p);
}

static void three_sitting(struct sc_parking *p, struct desk desks[3], const char *const keys[3])
{
    sc_parking_init(p, resume_desk);
    for (int i = 0; i < 3; i++) {
        enter(p, &desks[i], keys[i]);
        sit(p, &desks[i]);
    }
}

static const char *const same[3] = { "noop,", "noop,", "noop," };

static void news_wake_one_and_the_one_that_waits_longest(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    sc_parking_wake(&p);
    assert_int_equal(d[0].resumed, 1);
    assert_int_equal(d[1].resumed + d[2].resumed, 0);
    leave_all(&p, d, 3);
}

static void one_that_got_all_it_could_carry_wakes_the_next(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    sc_parking_wake(&p);
    sc_parking_begin(&p, &d[0].waiter);
    sc_parking_end(&p, &d[0].waiter, false);
    assert_int_equal(d[1].resumed, 1);
    assert_int_equal(d[2].resumed, 0);
    leave_all(&p, d, 3);
}

static void one_that_found_too_little_lets_its_like_sleep(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    sc_parking_wake(&p);
    sc_parking_begin(&p, &d[0].waiter);
    sc_parking_end(&p, &d[0].waiter, true);
    assert_int_equal(d[1].resumed + d[2].resumed, 0);
    leave_all(&p, d, 3);
}

static void one_that_found_too_little_wakes_another_kind(void **state)
{
    (void)state;
    static const char *const keys[3] = { "noop,", "noop,", "engine:null," };
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, keys);
    sc_parking_wake(&p);
    sc_parking_begin(&p, &d[0].waiter);
    sc_parking_end(&p, &d[0].waiter, true);
    assert_int_equal(d[1].resumed, 0);
    assert_int_equal(d[2].resumed, 1);
    leave_all(&p, d, 3);
}

static void news_during_a_try_forbid_to_sit_down(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d;
    sc_parking_init(&p, resume_desk);
    enter(&p, &d, "noop,");
    sc_parking_begin(&p, &d.waiter);
    sc_parking_wake(&p); /* behind the try's back */
    sc_parking_end(&p, &d.waiter, true);
    assert_null(sc_parking_park(&p, &d.waiter, mark_parked, &d));
    assert_int_equal(d.resumed, 0);
    sit(&p, &d); /* after another try it may */
    leave_all(&p, &d, 1);
}

static void one_that_has_gone_is_passed_over(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    d[0].gone = true;
    sc_parking_wake(&p);
    assert_int_equal(d[0].resumed, 0);
    assert_int_equal(d[1].resumed, 1);
    leave_all(&p, d, 3);
}

static void each_piece_of_news_wakes_another(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    sc_parking_wake(&p);
    sc_parking_wake(&p);
    assert_int_equal(d[0].resumed, 1);
    assert_int_equal(d[1].resumed, 1);
    assert_int_equal(d[2].resumed, 0);
    leave_all(&p, d, 3);
}

static void the_end_wakes_everybody_once(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    sc_parking_wake_all(&p);
    sc_parking_wake_all(&p);
    for (int i = 0; i < 3; i++)
        assert_int_equal(d[i].resumed, 1);
    leave_all(&p, d, 3);
}

static void waiters_are_found_by_their_handle(void **state)
{
    (void)state;
    struct sc_parking p;
    struct desk d[3];
    three_sitting(&p, d, same);
    assert_ptr_equal(sc_parking_find(&p, &d[1]), &d[1].waiter);
    assert_null(sc_parking_find(&p, &p));
    leave_all(&p, d, 3);
}

/* Threads that take tickets of their kind, against one that prints them: a wake-up that was lost
 * leaves tickets lying with everybody asleep, and the test would not end. */

#define KINDS 3
#define TAKERS 9
#define TICKETS 3000

struct shop {
    struct sc_parking parking;
    atomic_int tickets[KINDS];
    atomic_int left;
};

struct taker {
    struct sc_waiter waiter;
    struct shop *shop;
    int kind;
    sem_t woken;
};

static bool resume_taker(void *handle)
{
    struct taker *t = handle;
    return sem_post(&t->woken) == 0;
}

static bool take_ticket(struct shop *shop, int kind)
{
    int n = atomic_load(&shop->tickets[kind]);
    while (n > 0) {
        if (atomic_compare_exchange_weak(&shop->tickets[kind], &n, n - 1))
            return true;
    }
    return false;
}

static void *take_tickets(void *ctx)
{
    struct taker *t = ctx;
    struct sc_parking *p = &t->shop->parking;
    sc_parking_enter(p, &t->waiter);
    for (;;) {
        sc_parking_begin(p, &t->waiter);
        if (atomic_load(&t->shop->left) == 0)
            break; /* asked after the beginning: the news of the end come before or are seen */
        bool got = take_ticket(t->shop, t->kind);
        sc_parking_end(p, &t->waiter, !got);
        if (got && atomic_fetch_sub(&t->shop->left, 1) == 1)
            sc_parking_wake_all(p);
        else if (!got && sc_parking_park(p, &t->waiter, mark_parked, t) != NULL)
            (void)sem_wait(&t->woken);
    }
    sc_parking_leave(p, &t->waiter);
    return NULL;
}

static void no_news_is_lost_between_threads(void **state)
{
    (void)state;
    static struct shop shop;
    static struct taker takers[TAKERS];
    pthread_t threads[TAKERS];
    sc_parking_init(&shop.parking, resume_taker);
    atomic_store(&shop.left, TICKETS);
    for (int i = 0; i < TAKERS; i++) {
        struct taker *t = &takers[i];
        t->shop = &shop;
        t->kind = i % KINDS;
        t->waiter.handle = t;
        (void)snprintf(t->waiter.key, sizeof(t->waiter.key), "%d", t->kind);
        assert_int_equal(sem_init(&t->woken, 0, 0), 0);
        assert_int_equal(pthread_create(&threads[i], NULL, take_tickets, t), 0);
    }
    for (int i = 0; i < TICKETS; i++) {
        atomic_fetch_add(&shop.tickets[i * 7 % KINDS], 1);
        sc_parking_wake(&shop.parking);
    }
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        (void)sem_destroy(&takers[i].woken);
    }
    for (int k = 0; k < KINDS; k++)
        assert_int_equal(atomic_load(&shop.tickets[k]), 0);
    sc_parking_done(&shop.parking);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(news_wake_one_and_the_one_that_waits_longest),
        TEST(one_that_got_all_it_could_carry_wakes_the_next),
        TEST(one_that_found_too_little_lets_its_like_sleep),
        TEST(one_that_found_too_little_wakes_another_kind),
        TEST(news_during_a_try_forbid_to_sit_down),
        TEST(one_that_has_gone_is_passed_over),
        TEST(each_piece_of_news_wakes_another),
        TEST(the_end_wakes_everybody_once),
        TEST(waiters_are_found_by_their_handle),
        TEST(no_news_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
