/* What was said so far: who is believed, what is forgotten, how much is kept. */

#include "base/alloc.h"
#include "base/fault.h"
#include "queue-say.h"

#include "base/banned.h"

/* All that is known of a job, in one line. */
static void assert_known(struct rig *r, int64_t job, const char *expected)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_event event = { 0 };
    SC_AUTO_SEGMENTS all = { 0 };
    while (sc_said_next(r->queue, job, &event, &all)) {
        assert_int_equal(event.kind, SC_EVENT_SEGMENT_PROVISIONAL);
        assert_int_equal(event.job, job);
    }
    for (size_t i = 0; i < all.count; i++)
        sc_buf_printf(&text, "%s ", all.items[i].text);
    assert_string_equal(sc_buf_text(&text), expected);
}

static int64_t job_with_chunks(struct rig *r, int count)
{
    struct sc_job_spec spec = noop_spec();
    spec.first_stage = SC_STAGE_TRANSCRIBE;
    spec.first_lane = "engine:null";
    int64_t job = create_from(r, &spec, NULL);
    for (int i = 0; i < count; i++)
        assert_int_equal(add_chunk(r, job, i), SC_OK);
    return job;
}

static void it_is_told_in_its_order_and_each_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t job = job_with_chunks(&r, 0);
    struct sc_task task = claim_one(&r);
    struct sc_subscriber *ring = sc_subscriber_open(r.hub, 0, 0, 8, NULL, NULL);
    struct sc_event event;
    assert_int_equal(say(&r, &task, 0, "one"), SC_OK);
    assert_int_equal(say(&r, &task, 0, "one"), SC_OK);
    assert_int_equal(say(&r, &task, 1, "two"), SC_OK);
    assert_known(&r, job, "one two ");
    assert_known(&r, job + 1, "");
    for (int64_t said = 1; said <= 2; said++) {
        assert_true(sc_subscriber_next(ring, &event));
        assert_int_equal(event.kind, SC_EVENT_SEGMENT_PROVISIONAL);
        assert_int_equal(event.said, said);
        assert_int_equal(event.id, 0);
    }
    assert_false(sc_subscriber_next(ring, &event));
    assert_int_equal(events_of(&r, SC_EVENT_SEGMENT_PROVISIONAL), 0);
    sc_subscriber_close(ring);
}

static void a_stranger_says_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t job = job_with_chunks(&r, 0);
    struct sc_task task = claim_one(&r);
    struct sc_task other = task;
    other.epoch++;
    assert_int_equal(say(&r, &other, 0, "x"), SC_E_LEASE_LOST);
    other = task;
    other.worker_id++;
    assert_int_equal(say(&r, &other, 0, "x"), SC_E_LEASE_LOST);
    assert_known(&r, job, "");
}

static void it_is_forgotten_when_the_task_leaves_its_worker(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t job = job_with_chunks(&r, 0);
    for (int way = 0; way < 3; way++) {
        struct sc_task task = claim_one(&r);
        assert_int_equal(say(&r, &task, 0, "gone"), SC_OK);
        assert_known(&r, job, "gone ");
        if (way == 0)
            assert_int_equal(release(&r, &task), SC_OK);
        else if (way == 1)
            assert_int_equal(worker_gone(&r, r.worker, 0), SC_OK);
        else
            assert_int_equal(on_job(&r, op_cancel, job), SC_OK);
        assert_known(&r, job, "");
        assert_int_equal(say(&r, &task, 1, "late"), SC_E_LEASE_LOST);
        if (way == 1)
            r.worker = register_worker(&r, "w2", true);
    }
}

static char *many(char sign, size_t size)
{
    char *text = sc_alloc(size);
    memset(text, sign, size - 1);
    return text;
}

#ifdef SC_WITH_FAULTS
static void what_a_failed_commit_takes_back_is_told_once_it_is_said_again(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t job = job_with_chunks(&r, 0);
    struct sc_task task = claim_one(&r);
    struct sc_subscriber *ring = sc_subscriber_open(r.hub, 0, 0, 8, NULL, NULL);
    struct sc_event event;
    sc_fault_arm("store.commit", 1);
    assert_int_equal(say(&r, &task, 0, "one"), SC_E_STORE_ERROR);
    assert_true(sc_fault_disarm("store.commit"));
    assert_known(&r, job, "");
    assert_false(sc_subscriber_next(ring, &event));

    /* Once the store takes writes again. */
    while (say(&r, &task, 0, "one") != SC_OK)
        sc_clock_sleep_ms(10);
    assert_known(&r, job, "one ");
    assert_true(sc_subscriber_next(ring, &event));
    assert_int_equal(event.said, 1);
    assert_int_equal(say(&r, &task, 0, "one"), SC_OK);
    assert_false(sc_subscriber_next(ring, &event));
    sc_subscriber_close(ring);
}
#endif

static void of_too_much_the_oldest_goes(void **state)
{
    (void)state;
    enum { SIZE = 1 << 19 };
    AUTO_RIG(r);
    int64_t job = job_with_chunks(&r, 0);
    struct sc_task task = claim_one(&r);
    for (int i = 0; i < 9; i++) {
        struct sc_segment one = { .text = many((char)('a' + i), SIZE), .speaker = many('s', SIZE) };
        assert_int_equal(say_segment(&r, &task, i, &one), SC_OK);
    }
    SC_AUTO_SEGMENTS all = { 0 };
    struct sc_event event = { 0 };
    while (sc_said_next(r.queue, job, &event, &all)) {
    }
    assert_int_equal(all.count, 3);
    assert_int_equal(all.items[2].text[0], 'i');
    assert_true(r.queue->said.bytes <= (size_t)4 << 20);
    assert_int_equal(release(&r, &task), SC_OK);
    assert_int_equal(r.queue->said.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_told_in_its_order_and_each_once),
        TEST(a_stranger_says_nothing),
        TEST(it_is_forgotten_when_the_task_leaves_its_worker),
#ifdef SC_WITH_FAULTS
        TEST(what_a_failed_commit_takes_back_is_told_once_it_is_said_again),
#endif
        TEST(of_too_much_the_oldest_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
