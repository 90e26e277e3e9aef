/* A draft reads what is edited and what stands around it, and makes what one of all segments makes.
 */
#include "library/edit-internal.h"
#include "library/operations.h"

#include "base/alloc.h"
#include "problems.h"

#include <inttypes.h>

#include "base/banned.h"

enum { SEGMENTS = 40, ROUNDS = 250, STEPS = 6, STARTS = 25 };

static const char *const names[] = { "Ann", "Bo", "" };
static const char *const texts[] = { "good morning", "how are you all", "fine", "yes no yes" };

#define ANY(d, list) (list)[dice_between((d), 0, (int64_t)SC_ARRAY_LEN(list) - 1)]

/* Many that start at the same time. */
static int64_t made(struct rig *r, struct dice *d)
{
    int64_t id = begin(r, 1), start = 0;
    SC_AUTO_SEGMENTS list = { 0 };
    for (int i = 0; i < SEGMENTS; i++) {
        start += dice_between(d, 0, 2) * 100;
        struct sc_segment *s = add_segment(&list, start, 90, ANY(d, texts));
        s->speaker = sc_strdup(ANY(d, names));
    }
    assert_int_equal(put_chunk(r, id, 0, &list), SC_OK);
    assert_int_equal(finish(r, id, "en"), SC_OK);
    return id;
}

static void put_list(const struct sc_segments *list, bool stubs, struct sc_buf *out)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sc_segment *s = &list->items[i];
        if (s->text == NULL && !stubs)
            fail_msg("segment %" PRId64 " was not read", s->id);
        if (s->text != NULL)
            sc_buf_printf(out, "%" PRId64 "-%" PRId64 " %s: %s\n", s->start_ms, s->end_ms,
                          s->speaker == NULL ? "" : s->speaker, s->text);
    }
}

static struct sc_operation any_operation(struct dice *d, const struct sc_segments *now)
{
    int64_t last = (int64_t)now->count - 1;
    struct sc_operation o = {
        .kind = (enum sc_operation_kind)dice_between(d, 0, SC_OPERATION_COUNT_ - 1),
        /* Often near the one before, so that steps meet; sometimes one that is not there. */
        .segment = last < 0 || dice_between(d, 0, 15) == 0
                       ? dice_between(d, 0, 900)
                       : now->items[dice_between(d, 0, SC_MIN(last, 9))].id,
        .start_ms = dice_between(d, -1, STARTS) * 100,
        .at_ms = -1,
        .words = dice_between(d, 1, 2),
        .text = sc_str_from(ANY(d, texts)),
        .speaker = sc_str_from(ANY(d, names)),
        .from = sc_str_from(ANY(d, names)),
    };
    o.start_ms = SC_MAX(o.start_ms, -1);
    o.end_ms = o.start_ms < 0 ? -1 : o.start_ms + dice_between(d, 0, 3) * 60;
    if (o.kind == SC_OPERATION_MERGE && last > 0 && dice_between(d, 0, 1) == 0)
        o.with = now->items[dice_between(d, 0, last)].id;
    return o;
}

/* One way to apply the steps. */
struct way {
    bool whole;
    struct sc_draft draft;
    struct sc_edit *edit;
    struct sc_saved saved;
    enum sc_code code;
    struct sc_error err;
};

static void way_done(struct way *w)
{
    sc_draft_done(&w->draft);
    sc_edit_free(w->edit);
}

static void go(struct way *w, struct sc_conn *conn, int64_t id, const struct sc_operation *steps,
               size_t count)
{
    const struct sc_save save = { .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED };
    w->code = sc_draft_open(conn, &save, &w->draft, &w->saved, &w->err);
    if (w->whole)
        assert_int_equal(sc_draft_read_all(&w->draft, NULL), SC_OK);
    for (size_t i = 0; w->code == SC_OK && i < count; i++)
        w->code = sc_draft_apply(&w->draft, &steps[i], i + 1, &w->err);
    if (w->code == SC_OK)
        w->code = sc_edit_plan_draft(&w->draft, &save, &w->edit, &w->saved, &w->err);
    if (w->code == SC_OK)
        sc_edit_tell(w->edit, &w->saved);
}

static enum sc_code op_write(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct way *w = ctx;
    return sc_edit_write(tx, w->edit, sc_clock_wall_ms(), &w->saved, err);
}

static void assert_same(const struct way *a, const struct way *b)
{
    assert_int_equal(a->code, b->code);
    assert_string_equal(a->err.msg, b->err.msg);
    assert_int_equal(a->saved.changed, b->saved.changed);
    assert_int_equal(a->saved.changed_segments, b->saved.changed_segments);
    assert_int_equal(a->saved.segment_count, b->saved.segment_count);
    assert_int_equal(a->saved.word_count, b->saved.word_count);
    assert_int_equal(a->saved.behind_end, b->saved.behind_end);
    assert_int_equal(a->saved.overlaps, b->saved.overlaps);
}

static void assert_reads_as(struct rig *r, int64_t id, const char *wanted)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF found = { 0 };
    struct sc_error err = { 0 };
    if (read_version(r, id, find(r, id).version, &list, &err) != SC_OK) /* with its checksum */
        fail_msg("%s", err.msg);
    put_list(&list, false, &found);
    assert_string_equal(sc_buf_text(&found), wanted);
}

/* What all of the list of a draft of all segments says. */
static void load_all(struct way *w, struct sc_buf *out)
{
    for (size_t i = 0; i < w->draft.list.count; i++)
        assert_int_equal(sc_draft_load(&w->draft, i, NULL), SC_OK);
    put_list(&w->draft.list, false, out);
}

/* True: it made a version. */
static bool edit_once(struct rig *r, struct dice *d, int64_t id)
{
    struct sc_operation steps[STEPS];
    size_t count = (size_t)dice_between(d, 1, STEPS);
    SC_AUTO(way_done) struct way few = { .whole = false };
    SC_AUTO(way_done) struct way all = { .whole = true };
    SC_AUTO_SEGMENTS now = { 0 };
    SC_AUTO_BUF wanted = { 0 };
    assert_int_equal(read_version(r, id, find(r, id).version, &now, NULL), SC_OK);
    for (size_t i = 0; i < count; i++)
        steps[i] = any_operation(d, &now);
    {
        AUTO_READER(conn, *r);
        go(&few, conn, id, steps, count);
        go(&all, conn, id, steps, count);
        assert_same(&few, &all);
        if (few.code != SC_OK)
            return false;
        load_all(&all, &wanted);
    }
    if (sc_store_write(r->f.store, SC_RELAXED, op_write, &few, NULL) != SC_OK)
        fail_msg("not written");
    assert_reads_as(r, id, sc_buf_text(&wanted));
    return few.saved.changed;
}

static void a_draft_of_a_few_makes_what_one_of_all_makes(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct dice d = { .state = 20261122 };
    int64_t id = made(&r, &d);
    int versions = 1;
    for (int n = 1; n <= ROUNDS; n++) {
        versions += edit_once(&r, &d, id);
        if (n % 50 == 0)
            assert_int_equal(problems_of(&r, false, 1), 0);
    }
    assert_int_equal(find(&r, id).version, versions);
    assert_true(versions > ROUNDS / 4);
    assert_index_whole(&r);
}

static void one_sentence_is_read_with_its_neighbours_alone(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO_SEGMENTS list = { 0 };
    int64_t id = begin(&r, 1);
    for (int i = 0; i < 500; i++)
        (void)add_segment(&list, i * 1000, 100, "so it is said");
    assert_int_equal(put_chunk(&r, id, 0, &list), SC_OK);
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    SC_AUTO(way_done) struct way w = { .whole = false };
    const struct sc_operation step = { .kind = SC_OPERATION_TEXT,
                                       .segment = 250,
                                       .text = SC_STR("so it was said") };
    AUTO_READER(conn, r);
    go(&w, conn, id, &step, 1);
    assert_int_equal(w.code, SC_OK);
    assert_int_equal(w.draft.list.count, 3);
    assert_int_equal(w.draft.place_count, 3);
    assert_int_equal(w.saved.segment_count, 500);
}

/* ---- checksums ---- */

/* Gives all versions the checksum of the first releases, over hashes as they are. */
static void make_chain(struct rig *r)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO(sc_sum_freep) struct sc_sum *sum = sc_sum_new(SC_SUM_CHAIN);
    char hash[SC_SHA256_TEXT], sql[200];
    assert_int_equal(read_version(r, 1, 1, &list, NULL), SC_OK);
    for (size_t i = 0; i < list.count; i++) {
        sc_segment_hash(&list.items[i], hash);
        sc_sum_segment(sum, sc_str_from(hash), list.items[i].start_ms);
    }
    sc_sum_hex(sum, hash);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE versions SET content_hash_kind = 0, content_hash = '%s'", hash);
    assert_int_equal(outside(r->f.path, sql), SQLITE_OK);
}

static void a_version_of_the_first_releases_is_edited(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct dice d = { .state = 5 };
    int64_t id = made(&r, &d);
    SC_AUTO_SEGMENTS first = { 0 };
    make_chain(&r);
    assert_int_equal(read_version(&r, id, 1, &first, NULL), SC_OK);
    assert_int_equal(problems_of(&r, false, 1), 0);
    while (!edit_once(&r, &d, id)) {
    }
    assert_int_equal(number(r.f.store, "SELECT content_hash_kind * 10 + version FROM versions"
                                       " WHERE is_current = 1"),
                     12);
    while (!edit_once(&r, &d, id)) {
    }
    assert_int_equal(problems_of(&r, false, 1), 0);
}

/* What is not looked at is not found damaged, and not taken for sound either. */
static void damage_elsewhere_stays_damage(void **state)
{
    (void)state;
    static const char *const damages[] = {
        "DELETE FROM segments WHERE id = 30",
        "UPDATE segments SET died = 1 WHERE id = 30",
        "UPDATE segments SET start_ms = 0 WHERE id = 30",
    };
    const struct sc_operation step = { .kind = SC_OPERATION_TEXT,
                                       .segment = 2,
                                       .text = SC_STR("so it was said") };
    for (size_t chain = 0; chain < 2; chain++) {
        for (size_t i = 0; i < SC_ARRAY_LEN(damages); i++) {
            AUTO_RIG(r);
            struct dice d = { .state = 5 };
            SC_AUTO_SEGMENTS list = { 0 };
            SC_AUTO(way_done) struct way w = { .whole = false };
            int64_t id = made(&r, &d);
            if (chain == 1)
                make_chain(&r);
            assert_int_equal(outside(r.f.path, damages[i]), SQLITE_OK);
            {
                AUTO_READER(conn, r);
                go(&w, conn, id, &step, 1);
            }
            if (chain == 1) { /* read whole */
                assert_int_equal(w.code, SC_E_TRANSCRIPT_DAMAGED);
                continue;
            }
            if (w.code != SC_OK)
                fail_msg("%s", w.err.msg);
            assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_write, &w, NULL), SC_OK);
            assert_int_equal(find(&r, id).version, 2);
            assert_int_equal(read_version(&r, id, 2, &list, NULL), SC_E_TRANSCRIPT_DAMAGED);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_draft_of_a_few_makes_what_one_of_all_makes),
        TEST(one_sentence_is_read_with_its_neighbours_alone),
        TEST(a_version_of_the_first_releases_is_edited),
        TEST(damage_elsewhere_stays_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
