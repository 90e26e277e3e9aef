/* Times-to-live of ended jobs, cleaning them away, and their logs. Rows are made by hand: what ends
 * is the same whoever made it. */

#include "rig.h"

#include "base/alloc.h"

#include <unistd.h>

#include "base/banned.h"

#define DAY INT64_C(86400000)
#define ID1 "01932d6e-7c8b-7c3a-9f41-3d2a5be1c701"
#define ID2 "01932d6e-7c8b-7c3a-9f41-3d2a5be1c702"

static void sql(struct rig *r, const char *text)
{
    if (write_sql(r->f.store, text) != SC_OK)
        fail_msg("%s", text);
}

/* Two completed jobs of Anna with 250 segments, events, chunks and tasks each. */
static void make_jobs(struct rig *r)
{
    sql(r, "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes,"
           " format, codec, sample_rate, channels, uploaded_ms)"
           " VALUES (5, 1, 'h', 'n', 'p', 1, 'wav', 'pcm', 1, 1, 1);"
           "INSERT INTO origins (id, engine) VALUES (1, 'null');"
           "INSERT INTO jobs (id, job_id, owner_id, file_id, pipeline, class, state, admission,"
           " dedupe_key, created_ms, completed_ms, updated_ms)"
           " VALUES (1, '" ID1 "', 1, 5, 'transcribe', 1, 2, 3, 'k1', 1, 1000, 1),"
           " (2, '" ID2 "', 1, 5, 'transcribe', 1, 3, 3, NULL, 1, 2000, 1);"
           "INSERT INTO job_tags VALUES (1, 'a'), (2, 'a');"
           "INSERT INTO transcripts (id, owner_id, job, file_id, state, created_ms, updated_ms,"
           " current_version) VALUES (1, 1, 1, 5, 1, 1, 1, 1), (2, 1, 2, 5, 0, 1, 1, 0);"
           "INSERT INTO versions VALUES (1, 1, 1, 250, 250, 1, 1, '', 'h', NULL, 0);"
           "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249)"
           " INSERT INTO segments (segment_id, transcript_id, born, ord, start_ms, end_ms, text,"
           " origin_id, content_hash)"
           " SELECT i, t.id, 1, i, i, i + 1, 'word' || i, 1, 'h' FROM n, transcripts AS t;"
           "UPDATE segments SET died = 2 WHERE ord = 7;"
           "INSERT INTO segments_fts (rowid, text) SELECT id, text FROM segments_now;"
           "INSERT INTO segments_parts (rowid, text) SELECT id, text FROM segments_now;"
           "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249)"
           " INSERT INTO job_events (job, at_ms, kind, state) SELECT jobs.id, 1, 0, 0 FROM n, jobs;"
           "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249)"
           " INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash, processed_ms)"
           " SELECT jobs.id, i, i, i + 1, 'h', iif(i < 200, 1, NULL) FROM n, jobs;"
           "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 249)"
           " INSERT INTO tasks (job, stage, chunk, lane, state, class, priority)"
           " SELECT jobs.id, 2, i, 'engine:null', iif(i < 200, 4, 5), 1, 0 FROM n, jobs");
    for (int i = 1; i <= 2; i++) {
        char path[PATH_MAX];
        static const char *const below[] = { "work", "logs/jobs", "transcripts" };
        for (size_t k = 0; k < SC_ARRAY_LEN(below); k++) {
            (void)snprintf(path, sizeof(path), "%s/%s/%s", r->f.dir.path, below[k],
                           i == 1 ? ID1 : ID2);
            assert_int_equal(sc_dir_create(path, NULL), SC_OK);
        }
    }
}

static bool is_there(struct rig *r, const char *below, const char *id)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s/%s", r->f.dir.path, below, id);
    return access(path, F_OK) == 0;
}

/* All of what is due now; the time until the next thing is. */
static int64_t expire_all(struct rig *r)
{
    int64_t next = 0;
    for (int i = 0; next == 0; i++) {
        assert_true(i < 100);
        assert_int_equal(sc_pipelines_expire(r->p, &next, NULL), SC_OK);
    }
    return next;
}

static enum sc_code run_retry(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct rig *r = ctx;
    return sc_job_retry(r->queue, tx, 2, err);
}

static enum sc_code count_chunk(void *ctx, const struct sc_chunk *chunk, struct sc_error *err)
{
    int *done = ctx;
    (void)err;
    *done += strcmp(chunk->status, "done") == 0;
    return SC_OK;
}

static int chunks_done(struct rig *r)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    int done = 0;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    assert_int_equal(sc_chunk_list(conn, 2, count_chunk, &done, NULL), SC_OK);
    return done;
}

static void an_ended_job_loses_its_tasks_then_its_logs_and_nothing_else(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    assert_int_equal(expire_all(&r), -1);
    int64_t now = sc_queue_clock_ms(r.queue);
    char text[100];
    (void)snprintf(text, sizeof(text), "UPDATE jobs SET expires_ms = %lld WHERE id = 2",
                   (long long)now - 1);
    sql(&r, text);
    assert_in_range(expire_all(&r), 29 * DAY, 30 * DAY);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE job = 2"), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE job = 1"), 250);
    assert_false(is_there(&r, "work", ID2));
    assert_true(is_there(&r, "logs/jobs", ID2) && is_there(&r, "work", ID1));
    assert_int_equal(chunks_done(&r), 200);
    struct sc_error err = { 0 };
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, run_retry, &r, &err), SC_E_CONFLICT);
    assert_non_null(strstr(err.msg, "failure_ttl"));

    (void)snprintf(text, sizeof(text), "UPDATE jobs SET expires_ms = %lld WHERE id = 2",
                   (long long)now - 1);
    sql(&r, text); /* 30 days later */
    assert_int_equal(expire_all(&r), -1);
    assert_false(is_there(&r, "logs/jobs", ID2));
    assert_true(is_there(&r, "transcripts", ID2));
    /* Once: what goes after its tasks is told of with them. */
    assert_int_equal(ask(&r, "SELECT count(*) FROM changes WHERE kind = 'jobs.expired' AND "
                             "detail ->> 'jobs' = 1 AND changed_by = 1"),
                     1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM changes"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE expires_ms IS NULL"), 2);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments"), 500);
}

/* Its tasks are not taken from a job that runs again. */
static void a_job_that_was_retried_keeps_its_tasks(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, run_retry, &r, NULL), SC_OK);
    sql(&r, "UPDATE jobs SET expires_ms = 1 WHERE id = 2");
    int64_t next = -7;
    assert_int_equal(sc_pipelines_expire(r.p, &next, NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT count(*) FROM tasks WHERE job = 2"), 250);
    assert_true(is_there(&r, "work", ID2));
}

static int64_t clean(struct rig *r, struct sc_clean what)
{
    int64_t jobs = -1;
    what.owner_id = what.owner_id == 0 ? ANNA : what.owner_id;
    assert_int_equal(sc_pipelines_clean(r->p, &what, &jobs, NULL), SC_OK);
    return jobs;
}

static int64_t rows_of(struct rig *r, int job)
{
    char text[300];
    (void)snprintf(text, sizeof(text),
                   "SELECT (SELECT count(*) FROM jobs WHERE id = %d)"
                   " + (SELECT count(*) FROM tasks WHERE job = %d)"
                   " + (SELECT count(*) FROM chunks WHERE job = %d)"
                   " + (SELECT count(*) FROM job_tags WHERE job = %d)"
                   " + (SELECT count(*) FROM job_events WHERE job = %d)",
                   job, job, job, job, job);
    return ask(r, text);
}

/* The history has so many deletions by now, of which the newest is of this job. */
static void assert_deleted(struct rig *r, int changes, const char *job_id, int kept)
{
    char text[400];
    (void)snprintf(
        text, sizeof(text),
        "SELECT count(*) FROM changes WHERE kind = 'job.deleted' AND changed_by = %d AND "
        "file_id IS NULL AND job IS NULL AND id = (SELECT max(id) FROM changes) AND "
        "detail ->> 'job_id' = '%s' AND detail ->> 'kept_transcripts' = %d",
        ANNA, job_id, kept);
    assert_int_equal(ask(r, text), 1);
    assert_int_equal(ask(r, "SELECT count(*) FROM changes"), changes);
}

static void cleaning_counts_removes_and_keeps_transcripts(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    assert_int_equal(clean(&r, (struct sc_clean){ .before_ms = 1000, .state = -1 }), 0);
    assert_int_equal(
        clean(&r, (struct sc_clean){ .before_ms = 9000, .state = -1, .dry_run = true }), 2);
    assert_int_equal(
        clean(&r, (struct sc_clean){ .owner_id = BERT, .before_ms = 9000, .state = -1 }), 0);
    assert_int_equal(clean(&r, (struct sc_clean){ .before_ms = 9000, .state = SC_JOB_COMPLETED }),
                     1);
    assert_int_equal(rows_of(&r, 1), 0);
    assert_int_equal(rows_of(&r, 2), 1 + 4 * 250 - 250 + 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM transcripts WHERE job IS NULL"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments"), 500);
    assert_false(is_there(&r, "work", ID1) || is_there(&r, "logs/jobs", ID1));
    assert_true(is_there(&r, "transcripts", ID1));
    assert_deleted(&r, 1, ID1, 1);

    assert_int_equal(
        clean(&r, (struct sc_clean){ .before_ms = 9000, .state = -1, .with_transcripts = true }),
        1);
    assert_deleted(&r, 2, ID2, 0);
    assert_int_equal(rows_of(&r, 2), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM transcripts"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments"), 250);
    assert_false(is_there(&r, "transcripts", ID2));
    /* The index of words knows what is there, and nothing else. */
    sql(&r, "INSERT INTO segments_fts (segments_fts, rank) VALUES ('integrity-check', 1);"
            "INSERT INTO segments_parts (segments_parts, rank) VALUES ('integrity-check', 1)");
}

/* As a kill would leave it: marked, and some rows gone. */
static void what_was_interrupted_is_not_found_and_goes_on(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    sql(&r, "UPDATE jobs SET purge = 2 WHERE id = 1");
    int64_t next_ms = -1;
    assert_int_equal(sc_pipelines_purge(r.p, &next_ms, NULL), SC_OK);
    assert_int_equal(next_ms, 0);
    /* 1000 rows of it: no write removes more than its slice. */
    assert_true(ask(&r, "SELECT count(*) FROM segments WHERE transcript_id = 1") == 150);
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        SC_AUTO_JOB job = { 0 };
        assert_int_equal(sc_store_read(r.f.store, &conn, NULL), SC_OK);
        assert_int_equal(sc_job_find(conn, ANNA, ID1, &job, NULL), SC_E_JOB_NOT_FOUND);
    }
    assert_int_equal(clean(&r, (struct sc_clean){ .before_ms = 9000, .state = -1 }), 1);
    assert_int_equal(rows_of(&r, 1) + rows_of(&r, 2), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM transcripts"), 1);
}

static char *stuck_path(struct rig *r, int id)
{
    SC_AUTO_FREE char *name = sc_asprintf("%.34s%02d", ID1, id);
    return sc_work_dir(r->p, name);
}

/* A job and a plain file where its folder would be. */
static void make_stuck_job(struct rig *r, int id)
{
    SC_AUTO_FREE char *path = stuck_path(r, id);
    SC_AUTO_FREE char *text =
        sc_asprintf("INSERT INTO jobs (id, job_id, owner_id, pipeline, class, state, admission,"
                    " created_ms, completed_ms, updated_ms)"
                    " VALUES (%d, '%.34s%02d', 1, 'noop', 1, 2, 3, 1, 1000, 1)",
                    id, ID1, id);
    sql(r, text);
    assert_int_equal(sc_file_write_atomic(path, "x", 1, NULL), SC_OK);
}

/* Nor are more of them than are removed at a time. */
static void a_folder_that_will_not_go_is_in_nobodys_way(void **state)
{
    (void)state;
    AUTO_RIG(r);
    make_jobs(&r);
    for (int id = 3; id < 63; id++)
        make_stuck_job(&r, id);
    make_stuck_job(&r, 70);
    SC_AUTO_FREE char *last = stuck_path(&r, 70);
    assert_int_equal(unlink(last), 0);
    assert_int_equal(clean(&r, (struct sc_clean){ .before_ms = 9000, .state = -1 }), 63);
    assert_int_equal(rows_of(&r, 1) + rows_of(&r, 2) + rows_of(&r, 70), 0);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE purge > 0"), 60);

    SC_AUTO_FREE char *first = stuck_path(&r, 3);
    assert_int_equal(unlink(first), 0);
    for (int64_t next_ms = 0; next_ms == 0;)
        assert_int_equal(sc_pipelines_purge(r.p, &next_ms, NULL), SC_OK);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs"), 59);
}

static void a_job_log_is_bounded_and_read_from_its_end(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO_BUF text = { 0 };
    bool cut = true;
    assert_int_equal(sc_job_log_read(r.f.dir.path, ID1, SC_STAGE_MERGE, 1000, &text, &cut, NULL),
                     SC_E_NOT_FOUND);
    for (int i = 0; i < 3; i++)
        SC_JOB_LOG(r.p, ID1, SC_STAGE_MERGE, "line", SC_I("n", i));
    assert_int_equal(sc_job_log_read(r.f.dir.path, ID1, SC_STAGE_MERGE, 10000, &text, &cut, NULL),
                     SC_OK);
    assert_false(cut);
    assert_non_null(strstr(sc_buf_text(&text), "merge: line n=0\n"));
    sc_buf_reset(&text);
    assert_int_equal(sc_job_log_read(r.f.dir.path, ID1, SC_STAGE_MERGE, 60, &text, &cut, NULL),
                     SC_OK);
    assert_true(cut);
    assert_null(strstr(sc_buf_text(&text), "n=0"));
    assert_non_null(strstr(sc_buf_text(&text), "n=2\n"));

    /* A full one is kept once beside the new one. */
    SC_AUTO_FREE char *path = sc_asprintf("%s/logs/jobs/%s/merge.log", r.f.dir.path, ID1);
    assert_int_equal(truncate(path, 2 << 20), 0);
    SC_JOB_LOG(r.p, ID1, SC_STAGE_MERGE, "after", SC_I("n", 3));
    assert_true(sc_file_size(path) < 100);
    sc_buf_reset(&text);
    assert_int_equal(sc_job_log_read(r.f.dir.path, ID1, SC_STAGE_MERGE, 500, &text, &cut, NULL),
                     SC_OK);
    assert_true(cut);
    assert_non_null(strstr(sc_buf_text(&text), "after n=3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_ended_job_loses_its_tasks_then_its_logs_and_nothing_else),
        TEST(a_job_that_was_retried_keeps_its_tasks),
        TEST(cleaning_counts_removes_and_keeps_transcripts),
        TEST(what_was_interrupted_is_not_found_and_goes_on),
        TEST(a_folder_that_will_not_go_is_in_nobodys_way),
        TEST(a_job_log_is_bounded_and_read_from_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
