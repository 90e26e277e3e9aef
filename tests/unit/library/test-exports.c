#include "library-fixture.h"

#include "transcript/writer.h"

#include "base/banned.h"

static void the_store_knows_every_format_that_is_written(void **state)
{
    (void)state;
    AUTO_RIG(r);
    size_t count;
    const struct sc_format *all = sc_format_all(&count);
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM export_formats"), count);
    for (size_t i = 0; i < count; i++) {
        char sql[400];
        (void)snprintf(sql, sizeof(sql),
                       "SELECT count(*) FROM export_formats WHERE name = '%s' AND mime_type = '%s'"
                       " AND file_extension = '%s' AND description = '%s'",
                       all[i].name, all[i].mime_type, all[i].extension, all[i].description);
        if (number(r.f.store, sql) != 1)
            fail_msg("export_formats and the writers differ on %s", all[i].name);
    }
}

struct listed {
    char text[400];
};

static enum sc_code note_export(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct listed *l = ctx;
    size_t at = strlen(l->text);
    (void)err;
    (void)snprintf(l->text + at, sizeof(l->text) - at, "%" PRId64 " v%d %s %s by %s;", row->id,
                   row->version, row->format, row->path == NULL ? "-" : row->path, row->by);
    return SC_OK;
}

static enum sc_code note_left(void *ctx, const struct sc_export_row *row, struct sc_error *err)
{
    struct listed *l = ctx;
    size_t at = strlen(l->text);
    (void)err;
    (void)snprintf(l->text + at, sizeof(l->text) - at, "%" PRId64 " %.1s;", row->id,
                   row->path == NULL ? "-" : row->path + strlen("transcripts/"));
    return SC_OK;
}

static enum sc_code record_export(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_export_record(tx, ctx, T0, err);
}

static int64_t keep(struct rig *r, int64_t transcript, const char *format, const char *path)
{
    struct sc_export export = {
        .transcript_id = transcript, .version = 1, .format = format, .path = path, .by = 1
    };
    return sc_store_write(r->f.store, SC_RELAXED, record_export, &export, NULL);
}

static void exports_are_listed_newest_first_by_pages(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1), other = begin(&r, 2);
    assert_int_equal(keep(&r, id, "srt", NULL), SC_OK);
    assert_int_equal(keep(&r, other, "csv", "transcripts/x.csv"), SC_OK);
    assert_int_equal(keep(&r, id, "vtt", "transcripts/a.vtt"), SC_OK);
    AUTO_READER(conn, r);
    struct listed all = { "" }, page = { "" };
    assert_int_equal(sc_export_list(conn, id, 0, 9, note_export, &all, NULL), SC_OK);
    assert_string_equal(all.text, "3 v1 vtt transcripts/a.vtt by local;1 v1 srt - by local;");
    assert_int_equal(sc_export_list(conn, id, 3, 9, note_export, &page, NULL), SC_OK);
    assert_string_equal(page.text, "1 v1 srt - by local;");
}

static void a_path_belongs_to_the_transcript_that_was_exported_to_it_last(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t a = begin(&r, 1), b = begin(&r, 2), of = -1;
    assert_int_equal(keep(&r, a, "srt", "transcripts/x.srt"), SC_OK);
    assert_int_equal(keep(&r, b, "srt", "transcripts/x.srt"), SC_OK);
    AUTO_READER(conn, r);
    assert_int_equal(sc_export_owner_of(conn, "transcripts/x.srt", &of, NULL), SC_OK);
    assert_int_equal(of, b);
    assert_int_equal(sc_export_owner_of(conn, "transcripts/y.srt", &of, NULL), SC_OK);
    assert_int_equal(of, 0);
}

/* Of 5 rows, 2 of them of files; then 2 are kept, besides the last one to each file. */
static void the_oldest_exports_are_forgotten_but_not_whose_a_file_is(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1), other = begin(&r, 2);
    static const char *const paths[] = { "transcripts/a.srt", NULL, "transcripts/b.srt",
                                         "transcripts/a.srt", NULL };
    assert_int_equal(keep(&r, other, "csv", NULL), SC_OK); /* 1 */
    for (size_t i = 0; i < SC_ARRAY_LEN(paths); i++)
        assert_int_equal(keep(&r, id, "srt", paths[i]), SC_OK); /* 2 to 6 */
    static const struct {
        int keep;
        const char *path, *left;
    } rows[] = {
        { 0, NULL, "7 -;6 -;5 a;4 b;3 -;2 a;" }, /* all */
        { 8, NULL, "8 -;7 -;6 -;5 a;4 b;3 -;2 a;" },
        { 6, NULL, "9 -;8 -;7 -;6 -;5 a;4 b;" }, /* 3 by its age; 2 as 5 wrote its file again */
        { 2, NULL, "10 -;9 -;5 a;4 b;" },
        { 2, "transcripts/b.srt", "11 b;10 -;5 a;" },
        { 1, NULL, "12 -;11 b;5 a;" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_export export = { .transcript_id = id,
                                    .version = 1,
                                    .format = "srt",
                                    .path = rows[i].path,
                                    .by = 1,
                                    .keep = rows[i].keep };
        assert_int_equal(sc_store_write(r.f.store, SC_RELAXED, record_export, &export, NULL),
                         SC_OK);
        AUTO_READER(conn, r);
        struct listed left = { "" };
        assert_int_equal(sc_export_list(conn, id, 0, 99, note_left, &left, NULL), SC_OK);
        assert_string_equal(left.text, rows[i].left);
        int64_t of = 0;
        assert_int_equal(sc_export_owner_of(conn, "transcripts/a.srt", &of, NULL), SC_OK);
        assert_int_equal(of, id);
    }
    assert_int_equal(number(r.f.store, "SELECT count(*) FROM export_history WHERE id = 1"), 1);
}

static enum sc_code note_version(void *ctx, const struct sc_version *v, struct sc_error *err)
{
    struct listed *l = ctx;
    size_t at = strlen(l->text);
    (void)err;
    (void)snprintf(l->text + at, sizeof(l->text) - at, "%d%s %" PRId64 "/%" PRId64 " by %s '%s';",
                   v->version, v->current ? "*" : "", v->segment_count, v->word_count,
                   v->created_by, v->change_note);
    return SC_OK;
}

static void versions_are_listed_and_found(void **state)
{
    (void)state;
    AUTO_RIG(r);
    int64_t id = begin(&r, 1);
    struct listed none = { "" }, all = { "" }, page = { "" };
    {
        AUTO_READER(conn, r);
        assert_int_equal(sc_version_list(conn, id, 0, 9, note_version, &none, NULL), SC_OK);
        assert_string_equal(none.text, "");
    }
    PUT(r, id, 0, 0, "one two");
    assert_int_equal(finish(&r, id, "en"), SC_OK);
    assert_int_equal(
        write_sql(r.f.store,
                  "UPDATE versions SET is_current = 0;"
                  "INSERT INTO versions (transcript_id, version, is_current, segment_count,"
                  " word_count, created_by, created_ms, change_note, content_hash)"
                  " VALUES (1, 3, 1, 4, 5, 2, 9, 'better', 'h')"),
        SC_OK);
    AUTO_READER(conn, r);
    assert_int_equal(sc_version_list(conn, id, 0, 9, note_version, &all, NULL), SC_OK);
    assert_string_equal(all.text, "3* 4/5 by other 'better';1 1/2 by local '';");
    assert_int_equal(sc_version_list(conn, id, 3, 9, note_version, &page, NULL), SC_OK);
    assert_string_equal(page.text, "1 1/2 by local '';");

    SC_AUTO_VERSION v = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(sc_version_find(conn, id, 3, &v, NULL), SC_OK);
    assert_string_equal(v.change_note, "better");
    static const int missing[] = { 0, 2, 4, INT_MAX };
    for (size_t i = 0; i < SC_ARRAY_LEN(missing); i++) {
        assert_int_equal(sc_version_find(conn, id, missing[i], &v, &err), SC_E_VERSION_NOT_FOUND);
        assert_int_equal(v.version, 3); /* untouched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_store_knows_every_format_that_is_written),
        TEST(exports_are_listed_newest_first_by_pages),
        TEST(a_path_belongs_to_the_transcript_that_was_exported_to_it_last),
        TEST(the_oldest_exports_are_forgotten_but_not_whose_a_file_is),
        TEST(versions_are_listed_and_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
