/* Transcripts that no job made. */
#include "library/import.h"

#include "library-fixture.h"

#include "base/banned.h"

struct importing {
    struct sc_import import;
    const struct sc_segments *segments;
    int64_t id;
};

static enum sc_code op_import(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct importing *i = ctx;
    return sc_transcript_import(tx, &i->import, i->segments, sc_clock_wall_ms(), &i->id, err);
}

static void an_imported_transcript_is_whole_and_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_SEGMENTS read = { 0 };
    add_segment(&list, 0, 500, "good morning");
    add_segment(&list, 1500, 500, "how are you");
    struct importing i = { .import = { 1, 1, 1, "en", "srt" }, .segments = &list };
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_import, &i, NULL), SC_OK);
    AUTO_READER(conn, r);
    struct sc_transcript t;
    assert_int_equal(sc_transcript_find(conn, 1, i.id, &t, NULL), SC_OK);
    assert_true(t.complete);
    assert_int_equal(t.job, 0);
    assert_string_equal(t.job_id, "");
    assert_int_equal(t.file_id, 1);
    assert_int_equal(t.version, 1);
    assert_int_equal(t.word_count, 5);
    assert_int_equal(t.duration_ms, 4000);
    assert_string_equal(t.language, "en");
    assert_int_equal(sc_transcript_segments(conn, &t, 1, &read, NULL), SC_OK);
    assert_string_equal(read.items[1].text, "how are you");
    assert_int_equal(hits(&r, "morning"), 1);
    assert_index_whole(&r);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes WHERE transcript_id = 1 AND"
                                       " kind = 'transcript.imported' AND other_id = 1"),
                     1);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM segments JOIN origins ON origins.id ="
                                       " origin_id WHERE engine = 'import' AND model = 'srt'"),
                     2);
}

static void what_cannot_be_imported_leaves_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_error err = { 0 };
    add_segment(&list, 0, 500, "good morning");
    struct importing i = { .import = { 1, 1, 2, "", "srt" }, .segments = &list };
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_import, &i, &err),
                     SC_E_FILE_NOT_FOUND); /* another owner's */
    list.items[0].end_ms = -1;
    i.import.file_id = 1;
    assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, op_import, &i, &err),
                     SC_E_INVALID_VALUE);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM transcripts"), 0);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM changes"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_imported_transcript_is_whole_and_found),
        TEST(what_cannot_be_imported_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
