/* Tags and notes: what a change makes of them, whose they are, the list of words. */
#include "library/marks.h"

#include "library/changes.h"
#ifdef SC_WITH_FAULTS
#include "store/failing.h"
#endif

#include "library-fixture.h"

#include "base/banned.h"

struct mark {
    struct sc_marks_target target;
    struct sc_marks_edit edit;
};

static enum sc_code op_mark(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct mark *m = ctx;
    return sc_marks_write(tx, &m->target, &m->edit, sc_clock_wall_ms(), err);
}

static void put(struct sc_tags *tags, const char *words)
{
    struct sc_str rest = sc_str_from(words);
    while (rest.len > 0)
        assert_true(sc_tags_add(tags, sc_str_take_until(&rest, ',')));
}

/* words: "=a,b" for the whole list, "+a,b", "-a,b"; NULL: none. */
static struct mark mark_of(enum sc_marked kind, int64_t owner_id, int64_t id, const char *words,
                           const char *notes)
{
    struct mark m = { .target = { kind, owner_id, id, 1 }, .edit = { .notes = notes } };
    if (words != NULL && words[0] == '=') {
        m.edit.whole = true;
        put(&m.edit.tags, words + 1);
    } else if (words != NULL) {
        put(words[0] == '+' ? &m.edit.add : &m.edit.remove, words + 1);
    }
    return m;
}

static enum sc_code write_mark(struct rig *r, struct mark m, struct sc_error *err)
{
    return sc_store_write(r->f.store, SC_RELAXED, op_mark, &m, err);
}

#define MARK(r, kind, owner, id, words, notes)                                                   \
    assert_int_equal(write_mark(&(r), mark_of(SC_MARKED_##kind, owner, id, words, notes), NULL), \
                     SC_OK)

static void assert_marks(struct rig *r, enum sc_marked kind, int64_t id, const char *tags,
                         const char *notes)
{
    SC_AUTO_MARKS marks = { 0 };
    AUTO_READER(conn, *r);
    assert_int_equal(sc_marks_get(conn, kind, id, &marks, NULL), SC_OK);
    assert_string_equal(marks.tags, tags);
    assert_string_equal(marks.notes, notes);
}

static void tags_are_set_added_and_removed(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    static const struct {
        const char *words, *notes, *tags, *kept;
    } rows[] = {
        { "=b,a,b", "one\ntwo", "[\"a\",\"b\"]", "one\ntwo" },
        { "+c,a", NULL, "[\"a\",\"b\",\"c\"]", "one\ntwo" },
        { "-b,x", "", "[\"a\",\"c\"]", "" },
        { "=", NULL, "[]", "" },
        { NULL, "n", "[]", "n" },
        { "+\"quoted\",é", NULL, "[\"\\\"quoted\\\"\",\"é\"]", "n" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        MARK(r, FILE, 1, 1, rows[i].words, rows[i].notes);
        assert_marks(&r, SC_MARKED_FILE, 1, rows[i].tags, rows[i].kept);
        MARK(r, TRANSCRIPT, 1, transcript, rows[i].words, rows[i].notes);
        assert_marks(&r, SC_MARKED_TRANSCRIPT, transcript, rows[i].tags, rows[i].kept);
    }
    assert_marks(&r, SC_MARKED_FILE, 2, "[]", "");
}

static void a_transcript_that_stays_the_same_is_not_touched(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    MARK(r, TRANSCRIPT, 1, transcript, "=a", "n");
    int64_t before = find(&r, transcript).updated_ms;
    test_clock_step(&r.clock, 5000);
    MARK(r, TRANSCRIPT, 1, transcript, "+a", "n");
    assert_int_equal(find(&r, transcript).updated_ms, before);
    MARK(r, TRANSCRIPT, 1, transcript, "-a", NULL);
    assert_int_equal(find(&r, transcript).updated_ms, before + 5000);
}

static void another_owners_things_are_not_marked(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    struct sc_error err = { 0 };
    struct mark file = mark_of(SC_MARKED_FILE, 2, 1, "=a", "n");
    struct mark text = mark_of(SC_MARKED_TRANSCRIPT, 2, transcript, "=a", "n");
    assert_int_equal(write_mark(&r, file, &err), SC_E_FILE_NOT_FOUND);
    assert_int_equal(write_mark(&r, text, &err), SC_E_TRANSCRIPT_NOT_FOUND);
    assert_marks(&r, SC_MARKED_FILE, 1, "[]", "");
    assert_marks(&r, SC_MARKED_TRANSCRIPT, transcript, "[]", "");
}

static void there_is_an_end_of_tags(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_error err = { 0 };
    struct mark m = mark_of(SC_MARKED_FILE, 1, 1, NULL, NULL);
    for (int i = 0; i < SC_TAGS_MAX; i++) {
        char tag[16];
        (void)snprintf(tag, sizeof(tag), "t%02d", i);
        put(&m.edit.add, tag);
    }
    assert_false(sc_tags_add(&m.edit.add, SC_STR("one more")));
    assert_true(sc_tags_add(&m.edit.add, SC_STR("t31")));
    assert_int_equal(write_mark(&r, m, NULL), SC_OK);
    assert_int_equal(write_mark(&r, mark_of(SC_MARKED_FILE, 1, 1, "+u", NULL), &err),
                     SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "add_tags");
    MARK(r, FILE, 1, 1, "-t00", NULL);
    MARK(r, FILE, 1, 1, "+u", NULL);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM file_tags"), SC_TAGS_MAX);
    struct sc_tags none = { .count = 0 };
    char longest[SC_TAG_MAX + 1];
    memset(longest, 'x', sizeof(longest));
    assert_true(sc_tags_add(&none, (struct sc_str){ longest, SC_TAG_MAX }));
    assert_false(sc_tags_add(&none, (struct sc_str){ longest, SC_TAG_MAX + 1 }));
}

static enum sc_code take_change(void *ctx, const struct sc_change *change, struct sc_error *err)
{
    (void)err;
    sc_buf_printf(ctx, "%s %d/%d %s;", sc_change_name(change->kind), (int)change->file_id,
                  (int)change->transcript_id, change->detail);
    return SC_OK;
}

static void changes_are_in_the_history_without_words(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    MARK(r, FILE, 1, 1, "=secret,a", NULL);
    MARK(r, FILE, 1, 1, "+a", "");
    MARK(r, TRANSCRIPT, 1, transcript, "+b", "hush");
    AUTO_READER(conn, r);
    SC_AUTO_BUF seen = { 0 };
    const struct sc_change_filter all = { .limit = 9 };
    assert_int_equal(sc_change_list(conn, &all, take_change, &seen, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&seen), "transcript.marked 0/1 {\"tags\":1,\"notes_bytes\":4};"
                                            "file.marked 1/0 {\"tags\":2};");
}

/* ---- the words ---- */

static void note_word(void *ctx, const struct sc_tag_row *row)
{
    sc_buf_printf(ctx, "%s %d/%d/%d,", row->tag, (int)row->count[SC_MARKED_FILE],
                  (int)row->count[SC_MARKED_JOB], (int)row->count[SC_MARKED_TRANSCRIPT]);
}

/* All pages, joined. */
static void assert_words(struct rig *r, struct sc_tag_filter filter, const char *wanted)
{
    SC_AUTO_BUF words = { 0 };
    struct sc_tag_page_end end = { .passed = "" };
    AUTO_READER(conn, *r);
    do {
        struct sc_tag_page_end before = end;
        filter.after = before.passed;
        assert_int_equal(sc_tag_list(conn, &filter, note_word, &words, &end, NULL), SC_OK);
        assert_true(end.more || !end.partial);
        assert_true(!end.more || strcmp(end.passed, before.passed) > 0);
    } while (end.more);
    assert_string_equal(sc_buf_text(&words), wanted);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void words_are_counted_for_their_owner_page_by_page(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    MARK(r, FILE, 1, 1, "=b,a", NULL);
    MARK(r, FILE, 2, 2, "=b,theirs", NULL);
    MARK(r, TRANSCRIPT, 1, transcript, "=b,z", NULL);
    assert_int_equal(write_sql(r.f.store, "INSERT INTO job_tags (job, tag) VALUES (1, 'b'),"
                                          " (3, 'b'), (2, 'gone'), (4, 'theirs');"
                                          "UPDATE jobs SET purge = 1 WHERE id = 2"),
                     SC_OK);
    const char *wanted = "a 1/0/0,b 1/2/1,z 0/0/1,";
    for (int limit = 1; limit < 5; limit++) {
        assert_words(&r, (struct sc_tag_filter){ .owner_id = 1, .limit = limit }, wanted);
        assert_words(&r, (struct sc_tag_filter){ .owner_id = 1, .limit = limit, .spent = at_once },
                     wanted);
    }
    assert_words(&r, (struct sc_tag_filter){ .owner_id = 2, .limit = 9 }, "b 1/0/0,theirs 1/1/0,");
    assert_words(&r, (struct sc_tag_filter){ .owner_id = 3, .limit = 9 }, "");
}

/* More rows than a walk takes between two looks at the time: the word is counted to its end on the
 * page that it begins. */
static void a_word_is_counted_to_its_end(void **state)
{
    (void)state;
    AUTO_RIG(r);
    assert_int_equal(
        write_sql(r.f.store,
                  "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 260)"
                  "INSERT INTO jobs (id, job_id, owner_id, pipeline, class, state, admission,"
                  " created_ms, updated_ms) SELECT i, 'k' || i, 1, 'noop', 1, 2, 3, 0, 0 FROM n;"
                  "INSERT INTO job_tags SELECT id, tag FROM jobs JOIN (SELECT 'a' AS tag UNION "
                  "SELECT 'b') WHERE id >= 10"),
        SC_OK);
    assert_words(&r, (struct sc_tag_filter){ .owner_id = 1, .limit = 9, .spent = at_once },
                 "a 0/251/0,b 0/251/0,");
}

/* ---- failures ---- */

#ifdef SC_WITH_FAULTS

static enum sc_code op_read_words(struct sc_conn *conn, void *ctx, struct sc_error *err)
{
    struct sc_tag_page_end end;
    SC_AUTO_BUF words = { 0 };
    const struct sc_tag_filter filter = { .owner_id = 1, .after = "", .limit = 9 };
    (void)ctx;
    return sc_tag_list(conn, &filter, note_word, &words, &end, err);
}

static void every_step_may_fail(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t transcript = begin(&r, 1);
    struct mark m = mark_of(SC_MARKED_TRANSCRIPT, 1, transcript, "=a,b", "n");
    assert_true(fail_each_write(r.f.store, op_mark, &m, NULL) > 5);
    assert_marks(&r, SC_MARKED_TRANSCRIPT, transcript, "[\"a\",\"b\"]", "n");
    assert_true(fail_each_read(r.f.store, op_read_words, NULL) > 5);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tags_are_set_added_and_removed),
        TEST(a_transcript_that_stays_the_same_is_not_touched),
        TEST(another_owners_things_are_not_marked),
        TEST(there_is_an_end_of_tags),
        TEST(changes_are_in_the_history_without_words),
        TEST(words_are_counted_for_their_owner_page_by_page),
        TEST(a_word_is_counted_to_its_end),
#ifdef SC_WITH_FAULTS
        TEST(every_step_may_fail),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
