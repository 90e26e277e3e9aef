#include "queue-verbs.h"

#include "base/banned.h"

struct change {
    struct sc_queue *queue;
    int64_t job;
    const struct sc_job_edit *edit;
};

static enum sc_code run_edit(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *change = ctx;
    return sc_job_edit(change->queue, tx, change->job, change->edit, err);
}

static enum sc_code edit(struct rig *r, int64_t job, struct sc_job_edit what)
{
    struct change change = { r->queue, job, &what };
    return sc_store_write(r->f.store, SC_RELAXED, run_edit, &change, NULL);
}

static enum sc_admission admission_of(struct rig *r, int64_t id)
{
    SC_AUTO_JOB job = job_of(r, id);
    return job.admission;
}

static void a_job_that_changes_its_class_leaves_its_place_to_the_next(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    r.config.max_concurrent[SC_CLASS_LOW] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w2", true);
    int64_t first = create(&r, SC_CLASS_NORMAL, 0);
    int64_t next = create(&r, SC_CLASS_NORMAL, 0);
    int64_t low = create(&r, SC_CLASS_LOW, 0);
    assert_int_equal(admission_of(&r, next), SC_ADMISSION_WAITING);

    struct sc_job_edit to_low = { .given = SC_EDIT_CLASS | SC_EDIT_PRIORITY,
                                  .class = SC_CLASS_LOW,
                                  .priority = -1 };
    assert_int_equal(edit(&r, first, to_low), SC_OK);
    assert_int_equal(admission_of(&r, next), SC_ADMISSION_ADMITTED);
    assert_int_equal(admission_of(&r, first), SC_ADMISSION_ADMITTED); /* it keeps its place */
    /* The task has moved with it: before the one that is older in its new class. */
    struct sc_task tasks[3];
    assert_int_equal(claim(&r, tasks, 3), 3);
    assert_int_equal(tasks[0].job, next);
    assert_int_equal(tasks[1].job, first);
    assert_int_equal(tasks[2].job, low);
}

struct heard {
    int64_t in_ms[8];
    size_t count;
};

static void hear(void *ctx, int64_t in_ms)
{
    struct heard *heard = ctx;
    if (heard->count < SC_ARRAY_LEN(heard->in_ms))
        heard->in_ms[heard->count++] = in_ms;
}

/* Whoever sweeps can sleep until then. */
static void what_the_sweep_will_have_to_do_is_told(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct heard heard = { .count = 0 };
    sc_queue_on_due(r.queue, hear, &heard);
    struct sc_job_spec spec = noop_spec();
    (void)create_from(&r, &spec, NULL);
    assert_int_equal(heard.count, 0); /* ready at once */
    spec.run_after_ms = T0 + 5000;
    int64_t later = create_from(&r, &spec, NULL);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.in_ms[0], 5000);

    struct sc_task task = claim_one(&r);
    assert_int_equal(heard.in_ms[1], r.queue->config.lease_ms);
    assert_true(nothing_to_claim(&r)); /* that sets nothing */
    assert_int_equal(heard.count, 2);
    assert_int_equal(fail_task(&r, &task, SC_E_IO_ERROR), SC_OK);
    assert_in_range(heard.in_ms[2], 1, r.queue->config.backoff_base_ms);

    struct sc_job_edit sooner = { .given = SC_EDIT_RUN_AFTER, .run_after_ms = T0 + 700 };
    assert_int_equal(edit(&r, later, sooner), SC_OK);
    assert_int_equal(heard.in_ms[3], 700);
    assert_int_equal(heard.count, 4);
    sc_queue_on_due(r.queue, NULL, NULL);
    sooner.run_after_ms = T0 + 600;
    assert_int_equal(edit(&r, later, sooner), SC_OK);
    assert_int_equal(heard.count, 4);
}

static void a_time_out_can_be_given_to_a_running_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t job = create(&r, SC_CLASS_NORMAL, 0);
    (void)claim_one(&r);
    test_clock_step(&r.clock, 1000);
    struct sc_job_edit limit = { .given = SC_EDIT_TIMEOUT, .timeout_ms = 1500 };
    assert_int_equal(edit(&r, job, limit), SC_OK);
    (void)sweep(&r, NULL);
    assert_int_equal(state_of(&r, job), SC_JOB_PROCESSING);
    test_clock_step(&r.clock, 501);
    (void)sweep(&r, NULL);
    assert_int_equal(state_of(&r, job), SC_JOB_FAILED);
    assert_int_equal(edit(&r, job, limit), SC_E_CONFLICT);
}

static void tags_replace_those_of_the_job_alone(void **state)
{
    (void)state;
    AUTO_RIG(r);
    static const struct sc_str many[] = { SC_STR("b"), SC_STR("a") }, one[] = { SC_STR("c") };
    int64_t job = create(&r, SC_CLASS_NORMAL, 0), other = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_job_edit tag = { .given = SC_EDIT_TAGS, .tags = many, .tag_count = 2 };
    assert_int_equal(edit(&r, job, tag), SC_OK);
    assert_int_equal(edit(&r, other, tag), SC_OK);
    tag.tags = one;
    tag.tag_count = 1;
    assert_int_equal(edit(&r, job, tag), SC_OK);
    SC_AUTO_JOB changed = job_of(&r, job);
    SC_AUTO_JOB kept = job_of(&r, other);
    assert_string_equal(changed.tags, "[\"c\"]");
    assert_string_equal(kept.tags, "[\"a\",\"b\"]");
}

static void settings_stay_once_work_has_begun(void **state)
{
    (void)state;
    AUTO_RIG(r);
    static const struct sc_job_spec settings = { .engine = "null",
                                                 .engine_version = "1",
                                                 .model = "m",
                                                 .task = "transcribe",
                                                 .language = "",
                                                 .settings = "{}" };
    struct sc_job_edit what = { .given = SC_EDIT_SETTINGS, .settings = &settings };
    int64_t job = create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(edit(&r, job, what), SC_OK);
    (void)claim_one(&r); /* nothing is split yet */
    assert_int_equal(edit(&r, job, what), SC_E_CONFLICT);
}

static void a_waiting_job_takes_its_tasks_along(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    r.config.max_concurrent[SC_CLASS_LOW] = 1;
    restart(&r);
    create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_LOW, 0);
    int64_t job = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_job_edit to_low = { .given = SC_EDIT_CLASS | SC_EDIT_PRIORITY,
                                  .class = SC_CLASS_LOW,
                                  .priority = 7 };
    assert_int_equal(edit(&r, job, to_low), SC_OK);
    assert_int_equal(admission_of(&r, job), SC_ADMISSION_WAITING);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE job = 3 AND class = 2 AND "
                             "priority = 7"),
                     1);
}

static void none_takes_a_time_out_away(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.timeout_ms = 1000;
    int64_t job = create_from(&r, &spec, NULL);
    (void)claim_one(&r);
    struct sc_job_edit none = { .given = SC_EDIT_TIMEOUT };
    assert_int_equal(edit(&r, job, none), SC_OK);
    test_clock_step(&r.clock, 5000);
    (void)sweep(&r, NULL);
    assert_int_equal(state_of(&r, job), SC_JOB_PROCESSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_job_that_changes_its_class_leaves_its_place_to_the_next),
        TEST(what_the_sweep_will_have_to_do_is_told),
        TEST(a_time_out_can_be_given_to_a_running_job),
        TEST(tags_replace_those_of_the_job_alone),
        TEST(settings_stay_once_work_has_begun),
        TEST(a_waiting_job_takes_its_tasks_along),
        TEST(none_takes_a_time_out_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
