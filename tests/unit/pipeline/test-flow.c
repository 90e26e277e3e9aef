/* From the recording to the text, with the test as the worker. */

#include "rig.h"

#include "base/banned.h"

static void start(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

static void every_length_gives_exactly_its_seconds(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        int words, chunks;
    } cases[] = {
        { 100, 0, 1 },    { 1000, 1, 1 },   { 29000, 29, 1 }, { 30000, 30, 1 }, { 30400, 30, 2 },
        { 31000, 31, 2 }, { 59000, 59, 2 }, { 59700, 60, 3 }, { 60000, 60, 3 }, { 95000, 95, 4 },
    };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        int64_t id = start_job(&r, cases[i].ms, 8000, null_job);
        assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
        SC_AUTO_JOB job = job_of(&r, id);
        assert_text(&r, id, cases[i].words);
        assert_int_equal(job.chunks_total, cases[i].chunks);
        assert_int_equal(job.chunks_completed, cases[i].chunks);
        assert_int_equal(job.duration_ms, cases[i].ms);
        assert_int_equal(sc_job_progress(r.queue, &job), 100);
        assert_int_equal(job.stage, SC_STAGE_MERGE);
        assert_true(job.transcript_id != 0);
    }
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks WHERE overlaps_next = 1"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM files WHERE duration_counted = 0"), 0);
}

static void what_a_job_leaves_is_its_export_and_no_work(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    int64_t id = start_job(&r, 40000, 8000, null_job);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    wait_for(&watch, "SELECT count(*) FROM export_history", 1);
    SC_AUTO_JOB job = job_of(&r, id);
    char name[128], path[PATH_MAX];
    (void)snprintf(name, sizeof(name), "transcripts/%s/transcript.srt", job.job_id);
    SC_AUTO_FREE char *srt = test_read(&r.f.dir, name);
    assert_non_null(srt);
    assert_non_null(strstr(srt, "t39"));
    (void)snprintf(name, sizeof(name), "work/%s", job.job_id);
    assert_int_equal(access(test_path(&r.f.dir, name, path), F_OK), -1);
}

static void silence_ends_in_an_empty_transcript(void **state)
{
    (void)state;
    static const char *const vad[] = { "engine", "null", "vad", "on", NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    int64_t id = start_job(&r, 70000, 0, vad);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 0);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.chunks_total, 0);
    assert_int_equal(job.duration_ms, 70000);
    assert_int_equal(sc_job_progress(r.queue, &job), 100);
}

/* A segment a second, the third of which is likely no speech. */
static void hand_in_doubt(struct rig *r, const struct sc_chunk_work *w)
{
    bool repeated = false;
    struct sc_chunk_result result = { .fence = fence_of(r, &w->task) };
    for (int k = 0; k < 5; k++) {
        char text[] = { 't', (char)('0' + k), '\0' };
        struct sc_segment *s = sc_segments_add(&result.segments);
        assert_true(sc_segment_add_word(s, sc_str_from(text), k * 1000, k * 1000 + 1000, 1));
        assert_true(sc_segment_settle(s));
        s->no_speech = k == 2 ? 0.7F : k == 0 ? 0.1F : -1;
    }
    assert_int_equal(sc_chunk_complete(r->p, &result, NULL, &repeated, NULL), SC_OK);
    sc_segments_done(&result.segments);
}

static void words_where_nobody_speaks_are_left_out_and_told(void **state)
{
    (void)state;
    static const char *const all[] = { "engine", "null", "vad", "off", "no_speech_threshold",
                                       "1",      NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    for (int i = 0; i < 2; i++) {
        struct sc_chunk_work w;
        SC_AUTO_BUF text = { 0 };
        int64_t id = start_job(&r, 5000 + i, 8000, i == 0 ? null_job : all);
        wait_for(&watch, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 0", 1);
        assert_int_equal(claim_chunks(&r, 1, &w), 1);
        hand_in_doubt(&r, &w);
        sc_chunk_work_done(&w);
        assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
        text_of(&r, id, &text);
        assert_string_equal(sc_buf_text(&text), i == 0 ? "t0 t1 t3 t4" : "t0 t1 t2 t3 t4");
        SC_AUTO_JOB job = job_of(&r, id);
        assert_string_equal(
            job.warnings,
            i == 0 ? "[{\"code\":\"NO_SPEECH\",\"message\":\"words for 1.0 s are left out, as "
                     "nobody seems to speak there: in the sound 0:00.0 to 0:05.0; "
                     "no_speech_threshold=1 keeps every word\",\"start\":0.000,\"end\":5.000}]"
                   : "[]");
    }
    assert_int_equal(ask(&r, "SELECT sum(no_speech_ms) FROM chunks"), 1000);
}

static void one_warning_more_leaves_the_others_as_they_are(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    sc_sound_warn_no_speech(&out, "[{\"z\":1.50},{\"a\":[]}]", 2345, 61000, 3600000);
    assert_string_equal(sc_buf_text(&out),
                        "[{\"z\":1.50},{\"a\":[]},{\"code\":\"NO_SPEECH\",\"message\":\"words for "
                        "2.3 s are left out, as nobody seems to speak there: in the sound 1:01.0 "
                        "to 1:00:00.0; no_speech_threshold=1 keeps every word\",\"start\":61.000,"
                        "\"end\":3600.000}]");
}

static void split_waits_while_enough_is_ahead(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    r.config->split_ahead = 2;
    start(&r);
    int64_t id = start_job(&r, 200000, 8000, null_job);
    wait_for(&watch, "SELECT count(*) FROM chunks", 2);
    for (int i = 0; i < 7; i++) {
        assert_true(ask(&r, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 0") <= 2);
        wait_for(&watch, "SELECT count(*) > 0 FROM tasks WHERE stage = 2 AND state = 0", 1);
        assert_int_equal(work_some(&r, 1), 1);
    }
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 200);
}

static ino_t chunk_inode(struct rig *r, const char *job_id, int chunk)
{
    SC_AUTO_FREE char *path = sc_chunk_path(r->p, job_id, chunk);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void a_stopped_split_goes_on_and_passes_over_what_is_there(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    r.config->split_ahead = 3;
    start(&r);
    int64_t id = start_job(&r, 150000, 8000, null_job);
    SC_AUTO_JOB job = job_of(&r, id);
    wait_for(&watch, "SELECT count(*) FROM chunks", 3);
    assert_int_equal(work_some(&r, 1), 1);
    wait_for(&watch, "SELECT count(*) FROM chunks", 4);
    ino_t before = chunk_inode(&r, job.job_id, 1);
    sc_pipelines_stop(r.p);
    /* Given back at no charge. */
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE stage = 1 AND state = 0 AND "
                             "failures = 0 AND interruptions = 0"),
                     1);
    sc_pipelines_close(r.p);
    rig_open_pipelines(&r);
    start(&r);
    assert_int_equal(chunk_inode(&r, job.job_id, 1), before);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 150);
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks"), 6);
    assert_int_equal(ask(&r, "SELECT max(epoch) FROM tasks WHERE stage = 2"), 1);
}

struct cancelling {
    struct rig *r;
    int64_t id;
};

static enum sc_code write_cancel(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct cancelling *c = ctx;
    return sc_job_cancel(c->r->queue, tx, c->id, err);
}

static void a_job_that_is_cancelled_stops_its_split(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    r.config->split_ahead = 1;
    r.config->split_jobs = 1;
    start(&r);
    int64_t id = start_job(&r, 150000, 8000, null_job);
    wait_for(&watch, "SELECT count(*) FROM chunks", 1);
    assert_int_equal(
        sc_store_write(r.f.store, SC_DURABLE, write_cancel, &(struct cancelling){ &r, id }, NULL),
        SC_OK);
    /* The thread is free again: the next job is cut, though it is the only thread. */
    int64_t next = start_job(&r, 2000, 8000, null_job);
    assert_int_equal(work_to_the_end(&watch, next), SC_JOB_COMPLETED);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.state, SC_JOB_CANCELLED);
    assert_int_equal(job.chunks_total, 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE state IN (0, 1, 2, 3)"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_length_gives_exactly_its_seconds),
        TEST(what_a_job_leaves_is_its_export_and_no_work),
        TEST(silence_ends_in_an_empty_transcript),
        TEST(words_where_nobody_speaks_are_left_out_and_told),
        TEST(one_warning_more_leaves_the_others_as_they_are),
        TEST(split_waits_while_enough_is_ahead),
        TEST(a_stopped_split_goes_on_and_passes_over_what_is_there),
        TEST(a_job_that_is_cancelled_stops_its_split),
    };
    return cmocka_run_group_tests_name("pipeline/flow", tests, NULL, NULL);
}
