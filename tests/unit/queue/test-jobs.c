#include "queue-verbs.h"

#include "base/id.h"
#include "config/job-options.h"

#include "base/banned.h"

static void creating_makes_the_job_and_its_first_task(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.name = "memo";
    spec.file_name = "memo.wav";
    spec.engine = "null";
    spec.settings = "{\"language\":\"en\"}";
    spec.priority = 3;
    spec.duration_ms = 1500;
    struct op op = { .spec = &spec, .flag = true };
    assert_int_equal(do_write(&r, op_create, &op), SC_OK);
    SC_AUTO_JOB job = op.job;
    assert_false(op.flag);
    assert_true(sc_uuid_is_valid(sc_str_from(job.job_id)));
    assert_string_equal(job.name, "memo");
    assert_string_equal(job.file_name, "memo.wav");
    assert_string_equal(job.settings, "{\"language\":\"en\"}");
    assert_string_equal(job.task, "transcribe");
    assert_int_equal(job.state, SC_JOB_PENDING);
    assert_int_equal(job.admission, SC_ADMISSION_ADMITTED);
    assert_int_equal(job.stage, -1);
    assert_int_equal(job.priority, 3);
    assert_int_equal(job.created_ms, T0);
    assert_int_equal(job.error_code, SC_OK);
    assert_int_equal(sc_job_progress(r.queue, &job), 0);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CREATED), 1);
    assert_int_equal(ask(&r, "SELECT state FROM tasks WHERE priority = 3"), SC_TASK_READY);
}

static void an_order_says_what_a_worker_needs(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.engine = "null";
    spec.model = "delay_ms=1";
    spec.language = "de";
    spec.task = "translate";
    spec.settings = "{\"vad\":false}";
    spec.timeout_ms = 5000;
    int64_t plain = create(&r, SC_CLASS_NORMAL, 0), id = create_from(&r, &spec, NULL);

    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO(sc_job_order_done) struct sc_job_order order = { 0 };
    SC_AUTO(sc_job_order_done) struct sc_job_order other = { .timeout_ms = -1 };
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_job_order_get(conn, id, &order, NULL), SC_OK);
    assert_string_equal(order.engine, "null");
    assert_string_equal(order.model, "delay_ms=1");
    assert_string_equal(order.task, "translate");
    assert_string_equal(order.language, "de");
    assert_string_equal(order.settings, "{\"vad\":false}");
    assert_int_equal(order.timeout_ms, 5000);
    struct sc_error err = { 0 };
    assert_int_equal(sc_job_order_get(conn, 99, &other, &err), SC_E_JOB_NOT_FOUND);
    assert_string_equal(err.msg, "no such job");
    assert_int_equal(other.timeout_ms, -1);
    assert_int_equal(sc_job_order_get(conn, plain, &other, NULL), SC_OK);
    assert_int_equal(other.timeout_ms, 0);
}

static void others_jobs_are_not_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    SC_AUTO_JOB job = job_of(&r, id);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    struct sc_job found = { .id = -1 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_job_find(conn, 2, job.job_id, &found, &err), SC_E_JOB_NOT_FOUND);
    assert_int_equal(sc_job_find(conn, 1, "nothing", &found, &err), SC_E_JOB_NOT_FOUND);
    assert_int_equal(sc_job_get(conn, 99, &found, &err), SC_E_JOB_NOT_FOUND);
    assert_int_equal(found.id, -1);
    assert_int_equal(sc_job_find(conn, 1, job.job_id, &found, &err), SC_OK);
    assert_int_equal(found.id, id);
    sc_job_done(&found);
    assert_int_equal(sc_job_find(conn, 0, job.job_id, &found, &err), SC_OK);
    sc_job_done(&found);
}

static void the_same_work_is_done_once_until_it_fails(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.dedupe_key = "k1";
    bool existing = false;
    int64_t first = create_from(&r, &spec, &existing);
    assert_false(existing);
    assert_int_equal(create_from(&r, &spec, &existing), first); /* pending */
    assert_true(existing);
    struct sc_task task = claim_one(&r);
    assert_int_equal(create_from(&r, &spec, &existing), first); /* processing */
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
    assert_int_equal(on_job(&r, op_end, first), SC_OK);
    assert_int_equal(create_from(&r, &spec, &existing), first); /* completed */
    assert_true(existing);

    spec.dedupe_key = "k2";
    int64_t failing = create_from(&r, &spec, &existing);
    task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_FILE_FORMAT), SC_OK);
    int64_t again = create_from(&r, &spec, &existing);
    assert_false(existing);
    assert_int_not_equal(again, failing);
    assert_int_equal(on_job(&r, op_cancel, again), SC_OK);
    assert_int_not_equal(create_from(&r, &spec, &existing), again);
    assert_false(existing);
}

static void the_same_work_is_done_in_the_highest_class_that_was_asked_for(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.dedupe_key = "k1";
    spec.class = SC_CLASS_NORMAL;
    int64_t id = create_from(&r, &spec, NULL);
    spec.class = SC_CLASS_LOW;
    assert_int_equal(create_from(&r, &spec, NULL), id);
    assert_int_equal(ask(&r, "SELECT class FROM jobs"), SC_CLASS_NORMAL); /* never lowered */
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CHANGED), 0);

    spec.class = SC_CLASS_HIGH;
    spec.asked_by = "/v1/test";
    assert_int_equal(create_from(&r, &spec, NULL), id);
    assert_int_equal(ask(&r, "SELECT class FROM jobs"), SC_CLASS_HIGH);
    assert_int_equal(ask(&r, "SELECT class FROM tasks"), SC_CLASS_HIGH);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_events "
                             "WHERE message = 'priority: asked for by /v1/test'"),
                     1);
    assert_int_equal(create_from(&r, &spec, NULL), id);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CHANGED), 1); /* nothing was left to change */
    assert_int_equal(run_one_job(&r), id);
    assert_int_equal(create_from(&r, &spec, NULL), id);
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CHANGED), 1); /* nor is there of an ended one */
}

static void whoever_waits_does_not_wait_for_a_later_time(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.dedupe_key = "k1";
    spec.run_after_ms = T0 + 3600000;
    int64_t id = create_from(&r, &spec, NULL);
    spec.waiting = true; /* and wants it later */
    assert_int_equal(create_from(&r, &spec, NULL), id);
    spec.run_after_ms = 0;
    spec.waiting = false; /* only hands it in */
    assert_int_equal(create_from(&r, &spec, NULL), id);
    assert_true(nothing_to_claim(&r));

    spec.waiting = true;
    spec.asked_by = "/v1/test";
    assert_int_equal(create_from(&r, &spec, NULL), id);
    assert_int_equal(ask(&r, "SELECT run_after_ms IS NULL FROM jobs"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM job_events "
                             "WHERE message = 'run_after: asked for by /v1/test'"),
                     1);
    assert_int_equal(run_one_job(&r), id);
}

/* Of the work of a job that is put off another has been done already: with other threads, which
 * change nothing, and with other words, which do. */
static void whoever_waits_gets_what_was_heard_with_other_threads(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_job_options_freep) struct sc_job_options *plain = sc_job_options_new();
    SC_AUTO(sc_job_options_freep) struct sc_job_options *with = sc_job_options_new();
    SC_AUTO(sc_job_options_freep) struct sc_job_options *other = sc_job_options_new();
    SC_AUTO_BUF identity = { 0 }, threads = { 0 }, prompt = { 0 };
    assert_int_equal(sc_job_options_set(with, SC_STR("threads"), SC_STR("4"), NULL), SC_OK);
    assert_int_equal(sc_job_options_set(other, SC_STR("prompt"), SC_STR("Ann"), NULL), SC_OK);
    sc_job_options_identity(plain, true, &identity);
    sc_job_options_canonical(with, &threads);
    sc_job_options_canonical(other, &prompt);
    struct sc_job_spec spec = noop_spec();
    assert_int_equal(
        write_sql(r.f.store,
                  "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, "
                  "size_bytes, format, codec, sample_rate, channels, uploaded_ms) "
                  "VALUES (5, 1, 'h', 'n', 'p', 1, 'wav', 'pcm', 1, 1, 1)"),
        SC_OK);
    spec.file_id = 5;
    spec.is_ours = true;
    spec.settings = sc_buf_text(&threads);
    int64_t done = create_from(&r, &spec, NULL);
    assert_int_equal(run_one_job(&r), done);
    spec.settings = sc_buf_text(&prompt);
    assert_int_not_equal(create_from(&r, &spec, NULL), done);
    (void)run_one_job(&r);

    spec.dedupe_key = "k1";
    spec.settings = spec.identity = sc_buf_text(&identity);
    spec.run_after_ms = T0 + 3600000;
    int64_t later = create_from(&r, &spec, NULL);
    spec.run_after_ms = 0;
    spec.waiting = true;
    assert_int_equal(create_from(&r, &spec, NULL), done);
    assert_int_equal(ask(&r, "SELECT admission FROM jobs WHERE dedupe_key = 'k1'"),
                     SC_ADMISSION_SCHEDULED);
    spec.is_ours = false; /* another program's threads are of no account either */
    assert_int_equal(create_from(&r, &spec, NULL), done);
    spec.model_hash = "of another model";
    assert_int_equal(create_from(&r, &spec, NULL), later);
}

static void force_takes_the_key(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.dedupe_key = "k1";
    int64_t first = create_from(&r, &spec, NULL);
    spec.force = true;
    bool existing = true;
    int64_t second = create_from(&r, &spec, &existing);
    assert_false(existing);
    assert_int_not_equal(second, first);
    spec.force = false;
    assert_int_equal(create_from(&r, &spec, &existing), second);
    assert_int_equal(state_of(&r, first), SC_JOB_PENDING); /* goes on */
}

/* Where both keys have a job, that of today goes before, and is the one that force takes. */
static void the_key_of_an_earlier_version_finds_its_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    bool existing = false;
    spec.dedupe_key = "old";
    int64_t old = create_from(&r, &spec, NULL);
    spec.dedupe_key = "new";
    spec.dedupe_before = "old";
    assert_int_equal(create_from(&r, &spec, &existing), old);
    assert_true(existing);
    spec.dedupe_before = NULL;
    int64_t new = create_from(&r, &spec, &existing);
    assert_false(existing);
    spec.dedupe_before = "old";
    assert_int_equal(create_from(&r, &spec, NULL), new);
    spec.force = true;
    int64_t forced = create_from(&r, &spec, NULL);
    spec.force = false;
    assert_int_equal(create_from(&r, &spec, NULL), forced);
    /* What force does again is never answered by the job of the earlier key. */
    spec.dedupe_key = "old";
    spec.dedupe_before = NULL;
    assert_int_not_equal(create_from(&r, &spec, &existing), old);
    assert_false(existing);
}

static void a_scheduled_job_waits_for_its_time(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    struct sc_job_spec spec = noop_spec();
    spec.run_after_ms = T0 + 60000;
    int64_t later = create_from(&r, &spec, NULL);
    {
        SC_AUTO_JOB job = job_of(&r, later);
        assert_int_equal(job.admission, SC_ADMISSION_SCHEDULED);
        assert_int_equal(job.run_after_ms, T0 + 60000);
    }
    int64_t now = create(&r, SC_CLASS_NORMAL, 0); /* it takes no place meanwhile */
    assert_int_equal(sweep(&r, NULL), 60000);
    assert_int_equal(run_one_job(&r), now);
    test_clock_step(&r.clock, 59999);
    assert_int_equal(sweep(&r, NULL), 1);
    assert_true(nothing_to_claim(&r));
    test_clock_step(&r.clock, 1);
    (void)sweep(&r, NULL);
    assert_int_equal(run_one_job(&r), later);
}

static void a_scheduled_job_can_be_cancelled_and_retried(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.run_after_ms = T0 + 60000;
    int64_t id = create_from(&r, &spec, NULL);
    assert_int_equal(on_job(&r, op_cancel, id), SC_OK);
    assert_int_equal(on_job(&r, op_retry, id), SC_OK); /* now, not later */
    assert_int_equal(run_one_job(&r), id);
}

static void cancelling_stops_everything_at_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task split = claim_one(&r);
    assert_int_equal(add_chunk(&r, id, 0), SC_OK);
    assert_int_equal(add_chunk(&r, id, 1), SC_OK);
    struct sc_task chunk;
    assert_int_equal(claim(&r, &chunk, 1), 1);
    assert_int_equal(complete(&r, &chunk, NULL), SC_OK);
    assert_int_equal(on_job(&r, op_cancel, id), SC_OK);
    assert_int_equal(state_of(&r, id), SC_JOB_CANCELLED);
    assert_true(nothing_to_claim(&r));
    assert_int_equal(complete(&r, &split, NULL), SC_E_LEASE_LOST);
    assert_int_equal(on_job(&r, op_cancel, id), SC_OK); /* repeated */
    assert_int_equal(events_of(&r, SC_EVENT_JOB_CANCELLED), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state = 6"), 2);

    /* Retried, it goes on where it stopped: the done chunk stays done. */
    assert_int_equal(on_job(&r, op_retry, id), SC_OK);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_PENDING);
    assert_int_equal(job.retry_count, 1);
    assert_int_equal(job.chunks_completed, 1);
    struct sc_task got[4];
    assert_int_equal(claim(&r, got, 4), 2);
    assert_int_equal(state_of(&r, id), SC_JOB_PROCESSING);
    assert_int_equal(on_job(&r, op_retry, id), SC_E_CONFLICT);
}

static void a_dead_letter_gets_its_chances_again(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_failures = 1;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
    assert_int_equal(on_job(&r, op_retry, id), SC_OK);
    {
        SC_AUTO_JOB job = job_of(&r, id);
        assert_false(job.dead_letter);
        assert_int_equal(job.error_code, SC_OK);
        assert_int_equal(job.error_message[0], '\0');
        assert_int_equal(job.completed_ms, 0);
    }
    struct sc_task again = claim_one(&r);
    assert_int_equal(again.failures, 0);
    assert_int_equal(again.epoch, task.epoch + 1);
    assert_int_equal(complete(&r, &again, NULL), SC_OK);
    assert_int_equal(on_job(&r, op_end, id), SC_OK);
    assert_int_equal(on_job(&r, op_retry, id), SC_E_CONFLICT);
    assert_int_equal(on_job(&r, op_cancel, id), SC_E_CONFLICT);
    assert_int_equal(on_job(&r, op_end, id), SC_OK); /* repeated */
}

static void verdicts_need_a_job_that_runs(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(on_job(&r, op_end, id), SC_E_CONFLICT);
    assert_int_equal(on_job(&r, op_end, 99), SC_E_JOB_NOT_FOUND);
    assert_int_equal(on_job(&r, op_cancel, 99), SC_E_JOB_NOT_FOUND);
    assert_int_equal(on_job(&r, op_retry, id), SC_E_CONFLICT);
}

static enum sc_code op_refuse(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    struct sc_error why = { 0 };
    sc_error_set(&why, SC_E_FILE_NOT_FOUND, "the file has gone");
    struct sc_job_failure failure = { &why, SC_STAGE_MERGE, 4 };
    return sc_job_fail(op->queue, tx, op->id, &failure, err);
}

static void the_pipeline_may_fail_a_job(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(on_job(&r, op_refuse, id), SC_OK);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_FAILED);
    assert_int_equal(job.error_code, SC_E_FILE_NOT_FOUND);
    assert_int_equal(job.error_stage, SC_STAGE_MERGE);
    assert_int_equal(job.error_chunk, 4);
    assert_int_equal(on_job(&r, op_refuse, id), SC_E_CONFLICT);
}

static enum sc_code op_stage(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct op *op = ctx;
    return sc_job_enter_stage(op->queue, tx, op->id, (enum sc_stage)op->stage, err);
}

static void stages_are_logged_with_their_time(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct op op = { .id = id, .stage = SC_STAGE_MERGE };
    assert_int_equal(do_write(&r, op_stage, &op), SC_E_CONFLICT); /* nobody has begun */
    struct sc_task task = claim_one(&r);
    test_clock_step(&r.clock, 70);
    assert_int_equal(do_write(&r, op_stage, &op), SC_OK);
    assert_int_equal(do_write(&r, op_stage, &op), SC_OK); /* the same again: nothing */
    test_clock_step(&r.clock, 30);
    assert_int_equal(complete(&r, &task, NULL), SC_OK);
    assert_int_equal(on_job(&r, op_end, id), SC_OK);
    assert_int_equal(ask(&r, "SELECT duration_ms FROM job_events WHERE kind = 8 AND stage = 6"),
                     70);
    assert_int_equal(ask(&r, "SELECT duration_ms FROM job_events WHERE kind = 8 AND stage = 4"),
                     30);
    assert_int_equal(events_of(&r, SC_EVENT_STAGE_STARTED), 2);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.stage, SC_STAGE_MERGE);
    assert_int_equal(job.processing_ms, 100);
    assert_int_equal(sc_job_progress(r.queue, &job), 100);
    assert_int_equal(ask(&r, "SELECT value FROM counters WHERE name = 'jobs.completed'"), 1);
}

static int position_of(struct rig *r, int64_t id)
{
    SC_AUTO_JOB job = job_of(r, id);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int position = -7;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_job_position(conn, &job, &position, NULL), SC_OK);
    return position;
}

static void the_position_counts_those_before(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_LOW] = 1;
    restart(&r);
    int64_t in = create(&r, SC_CLASS_LOW, 0);
    int64_t second = create(&r, SC_CLASS_LOW, 5);
    int64_t third = create(&r, SC_CLASS_LOW, 5);
    create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(position_of(&r, in), -1);
    assert_int_equal(position_of(&r, second), 0);
    assert_int_equal(position_of(&r, third), 1);
    create(&r, SC_CLASS_LOW, 4);
    assert_int_equal(position_of(&r, third), 2);
    assert_int_equal(
        write_sql(r.f.store,
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100) "
                  "INSERT INTO jobs (job_id, owner_id, pipeline, class, state, admission, "
                  "created_ms, updated_ms) SELECT 'j' || i, 1, 'noop', 2, 0, 1, 1, 1 FROM n"),
        SC_OK);
    assert_int_equal(position_of(&r, third), 1001);
}

static int64_t eta_of(struct rig *r, int64_t id)
{
    SC_AUTO_JOB job = job_of(r, id);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    return sc_job_eta_ms(r->queue, conn, &job);
}

static void the_eta_comes_from_the_chunks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(eta_of(&r, id), -1);
    struct sc_task split = claim_one(&r);
    for (int chunk = 0; chunk < 5; chunk++)
        assert_int_equal(add_chunk(&r, id, chunk), SC_OK);
    assert_int_equal(complete(&r, &split, NULL), SC_OK);
    assert_int_equal(eta_of(&r, id), -1);
    struct sc_task got[2];
    assert_int_equal(claim(&r, got, 2), 2);
    test_clock_step(&r.clock, 1000);
    assert_int_equal(complete(&r, &got[0], NULL), SC_OK);
    assert_int_equal(eta_of(&r, id), 4000); /* four left, one in work */
    assert_int_equal(claim(&r, got, 1), 1);
    assert_int_equal(eta_of(&r, id), 2000); /* two in work */
    assert_int_equal(on_job(&r, op_end, id), SC_OK);
    assert_int_equal(eta_of(&r, id), 0);
}

/* A job of `seconds` of sound for the engine. */
static int64_t create_sound(struct rig *r, const char *engine, int seconds)
{
    struct sc_job_spec spec = noop_spec();
    spec.engine = engine;
    spec.duration_ms = (int64_t)seconds * 1000;
    return create_from(r, &spec, NULL);
}

/* Completes in so many milliseconds. */
static void run_for(struct rig *r, int64_t ms)
{
    struct sc_task task = claim_one(r);
    test_clock_step(&r->clock, ms);
    assert_int_equal(complete(r, &task, NULL), SC_OK);
    assert_int_equal(on_job(r, op_end, task.job), SC_OK);
}

static void a_job_that_waits_has_an_eta_from_those_before_it(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 2;
    restart(&r);
    r.worker = register_worker(&r, "local-2", true);
    int64_t first = create_sound(&r, "fast", 100);
    assert_int_equal(eta_of(&r, first), -1); /* nothing was ever measured */
    run_for(&r, 10000);                      /* ten times real time */
    (void)create_sound(&r, "slow", 100);
    run_for(&r, 200000); /* half of real time */
    int64_t one = create_sound(&r, "fast", 200), two = create_sound(&r, "slow", 50);
    assert_int_equal(eta_of(&r, one), 20000); /* they have places */
    assert_int_equal(eta_of(&r, two), 100000);
    int64_t three = create_sound(&r, "fast", 300), four = create_sound(&r, "slow", 10);
    assert_int_equal(eta_of(&r, three), (20000 + 100000) / 2 + 30000);
    assert_int_equal(eta_of(&r, four), (20000 + 100000 + 30000) / 2 + 20000);
    int64_t other = create_sound(&r, "new", 10); /* of the pipeline's pace: 210 s for 200 s */
    assert_int_equal(eta_of(&r, other), (20000 + 100000 + 30000 + 20000) / 2 + 10500);
    struct sc_task task = claim_one(&r);
    assert_int_equal(task.job, one);
    test_clock_step(&r.clock, 5000);
    assert_int_equal(eta_of(&r, one), 15000); /* no chunk is known of it */
    assert_int_equal(eta_of(&r, three), (15000 + 100000) / 2 + 30000);
    pause_class(&r, SC_CLASS_NORMAL, true);
    assert_int_equal(eta_of(&r, three), -1);
    pause_class(&r, SC_CLASS_NORMAL, false);
    assert_int_equal(on_job(&r, op_cancel, four), SC_OK);
    assert_int_equal(eta_of(&r, four), -1);
}

static void the_eta_of_a_scheduled_job_begins_at_its_time(void **state)
{
    (void)state;
    AUTO_RIG(r);
    (void)create_sound(&r, "fast", 100);
    run_for(&r, 10000);
    struct sc_job_spec spec = noop_spec();
    spec.engine = "fast";
    spec.duration_ms = 50000;
    spec.run_after_ms = sc_clock_wall_ms() + 3600000;
    int64_t later = create_from(&r, &spec, NULL);
    assert_int_equal(eta_of(&r, later), 3605000);
    spec.run_after_ms = 0;
    spec.duration_ms = -1; /* of unknown length: as long as the others took */
    assert_int_equal(eta_of(&r, create_from(&r, &spec, NULL)), 10000);
}

/* What is too far back to be looked at is like what is near. */
static void the_eta_behind_many_is_in_proportion(void **state)
{
    (void)state;
    AUTO_RIG(r);
    (void)create_sound(&r, "fast", 100);
    run_for(&r, 10000);
    r.config.max_concurrent[SC_CLASS_NORMAL] = 1;
    restart(&r);
    (void)create_sound(&r, "fast", 10);
    for (int i = 0; i < 60; i++)
        (void)create_sound(&r, "fast", 10);
    assert_int_equal(eta_of(&r, create_sound(&r, "fast", 10)), 62 * 1000);
}

static void what_workers_tell_of_their_chunks_counts(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task first = claim_one(&r);
    assert_int_equal(add_chunk(&r, id, 0), SC_OK);
    assert_int_equal(add_chunk(&r, id, 1), SC_OK);
    assert_int_equal(complete(&r, &first, NULL), SC_OK);
    struct sc_task task = claim_one(&r);
    struct sc_held held = { .task_id = task.id, .epoch = task.epoch };
    {
        SC_AUTO_JOB job = job_of(&r, id);
        assert_int_equal(sc_job_progress(r.queue, &job), 0);
        assert_int_equal(eta_of(&r, id), -1);
    }
    test_clock_step(&r.clock, 3000);
    held.progress = 50;
    assert_int_equal(beat(&r, r.worker, &held, 1), SC_OK);
    {
        SC_AUTO_JOB job = job_of(&r, id);
        assert_int_equal(sc_job_progress(r.queue, &job), 95 / 4);
        assert_true(eta_of(&r, id) > 0);
    }
    held.epoch++; /* of a lease that has been lost */
    held.progress = 90;
    assert_int_equal(beat(&r, r.worker, &held, 1), SC_OK);
    held.epoch--;
    {
        SC_AUTO_JOB job = job_of(&r, id);
        assert_int_equal(sc_job_progress(r.queue, &job), 95 / 4);
    }
    SC_AUTO_JOB before = job_of(&r, id);
    assert_int_equal(complete(&r, &task, NULL),
                     SC_OK); /* it counts as done, and no more beside that */
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(sc_job_progress(r.queue, &job), 95 / 2);
    /* Also for whoever has read the row before the commit: nothing goes back. */
    assert_int_equal(sc_job_progress(r.queue, &before), 95 / 2);
}

static void while_split_runs_the_rest_is_estimated(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job job = { .state = SC_JOB_PROCESSING,
                          .chunks_total = 2,
                          .chunks_completed = 2,
                          .duration_ms = 120000,
                          .split_samples = 60000 * 16 };
    assert_int_equal(sc_job_progress(r.queue, &job), 47); /* half is cut: two more are to come */
    job.split_done = true;
    assert_int_equal(sc_job_progress(r.queue, &job), 95);
}

static enum sc_code op_key(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_idempotency *key = ctx;
    int64_t job = key->job;
    enum sc_code code = sc_idempotency_find(tx, key, err);
    if (code != SC_OK || key->job != 0 || job == 0)
        return code;
    struct sc_idempotency made = *key;
    made.job = job;
    return sc_idempotency_put(tx, &made, err);
}

static enum sc_code use_key(struct rig *r, struct sc_idempotency *key)
{
    return sc_store_write(r->f.store, SC_DURABLE, op_key, key, NULL);
}

static void idempotency_keys_live_for_a_day(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    struct sc_idempotency first = { 1, "k", "a", id, 0 };
    assert_int_equal(use_key(&r, &first), SC_OK);
    assert_int_equal(first.job, 0); /* it was new */
    struct sc_idempotency again = { 1, "k", "a", 0, 0 };
    assert_int_equal(use_key(&r, &again), SC_OK);
    assert_int_equal(again.job, id);
    struct sc_idempotency other = { 1, "k", "b", -1, -1 };
    assert_int_equal(use_key(&r, &other), SC_E_IDEMPOTENCY_CONFLICT);
    assert_int_equal(other.job, -1);

    test_clock_step(&r.clock, INT64_C(24) * 3600 * 1000);
    (void)sweep(&r, NULL);
    assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), 1);
    test_clock_step(&r.clock, 1);
    (void)sweep(&r, NULL);
    assert_int_equal(ask(&r, "SELECT count(*) FROM idempotency"), 0);
}

static enum sc_code op_once_begin(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_once_begin(tx, ctx, err);
}

static enum sc_code op_once_end(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_once_end(tx, ctx, err);
}

static enum sc_code op_once_drop(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_once_drop(tx, ctx, err);
}

static enum sc_code once_by(struct rig *r, struct sc_once *once, sc_write_fn fn)
{
    return sc_store_write(r->f.store, SC_DURABLE, fn, once, NULL);
}

static void a_claimed_key_tells_what_came_of_it(void **state)
{
    (void)state;
    AUTO_RIG(r);
    char thing[] = "/api/things/1";
    struct sc_once first = { .owner_id = 1, .key = "k", .fingerprint = "aa", .run = 5 };
    assert_int_equal(once_by(&r, &first, op_once_begin), SC_OK);
    assert_int_equal(first.state, SC_ONCE_NEW);

    struct sc_once again = { .owner_id = 1, .key = "k", .fingerprint = "aa", .run = 5 };
    assert_int_equal(once_by(&r, &again, op_once_begin), SC_OK);
    assert_int_equal(again.state, SC_ONCE_OPEN);
    again.run = 6; /* the server was started again */
    assert_int_equal(once_by(&r, &again, op_once_begin), SC_OK);
    assert_int_equal(again.state, SC_ONCE_CUT);
    assert_null(again.made);

    /* Longer, shorter and other ones are no request of its own. */
    static const char *const others[] = { "a", "aab", "bb", "aa open 5" };
    for (size_t i = 0; i < SC_ARRAY_LEN(others); i++) {
        struct sc_once other = { .owner_id = 1, .key = "k", .fingerprint = others[i], .run = 5 };
        assert_int_equal(once_by(&r, &other, op_once_begin), SC_E_IDEMPOTENCY_CONFLICT);
        struct sc_idempotency of_job = { 1, "k", others[i], 0, 0 };
        if (i < 3)
            assert_int_equal(use_key(&r, &of_job), SC_E_IDEMPOTENCY_CONFLICT);
    }
    first.made = thing;
    assert_int_equal(once_by(&r, &first, op_once_end), SC_OK);
    for (int i = 0; i < 2; i++) { /* the place of an earlier look is let go */
        assert_int_equal(once_by(&r, &again, op_once_begin), SC_OK);
        assert_int_equal(again.state, SC_ONCE_DONE);
        assert_string_equal(again.made, thing);
    }
    sc_freep(&again.made);
}

/* What was claimed by nobody, by another or for a job stays as it is. */
static void only_a_claim_is_ended(void **state)
{
    (void)state;
    AUTO_RIG(r);
    char thing[] = "/api/things/1";
    struct sc_once once = { .owner_id = 1, .key = "k", .fingerprint = "aa", .run = 5 };
    struct sc_once of_job = { .owner_id = 1, .key = "j", .fingerprint = "aa", .run = 5 };
    struct sc_idempotency job = { 1, "j", "aa", create(&r, SC_CLASS_NORMAL, 0), 0 };
    assert_int_equal(use_key(&r, &job), SC_OK);
    assert_int_equal(once_by(&r, &of_job, op_once_drop), SC_OK);
    assert_int_equal(once_by(&r, &of_job, op_once_begin), SC_E_IDEMPOTENCY_CONFLICT);

    assert_int_equal(once_by(&r, &once, op_once_begin), SC_OK);
    assert_int_equal(once_by(&r, &once, op_once_drop), SC_OK);
    assert_int_equal(once_by(&r, &once, op_once_begin), SC_OK);
    assert_int_equal(once.state, SC_ONCE_NEW);
    once.made = thing;
    assert_int_equal(once_by(&r, &once, op_once_end), SC_OK);
    assert_int_equal(once_by(&r, &once, op_once_drop), SC_OK);
    once.made = NULL;
    assert_int_equal(once_by(&r, &once, op_once_begin), SC_OK);
    assert_int_equal(once.state, SC_ONCE_DONE);
    sc_freep(&once.made);
}

static void a_key_of_a_job_is_none_of_another_request(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_idempotency job = { 1, "k", "aa", create(&r, SC_CLASS_NORMAL, 0), 0 };
    assert_int_equal(use_key(&r, &job), SC_OK);
    struct sc_once once = { .owner_id = 1, .key = "k", .fingerprint = "aa", .run = 5 };
    assert_int_equal(once_by(&r, &once, op_once_begin), SC_E_IDEMPOTENCY_CONFLICT);
}

static void statistics_count_without_history(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.max_concurrent[SC_CLASS_LOW] = 3;
    restart(&r);
    r.worker = register_worker(&r, "w1", true);
    for (int i = 0; i < 5; i++)
        create(&r, SC_CLASS_LOW, 0);
    test_clock_step(&r.clock, 500);
    run_one_job(&r);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_FILE_FORMAT), SC_OK);
    (void)claim_one(&r);
    pause_class(&r, SC_CLASS_LOW, true);

    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_queue_stats stats;
    int64_t ready, running;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_queue_stats(r.queue, conn, &stats, NULL), SC_OK);
    assert_int_equal(stats.class[SC_CLASS_LOW].pending, 2);
    assert_int_equal(stats.class[SC_CLASS_LOW].running, 1);
    assert_int_equal(stats.class[SC_CLASS_LOW].failed, 1);
    assert_int_equal(stats.class[SC_CLASS_LOW].oldest_age_ms, 500);
    assert_int_equal(stats.class[SC_CLASS_LOW].max_concurrent, 3);
    assert_true(stats.class[SC_CLASS_LOW].paused);
    assert_false(stats.class[SC_CLASS_HIGH].paused);
    assert_int_equal(stats.class[SC_CLASS_HIGH].pending, 0);
    assert_int_equal(stats.tasks_ready, 2);
    assert_int_equal(stats.tasks_running, 1);
    assert_int_equal(stats.completed_total, 1);
    assert_int_equal(stats.failed_total, 1);
    assert_int_equal(sc_queue_demand(conn, &ready, &running, NULL), SC_OK);
    assert_int_equal(ready, 2);
    assert_int_equal(running, 1);
}

static void the_servers_own_tasks_demand_no_worker(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_job_spec spec = noop_spec();
    spec.first_lane = "server";
    create_from(&r, &spec, NULL);
    create_from(&r, &spec, NULL);
    (void)claim_one(&r);
    spec.first_lane = "zeta";
    create_from(&r, &spec, NULL);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int64_t ready, running;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_queue_demand(conn, &ready, &running, NULL), SC_OK);
    assert_int_equal(ready, 1);
    assert_int_equal(running, 0);
}

static enum sc_code op_create_and_refuse(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    enum sc_code code = op_create(tx, ctx, err);
    struct op *op = ctx;
    sc_job_done(&op->job);
    return code == SC_OK ? sc_error_set(err, SC_E_CONFLICT, "changed its mind") : code;
}

static void events_are_published_after_the_commit_only(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO(sc_subscriber_closep)
    struct sc_subscriber *sub = sc_subscriber_open(r.hub, 1, 0, 16, NULL, NULL);
    struct sc_job_spec spec = noop_spec();
    struct op op = { .spec = &spec };
    struct sc_event event;
    assert_int_equal(do_write(&r, op_create_and_refuse, &op), SC_E_CONFLICT);
    assert_false(sc_subscriber_next(sub, &event));

    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    assert_true(sc_subscriber_next(sub, &event));
    assert_int_equal(event.kind, SC_EVENT_JOB_CREATED);
    assert_int_equal(event.job, id);
    assert_true(event.id > 0);
    (void)run_one_job(&r);
    static const enum sc_event_kind expected[] = {
        SC_EVENT_JOB_STARTED,    SC_EVENT_STAGE_STARTED,   SC_EVENT_TASK_CLAIMED,
        SC_EVENT_TASK_COMPLETED, SC_EVENT_STAGE_COMPLETED, SC_EVENT_JOB_COMPLETED,
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        assert_true(sc_subscriber_next(sub, &event));
        assert_int_equal(event.kind, expected[i]);
    }
    assert_int_equal(event.progress, 100);
    assert_int_equal(event.state, SC_JOB_COMPLETED);
    assert_false(sc_subscriber_next(sub, &event));
}

struct log {
    struct sc_event at[32];
    size_t count;
};

static enum sc_code note_event(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    (void)err;
    struct log *log = ctx;
    log->at[log->count++] = *event;
    return SC_OK;
}

static void the_log_can_be_read_from_a_cursor(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t a = create(&r, SC_CLASS_NORMAL, 0);
    create(&r, SC_CLASS_NORMAL, 0);
    struct sc_task task = claim_one(&r);
    assert_int_equal(fail_task(&r, &task, SC_E_FILE_FORMAT), SC_OK);

    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    struct log whole = { 0 }, rest = { 0 };
    struct sc_event_filter filter = { .owner_id = 1, .job = a, .limit = 30 };
    assert_int_equal(sc_event_list(conn, &filter, note_event, &whole, NULL), SC_OK);
    assert_int_equal(whole.count, 6);
    const struct sc_event *last = &whole.at[5];
    assert_int_equal(last->kind, SC_EVENT_JOB_FAILED);
    assert_int_equal(last->code, SC_E_FILE_FORMAT);
    assert_string_equal(last->message, "said by the test");
    assert_string_equal(whole.at[3].worker, "w1");
    assert_int_equal(whole.at[3].epoch, 1);
    assert_int_equal(whole.at[0].chunk, -1);

    filter = (struct sc_event_filter){ .after_id = whole.at[2].id, .limit = 30 };
    assert_int_equal(sc_event_list(conn, &filter, note_event, &rest, NULL), SC_OK);
    assert_int_equal(rest.count, 3);
    assert_int_equal(rest.at[2].id, last->id);
    filter.owner_id = 2;
    assert_int_equal(sc_event_list(conn, &filter, note_event, &rest, NULL), SC_OK);
    assert_int_equal(rest.count, 3);
    int64_t newest = 0;
    assert_int_equal(sc_event_newest(conn, &newest, NULL), SC_OK);
    assert_int_equal(newest, last->id);
}

static void raise_flag(void *ctx)
{
    (*(int *)ctx)++;
}

static void hooks_tell_of_ready_and_of_cancelled_tasks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int ready = 0, cancelled = 0;
    sc_queue_on_ready(r.queue, raise_flag, &ready);
    sc_queue_on_cancel(r.queue, raise_flag, &cancelled);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(ready, 1);
    struct sc_task task = claim_one(&r);
    assert_int_equal(ready, 1);
    assert_int_equal(release(&r, &task), SC_OK);
    assert_int_equal(ready, 2);
    (void)claim_one(&r);
    assert_int_equal(cancelled, 0);
    assert_int_equal(on_job(&r, op_cancel, id), SC_OK);
    assert_int_equal(cancelled, 1);
    assert_int_equal(on_job(&r, op_cancel, create(&r, SC_CLASS_LOW, 0)), SC_OK);
    assert_int_equal(cancelled, 1); /* nobody held it */
    create(&r, SC_CLASS_NORMAL, 0);
    task = claim_one(&r);
    int before = ready;
    assert_int_equal(fail_task(&r, &task, SC_E_ENGINE_ERROR), SC_OK);
    assert_int_equal(ready, before); /* it backs off */
    test_clock_step(&r.clock, 1000);
    (void)sweep(&r, NULL);
    assert_int_equal(ready, before + 1);
}

static void listeners_come_and_go_by_their_context(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int first = 0, second = 0;
    sc_queue_on_ready(r.queue, raise_flag, &first);
    sc_queue_on_ready(r.queue, raise_flag, &second);
    sc_queue_on_ready(r.queue, raise_flag, &second); /* the same one */
    create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(first, 1);
    assert_int_equal(second, 1);
    sc_queue_on_ready(r.queue, NULL, &first);
    create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(first, 1);
    assert_int_equal(second, 2);
}

static void what_a_new_job_has_not_yet_is_told_as_none(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    {
        SC_AUTO_JOB job = job_of(&r, id);
        const int64_t zero[] = { job.file_id,       job.transcript_id, job.campaign_id,
                                 job.worker_id,     job.run_after_ms,  job.timeout_ms,
                                 job.processing_ms, job.started_ms,    job.completed_ms,
                                 job.archived_ms,   job.error_code,    job.split_samples,
                                 job.retry_count };
        for (size_t i = 0; i < SC_ARRAY_LEN(zero); i++)
            assert_int_equal(zero[i], 0);
        assert_int_equal(job.stage, -1);
        assert_int_equal(job.duration_ms, -1);
        assert_int_equal(job.error_stage, -1);
        assert_int_equal(job.error_chunk, -1);
    }
    (void)claim_one(&r);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.worker_id, r.worker);
}

static void a_job_whose_tasks_have_gone_cannot_go_on(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    assert_int_equal(on_job(&r, op_cancel, id), SC_OK);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM tasks"), SC_OK);
    assert_int_equal(on_job(&r, op_retry, id), SC_E_CONFLICT);
    assert_int_equal(state_of(&r, id), SC_JOB_CANCELLED);
}

static enum sc_code count_event(void *ctx, const struct sc_event *event, struct sc_error *err)
{
    (void)event, (void)err;
    ++*(int *)ctx;
    return SC_OK;
}

static void events_of_a_job_are_for_its_owner_and_for_nobody_in_particular(void **state)
{
    (void)state;
    static const struct {
        int64_t owner;
        bool some;
    } rows[] = { { 0, true }, { 1, true }, { 2, false } };
    AUTO_RIG(r);
    int64_t id = create(&r, SC_CLASS_NORMAL, 0);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        int count = 0;
        struct sc_event_filter filter = { .owner_id = rows[i].owner, .job = id, .limit = 10 };
        assert_int_equal(sc_event_list(conn, &filter, count_event, &count, NULL), SC_OK);
        assert_true((count > 0) == rows[i].some);
    }
}

#define PAST                                                                                   \
    "(run_after_ms IS NULL) + (error_chunk IS NULL) + (error_stage IS NULL) + (error_code IS " \
    "NULL)"                                                                                    \
    " + (error_message IS NULL) + (deadline_ms IS NULL) + (completed_ms IS NULL)"              \
    " + (processing_ms IS NULL) + (expires_ms IS NULL) + (started_ms IS NULL)"                 \
    " + (started_clock_ms IS NULL) + (stage_clock_ms IS NULL) + (dead_letter = 0)"

static void a_retried_job_has_no_past(void **state)
{
    (void)state;
    AUTO_RIG(r);
    r.config.failure_ttl_ms = 3600000;
    restart(&r);
    r.worker = register_worker(&r, "w2", true);
    struct sc_job_spec spec = noop_spec();
    spec.run_after_ms = T0 + 1000;
    spec.timeout_ms = 60000;
    spec.max_failures = 1;
    int64_t id = create_from(&r, &spec, NULL);
    assert_int_equal(add_chunk(&r, id, 0), SC_OK);
    test_clock_step(&r.clock, 1000);
    (void)sweep(&r, NULL);
    struct sc_task got[2];
    assert_int_equal(claim(&r, got, 2), 2);
    assert_int_equal(fail_task(&r, &got[1], SC_E_ENGINE_ERROR), SC_OK);
    /* All but the deadline, which an ended job has none of. */
    assert_int_equal(ask(&r, "SELECT " PAST " FROM jobs"), 1);
    assert_int_equal(ask(&r, "SELECT error_chunk FROM jobs"), 0);
    assert_int_equal(on_job(&r, op_retry, id), SC_OK);
    assert_int_equal(ask(&r, "SELECT " PAST " FROM jobs"), 13);
    assert_int_equal(ask(&r, "SELECT sum(failures) FROM tasks"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(creating_makes_the_job_and_its_first_task),
        TEST(an_order_says_what_a_worker_needs),
        TEST(others_jobs_are_not_found),
        TEST(the_same_work_is_done_once_until_it_fails),
        TEST(the_same_work_is_done_in_the_highest_class_that_was_asked_for),
        TEST(whoever_waits_does_not_wait_for_a_later_time),
        TEST(whoever_waits_gets_what_was_heard_with_other_threads),
        TEST(force_takes_the_key),
        TEST(the_key_of_an_earlier_version_finds_its_job),
        TEST(a_scheduled_job_waits_for_its_time),
        TEST(a_scheduled_job_can_be_cancelled_and_retried),
        TEST(cancelling_stops_everything_at_once),
        TEST(a_dead_letter_gets_its_chances_again),
        TEST(verdicts_need_a_job_that_runs),
        TEST(the_pipeline_may_fail_a_job),
        TEST(stages_are_logged_with_their_time),
        TEST(the_position_counts_those_before),
        TEST(the_eta_comes_from_the_chunks),
        TEST(a_job_that_waits_has_an_eta_from_those_before_it),
        TEST(the_eta_of_a_scheduled_job_begins_at_its_time),
        TEST(the_eta_behind_many_is_in_proportion),
        TEST(what_workers_tell_of_their_chunks_counts),
        TEST(while_split_runs_the_rest_is_estimated),
        TEST(idempotency_keys_live_for_a_day),
        TEST(a_claimed_key_tells_what_came_of_it),
        TEST(only_a_claim_is_ended),
        TEST(a_key_of_a_job_is_none_of_another_request),
        TEST(statistics_count_without_history),
        TEST(the_servers_own_tasks_demand_no_worker),
        TEST(events_are_published_after_the_commit_only),
        TEST(the_log_can_be_read_from_a_cursor),
        TEST(hooks_tell_of_ready_and_of_cancelled_tasks),
        TEST(listeners_come_and_go_by_their_context),
        TEST(a_retried_job_has_no_past),
        TEST(what_a_new_job_has_not_yet_is_told_as_none),
        TEST(a_job_whose_tasks_have_gone_cannot_go_on),
        TEST(events_of_a_job_are_for_its_owner_and_for_nobody_in_particular),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
