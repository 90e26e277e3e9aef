/* The wall clock is set while the server runs: hours and days, both ways, to 2038 and 2100. The
 * monotonic clock goes on as it should. */

#include "queue-verbs.h"

#include "queue/report.h"

#include "base/banned.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static const int64_t jumps[] = {
    HOUR, -HOUR, DAY, -DAY, 400 * DAY, INT64_C(2147483648000) - T0, INT64_C(4102444800000) - T0,
};

/* The wall alone is set. */
static void jump(struct rig *r, int64_t by)
{
    sc_clock_set(r->clock.wall_ms + by, r->clock.mono_ms);
}

static int64_t expired(struct rig *r)
{
    char text[100];
    (void)snprintf(text, sizeof(text), "SELECT count(*) FROM jobs WHERE expires_ms <= %lld",
                   (long long)sc_queue_clock_ms(r->queue));
    return ask(r, text);
}

/* With a week to live and an hour gone, nothing expires, whatever the wall says; a week later it
 * does. */
static void times_to_live_follow_no_jump(void **state)
{
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(jumps); i++) {
        AUTO_RIG(r);
        r.config.result_ttl_ms = 7 * DAY;
        restart(&r);
        r.worker = register_worker(&r, "w2", true);
        (void)create(&r, SC_CLASS_NORMAL, 0);
        (void)run_one_job(&r);
        assert_int_equal(ask(&r, "SELECT count(expires_ms) FROM jobs"), 1);
        test_clock_step(&r.clock, HOUR);
        jump(&r, jumps[i]);
        assert_int_equal(expired(&r), 0);
        test_clock_step(&r.clock, 7 * DAY);
        jump(&r, jumps[i]);
        assert_int_equal(expired(&r), 1);
    }
}

static void ages_and_times_taken_are_never_negative(void **state)
{
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(jumps); i++) {
        AUTO_RIG(r);
        struct sc_queue_stats stats;
        struct sc_throughput minute, hour;
        int64_t waits = create(&r, SC_CLASS_LOW, 0);
        int64_t runs = create(&r, SC_CLASS_HIGH, 0);
        struct sc_task task = claim_one(&r);
        assert_int_equal(task.job, runs);
        test_clock_step(&r.clock, 5000);
        jump(&r, jumps[i]);
        assert_int_equal(complete(&r, &task, NULL), SC_OK);
        assert_int_equal(on_job(&r, op_end, runs), SC_OK);
        SC_AUTO_JOB job = job_of(&r, runs);
        assert_int_equal(job.processing_ms, 5000);
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
        assert_int_equal(sc_queue_stats(r.queue, conn, &stats, NULL), SC_OK);
        assert_true(waits > 0 && stats.class[SC_CLASS_LOW].oldest_age_ms >= 0);
        assert_int_equal(sc_report_throughput(conn, &minute, &hour, NULL), SC_OK);
        assert_int_equal(hour.completed, 1); /* it ended "now", whenever that is */
    }
}

static enum sc_code count_job(void *ctx, const struct sc_job *job, struct sc_error *err)
{
    (void)job;
    (void)err;
    ++*(int *)ctx;
    return SC_OK;
}

/* A list of the last hour has the job of just now, made before the wall was set back an hour. */
static void lists_of_the_newest_survive_a_wall_that_is_set_back(void **state)
{
    (void)state;
    AUTO_RIG(r);
    (void)create(&r, SC_CLASS_NORMAL, 0);
    jump(&r, -HOUR);
    (void)create(&r, SC_CLASS_NORMAL, 0);
    jump(&r, 0);
    (void)create(&r, SC_CLASS_NORMAL, 0);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_job_filter f = sc_job_filter_all(1, 10);
    struct sc_job_page_end end;
    int seen = 0;
    f.created_since = T0 - HOUR / 2;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_job_list(conn, &f, count_job, &seen, &end, NULL), SC_OK);
    assert_int_equal(seen, 2); /* the one between them is older by its own time, and ends nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(times_to_live_follow_no_jump),
        TEST(ages_and_times_taken_are_never_negative),
        TEST(lists_of_the_newest_survive_a_wall_that_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
