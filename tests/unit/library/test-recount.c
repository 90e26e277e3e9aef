/* Words that an older release counted are counted anew: whole, whenever the server is killed, and
 * while others edit. */
#include "library/recount.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "library/edit.h"
#include "problems.h"

#include <sys/wait.h>

#include "base/banned.h"

enum { EDITS = 230 }; /* more than two writes */

/* One more version, whose first segment says another thing. */
static bool edit(struct rig *r, int64_t id, int n)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    struct sc_saved saved;
    const struct sc_save save = {
        .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED
    };
    assert_int_equal(read_version(r, id, find(r, id).version, &list, NULL), SC_OK);
    free(list.items[0].text);
    list.items[0].text = sc_asprintf("第%d版%s", n, n % 2 == 0 ? "会议" : "");
    AUTO_READER(conn, *r);
    return sc_edit_plan(conn, &save, &list, &edit, &saved, NULL) == SC_OK &&
           sc_edit_save(r->f.store, edit, T0, NULL, &saved, NULL) == SC_OK;
}

/* Transcript 1 with many versions, 2 that is right as it is, 3 that is partial. */
static void fill(struct rig *r)
{
    int64_t id = begin(r, 1);
    PUT(*r, id, 0, 0, "今日は会議です。", "会議は終わり", "and so on");
    assert_int_equal(finish(r, id, "ja"), SC_OK);
    for (int i = 0; i < EDITS; i++)
        assert_true(edit(r, id, i));
    id = begin(r, 2);
    PUT(*r, id, 0, 0, "nothing to count", "here");
    assert_int_equal(finish(r, id, "en"), SC_OK);
    id = begin(r, 4);
    PUT(*r, id, 0, 0, "会议");
}

static void open_again(struct rig *r)
{
    struct sc_store_options o = options_for(r->f.path, false);
    assert_int_equal(sc_store_open(&o, &r->f.store, NULL), SC_OK);
}

/* As the migration leaves a store where a text without spaces is a word. */
static void grow_old(struct rig *r)
{
    static const char sql[] =
        "UPDATE versions SET word_count = segment_count + 2 WHERE transcript_id = 1;"
        "UPDATE transcripts SET word_count = segment_count + iif(id = 1, 2, 0) WHERE id <> 2;"
        "INSERT OR REPLACE INTO counters SELECT 'words.uncounted', max(id) FROM transcripts";
    assert_int_equal(write_sql(r->f.store, sql), SC_OK);
    sc_store_close(SC_TAKE(r->f.store));
    open_again(r);
}

static int64_t uncounted(struct rig *r)
{
    return number(r->f.store, "SELECT value FROM counters WHERE name = 'words.uncounted'");
}

static void assert_counted(struct rig *r, int64_t words_of_3)
{
    struct sc_transcript t = find(r, 1);
    for (int v = 1; v <= t.version; v++) {
        SC_AUTO_SEGMENTS list = { 0 };
        char sql[120];
        int64_t words = 0;
        assert_int_equal(read_version(r, 1, v, &list, NULL), SC_OK);
        for (size_t i = 0; i < list.count; i++)
            words += sc_segment_says(&list.items[i]);
        (void)snprintf(sql, sizeof(sql),
                       "SELECT word_count FROM versions WHERE transcript_id = 1 AND version = %d",
                       v);
        assert_int_equal(number(r->f.store, sql), words);
        if (v == t.version)
            assert_int_equal(t.word_count, words);
    }
    assert_int_equal(find(r, 2).word_count, 4);
    assert_int_equal(find(r, 3).word_count, words_of_3);
    assert_int_equal(uncounted(r), 0);
    assert_int_equal(problems_of(r, true, 1000), 0);
}

static int64_t recount(struct rig *r)
{
    struct sc_recount all = { 0 };
    while (!all.done)
        assert_int_equal(sc_recount_step(r->f.store, &all, NULL), SC_OK);
    return all.changed;
}

static void words_of_an_older_release_are_counted_anew(void **state)
{
    (void)state;
    static const char *const nothing[] = { NULL };
    AUTO_RIG(r);
    fill(&r);
    grow_old(&r);
    assert_int_equal(uncounted(&r), 3);
    assert_int_equal(find(&r, 1).word_count, 5);
    assert_int_equal(problems_of(&r, true, 1000), 0); /* what is not counted yet is not damaged */
    assert_true(edit(&r, 1, EDITS)); /* an edit adds to what was counted by the old rule */
    PUT(r, 3, 1, 9000, "会");
    assert_int_equal(find(&r, 3).word_count, 2);
    put_texts(&r, 3, 1, 9000, nothing);
    assert_int_equal(find(&r, 3).word_count, 1);
    assert_int_equal(recount(&r), 2);
    assert_counted(&r, 2);
    assert_int_equal(recount(&r), 0); /* nothing is left */
    assert_true(edit(&r, 1, EDITS + 1));
    PUT(r, 3, 1, 9000, "会");
    put_texts(&r, 3, 1, 9000, nothing);
    assert_counted(&r, 2);
    assert_int_equal(write_sql(r.f.store, "UPDATE versions SET word_count = 99"), SC_OK);
    assert_true(problems_of(&r, true, 1000) > 0);
}

static void a_new_store_has_nothing_to_count(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_recount all = { 0 };
    assert_int_equal(uncounted(&r), -1);
    assert_int_equal(sc_recount_step(r.f.store, &all, NULL), SC_OK);
    assert_true(all.done);
}

/* Its transcript is passed: the check tells of it, and the others are counted. */
static void a_transcript_that_is_gone_is_passed(void **state)
{
    (void)state;
    AUTO_RIG(r);
    fill(&r);
    grow_old(&r);
    assert_int_equal(
        write_sql(r.f.store, "UPDATE counters SET value = 9 WHERE name = 'words.uncounted'"),
        SC_OK);
    assert_int_equal(recount(&r), 2);
    assert_counted(&r, 2);
}

#ifdef SC_WITH_FAULTS

static void edit_meanwhile(void *ctx)
{
    assert_true(edit(ctx, 1, EDITS));
}

static void grow_meanwhile(void *ctx)
{
    PUT(*(struct rig *)ctx, 3, 1, 9000, "会议");
}

static void delete_meanwhile(void *ctx)
{
    struct rig *r = ctx;
    assert_int_equal(write_sql(r->f.store, "DELETE FROM transcripts WHERE id = 3"), SC_OK);
}

/* Between the reading of a transcript and a write, or between two writes. */
static void what_others_do_meanwhile_counts(void **state)
{
    (void)state;
    static const struct {
        const char *point;
        int64_t nth;
        void (*fn)(void *ctx);
        int64_t words; /* of transcript 3 */
    } rows[] = {
        { "recount.read", 1, grow_meanwhile, 4 },  { "recount.read", 3, edit_meanwhile, 2 },
        { "recount.slice", 2, edit_meanwhile, 2 }, { "recount.slice", 3, edit_meanwhile, 2 },
        { "recount.slice", 4, edit_meanwhile, 2 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        AUTO_RIG(r);
        fill(&r);
        grow_old(&r);
        sc_fault_arm_call(rows[i].point, rows[i].nth, rows[i].fn, &r);
        (void)recount(&r);
        assert_true(sc_fault_disarm(rows[i].point));
        assert_counted(&r, rows[i].words);
    }
    AUTO_RIG(r);
    fill(&r);
    grow_old(&r);
    sc_fault_arm_call("recount.read", 1, delete_meanwhile, &r);
    assert_int_equal(recount(&r), 1);
    assert_true(sc_fault_disarm("recount.read"));
    assert_int_equal(uncounted(&r), 0);
}

/* In a process of its own, which is killed behind the nth write; false: it has counted all. */
static bool killed_at(struct rig *r, int n)
{
    int status = 0;
    sc_store_close(SC_TAKE(r->f.store));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        sc_fault_arm_kill("recount.slice", n);
        open_again(r);
        (void)recount(r);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    open_again(r);
    return WIFSIGNALED(status);
}

static void a_kill_anywhere_costs_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int kills = 0;
    fill(&r);
    for (bool killed = true; killed; kills += killed) {
        grow_old(&r);
        killed = killed_at(&r, kills + 1);
        assert_int_equal(uncounted(&r), killed && kills < 3 ? 2 : 0);
        assert_int_equal(problems_of(&r, true, 1000), 0);
        (void)recount(&r);
        assert_counted(&r, 2);
    }
    assert_int_equal(kills, 4); /* of transcript 3, and of 1 thrice */
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_of_an_older_release_are_counted_anew),
        TEST(a_new_store_has_nothing_to_count),
        TEST(a_transcript_that_is_gone_is_passed),
#ifdef SC_WITH_FAULTS
        TEST(what_others_do_meanwhile_counts),
        TEST(a_kill_anywhere_costs_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
