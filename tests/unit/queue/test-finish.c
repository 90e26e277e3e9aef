#include "queue-verbs.h"

#include <signal.h>

#include "base/banned.h"

/* Expires all leases and lets all back-offs pass. */
static void let_time_pass(struct rig *r, int64_t ms)
{
    test_clock_step(&r->clock, ms);
    (void)sweep(r, NULL);
}

static void completing_is_idempotent_by_task_and_epoch(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    bool repeated = true;
    test_clock_step(&r.clock, 40);
    assert_int_equal(complete(&r, &task, &repeated), SC_OK);
    assert_false(repeated);
    assert_int_equal(complete(&r, &task, &repeated), SC_OK);
    assert_true(repeated);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_COMPLETED), 1);
    assert_int_equal(ask(&r, "SELECT duration_ms FROM job_events WHERE kind = 10"), 40);

    struct sc_task other = task;
    other.epoch++;
    assert_int_equal(complete(&r, &other, NULL), SC_E_LEASE_LOST);
    other = task;
    other.worker_id++;
    assert_int_equal(complete(&r, &other, NULL), SC_E_LEASE_LOST);
    other = task;
    other.id += 100;
    assert_int_equal(complete(&r, &other, NULL), SC_E_LEASE_LOST);
}

static void a_late_result_is_refused_after_the_lease_passed_on(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task late = claim_one(&r);
    let_time_pass(&r, 30000);
    /* Nobody holds it now; and then somebody else does. */
    assert_int_equal(complete(&r, &late, NULL), SC_E_LEASE_LOST);
    assert_int_equal(fail_task(&r, &late, SC_E_ENGINE_ERROR), SC_E_LEASE_LOST);
    int64_t second = register_worker(&r, "w2", true);
    struct sc_task task;
    assert_int_equal(claim_as(&r, second, &task, 1), 1);
    assert_int_equal(task.id, late.id);
    assert_int_equal(task.epoch, 2);
    assert_int_equal(complete(&r, &late, NULL), SC_E_LEASE_LOST);
    assert_int_equal(release(&r, &late), SC_E_LEASE_LOST);
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
    assert_int_equal(complete(&r, &late, NULL), SC_E_LEASE_LOST);
    assert_int_equal(ask(&r, "SELECT interruptions FROM tasks"), 1);
    assert_int_equal(ask(&r, "SELECT failures FROM tasks"), 0);
}

static void the_same_worker_is_fenced_by_the_epoch(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task late = claim_one(&r);
    assert_int_equal(release(&r, &late), SC_OK);
    struct sc_task task = claim_one(&r);
    assert_int_equal(task.epoch, late.epoch + 1);
    assert_int_equal(complete(&r, &late, NULL), SC_E_LEASE_LOST);
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
}

static enum sc_code op_check(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_task_check(tx, &op->fence, &op->task, err);
}

static void nobody_else_may_finish_a_running_task(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    struct sc_task other = task;
    other.worker_id = register_worker(&r, "w2", true);
    assert_int_equal(complete(&r, &other, NULL), SC_E_LEASE_LOST);
    assert_int_equal(fail_task(&r, &other, SC_E_ENGINE_ERROR), SC_E_LEASE_LOST);
    assert_int_equal(release(&r, &other), SC_E_LEASE_LOST);
    struct op op = { .fence = fence_of(&other) };
    assert_int_equal(do_write(&r, op_check, &op), SC_E_LEASE_LOST);
    op.fence = fence_of(&task);
    assert_int_equal(do_write(&r, op_check, &op), SC_OK);
    assert_int_equal(op.task.id, task.id);
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
    assert_int_equal(do_write(&r, op_check, &op), SC_E_LEASE_LOST);
}

static void releasing_costs_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    for (int i = 0; i < 10; i++) {
        struct sc_task task = claim_one(&r);
        assert_int_equal(task.failures + task.interruptions, 0);
        assert_int_equal(release(&r, &task), SC_OK);
    }
    assert_int_equal(events_of(&r, SC_EVENT_TASK_RELEASED), 10);
}

static void transient_errors_back_off_and_the_third_is_final(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    for (int nth = 1; nth <= 2; nth++) {
        struct sc_task task = claim_one(&r);
        assert_int_equal(task.failures, nth - 1);
        int64_t wait = sc_queue_backoff_ms(r.queue, task.id, task.epoch, nth);
        assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
        let_time_pass(&r, wait - 1);
        assert_true(nothing_to_claim(&r));
        let_time_pass(&r, 1);
    }
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);

    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_true(job.dead_letter);
    assert_int_equal(job.error_code, SC_E_ENGINE_ERROR);
    assert_string_equal(job.error_message, "said by the test");
    assert_int_equal(job.error_stage, SC_STAGE_NOOP);
    assert_int_equal(job.error_chunk, -1);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_FAILED), 3);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_FAILED), 1);
    assert_int_equal(ask(&r, "SELECT state FROM tasks"), SC_TASK_DEAD);
    assert_int_equal(ask(&r, "SELECT value FROM counters WHERE name = 'jobs.failed'"), 1);
}

static void a_job_may_bring_its_own_number_of_failures(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.max_failures = 1;
    int64_t id = create_from(&r, &spec, NULL);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_true(job.dead_letter);
}

static void permanent_errors_are_final_at_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_FILE_FORMAT), SC_OK);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_false(job.dead_letter);
    assert_int_equal(job.error_code, SC_E_FILE_FORMAT);
}

static void a_permanent_error_is_no_dead_letter_even_as_the_last(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    for (int i = 0; i < 3; i++) {
        struct sc_task task = claim_one(&r);
        assert_int_equal(fail_task(&r, &task, i < 2 ? SC_E_ENGINE_ERROR : SC_E_FILE_FORMAT), SC_OK);
        let_time_pass(&r, 5000);
    }
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_false(job.dead_letter);
}

static void poison_is_condemned_after_three_crashes(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(state_of(&r, id), i == 0 ? SC_JOB_PENDING : SC_JOB_PROCESSING);
        int64_t worker = register_worker(&r, "victim", true);
        struct sc_task task;
        assert_int_equal(claim_as(&r, worker, &task, 1), 1);
        assert_int_equal(worker_gone(&r, worker, SIGSEGV), SC_OK);
        let_time_pass(&r, 5000);
    }
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_true(job.dead_letter);
    assert_int_equal(job.error_code, SC_E_WORKER_CRASHED);
}

static void pulling_the_plug_condemns_nobody(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    int64_t worker = 0;
    for (int i = 1; i <= 20; i++) {
        worker = register_worker(&r, "victim", true);
        struct sc_task task;
        if (claim_as(&r, worker, &task, 1) == 0) {
            assert_true(i > 5); /* the first four come back at once */
            let_time_pass(&r, 5000);
            assert_int_equal(claim_as(&r, worker, &task, 1), 1);
        }
        assert_int_equal(task.interruptions, i - 1);
        assert_int_equal(worker_gone(&r, worker, i % 2 == 0 ? SIGKILL : SIGTERM), SC_OK);
    }
    assert_int_equal(state_of(&r, id), SC_JOB_PROCESSING);
    assert_int_equal(ask(&r, "SELECT failures FROM tasks"), 0);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_INTERRUPTED), 20);
}

static void what_a_dismissed_worker_held_goes_back_at_no_charge(void **state)
{
    (void)state;
    AUTO_RIG(r);
    (void)create(&r, SC_CLASS_NORMAL, 0);
    (void)create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task held[2];
    assert_int_equal(claim(&r, held, 2), 2);
    assert_int_equal(on_job(&r, op_dismissed, r.worker), SC_OK);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_RELEASED), 2);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_INTERRUPTED), 0);
    assert_int_equal(ask(&r, "SELECT sum(failures) + sum(interruptions) FROM tasks"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM workers WHERE gone_ms IS NULL"), 0);
    assert_int_equal(complete(&r, &held[0], NULL), SC_E_LEASE_LOST);

    r.worker = register_worker(&r, "w2", true);
    assert_int_equal(claim(&r, held, 2), 2); /* at once */
}

static void interruptions_have_a_limit_too(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    for (int i = 1; i <= 100; i++) {
        assert_int_equal(state_of(&r, id), i == 1 ? SC_JOB_PENDING : SC_JOB_PROCESSING);
        (void)claim_one(&r);
        let_time_pass(&r, 30000); /* the lease */
        let_time_pass(&r, 300000);
    }
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_true(job.dead_letter);
}

static void a_crash_over_several_tasks_condemns_none_and_separates_them(void **state)
{
    (void)state;
    AUTO_RIG(r);
    for (int i = 0; i < 4; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task got[4];
    assert_int_equal(claim(&r, got, 3), 3);
    assert_int_equal(complete(&r, &got[0], NULL), SC_OK);
    assert_int_equal(worker_gone(&r, r.worker, SIGABRT), SC_OK);
    assert_int_equal(ask(&r, "SELECT sum(failures) FROM tasks"), 0);
    assert_int_equal(ask(&r, "SELECT sum(interruptions) FROM tasks"), 2);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE worker_id IS NOT NULL"), 1);

    int64_t worker = register_worker(&r, "heir", true);
    for (int i = 0; i < 2; i++) { /* each alone, though there is room for more */
        assert_int_equal(claim_as(&r, worker, got, 4), 1);
        assert_int_equal(got[0].interruptions, 1);
    }
    assert_int_equal(claim_as(&r, worker, got, 4), 1);
    assert_int_equal(got[0].interruptions, 0);
}

static void note_wake(void *ctx)
{
    *(bool *)ctx = true;
}

static void a_batch_ends_before_a_task_that_crashed_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_LOW, 0);
    int64_t poison = claim_one(&r).job;
    assert_int_equal(worker_gone(&r, r.worker, SIGSEGV), SC_OK);
    assert_int_equal(ask(&r, "SELECT failures FROM tasks"), 1);
    let_time_pass(&r, 5000);
    for (int i = 0; i < 2; i++)
        create(&r, SC_CLASS_NORMAL, 0);

    int64_t worker = register_worker(&r, "heir", true);
    bool woken = false;
    sc_queue_on_ready(r.queue, note_wake, &woken);
    struct sc_task got[4];
    assert_int_equal(claim_as(&r, worker, got, 4), 2);
    assert_true(woken); /* somebody else may take what is left */
    assert_int_equal(claim_as(&r, worker, got, 4), 1);
    assert_int_equal(got[0].job, poison);
}

static void a_heartbeat_renews_what_it_lists(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    for (int i = 0; i < 10; i++) {
        struct sc_held held = { task.id, task.epoch, SC_BEAT_LOST };
        let_time_pass(&r, 20000);
        assert_int_equal(beat(&r, r.worker, &held, 1), SC_OK);
        assert_int_equal(held.answer, SC_BEAT_OK);
    }
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
}

static void a_heartbeat_tells_of_lost_and_cancelled_tasks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t a = create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task got[2];
    assert_int_equal(claim(&r, got, 2), 2);
    assert_int_equal(on_job(&r, op_cancel, a), SC_OK);
    struct sc_held held[] = {
        { got[0].id, got[0].epoch, SC_BEAT_OK },
        { got[1].id, got[1].epoch + 1, SC_BEAT_OK },
        { got[1].id, got[1].epoch, SC_BEAT_LOST },
        { 4711, 1, SC_BEAT_OK },
    };
    assert_int_equal(beat(&r, r.worker, held, 4), SC_OK);
    assert_int_equal(held[0].answer, SC_BEAT_CANCELLED);
    assert_int_equal(held[1].answer, SC_BEAT_LOST);
    assert_int_equal(held[2].answer, SC_BEAT_OK);
    assert_int_equal(held[3].answer, SC_BEAT_LOST);
    assert_int_equal(complete(&r, &got[0], NULL), SC_E_LEASE_LOST);
    assert_int_equal(beat(&r, 99, NULL, 0), SC_E_NOT_FOUND);
}

/* A claim whose reply got lost: the worker never lists the task, but has read a later answer. One
 * whose reply is on its way must not be taken for that, however many heartbeats come meanwhile. */
static void a_task_that_the_worker_does_not_know_of_comes_back(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    test_clock_step(&r.clock, 10);
    int64_t as_of = sc_queue_clock_ms(r.queue); /* of this claim, or of one just before */
    struct sc_task task = claim_one(&r);
    for (int i = 0; i < 3; i++) {
        test_clock_step(&r.clock, 10);
        assert_int_equal(beat(&r, r.worker, NULL, 0), SC_OK);
        assert_int_equal(beat_as_of(&r, as_of), SC_OK);
        assert_true(nothing_to_claim(&r));
    }
    assert_int_equal(beat_as_of(&r, as_of + 1), SC_OK);
    struct sc_task again = claim_one(&r);
    assert_int_equal(again.id, task.id);
    assert_int_equal(again.interruptions, 1);
}

static void chunks_are_counted_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task split = claim_one(&r);
    for (int chunk = 0; chunk < 4; chunk++)
        assert_int_equal(add_chunk(&r, id, chunk), SC_OK);
    assert_int_equal(add_chunk(&r, id, 2), SC_OK); /* split ran again */
    assert_int_equal(complete(&r, &split, NULL), SC_OK);
    struct sc_task got[4];
    assert_int_equal(claim(&r, got, 4), 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(got[i].chunk, i);
        SC_AUTO_JOB job = job_of(&r, id);
        assert_int_equal(job.chunks_total, 4);
        assert_int_equal(job.chunks_completed, i);
        assert_int_equal(sc_job_progress(r.queue, &job), 95 * i / 4);
        bool repeated;
        assert_int_equal(complete(&r, &got[i], &repeated), SC_OK);
        assert_int_equal(complete(&r, &got[i], &repeated), SC_OK);
    }
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.chunks_completed, 4);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_PROGRESS), 4);
    assert_int_equal(ask(&r, "SELECT max(progress) FROM job_events"), 95);
}

static void one_chunk_that_cannot_be_done_ends_the_whole_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task split = claim_one(&r);
    for (int chunk = 0; chunk < 3; chunk++)
        assert_int_equal(add_chunk(&r, id, chunk), SC_OK);
    struct sc_task got[2];
    assert_int_equal(claim(&r, got, 2), 2);
    assert_int_equal(fail_task(&r, &got[1], SC_E_MODEL_ERROR), SC_OK);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_int_equal(job.error_stage, SC_STAGE_TRANSCRIBE);
    assert_int_equal(job.error_chunk, 1);
    assert_int_equal(complete(&r, &split, NULL), SC_E_LEASE_LOST);
    assert_int_equal(complete(&r, &got[0], NULL), SC_E_LEASE_LOST);
    assert_true(nothing_to_claim(&r));
    assert_int_equal(add_chunk(&r, id, 9), SC_E_CONFLICT);
}

static enum sc_code note_place(void *ctx, const struct sc_task *task, struct sc_error *err)
{
    (void)err;
    char *text = ctx;
    size_t len = strlen(text);
    (void)snprintf(text + len, 64 - len, "%s %d, ", sc_stage_to_string(task->stage), task->chunk);
    return SC_OK;
}

static void the_tasks_of_a_job_are_listed_by_stage_and_chunk(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.first_stage = SC_STAGE_MERGE;
    int64_t job = create_from(&r, &spec, NULL);
    create(&r, SC_CLASS_NORMAL, 0); /* another one's */
    static const int chunks[] = { 2, 0, 1 };
    for (size_t i = 0; i < SC_ARRAY_LEN(chunks); i++)
        assert_int_equal(add_chunk(&r, job, chunks[i]), SC_OK);
    char text[64] = "";
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_task_list(conn, job, note_place, text, NULL), SC_OK);
    assert_string_equal(text, "transcribe 0, transcribe 1, transcribe 2, merge -1, ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(completing_is_idempotent_by_task_and_epoch),
        TEST(a_late_result_is_refused_after_the_lease_passed_on),
        TEST(the_same_worker_is_fenced_by_the_epoch),
        TEST(nobody_else_may_finish_a_running_task),
        TEST(releasing_costs_nothing),
        TEST(transient_errors_back_off_and_the_third_is_final),
        TEST(a_job_may_bring_its_own_number_of_failures),
        TEST(permanent_errors_are_final_at_once),
        TEST(a_permanent_error_is_no_dead_letter_even_as_the_last),
        TEST(poison_is_condemned_after_three_crashes),
        TEST(pulling_the_plug_condemns_nobody),
        TEST(what_a_dismissed_worker_held_goes_back_at_no_charge),
        TEST(interruptions_have_a_limit_too),
        TEST(a_crash_over_several_tasks_condemns_none_and_separates_them),
        TEST(a_batch_ends_before_a_task_that_crashed_once),
        TEST(a_heartbeat_renews_what_it_lists),
        TEST(a_heartbeat_tells_of_lost_and_cancelled_tasks),
        TEST(a_task_that_the_worker_does_not_know_of_comes_back),
        TEST(chunks_are_counted_once),
        TEST(one_chunk_that_cannot_be_done_ends_the_whole_job),
        TEST(the_tasks_of_a_job_are_listed_by_stage_and_chunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
