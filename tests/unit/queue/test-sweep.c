#include "queue-verbs.h"

#include <inttypes.h>

#include "base/banned.h"

#define HOUR INT64_C(3600000)

/* Only the wall clock is moved. */
static void jump(struct rig *r, int64_t ms)
{
    r->clock.wall_ms += ms;
    sc_clock_set(r->clock.wall_ms, r->clock.mono_ms);
}

static void expired_leases_come_back_and_live_ones_stay(void **state)
{
    (void)state;
    AUTO_RIG(r);
    assert_int_equal(sweep(&r, NULL), -1); /* nothing will ever be due */
    create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task first = claim_one(&r);
    test_clock_step(&r.clock, 10000);
    struct sc_task second = claim_one(&r);
    bool more = true;
    assert_int_equal(sweep(&r, &more), 20000);
    assert_false(more);
    test_clock_step(&r.clock, 19999);
    assert_int_equal(sweep(&r, NULL), 1);
    assert_true(nothing_to_claim(&r));
    test_clock_step(&r.clock, 1);
    assert_int_equal(sweep(&r, NULL), 10000);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE error_code = 'WORKER_CRASHED' AND "
                             "error_message = 'the lease has run out' AND interruptions = 1"),
                     1);
    struct sc_task again = claim_one(&r);
    assert_int_equal(again.id, first.id);
    assert_int_equal(again.epoch, 2);
    assert_int_equal(complete(&r, &second, NULL), SC_OK);
}

static void a_sweep_does_a_hundred_rows_at_most(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_task got[64];
    for (int i = 0; i < 128; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(claim(&r, got, 64), 64);
    assert_int_equal(claim(&r, got, 64), 64);
    test_clock_step(&r.clock, 30000);
    bool more = false;
    assert_int_equal(sweep(&r, &more), 0);
    assert_true(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 100);
    assert_int_equal(sweep(&r, &more), -1);
    assert_false(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 128);
}

static void all_kinds_of_rows_share_the_hundred(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_task got[64];
    struct sc_job_spec spec = noop_spec();
    for (int i = 0; i < 60; i++)
        create_from(&r, &spec, NULL);
    assert_int_equal(claim(&r, got, 64), 60);
    spec.run_after_ms = T0 + 1000;
    for (int i = 0; i < 60; i++)
        create_from(&r, &spec, NULL);
    test_clock_step(&r.clock, 30000);
    bool more = false;
    (void)sweep(&r, &more);
    assert_true(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 100);
    (void)sweep(&r, &more);
    assert_false(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 120);
}

/* n keys, a millisecond between each two, all too old. */
static void make_old_keys(struct rig *r, int n)
{
    char sql[300];
    int64_t job = create(r, SC_CLASS_NORMAL, 0);
    (void)snprintf(sql, sizeof(sql),
                   "WITH n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                   " INSERT INTO idempotency (owner_id, key, fingerprint, job, created_ms)"
                   " SELECT 1, 'k' || i, 'h', %d, i FROM n",
                   n, (int)job);
    assert_int_equal(write_sql(r->f.store, sql), SC_OK);
}

static void old_keys_go_a_hundred_at_a_time(void **state)
{
    (void)state;
    static const struct {
        int keys, left;
        bool more;
    } rows[] = { { 99, 0, false }, { 100, 0, true }, { 101, 1, true } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        AUTO_RIG(r);
        bool more = !rows[i].more;
        make_old_keys(&r, rows[i].keys);
        (void)sweep(&r, &more);
        assert_int_equal(more, rows[i].more);
        assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), rows[i].left);
        (void)sweep(&r, &more);
        assert_false(more);
        assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), 0);
    }
}

static void keys_wait_while_others_fill_the_sweep(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_task got[64];
    for (int i = 0; i < 100; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(claim(&r, got, 64), 64);
    assert_int_equal(claim(&r, got, 64), 36);
    make_old_keys(&r, 1);
    test_clock_step(&r.clock, 30000);
    bool more = false;
    (void)sweep(&r, &more);
    assert_true(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 1"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), 1);
    (void)sweep(&r, &more);
    assert_false(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), 0);
}

/* The minute that is two hours old stays whole. */
static void minutes_are_kept_for_two_hours(void **state)
{
    (void)state;
    AUTO_RIG(r);
    char sql[160];
    int64_t now = T0 / 60000;
    for (int i = 119; i <= 121; i++) {
        (void)snprintf(sql, sizeof(sql), "INSERT INTO job_minutes (minute) VALUES (%" PRId64 ")",
                       now - i);
        assert_int_equal(write_sql(r.f.store, sql), SC_OK);
    }
    (void)sweep(&r, NULL);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_minutes"), 2);
    (void)snprintf(sql, sizeof(sql), "SELECT min(minute) = %" PRId64 " FROM job_minutes",
                   now - 120);
    assert_int_equal(ask(&r, sql), 1);
}

static void no_jump_of_the_wall_clock_moves_a_lease(void **state)
{
    (void)state;
    static const int64_t jumps[] = { HOUR, -HOUR, 24 * HOUR, -48 * HOUR, 700000 * HOUR };
    AUTO_RIG(r);
    r.config.job_timeout_ms = 2 * HOUR;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    for (size_t i = 0; i < SC_ARRAY_LEN(jumps); i++) {
        jump(&r, jumps[i]);
        assert_int_equal(sweep(&r, NULL), 30000);
    }
    struct sc_held held = { task.id, task.epoch, SC_BEAT_LOST };
    assert_int_equal(beat(&r, r.worker, &held, 1), SC_OK);
    assert_int_equal(held.answer, SC_BEAT_OK);
    test_clock_step(&r.clock, 29999);
    assert_int_equal(sweep(&r, NULL), 1);
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
    assert_int_equal(on_job(&r, op_end, id), SC_OK);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.processing_ms, 29999);
    assert_int_equal(ask(&r, "SELECT min(duration_ms) FROM job_events"), 29999);
}

static void back_off_is_not_moved_either(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    int64_t wait = sc_queue_backoff_ms(r.queue, task.id, task.epoch, 1);
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
    jump(&r, 48 * HOUR);
    assert_int_equal(sweep(&r, NULL), wait);
    jump(&r, -96 * HOUR);
    assert_int_equal(sweep(&r, NULL), wait);
}

static void the_nearest_of_all_that_is_to_come_is_told(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    static const int64_t after[] = { 3000, 1000, 2000 };
    for (size_t i = 0; i < SC_ARRAY_LEN(after); i++) {
        spec.run_after_ms = T0 + after[i];
        create_from(&r, &spec, NULL);
    }
    assert_int_equal(sweep(&r, NULL), 1000);
    test_clock_step(&r.clock, 1000);
    assert_int_equal(sweep(&r, NULL), 1000);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 1);
    assert_int_equal(ask(&r, "SELECT run_after_ms - 1700000000000 FROM jobs WHERE admission = 2"),
                     1000);
}

/* The upper half by chance, both ends included. */
static void back_off_stays_within_its_half(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.queue->config.backoff_base_ms = 2;
    r.queue->config.backoff_max_ms = 8;
    int64_t least = INT64_MAX, most = 0;
    for (int64_t task = 1; task < 200; task++) {
        assert_in_range(sc_queue_backoff_ms(r.queue, task, 1, 1), 1, 2);
        assert_in_range(sc_queue_backoff_ms(r.queue, task, 1, 9), 4, 8);
        least = SC_MIN(least, sc_queue_backoff_ms(r.queue, task, 1, 2));
        most = SC_MAX(most, sc_queue_backoff_ms(r.queue, task, 1, 2));
    }
    assert_int_equal(least, 2);
    assert_int_equal(most, 4);
}

static void jobs_time_out(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.job_timeout_ms = 1000;
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    int64_t slow = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_job_spec spec = noop_spec();
    spec.timeout_ms = 60000;
    int64_t patient = create_from(&r, &spec, NULL);
    test_clock_step(&r.clock, 5000); /* waiting is not working */
    struct sc_task task = claim_one(&r);
    assert_int_equal(task.job, slow);
    assert_int_equal(sweep(&r, NULL), 1000);
    test_clock_step(&r.clock, 1000);
    (void)sweep(&r, NULL);

    SC_AUTO_JOB job = job_of(&r, slow);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_int_equal(job.error_code, SC_E_TIMEOUT);
    assert_int_equal(job.error_stage, SC_STAGE_NOOP);
    assert_false(job.dead_letter);
    assert_int_equal(complete(&r, &task, NULL), SC_E_LEASE_LOST);
    assert_int_equal(claim_one(&r).job, patient); /* its place is free */
    test_clock_step(&r.clock, 1000);
    (void)sweep(&r, NULL);
    assert_int_equal(state_of(&r, patient), SC_JOB_PROCESSING);

    /* A retry has the whole time again, from its first claim on. */
    assert_int_equal(on_job(&r, op_cancel, patient), SC_OK);
    assert_int_equal(on_job(&r, op_retry, slow), SC_OK);
    test_clock_step(&r.clock, 5000);
    (void)claim_one(&r);
    assert_int_equal(sweep(&r, NULL), 1000);
}

static void many_time_outs_take_several_sweeps(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.timeout_ms = 1000;
    for (int i = 0; i < 10; i++)
        create_from(&r, &spec, NULL);
    struct sc_task got[16];
    assert_int_equal(claim(&r, got, 16), 10);
    test_clock_step(&r.clock, 1000);
    bool more = false;
    assert_int_equal(sweep(&r, &more), 0);
    assert_true(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE state = 3"), 8);
    (void)sweep(&r, &more);
    assert_false(more);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE state = 3"), 10);
}

static void a_restart_frees_what_this_hosts_processes_held(void **state)
{
    (void)state;
    AUTO_RIG(r);
    for (int i = 0; i < 3; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    int64_t remote = register_worker(&r, "far", false);
    struct sc_task mine[2], theirs;
    assert_int_equal(claim(&r, mine, 2), 2);
    assert_int_equal(claim_as(&r, remote, &theirs, 1), 1);
    int64_t old = r.worker;

    restart(&r);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 2);
    assert_int_equal(ask(&r, "SELECT sum(interruptions) FROM tasks"), 2);
    assert_int_equal(ask(&r, "SELECT sum(failures) FROM tasks"), 0);
    assert_int_equal(beat(&r, old, NULL, 0), SC_E_NOT_FOUND);
    assert_int_equal(complete(&r, &mine[0], NULL), SC_E_LEASE_LOST);
    /* The other host's worker noticed nothing. */
    struct sc_held held = { theirs.id, theirs.epoch, SC_BEAT_LOST };
    assert_int_equal(beat(&r, remote, &held, 1), SC_OK);
    assert_int_equal(held.answer, SC_BEAT_OK);
    assert_int_equal(complete(&r, &theirs, NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT value FROM meta WHERE key = 'queue.generation'"), 2);
}

static void a_restart_frees_hundreds_of_tasks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_task got[64];
    for (int i = 0; i < 230; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    while (claim(&r, got, 64) > 0) {
    }
    restart(&r);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 230);
}

/* The machine was off for a day, or its clock was wrong before. */
static void downtime_and_jumps_between_servers_expire_nothing(void **state)
{
    (void)state;
    static const int64_t gaps[] = { 24 * HOUR, -24 * HOUR };
    for (size_t i = 0; i < SC_ARRAY_LEN(gaps); i++) {
        AUTO_RIG(r);
        r.config.job_timeout_ms = 60000;
        restart(&r);
        int64_t remote = register_worker(&r, "far", false);
        int64_t id = create(&r, SC_CLASS_NORMAL, 0);
        struct sc_task task;
        assert_int_equal(claim_as(&r, remote, &task, 1), 1);
        test_clock_step(&r.clock, 15000);
        assert_int_equal(sweep(&r, NULL), 15000); /* saves the clock */

        jump(&r, gaps[i]);
        restart(&r);
        assert_int_equal(sweep(&r, NULL), 30000); /* the lease starts anew */
        test_clock_step(&r.clock, 20000);
        struct sc_held held = { task.id, task.epoch, SC_BEAT_LOST };
        assert_int_equal(beat(&r, remote, &held, 1), SC_OK);
        assert_int_equal(held.answer, SC_BEAT_OK);
        assert_int_equal(sweep(&r, NULL), 25000); /* 35 of the 60 s are used */
        assert_int_equal(complete(&r, &task, NULL), SC_OK);
        assert_int_equal(on_job(&r, op_end, id), SC_OK);
        SC_AUTO_JOB job = job_of(&r, id);
        assert_int_equal(job.processing_ms, 35000);
    }
}

static void a_clock_set_back_between_servers_keeps_back_off_short(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
    jump(&r, -24 * HOUR);
    restart(&r);
    assert_int_equal(sweep(&r, NULL), 300000); /* the longest there is */
}

static enum sc_code note_worker(void *ctx, const struct sc_worker *worker, struct sc_error *err)
{
    (void)err;
    struct sc_worker *last = ctx;
    *last = *worker;
    return SC_OK;
}

static void silent_workers_of_other_hosts_are_forgotten(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t remote = register_worker(&r, "far", false);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task;
    assert_int_equal(claim_as(&r, remote, &task, 1), 1);
    test_clock_step(&r.clock, 1000);
    jump(&r, HOUR);
    assert_int_equal(beat(&r, remote, NULL, 0), SC_OK);

    struct sc_worker last = { 0 };
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
        assert_int_equal(sc_worker_list(r.queue, conn, note_worker, &last, NULL), SC_OK);
    }
    assert_int_equal(last.id, remote);
    assert_false(last.local);
    assert_string_equal(last.name, "far");
    assert_string_equal(last.job_id, task.job_id);
    assert_int_equal(last.heartbeat_ms, T0 + 1000 + HOUR); /* as the wall clock shows it */

    test_clock_step(&r.clock, 140000);
    (void)sweep(&r, NULL);
    assert_int_equal(claim_as(&r, remote, &task, 1), 1); /* a sign of life */
    test_clock_step(&r.clock, 140000);
    (void)sweep(&r, NULL);
    assert_int_equal(beat(&r, remote, NULL, 0), SC_OK);
    test_clock_step(&r.clock, 160000);
    (void)sweep(&r, NULL);
    assert_int_equal(beat(&r, remote, NULL, 0), SC_E_NOT_FOUND);
    assert_int_equal(beat(&r, r.worker, NULL, 0), SC_OK);
    assert_int_equal(claim(&r, &task, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(expired_leases_come_back_and_live_ones_stay),
        TEST(a_sweep_does_a_hundred_rows_at_most),
        TEST(all_kinds_of_rows_share_the_hundred),
        TEST(old_keys_go_a_hundred_at_a_time),
        TEST(keys_wait_while_others_fill_the_sweep),
        TEST(minutes_are_kept_for_two_hours),
        TEST(no_jump_of_the_wall_clock_moves_a_lease),
        TEST(back_off_is_not_moved_either),
        TEST(the_nearest_of_all_that_is_to_come_is_told),
        TEST(back_off_stays_within_its_half),
        TEST(jobs_time_out),
        TEST(many_time_outs_take_several_sweeps),
        TEST(a_restart_frees_what_this_hosts_processes_held),
        TEST(a_restart_frees_hundreds_of_tasks),
        TEST(downtime_and_jumps_between_servers_expire_nothing),
        TEST(a_clock_set_back_between_servers_keeps_back_off_short),
        TEST(silent_workers_of_other_hosts_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
