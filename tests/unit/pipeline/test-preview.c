/* The text of a running job as it becomes certain. */

#include "rig.h"

#include "base/banned.h"

#define SECONDS 200
#define CHUNKS_MOST 16

static void start(struct rig *r)
{
    struct sc_error err = { 0 };
    if (sc_pipelines_start(r->p, &err) != SC_OK)
        fail_msg("%s", err.msg);
}

/* What more is certain is told; all that was told must be t0 t1 t2 … without a gap. */
static void look(struct rig *r, struct sc_preview *p, struct sc_segments *told)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_error err = { 0 };
    assert_int_equal(sc_store_read(r->f.store, &conn, &err), SC_OK);
    if (sc_preview_next(p, conn, told, &err) != SC_OK)
        fail_msg("%s", err.msg);
    int next = 0;
    for (size_t i = 0; i < told->count; i++) {
        for (size_t k = 0; k < told->items[i].word_count; k++) {
            char want[16];
            (void)snprintf(want, sizeof(want), "t%d", next++);
            assert_string_equal(told->items[i].words[k].text, want);
        }
    }
}

static size_t words_in(const struct sc_segments *told)
{
    size_t n = 0;
    for (size_t i = 0; i < told->count; i++)
        n += told->items[i].word_count;
    return n;
}

/* Claims every chunk, then hands them in in an order that the seed decides. */
static void run_in_order(unsigned seed)
{
    AUTO_RIG(r);
    struct sc_chunk_work works[CHUNKS_MOST];
    start(&r);
    int64_t job = start_job(&r, SECONDS * 1000, 8000, null_job);
    AUTO_WATCH(w, &r);
    wait_for(&w, "SELECT split_done FROM jobs", 1);
    size_t count = claim_chunks(&r, CHUNKS_MOST, works);
    assert_in_range(count, 4, CHUNKS_MOST - 1);
    SC_AUTO(sc_preview_freep) struct sc_preview *p = sc_preview_new(job);
    SC_AUTO_SEGMENTS told = { 0 };
    look(&r, p, &told);
    assert_int_equal(told.count, 0);
    for (size_t left = count; left > 0; left--) {
        bool repeated = false;
        size_t pick = (seed = seed * 1103515245U + 12345U) / 65536U % left;
        assert_int_equal(complete(&r, &works[pick], &repeated), SC_OK);
        sc_chunk_work_done(&works[pick]);
        works[pick] = works[left - 1];
        look(&r, p, &told);
    }
    assert_int_equal(words_in(&told), SECONDS);
    assert_int_equal(work_to_the_end(&w, job), SC_JOB_COMPLETED);
    assert_text(&r, job, SECONDS);
}

static void what_was_told_never_changes(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 6; seed++)
        run_in_order(seed);
}

/* In order, each chunk but the last waits for its neighbour, no longer. */
static void a_chunk_is_told_once_its_neighbour_is_there(void **state)
{
    (void)state;
    AUTO_RIG(r);
    start(&r);
    int64_t job = start_job(&r, SECONDS * 1000, 8000, null_job);
    AUTO_WATCH(w, &r);
    wait_for(&w, "SELECT split_done FROM jobs", 1);
    SC_AUTO(sc_preview_freep) struct sc_preview *p = sc_preview_new(job);
    SC_AUTO_SEGMENTS told = { 0 };
    assert_int_equal(work_some(&r, 1), 1);
    look(&r, p, &told);
    assert_int_equal(told.count, 0);
    assert_int_equal(work_some(&r, 1), 1);
    look(&r, p, &told);
    size_t first = words_in(&told);
    assert_in_range(first, 10, 31);
    assert_int_equal(work_some(&r, 1), 1);
    look(&r, p, &told);
    assert_true(words_in(&told) > first);
    assert_int_equal(work_to_the_end(&w, job), SC_JOB_COMPLETED);
    look(&r, p, &told);
    assert_int_equal(words_in(&told), SECONDS);
}

/* What is said so far is kept for those who listen, in a bounded room: what nobody is shown is not.
 */
static void of_what_is_said_so_far_only_what_is_shown_is_kept(void **state)
{
    (void)state;
    AUTO_RIG(r);
    AUTO_WATCH(watch, &r);
    SC_AUTO_SEGMENTS said = { 0 };
    SC_AUTO_SEGMENTS kept = { 0 };
    struct sc_chunk_work w;
    struct sc_event event = { 0 };
    start(&r);
    int64_t id = start_job(&r, 5000, 8000, null_job);
    wait_for(&watch, "SELECT count(*) FROM tasks WHERE stage = 2 AND state = 0", 1);
    assert_int_equal(claim_chunks(&r, 1, &w), 1);
    say(&w, &said);
    assert_int_equal(said.count, 1);
    assert_true(sc_heard_add_token(sc_segment_make_heard(&said.items[0]), 50364));
    struct sc_fence fence = fence_of(&r, &w.task);
    struct sc_saying what = { 0, said.count, &said };
    assert_int_equal(sc_chunk_say(r.p, &fence, &what, NULL), SC_OK);
    assert_true(sc_said_next(r.queue, id, &event, &kept));
    assert_string_equal(kept.items[0].text, "t0 t1 t2 t3 t4");
    assert_int_equal(kept.items[0].word_count, 0);
    assert_null(kept.items[0].heard);
    assert_int_equal(complete(&r, &w, NULL), SC_OK);
    assert_int_equal(work_to_the_end(&watch, id), SC_JOB_COMPLETED);
    sc_chunk_work_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_told_never_changes),
        TEST(a_chunk_is_told_once_its_neighbour_is_there),
        TEST(of_what_is_said_so_far_only_what_is_shown_is_kept),
    };
    return cmocka_run_group_tests_name("pipeline/preview", tests, NULL, NULL);
}
