/* The check beside edits: what it decided on by what it had read is not written when an edit came
 * in between, nor is an edit whose base was repaired meanwhile. */
#include "library/edit-internal.h"
#include "library/fsck.h"
#include "library/operations.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "library-fixture.h"

#include "base/banned.h"

/* A transcript of job 1 with one word of a second in each of these segments, finished. */
static int64_t made(struct rig *r, const char *const *texts)
{
    int64_t id = begin(r, 1);
    put_texts(r, id, 0, 0, texts);
    assert_int_equal(finish(r, id, "en"), SC_OK);
    return id;
}
#define MADE(r, ...) made(&(r), (const char *const[]){ __VA_ARGS__, NULL })

/* ---- edits ---- */

static struct sc_save save_of(int64_t id)
{
    return (struct sc_save){ .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED };
}

/* Gives the segment another text. */
static struct sc_edit *planned(struct rig *r, int64_t id, int64_t segment, const char *text)
{
    const struct sc_operation o = { .kind = SC_OPERATION_TEXT,
                                    .segment = segment,
                                    .text = sc_str_from(text) };
    struct sc_error err = { 0 };
    SC_AUTO_DRAFT draft = { 0 };
    struct sc_edit *edit = NULL;
    struct sc_saved saved;
    struct sc_save save = save_of(id);
    AUTO_READER(conn, *r);
    enum sc_code code = sc_draft_open(conn, &save, &draft, &saved, &err);
    if (code == SC_OK)
        code = sc_draft_apply(&draft, &o, 1, &err);
    if (code == SC_OK)
        code = sc_edit_plan_draft(&draft, &save, &edit, &saved, &err);
    if (code != SC_OK)
        fail_msg("%s", err.msg);
    return edit;
}

static void edit(struct rig *r, int64_t id, int64_t segment, const char *text)
{
    SC_AUTO(sc_edit_freep) struct sc_edit *e = planned(r, id, segment, text);
    struct sc_saved saved;
    assert_int_equal(sc_edit_save(r->f.store, e, T0, NULL, &saved, NULL), SC_OK);
    assert_true(saved.changed);
}

#ifdef SC_WITH_FAULTS
/* One that no check keeps waiting: it was on its way when that began. */
struct meanwhile {
    struct rig *r;
    int64_t transcript, segment;
    const char *text;
    struct sc_edit *edit;
    struct sc_saved saved;
};

static enum sc_code op_write(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct meanwhile *m = ctx;
    return sc_edit_write(tx, m->edit, T0, &m->saved, err);
}

static void edit_meanwhile(void *ctx)
{
    struct meanwhile *m = ctx;
    SC_AUTO(sc_edit_freep)
    struct sc_edit *edit = planned(m->r, m->transcript, m->segment, m->text);
    m->edit = edit;
    assert_int_equal(sc_store_write(m->r->f.store, SC_RELAXED, op_write, m, NULL), SC_OK);
    assert_true(m->saved.changed);
}
#endif

/* ---- the check ---- */

struct told {
    int problems, repaired, repairable, accepted;
    char last[200];
};

static void take_problem(void *ctx, const struct sc_fsck_problem *p)
{
    struct told *t = ctx;
    if (p->kind == SC_FSCK_DATABASE)
        return; /* the index of a text that is another */
    t->problems++;
    t->repaired += p->repaired;
    t->repairable += p->repairable;
    t->accepted += p->accepted;
    (void)snprintf(t->last, sizeof(t->last), "%s: %s", p->message, p->remedy);
}

static struct told check(struct rig *r, bool repair, bool accept)
{
    struct told told = { .problems = 0 };
    const struct sc_fsck_options o = { .store = r->f.store,
                                       .root = r->f.dir.path,
                                       .repair = repair,
                                       .accept = accept,
                                       .alone = true,
                                       .slice_ms = 1000 };
    for (struct sc_fsck_place at = { 0 }; at.phase < SC_FSCK_FILES;) {
        struct sc_fsck_slice out = { .done = false };
        struct sc_error err = { 0 };
        if (sc_fsck_step(&o, &at, &out, take_problem, &told, &err) != SC_OK)
            fail_msg("%s", err.msg);
        at = out.next;
    }
    return told;
}

static void assert_sound(struct rig *r)
{
    struct told told = check(r, false, false);
    if (told.problems > 0)
        fail_msg("%d problems, the last: %s", told.problems, told.last);
    assert_index_whole(r);
}

#define SPOIL(r, sql) assert_int_equal(write_sql((r).f.store, sql), SC_OK)
/* Segment 3 says what it never did, and nothing knows what it did. */
#define SPOIL_THIRD(r) SPOIL(r, "UPDATE segments SET text = 'x', words = NULL WHERE id = 3")

/* ---- an edit whose base was repaired ---- */

static void assert_refused(struct rig *r, const struct sc_edit *e)
{
    struct sc_error err = { 0 };
    struct sc_saved saved;
    assert_int_equal(sc_edit_save(r->f.store, e, T0, NULL, &saved, &err), SC_E_CONFLICT);
    assert_string_equal(err.field, "base_version");
    assert_non_null(strstr(err.msg, "was repaired meanwhile"));
}

static void an_edit_that_was_planned_before_damage_was_accepted_is_not_written(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    SPOIL_THIRD(r);
    SC_AUTO(sc_edit_freep) struct sc_edit *late = planned(&r, id, 1, "eleven");
    assert_int_equal(check(&r, true, true).accepted, 1);
    assert_refused(&r, late);
    assert_int_equal(find(&r, id).version, 1);
    edit(&r, id, 1, "eleven");
    assert_text(&r, id, 2, "eleven\ntwo\nx");
    assert_sound(&r);
}

static void nor_is_one_that_was_planned_before_a_row_was_restored(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    SC_AUTO(sc_edit_freep) struct sc_edit *late = planned(&r, id, 1, "eleven");
    SPOIL(r, "UPDATE segments SET text = 'twp' WHERE id = 2");
    assert_int_equal(check(&r, true, false).repaired, 1);
    assert_refused(&r, late);
    assert_sound(&r);
}

enum { LONG = 120 };

static void nor_is_a_long_one(void **state)
{
    (void)state;
    AUTO_RIG(r);
    const char *texts[LONG + 1] = { NULL };
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO(sc_edit_freep) struct sc_edit *late = NULL;
    struct sc_saved saved;
    for (size_t i = 0; i < LONG; i++)
        texts[i] = "said";
    int64_t id = made(&r, texts);
    struct sc_save save = save_of(id);
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    for (size_t i = 0; i < list.count; i++) {
        free(list.items[i].text);
        list.items[i].text = sc_strdup("meant");
    }
    {
        AUTO_READER(conn, r);
        assert_int_equal(sc_edit_plan(conn, &save, &list, &late, &saved, NULL), SC_OK);
    }
    SPOIL_THIRD(r);
    assert_int_equal(check(&r, true, true).accepted, 1);
    assert_refused(&r, late);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM transcripts WHERE staged > 0"), 0);
    assert_sound(&r);
}

/* ---- an edit while the check decides ---- */

#ifdef SC_WITH_FAULTS
/* fn is called when the first problem has been found. */
static struct told check_beside(struct rig *r, bool repair, bool accept, void (*fn)(void *),
                                void *ctx)
{
    sc_fault_arm_call("fsck.found", 1, fn, ctx);
    struct told told = check(r, repair, accept);
    assert_true(sc_fault_disarm("fsck.found"));
    return told;
}

static void what_an_edit_ended_meanwhile_does_not_live_again(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    edit(&r, id, 1, "eleven");
    /* Segment 2 is missing in version 1: the check finds that it was born there, and lives. */
    SPOIL(r, "UPDATE segments SET born = 2 WHERE id = 2");
    struct meanwhile m = { &r, id, 2, "twelve", NULL, { 0 } };
    SPOIL_THIRD(r);
    struct told told = check_beside(&r, true, false, edit_meanwhile, &m);
    assert_int_equal(m.saved.version, 3);
    assert_int_equal(told.repaired, 1);
    assert_int_equal(told.problems, 2); /* the row, and the version */
    assert_int_equal(check(&r, true, true).accepted, 1);
    assert_text(&r, id, 1, "one\ntwo\nx");
    assert_text(&r, id, 2, "eleven\ntwo\nx");
    assert_text(&r, id, 3, "eleven\ntwelve\nx");
    assert_sound(&r);
}

static void what_an_edit_counted_meanwhile_stays(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    SPOIL(r, "UPDATE versions SET word_count = 99; UPDATE transcripts SET word_count = 2");
    struct meanwhile m = { &r, id, 2, "twelve and more", NULL, { 0 } };
    struct told told = check_beside(&r, true, false, edit_meanwhile, &m);
    assert_int_equal(told.repaired, 3); /* both, and what followed from one */
    assert_int_equal(m.saved.version, 2);
    assert_int_equal(find(&r, id).word_count, 5);
    assert_sound(&r);
}

static void what_is_accepted_has_the_edits_that_came_meanwhile(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    struct meanwhile m = { &r, id, 1, "eleven", NULL, { 0 } };
    SPOIL_THIRD(r);
    struct told told = check_beside(&r, true, true, edit_meanwhile, &m);
    assert_int_equal(told.accepted, 1);
    assert_int_equal(told.problems, 1);
    assert_int_equal(m.saved.version, 2);
    assert_text(&r, id, 1, "one\ntwo\nx");
    assert_text(&r, id, 2, "eleven\ntwo\nx");
    assert_sound(&r);
}

struct sql {
    struct rig *r;
    const char *sql;
};

static void write_meanwhile(void *ctx)
{
    const struct sql *s = ctx;
    assert_int_equal(write_sql(s->r->f.store, s->sql), SC_OK);
}

#define PRUNE_FIRST "DELETE FROM segments WHERE id = 3; DELETE FROM versions WHERE version = 1"

static void what_is_pruned_meanwhile_is_not_lost(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    edit(&r, id, 3, "thirteen");
    SPOIL(r, "UPDATE segments SET text = 'x', words = NULL WHERE id = 2");
    SPOIL_THIRD(r);
    struct sql pruned = { &r, PRUNE_FIRST };
    assert_int_equal(check_beside(&r, false, false, write_meanwhile, &pruned).problems, 1);
}

static void nor_is_a_sound_transcript_accepted_for_what_was_pruned(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    edit(&r, id, 3, "thirteen");
    SPOIL_THIRD(r);
    struct sql pruned = { &r, PRUNE_FIRST
                          ";"
                          "INSERT INTO changes (owner_id, changed_ms, changed_by, kind, "
                          "transcript_id, version) SELECT owner_id, 1, owner_id, "
                          "'transcript.pruned', id, 2 FROM transcripts" };
    assert_int_equal(check_beside(&r, true, true, write_meanwhile, &pruned).problems, 0);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes WHERE kind = "
                                       "'transcript.damage_accepted'"),
                     0);
    assert_sound(&r);
}

/* Whenever a problem is found. */
static void edit_again(void *ctx)
{
    struct meanwhile *m = ctx;
    m->text = m->saved.version % 2 == 0 && m->saved.version > 0 ? "one" : "eleven";
    edit_meanwhile(m);
    assert_true(sc_fault_disarm("fsck.found"));
    sc_fault_arm_call("fsck.found", 1, edit_again, m);
}

static void what_changes_at_each_try_is_told_once_as_it_stayed(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    struct meanwhile m = { &r, id, 1, NULL, NULL, { 0 } };
    SPOIL_THIRD(r);
    sc_fault_arm_call("fsck.found", 1, edit_again, &m);
    struct told told = check(&r, true, true);
    assert_false(sc_fault_disarm("fsck.found"));
    assert_true(m.saved.version > 30);
    assert_int_equal(told.problems, 1);
    assert_int_equal(told.accepted, 0);
    assert_int_equal(check(&r, true, true).accepted, 1);
    assert_sound(&r);
}
#endif

/* ---- a number that cannot be ---- */

static void a_current_version_is_not_made_of_a_damaged_number(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    edit(&r, id, 1, "eleven");
    SPOIL(r, "UPDATE versions SET is_current = 0; UPDATE transcripts SET current_version = "
             "2147483647");
    assert_true(check(&r, true, true).accepted > 0);
    assert_int_equal(find(&r, id).version, 2);
    assert_sound(&r);
    /* One that no row knows of, when the row of the newest is gone. */
    SPOIL(r, "DELETE FROM versions WHERE version = 2; UPDATE transcripts SET current_version = "
             "2147483647");
    assert_true(check(&r, true, true).accepted > 0);
    assert_int_equal(find(&r, id).version, 2);
    edit(&r, id, 2, "twelve");
    assert_text(&r, id, 3, "eleven\ntwelve\nthree");
    assert_sound(&r);
}

/* ---- while somebody saves ---- */

static enum sc_code check_held(void *ctx, struct sc_error *err)
{
    struct rig *r = ctx;
    (void)err;
    struct told told = check(r, true, true);
    assert_int_equal(told.repaired, 0);
    assert_int_equal(told.accepted, 0);
    assert_int_equal(told.repairable, 1);
    assert_non_null(strstr(told.last, "others are saving it just now"));
    return SC_OK;
}

static void who_saves_is_not_disturbed(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    SPOIL(r, "UPDATE versions SET word_count = 99");
    assert_int_equal(sc_edit_settled(r.f.store, id, check_held, &r, NULL), SC_OK);
    assert_int_equal(check(&r, true, false).repaired, 1);
    assert_sound(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edit_that_was_planned_before_damage_was_accepted_is_not_written),
        TEST(nor_is_one_that_was_planned_before_a_row_was_restored),
        TEST(nor_is_a_long_one),
#ifdef SC_WITH_FAULTS
        TEST(what_an_edit_ended_meanwhile_does_not_live_again),
        TEST(what_an_edit_counted_meanwhile_stays),
        TEST(what_is_accepted_has_the_edits_that_came_meanwhile),
        TEST(what_is_pruned_meanwhile_is_not_lost),
        TEST(nor_is_a_sound_transcript_accepted_for_what_was_pruned),
        TEST(what_changes_at_each_try_is_told_once_as_it_stayed),
#endif
        TEST(a_current_version_is_not_made_of_a_damaged_number),
        TEST(who_saves_is_not_disturbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
