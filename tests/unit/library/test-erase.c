/* What is deleted is gone from the bytes of the store, not only from what is found. */
#include "library/edit-internal.h"
#include "library/erase.h"
#include "library/names.h"
#include "library/text-index.h"

#include "base/alloc.h"
#include "library-fixture.h"
#include "sys/file.h"

#include "base/banned.h"

/* Of signs that nothing else has: no other word begins like it, so that the pages of the indexes
 * would have it whole. */
#define WORD "ᚠᛒᛗᛞᛟ"
#define PART "ᛒᛗᛞ"
#define NOTE "ᛣᛤᛦᛩᛪ"

static size_t count_in(const char *path, const char *word)
{
    SC_AUTO_BUF bytes = { .limit = SIZE_MAX / 4 };
    size_t found = 0;
    if (sc_file_read(path, (size_t)1 << 30, &bytes, NULL) != SC_OK)
        return 0;
    const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), word, strlen(word))) != NULL) {
        found++;
        at++;
    }
    return found;
}

/* How often the word stands in the files of the store. */
static size_t standing(const struct rig *r, const char *word)
{
    char log[PATH_MAX + 8];
    (void)snprintf(log, sizeof(log), "%s-wal", r->f.path);
    return count_in(r->f.path, word) + count_in(log, word);
}

/* Sweeps until nothing is owed; the slices that it took. */
static int sweep(struct rig *r, struct sc_erase *e)
{
    int slices = 0;
    for (int64_t next_ms = 0; next_ms >= 0; slices++) {
        bool paid = false;
        struct sc_error err = { 0 };
        if (sc_erase_step(r->f.store, e, &next_ms, &paid, &err) != SC_OK)
            fail_msg("%s", err.msg);
        if (next_ms > 0) {
            test_clock_step(&r->clock, next_ms);
            sc_clock_sleep_ms(1); /* the writer's thread cuts the log meanwhile */
        }
        assert_true(slices < 100000);
    }
    return slices;
}

static int64_t debt(struct rig *r)
{
    return number(r->f.store,
                  "SELECT coalesce(max(iif(name = 'erase.owed', value, 0)), 0)"
                  " - coalesce(max(iif(name = 'erase.paid', value, 0)), 0) FROM counters");
}

/* Many rows in many writes, so that the indexes have several runs. */
static void fill(struct rig *r, int64_t id, int chunks)
{
    for (int chunk = 0; chunk < chunks; chunk++) {
        SC_AUTO_SEGMENTS list = { 0 };
        for (int i = 0; i < 20; i++) {
            char text[80];
            (void)snprintf(text, sizeof(text), "morning number %d of %d zebra%d", i, chunk,
                           i * 31 + chunk);
            (void)add_segment(&list, chunk * 20000 + i * 1000, 100, text);
        }
        assert_int_equal(put_chunk(r, id, chunk, &list), SC_OK);
    }
}

/* A finished transcript of job 1, one segment of which says WORD. */
static int64_t made_with_word(struct rig *r)
{
    int64_t id = begin(r, 1);
    fill(r, id, 30);
    PUT(*r, id, 30, 600000, "good " WORD " morning");
    fill(r, begin(r, 2), 5); /* behind it, so that the deletion is not in the newest run */
    assert_int_equal(finish(r, id, "en"), SC_OK);
    assert_int_equal(
        write_sql(r->f.store,
                  "INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash, text,"
                  " result_hash) VALUES (1, 30, 0, 1, '', 'good " WORD "', 'x')"),
        SC_OK);
    return id;
}

struct saving {
    struct sc_save save;
    const struct sc_segments *wanted;
    struct sc_saved saved;
};

static enum sc_code op_save(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct saving *s = ctx;
    return sc_transcript_save(tx, &s->save, s->wanted, sc_clock_wall_ms(), &s->saved, err);
}

static void edit_word_away(struct rig *r, int64_t id)
{
    SC_AUTO_SEGMENTS list = { 0 };
    assert_int_equal(read_version(r, id, find(r, id).version, &list, NULL), SC_OK);
    struct sc_segment *s = &list.items[list.count - 1];
    assert_non_null(strstr(s->text, WORD));
    sc_segment_done(s);
    list.count--;
    (void)add_segment(&list, 600000, 100, "good morning");
    struct saving saving = {
        .save = { .owner_id = 1, .by = 1, .transcript = id, .kind = SC_CHANGE_EDITED },
        .wanted = &list,
    };
    assert_int_equal(sc_store_write(r->f.store, SC_DURABLE, op_save, &saving, NULL), SC_OK);
}

static void prune(struct rig *r, int64_t id)
{
    const struct sc_prune what = { .owner_id = 1, .by = 1, .transcript = id, .keep = 1 };
    int64_t removed = 0;
    assert_int_equal(sc_versions_prune(r->f.store, &what, T0, &removed, NULL), SC_OK);
    assert_int_equal(removed, 1);
}

static void a_new_store_is_swept_once_and_then_owes_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    assert_true(debt(&r) > 0);
    (void)sweep(&r, &e);
    assert_int_equal(debt(&r), 0);
    assert_int_equal(sweep(&r, &e), 1);
}

static void words_of_a_pruned_version_leave_the_file(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    int64_t id = made_with_word(&r);
    (void)sweep(&r, &e);
    assert_true(standing(&r, WORD) >= 2); /* the row and the index */
    edit_word_away(&r, id);
    assert_int_equal(debt(&r), 0); /* the history has it still */
    prune(&r, id);
    assert_true(debt(&r) > 0);
    assert_int_equal(hits(&r, WORD), 0);
    assert_true(standing(&r, WORD) > 0 && standing(&r, PART) > 0);

    (void)sweep(&r, &e);
    assert_int_equal(debt(&r), 0);
    assert_int_equal(standing(&r, WORD), 0);
    assert_int_equal(standing(&r, PART), 0);
    assert_int_equal(standing(&r, "ᚠᛒᛗ") + standing(&r, "ᛗᛞᛟ"), 0);
    assert_int_equal(hits(&r, "zebra33"), 2);
    assert_index_whole(&r);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM chunks WHERE text IS NULL"
                                       " AND result_hash IS NULL"),
                     1);
}

/* ---- edits that never came to be ---- */

/* What a long edit has written when it is killed. */
static enum sc_code op_stage(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct sc_edit *e = ctx;
    struct sc_saved saved;
    int64_t origin = 0;
    char hash[SC_SHA256_TEXT];
    enum sc_code code = sc_edit_stage(tx, e, &saved, err);
    if (code == SC_OK)
        code = sc_edit_make_origin(tx, e, 0, &origin, err);
    for (size_t i = 0; code == SC_OK && i < e->item_count; i++) {
        if (!e->items[i].kept)
            code = sc_edit_write_row(tx, e, &e->items[i], origin, hash, err);
    }
    return code;
}

static void words_of_an_edit_that_was_taken_back_leave_the_file(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    SC_AUTO(sc_edit_freep) struct sc_edit *edit = NULL;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_saved saved;
    int64_t id = begin(&r, 1);
    const struct sc_save save = { .owner_id = 1, .by = 1, .transcript = id };
    fill(&r, id, 5);
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    fill(&r, begin(&r, 2), 5);
    assert_int_equal(read_version(&r, id, 1, &list, NULL), SC_OK);
    (void)add_segment(&list, 100000, 100, "good " WORD);
    {
        AUTO_READER(conn, r);
        assert_int_equal(sc_edit_plan(conn, &save, &list, &edit, &saved, NULL), SC_OK);
    }
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, op_stage, edit, NULL), SC_OK);
    (void)sweep(&r, &e);
    assert_true(standing(&r, WORD) > 0);
    assert_int_equal(sc_edits_settle(r.f.store, NULL), SC_OK);
    assert_int_equal(find(&r, id).version, 1);
    assert_true(debt(&r) > 0);
    (void)sweep(&r, &e);
    assert_int_equal(standing(&r, WORD) + standing(&r, PART), 0);
    assert_index_whole(&r);
}

/* ---- any edits ---- */

enum { ROUNDS = 60, VERSIONS = ROUNDS + 2 };

/* Signs that no other version has, and none of whose beginnings are long enough to be searched. */
static void word_of(int n, char out[24])
{
    static const char *const signs[] = { "ᚠ", "ᛒ", "ᛗ", "ᛞ", "ᛟ", "ᛣ", "ᛤ" };
    (void)snprintf(out, 24, "%s%s%s%s%s", signs[n % 7], signs[n / 7 % 7], signs[n / 49 % 7],
                   signs[(n + 3) % 7], signs[(n * 5 + 1) % 7]);
}

/* Which word each version says; -1: it is pruned. */
struct said {
    int word[VERSIONS], version;
};

static bool is_said(const struct said *s, int word)
{
    for (int v = 1; v <= s->version; v++) {
        if (s->word[v] == word)
            return true;
    }
    return false;
}

static void say(struct rig *r, int64_t id, struct said *s, int word)
{
    char text[24];
    SC_AUTO_SEGMENTS list = { 0 };
    struct saving saving = { .save = { .by = 1, .transcript = id }, .wanted = &list };
    word_of(word, text);
    (void)add_segment(&list, 0, 100, text);
    assert_int_equal(sc_store_write(r->f.store, SC_DURABLE, op_save, &saving, NULL), SC_OK);
    s->version = saving.saved.version;
    s->word[s->version] = word;
}

static void back_to(struct rig *r, int64_t id, struct said *s, int version)
{
    SC_AUTO_SEGMENTS list = { 0 };
    if (s->word[version] < 0)
        return;
    assert_int_equal(read_version(r, id, version, &list, NULL), SC_OK);
    struct saving saving = { .save = { .by = 1, .transcript = id, .restored_from = version },
                             .wanted = &list };
    assert_int_equal(sc_store_write(r->f.store, SC_DURABLE, op_save, &saving, NULL), SC_OK);
    s->version = saving.saved.version;
    s->word[s->version] = s->word[version];
}

/* True: words are in no version any more. */
static bool prune_some(struct rig *r, int64_t id, struct said *s, int64_t keep)
{
    const struct sc_prune what = { .by = 1, .transcript = id, .keep = keep };
    const struct said before = *s;
    int64_t removed = 0, kept = 0;
    assert_int_equal(sc_versions_prune(r->f.store, &what, T0, &removed, NULL), SC_OK);
    for (int v = s->version; v > 0; v--) {
        if (s->word[v] >= 0 && ++kept > keep)
            s->word[v] = -1;
    }
    for (int v = 1; v <= s->version; v++) {
        if (before.word[v] >= 0 && !is_said(s, before.word[v]))
            return true;
    }
    return false;
}

static void a_word_stands_as_long_as_a_version_says_it(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct dice d = { .state = 20261122 };
    struct sc_erase e = { 0 };
    struct said s = { .version = 1 };
    char first[24];
    int64_t id = begin(&r, 1);
    int words = 0, pruned = 0;
    word_of(0, first);
    PUT(r, id, 0, 0, first);
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    (void)sweep(&r, &e);
    for (int n = 0; n < ROUNDS; n++) {
        bool gone = false;
        int64_t what = dice_between(&d, 0, 9);
        if (what < 5)
            say(&r, id, &s, ++words);
        else if (what < 8)
            back_to(&r, id, &s, (int)dice_between(&d, 1, s.version));
        else
            gone = prune_some(&r, id, &s, dice_between(&d, 1, 6));
        pruned += gone;
        if (gone) /* a row that was ended and made again is owed, too, though its word is said */
            assert_true(debt(&r) > 0);
        if (what < 8)
            assert_int_equal(debt(&r), 0);
        (void)sweep(&r, &e);
        for (int word = 0; word <= words; word++) {
            char text[24];
            word_of(word, text);
            assert_int_equal(standing(&r, text) > 0, is_said(&s, word));
        }
    }
    assert_true(pruned > 2);
    assert_index_whole(&r);
}

/* As the sweeper of deleted transcripts does. */
static enum sc_code op_remove(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    int64_t id = *(const int64_t *)ctx;
    enum sc_code code = sc_erase_owe(tx, err);
    if (code == SC_OK)
        code = sc_text_unindex_next(tx, id, 100000, err);
    return code == SC_OK ? sc_conn_exec(tx,
                                        "DELETE FROM chunks; DELETE FROM segments"
                                        " WHERE transcript_id = 1;",
                                        err)
                         : code;
}

static void words_of_a_deleted_transcript_leave_the_file(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    int64_t id = made_with_word(&r);
    assert_int_equal(id, 1);
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, op_remove, &id, NULL), SC_OK);
    assert_true(standing(&r, WORD) > 0);
    (void)sweep(&r, &e);
    assert_int_equal(standing(&r, WORD) + standing(&r, PART), 0);
    assert_int_equal(hits(&r, "zebra33"), 1);
    assert_index_whole(&r);
}

static enum sc_code op_note(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    SC_AUTO_FREE char *sql = sc_asprintf("UPDATE files SET notes = '%s' WHERE id = 1", (char *)ctx);
    enum sc_code code = sc_conn_exec(tx, sql, err);
    return code == SC_OK ? sc_name_index(tx, SC_NAME_FILE_NOTES, 1, err) : code;
}

static void notes_that_were_replaced_leave_the_file(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    char secret[] = "call " NOTE " back", other[] = "nothing";
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, op_note, secret, NULL), SC_OK);
    (void)sweep(&r, &e);
    assert_true(standing(&r, NOTE) >= 2);
    assert_int_equal(sc_store_write(r.f.store, SC_DURABLE, op_note, other, NULL), SC_OK);
    assert_true(standing(&r, NOTE) > 0);
    assert_true(debt(&r) > 0);
    (void)sweep(&r, &e);
    assert_int_equal(standing(&r, NOTE), 0);
}

/* A server that is killed begins the sweep anew, and others write meanwhile. */
static void a_sweep_that_is_cut_off_is_made_again(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase gone = { 0 }, e = { 0 };
    int64_t id = made_with_word(&r), other = begin(&r, 4), next_ms;
    bool paid;
    edit_word_away(&r, id);
    prune(&r, id);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sc_erase_step(r.f.store, &gone, &next_ms, &paid, NULL), SC_OK);
        PUT(r, other, i, i * 1000, "one more of them");
    }
    assert_true(debt(&r) > 0);
    (void)sweep(&r, &e);
    assert_int_equal(standing(&r, WORD) + standing(&r, PART), 0);
    assert_index_whole(&r);
}

static void what_is_deleted_during_a_sweep_is_swept_behind_it(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    int64_t id = made_with_word(&r), next_ms;
    bool paid = false;
    edit_word_away(&r, id);
    assert_int_equal(sc_erase_step(r.f.store, &e, &next_ms, &paid, NULL), SC_OK);
    assert_int_equal(next_ms, 0);
    prune(&r, id);
    while (!paid) {
        assert_int_equal(sc_erase_step(r.f.store, &e, &next_ms, &paid, NULL), SC_OK);
        test_clock_step(&r.clock, SC_MAX(next_ms, 0));
    }
    assert_true(debt(&r) > 0);
    (void)sweep(&r, &e);
    assert_int_equal(standing(&r, WORD) + standing(&r, PART), 0);
}

/* Until the readers of an old state have gone, their pages stay in the log. */
static void a_sweep_waits_for_readers(void **state)
{
    (void)state;
    AUTO_RIG(r);
    struct sc_erase e = { 0 };
    int64_t id = made_with_word(&r), next_ms = 0;
    bool paid = false;
    {
        AUTO_READER(conn, r);
        assert_true(number_on(conn, "SELECT count(*) FROM segments") > 0);
        edit_word_away(&r, id);
        prune(&r, id);
        for (int i = 0; i < 500 && !e.cutting; i++)
            assert_int_equal(sc_erase_step(r.f.store, &e, &next_ms, &paid, NULL), SC_OK);
        assert_true(e.cutting);
        for (int i = 0; i < 5; i++) {
            test_clock_step(&r.clock, 1000);
            sc_clock_sleep_ms(2);
            assert_int_equal(sc_erase_step(r.f.store, &e, &next_ms, &paid, NULL), SC_OK);
            assert_false(paid);
        }
        assert_true(next_ms > 0);
    }
    (void)sweep(&r, &e);
    assert_int_equal(standing(&r, WORD) + standing(&r, PART), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_store_is_swept_once_and_then_owes_nothing),
        TEST(words_of_a_pruned_version_leave_the_file),
        TEST(words_of_a_deleted_transcript_leave_the_file),
        TEST(words_of_an_edit_that_was_taken_back_leave_the_file),
        TEST(a_word_stands_as_long_as_a_version_says_it),
        TEST(notes_that_were_replaced_leave_the_file),
        TEST(a_sweep_that_is_cut_off_is_made_again),
        TEST(what_is_deleted_during_a_sweep_is_swept_behind_it),
        TEST(a_sweep_waits_for_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
