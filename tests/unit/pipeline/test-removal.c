/* Bytes come while the same bytes go: the hold of their hash decides who waits. */

#include "rig.h"

#include "pipeline/purge.h"

#include <pthread.h>
#include <unistd.h>

#include "base/banned.h"

/* For an arrival that would not wait to be through; decides nothing else. */
#define GRACE_US 200000

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
    (void)usleep(GRACE_US);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_that_are_held_stay_until_they_are_let_go),
        TEST(an_arrival_waits_for_who_removes_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
