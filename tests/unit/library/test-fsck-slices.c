/* The check of a transcript in slices of its versions, and what its rows say of each of them. */
#include "library/edit-internal.h"
#include "library/fsck-look.h"
#include "library/operations.h"

#include "base/alloc.h"
#include "library-fixture.h"

#include "base/banned.h"

#define ROUNDS 40
#define ROWS 120
#define VERSIONS 60
#define EDITS 7

/* ---- sums ---- */

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Rows of which many start together, some end where they begin, and some were pruned. */
static void make_rows(struct sc_fsck_rows *rows, uint64_t *random)
{
    for (size_t i = 0; i < rows->count; i++) {
        struct sc_fsck_row *row = &rows->items[i];
        int64_t start = i > 0 ? row[-1].start_ms : 0;
        *row = (struct sc_fsck_row){
            .id = (int64_t)i + 1,
            .born = (int64_t)(next_random(random) % VERSIONS),
            .start_ms = start + (int64_t)(next_random(random) % 3 / 2),
            .ord = (int64_t)i,
            .words = (int64_t)(next_random(random) % 9),
        };
        row->died = next_random(random) % 4 == 0
                        ? INT64_MAX
                        : row->born + (int64_t)(next_random(random) % VERSIONS);
        sc_hash_bytes((const char *)&i, sizeof(i), row->hash);
        if (next_random(random) % 16 == 0)
            row->hash[0] = '?'; /* one that is no hash counts too */
    }
}

static void make_versions(struct sc_fsck_versions *versions, uint64_t *random)
{
    int version = 0;
    for (size_t i = 0; i < versions->count; i++) {
        version += 1 + (int)(next_random(random) % 3 / 2);
        versions->items[i] = (struct sc_fsck_version){
            .version = version,
            .sum.kind = next_random(random) % 4 == 0 ? SC_SUM_CHAIN : SC_SUM_ADDED,
        };
    }
}

static void sums_that_are_followed_are_those_that_are_added_up(void **state)
{
    (void)state;
    static struct sc_fsck_row row_items[ROWS];
    static struct sc_fsck_version version_items[VERSIONS];
    uint64_t random = 1;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct sc_fsck_rows rows = { .items = row_items, .count = round == 0 ? 0 : ROWS };
        struct sc_fsck_versions versions = { .items = version_items,
                                             .count = round == 1 ? 0 : VERSIONS };
        make_rows(&rows, &random);
        make_versions(&versions, &random);
        SC_AUTO_FREE struct sc_fsck_version *sums = sc_fsck_sums(&rows, &versions);
        for (size_t i = 0; i < versions.count; i++) {
            struct sc_fsck_version one = sc_fsck_sum(&rows, &versions.items[i]);
            assert_int_equal(sums[i].version, one.version);
            assert_int_equal(sums[i].segments, one.segments);
            assert_int_equal(sums[i].words, one.words);
            assert_string_equal(sums[i].sum.hash, one.sum.hash);
        }
    }
}

/* ---- slices ---- */

static void edit(struct rig *r, int64_t id, int64_t segment, const char *text)
{
    const struct sc_operation o = { .kind = SC_OPERATION_TEXT,
                                    .segment = segment,
                                    .text = sc_str_from(text) };
    const struct sc_save save = {
        .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED
    };
    SC_AUTO_DRAFT draft = { 0 };
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    struct sc_saved saved;
    {
        AUTO_READER(conn, *r);
        assert_int_equal(sc_draft_open(conn, &save, &draft, &saved, NULL), SC_OK);
        assert_int_equal(sc_draft_apply(&draft, &o, 1, NULL), SC_OK);
        assert_int_equal(sc_edit_plan_draft(&draft, &save, &edit, &saved, NULL), SC_OK);
    }
    assert_int_equal(sc_edit_save(r->f.store, edit, T0, NULL, &saved, NULL), SC_OK);
    assert_true(saved.changed);
}

/* Version 1, and one more for each edit, of one segment or the other. */
static int64_t make_versioned(struct rig *r, int64_t job)
{
    int64_t id = begin(r, job);
    PUT(*r, id, 0, 0, "one", "two", "three");
    assert_int_equal(finish(r, id, "en"), SC_OK);
    int64_t first = number(r->f.store, "SELECT max(segment_id) - 2 FROM segments");
    for (int i = 0; i < EDITS; i++) {
        char text[24];
        (void)snprintf(text, sizeof(text), "said %d", i);
        edit(r, id, first + i % 2, text);
    }
    return id;
}

struct seen {
    struct rig *r;
    struct sc_fsck_place at;
    int slices, transcripts, problems, repaired;
    char first[200];
};

static void take_problem(void *ctx, const struct sc_fsck_problem *p)
{
    struct seen *seen = ctx;
    if (p->kind == SC_FSCK_DATABASE)
        return; /* the index of a text that is another */
    if (seen->problems++ == 0)
        (void)snprintf(seen->first, sizeof(seen->first), "%d: %s", p->version, p->message);
    seen->repaired += p->repaired;
}

/* A slice that ends as soon as it may. */
static void step(struct seen *seen, bool repair)
{
    const struct sc_fsck_options o = {
        .store = seen->r->f.store, .root = seen->r->f.dir.path, .repair = repair, .alone = true
    };
    struct sc_fsck_slice out = { .done = false };
    struct sc_error err = { 0 };
    if (sc_fsck_step(&o, &seen->at, &out, take_problem, seen, &err) != SC_OK)
        fail_msg("%s", err.msg);
    seen->at = out.next;
    seen->slices++;
    seen->transcripts += (int)out.checked;
}

static struct seen check(struct rig *r, bool repair)
{
    struct seen seen = { .r = r, .at = { .phase = SC_FSCK_TRANSCRIPTS } };
    while (seen.at.phase == SC_FSCK_TRANSCRIPTS)
        step(&seen, repair);
    return seen;
}

static void each_slice_goes_on_behind_a_version(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = make_versioned(&r, 1);
    struct seen seen = { .r = &r, .at = { .phase = SC_FSCK_TRANSCRIPTS } };
    for (int64_t version = 1; version <= EDITS; version++) {
        step(&seen, false);
        assert_int_equal(seen.at.after, id);
        assert_int_equal(seen.at.within, version);
        assert_int_equal(seen.transcripts, 0);
    }
    step(&seen, false); /* the last one */
    assert_int_equal(seen.at.after, id);
    assert_int_equal(seen.at.within, 0);
    assert_int_equal(seen.transcripts, 1);
    step(&seen, false);
    assert_true(seen.at.phase == SC_FSCK_CHUNKS);
    assert_int_equal(seen.problems, 0);
}

static void damage_is_found_in_whichever_slice_it_is(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "UPDATE versions SET word_count = 99 WHERE version = ",
        "UPDATE versions SET segment_count = 99 WHERE version = ",
        "UPDATE versions SET content_hash = 'x' || substr(content_hash, 2) WHERE version = ",
        "UPDATE segments SET text = text || 'x' WHERE born = ",
        "UPDATE segments SET died = NULL WHERE died = ",
        "DELETE FROM segments WHERE born = ",
        "UPDATE transcripts SET word_count = 1",
        "UPDATE versions SET is_current = 0 WHERE version > -",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(damages); i++) {
        for (int version = 2; version <= EDITS + 1; version += 3) {
            AUTO_RIG(r);
            SC_AUTO_BUF sql = { 0 };
            (void)make_versioned(&r, 1);
            sc_buf_printf(&sql, "%s%d", damages[i], version);
            assert_int_equal(write_sql(r.f.store, sc_buf_text(&sql)), SC_OK);
            struct seen seen = check(&r, false);
            if (seen.problems == 0 || seen.transcripts != 1)
                fail_msg("%s: %d problems", sc_buf_text(&sql), seen.problems);
            seen = check(&r, true);
            if (seen.repaired > 0 && check(&r, false).problems > 0)
                fail_msg("%s: %s", sc_buf_text(&sql), seen.first);
        }
    }
}

static void what_happens_between_two_slices_is_no_damage(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = make_versioned(&r, 1), other = make_versioned(&r, 2);
    struct seen seen = { .r = &r, .at = { .phase = SC_FSCK_TRANSCRIPTS } };
    for (int i = 0; i < 4; i++)
        step(&seen, false);
    const struct sc_prune prune = { .owner_id = 1, .by = 1, .transcript = id, .keep = 3 };
    int64_t removed = 0;
    assert_int_equal(sc_versions_prune(r.f.store, &prune, T0, &removed, NULL), SC_OK);
    assert_int_equal(removed, EDITS + 1 - 3);
    step(&seen, false);
    assert_int_equal(seen.at.after, id);
    edit(&r, id, number(r.f.store, "SELECT min(segment_id) FROM segments"), "meanwhile");
    step(&seen, false);
    /* And one that is there no more. */
    assert_true(seen.at.after == id && seen.at.within > 0);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM transcripts WHERE id = 1"), SC_OK);
    step(&seen, false);
    assert_int_equal(seen.at.after, other);
    assert_int_equal(seen.at.within, 1);
    while (seen.at.phase == SC_FSCK_TRANSCRIPTS)
        step(&seen, false);
    assert_int_equal(seen.transcripts, 1);
    if (seen.problems > 0)
        fail_msg("%s", seen.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sums_that_are_followed_are_those_that_are_added_up),
        TEST(each_slice_goes_on_behind_a_version),
        TEST(damage_is_found_in_whichever_slice_it_is),
        TEST(what_happens_between_two_slices_is_no_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
