#include "event/event.h"
#include "testing.h"

#include <pthread.h>

#include "base/banned.h"

static struct sc_event event_of(int64_t id, int64_t owner_id, int64_t job)
{
    return (struct sc_event){
        .id = id, .kind = SC_EVENT_TASK_CLAIMED, .owner_id = owner_id, .job = job
    };
}

static void publish(struct sc_hub *hub, int64_t id, int64_t owner_id, int64_t job)
{
    struct sc_event event = event_of(id, owner_id, job);
    sc_hub_publish(hub, &event);
}

static void count_wake(void *ctx)
{
    (*(int *)ctx)++;
}

static void events_arrive_in_order_and_wake_once_per_filling(void **state)
{
    (void)state;
    SC_AUTO(sc_hub_freep) struct sc_hub *hub = sc_hub_new();
    int wakes = 0;
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(hub, 0, 0, 4, count_wake, &wakes);
    struct sc_event got;

    assert_false(sc_subscriber_next(sub, &got));
    publish(hub, 1, 1, 10);
    publish(hub, 2, 1, 10);
    assert_int_equal(wakes, 1);
    assert_true(sc_subscriber_next(sub, &got) && got.id == 1);
    assert_true(sc_subscriber_next(sub, &got) && got.id == 2);
    assert_false(sc_subscriber_next(sub, &got));
    publish(hub, 3, 1, 10);
    assert_int_equal(wakes, 2);
    assert_true(sc_subscriber_next(sub, &got) && got.id == 3);
}

static void filters_by_owner_and_job(void **state)
{
    (void)state;
    SC_AUTO(sc_hub_freep) struct sc_hub *hub = sc_hub_new();
    assert_false(sc_hub_has_subscribers(hub));
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *mine = sc_subscriber_open(hub, 1, 0, 8, NULL, NULL);
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *one = sc_subscriber_open(hub, 1, 10, 8, NULL, NULL);
    assert_true(sc_hub_has_subscribers(hub));
    publish(hub, 1, 1, 10);
    publish(hub, 2, 1, 11);
    publish(hub, 3, 2, 12);
    publish(hub, 4, 2, 10); /* that job's id, but another's */

    struct sc_event got;
    assert_true(sc_subscriber_next(mine, &got) && got.id == 1);
    assert_true(sc_subscriber_next(mine, &got) && got.id == 2);
    assert_false(sc_subscriber_next(mine, &got));
    assert_true(sc_subscriber_next(one, &got) && got.id == 1);
    assert_false(sc_subscriber_next(one, &got));
}

static void overflow_gives_one_gap_after_what_fitted(void **state)
{
    (void)state;
    SC_AUTO(sc_hub_freep) struct sc_hub *hub = sc_hub_new();
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(hub, 0, 0, 2, NULL, NULL);
    struct sc_event got;
    for (int64_t id = 1; id <= 5; id++)
        publish(hub, id, 1, 10);

    assert_true(sc_subscriber_next(sub, &got) && got.id == 1);
    publish(hub, 6, 1, 10); /* there is room again, but it may not overtake the gap */
    assert_true(sc_subscriber_next(sub, &got) && got.id == 2);
    assert_true(sc_subscriber_next(sub, &got));
    assert_int_equal(got.kind, SC_EVENT_GAP);
    assert_int_equal(got.id, 2); /* resume behind this one */
    assert_false(sc_subscriber_next(sub, &got));
    publish(hub, 7, 1, 10);
    assert_true(sc_subscriber_next(sub, &got) && got.id == 7);
    assert_false(sc_subscriber_next(sub, &got));
}

static void waiting_ends_at_the_deadline(void **state)
{
    (void)state;
    SC_AUTO(sc_hub_freep) struct sc_hub *hub = sc_hub_new();
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(hub, 0, 0, 2, NULL, NULL);
    struct sc_event got = { .id = -1 };
    assert_false(sc_subscriber_wait(sub, sc_clock_mono_ms() + 5, &got));
    assert_int_equal(got.id, -1);
}

#define BURST 1000

static void *publish_burst(void *ctx)
{
    for (int64_t id = 1; id <= BURST; id++)
        publish(ctx, id, 1, 10);
    return NULL;
}

static void a_waiter_gets_every_event_of_another_thread(void **state)
{
    (void)state;
    SC_AUTO(sc_hub_freep) struct sc_hub *hub = sc_hub_new();
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(hub, 0, 0, BURST, NULL, NULL);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, publish_burst, hub), 0);
    for (int64_t id = 1; id <= BURST; id++) {
        struct sc_event got;
        assert_true(sc_subscriber_wait(sub, -1, &got));
        assert_int_equal(got.id, id);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void every_kind_has_a_name(void **state)
{
    (void)state;
    for (int kind = 0; kind < SC_EVENT_KIND_COUNT_; kind++) {
        enum sc_event_kind back;
        assert_true(
            sc_event_kind_from_string(sc_event_kind_to_string((enum sc_event_kind)kind), &back));
        assert_int_equal(back, kind);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_arrive_in_order_and_wake_once_per_filling), TEST(filters_by_owner_and_job),
        TEST(overflow_gives_one_gap_after_what_fitted),         TEST(waiting_ends_at_the_deadline),
        TEST(a_waiter_gets_every_event_of_another_thread),      TEST(every_kind_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
