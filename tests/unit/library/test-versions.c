#include "library-fixture.h"

#include "base/banned.h"

static void finishing_makes_version_one_current(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    SC_AUTO_SEGMENTS list = { 0 };
    add_segment(&list, 0, 100, "one two three")->confidence = 0.9F;
    add_segment(&list, 1000, 100, "four")->confidence = 0.5F;
    add_segment(&list, 2000, 100, "five six")->confidence = -1; /* says nothing */
    assert_int_equal(put_chunk(&r, id, 0, &list), SC_OK);
    test_clock_step(&r.clock, 1000);
    assert_int_equal(finish(&r, id, "fr"), SC_OK);

    struct sc_transcript t = find(&r, id);
    assert_true(t.complete);
    assert_int_equal(t.version, 1);
    assert_int_equal(t.segment_count, 3);
    assert_int_equal(t.word_count, 6);
    assert_float_equal(t.confidence, (0.9 * 3 + 0.5) / 4, 0.0001);
    assert_string_equal(t.language, "fr");
    assert_int_equal(t.duration_ms, 5000);
    assert_int_equal(t.updated_ms, T0 + 1000);
    assert_text(&r, id, 1, "one two three\nfour\nfive six");
    assert_int_equal(number(r.f.store,
                            "SELECT count(*) FROM versions WHERE version = 1 AND is_current = 1"
                            " AND segment_count = 3 AND word_count = 6 AND created_by = 1"
                            " AND created_ms = 1700000001000 AND length(content_hash) = 64"),
                     1);
}

static void finishing_again_changes_nothing(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one");
    assert_int_equal(finish(&r, id, "fr"), SC_OK);
    test_clock_step(&r.clock, 1000);
    assert_int_equal(finish(&r, id, "it"), SC_OK);
    assert_string_equal(find(&r, id).language, "fr");
    assert_int_equal(find(&r, id).updated_ms, T0);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM versions"), 1);
}

static void the_language_that_was_asked_for_stays(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 2);
    assert_int_equal(finish(&r, id, "fr"), SC_OK);
    assert_string_equal(find(&r, id).language, "de");
}

static void silence_is_a_version_without_segments(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 4);
    struct sc_segments none = { 0 };
    struct op op = { .id = id, .language = NULL, .segments = &none, .duration_ms = -1 };
    assert_int_equal(do_write(&r, op_finish, &op), SC_OK);
    assert_text(&r, id, 1, "");
    assert_true(find(&r, id).confidence < 0);
    assert_int_equal(find(&r, id).duration_ms, 4000); /* what was known stays */
    assert_int_equal(number(r.f.store, "SELECT created_by FROM versions"), 2);
}

static void a_finish_that_counts_other_segments_is_refused(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one", "two");
    struct sc_segments none = { 0 };
    struct op op = { .id = id, .language = "", .segments = &none, .duration_ms = -1 };
    assert_int_equal(do_write(&r, op_finish, &op), SC_E_INTERNAL);
    assert_false(find(&r, id).complete);
    op.id = 99;
    assert_int_equal(do_write(&r, op_finish, &op), SC_E_TRANSCRIPT_NOT_FOUND);
}

static void a_version_that_is_not_there_is_told(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    SC_AUTO_SEGMENTS out = { 0 };
    assert_int_equal(read_version(&r, id, 1, &out, NULL), SC_E_VERSION_NOT_FOUND);
    assert_int_equal(finish(&r, id, ""), SC_OK);
    assert_int_equal(read_version(&r, id, 0, &out, NULL), SC_E_VERSION_NOT_FOUND);
    assert_int_equal(read_version(&r, id, 2, &out, NULL), SC_E_VERSION_NOT_FOUND);
    assert_int_equal(read_version(&r, id, -1, &out, NULL), SC_E_VERSION_NOT_FOUND);
}

/* Damage, and what the error must name. */
static void assert_damaged(const char *sql, const char *named)
{
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one", "two", "three");
    assert_int_equal(finish(&r, id, ""), SC_OK);
    assert_text(&r, id, 1, "one\ntwo\nthree");
    assert_int_equal(outside(r.f.path, sql), SQLITE_OK);

    SC_AUTO_SEGMENTS out = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(read_version(&r, id, 1, &out, &err), SC_E_TRANSCRIPT_DAMAGED);
    assert_non_null(strstr(err.msg, "transcript 1"));
    if (strstr(err.msg, named) == NULL)
        fail_msg("'%s' is not in: %s", named, err.msg);
    assert_int_equal(out.count, 0);
}

static void damage_is_told_and_never_served(void **state)
{
    (void)state;
    assert_damaged("UPDATE segments SET text = 'tow' WHERE id = 2", "segment 2");
    assert_damaged("UPDATE segments SET start_ms = 999 WHERE id = 2", "segment 2");
    assert_damaged("UPDATE segments SET speaker = 'x' WHERE id = 3", "segment 3");
    assert_damaged("UPDATE segments SET words = x'0100' WHERE id = 1", "segment 1");
    assert_damaged("UPDATE segments SET words = NULL WHERE id = 1", "segment 1");
    assert_damaged("UPDATE segments SET content_hash = '' WHERE id = 1", "segment 1");
    assert_damaged("UPDATE segments SET confidence = 0.25 WHERE id = 2", "segment 2");
    assert_damaged("UPDATE segments SET confidence = NULL WHERE id = 2", "segment 2");
    assert_damaged("DELETE FROM segments WHERE id = 2", "version 1");
    assert_damaged("UPDATE versions SET content_hash = 'x'", "version 1");
}

static void a_current_version_that_is_not_there_is_damage(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one");
    assert_int_equal(finish(&r, id, ""), SC_OK);
    assert_int_equal(outside(r.f.path, "UPDATE transcripts SET current_version = 3"), SQLITE_OK);
    SC_AUTO_SEGMENTS out = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(read_version(&r, id, 3, &out, &err), SC_E_TRANSCRIPT_DAMAGED);
    assert_non_null(strstr(err.msg, "current version"));
    assert_int_equal(read_version(&r, id, 2, &out, &err), SC_E_VERSION_NOT_FOUND);
}

static void a_partial_transcript_that_lost_a_segment_is_not_served(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one", "two");
    PUT(r, id, 1, 2000, "three");
    assert_text(&r, id, 0, "one\ntwo\nthree");
    assert_int_equal(outside(r.f.path, "DELETE FROM segments WHERE id = 2"), SQLITE_OK);
    SC_AUTO_SEGMENTS out = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(read_version(&r, id, 0, &out, &err), SC_E_TRANSCRIPT_DAMAGED);
    assert_non_null(strstr(err.msg, "of job j1"));
    assert_non_null(strstr(err.msg, "scripta fsck"));
}

/* Rows of older releases have a checksum that leaves the confidences out. */
static void rows_of_older_releases_are_still_read(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = add_segment(&list, 0, 100, "one two");
    s->confidence = 0.5F;
    assert_int_equal(put_chunk(&r, id, 0, &list), SC_OK);
    char hash[SC_SHA256_TEXT], sql[200];
    sc_segment_hash_bare(s, hash);
    (void)snprintf(sql, sizeof(sql), "UPDATE segments SET content_hash = '%s'", hash);
    assert_int_equal(outside(r.f.path, sql), SQLITE_OK);
    assert_int_equal(finish(&r, id, ""), SC_OK);
    assert_text(&r, id, 1, "one two");
}

static void the_rows_alive_in_a_version_are_its_segments(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    PUT(r, id, 0, 0, "one", "two", "three");
    assert_int_equal(finish(&r, id, ""), SC_OK);
    /* Version 2, as an edit makes it: the second segment has ended. */
    assert_int_equal(
        write_sql(r.f.store,
                  "UPDATE segments SET died = 2 WHERE id = 2;"
                  "UPDATE versions SET is_current = 0;"
                  "INSERT INTO versions (transcript_id, version, is_current, segment_count,"
                  "  word_count, created_by, created_ms, content_hash) VALUES (1, 2, 1, 2, 2, 1, 0,"
                  "  'unknown');"
                  "UPDATE transcripts SET current_version = 2"),
        SC_OK);
    assert_text(&r, id, 1, "one\ntwo\nthree");
    SC_AUTO_SEGMENTS out = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(read_version(&r, id, 2, &out, &err), SC_E_TRANSCRIPT_DAMAGED); /* its hash */
    assert_non_null(strstr(err.msg, "version 2"));
}

static void exports_are_recorded(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    assert_int_equal(finish(&r, id, ""), SC_OK);
    struct op op = { .id = id, .version = 1, .format = "srt", .by = 2 };
    assert_int_equal(do_write(&r, op_export, &op), SC_OK);
    op.format = "nonesuch";
    assert_int_equal(do_write(&r, op_export, &op), SC_E_STORE_INTEGRITY);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM export_history WHERE version = 1"
                                       " AND format_name = 'srt' AND file_path IS NULL"
                                       " AND exported_by = 2 AND exported_ms = 1700000000000"),
                     1);
}

static enum sc_code write_export(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_export_record(tx, ctx, 0, err);
}

static void only_the_newest_exports_stay_and_the_last_of_each_file(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    assert_int_equal(finish(&r, id, ""), SC_OK);
    struct sc_export export = {
        .transcript_id = id, .version = 1, .format = "srt", .path = "transcripts/a", .by = 2
    };
    /* Rows 1 to 260: the first three are of a file, the third alone says whose it is. */
    for (int i = 1; i <= 260; i++) {
        assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, write_export, &export, NULL), SC_OK);
        export.path = i < 3 ? "transcripts/a" : NULL;
    }
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM export_history"), 260);
    /* A limit that was lowered holds in slices of a hundred. */
    export.keep = 10;
    static const int left[] = { 161, 62, 11, 11 };
    for (size_t i = 0; i < SC_ARRAY_LEN(left); i++) {
        assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, write_export, &export, NULL), SC_OK);
        assert_int_equal(number(r.f.store, "SELECT count(*) FROM export_history"), left[i]);
    }
    assert_int_equal(number(r.f.store, "SELECT id FROM export_history WHERE file_path IS NOT NULL"),
                     3);
    assert_int_equal(number(r.f.store, "SELECT max(id) - min(id) FROM export_history"
                                       " WHERE file_path IS NULL"),
                     9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(finishing_makes_version_one_current),
        TEST(finishing_again_changes_nothing),
        TEST(the_language_that_was_asked_for_stays),
        TEST(silence_is_a_version_without_segments),
        TEST(a_finish_that_counts_other_segments_is_refused),
        TEST(a_version_that_is_not_there_is_told),
        TEST(damage_is_told_and_never_served),
        TEST(a_current_version_that_is_not_there_is_damage),
        TEST(a_partial_transcript_that_lost_a_segment_is_not_served),
        TEST(rows_of_older_releases_are_still_read),
        TEST(the_rows_alive_in_a_version_are_its_segments),
        TEST(exports_are_recorded),
        TEST(only_the_newest_exports_stay_and_the_last_of_each_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
