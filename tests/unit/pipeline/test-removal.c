/* Bytes come while the same bytes go: the hold of their hash decides who waits. Transcripts go by
 * themselves. */

#include "rig.h"

#include "base/alloc.h"
#include "library/import.h"
#include "pipeline/purge.h"
#include "transcript/reader.h"

#include <pthread.h>
#include <unistd.h>

#include "base/banned.h"

static enum sc_code write_mark(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_file_mark_deleted(tx, ctx, err);
}

struct bringing {
    struct rig *r;
    const char *bytes;
    size_t size;
    struct sc_arrived arrived; /* owned */
    enum sc_code code;
};

static void bring(struct bringing *b)
{
    struct upload u = { .bytes = b->bytes, .size = b->size, .name = "a.wav" };
    b->code = arrive(b->r, &u, &b->arrived, NULL);
}

static void *bring_in_a_thread(void *ctx)
{
    bring(ctx);
    return NULL;
}

static void bytes_that_are_held_stay_until_they_are_let_go(void **state)
{
    (void)state;
    AUTO_RIG(r);
    size_t size;
    SC_AUTO_FREE char *bytes = make_wav(300, 0.3, &size);
    struct bringing b = { .r = &r, .bytes = bytes, .size = size };
    bring(&b);
    assert_int_equal(b.code, SC_OK);
    const struct sc_file *file = &b.arrived.file;
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_mark, &b.arrived.file, NULL),
                     SC_OK);
    assert_true(sc_blobs_hold(r.blobs, file->file_hash, SC_HOLD_SHARED, 0));
    enum sc_purge_state what;
    assert_int_equal(sc_purge_step(r.p, &what, NULL), SC_OK);
    assert_int_equal(what, SC_PURGE_HELD);
    assert_true(sc_blobs_exists(r.blobs, file->file_path));
    sc_blobs_release(r.blobs, file->file_hash, SC_HOLD_SHARED);
    do
        assert_int_equal(sc_purge_step(r.p, &what, NULL), SC_OK);
    while (what == SC_PURGE_MORE);
    assert_int_equal(what, SC_PURGE_NOTHING);
    assert_false(sc_blobs_exists(r.blobs, file->file_path));
    assert_int_equal(ask(&r, "SELECT count(*) FROM files"), 0);
    sc_arrived_done(&b.arrived);
}

static void an_arrival_waits_for_who_removes_its_bytes(void **state)
{
    (void)state;
    AUTO_RIG(r);
    size_t size;
    SC_AUTO_FREE char *bytes = make_wav(300, 0.3, &size);
    struct bringing first = { .r = &r, .bytes = bytes, .size = size };
    struct bringing second = first;
    pthread_t thread;
    bring(&first);
    assert_int_equal(first.code, SC_OK);
    const struct sc_file *file = &first.arrived.file;
    assert_true(sc_blobs_hold(r.blobs, file->file_hash, SC_HOLD_ALONE, 0));
    assert_int_equal(pthread_create(&thread, NULL, bring_in_a_thread, &second), 0);
    /* As the sweeper does it. */
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_mark, &first.arrived.file, NULL),
                     SC_OK);
    assert_int_equal(sc_blobs_remove(r.blobs, file->file_path, NULL), SC_OK);
    sc_blobs_release(r.blobs, file->file_hash, SC_HOLD_ALONE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(second.code, SC_OK);
    assert_false(second.arrived.duplicate);
    assert_int_not_equal(second.arrived.file.id, file->id);
    assert_true(sc_blobs_exists(r.blobs, second.arrived.file.file_path));
    sc_arrived_done(&first.arrived);
    sc_arrived_done(&second.arrived);
}

/* ---- transcripts ---- */

#define SEGMENTS 250 /* more than two slices */

static enum sc_code write_import(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    int64_t *id = ctx;
    SC_AUTO_SEGMENTS list = { 0 };
    for (int i = 0; i < SEGMENTS; i++) {
        struct sc_segment *s = sc_segments_add(&list);
        s->start_ms = i;
        s->end_ms = i + 1;
        s->text = sc_strdup("good morning");
    }
    assert_true(sc_segments_estimate_words(&list));
    const struct sc_import import = { ANNA, ANNA, 1, "en", "srt" };
    return sc_transcript_import(tx, &import, &list, 1, id, err);
}

/* Of Anna's only recording. */
static int64_t import(struct rig *r)
{
    int64_t id = 0;
    assert_int_equal(sc_store_write(r->f.store, SC_RELAXED, write_import, &id, NULL), SC_OK);
    return id;
}

static void bring_recording(struct rig *r)
{
    size_t size;
    SC_AUTO_FREE char *bytes = make_wav(300, 0.3, &size);
    struct bringing b = { .r = r, .bytes = bytes, .size = size };
    bring(&b);
    assert_int_equal(b.code, SC_OK);
    sc_arrived_done(&b.arrived);
}

static enum sc_code write_transcript_mark(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct sc_transcript t;
    assert_int_equal(sc_transcript_find(tx, ANNA, *(int64_t *)ctx, &t, err), SC_OK);
    return sc_transcript_mark_deleted(tx, &t, ANNA, 2, err);
}

static enum sc_code find_transcript(struct rig *r, int64_t owner, int64_t id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    assert_int_equal(sc_store_read(r->f.store, &conn, NULL), SC_OK);
    return sc_transcript_find(conn, owner, id, &t, NULL);
}

static void a_deleted_transcript_goes_in_slices_and_another_process_goes_on(void **state)
{
    (void)state;
    AUTO_RIG(r);
    enum sc_purge_state what;
    bring_recording(&r);
    int64_t gone = import(&r), stays = import(&r);
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, write_transcript_mark, &gone, NULL),
                     SC_OK);
    assert_int_equal(find_transcript(&r, ANNA, gone), SC_E_TRANSCRIPT_NOT_FOUND);
    struct sc_file_uses uses;
    struct sc_error err = { 0 };
    assert_int_equal(sc_pipelines_delete_file(r.p, ANNA, 1, false, &uses, &err), SC_E_CONFLICT);
    assert_non_null(strstr(err.msg, "0 jobs and 1 transcript without a job"));
    assert_int_equal(sc_purge_step(r.p, &what, NULL), SC_OK);
    assert_int_equal(what, SC_PURGE_MORE);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments"), 2 * SEGMENTS - SC_PURGE_SLICE);
    rig_close(&r); /* as a kill between two slices leaves it */
    struct sc_store_options o = options_for(r.f.path, false);
    assert_int_equal(sc_store_open(&o, &r.f.store, NULL), SC_OK);
    rig_open(&r);
    do
        assert_int_equal(sc_purge_step(r.p, &what, NULL), SC_OK);
    while (what == SC_PURGE_MORE);
    assert_int_equal(what, SC_PURGE_NOTHING);
    assert_int_equal(find_transcript(&r, ANNA, stays), SC_OK);
    assert_int_equal(ask(&r, "SELECT count(*) FROM transcripts"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments"), SEGMENTS);
    assert_int_equal(ask(&r, "SELECT count(*) FROM segments_fts_docsize"), SEGMENTS);
    assert_int_equal(ask(&r, "SELECT count(*) FROM versions"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM changes WHERE kind = 'transcript.deleted' AND"
                             " detail ->> 'transcript_id' = other_id AND"
                             " file_id = 1 AND other_id = 1"),
                     1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM changes"), 2);
    assert_true(import(&r) > stays);
}

static void the_result_of_a_job_is_not_deleted_without_it(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(w, &r);
    struct sc_error err = { 0 };
    assert_int_equal(sc_pipelines_start(r.p, &err), SC_OK);
    int64_t id = start_job(&r, 3000, 8000, null_job);
    assert_int_equal(work_to_the_end(&w, id), SC_JOB_COMPLETED);
    assert_int_equal(sc_pipelines_delete_transcript(r.p, BERT, 1, &err), SC_E_TRANSCRIPT_NOT_FOUND);
    assert_int_equal(sc_pipelines_delete_transcript(r.p, ANNA, 1, &err), SC_E_CONFLICT);
    assert_non_null(strstr(err.msg, "is the result of job"));
    /* While the same job is at work, and while it is being cleaned away with its transcript kept.
     */
    assert_int_equal(write_sql(r.f.store, "UPDATE jobs SET admission = 2"), SC_OK);
    assert_int_equal(sc_pipelines_delete_transcript(r.p, ANNA, 1, &err), SC_E_CONFLICT);
    assert_non_null(strstr(err.msg, "is at work on transcript 1"));
    assert_int_equal(write_sql(r.f.store, "UPDATE jobs SET admission = 3, purge = 1"), SC_OK);
    assert_int_equal(sc_pipelines_delete_transcript(r.p, ANNA, 1, &err), SC_OK);
    assert_int_equal(find_transcript(&r, ANNA, 1), SC_E_TRANSCRIPT_NOT_FOUND);
    assert_int_equal(ask(&r, "SELECT count(*) FROM transcripts"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_that_are_held_stay_until_they_are_let_go),
        TEST(an_arrival_waits_for_who_removes_its_bytes),
        TEST(a_deleted_transcript_goes_in_slices_and_another_process_goes_on),
        TEST(the_result_of_a_job_is_not_deleted_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
