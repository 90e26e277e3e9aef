/* Edits in steps, and find and replace. */
#include "library/operations.h"
#include "transcript/find.h"

#include "library-fixture.h"

#include "base/banned.h"

/* Three segments of a second each; the ids are 1, 2 and 3. */
static int64_t made(struct rig *r)
{
    int64_t id = begin(r, 1);
    PUT(*r, id, 0, 0, "good morning all", "how are you", "Fine thanks");
    assert_int_equal(finish(r, id, "en"), SC_OK);
    return id;
}

struct steps {
    int64_t id;
    const struct sc_operation *operations;
    size_t count;
    struct sc_saved saved;
    struct sc_error err;
};

static enum sc_code op_steps(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct steps *s = ctx;
    SC_AUTO_DRAFT draft = { 0 };
    const struct sc_save save = { .by = 1, .transcript = s->id };
    enum sc_code code = sc_draft_open(tx, &save, &draft, &s->saved, err);
    for (size_t i = 0; code == SC_OK && i < s->count; i++)
        code = sc_draft_apply(&draft, &s->operations[i], i + 1, err);
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    if (code == SC_OK)
        code = sc_edit_plan_draft(&draft, &save, &edit, &s->saved, err);
    return code == SC_OK ? sc_edit_write(tx, edit, sc_clock_wall_ms(), &s->saved, err) : code;
}

static enum sc_code apply(struct rig *r, struct steps *s)
{
    s->err = (struct sc_error){ 0 };
    return sc_store_write(r->f.store, SC_RELAXED, op_steps, s, &s->err);
}

/* "0-900 anna: text | …" */
static void assert_now(struct rig *r, int64_t id, const char *wanted)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF found = { 0 };
    struct sc_error err = { 0 };
    if (read_version(r, id, find(r, id).version, &list, &err) != SC_OK)
        fail_msg("%s", err.msg);
    for (size_t i = 0; i < list.count; i++) {
        const struct sc_segment *s = &list.items[i];
        sc_buf_printf(&found, "%s%d-%d %s%s%s", i == 0 ? "" : " | ", (int)s->start_ms,
                      (int)s->end_ms, s->speaker == NULL ? "" : s->speaker,
                      s->speaker == NULL ? "" : ": ", s->text);
    }
    assert_string_equal(sc_buf_text(&found), wanted);
    assert_index_whole(r);
}

static void assert_step(struct sc_operation operation, const char *wanted)
{
    AUTO_RIG(r);
    int64_t id = made(&r);
    struct steps s = { .id = id, .operations = &operation, .count = 1 };
    if (apply(&r, &s) != SC_OK)
        fail_msg("%s", s.err.msg);
    assert_int_equal(s.saved.version, 2);
    assert_now(&r, id, wanted);
}

#define FIRST "0-300 good morning all"
#define SECOND "1000-1300 how are you"
#define THIRD "2000-2200 Fine thanks"
#define STEP(name, start, end, at, ...)                                                   \
    (struct sc_operation)                                                                 \
    {                                                                                     \
        .kind = SC_OPERATION_##name, .start_ms = (start), .end_ms = (end), .at_ms = (at), \
        __VA_ARGS__                                                                       \
    }

static void each_operation_does_what_it_says(void **state)
{
    (void)state;
    assert_step(STEP(TEXT, -1, -1, -1, .segment = 2, .text = SC_STR(" who\n are  you ")),
                FIRST " | 1000-1300 who are you | " THIRD);
    assert_step(STEP(TIMES, -1, 1500, -1, .segment = 2), FIRST " | 1000-1500 how are you | " THIRD);
    assert_step(STEP(TIMES, 1500, 1800, -1, .segment = 1),
                SECOND " | 1500-1800 good morning all | " THIRD);
    assert_step(STEP(SPLIT, -1, -1, -1, .segment = 1, .words = 1),
                "0-100 good | 100-300 morning all | " SECOND " | " THIRD);
    assert_step(STEP(SPLIT, -1, -1, 190, .segment = 1),
                "0-200 good morning | 200-300 all | " SECOND " | " THIRD);
    assert_step(STEP(MERGE, -1, -1, -1, .segment = 2),
                FIRST " | 1000-2200 how are you Fine thanks");
    assert_step(STEP(MERGE, -1, -1, -1, .segment = 1, .with = 2),
                "0-1300 good morning all how are you | " THIRD);
    assert_step(STEP(DELETE, -1, -1, -1, .segment = 1), SECOND " | " THIRD);
    assert_step(STEP(INSERT, 1000, 1200, -1, .text = SC_STR("well"), .speaker = SC_STR("Ann")),
                FIRST " | " SECOND " | 1000-1200 Ann: well | " THIRD);
    assert_step(
        STEP(INSERT, 1000, 1200, -1, .text = SC_STR("well\nso"), .speaker = SC_STR("Ann\nLee")),
        FIRST " | " SECOND " | 1000-1200 Ann Lee: well so | " THIRD);
    assert_step(STEP(SPEAKER, -1, -1, -1, .segment = 3, .speaker = SC_STR("Bo\n")),
                FIRST " | " SECOND " | 2000-2200 Bo: Fine thanks");
}

static void steps_build_on_each_other(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = made(&r);
    const struct sc_operation steps[] = {
        STEP(SPEAKER, -1, -1, -1, .segment = 1, .speaker = SC_STR("S1")),
        STEP(SPEAKER, -1, -1, -1, .segment = 3, .speaker = SC_STR("S1")),
        STEP(RENAME, -1, -1, -1, .from = SC_STR("S1"), .speaker = SC_STR("Ann")),
        STEP(MERGE, -1, -1, -1, .segment = 1),
        STEP(TEXT, -1, -1, -1, .segment = 1, .text = SC_STR("good day to all, how are you")),
    };
    struct steps s = { .id = id, .operations = steps, .count = SC_ARRAY_LEN(steps) };
    assert_int_equal(apply(&r, &s), SC_OK);
    assert_int_equal(s.saved.version, 2);
    assert_int_equal(s.saved.segment_count, 2);
    assert_now(&r, id, "0-1300 Ann: good day to all, how are you | 2000-2200 Ann: Fine thanks");
    /* Of those that the store has. */
    const struct sc_operation rename =
        STEP(RENAME, -1, -1, -1, .from = SC_STR("Ann"), .speaker = SC_STR("Anna"));
    s.operations = &rename;
    s.count = 1;
    assert_int_equal(apply(&r, &s), SC_OK);
    assert_int_equal(s.saved.changed_segments, 2);
    assert_now(&r, id, "0-1300 Anna: good day to all, how are you | 2000-2200 Anna: Fine thanks");
}

static void words_keep_their_times(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = made(&r);
    const struct sc_operation step =
        STEP(TEXT, -1, -1, -1, .segment = 1, .text = SC_STR("good evening all"));
    struct steps s = { .id = id, .operations = &step, .count = 1 };
    assert_int_equal(apply(&r, &s), SC_OK);
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 2, &list, NULL), SC_OK);
    const struct sc_word *w = list.items[0].words;
    assert_int_equal(list.items[0].word_count, 3);
    assert_string_equal(w[1].text, "evening");
    assert_int_equal(w[1].start_ms, 100);
    assert_int_equal(w[2].start_ms, 200);
    assert_float_equal(w[2].confidence, 0.5, 0.001);
    assert_true(w[1].confidence < 0);
}

static void what_cannot_be_done_names_the_operation(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = made(&r);
    const struct sc_operation bad[] = {
        STEP(TEXT, -1, -1, -1, .segment = 9, .text = SC_STR("x")),
        STEP(TEXT, -1, -1, -1, .segment = 0, .text = SC_STR("x")),
        STEP(TEXT, -1, -1, -1, .segment = 1, .text = SC_STR(" ")),
        STEP(TEXT, -1, -1, -1, .segment = 1, .text = SC_STR("\xff")),
        STEP(TIMES, 400, -1, -1, .segment = 1),
        STEP(SPLIT, -1, -1, -1, .segment = 1, .words = 0),
        STEP(SPLIT, -1, -1, -1, .segment = 1, .words = 3),
        STEP(SPLIT, -1, -1, 0, .segment = 1),
        STEP(MERGE, -1, -1, -1, .segment = 3),
        STEP(MERGE, -1, -1, -1, .segment = 2, .with = 1),
        STEP(DELETE, -1, -1, -1, .segment = 4),
        STEP(INSERT, -1, -1, -1, .text = SC_STR("x")),
        STEP(INSERT, 0, 1, -1, .segment = 0),
        STEP(RENAME, -1, -1, -1, .from = SC_STR("nobody"), .speaker = SC_STR("x")),
        STEP(RENAME, -1, -1, -1, .speaker = SC_STR("x")),
        STEP(SPEAKER, -1, -1, -1, .segment = 1, .speaker = SC_STR("\xff")),
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        const struct sc_operation both[] = { STEP(DELETE, -1, -1, -1, .segment = 2), bad[i] };
        struct steps s = { .id = id, .operations = both, .count = 2 };
        if (i == 9) /* it names segment 2 itself */
            s.operations = &bad[i], s.count = 1;
        if (apply(&r, &s) != SC_E_INVALID_VALUE)
            fail_msg("case %zu", i);
        assert_string_equal(s.err.field, "operations");
        assert_non_null(strstr(s.err.msg, s.count == 2 ? "operation 2" : "operation 1"));
    }
    assert_int_equal(find(&r, id).version, 1);
}

/* ---- find and replace ---- */

static enum sc_code note_place(void *ctx, const struct sc_replaced *p, struct sc_error *err)
{
    (void)err;
    sc_buf_printf(ctx, "%d x%d [%s] [%s]\n", (int)p->segment_id, (int)p->count, p->before,
                  p->after);
    return SC_OK;
}

static void assert_replaced(struct rig *r, int64_t id, struct sc_replace what, const char *wanted)
{
    SC_AUTO_DRAFT draft = { 0 };
    SC_AUTO_BUF found = { 0 };
    struct sc_saved saved;
    int64_t count = 0;
    const struct sc_save save = { .by = 1, .transcript = id };
    AUTO_READER(conn, *r);
    assert_int_equal(sc_draft_open(conn, &save, &draft, &saved, NULL), SC_OK);
    assert_int_equal(sc_draft_replace(&draft, &what, note_place, &found, &count, NULL), SC_OK);
    sc_buf_printf(&found, "%d", (int)count);
    assert_string_equal(sc_buf_text(&found), wanted);
}

#define REPLACED(r, id, wanted, find_, with_, flags_)                                          \
    assert_replaced(&(r), (id), (struct sc_replace){ SC_STR(find_), SC_STR(with_), (flags_) }, \
                    (wanted))

static void places_are_found_as_people_look(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "Ann and anna", "ANN's Über über", "nothing", "会議の会議");
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    REPLACED(r, id, "1 x2 [Ann and anna] [Bo and Boa]\n2 x1 [ANN's Über über] [Bo's Über über]\n3",
             "ann", "Bo", 0);
    REPLACED(r, id, "1 x1 [Ann and anna] [Bo and anna]\n1", "Ann", "Bo", SC_FIND_CASE);
    REPLACED(r, id, "1 x1 [Ann and anna] [Bo and anna]\n2 x1 [ANN's Über über] [Bo's Über über]\n2",
             "ann", "Bo", SC_FIND_WORDS);
    REPLACED(r, id, "2 x2 [ANN's Über über] [ANN's o o]\n2", "über", "o", 0);
    REPLACED(r, id, "4 x2 [会議の会議] [会の会]\n2", "会議", "会", SC_FIND_WORDS);
    REPLACED(r, id, "0", "missing", "x", 0);
}

static void what_is_shown_is_what_is_saved(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one (x) two", "aaa", "cafe\xcc\x81 of caf\xc3\xa9");
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    REPLACED(r, id, "1 x1 [one (x) two] [one two]\n1", "(x)", "", 0);
    REPLACED(r, id, "2 x1 [aaa] [x y]\n1", "aaa", " x\n y\t", 0);
    REPLACED(r, id, "3 x2 [cafe\xcc\x81 of caf\xc3\xa9] [bar of bar]\n2", "caf\xc3\xa9", "bar", 0);
    REPLACED(r, id, "0", "cafe", "bar", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_operation_does_what_it_says), TEST(steps_build_on_each_other),
        TEST(words_keep_their_times),           TEST(what_cannot_be_done_names_the_operation),
        TEST(places_are_found_as_people_look),  TEST(what_is_shown_is_what_is_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
