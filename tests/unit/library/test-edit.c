/* Edits make versions that share what did not change. */
#include "library/edit.h"

#include "base/alloc.h"
#include "library-fixture.h"

#include "base/banned.h"

#define VOCABULARY 12

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

static void every_version_reads_as_it_was_saved(void **state)
{
    (void)state;
    enum { EDITS = 120 };
    AUTO_RIG(r);
    struct dice d = { .state = 20261121 };
    char *copies[EDITS + 2] = { 0 };
    int64_t id = MADE(r, "alpha bravo", "charlie delta echo", "foxtrot", "golf hotel", "india");
    int version = 1;
    for (int n = 0; n <= EDITS; n++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO_BUF all = { 0 };
        assert_int_equal(read_version(&r, id, version, &list, NULL), SC_OK);
        if (n > 0) {
            for (int64_t k = dice_between(&d, 1, 3); k > 0; k--)
                mutate(&list, &d);
            struct saving s = saving_of(id, &list);
            s.save.base_version = version;
            if (save(&r, &s) != SC_OK)
                fail_msg("%s", s.err.msg);
            assert_int_equal(s.saved.version, version + (s.saved.changed ? 1 : 0));
            assert_int_equal(s.saved.word_count, find(&r, id).word_count);
            version = s.saved.version;
        }
        put_all(&all, &list);
        if (copies[version] != NULL)
            assert_string_equal(copies[version], sc_buf_text(&all));
        free(copies[version]);
        copies[version] = sc_buf_take(&all);
        if (n % 20 == 0)
            assert_found(&r, &list);
    }
    assert_true(version > EDITS / 2);
    for (int v = 1; v <= version; v++) {
        assert_version(&r, id, v, copies[v]);
        free(copies[v]);
    }
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM versions"), version);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM versions WHERE is_current = 1"), 1);
    assert_int_equal(number(r.f.store, "SELECT count(*) = sum(version = current_version)"
                                       " FROM transcripts JOIN versions"
                                       " ON transcript_id = transcripts.id AND is_current = 1"),
                     1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_edit_makes_the_next_version),          TEST(nothing_changed_is_no_version),
        TEST(segments_are_inserted_removed_and_moved), TEST(an_edit_of_an_old_version_is_refused),
        TEST(of_two_edits_at_once_one_is_told),        TEST(what_cannot_be_edited_says_why),
        TEST(every_version_reads_as_it_was_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
