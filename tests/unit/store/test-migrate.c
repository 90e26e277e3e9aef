#include "store/store-internal.h"

#include "base/hash.h"
#include "base/language.h"
#include "store/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <sys/syscall.h>

#include "base/banned.h"

static int fsync_fails_at; /* the nth call from now on; 0: none */

/* SQLite flushes by fdatasync: these are ours. */
int fsync(int fd)
{
    if (fsync_fails_at > 0 && --fsync_fails_at == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

/* Lists of migrations in the tests' own words; the checksum stands for the text. */
static const struct sc_migration first[] = {
    { 1, "0001_first", "aaaa",
      "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
      "CREATE TABLE child (p INTEGER REFERENCES parent (id));" },
};
static const struct sc_migration two[] = {
    { 1, "0001_first", "aaaa",
      "CREATE TABLE parent (id INTEGER PRIMARY KEY);"
      "CREATE TABLE child (p INTEGER REFERENCES parent (id));" },
    { 2, "0002_second", "bbbb",
      "ALTER TABLE parent ADD COLUMN name TEXT;"
      "INSERT INTO parent VALUES (5, 'five');" },
};

struct folder {
    struct test_dir dir;
    char path[PATH_MAX];
};

static struct folder folder_new(void)
{
    struct folder f = { .dir = test_dir_new() };
    test_path(&f.dir, "scripta.db", f.path);
    return f;
}

static void folder_done(struct folder *f)
{
    test_dir_done(&f->dir);
}

static enum sc_code migrate(const struct folder *f, const struct sc_migration *list, size_t count,
                            struct sc_error *err)
{
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_conn_open(f->path, SC_CONN_WRITER, true, 1000, &conn, err);
    assert_int_equal(code, SC_OK);
    return sc_migrate(conn, f->path, list, count, err);
}

static int64_t ask(const char *path, const char *sql)
{
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_conn_open(path, SC_CONN_READER, false, 1000, &conn, NULL), SC_OK);
    return number_on(conn, sql);
}

/* Files in backups/, and the name of the last one into out. */
static int count_copies(const struct folder *f, char out[PATH_MAX])
{
    char path[PATH_MAX];
    int n = 0;
    DIR *d = opendir(test_path(&f->dir, "backups", path));
    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.')
            continue;
        n++;
        assert_true(snprintf(out, PATH_MAX, "%s/backups/%s", f->dir.path, e->d_name) < PATH_MAX);
    }
    if (d != NULL)
        (void)closedir(d);
    return n;
}

static void the_embedded_list_is_in_order_and_summed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sc_migration_count; i++) {
        char sum[SC_SHA256_TEXT];
        sc_hash_bytes(sc_migrations[i].sql, strlen(sc_migrations[i].sql), sum);
        assert_string_equal(sc_migrations[i].checksum, sum);
        assert_int_equal(sc_migrations[i].version, i + 1);
    }
    assert_int_equal(sc_store_schema_version(), sc_migration_count);
}

static void an_empty_store_gets_all_and_no_copy(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    char copy[PATH_MAX];
    assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
    assert_int_equal(ask(f.path, "SELECT max(version) FROM schema_migrations"), 2);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM parent WHERE name = 'five'"), 1);
    assert_int_equal(count_copies(&f, copy), 0);
    assert_int_equal(migrate(&f, two, 2, NULL), SC_OK); /* nothing to do */
    assert_int_equal(ask(f.path, "SELECT count(*) FROM parent"), 1);
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n;
}

static void a_store_is_copied_before_it_is_migrated(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    char copy[PATH_MAX];
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    assert_int_equal(outside(f.path, "INSERT INTO parent VALUES (3)"), SQLITE_OK);
    int before = open_descriptors();
    assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
    assert_int_equal(open_descriptors(), before);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM parent"), 2);
    assert_int_equal(count_copies(&f, copy), 1);
    assert_int_equal(ask(copy, "SELECT max(version) FROM schema_migrations"), 1);
    assert_int_equal(ask(copy, "SELECT group_concat(id) FROM parent"), 3);
}

static void a_migration_that_fails_leaves_the_store_as_it_was(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    struct sc_error err = { 0 };
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    struct sc_migration bad[2] = { first[0], two[1] };
    bad[1].sql = "CREATE TABLE extra (x); INSERT INTO parent VALUES (8); NONSENSE;";
    assert_int_equal(migrate(&f, bad, 2, &err), SC_E_STORE_ERROR);
    assert_non_null(strstr(err.msg, "0002_second"));
    assert_int_equal(ask(f.path, "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM parent"), 0);
    assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
}

static void a_migration_that_breaks_references_is_refused(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    struct sc_error err = { 0 };
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    struct sc_migration bad[2] = { first[0], two[1] };
    bad[1].sql = "INSERT INTO child VALUES (99);";
    assert_int_equal(migrate(&f, bad, 2, &err), SC_E_STORE_INTEGRITY);
    assert_non_null(strstr(err.msg, "child"));
    assert_int_equal(ask(f.path, "SELECT count(*) FROM child"), 0);
}

static void a_table_may_be_rebuilt_with_rows_that_refer_to_it(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    assert_int_equal(outside(f.path, "INSERT INTO parent VALUES (3); INSERT INTO child VALUES (3)"),
                     SQLITE_OK);
    struct sc_migration rebuild[2] = { first[0], two[1] };
    rebuild[1].sql = "CREATE TABLE parent2 (id INTEGER PRIMARY KEY, extra TEXT);"
                     "INSERT INTO parent2 (id) SELECT id FROM parent;"
                     "DROP TABLE parent; ALTER TABLE parent2 RENAME TO parent;";
    assert_int_equal(migrate(&f, rebuild, 2, NULL), SC_OK);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM child JOIN parent ON p = id"), 1);
}

/* 0015: chunks that are done have the language that their job has, unless that is done too. */
static void chunks_of_jobs_under_way_get_their_language(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    static const char before[] =
        "INSERT INTO jobs (id, job_id, owner_id, pipeline, class, state, admission, created_ms, "
        "updated_ms, detected_language) VALUES (1, 'a', 1, 'transcribe', 1, 1, 2, 0, 0, 'de'),"
        "(2, 'b', 1, 'transcribe', 1, 2, 3, 0, 0, 'fr'), (3, 'c', 1, 'transcribe', 1, 3, 3, 0, 0, "
        "NULL);"
        "INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash, processed_ms) "
        "VALUES (1, 0, 0, 1, '', 5), (1, 1, 1, 2, '', NULL), (2, 0, 0, 1, '', 5), "
        "(3, 0, 0, 1, '', 5);";
    assert_int_equal(migrate(&f, sc_migrations, 14, NULL), SC_OK);
    assert_int_equal(outside(f.path, before), SQLITE_OK);
    assert_int_equal(migrate(&f, sc_migrations, 15, NULL), SC_OK);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM chunks WHERE language = 'de' AND job = 1 "
                                 "AND chunk = 0"),
                     1);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM chunks WHERE language IS NULL"), 3);
}

/* 0016: sums by four weeks and by single dimensions are made of those that are kept by day. */
static void figures_by_day_become_those_of_longer_times(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    static const char before[] =
        "INSERT INTO job_stats VALUES (1, 55, 2, 'p', 'e', 'm', 'de', 3, 30, 6, 30, 6),"
        "(1, 56, 2, 'p', 'e', 'm', 'de', 5, 50, 10, 50, 10),"
        "(1, 83, 2, 'p', 'e', 'm', 'de', 1, 1, 1, 1, 1), (1, 83, 3, 'p', 'e', '', 'de', 2, 4, 7, "
        "0, "
        "0), (1, -1, 2, 'p', 'e', 'm', 'de', 9, 81, 17, 81, 17),"
        "(1, -1, 3, 'p', 'e', '', 'de', 2, 4, 7, 0, 0);";
    assert_int_equal(migrate(&f, sc_migrations, 15, NULL), SC_OK);
    assert_int_equal(outside(f.path, before), SQLITE_OK);
    assert_int_equal(migrate(&f, sc_migrations, 16, NULL), SC_OK);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM job_stats WHERE day < -1"), 3);
    assert_int_equal(ask(f.path, "SELECT jobs FROM job_stats WHERE day = -3"), 3);
    assert_int_equal(ask(f.path, "SELECT 1000 * jobs + duration_ms FROM job_stats "
                                 "WHERE day = -4 AND state = 2"),
                     6051);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM job_days WHERE dimension = 1"), 4);
    assert_int_equal(ask(f.path, "SELECT count(*) FROM job_days WHERE dimension = 5"), 3);
    assert_int_equal(ask(f.path, "SELECT 1000 * jobs + 100 * completed + 10 * duration_ms + "
                                 "processing_ms FROM job_days WHERE dimension = 5 AND day = 83 "
                                 "AND value = 'de'"),
                     3000 + 100 + 50 + 1);
    assert_int_equal(ask(f.path, "SELECT jobs FROM job_days WHERE dimension = 1 AND value = '3'"),
                     2);
}

/* What the figures are, counted from the jobs and from each other. */
#define COUNTED_STATS                                                                          \
    "SELECT owner_id, iif(k = 0, day, iif(k = 1, -1, -2 - day / 28)) AS at, state, pipeline, " \
    "engine, model, language, count(*), sum(duration_ms), sum(processing_ms), "                \
    "sum(iif(state = 2 AND processing_ms > 0, duration_ms, 0)), "                              \
    "sum(iif(state = 2 AND duration_ms > 0, processing_ms, 0)) "                               \
    "FROM v_job_stats_of, (SELECT column1 AS k FROM (VALUES (0), (1), (2))) "                  \
    "GROUP BY owner_id, at, state, pipeline, engine, model, language"
#define COUNTED_DAYS                                                                              \
    "SELECT owner_id, k AS dimension, day, CASE k WHEN 1 THEN CAST(state AS TEXT) "               \
    "WHEN 2 THEN pipeline WHEN 3 THEN engine WHEN 4 THEN model ELSE language END AS value, "      \
    "sum(jobs), sum(duration_ms), sum(iif(state = 2, jobs, 0)), "                                 \
    "sum(iif(state = 2, processing_ms, 0)), sum(paced_audio_ms), sum(paced_ms) "                  \
    "FROM (SELECT column1 AS k FROM (VALUES (1), (2), (3), (4), (5))), job_stats WHERE day >= 0 " \
    "GROUP BY owner_id, k, day, value"

/* 0017: wherever a language is stored, and in the figures, where two rows become one. */
static void codes_of_three_letters_become_those_of_two(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    static const char before[] =
        "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format, "
        "codec, sample_rate, channels, uploaded_ms) VALUES (1, 1, 'h', 'n', 'p', 1, '', '', 1, 1, "
        "0);"
        "INSERT INTO jobs (id, job_id, owner_id, pipeline, class, state, admission, created_ms, "
        "updated_ms, language, detected_language, duration_ms, processing_ms, settings) VALUES "
        "(1, 'a', 1, 'p', 1, 2, 3, 0, 0, 'deu', NULL, 10, 1, "
        "'{\"language\":\"deu\",\"name\":\"deu\"}'),"
        "(2, 'b', 1, 'p', 1, 2, 3, 0, 0, 'de', NULL, 20, 2, '{\"language\":\"de\"}'),"
        "(3, 'c', 1, 'p', 1, 2, 3, 0, 0, 'auto', 'ger', 40, 4, '{\"language\":\"auto\"}'),"
        "(4, 'd', 1, 'p', 1, 3, 3, 86400000, 0, 'auto', 'ger', 80, 8, '{}'),"
        "(5, 'e', 1, 'p', 1, 2, 3, 8640000000, 0, 'DEU-AT', '', 160, 16, '{}'),"
        "(6, 'f', 1, 'p', 1, 2, 3, 0, 0, 'yue', 'haw', 320, 32, '{}'),"
        "(7, 'g', 1, 'deu', 1, 1, 2, 0, 0, 'french', NULL, NULL, NULL, '{}');"
        "INSERT INTO job_stats " COUNTED_STATS "; INSERT INTO job_days " COUNTED_DAYS ";"
        "DELETE FROM job_changes;"
        "INSERT INTO transcripts (id, owner_id, file_id, state, language, created_ms, updated_ms) "
        "VALUES (1, 1, 1, 1, 'deu', 0, 0), (2, 1, 1, 1, 'ger_AT', 0, 0), (3, 1, 1, 1, 'yue', 0, 0),"
        "(4, 1, 1, 1, '', 0, 0), (5, 1, 1, 1, 'en-GB', 0, 0), (6, 1, 1, 1, 'deutsch', 0, 0);";
    static const struct {
        const char *question;
        int64_t answer;
    } after[] = {
        { "SELECT count(*) FROM job_changes", 0 },
        { "SELECT count(*) FROM (" COUNTED_STATS " EXCEPT SELECT * FROM job_stats)", 0 },
        { "SELECT count(*) FROM (SELECT * FROM job_stats EXCEPT " COUNTED_STATS ")", 0 },
        { "SELECT count(*) FROM (" COUNTED_DAYS " EXCEPT SELECT * FROM job_days)", 0 },
        { "SELECT count(*) FROM (SELECT * FROM job_days EXCEPT " COUNTED_DAYS ")", 0 },
        { "SELECT 1000 * jobs + duration_ms FROM job_stats WHERE day = 0 AND language = 'de'",
          3070 },
        { "SELECT jobs FROM job_days WHERE dimension = 2 AND value = 'deu'", 1 },
        { "SELECT count(*) FROM jobs WHERE id < 3 AND language = 'de'", 2 },
        { "SELECT count(*) FROM jobs WHERE detected_language = 'de'", 2 },
        { "SELECT count(*) FROM jobs WHERE language = 'de-AT' AND detected_language = ''", 1 },
        { "SELECT count(*) FROM jobs WHERE language = 'yue' AND detected_language = 'haw'", 1 },
        { "SELECT count(*) FROM jobs WHERE settings = "
          "'{\"language\":\"de\",\"name\":\"deu\"}'",
          1 },
        { "SELECT count(*) FROM transcripts WHERE (id, language) IN (VALUES (1, 'de'), "
          "(2, 'de_AT'), (3, 'yue'), (4, ''), (5, 'en-GB'), (6, 'deutsch'))",
          6 },
        { "SELECT count(*) FROM sqlite_schema WHERE name = 'language_codes'", 0 },
    };
    assert_int_equal(migrate(&f, sc_migrations, 16, NULL), SC_OK);
    assert_int_equal(outside(f.path, before), SQLITE_OK);
    assert_int_equal(migrate(&f, sc_migrations, 17, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(after); i++) {
        if (ask(f.path, after[i].question) != after[i].answer)
            fail_msg("%s", after[i].question);
    }
}

/* Of all that there may be: 0017 had a table of its own, 0018 asks base/language.c. */
static void codes_that_are_stored_become_those_that_the_program_knows(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    sqlite3_stmt *st = NULL;
    int n = 0;
    assert_int_equal(migrate(&f, sc_migrations, 16, NULL), SC_OK);
    assert_int_equal(
        outside(f.path, "INSERT INTO jobs (id, job_id, owner_id, pipeline, class, state, "
                        "admission, created_ms, updated_ms) VALUES (1, 'a', 1, '', 1, 2, 3, 0, 0);"
                        "WITH n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n "
                        "LIMIT 26 * 26 * 26) INSERT INTO chunks (job, chunk, start_samples, "
                        "end_samples, pcm_hash, language) SELECT 1, n, 0, 1, '', "
                        "char(97 + n / 676, 97 + n / 26 % 26, 97 + n % 26) FROM n"),
        SQLITE_OK);
    assert_int_equal(migrate(&f, sc_migrations, 18, NULL), SC_OK);
    assert_int_equal(sc_conn_open(f.path, SC_CONN_READER, false, 1000, &conn, NULL), SC_OK);
    assert_int_equal(
        sqlite3_prepare_v2(conn->db, "SELECT language FROM chunks ORDER BY chunk", -1, &st, NULL),
        SQLITE_OK);
    for (; sqlite3_step(st) == SQLITE_ROW; n++) {
        const char three[] = { (char)('a' + n / 676), (char)('a' + n / 26 % 26),
                               (char)('a' + n % 26), '\0' };
        char code[SC_LANGUAGE_TEXT];
        assert_true(sc_language_code(sc_str_from(three), code));
        assert_string_equal((const char *)sqlite3_column_text(st, 0), code);
    }
    (void)sqlite3_finalize(st);
    assert_int_equal(n, 26 * 26 * 26);
}

/* 0018: the same of names, of regions behind an underscore, and of what else has two forms. */
static void languages_get_the_form_that_is_asked_for(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    static const char before[] =
        "INSERT INTO files (id, owner_id, file_hash, original_name, file_path, size_bytes, format, "
        "codec, sample_rate, channels, uploaded_ms) VALUES (1, 1, 'h', 'n', 'p', 1, '', '', 1, 1, "
        "0);"
        "INSERT INTO jobs (id, job_id, owner_id, pipeline, class, state, admission, created_ms, "
        "updated_ms, language, detected_language, duration_ms, processing_ms, settings) VALUES "
        "(1, 'a', 1, 'p', 1, 2, 3, 0, 0, 'de_AT', NULL, 10, 1, "
        "'{\"language\":\"de_AT\",\"name\":\"de_AT\"}'),"
        "(2, 'b', 1, 'p', 1, 2, 3, 0, 0, 'de-AT', NULL, 20, 2, '{\"language\":\"de-AT\"}'),"
        "(3, 'c', 1, 'p', 1, 2, 3, 0, 0, 'auto', 'jw', 40, 4, '{\"language\":\"auto\"}'),"
        "(4, 'd', 1, 'p', 1, 3, 3, 86400000, 0, 'auto', 'jv', 80, 8, '{}'),"
        "(5, 'e', 1, 'p', 1, 2, 3, 8640000000, 0, 'German', '', 160, 16, '{}'),"
        "(6, 'f', 1, 'german', 1, 1, 2, 0, 0, 'auto', NULL, NULL, NULL, '{}');"
        "INSERT INTO chunks (job, chunk, start_samples, end_samples, pcm_hash, language) VALUES "
        "(1, 0, 0, 1, '', 'jw'), (1, 1, 1, 2, '', NULL), (1, 2, 2, 3, '', 'ja');"
        "INSERT INTO job_stats " COUNTED_STATS "; INSERT INTO job_days " COUNTED_DAYS ";"
        "DELETE FROM job_changes;"
        "INSERT INTO transcripts (id, owner_id, file_id, state, language, created_ms, updated_ms) "
        "VALUES (1, 1, 1, 1, 'de_AT', 0, 0), (2, 1, 1, 1, 'deutsch', 0, 0), (3, 1, 1, 1, 'jw', 0, "
        "0), (4, 1, 1, 1, '', 0, 0), (5, 1, 1, 1, 'EN-gb', 0, 0), (6, 1, 1, 1, 'klingon', 0, 0),"
        "(7, 1, 1, 1, 'zh_Hant_TW', 0, 0), (8, 1, 1, 1, 'nob_no', 0, 0);";
    static const struct {
        const char *question;
        int64_t answer;
    } after[] = {
        { "SELECT count(*) FROM job_changes", 0 },
        { "SELECT count(*) FROM (" COUNTED_STATS " EXCEPT SELECT * FROM job_stats)", 0 },
        { "SELECT count(*) FROM (SELECT * FROM job_stats EXCEPT " COUNTED_STATS ")", 0 },
        { "SELECT count(*) FROM (" COUNTED_DAYS " EXCEPT SELECT * FROM job_days)", 0 },
        { "SELECT count(*) FROM (SELECT * FROM job_days EXCEPT " COUNTED_DAYS ")", 0 },
        { "SELECT 1000 * jobs + duration_ms FROM job_stats WHERE day = 0 AND language = 'de-AT'",
          2030 },
        { "SELECT jobs FROM job_days WHERE dimension = 2 AND value = 'german'", 1 },
        { "SELECT count(*) FROM jobs WHERE language = 'de-AT'", 2 },
        { "SELECT count(*) FROM jobs WHERE language = 'de' AND detected_language = ''", 1 },
        { "SELECT count(*) FROM jobs WHERE language = 'auto'", 3 },
        { "SELECT count(*) FROM jobs WHERE detected_language = 'jv'", 2 },
        { "SELECT count(*) FROM jobs WHERE settings = "
          "'{\"language\":\"de-AT\",\"name\":\"de_AT\"}'",
          1 },
        { "SELECT count(*) FROM chunks WHERE (chunk, language) IN (VALUES (0, 'jv'), (2, 'ja'))",
          2 },
        { "SELECT count(*) FROM transcripts WHERE (id, language) IN (VALUES (1, 'de-AT'), "
          "(2, 'de'), (3, 'jv'), (4, ''), (5, 'en-GB'), (6, 'klingon'), (7, 'zh-Hant-TW'), "
          "(8, 'no-NO'))",
          8 },
        { "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'language%'", 0 },
        { "SELECT value FROM counters WHERE name = 'words.uncounted'", 8 },
    };
    assert_int_equal(migrate(&f, sc_migrations, 17, NULL), SC_OK);
    assert_int_equal(outside(f.path, before), SQLITE_OK);
    assert_int_equal(migrate(&f, sc_migrations, 18, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(after); i++) {
        if (ask(f.path, after[i].question) != after[i].answer)
            fail_msg("%s", after[i].question);
    }
}

static void a_list_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    struct sc_error err = { 0 };
    char copy[PATH_MAX];
    assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
    assert_int_equal(migrate(&f, two, 1, &err), SC_E_STORE_TOO_NEW);

    struct sc_migration changed[2] = { two[0], two[1] };
    changed[1].checksum = "cccc";
    assert_int_equal(migrate(&f, changed, 2, &err), SC_E_STORE_DAMAGED);
    assert_non_null(strstr(err.msg, "0002_second"));

    assert_int_equal(outside(f.path, "DELETE FROM schema_migrations WHERE version = 1"), SQLITE_OK);
    assert_int_equal(migrate(&f, two, 2, &err), SC_E_STORE_DAMAGED);
    assert_int_equal(count_copies(&f, copy), 0);
}

static void no_copy_no_migration(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    struct sc_error err = { 0 };
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    test_write(&f.dir, "backups", "a file stands where the folder should be");
    assert_int_not_equal(migrate(&f, two, 2, &err), SC_OK);
    assert_int_equal(ask(f.path, "SELECT max(version) FROM schema_migrations"), 1);
}

/* The store's path names the folder of its copies. */
static void a_folder_that_cannot_be_made_is_named(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    assert_int_equal(sc_conn_open(f.path, SC_CONN_WRITER, false, 1000, &conn, NULL), SC_OK);
    test_path(&f.dir, "nowhere/scripta.db", path);
    assert_int_not_equal(sc_migrate(conn, path, two, 2, &err), SC_OK);
    assert_non_null(strstr(err.msg, "cannot make the folder"));
    assert_int_equal(number_on(conn, "SELECT max(version) FROM schema_migrations"), 1);
}

/* Each fsync of the copy and of the folders above it, in turn. */
static void a_copy_that_cannot_be_flushed_is_none(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    char copy[PATH_MAX];
    struct sc_error err = { 0 };
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    int nth = 1;
    for (; nth < 10; nth++) {
        fsync_fails_at = nth;
        enum sc_code code = migrate(&f, two, 2, &err);
        bool failed = fsync_fails_at == 0;
        fsync_fails_at = 0;
        if (!failed) {
            assert_int_equal(code, SC_OK);
            break;
        }
        assert_int_equal(code, SC_E_IO_ERROR);
        assert_non_null(strstr(err.msg, "cannot flush"));
        assert_int_equal(ask(f.path, "SELECT max(version) FROM schema_migrations"), 1);
        /* A copy may stay when only its name could not be made sure of. */
        assert_int_equal(count_copies(&f, copy), nth == 3 ? 1 : 0);
    }
    assert_int_equal(nth, 4); /* the store's folder, the copy, the copies' folder */
    assert_int_equal(ask(f.path, "SELECT max(version) FROM schema_migrations"), 2);
}

static void copies_that_a_kill_left_unfinished_are_removed(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    char copy[PATH_MAX];
    char path[PATH_MAX];
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    assert_int_equal(mkdir(test_path(&f.dir, "backups", path), 0700), 0);
    test_write(&f.dir, "backups/schema-0001-5.db.part", "half");
    test_write(&f.dir, "backups/schema-0001-5.db.part-journal", "half");
    test_write(&f.dir, "backups/mine.db", "what somebody put there");
    assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
    assert_int_equal(count_copies(&f, copy), 2);
}

/* One letter of one column's name, as a bit that turns on a disk makes it. */
static void a_schema_with_other_words_is_refused(void **state)
{
    (void)state;
    static const char *const changes[] = {
        "UPDATE sqlite_schema SET sql = replace(sql, '(p ', '(q ') WHERE name = 'child'",
        "CREATE INDEX child_p ON child (p)",
        "DROP TABLE child",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(changes); i++) {
        SC_AUTO(folder_done) struct folder f = folder_new();
        struct sc_error err = { 0 };
        SC_AUTO_BUF sql = { 0 };
        sc_buf_printf(&sql, "PRAGMA writable_schema = ON; %s", changes[i]);
        assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
        assert_int_equal(outside(f.path, "ANALYZE; INSERT INTO parent VALUES (8, 'eight')"),
                         SQLITE_OK);
        assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
        assert_int_equal(outside(f.path, sc_buf_text(&sql)), SQLITE_OK);
        assert_int_equal(migrate(&f, two, 2, &err), SC_E_STORE_DAMAGED);
        assert_non_null(strstr(err.msg, "the schema of the store"));
        /* As stores of older versions are: without a seal. */
        assert_int_equal(outside(f.path, "PRAGMA user_version = 0"), SQLITE_OK);
        assert_int_equal(migrate(&f, two, 2, NULL), SC_OK);
    }
}

static void a_damaged_store_is_not_migrated(void **state)
{
    (void)state;
    SC_AUTO(folder_done) struct folder f = folder_new();
    struct sc_error err = { 0 };
    char copy[PATH_MAX];
    assert_int_equal(migrate(&f, first, 1, NULL), SC_OK);
    /* An index that does not match its table: nothing but a check finds it. */
    assert_int_equal(outside(f.path, "CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 2), (3, 4);"
                                     "CREATE INDEX t_a ON t (a); PRAGMA writable_schema = ON;"
                                     "UPDATE sqlite_schema SET sql = 'CREATE INDEX t_a ON t (b)'"
                                     " WHERE name = 't_a'"),
                     SQLITE_OK);
    assert_int_equal(migrate(&f, two, 2, &err), SC_E_STORE_DAMAGED);
    assert_int_equal(ask(f.path, "SELECT max(version) FROM schema_migrations"), 1);
    assert_int_equal(count_copies(&f, copy), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_embedded_list_is_in_order_and_summed),
        TEST(an_empty_store_gets_all_and_no_copy),
        TEST(a_store_is_copied_before_it_is_migrated),
        TEST(a_migration_that_fails_leaves_the_store_as_it_was),
        TEST(a_migration_that_breaks_references_is_refused),
        TEST(a_table_may_be_rebuilt_with_rows_that_refer_to_it),
        TEST(chunks_of_jobs_under_way_get_their_language),
        TEST(figures_by_day_become_those_of_longer_times),
        TEST(codes_of_three_letters_become_those_of_two),
        TEST(codes_that_are_stored_become_those_that_the_program_knows),
        TEST(languages_get_the_form_that_is_asked_for),
        TEST(a_list_that_does_not_fit_is_refused),
        TEST(no_copy_no_migration),
        TEST(a_folder_that_cannot_be_made_is_named),
        TEST(a_copy_that_cannot_be_flushed_is_none),
        TEST(copies_that_a_kill_left_unfinished_are_removed),
        TEST(a_schema_with_other_words_is_refused),
        TEST(a_damaged_store_is_not_migrated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
