/* Edits make versions that share what did not change. */
#include "library/edit.h"
#include "library/operations.h"

#include "base/alloc.h"
#include "problems.h"
#include "transcript/revise.h"

#include <pthread.h>
#include <time.h>

#include "base/banned.h"

#define VOCABULARY 12
enum { EDITS = 150 };

struct saving {
    struct sc_save save;
    const struct sc_segments *wanted;
    struct sc_saved saved;
    struct sc_error err;
};

static enum sc_code op_save(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct saving *s = ctx;
    return sc_transcript_save(tx, &s->save, s->wanted, sc_clock_wall_ms(), &s->saved, err);
}

static enum sc_code save(struct rig *r, struct saving *s)
{
    s->err = (struct sc_error){ 0 };
    enum sc_code code = sc_store_write(r->f.store, SC_RELAXED, op_save, s, &s->err);
    assert_true(code == SC_OK || s->err.msg[0] != '\0');
    return code;
}

static struct saving saving_of(int64_t id, const struct sc_segments *wanted)
{
    return (struct saving){
        .save = { .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED },
        .wanted = wanted,
    };
}

static void set_text(struct sc_segment *s, const char *text)
{
    free(s->text);
    s->text = sc_strdup(text);
}

/* A transcript of job 1 with these segments, finished. */
static int64_t made(struct rig *r, const char *const *texts)
{
    int64_t id = begin(r, 1);
    put_texts(r, id, 0, 0, texts);
    assert_int_equal(finish(r, id, "en"), SC_OK);
    return id;
}
#define MADE(r, ...) made(&(r), (const char *const[]){ __VA_ARGS__, NULL })

static void an_edit_makes_the_next_version(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "good morning", "how are you", "fine");
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    set_text(&list.items[1], "who are you");
    struct saving s = saving_of(id, &list);
    s.save.note = "misheard";
    test_clock_step(&r.clock, 1000);
    assert_int_equal(save(&r, &s), SC_OK);
    assert_true(s.saved.changed);
    assert_int_equal(s.saved.version, 2);
    assert_int_equal(s.saved.changed_segments, 1);
    assert_int_equal(s.saved.segment_count, 3);

    assert_text(&r, id, 1, "good morning\nhow are you\nfine");
    assert_text(&r, id, 2, "good morning\nwho are you\nfine");
    struct sc_transcript t = find(&r, id);
    assert_int_equal(t.version, 2);
    assert_int_equal(t.segment_count, 3);
    assert_int_equal(t.updated_ms, T0 + 1000);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments"), 4);
    assert_int_equal(number(r.f.store, "SELECT segment_id FROM segments WHERE id = 4"), 2);
    assert_int_equal(hits(&r, "how"), 0);
    assert_int_equal(hits(&r, "who"), 1);
    assert_index_whole(&r);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM versions WHERE version = 2"
                                       " AND is_current = 1 AND created_by = 1"
                                       " AND change_note = 'misheard'"),
                     1);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes WHERE transcript_id = 1"
                                       " AND version = 2 AND kind = 'transcript.edited'"),
                     1);
}

/* What an edit elsewhere would give another rank: its hash leaves the sum of the base and comes
 * into the next one. */
static void damage_that_would_enter_the_sum_is_refused(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO_SEGMENTS list = { 0 };
    static const char *const texts[] = { "one", "two", "three", "four" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++)
        (void)add_segment(&list, i < 3 ? 0 : 1000, 100, texts[i]);
    int64_t id = begin(&r, 1);
    assert_int_equal(put_chunk(&r, id, 0, &list), SC_OK);
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    static const char *const damages[] = {
        "UPDATE segments SET text = 'tree' WHERE id = 3",
        "UPDATE segments SET content_hash = 'f0' || substr(content_hash, 3) WHERE id = 3",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(damages); i++) {
        SC_AUTO_DRAFT draft = { 0 };
        SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
        struct saving s = saving_of(id, NULL);
        const struct sc_operation removed = { .kind = SC_OPERATION_DELETE, .segment = 2 };
        const struct sc_operation other = { .kind = SC_OPERATION_DELETE, .segment = 4 };
        assert_int_equal(write_sql(r.f.store, damages[i]), SC_OK);
        {
            AUTO_READER(conn, r);
            assert_int_equal(sc_draft_open(conn, &s.save, &draft, &s.saved, NULL), SC_OK);
            assert_int_equal(sc_draft_apply(&draft, &removed, 1, NULL), SC_OK);
            assert_int_equal(sc_edit_plan_draft(&draft, &s.save, &edit, &s.saved, &s.err),
                             SC_E_TRANSCRIPT_DAMAGED);
            /* One that leaves it where it is, does not ask for it. */
            sc_draft_done(&draft);
            assert_int_equal(sc_draft_open(conn, &s.save, &draft, &s.saved, NULL), SC_OK);
            assert_int_equal(sc_draft_apply(&draft, &other, 1, NULL), SC_OK);
            assert_int_equal(sc_edit_plan_draft(&draft, &s.save, &edit, &s.saved, &s.err), SC_OK);
        }
    }
}

static void nothing_changed_is_no_version(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two");
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    /* As the API shows it, with four digits, and with no speaker as none. */
    list.items[0].confidence += 0.00003F;
    list.items[1].speaker = sc_strdup("");
    struct saving s = saving_of(id, &list);
    assert_int_equal(save(&r, &s), SC_OK);
    assert_false(s.saved.changed);
    assert_int_equal(s.saved.version, 1);
    assert_int_equal(find(&r, id).version, 1);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes"), 0);
}

static void segments_are_inserted_removed_and_moved(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two", "three");
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_SEGMENTS wanted = { 0 };
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    /* Two new ones where "one" starts, in front of it and behind it; "two" goes. */
    (void)add_segment(&wanted, 0, 100, "first");
    assert_true(sc_segment_copy(&list.items[0], sc_segments_add(&wanted)));
    (void)add_segment(&wanted, 0, 100, "behind");
    assert_true(sc_segment_copy(&list.items[2], sc_segments_add(&wanted)));
    struct saving s = saving_of(id, &wanted);
    assert_int_equal(save(&r, &s), SC_OK);
    assert_text(&r, id, 2, "first\none\nbehind\nthree");
    assert_text(&r, id, 1, "one\ntwo\nthree");
    assert_int_equal(find(&r, id).segment_count, 4);
    assert_int_equal(find(&r, id).word_count, 4);
    assert_index_whole(&r);
}

static void an_edit_of_an_old_version_is_refused(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two");
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    set_text(&list.items[0], "eins");
    struct saving s = saving_of(id, &list);
    s.save.base_version = 1;
    assert_int_equal(save(&r, &s), SC_OK);
    set_text(&list.items[0], "uno");
    assert_int_equal(save(&r, &s), SC_E_CONFLICT);
    assert_string_equal(s.err.field, "base_version");
    assert_int_equal(s.saved.version, 2);
    assert_text(&r, id, 2, "eins\ntwo");
    s.save.base_version = 7;
    assert_int_equal(save(&r, &s), SC_E_CONFLICT);
}

struct late {
    struct sc_edit *edit;
    struct sc_saved saved;
};

static enum sc_code op_write(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct late *l = ctx;
    return sc_edit_write(tx, l->edit, sc_clock_wall_ms(), &l->saved, err);
}

/* Both planned from version 1: the second comes too late. */
static void of_two_edits_at_once_one_is_told(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "two");
    static const char *const texts[] = { "eins", "uno" };
    struct late both[2] = { 0 };
    for (size_t i = 0; i < 2; i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
        set_text(&list.items[0], texts[i]);
        struct saving s = saving_of(id, &list);
        AUTO_READER(conn, r);
        assert_int_equal(sc_edit_plan(conn, &s.save, &list, &both[i].edit, &both[i].saved, NULL),
                         SC_OK);
    }
    struct sc_error err = { 0 };
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_write, &both[1], NULL), SC_OK);
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_write, &both[0], &err),
                     SC_E_CONFLICT);
    assert_string_equal(err.field, "base_version");
    assert_int_equal(both[0].saved.version, 2);
    assert_text(&r, id, 2, "uno\ntwo");
    for (size_t i = 0; i < 2; i++)
        sc_edit_free(both[i].edit);
}

static void what_cannot_be_edited_says_why(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one", "two");
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 0, &list, NULL), SC_OK);
    struct saving s = saving_of(id, &list);
    assert_int_equal(save(&r, &s), SC_E_CONFLICT); /* partial */
    assert_string_equal(s.err.field, "");
    assert_non_null(strstr(s.err.msg, "wait"));
    assert_int_equal(finish(&r, id, "en"), SC_OK);

    s.save.owner_id = 2;
    assert_int_equal(save(&r, &s), SC_E_TRANSCRIPT_NOT_FOUND);
    s.save.owner_id = 1;
    list.items[1].id = list.items[0].id;
    assert_int_equal(save(&r, &s), SC_E_INVALID_VALUE);
    assert_non_null(strstr(s.err.msg, "segment 2"));
    list.items[1].id = 99;
    assert_int_equal(save(&r, &s), SC_E_INVALID_VALUE);
    assert_string_equal(s.err.field, "segments");
    list.items[1].id = 2;
    list.items[1].end_ms = -1;
    assert_int_equal(save(&r, &s), SC_E_INVALID_VALUE);
    assert_int_equal(find(&r, id).version, 1);
}

/* ---- whose words they are ---- */

static void put_origins(struct rig *r, int64_t id, int version, struct sc_buf *out)
{
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(r, id, version, &list, NULL), SC_OK);
    for (size_t i = 0; i < list.count; i++) {
        for (size_t k = 0; k < list.items[i].word_count; k++)
            sc_buf_printf(out, "%s:%d ", list.items[i].words[k].text,
                          (int)sc_word_origin(&list.items[i], k));
    }
}

static void assert_origins(struct rig *r, int64_t id, int version, const char *wanted)
{
    SC_AUTO_BUF found = { 0 };
    put_origins(r, id, version, &found);
    assert_string_equal(sc_buf_text(&found), wanted);
}

static void reword(struct rig *r, int64_t id, size_t at, const char *text)
{
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(r, id, find(r, id).version, &list, NULL), SC_OK);
    assert_true(sc_segment_reword(&list.items[at], sc_str_from(text)));
    struct saving s = saving_of(id, &list);
    assert_int_equal(save(r, &s), SC_OK);
}

static int64_t prune(struct rig *r, int64_t id, int64_t keep);

static void each_word_keeps_who_made_it(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "good morning all", "fine");
    assert_origins(&r, id, 1, "good:1 morning:1 all:1 fine:1 ");
    reword(&r, id, 0, "good evening all");
    assert_origins(&r, id, 2, "good:1 evening:2 all:1 fine:1 ");
    reword(&r, id, 0, "good evening to all");
    assert_origins(&r, id, 3, "good:1 evening:2 to:3 all:1 fine:1 ");
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM origins WHERE id = 3 AND version = 3"
                                       " AND principal_id = 1 AND transcript_id = 1"
                                       " AND made_ms = 1700000000000"),
                     1);
    /* Also of what was joined. */
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 3, &list, NULL), SC_OK);
    assert_true(sc_segment_join(&list.items[0], &list.items[1]));
    sc_segment_done(&list.items[1]);
    list.count = 1;
    struct saving s = saving_of(id, &list);
    assert_int_equal(save(&r, &s), SC_OK);
    assert_origins(&r, id, 4, "good:1 evening:2 to:3 all:1 fine:1 ");
    /* It survives the versions. */
    assert_int_equal(prune(&r, id, 1), 3);
    assert_origins(&r, id, 4, "good:1 evening:2 to:3 all:1 fine:1 ");
    assert_int_equal(number(r.f.store, "SELECT made_ms FROM origins WHERE id = 2"), T0);
    assert_index_whole(&r);
}

/* The check may restore a version whose row was lost: its segments do not go with older ones. */
static void pruning_leaves_what_a_lost_version_has(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one", "fine");
    static const char *const texts[] = { "v2", "v3", "v4", "v5" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++)
        reword(&r, id, 0, texts[i]);
    assert_int_equal(write_sql(r.f.store, "DELETE FROM versions WHERE version = 4"), SC_OK);
    assert_int_equal(prune(&r, id, 2), 2);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments WHERE text IN ('one', 'v2')"),
                     0);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments"), 4);
}

static void a_word_that_is_typed_elsewhere_is_another(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "yes", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l");
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    sc_segment_done(&list.items[0]);
    memmove(&list.items[0], &list.items[1], --list.count * sizeof(list.items[0]));
    list.items[list.count] = (struct sc_segment){ 0 };
    (void)add_segment(&list, 12000, 100, "yes");
    struct saving s = saving_of(id, &list);
    assert_int_equal(save(&r, &s), SC_OK);
    SC_AUTO_BUF found = { 0 };
    put_origins(&r, id, 2, &found);
    assert_non_null(strstr(sc_buf_text(&found), "l:1 yes:2"));
}

/* ---- any edits, against whole copies ---- */

static const char *const vocabulary[VOCABULARY] = { "alpha", "bravo",   "charlie", "delta",
                                                    "echo",  "foxtrot", "golf",    "hotel",
                                                    "india", "juliett", "kilo",    "lima" };

static const char *any_word(struct dice *d)
{
    return vocabulary[dice_between(d, 0, VOCABULARY - 1)];
}

/* All that a version must say, in words that can be compared. */
static void put_all(struct sc_buf *out, const struct sc_segments *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct sc_segment *s = &list->items[i];
        sc_buf_printf(out, "%" PRId64 "-%" PRId64 " [%s] %s %.6f", s->start_ms, s->end_ms, s->text,
                      s->speaker == NULL ? "" : s->speaker, (double)s->confidence);
        for (size_t k = 0; k < s->word_count; k++)
            sc_buf_printf(out, " %s@%" PRId64 "-%" PRId64, s->words[k].text, s->words[k].start_ms,
                          s->words[k].end_ms);
        sc_buf_putc(out, '\n');
    }
}

static void mutate(struct sc_segments *list, struct dice *d)
{
    size_t at = list->count == 0 ? 0 : (size_t)dice_between(d, 0, (int64_t)list->count - 1);
    struct sc_segment *s = list->count == 0 ? NULL : &list->items[at];
    switch (s == NULL ? 4 : dice_between(d, 0, 4)) {
    case 0:
        sc_segment_done(s);
        memmove(s, s + 1, (--list->count - at) * sizeof(*s));
        break;
    case 1:
        set_text(s, any_word(d));
        break;
    case 2:
        free(s->speaker);
        s->speaker = dice_between(d, 0, 2) == 0 ? NULL : sc_strdup(any_word(d));
        break;
    case 3:
        s->end_ms += dice_between(d, 0, 500);
        break;
    default: {
        /* Behind the one at `at`, often at the same time. */
        int64_t start = s == NULL ? 0 : s->start_ms;
        (void)add_segment(list, start, 50, any_word(d));
        struct sc_segment last = list->items[list->count - 1];
        size_t to = list->count == 1 ? 0 : at + (size_t)dice_between(d, 0, 1);
        memmove(&list->items[to + 1], &list->items[to], (list->count - 1 - to) * sizeof(last));
        list->items[to] = last;
    }
    }
}

static void assert_version(struct rig *r, int64_t id, int version, const char *wanted)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF found = { 0 };
    struct sc_error err = { 0 };
    if (read_version(r, id, version, &list, &err) != SC_OK)
        fail_msg("version %d: %s", version, err.msg);
    put_all(&found, &list);
    assert_string_equal(sc_buf_text(&found), wanted);
}

/* The index finds what is said now, and nothing else. */
static void assert_found(struct rig *r, const struct sc_segments *now)
{
    for (size_t w = 0; w < VOCABULARY; w++) {
        int64_t said = 0;
        for (size_t i = 0; i < now->count; i++)
            said += strstr(now->items[i].text, vocabulary[w]) != NULL ? 1 : 0;
        assert_int_equal(hits(r, vocabulary[w]), said);
    }
    assert_index_whole(r);
}

/* What a run of the model has saved. */
struct model {
    struct rig *r;
    struct dice d;
    int64_t id;
    int version;
    char *copies[EDITS + 2]; /* NULL: pruned */
};

static void edit_once(struct model *m)
{
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF all = { 0 };
    assert_int_equal(read_version(m->r, m->id, m->version, &list, NULL), SC_OK);
    for (int64_t k = dice_between(&m->d, 1, 3); k > 0; k--)
        mutate(&list, &m->d);
    struct saving s = saving_of(m->id, &list);
    s.save.base_version = m->version;
    if (save(m->r, &s) != SC_OK)
        fail_msg("%s", s.err.msg);
    assert_int_equal(s.saved.version, m->version + (s.saved.changed ? 1 : 0));
    assert_int_equal(s.saved.word_count, find(m->r, m->id).word_count);
    m->version = s.saved.version;
    put_all(&all, &list);
    if (m->copies[m->version] != NULL) /* nothing has changed */
        assert_string_equal(m->copies[m->version], sc_buf_text(&all));
    free(m->copies[m->version]);
    m->copies[m->version] = sc_buf_take(&all);
}

struct rolling {
    struct sc_save save;
    int to;
    struct sc_saved saved;
};

static enum sc_code op_rollback(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct rolling *o = ctx;
    SC_AUTO(sc_edit_freep) struct sc_edit *e = NULL;
    enum sc_code code = sc_edit_plan_rollback(tx, &o->save, o->to, &e, &o->saved, err);
    return code == SC_OK ? sc_edit_write(tx, e, sc_clock_wall_ms(), &o->saved, err) : code;
}

static enum sc_code go_back(struct rig *r, int64_t id, int to, enum sc_change_kind kind,
                            struct sc_saved *saved)
{
    struct rolling o = { .save = { .by = 1, .transcript = id, .kind = kind }, .to = to };
    enum sc_code code = sc_store_write(r->f.store, SC_RELAXED, op_rollback, &o, NULL);
    *saved = o.saved;
    return code;
}

static enum sc_code roll_back(struct rig *r, int64_t id, int to, struct sc_saved *saved)
{
    return go_back(r, id, to, SC_CHANGE_ROLLED_BACK, saved);
}

static void roll_back_once(struct model *m)
{
    int to = (int)dice_between(&m->d, 1, m->version);
    struct sc_saved saved;
    enum sc_code code = roll_back(m->r, m->id, to, &saved);
    assert_int_equal(code, m->copies[to] == NULL ? SC_E_VERSION_NOT_FOUND : SC_OK);
    if (code != SC_OK)
        return;
    if (!saved.changed) {
        assert_string_equal(m->copies[to], m->copies[m->version]);
        return;
    }
    assert_int_equal(saved.version, ++m->version);
    m->copies[m->version] = strdup(m->copies[to]);
}

static int64_t prune(struct rig *r, int64_t id, int64_t keep)
{
    const struct sc_prune what = { .by = 1, .transcript = id, .keep = keep };
    int64_t removed = -1;
    assert_int_equal(sc_versions_prune(r->f.store, &what, sc_clock_wall_ms(), &removed, NULL),
                     SC_OK);
    return removed;
}

static void prune_once(struct model *m)
{
    int64_t keep = dice_between(&m->d, 3, 40), kept = 0, gone = 0;
    for (int v = m->version; v >= 1; v--) {
        if (m->copies[v] == NULL || ++kept <= keep)
            continue;
        free(m->copies[v]);
        m->copies[v] = NULL;
        gone++;
    }
    assert_int_equal(prune(m->r, m->id, keep), gone);
    /* No row is left that no version has. */
    assert_int_equal(number(m->r->f.store, "SELECT count(*) FROM segments AS s WHERE NOT EXISTS"
                                           " (SELECT 1 FROM versions AS v WHERE v.version >= s.born"
                                           "  AND (s.died IS NULL OR v.version < s.died))"),
                     0);
}

static void assert_model(struct model *m)
{
    SC_AUTO_SEGMENTS now = { 0 };
    assert_int_equal(read_version(m->r, m->id, m->version, &now, NULL), SC_OK);
    assert_found(m->r, &now);
    for (int v = 1; v <= m->version; v++) {
        SC_AUTO_SEGMENTS list = { 0 };
        if (m->copies[v] != NULL)
            assert_version(m->r, m->id, v, m->copies[v]);
        else
            assert_int_equal(read_version(m->r, m->id, v, &list, NULL), SC_E_VERSION_NOT_FOUND);
    }
}

static void every_version_reads_as_it_was_saved(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct model m = { .r = &r, .d = { .state = 20261121 }, .version = 1 };
    SC_AUTO_BUF first = { 0 };
    SC_AUTO_SEGMENTS list = { 0 };
    m.id = MADE(r, "alpha bravo", "charlie delta echo", "foxtrot", "golf hotel", "india");
    assert_int_equal(read_version(&r, m.id, 1, &list, NULL), SC_OK);
    put_all(&first, &list);
    m.copies[1] = sc_buf_take(&first);
    for (int n = 1; n <= EDITS; n++) {
        int64_t what = dice_between(&m.d, 0, 20);
        if (what == 0)
            prune_once(&m);
        else if (what < 4)
            roll_back_once(&m);
        else
            edit_once(&m);
        if (n % 50 == 0)
            assert_model(&m);
    }
    assert_true(m.version > EDITS / 2);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM versions WHERE is_current = 1"), 1);
    assert_int_equal(number(r.f.store, "SELECT max(version) FROM versions"), m.version);

    assert_int_equal(problems_of(&r, false, 1), 0);
    for (int v = 1; v <= m.version; v++)
        free(m.copies[v]);
}

/* Undoes once; what the transcript says then. */
static void undo(struct rig *r, int64_t id, int back_to, const char *text)
{
    int before = 0;
    struct sc_saved saved;
    {
        struct sc_transcript t = find(r, id);
        AUTO_READER(conn, *r);
        assert_int_equal(sc_version_before(conn, &t, &before, NULL), SC_OK);
    }
    assert_int_equal(before, back_to);
    assert_int_equal(go_back(r, id, before, SC_CHANGE_UNDONE, &saved), SC_OK);
    assert_text(r, id, saved.version, text);
}

static void assert_nothing_to_undo(struct rig *r, int64_t id)
{
    struct sc_transcript t = find(r, id);
    int before = 0;
    struct sc_error err = { 0 };
    AUTO_READER(conn, *r);
    assert_int_equal(sc_version_before(conn, &t, &before, &err), SC_E_CONFLICT);
    assert_string_equal(err.msg, "there is nothing to undo");
}

static void what_is_undone_twice_goes_further_back(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one");
    reword(&r, id, 0, "two");
    reword(&r, id, 0, "three");
    reword(&r, id, 0, "four");
    undo(&r, id, 3, "three");
    undo(&r, id, 2, "two");
    undo(&r, id, 1, "one");
    assert_nothing_to_undo(&r, id);
    /* What was typed after undoing is undone first, then what is left. */
    reword(&r, id, 0, "five");
    undo(&r, id, 7, "one");
    assert_nothing_to_undo(&r, id);
}

static void a_rollback_is_undone_as_an_edit_is(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = MADE(r, "one");
    struct sc_saved saved;
    reword(&r, id, 0, "two");
    reword(&r, id, 0, "three");
    assert_int_equal(roll_back(&r, id, 1, &saved), SC_OK);
    undo(&r, id, 3, "three"); /* not "nothing": what stood before the rollback */
    undo(&r, id, 2, "two");
    assert_int_equal(roll_back(&r, id, 3, &saved), SC_OK);
    undo(&r, id, 6, "two");
    undo(&r, id, 1, "one");
    assert_nothing_to_undo(&r, id);
}

/* ---- many, and much ---- */

enum { EDITORS = 64 };

struct editor {
    pthread_t thread;
    struct sc_store *store;
    int64_t id;
    int number, conflicts;
};

/* Adds its own word behind what it reads, and again while somebody else was quicker. */
static enum sc_code try_edit(struct editor *e)
{
    char word[16];
    SC_AUTO_DRAFT draft = { 0 };
    SC_AUTO_BUF text = { 0 };
    struct late l = { 0 };
    const struct sc_save save = { .by = 1, .transcript = e->id, .kind = SC_CHANGE_EDITED };
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        enum sc_code code = sc_store_read(e->store, &conn, NULL);
        if (code == SC_OK)
            code = sc_draft_open(conn, &save, &draft, &l.saved, NULL);
        size_t at;
        bool found;
        if (code == SC_OK)
            code = sc_draft_find(&draft, 1, &at, &found, NULL);
        if (code != SC_OK)
            return code;
        (void)snprintf(word, sizeof(word), " w%d", e->number);
        sc_buf_puts(&text, draft.list.items[at].text);
        sc_buf_puts(&text, word);
        if (!sc_segment_reword(&draft.list.items[at], sc_buf_str(&text)))
            return SC_E_INTERNAL;
        code = sc_edit_plan_draft(&draft, &save, &l.edit, &l.saved, NULL);
        if (code != SC_OK)
            return code;
    }
    enum sc_code code = sc_store_write(e->store, SC_RELAXED, op_write, &l, NULL);
    sc_edit_free(l.edit);
    return code;
}

static void *edit_until_done(void *arg)
{
    struct editor *e = arg;
    for (enum sc_code code = SC_E_CONFLICT; code != SC_OK; e->conflicts++)
        code = try_edit(e);
    return NULL;
}

static void of_64_editors_none_loses_an_edit(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct editor editors[EDITORS] = { 0 };
    int64_t id = MADE(r, "begin", "end");
    for (int i = 0; i < EDITORS; i++) {
        editors[i] = (struct editor){ .store = r.f.store, .id = id, .number = i };
        assert_int_equal(pthread_create(&editors[i].thread, NULL, edit_until_done, &editors[i]), 0);
    }
    for (int i = 0; i < EDITORS; i++)
        assert_int_equal(pthread_join(editors[i].thread, NULL), 0);
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(&r, id, EDITORS + 1, &list, NULL), SC_OK);
    for (int i = 0; i < EDITORS; i++) {
        char word[16];
        (void)snprintf(word, sizeof(word), "w%d", i);
        int found = 0;
        for (size_t k = 0; k < list.items[0].word_count; k++)
            found += strcmp(list.items[0].words[k].text, word) == 0 ? 1 : 0;
        assert_int_equal(found, 1);
    }
    /* Gapless: each from 1 on, and one is current. */
    assert_int_equal(number(r.f.store, "SELECT count(*) * 1000 + max(version) FROM versions"),
                     (EDITORS + 1) * 1000 + EDITORS + 1);
    assert_int_equal(number(r.f.store, "SELECT sum(is_current) FROM versions"), 1);
    assert_int_equal(problems_of(&r, false, 1), 0);
}

/* Ten hours: 10,000 segments of nine words. */
static int64_t made_long(struct rig *r)
{
    int64_t id = begin(r, 1);
    for (int chunk = 0; chunk < 100; chunk++) {
        SC_AUTO_SEGMENTS list = { 0 };
        for (int i = 0; i < 100; i++)
            (void)add_segment(&list, (chunk * 100 + i) * 3600, 380,
                              "this is what somebody said in a long meeting");
        assert_int_equal(put_chunk(r, id, chunk, &list), SC_OK);
    }
    assert_int_equal(finish(r, id, "en"), SC_OK);
    return id;
}

/* The rig has stopped the clock. */
static int64_t true_us(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int64_t pages(struct rig *r)
{
    return number(r->f.store, "SELECT page_count - freelist_count FROM pragma_page_count,"
                              " pragma_freelist_count");
}

static void a_hundred_edits_of_ten_hours_take_little_room(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = made_long(&r), before = pages(&r), slowest = 0;
    struct dice d = { .state = 7 };
    for (int n = 0; n < 100; n++) {
        SC_AUTO_DRAFT draft = { 0 };
        struct late l = { 0 };
        const struct sc_save save = { .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED };
        AUTO_READER(conn, r);
        int64_t begun = true_us();
        size_t at;
        bool found;
        assert_int_equal(sc_draft_open(conn, &save, &draft, &l.saved, NULL), SC_OK);
        assert_int_equal(sc_draft_find(&draft, dice_between(&d, 1, 10000), &at, &found, NULL),
                         SC_OK);
        assert_true(sc_segment_reword(&draft.list.items[at],
                                      SC_STR("this is what nobody said in a long meeting")));
        assert_int_equal(sc_edit_plan_draft(&draft, &save, &l.edit, &l.saved, NULL), SC_OK);
        sc_conn_release(SC_TAKE(conn));
        assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_write, &l, NULL), SC_OK);
        slowest = SC_MAX(slowest, true_us() - begun);
        sc_edit_free(l.edit);
    }
    assert_int_equal(find(&r, id).version, 101);
    int64_t after = pages(&r);
    print_message("a hundred edits of ten hours: %d pages became %d; the slowest took %d us\n",
                  (int)before, (int)after, (int)slowest);
    assert_true(after < before + before / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edit_makes_the_next_version),
        TEST(damage_that_would_enter_the_sum_is_refused),
        TEST(nothing_changed_is_no_version),
        TEST(segments_are_inserted_removed_and_moved),
        TEST(an_edit_of_an_old_version_is_refused),
        TEST(of_two_edits_at_once_one_is_told),
        TEST(what_cannot_be_edited_says_why),
        TEST(each_word_keeps_who_made_it),
        TEST(pruning_leaves_what_a_lost_version_has),
        TEST(a_word_that_is_typed_elsewhere_is_another),
        TEST(what_is_undone_twice_goes_further_back),
        TEST(a_rollback_is_undone_as_an_edit_is),
        TEST(every_version_reads_as_it_was_saved),
        TEST(of_64_editors_none_loses_an_edit),
        TEST(a_hundred_edits_of_ten_hours_take_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
