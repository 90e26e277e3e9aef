/* What goes wrong on the way: late results, stopped merges, headers that lie. */

#include "rig.h"

#include "pipeline/mend.h"

#include "base/banned.h"

static void start(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

struct fenced {
    struct rig *r;
    struct sc_fence fence;
};

static enum sc_code write_release(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct fenced *f = ctx;
    return sc_task_release(f->r->queue, tx, &f->fence, err);
}

static void a_late_result_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct sc_chunk_work late, now;
    int fd = -1;
    int64_t size = 0;
    start(&r);
    int64_t id = start_job(&r, 20000, 8000, null_job);
    wait_for(&watch, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 0", 1);
    assert_int_equal(claim_chunks(&r, 1, &late), 1);
    struct fenced f = { &r, fence_of(&r, &late.task) };
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_release, &f, NULL), SC_OK);
    assert_int_equal(claim_chunks(&r, 1, &now), 1);
    assert_true(now.task.epoch > late.task.epoch);
    assert_int_equal(complete(&r, &late, NULL), SC_E_LEASE_LOST);
    assert_int_equal(sc_chunk_input(r.p, &f.fence, &fd, &size, NULL), SC_E_LEASE_LOST);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments"), 0);
    bool repeated = true;
    assert_int_equal(complete(&r, &now, &repeated), SC_OK);
    assert_false(repeated);
    assert_int_equal(complete(&r, &now, &repeated), SC_OK); /* its answer was lost, say */
    assert_true(repeated);
    assert_int_equal(complete(&r, &late, NULL), SC_E_LEASE_LOST);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 20);
    sc_chunk_work_done(&late);
    sc_chunk_work_done(&now);
}

static void a_result_that_is_no_text_is_refused(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct sc_chunk_work w;
    bool repeated = false;
    start(&r);
    int64_t id = start_job(&r, 5000, 8000, null_job);
    wait_for(&watch, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 0", 1);
    assert_int_equal(claim_chunks(&r, 1, &w), 1);
    struct sc_chunk_result bad = { .fence = fence_of(&r, &w.task) };
    struct sc_segment *s = sc_segments_add(&bad.segments);
    s->start_ms = 900;
    s->end_ms = 100;
    assert_int_equal(sc_chunk_complete(r.p, &bad, NULL, &repeated, NULL), SC_E_INVALID_VALUE);
    sc_segments_done(&bad.segments);
    /* It still holds the task and may do better. */
    assert_int_equal(complete(&r, &w, NULL), SC_OK);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 5);
    sc_chunk_work_done(&w);
}

static void words_beyond_the_end_of_the_chunk_are_drawn_in(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct sc_chunk_work w;
    bool repeated = false;
    start(&r);
    int64_t id = start_job(&r, 5000, 8000, null_job);
    wait_for(&watch, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 0", 1);
    assert_int_equal(claim_chunks(&r, 1, &w), 1);
    struct sc_chunk_result result = { .fence = fence_of(&r, &w.task) };
    struct sc_segment *s = sc_segments_add(&result.segments);
    assert_true(sc_segment_add_word(s, SC_STR("far"), 4000, 99000, 1));
    sc_segment_settle(s);
    assert_int_equal(sc_chunk_complete(r.p, &result, NULL, &repeated, NULL), SC_OK);
    sc_segments_done(&result.segments);
    sc_chunk_work_done(&w);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_int_equal(ask(&r, "SELECT max(end_ms) FROM segments"), 5000);
}

struct failed {
    struct rig *r;
    int64_t id;
};

static enum sc_code write_retry(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct failed *f = ctx;
    return sc_job_retry(f->r->queue, tx, f->id, err);
}

/* An outsider's trigger stops the merge at its second seam as a damaged row would. */
static const char no_second_seam[] =
    "CREATE TRIGGER no_second_seam BEFORE UPDATE OF overlaps_next ON chunks WHEN new.chunk = 1 "
    "BEGIN SELECT raise(ABORT, 'not now'); END";

static void a_merge_that_was_stopped_settles_each_seam_once(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    int64_t id = start_job(&r, 88000, 8000, null_job);
    assert_int_equal(outside(r.f.path, no_second_seam), SQLITE_OK);
    start(&r);
    wait_for(&watch, "SELECT split_done FROM jobs", 1);
    assert_int_equal(work_some(&r, 4), 3);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_FAILED);
    assert_int_equal(ask(&r, "SELECT overlaps_next FROM chunks WHERE chunk = 0"), 2);
    assert_int_equal(ask(&r, "SELECT overlaps_next FROM chunks WHERE chunk = 1"), 1);
    int64_t row = ask(&r, "SELECT max(id) FROM segments WHERE chunk = 0");
    assert_int_equal(outside(r.f.path, "DROP TRIGGER no_second_seam"), SQLITE_OK);
    struct failed f = { &r, id };
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_retry, &f, NULL), SC_OK);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 88);
    assert_int_equal(ask(&r, "SELECT max(id) FROM segments WHERE chunk = 0"), row);
    assert_int_equal(ask(&r, "SELECT count(*) FROM chunks WHERE overlaps_next = 2"), 2);
}

/* Silence of 8 kHz for so many seconds, as a file with a hole in it. */
static int64_t start_long_silence(struct rig *r, uint32_t seconds, const char *const *pairs)
{
    char head[44];
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_FREE char *path = NULL;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = options_from(pairs);
    SC_AUTO(sc_arrived_done) struct sc_arrived out = { 0 };
    struct sc_error err = { 0 };
    int64_t size = 44 + (int64_t)seconds * 16000;
    wav_header(head, 8000, seconds * 8000);
    assert_int_equal(sc_file_temp(r->f.dir.path, ".up", &fd, &path, NULL), SC_OK);
    assert_int_equal(sc_file_write_all(fd, head, sizeof(head), NULL), SC_OK);
    assert_int_equal(ftruncate(fd, size), 0);
    const struct sc_arrival a = {
        .owner_id = ANNA,
        .temp_path = path,
        .fd = fd,
        .size = size,
        .sha256 = "1111111111111111111111111111111111111111111111111111111111111111",
        .name = "long.wav",
        .source = "api",
    };
    if (sc_pipelines_arrive(r->p, &a, options, &out, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    return out.job.id;
}

static void a_recording_far_longer_than_its_header_says_fails_its_job(void **state)
{
    (void)state;
    static const char *const vad[] = { "engine", "null", "vad", "on", NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    int64_t id = start_long_silence(&r, 3610, vad);
    /* What the probe of a lying header would have noted. */
    assert_int_equal(write_sql(r.f.store, "UPDATE files SET duration_ms = 1000"), SC_OK);
    start(&r);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_FAILED);
    SC_AUTO_JOB job = job_of(&r, id);
    char path[PATH_MAX], name[64];
    assert_int_equal(job.error_code, SC_E_FILE_TOO_LARGE);
    assert_non_null(strstr(job.error_message, "3600 s"));
    assert_int_equal(job.error_stage, SC_STAGE_SPLIT);
    assert_false(job.dead_letter);
    (void)snprintf(name, sizeof(name), "work/%s", job.job_id);
    assert_int_equal(access(test_path(&r.f.dir, name, path), F_OK), -1);
}

static void bytes_that_have_gone_fail_the_job_and_say_so(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    int64_t id = start_job(&r, 5000, 8000, null_job);
    char path[PATH_MAX];
    assert_int_equal(sc_dir_remove(test_path(&r.f.dir, "audio", path), NULL), SC_OK);
    start(&r);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_FAILED);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.error_code, SC_E_FILE_NOT_FOUND);
}

static void work_of_jobs_that_have_gone_is_removed_at_the_start(void **state)
{
    (void)state;
    AUTO_RIG(r);
    char path[PATH_MAX], name[128];
    int64_t id = start_job(&r, 5000, 8000, null_job);
    SC_AUTO_JOB job = job_of(&r, id);
    (void)snprintf(name, sizeof(name), "work/%s/chunks", job.job_id);
    assert_int_equal(sc_dir_create(test_path(&r.f.dir, name, path), NULL), SC_OK);
    test_path(&r.f.dir, "work/01900000-0000-7000-8000-000000000000/chunks", path);
    assert_int_equal(sc_dir_create(path, NULL), SC_OK);
    test_path(&r.f.dir, "work/notes", path);
    assert_int_equal(sc_dir_create(path, NULL), SC_OK);
    sc_recover_work(r.p);
    assert_int_equal(access(test_path(&r.f.dir, name, path), F_OK), 0);
    assert_int_equal(access(test_path(&r.f.dir, "work/notes", path), F_OK), 0);
    test_path(&r.f.dir, "work/01900000-0000-7000-8000-000000000000", path);
    assert_int_equal(access(path, F_OK), -1);
}

static void cut_off(const struct test_dir *dir, const char *name, off_t size)
{
    char path[PATH_MAX];
    assert_int_equal(truncate(test_path(dir, name, path), size), 0);
}

static void chunks_whose_sound_has_gone_are_cut_again(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    char name[128], path[PATH_MAX];
    start(&r);
    int64_t id = start_job(&r, 170000, 8000, null_job);
    wait_for(&watch, "SELECT split_done FROM jobs", 1);
    assert_int_equal(work_some(&r, 1), 1);
    SC_AUTO_JOB job = job_of(&r, id);
    for (int chunk = 1; chunk < 5; chunk++) {
        (void)snprintf(name, sizeof(name), "work/%s/chunks/%06d.pcm", job.job_id, chunk);
        if (chunk == 1)
            assert_int_equal(unlink(test_path(&r.f.dir, name, path)), 0);
        else if (chunk == 2)
            cut_off(&r.f.dir, name, 1000);
        else if (chunk == 3) { /* as long as before, but other sound */
            cut_off(&r.f.dir, name, 30 * RATE * 2 - 1);
            cut_off(&r.f.dir, name, 30 * RATE * 2);
        }
    }
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 170);
    assert_int_equal(ask(&r, "SELECT sum(failures) + sum(interruptions) FROM tasks"), 0);
    (void)snprintf(name, sizeof(name), "logs/jobs/%s/split.log", job.job_id);
    SC_AUTO_FREE char *log = test_read(&r.f.dir, name);
    const char *again = strstr(log, "cut again");
    assert_non_null(again);
    assert_non_null(strstr(again, "chunks=3"));
    assert_null(strstr(again + 1, "cut again")); /* one pass for all of them */
}

static void a_whole_work_folder_may_go(void **state)
{
    (void)state;
    static const char *const split[] = { "engine", "null",     "vad",   "off", "chunk_length",
                                         "7s",     "channels", "split", NULL };
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    int64_t id = start_job(&r, 40000, 8000, split);
    wait_for(&watch, "SELECT split_done FROM jobs", 1);
    SC_AUTO_JOB job = job_of(&r, id);
    SC_AUTO_FREE char *work = sc_work_dir(r.p, job.job_id);
    assert_int_equal(sc_dir_remove(work, NULL), SC_OK);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    assert_text(&r, id, 40);
}

static void a_recording_that_is_another_now_is_not_mixed_in(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    struct sc_chunk_work w;
    struct sc_error err = { 0 };
    int fd = -1;
    int64_t bytes = 0;
    size_t size = 0;
    start(&r);
    int64_t id = start_job(&r, 40000, 8000, null_job);
    wait_for(&watch, "SELECT split_done FROM jobs", 1);
    SC_AUTO_JOB job = job_of(&r, id);
    SC_AUTO_FREE char *work = sc_work_dir(r.p, job.job_id);
    SC_AUTO_FREE char *quieter = make_wav(40000, 4000, &size);
    SC_AUTO_FREE char *path = sc_path_join(r.f.dir.path, job.input_file_path);
    assert_int_equal(sc_dir_remove(work, NULL), SC_OK);
    assert_int_equal(sc_file_write_atomic(path, quieter, size, NULL), SC_OK);
    assert_int_equal(claim_chunks(&r, 1, &w), 1);
    struct sc_fence fence = fence_of(&r, &w.task);
    assert_int_equal(sc_chunk_input(r.p, &fence, &fd, &bytes, &err), SC_E_AUDIO_ERROR);
    assert_non_null(strstr(err.msg, "no longer decodes to it"));
    sc_chunk_work_done(&w);
}

/* ---- exports ---- */

static void exports_that_a_kill_prevented_are_made_at_the_next_start(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    char name[128];
    free(r.config->auto_export);
    r.config->auto_export = strdup("srt, nonsense,txt");
    start(&r);
    int64_t id = start_job(&r, 5000, 8000, null_job);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    wait_for(&watch, "SELECT count(*) FROM jobs WHERE exports_due = 1", 0);
    SC_AUTO_JOB job = job_of(&r, id);
    (void)snprintf(name, sizeof(name), "transcripts/%s", job.job_id);
    SC_AUTO_FREE char *dir = sc_path_join(r.f.dir.path, name);
    /* As if the server had died between the completion and the export. */
    assert_int_equal(sc_dir_remove(dir, NULL), SC_OK);
    assert_int_equal(write_sql(r.f.store, "UPDATE jobs SET exports_due = 1"), SC_OK);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM export_history"), SC_OK);
    sc_pipelines_close(r.p);
    rig_open_pipelines(&r);
    start(&r);
    wait_for(&watch, "SELECT count(*) FROM jobs WHERE exports_due = 1", 0);
    (void)snprintf(name, sizeof(name), "transcripts/%s/transcript.txt", job.job_id);
    SC_AUTO_FREE char *text = test_read(&r.f.dir, name);
    assert_string_equal(text, "t0 t1 t2 t3 t4\n");
    assert_int_equal(ask(&r, "SELECT count(*) FROM export_history"), 2);
}

static void an_export_that_cannot_be_written_fails_no_job_and_stays_owed(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    start(&r);
    test_write(&r.f.dir, "transcripts", "a file where the folder should be");
    int64_t id = start_job(&r, 5000, 8000, null_job);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    sc_pipelines_stop(r.p);
    assert_int_equal(ask(&r, "SELECT exports_due FROM jobs"), 1);
    SC_AUTO_JOB job = job_of(&r, id);
    assert_int_equal(job.error_code, SC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_late_result_is_refused_and_changes_nothing),
        TEST(a_result_that_is_no_text_is_refused),
        TEST(words_beyond_the_end_of_the_chunk_are_drawn_in),
        TEST(a_merge_that_was_stopped_settles_each_seam_once),
        TEST(a_recording_far_longer_than_its_header_says_fails_its_job),
        TEST(bytes_that_have_gone_fail_the_job_and_say_so),
        TEST(work_of_jobs_that_have_gone_is_removed_at_the_start),
        TEST(chunks_whose_sound_has_gone_are_cut_again),
        TEST(a_whole_work_folder_may_go),
        TEST(a_recording_that_is_another_now_is_not_mixed_in),
        TEST(exports_that_a_kill_prevented_are_made_at_the_next_start),
        TEST(an_export_that_cannot_be_written_fails_no_job_and_stays_owed),
    };
    return cmocka_run_group_tests_name("pipeline/faults", tests, NULL, NULL);
}
