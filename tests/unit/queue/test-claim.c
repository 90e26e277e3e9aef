#include "queue-verbs.h"

#include <signal.h>

#include "base/banned.h"

static void best_is_class_then_priority_then_age(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t low = create(&r, SC_CLASS_LOW, -5);
    int64_t late = create(&r, SC_CLASS_NORMAL, 1);
    int64_t first = create(&r, SC_CLASS_NORMAL, 0);
    int64_t second = create(&r, SC_CLASS_NORMAL, 0);
    int64_t high = create(&r, SC_CLASS_HIGH, 9);

    struct sc_task got[8];
    assert_int_equal(claim(&r, got, 8), 5);
    int64_t expected[] = { high, first, second, late, low };
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        assert_int_equal(got[i].job, expected[i]);
        assert_int_equal(got[i].epoch, 1);
        assert_int_equal(got[i].state, SC_TASK_RUNNING);
        assert_int_equal(got[i].worker_id, r.worker);
        assert_int_equal(got[i].lease_until_ms, T0 + 30000);
    }
    assert_true(nothing_to_claim(&r));
}

static void lanes_are_merged_and_others_left_alone(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.first_lane = "engine:null";
    int64_t a = create_from(&r, &spec, NULL);
    int64_t b = create(&r, SC_CLASS_NORMAL, 0);
    spec.first_lane = "engine:other";
    create_from(&r, &spec, NULL);

    struct sc_task got[4];
    assert_int_equal(claim(&r, got, 4), 2);
    assert_int_equal(got[0].job, a);
    assert_int_equal(got[1].job, b);
    assert_string_equal(got[0].lane, "engine:null");
}

static void limit_lane(struct rig *r, const char *lane, int max)
{
    r->config.lane_limits[0] = (struct sc_lane_limit){ lane, max };
    restart(r);
    r->worker = register_worker(r, "w2", true);
}

static void count_call(void *ctx)
{
    int *calls = ctx;
    (*calls)++;
}

static void a_lane_with_a_limit_gives_no_more_than_that(void **state)
{
    (void)state;
    AUTO_RIG(r);
    limit_lane(&r, "engine:null", 2);
    struct sc_job_spec spec = noop_spec();
    spec.first_lane = "engine:null";
    int64_t jobs[4];
    for (size_t i = 0; i < SC_ARRAY_LEN(jobs); i++) {
        spec.class = i == 0 ? SC_CLASS_HIGH : SC_CLASS_NORMAL; /* classes are gathered apart */
        jobs[i] = create_from(&r, &spec, NULL);
    }
    int64_t free_lane = create(&r, SC_CLASS_LOW, 0);

    struct sc_task got[8];
    assert_int_equal(claim(&r, got, 8), 3);
    assert_int_equal(got[0].job, jobs[0]);
    assert_int_equal(got[1].job, jobs[1]);
    assert_int_equal(got[2].job, free_lane);
    assert_true(nothing_to_claim(&r));

    /* Each way out makes room, and those that wait hear of it; where there is no limit, nobody has
     * to. */
    int calls = 0;
    sc_queue_on_ready(r.queue, count_call, &calls);
    assert_int_equal(complete(&r, &got[2], NULL), SC_OK);
    assert_int_equal(calls, 0);
    assert_int_equal(complete(&r, &got[0], NULL), SC_OK);
    assert_int_equal(calls, 1);
    assert_int_equal(claim_one(&r).job, jobs[2]);
    assert_true(nothing_to_claim(&r));
    assert_int_equal(on_job(&r, op_cancel, jobs[1]), SC_OK);
    assert_true(calls >= 2);
    assert_int_equal(claim_one(&r).job, jobs[3]);
    sc_queue_on_ready(r.queue, NULL, &calls);
}

static void the_turn_of_the_oldest_keeps_to_the_limit_too(void **state)
{
    (void)state;
    AUTO_RIG(r);
    limit_lane(&r, "engine:null", 3);
    struct sc_job_spec spec = noop_spec();
    spec.first_lane = "engine:null";
    for (int i = 0; i < 40; i++) {
        spec.class = i % 2 == 0 ? SC_CLASS_LOW : SC_CLASS_HIGH;
        create_from(&r, &spec, NULL);
        create(&r, SC_CLASS_NORMAL, 0);
    }
    struct sc_task got[64];
    size_t n = claim(&r, got, 64);
    assert_int_equal(n, 43);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 1 AND lane LIKE 'engine%'"),
                     3);
}

static void a_claim_starts_the_job_and_its_stage(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    (void)claim_one(&r);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_PROCESSING);
    assert_int_equal(job.stage, SC_STAGE_NOOP);
    assert_int_equal(job.started_ms, T0);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_STARTED), 1);
    assert_int_equal(events_of(&r, SC_EVENT_STAGE_STARTED), 1);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_CLAIMED), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_events WHERE worker = 'w1' AND epoch = 1 "
                             "AND attempt = 1 AND stage = 6 AND chunk IS NULL"),
                     1);
}

static void one_in_ten_takes_the_oldest(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t old = create(&r, SC_CLASS_LOW, 0);
    for (int i = 0; i < 30; i++)
        create(&r, SC_CLASS_HIGH, 0);
    /* Single claims and batches share the turn. */
    struct sc_task got[16];
    for (int i = 0; i < 4; i++)
        assert_int_not_equal(claim_one(&r).job, old);
    assert_int_equal(claim(&r, got, 5), 5);
    for (int i = 0; i < 5; i++)
        assert_int_not_equal(got[i].job, old);
    assert_int_equal(claim_one(&r).job, old);
    assert_int_equal(claim(&r, got, 16), 16);
}

/* It may have brought its worker down: what else that worker holds would go with it. */
static void what_met_a_setback_goes_alone_also_in_the_turn_of_the_oldest(void **state)
{
    (void)state;
    static const struct {
        int failures, interruptions;
        bool alone;
    } rows[] = { { 0, 0, false }, { 1, 0, true }, { 0, 1, true }, { 1, 1, true } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        for (int before = 0; before < SC_FAIR_EVERY; before += SC_FAIR_EVERY - 1) {
            AUTO_RIG(r);
            char sql[120];
            struct sc_task got[16];
            /* With none before it is the best, with nine the oldest. */
            int64_t id = create(&r, before == 0 ? SC_CLASS_HIGH : SC_CLASS_LOW, -1);
            for (int k = 0; k < 20; k++)
                create(&r, SC_CLASS_HIGH, 0);
            (void)snprintf(sql, sizeof(sql),
                           "UPDATE tasks SET failures = %d, interruptions = %d WHERE job = %d",
                           rows[i].failures, rows[i].interruptions, (int)id);
            assert_int_equal(write_sql(r.f.store, sql), SC_OK);
            for (int k = 0; k < before; k++)
                (void)claim_one(&r);
            assert_int_equal(claim(&r, got, 5), rows[i].alone ? 1 : 5);
            assert_int_equal(got[0].job, id);
        }
    }
}

/* A steady stream of high jobs must not hold up a low one for more than ten claims. */
static void nothing_starves(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t low[3];
    for (int i = 0; i < 3; i++)
        low[i] = create(&r, SC_CLASS_LOW, 100);
    for (int claims = 1; claims <= 30; claims++) {
        create(&r, SC_CLASS_HIGH, -1);
        int64_t job = run_one_job(&r);
        if (claims % 10 == 0)
            assert_int_equal(job, low[claims / 10 - 1]);
    }
}

static void paused_classes_are_passed_over(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_HIGH, 0);
    int64_t normal = create(&r, SC_CLASS_NORMAL, 0);
    pause_class(&r, SC_CLASS_HIGH, true);
    assert_int_equal(claim_one(&r).job, normal);
    for (int i = 0; i < 12; i++) /* also when the turn is the oldest's */
        assert_true(nothing_to_claim(&r));
    pause_class(&r, SC_CLASS_HIGH, false);
    (void)claim_one(&r);
}

static void the_oldest_of_a_paused_class_waits_too(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t old = create(&r, SC_CLASS_LOW, 0);
    pause_class(&r, SC_CLASS_LOW, true);
    for (int i = 0; i < 20; i++) {
        create(&r, SC_CLASS_HIGH, 0);
        assert_int_not_equal(claim_one(&r).job, old);
    }
}

static void a_worker_must_be_known(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_HIGH, 0);
    struct sc_task task = { .id = -1 };
    struct op op = { .tasks = &task,
                     .claim = { .worker_id = 99, .lanes = all_lanes, .lane_count = 1, .max = 1 } };
    assert_int_equal(do_write(&r, op_claim, &op), SC_E_NOT_FOUND);
    assert_int_equal(worker_gone(&r, r.worker, 0), SC_OK);
    op.claim.worker_id = r.worker;
    assert_int_equal(do_write(&r, op_claim, &op), SC_E_NOT_FOUND);
    assert_int_equal(task.id, -1);
}

static void max_concurrent_holds_per_class_at_admission(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 2;
    r.config.max_concurrent[SC_CLASS_LOW] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    for (int i = 0; i < 5; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    int64_t low = create(&r, SC_CLASS_LOW, 0);

    struct sc_task got[8];
    assert_int_equal(claim(&r, got, 8), 3);
    assert_int_equal(got[2].job, low);
    SC_AUTO_JOB waiting = job_of(&r, 5);
    assert_int_equal(waiting.admission, SC_ADMISSION_WAITING);

    /* The end of one, whatever the end, lets the next one in. */
    assert_int_equal(complete(&r, &got[0], NULL), SC_OK);
    assert_true(nothing_to_claim(&r)); /* its job goes on */
    assert_int_equal(on_job(&r, op_end, got[0].job), SC_OK);
    assert_int_equal(claim_one(&r).job, 3);
    assert_int_equal(on_job(&r, op_cancel, got[1].job), SC_OK);
    struct sc_task fourth = claim_one(&r);
    assert_int_equal(fourth.job, 4);
    assert_int_equal(fail_task(&r, &fourth, SC_E_FILE_FORMAT), SC_OK);
    assert_int_equal(claim_one(&r).job, 5);
    assert_true(nothing_to_claim(&r));
}

static void uncounted_jobs_need_no_place(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    struct sc_job_spec spec = noop_spec();
    create_from(&r, &spec, NULL);
    create_from(&r, &spec, NULL);
    spec.counted = false;
    create_from(&r, &spec, NULL);
    create_from(&r, &spec, NULL);
    struct sc_task got[8];
    assert_int_equal(claim(&r, got, 8), 3);
}

static void admission_takes_the_best_but_each_tenth_time_the_oldest(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    int64_t first = create(&r, SC_CLASS_NORMAL, 0);
    int64_t patient = create(&r, SC_CLASS_NORMAL, 50);
    for (int i = 0; i < 20; i++)
        create(&r, SC_CLASS_NORMAL, 1);
    assert_int_equal(run_one_job(&r), first);
    for (int i = 0; i < 8; i++)
        assert_int_not_equal(run_one_job(&r), patient);
    assert_int_equal(run_one_job(&r), patient);
}

static void a_raised_limit_counts_after_a_restart(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_NORMAL, 0);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 2;
    restart(&r);
    r.worker = register_worker(&r, "w2", true);
    struct sc_task got[4];
    assert_int_equal(claim(&r, got, 4), 2);
}

/* ---- what goes into one call ---- */

/* Claims in these lanes for calls of so many. */
static size_t claim_calls(struct rig *r, int64_t worker, struct sc_task *out, const int batch[2])
{
    static const char *const lanes[] = { "engine:null", "engine:other" };
    struct op op = { .tasks = out,
                     .claim = { .worker_id = worker,
                                .lanes = lanes,
                                .lane_count = SC_ARRAY_LEN(lanes),
                                .max = SC_MAX(batch[0], batch[1]),
                                .batch = batch } };
    assert_int_equal(do_write(r, op_claim, &op), SC_OK);
    return op.count;
}

static int64_t create_of(struct rig *r, const char *lane, const char *model, enum sc_class class)
{
    struct sc_job_spec spec = noop_spec();
    spec.first_lane = lane;
    spec.model = model;
    spec.class = class;
    return create_from(r, &spec, NULL);
}

static void a_claim_for_one_call_is_of_one_lane_as_far_as_that_goes(void **state)
{
    (void)state;
    AUTO_RIG(r);
    const int batch[] = { 4, 2 };
    struct sc_task got[4];
    for (int i = 0; i < 5; i++)
        create_of(&r, "engine:null", "m", SC_CLASS_NORMAL);
    for (int i = 0; i < 3; i++)
        create_of(&r, "engine:other", "m", SC_CLASS_NORMAL);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 4);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 1);
    assert_string_equal(got[0].lane, "engine:null");
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 2);
    assert_string_equal(got[1].lane, "engine:other");
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 1);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 0);
}

static void a_call_hears_one_model_and_ends_at_another(void **state)
{
    (void)state;
    AUTO_RIG(r);
    const int batch[] = { 4, 4 };
    struct sc_task got[4];
    create_of(&r, "engine:null", "a", SC_CLASS_NORMAL);
    int64_t second = create_of(&r, "engine:null", "a", SC_CLASS_NORMAL);
    int64_t other = create_of(&r, "engine:null", "b", SC_CLASS_NORMAL);
    int64_t last = create_of(&r, "engine:null", "a", SC_CLASS_NORMAL);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 2);
    assert_int_equal(got[1].job, second);
    /* Nobody is passed over for a fuller call. */
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 1);
    assert_int_equal(got[0].job, other);
    /* A better class comes first, and with what is left of a lower one when the model is his. */
    int64_t high = create_of(&r, "engine:null", "a", SC_CLASS_HIGH);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 2);
    assert_int_equal(got[0].job, high);
    assert_int_equal(got[1].job, last);
}

static void few_tasks_are_shared_among_the_workers_of_the_lane(void **state)
{
    (void)state;
    AUTO_RIG(r); /* its worker has the engine null, and so has the second */
    const int batch[] = { 4, 4 };
    struct sc_task got[4];
    int64_t second = register_worker(&r, "w2", true);
    for (int i = 0; i < 3; i++)
        create_of(&r, "engine:null", "m", SC_CLASS_NORMAL);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 2);
    assert_int_equal(claim_calls(&r, second, got, batch), 1);
    /* Of a long line every call is full. */
    for (int i = 0; i < 12; i++)
        create_of(&r, "engine:null", "m", SC_CLASS_NORMAL);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 4);
    assert_int_equal(claim_calls(&r, second, got, batch), 4);
    assert_int_equal(claim_calls(&r, second, got, batch), 2);
    assert_int_equal(claim_calls(&r, second, got, batch), 1);
    assert_int_equal(claim_calls(&r, second, got, batch), 1);
    /* Whoever does not have the engine takes no share, nor does whoever has gone. */
    for (int i = 0; i < 4; i++)
        create_of(&r, "engine:other", "m", SC_CLASS_NORMAL);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 4);
    for (int i = 0; i < 4; i++)
        create_of(&r, "engine:null", "m", SC_CLASS_NORMAL);
    assert_int_equal(worker_gone(&r, second, SIGKILL), SC_OK);
    while (claim_calls(&r, r.worker, got, batch) == 1) /* what the other held is suspect */
        continue;
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 0);
}

static void the_turn_of_the_oldest_outlives_calls_of_another_lane(void **state)
{
    (void)state;
    AUTO_RIG(r);
    const int batch[] = { 4, 4 };
    struct sc_task got[4];
    int64_t old = create_of(&r, "engine:other", "m", SC_CLASS_LOW);
    for (int i = 0; i < 30; i++)
        create_of(&r, "engine:null", "m", SC_CLASS_HIGH);
    size_t before = 0;
    for (;;) {
        size_t n = claim_calls(&r, r.worker, got, batch);
        assert_true(n > 0 && before <= 9);
        if (got[0].job == old)
            break;
        before += n;
    }
    assert_int_equal(before, 9);
}

static void what_came_to_grief_goes_alone_in_a_call_too(void **state)
{
    (void)state;
    AUTO_RIG(r);
    const int batch[] = { 4, 4 };
    struct sc_task got[4];
    for (int i = 0; i < 3; i++)
        create_of(&r, "engine:null", "m", SC_CLASS_NORMAL);
    assert_int_equal(claim_calls(&r, r.worker, got, batch), 3);
    assert_int_equal(worker_gone(&r, r.worker, SIGKILL), SC_OK);
    r.worker = register_worker(&r, "w2", true);
    for (int i = 0; i < 3; i++)
        assert_int_equal(claim_calls(&r, r.worker, got, batch), 1);
    assert_int_equal(ask(&r, "SELECT sum(failures) FROM tasks"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(best_is_class_then_priority_then_age),
        TEST(lanes_are_merged_and_others_left_alone),
        TEST(a_lane_with_a_limit_gives_no_more_than_that),
        TEST(the_turn_of_the_oldest_keeps_to_the_limit_too),
        TEST(a_claim_starts_the_job_and_its_stage),
        TEST(one_in_ten_takes_the_oldest),
        TEST(what_met_a_setback_goes_alone_also_in_the_turn_of_the_oldest),
        TEST(nothing_starves),
        TEST(paused_classes_are_passed_over),
        TEST(the_oldest_of_a_paused_class_waits_too),
        TEST(a_worker_must_be_known),
        TEST(max_concurrent_holds_per_class_at_admission),
        TEST(uncounted_jobs_need_no_place),
        TEST(admission_takes_the_best_but_each_tenth_time_the_oldest),
        TEST(a_raised_limit_counts_after_a_restart),
        TEST(a_claim_for_one_call_is_of_one_lane_as_far_as_that_goes),
        TEST(a_call_hears_one_model_and_ends_at_another),
        TEST(few_tasks_are_shared_among_the_workers_of_the_lane),
        TEST(the_turn_of_the_oldest_outlives_calls_of_another_lane),
        TEST(what_came_to_grief_goes_alone_in_a_call_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
