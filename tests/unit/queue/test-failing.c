/* Every step of every statement of every verb of the queue fails once: the verb says so, and what
 * it had done by then is undone with it, so that the run in which nothing fails finds all as it
 * was. */
#include "queue-verbs.h"

#include "queue/list.h"
#include "queue/report.h"
#include "store/failing.h"
#include "store/figures.h"

#include <signal.h>

#include "base/banned.h"

#define STEP(r, fn, op) ((op)->queue = (r)->queue, fail_each_write((r)->f.store, fn, op, NULL))

static void drop_job(void *ctx)
{
    struct op *op = ctx;
    sc_job_done(&op->job);
}

static int64_t fail_create(struct rig *r, const struct sc_job_spec *spec, bool *existing)
{
    struct op op = { .queue = r->queue, .spec = spec };
    (void)fail_each_write(r->f.store, op_create, &op, NULL);
    int64_t id = op.job.id;
    *existing = op.flag;
    drop_job(&op);
    return id;
}

static void making_a_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    bool existing = true;
    struct sc_job_spec spec = noop_spec();
    spec.dedupe_key = "key";
    int64_t first = fail_create(&r, &spec, &existing);
    assert_false(existing);
    assert_int_equal(fail_create(&r, &spec, &existing), first);
    assert_true(existing);
    spec.force = true;
    int64_t forced = fail_create(&r, &spec, &existing);
    assert_int_not_equal(forced, first);
    spec.dedupe_key = NULL;
    spec.run_after_ms = T0 + 1000;
    (void)fail_create(&r, &spec, &existing);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_events WHERE kind = 0"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE dedupe_key = 'key'"), 1);
}

static struct sc_task fail_claim(struct rig *r, size_t expected)
{
    struct sc_task got[8];
    struct op op = { .tasks = got,
                     .claim = { .worker_id = r->worker,
                                .lanes = all_lanes,
                                .lane_count = SC_ARRAY_LEN(all_lanes),
                                .max = 8 } };
    (void)STEP(r, op_claim, &op);
    assert_int_equal(op.count, expected);
    return got[0];
}

static void claiming(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.lane_limits[0] = (struct sc_lane_limit){ "noop", 5 };
    r.config.job_timeout_ms = 5000;
    restart(&r);
    r.worker = register_worker(&r, "w2", true);
    for (int i = 0; i < 12; i++)
        create(&r, i % 2 == 0 ? SC_CLASS_HIGH : SC_CLASS_LOW, i);
    test_clock_step(&r.clock, 20000); /* the worker's sign of life is written too */
    (void)fail_claim(&r, 5);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 1 AND epoch = 1"), 5);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0 AND epoch = 0"), 7);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE state = 1"), 5);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_CLAIMED), 5);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_STARTED), 5);
}

static enum sc_code op_stage(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_job_enter_stage(op->queue, tx, op->id, (enum sc_stage)op->stage, err);
}

static struct sc_task chunk_of(struct rig *r, struct sc_job_spec *spec)
{
    spec->first_stage = SC_STAGE_TRANSCRIBE;
    int64_t job = create_from(r, spec, NULL);
    assert_int_equal(add_chunk(r, job, 0), SC_OK);
    assert_int_equal(add_chunk(r, job, 1), SC_OK);
    struct sc_task got[4];
    assert_int_equal(claim(r, got, 4), 3);
    return got[1];
}

static void adding_and_completing_tasks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    struct sc_task task = chunk_of(&r, &spec);
    struct op add = {
        .id = task.job, .stage = SC_STAGE_TRANSCRIBE, .chunk = 7, .text = "engine:null"
    };
    assert_int_equal(STEP(&r, op_add, &add), 3); /* the job, the row, the count */
    assert_int_equal(ask(&r, "SELECT chunks_total FROM jobs"), 3);

    struct op op = { .fence = fence_of(&task) };
    assert_true(STEP(&r, op_finish, &op) >= 6);
    assert_false(op.flag);
    assert_int_equal(ask(&r, "SELECT chunks_completed FROM jobs"), 1);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_COMPLETED), 1);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_PROGRESS), 1);
    (void)STEP(&r, op_finish, &op); /* again */
    assert_true(op.flag);

    struct op stage = { .id = task.job, .stage = SC_STAGE_MERGE };
    (void)STEP(&r, op_stage, &stage);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE stage = 4"), 1);
    (void)STEP(&r, op_end, &stage);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 6"), 3);
    assert_int_equal(ask(&r, "SELECT value FROM counters WHERE name = '" SC_COUNTER_COMPLETED "'"),
                     1);
}

static void giving_back_and_failing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    struct op op = { .fence = fence_of(&task) };
    (void)STEP(&r, op_release, &op);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_RELEASED), 1);

    task = claim_one(&r);
    op.fence = fence_of(&task);
    sc_error_set(&op.why, SC_E_ENGINE_ERROR, "may be tried again");
    (void)STEP(&r, op_fail, &op);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 2 AND failures = 1"), 1);

    test_clock_step(&r.clock, 300000);
    (void)sweep(&r, NULL);
    task = claim_one(&r);
    op.fence = fence_of(&task);
    sc_error_set(&op.why, SC_E_FILE_FORMAT, "is final");
    (void)STEP(&r, op_fail, &op);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE state = 3 AND error_code = "
                             "'FILE_FORMAT' AND error_stage = 6"),
                     1);
    assert_int_equal(ask(&r, "SELECT value FROM counters WHERE name = '" SC_COUNTER_FAILED "'"), 1);

    struct op retry = { .id = task.job };
    (void)STEP(&r, op_retry, &retry);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0 AND failures = 0"), 1);
    assert_int_equal(ask(&r, "SELECT retry_count FROM jobs"), 1);
    (void)STEP(&r, op_cancel, &retry);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 6"), 1);
    (void)STEP(&r, op_cancel, &retry); /* again */
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CANCELLED), 1);
}

static enum sc_code op_deaf(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_worker_deaf(op->queue, tx, op->id, err);
}

static void workers(void **state)
{
    (void)state;
    AUTO_RIG(r);
    for (int i = 0; i < 3; i++)
        create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task got[3];
    assert_int_equal(claim(&r, got, 3), 3);
    struct op deaf = { .id = got[0].id };
    (void)STEP(&r, op_deaf, &deaf);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_INTERRUPTED), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_events WHERE code = 'WORKER_CRASHED' AND "
                             "message LIKE 'the engine did not stop%' AND worker = 'w1'"),
                     1);
    deaf.id = 4711; /* of a job that has gone meanwhile */
    assert_int_equal(STEP(&r, op_deaf, &deaf), 1);
    assert_int_equal(events_of(&r, SC_EVENT_TASK_INTERRUPTED), 1);
    assert_int_equal(on_job(&r, op_cancel, got[1].job), SC_OK);

    /* It has forgotten both others, and must have known of them. */
    test_clock_step(&r.clock, 1);
    assert_int_equal(beat_as_of(&r, sc_queue_clock_ms(r.queue)), SC_OK);
    assert_int_equal(claim(&r, got, 1), 1);
    test_clock_step(&r.clock, 1);
    struct sc_held held[] = { { got[0].id, got[0].epoch, SC_BEAT_LOST },
                              { got[1].id, got[1].epoch, SC_BEAT_OK },
                              { 4711, 1, SC_BEAT_OK } };
    struct op op = { .beat = { .worker_id = r.worker, .held = held, .count = SC_ARRAY_LEN(held) } };
    (void)STEP(&r, op_beat, &op);
    assert_int_equal(held[0].answer, SC_BEAT_OK);
    assert_int_equal(held[1].answer, SC_BEAT_CANCELLED);
    assert_int_equal(held[2].answer, SC_BEAT_LOST);
    op.beat.count = 0;
    test_clock_step(&r.clock, 1);
    op.beat.as_of_ms = sc_queue_clock_ms(r.queue);
    (void)STEP(&r, op_beat, &op); /* it knows of none any more */
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 1"), 0);

    assert_int_equal(claim(&r, got, 1), 1);
    struct op gone = { .id = r.worker, .stage = SIGSEGV };
    (void)STEP(&r, op_gone, &gone);
    assert_int_equal(ask(&r, "SELECT sum(failures) FROM tasks"), 1);
    struct op new = { .worker = { .name = "w9", .host = "here" } };
    (void)STEP(&r, op_register, &new);
    assert_int_equal(ask(&r, "SELECT count(*) FROM workers WHERE gone_ms IS NULL"), 1);
}

static void sweeping(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    create_from(&r, &spec, NULL); /* a lease that runs out */
    (void)claim_one(&r);
    create_from(&r, &spec, NULL); /* a back-off that ends */
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
    spec.run_after_ms = T0 + 1000; /* a job that comes due */
    create_from(&r, &spec, NULL);
    spec.run_after_ms = 0;
    spec.timeout_ms = 2000; /* a time-out */
    create_from(&r, &spec, NULL);
    (void)claim_one(&r);

    test_clock_step(&r.clock, INT64_C(25) * 3600 * 1000);
    struct op op = { .flag = true };
    assert_true(STEP(&r, op_sweep, &op) > 30);
    assert_false(op.flag);
    assert_int_equal(op.number, -1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE error_code = 'TIMEOUT'"), 1);
}

static enum sc_code op_edit(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    static const struct sc_str tags[] = { SC_STR("b"), SC_STR("a") };
    struct sc_job_spec settings = {
        .engine = "null",
        .engine_version = "1",
        .model = "m",
        .task = "transcribe",
        .language = "en",
        .settings = "{}",
        .dedupe_key = "new key",
    };
    struct sc_job_edit edit = {
        .given = (unsigned)op->stage,
        .class = SC_CLASS_HIGH,
        .priority = 3,
        .run_after_ms = op->number,
        .timeout_ms = 1000,
        .name = "name",
        .notes = "notes",
        .tags = tags,
        .tag_count = 2,
        .settings = &settings,
    };
    return sc_job_edit(op->queue, tx, op->id, &edit, err);
}

static void editing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_job_spec spec = noop_spec();
    spec.dedupe_key = "old key";
    struct op op = { .id = create_from(&r, &spec, NULL),
                     .stage = (SC_EDIT_SETTINGS << 1) - 1,
                     .number = T0 + 5000 };
    (void)STEP(&r, op_edit, &op);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE name = 'name' AND notes = 'notes' "
                             "AND class = 0 AND priority = 3 AND admission = 0 AND model = 'm' "
                             "AND dedupe_key = 'new key' AND timeout_ms = 1000"),
                     1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_tags"), 2);
    op.stage = SC_EDIT_RUN_AFTER;
    op.number = 0;
    (void)STEP(&r, op_edit, &op); /* at once */
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE admission = 2"), 2);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CHANGED), 2);
}

static enum sc_code op_idempotency(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    struct sc_idempotency key = { .owner_id = 1, .key = "k", .fingerprint = "f" };
    enum sc_code code = sc_idempotency_find(tx, &key, err);
    op->number = key.job;
    if (code != SC_OK || key.job != 0)
        return code;
    key.job = op->id;
    return sc_idempotency_put(tx, &key, err);
}

/* op->stage: begin, end, drop. */
static enum sc_code op_once(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    char made[] = "/api/things/1";
    struct sc_once once = { .owner_id = 1, .key = "once", .fingerprint = "f", .run = 1 };
    if (op->stage == 0) {
        enum sc_code code = sc_once_begin(tx, &once, err);
        op->number = once.state;
        free(once.made);
        return code;
    }
    once.made = made;
    return op->stage == 1 ? sc_once_end(tx, &once, err) : sc_once_drop(tx, &once, err);
}

static void claiming_keys(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct op begin = { .stage = 0 }, end = { .stage = 1 }, drop = { .stage = 2 };
    assert_int_equal(STEP(&r, op_once, &begin), 2);
    assert_int_equal(begin.number, SC_ONCE_NEW);
    assert_int_equal(STEP(&r, op_once, &drop), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), 0);
    assert_int_equal(STEP(&r, op_once, &begin), 2);
    assert_int_equal(begin.number, SC_ONCE_NEW);
    assert_int_equal(STEP(&r, op_once, &begin), 1);
    assert_int_equal(begin.number, SC_ONCE_OPEN);
    assert_int_equal(STEP(&r, op_once, &end), 1);
    assert_int_equal(STEP(&r, op_once, &begin), 1);
    assert_int_equal(begin.number, SC_ONCE_DONE);
}

static void pausing_and_keys(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct op op = { .id = SC_CLASS_LOW, .flag = true };
    assert_int_equal(STEP(&r, op_pause, &op), 1);
    assert_int_equal(ask(&r, "SELECT paused FROM queues WHERE class = 2"), 1);
    struct op key = { .id = create(&r, SC_CLASS_NORMAL, 0) };
    assert_int_equal(STEP(&r, op_idempotency, &key), 2);
    assert_int_equal(STEP(&r, op_idempotency, &key), 1);
    assert_int_equal(key.number, key.id);
}

/* A server that cannot write its generation does not start. */
static void opening(void **state)
{
    (void)state;
    AUTO_RIG(r);
    create(&r, SC_CLASS_NORMAL, 0);
    (void)claim_one(&r);
    sc_queue_close(r.queue);
    int64_t failures = 0;
    for (bool open = false; !open; failures += !open) {
        struct sc_error err = { 0 };
        sc_fault_arm("store.step", failures + 1);
        enum sc_code code = sc_queue_open(r.f.store, r.hub, &r.config, &r.queue, &err);
        open = !sc_fault_disarm("store.step");
        assert_int_equal(code, open ? SC_OK : SC_E_STORE_ERROR);
    }
    assert_true(failures > 10);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 0"), 1);
    assert_int_equal(ask(&r, "SELECT sum(interruptions) FROM tasks"), 1);
}

/* ---- what only reads ---- */

static enum sc_code count_one(struct op *op)
{
    op->count++;
    return SC_OK;
}

static enum sc_code on_job_row(void *ctx, const struct sc_job *job, struct sc_error *err)
{
    (void)job, (void)err;
    return count_one(ctx);
}

static enum sc_code on_task_row(void *ctx, const struct sc_task *task, struct sc_error *err)
{
    (void)task, (void)err;
    return count_one(ctx);
}

static enum sc_code on_event_row(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    (void)event, (void)err;
    return count_one(ctx);
}

static enum sc_code on_worker_row(void *ctx, const struct sc_worker *worker, struct sc_error *err)
{
    (void)worker, (void)err;
    return count_one(ctx);
}

static enum sc_code on_report_row(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    (void)row, (void)err;
    return count_one(ctx);
}

static enum sc_code read_lists(struct sc_conn *conn, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    op->count = 0;
    struct sc_job_page_end end;
    struct sc_event_filter events = { .limit = 100 };
    struct sc_report_query query = { .owner_id = 1,
                                     .by = { SC_BY_STATUS, SC_BY_MONTH },
                                     .limit = 10 };
    enum sc_code code = SC_OK;
    for (int sort = 0; code == SC_OK && sort < SC_JOB_SORT_COUNT_; sort++) {
        struct sc_job_filter filter = sc_job_filter_all(1, 10);
        filter.sort = (enum sc_job_sort)sort;
        filter.created_since = T0 - 1000;
        code = sc_job_list(conn, &filter, on_job_row, op, &end, err);
    }
    if (code == SC_OK)
        code = sc_task_list(conn, op->id, on_task_row, op, err);
    if (code == SC_OK)
        code = sc_event_list(conn, &events, on_event_row, op, err);
    if (code == SC_OK)
        code = sc_worker_list(op->queue, conn, on_worker_row, op, err);
    return code == SC_OK ? sc_report_jobs(conn, &query, on_report_row, op, err) : code;
}

static void reading_lists(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct op op = { .id = create(&r, SC_CLASS_NORMAL, 0), .queue = r.queue };
    create(&r, SC_CLASS_LOW, 0);
    assert_true(fail_each_read(r.f.store, read_lists, &op) > 20);
    /* Twice two jobs by age (none has ended or has a length), a task, events, a worker, a line. */
    assert_int_equal(op.count, 4 + 1 + (size_t)ask(&r, "SELECT count(*) FROM job_events") + 1 + 1);
}

static enum sc_code read_figures(struct sc_conn *conn, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    struct sc_queue_stats stats;
    struct sc_report_files files;
    struct sc_throughput minute, hour;
    int64_t ready = 0, running = 0, newest = 0, token = 0;
    int position = 0;
    SC_AUTO_JOB job = { 0 }, same = { 0 };
    SC_AUTO(sc_job_order_done) struct sc_job_order order = { .timeout_ms = 0 };
    enum sc_code code = sc_job_get(conn, op->id, &job, err);
    if (code == SC_OK)
        code = sc_job_order_get(conn, op->id, &order, err);
    if (code == SC_OK)
        code = sc_job_find(conn, 1, job.job_id, &same, err);
    if (code == SC_OK)
        code = sc_job_position(conn, &job, &position, err);
    if (code == SC_OK)
        code = sc_queue_stats(op->queue, conn, &stats, err);
    if (code == SC_OK)
        code = sc_queue_demand(conn, &ready, &running, err);
    if (code == SC_OK)
        code = sc_event_newest(conn, &newest, err);
    if (code == SC_OK)
        code = sc_worker_token(conn, op->id2, &token, err);
    if (code == SC_OK)
        code = sc_report_files(conn, 1, &files, err);
    if (code == SC_OK)
        code = sc_report_throughput(conn, &minute, &hour, err);
    if (code == SC_OK)
        op->number = ready + position + stats.class[SC_CLASS_NORMAL].pending;
    return code;
}

static void reading_figures(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w2", true);
    create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_NORMAL, 0);
    struct op op = { .id = create(&r, SC_CLASS_NORMAL, 0), .id2 = r.worker, .queue = r.queue };
    assert_true(fail_each_read(r.f.store, read_figures, &op) > 15);
    assert_int_equal(op.number, 1 + 1 + 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(making_a_job),
        TEST(claiming),
        TEST(adding_and_completing_tasks),
        TEST(giving_back_and_failing),
        TEST(workers),
        TEST(sweeping),
        TEST(editing),
        TEST(pausing_and_keys),
        TEST(claiming_keys),
        TEST(opening),
        TEST(reading_lists),
        TEST(reading_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
