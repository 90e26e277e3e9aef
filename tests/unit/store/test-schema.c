/* The schema's own promises: what goes with what, and the questions of admin.c. */
#include "store/admin.h"

#include "store/fixture.h"

#include <fcntl.h>

#include "base/banned.h"

/* One file with a job that has tasks, chunks, events and a transcript with two versions, segments
 * in the text index, and an export; beside it a second, smaller file. */
static const char content[] =
    "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format,"
    "  codec, sample_rate, channels, uploaded_ms) VALUES"
    "  (1, 1, 'h1', 'a.wav', 'p1', 10, 'wav', 'pcm_s16le', 16000, 1, 0),"
    "  (2, 1, 'h2', 'b.wav', 'p2', 10, 'wav', 'pcm_s16le', 16000, 1, 0);"
    "INSERT INTO uploads (file_id, owner_id, name, source, created_ms) VALUES"
    "  (1, 1, 'a.wav', 'http', 0), (1, 1, 'again.wav', 'http', 0), (2, 1, 'b.wav', 'http', 0);"
    "INSERT INTO jobs (id, job_id, owner_id, file_id, pipeline, class, state, admission,"
    "  created_ms, updated_ms) VALUES"
    "  (1, 'j1', 1, 1, 'transcribe', 1, 2, 3, 0, 0), (2, 'j2', 1, 2, 'transcribe', 1, 2, 3, 0, 0),"
    "  (3, 'j3', 1, NULL, 'noop', 1, 2, 3, 0, 0);"
    "INSERT INTO tasks (job, stage, chunk, lane, state, class, priority) VALUES"
    "  (1, 1, -1, 'server', 4, 1, 0), (1, 2, 0, 'engine:null', 4, 1, 0),"
    "  (1, 2, 1, 'engine:null', 4, 1, 0), (2, 1, -1, 'server', 4, 1, 0);"
    "INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash) VALUES"
    "  (1, 0, 0, 16000, 'c'), (1, 1, 16000, 32000, 'c'), (2, 0, 0, 16000, 'c');"
    "INSERT INTO transcripts (id, owner_id, job, file_id, state, created_ms, updated_ms) VALUES"
    "  (1, 1, 1, 1, 1, 0, 0), (2, 1, 2, 2, 1, 0, 0);"
    "INSERT INTO versions (transcript_id, version, is_current, segment_count, word_count,"
    "  created_by, created_ms, content_hash) VALUES"
    "  (1, 1, 0, 1, 1, 1, 0, 'v'), (1, 2, 1, 1, 1, 1, 0, 'v'), (2, 1, 1, 1, 1, 1, 0, 'v');"
    "INSERT INTO origins (id, engine) VALUES (1, 'null');"
    "INSERT INTO segments (id, segment_id, transcript_id, born, died, ord, start_ms, end_ms, text,"
    "  origin_id, content_hash) VALUES"
    "  (1, 1, 1, 1, 2, 0, 0, 900, 'one', 1, 's'), (2, 1, 1, 2, NULL, 0, 0, 900, 'two', 1, 's'),"
    "  (3, 3, 2, 1, NULL, 0, 0, 900, 'three', 1, 's');"
    "INSERT INTO segments_fts (rowid, text) SELECT id, text FROM segments_now;"
    "INSERT INTO segments_parts (rowid, text) SELECT id, text FROM segments_now;"
    "INSERT INTO job_events (job, at_ms, kind, state) VALUES (1, 0, 0, 0), (1, 1, 0, 2),"
    "  (2, 0, 0, 0);"
    "INSERT INTO idempotency (owner_id, key, fingerprint, job, created_ms) VALUES"
    "  (1, 'x', 'f', 1, 0), (1, 'y', 'f', 2, 0);"
    "INSERT INTO export_history (transcript_id, version, format_name, exported_ms, exported_by)"
    "  VALUES (1, 2, 'srt', 0, 1), (1, 2, 'txt', 0, 1), (2, 1, 'srt', 0, 1);"
    "INSERT INTO file_tags (file_id, tag) VALUES (1, 'a'), (1, 'b'), (2, 'a');"
    "INSERT INTO job_tags (job, tag) VALUES (1, 'a'), (1, 'b'), (2, 'a');"
    "INSERT INTO transcript_tags (transcript_id, tag) VALUES (1, 'a'), (1, 'b'), (2, 'a');";

static void fill(struct fixture *f)
{
    assert_int_equal(write_sql(f->store, content), SC_OK);
}

static int64_t rows(struct sc_store *store, const char *table)
{
    char sql[80];
    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    return number(store, sql);
}

struct expected {
    const char *table;
    int64_t rows;
};

static void expect(struct sc_store *store, const struct expected *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t found = rows(store, e[i].table);
        if (found != e[i].rows)
            fail_msg("%s: %d rows, not %d", e[i].table, (int)found, (int)e[i].rows);
    }
}

static void deleting_a_file_takes_all_that_came_of_it_and_nothing_else(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    fill(&f);
    static const struct expected before[] = {
        { "files", 2 },      { "uploads", 3 },         { "jobs", 3 },           { "tasks", 4 },
        { "chunks", 3 },     { "versions", 3 },        { "transcripts", 2 },    { "segments", 3 },
        { "job_events", 3 }, { "idempotency", 2 },     { "export_history", 3 }, { "file_tags", 3 },
        { "job_tags", 3 },   { "transcript_tags", 3 },
    };
    static const struct expected after[] = {
        { "files", 1 },       { "uploads", 1 },         { "jobs", 2 },
        { "tasks", 1 },       { "chunks", 1 },          { "versions", 1 },
        { "transcripts", 1 }, { "segments", 1 },        { "job_events", 1 },
        { "idempotency", 1 }, { "export_history", 1 },  { "export_formats", 10 },
        { "principals", 2 },  { "origins", 1 },         { "file_tags", 1 },
        { "job_tags", 1 },    { "transcript_tags", 1 },
    };
    expect(f.store, before, SC_ARRAY_LEN(before));
    assert_int_equal(write_sql(f.store, "DELETE FROM files WHERE id = 1"), SC_OK);
    expect(f.store, after, SC_ARRAY_LEN(after));
}

static void deleting_a_job_takes_its_transcript_and_leaves_the_file(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    fill(&f);
    assert_int_equal(write_sql(f.store, "DELETE FROM jobs WHERE id = 1"), SC_OK);
    static const struct expected after[] = {
        { "files", 2 },           { "uploads", 3 },        { "jobs", 2 },        { "tasks", 1 },
        { "chunks", 1 },          { "segments", 1 },       { "transcripts", 1 }, { "versions", 1 },
        { "job_events", 1 },      { "export_history", 1 }, { "file_tags", 3 },   { "job_tags", 1 },
        { "transcript_tags", 1 },
    };
    expect(f.store, after, SC_ARRAY_LEN(after));
}

static void what_is_in_use_cannot_be_deleted(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    fill(&f);
    static const char *const refused[] = {
        "DELETE FROM export_formats WHERE name = 'srt'",
        "DELETE FROM principals WHERE id = 1",
        "DELETE FROM origins WHERE id = 1",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(refused); i++)
        assert_int_equal(write_sql(f.store, refused[i]), SC_E_STORE_INTEGRITY);
    assert_int_equal(write_sql(f.store, "DELETE FROM export_formats WHERE name = 'json'"), SC_OK);
    assert_int_equal(rows(f.store, "export_formats"), 9);
}

static void rows_that_contradict_the_schema_are_refused(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    fill(&f);
    static const char *const refused[] = {
        "INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash)"
        " VALUES (99, 0, 0, 1, 'c')",
        "UPDATE files SET size_bytes = 0",
        "UPDATE files SET file_hash = 'h1'",
        "INSERT INTO versions SELECT transcript_id, 3, 1, 0, 0, 1, 0, '', 'v', 1, 0 FROM versions"
        " WHERE is_current = 1",
        "INSERT INTO versions VALUES (1, 0, 0, 0, 0, 1, 0, '', 'v', 1, 0)",
        "UPDATE segments SET end_ms = start_ms - 1",
        "UPDATE jobs SET dedupe_key = 'same'",
        "INSERT INTO tasks (job, stage, chunk, lane, state, class, priority)"
        " VALUES (1, 2, 0, 'x', 0, 1, 0)",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(refused); i++)
        assert_int_equal(write_sql(f.store, refused[i]), SC_E_STORE_INTEGRITY);
}

static void an_event_number_is_never_used_again(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    fill(&f);
    int64_t last = number(f.store, "SELECT max(id) FROM job_events");
    assert_int_equal(write_sql(f.store, "DELETE FROM jobs"), SC_OK);
    assert_int_equal(rows(f.store, "job_events"), 0);
    assert_int_equal(write_sql(f.store, "INSERT INTO jobs (id, job_id, owner_id, pipeline, class,"
                                        "  state, admission, created_ms, updated_ms)"
                                        "  VALUES (9, 'j9', 1, 'noop', 1, 0, 1, 0, 0);"
                                        "INSERT INTO job_events (job, at_ms, kind, state)"
                                        "  VALUES (9, 0, 0, 0)"),
                     SC_OK);
    assert_true(number(f.store, "SELECT max(id) FROM job_events") > last);
}

/* ---- admin ---- */

static void info_tells_sizes_and_schema(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_store_info info = { 0 };
    fill(&f);
    assert_int_equal(sc_store_info(f.store, &info, NULL), SC_OK);
    assert_int_equal(info.schema_version, sc_store_schema_version());
    assert_true(info.page_size >= 512 && info.pages > 10 && info.size_bytes > 0);
    assert_true(info.wal_bytes > 0 && info.free_pages >= 0);
}

struct tally {
    int tables;
    int64_t files, segments;
    bool shadow;
};

static void tally_table(void *ctx, const char *table, int64_t count)
{
    struct tally *t = ctx;
    t->tables++;
    if (strcmp(table, "files") == 0)
        t->files = count;
    if (strcmp(table, "segments") == 0)
        t->segments = count;
    t->shadow = t->shadow || strncmp(table, "segments_fts", 12) == 0 ||
                strncmp(table, "segments_parts", 14) == 0 || strncmp(table, "sqlite_", 7) == 0;
}

static void tables_are_counted(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct tally t = { 0 };
    fill(&f);
    assert_int_equal(sc_store_tables(f.store, tally_table, &t, NULL), SC_OK);
    assert_int_equal(t.files, 2);
    assert_int_equal(t.segments, 3);
    assert_false(t.shadow);
    assert_int_equal(t.tables,
                     number(f.store, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                                     " AND name NOT LIKE 'segments_fts%'"
                                     " AND name NOT LIKE 'segments_parts%'"
                                     " AND name NOT LIKE 'names_fts%'"
                                     " AND name NOT LIKE 'sqlite%'"));
}

static void keep_problem(void *ctx, const char *problem)
{
    (void)snprintf(ctx, 200, "%s", problem);
}

static void a_sound_store_passes_the_check(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char problem[200] = "";
    fill(&f);
    assert_int_equal(sc_store_check(f.store, keep_problem, problem, NULL), SC_OK);
    assert_string_equal(problem, "");
}

static void a_dangling_row_is_found(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char problem[200] = "";
    struct sc_error err = { 0 };
    fill(&f);
    assert_int_equal(outside(f.path, "PRAGMA foreign_keys = OFF; DELETE FROM jobs WHERE id = 1"),
                     SQLITE_OK);
    assert_int_equal(sc_store_check(f.store, keep_problem, problem, &err), SC_E_STORE_DAMAGED);
    assert_non_null(strstr(problem, "refer to rows that do not exist"));
}

static void a_damaged_text_index_is_found_and_writing_goes_on(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char problem[200] = "";
    struct sc_error err = { 0 };
    fill(&f);
    assert_int_equal(outside(f.path, "PRAGMA writable_schema = ON;"
                                     "DELETE FROM segments_fts_data WHERE id > 100"),
                     SQLITE_OK);
    assert_int_equal(sc_store_check(f.store, keep_problem, problem, &err), SC_E_STORE_DAMAGED);
    assert_non_null(strstr(problem, "text index"));
    assert_string_equal(err.msg, "the check found 1 problem");
    assert_true(sc_store_is_writable(f.store, NULL));
}

/* As if an index had lost a row: the text of one says another column than it was made of. */
static void an_index_that_does_not_fit_its_table_is_found(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char problem[200] = "";
    struct sc_error err = { 0 };
    fill(&f);
    assert_int_equal(outside(f.path, "CREATE INDEX extra ON files (id);"
                                     "PRAGMA writable_schema = ON;"
                                     "UPDATE sqlite_schema SET sql = 'CREATE INDEX extra ON files "
                                     "(size_bytes)' WHERE name = 'extra';"
                                     "PRAGMA schema_version = 999;"),
                     SQLITE_OK);
    assert_int_equal(sc_store_check(f.store, keep_problem, problem, &err), SC_E_STORE_DAMAGED);
    assert_non_null(strstr(problem, "missing from index extra"));
    assert_string_equal(err.msg, "the check found 2 problems"); /* of two files */
}

/* A page of zeros where a table's root was. */
static void a_damaged_page_is_found(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    fill(&f);
    int64_t page = number(f.store, "SELECT rootpage FROM sqlite_schema WHERE name = 'chunks'");
    sc_store_close(f.store);
    f.store = NULL;
    int fd = open(f.path, O_WRONLY | O_CLOEXEC);
    static const char zeros[4096];
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)(page - 1) * 4096), sizeof(zeros));
    (void)close(fd);

    char problem[200] = "";
    struct sc_store_options o = options_for(f.path, false);
    assert_int_equal(sc_store_open(&o, &f.store, &err), SC_OK);
    assert_int_equal(sc_store_check(f.store, keep_problem, problem, &err), SC_E_STORE_DAMAGED);
    assert_string_not_equal(problem, "");
}

static void a_store_that_nobody_has_opened_is_looked_at(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_store_peek found = { .schema_version = -1 };
    struct sc_error err = { 0 };
    char path[PATH_MAX];
    assert_int_not_equal(sc_store_peek(test_path(&f.dir, "none", path), false, &found, &err),
                         SC_OK);
    test_write(&f.dir, "empty", "");
    assert_int_equal(found.schema_version, -1);
    assert_int_equal(sc_store_peek(test_path(&f.dir, "empty", path), true, &found, &err), SC_OK);
    assert_int_equal(found.schema_version, 0);

    fill(&f);
    int64_t page = number(f.store, "SELECT rootpage FROM sqlite_schema WHERE name = 'chunks'");
    sc_store_close(f.store);
    f.store = NULL;
    assert_int_equal(sc_store_peek(f.path, true, &found, &err), SC_OK);
    assert_int_equal(found.schema_version, sc_store_schema_version());
    int fd = open(f.path, O_WRONLY | O_CLOEXEC);
    static const char zeros[4096];
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)(page - 1) * 4096), sizeof(zeros));
    (void)close(fd);
    found.schema_version = -1;
    assert_int_equal(sc_store_peek(f.path, false, &found, &err), SC_OK); /* not looked for */
    assert_int_equal(found.schema_version, sc_store_schema_version());
    found.schema_version = -1;
    assert_int_equal(sc_store_peek(f.path, true, &found, &err), SC_E_STORE_DAMAGED);
    assert_int_equal(found.schema_version, -1);
}

static void every_statement_has_a_plan(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    SC_AUTO_BUF plan = { 0 };
    for (int id = 0; id < SC_SQL_COUNT_; id++) {
        struct sc_error err = { 0 };
        if (sc_store_explain(conn, (enum sc_sql)id, &plan, &err) != SC_OK)
            fail_msg("%s: %s", sc_sql_name((enum sc_sql)id), err.msg);
    }
    sc_buf_reset(&plan);
    assert_int_equal(sc_store_explain(conn, SC_SQL_META_GET, &plan, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&plan), "SEARCH meta USING PRIMARY KEY (key=?)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(deleting_a_file_takes_all_that_came_of_it_and_nothing_else),
        TEST(deleting_a_job_takes_its_transcript_and_leaves_the_file),
        TEST(what_is_in_use_cannot_be_deleted),
        TEST(rows_that_contradict_the_schema_are_refused),
        TEST(an_event_number_is_never_used_again),
        TEST(info_tells_sizes_and_schema),
        TEST(tables_are_counted),
        TEST(a_sound_store_passes_the_check),
        TEST(a_dangling_row_is_found),
        TEST(a_damaged_text_index_is_found_and_writing_goes_on),
        TEST(an_index_that_does_not_fit_its_table_is_found),
        TEST(a_damaged_page_is_found),
        TEST(a_store_that_nobody_has_opened_is_looked_at),
        TEST(every_statement_has_a_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
