#include "store/store.h"

#include "store/admin.h"

#include "store/disk.h"

#include <sys/wait.h>

#include "base/banned.h"

static enum sc_code try_open(const char *path, bool create, struct sc_error *err)
{
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    struct sc_store_options o = options_for(path, create);
    enum sc_code code = sc_store_open(&o, &store, err);
    assert_true((code == SC_OK) == (store != NULL));
    return code;
}

/* The path of a fresh, closed store. */
static const char *make_store(const struct test_dir *dir, char path[PATH_MAX])
{
    struct sc_error err = { 0 };
    test_path(dir, "scripta.db", path);
    if (try_open(path, true, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    return path;
}

static void overwrite(const char *path, off_t at, const void *bytes, size_t len)
{
    SC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
}

static void a_missing_store_is_named_and_not_made_unless_asked(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    test_path(&dir, "scripta.db", path);
    assert_int_equal(try_open(path, false, &err), SC_E_STORE_NOT_INITIALISED);
    assert_non_null(strstr(err.msg, path));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(try_open(path, true, &err), SC_OK);
    assert_int_equal(try_open(path, false, &err), SC_OK);
}

static void a_closed_store_leaves_one_file(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX], log[PATH_MAX];
    make_store(&dir, path);
    assert_int_not_equal(access(test_path(&dir, "scripta.db-wal", log), F_OK), 0);
    assert_int_not_equal(access(test_path(&dir, "scripta.db-shm", log), F_OK), 0);
}

static void transcripts_are_private(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char path[PATH_MAX];
    struct stat st;
    static const char *const names[] = { "scripta.db", "scripta.db-wal", "scripta.db-shm" };
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        assert_int_equal(stat(test_path(&f.dir, names[i], path), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void a_new_store_prepares_every_statement(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, &err), SC_OK);
    assert_int_equal(sc_store_prepare_all(conn, &err), SC_OK);
    assert_int_equal(number_on(conn, "SELECT count(*) FROM schema_migrations"),
                     sc_store_schema_version());
    assert_int_equal(number_on(conn, "SELECT count(*) FROM queues"), 3);
}

static void connections_have_the_settings(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    assert_int_equal(number_on(conn, "PRAGMA query_only"), 1);
    assert_int_equal(number_on(conn, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number_on(conn, "PRAGMA wal_autocheckpoint"), 0);
    assert_int_equal(number_on(conn, "PRAGMA secure_delete"), 1);
    assert_int_equal(number_on(conn, "PRAGMA temp_store"), 2);
    assert_int_equal(number_on(conn, "PRAGMA cache_size"), -65536);
    assert_int_equal(number_on(conn, "PRAGMA journal_size_limit"), 64 << 20);
    assert_int_equal(number_on(conn, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(write_sql(f.store, "CREATE TABLE seen AS SELECT * FROM pragma_foreign_keys"),
                     SC_OK);
}

static void a_write_is_read_back_by_readers_and_after_reopening(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    struct setting s = { .key = "colour", .value = "17" };
    assert_int_equal(sc_store_write(f.store, SC_DURABLE, run_setting, &s, &err), SC_OK);
    assert_int_equal(number(f.store, "SELECT value FROM meta WHERE key = 'colour'"), 17);

    sc_store_close(f.store);
    f.store = NULL;
    struct sc_store_options o = options_for(f.path, false);
    assert_int_equal(sc_store_open(&o, &f.store, &err), SC_OK);
    assert_int_equal(number(f.store, "SELECT value FROM meta WHERE key = 'colour'"), 17);
}

static void an_empty_file_is_no_store_but_may_become_one(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    test_write(&dir, "scripta.db", "");
    test_path(&dir, "scripta.db", path);
    assert_int_equal(try_open(path, false, &err), SC_E_STORE_NOT_INITIALISED);
    assert_int_equal(try_open(path, true, &err), SC_OK);
}

/* SQLite would drop that log: it may be all that is left of a store. */
static void an_empty_file_with_a_log_is_damage_and_keeps_the_log(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    test_write(&dir, "scripta.db", "");
    test_write(&dir, "scripta.db-wal", "frames");
    assert_int_equal(try_open(test_path(&dir, "scripta.db", path), true, &err), SC_E_STORE_DAMAGED);
    SC_AUTO_FREE char *log = test_read(&dir, "scripta.db-wal");
    assert_string_equal(log, "frames");
}

static void what_is_no_database_is_refused_and_left_alone(void **state)
{
    (void)state;
    static const char *const contents[] = {
        "x",
        "SQLite format",
        "SQLite format 4 and then some more text that is no database at all",
        "{\"this\": \"is a file of another kind, longer than a header of a database\"}",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(contents); i++) {
        SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
        char path[PATH_MAX];
        struct sc_error err = { 0 };
        test_write(&dir, "scripta.db", contents[i]);
        test_path(&dir, "scripta.db", path);
        assert_int_equal(try_open(path, true, &err), SC_E_STORE_DAMAGED);
        assert_non_null(strstr(err.msg, path));
        SC_AUTO_FREE char *after = test_read(&dir, "scripta.db");
        assert_string_equal(after, contents[i]);
    }
}

static void another_programs_database_is_refused_and_left_alone(void **state)
{
    (void)state;
    static const char *const schemas[] = {
        "CREATE TABLE bookmarks (url TEXT)",
        "CREATE TABLE schema_migrations (version INTEGER, name TEXT, checksum TEXT)",
        "PRAGMA application_id = 252006675",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(schemas); i++) {
        SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
        char path[PATH_MAX];
        struct sc_error err = { 0 };
        test_path(&dir, "scripta.db", path);
        assert_int_equal(outside(path, schemas[i]), SQLITE_OK);
        assert_int_equal(try_open(path, true, &err), SC_E_STORE_DAMAGED);
        assert_non_null(strstr(err.msg, "another program"));
        sqlite3 *db = NULL;
        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        int64_t wal = -1;
        assert_int_equal(sqlite3_exec(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode",
                                      first_int_, &wal, NULL),
                         SQLITE_OK);
        (void)sqlite3_close(db);
        assert_int_equal(wal, 0);
    }
}

static void a_folder_is_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    struct sc_error err = { 0 };
    assert_int_equal(try_open(dir.path, true, &err), SC_E_STORE_DAMAGED);
    assert_non_null(strstr(err.msg, dir.path));
}

static void a_damaged_schema_is_damage(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX], noise[3000];
    struct sc_error err = { 0 };
    make_store(&dir, path);
    memset(noise, 0xA5, sizeof(noise));
    overwrite(path, 100, noise, sizeof(noise));
    assert_int_equal(try_open(path, false, &err), SC_E_STORE_DAMAGED);
}

static void a_store_cut_short_is_damage(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    make_store(&dir, path);
    assert_int_equal(truncate(path, 3 * 4096), 0);
    assert_int_equal(try_open(path, false, &err), SC_E_STORE_DAMAGED);
}

static void a_newer_schema_is_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    make_store(&dir, path);
    assert_int_equal(outside(path, "INSERT INTO schema_migrations VALUES (999, 'x', 'y', 0)"),
                     SQLITE_OK);
    assert_int_equal(try_open(path, false, &err), SC_E_STORE_TOO_NEW);
    assert_non_null(strstr(err.msg, "999"));
}

static void a_changed_checksum_is_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    make_store(&dir, path);
    assert_int_equal(outside(path, "UPDATE schema_migrations SET checksum = 'f' || checksum"),
                     SQLITE_OK);
    assert_int_equal(try_open(path, false, &err), SC_E_STORE_DAMAGED);
    assert_non_null(strstr(err.msg, "0001_init"));
    assert_non_null(strstr(err.msg, "checksum"));
}

/* A user who may not override permissions: root would. */
static void become_nobody(void)
{
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(255);
}

static int status_of(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static enum sc_code try_open_as_nobody(const char *path)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sc_error err = { 0 };
        become_nobody();
        _exit((int)try_open(path, false, &err));
    }
    return (enum sc_code)status_of(pid);
}

static void a_file_or_folder_without_permission_is_read_only(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    make_store(&dir, path);
    assert_int_equal(chmod(dir.path, 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(try_open_as_nobody(path), SC_E_STORE_READ_ONLY);
    assert_int_equal(chmod(path, 0666), 0);
    assert_int_equal(try_open_as_nobody(path), SC_OK);
    assert_int_equal(chmod(dir.path, 0555), 0);
    enum sc_code code = try_open_as_nobody(path);
    assert_int_equal(chmod(dir.path, 0700), 0);
    assert_int_equal(code, SC_E_STORE_READ_ONLY);
}

static void opening_tries_again_after_a_passing_error(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    make_store(&dir, path);
    for (int attempts = 2; attempts <= 3; attempts++) {
        SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
        struct sc_store_options o = options_for(path, false);
        o.open_attempts = attempts;
        atomic_store(&disk_open_fails, 2);
        atomic_store(&disk_open_errno, EMFILE);
        enum sc_code code = sc_store_open(&o, &store, &err);
        disk_heal();
        assert_int_equal(code, attempts == 2 ? SC_E_STORE_ERROR : SC_OK);
    }
}

/* As the writer meets it that opens its store again: nothing has looked at the file before. */
static void a_connection_without_permission_says_so(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    make_store(&dir, path);
    assert_int_equal(chmod(dir.path, 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct sc_conn *conn = NULL;
        struct sc_error err = { 0 };
        become_nobody();
        enum sc_code code = sc_conn_open(path, SC_CONN_WRITER, false, 0, &conn, &err);
        _exit(strstr(err.msg, "Permission denied") != NULL ? (int)code : 255);
    }
    assert_int_equal(status_of(pid), SC_E_STORE_READ_ONLY);
    assert_int_equal(chmod(dir.path, 0700), 0);
}

/* Opening for writing fails, for reading it works, and the permissions are right: so it is neither
 * the file's nor the disk's being read-only. */
static void a_store_that_opens_for_reading_alone_is_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    make_store(&dir, path);
    struct sc_store_options o = options_for(path, false);
    o.open_attempts = 1;
    atomic_store(&disk_open_fails, 1);
    atomic_store(&disk_open_errno, EACCES);
    enum sc_code code = sc_store_open(&o, &store, &err);
    disk_heal();
    assert_int_equal(code, SC_E_STORE_ERROR);
    assert_non_null(strstr(err.msg, "for writing"));
}

static void codes_of_the_database_become_ours(void **state)
{
    (void)state;
    static const struct {
        int rc, errnum;
        enum sc_code code;
    } rows[] = {
        { SQLITE_OK, EIO, SC_OK },
        { SQLITE_FULL, 0, SC_E_NO_SPACE },
        { SQLITE_READONLY, 0, SC_E_STORE_READ_ONLY },
        { SQLITE_READONLY_DBMOVED, 0, SC_E_STORE_READ_ONLY },
        { SQLITE_IOERR_READ, EIO, SC_E_STORE_ERROR },
        { SQLITE_IOERR_FSYNC, EIO, SC_E_STORE_ERROR },
        { SQLITE_IOERR_FSYNC, EDQUOT, SC_E_NO_SPACE },
        { SQLITE_IOERR_WRITE, EFBIG, SC_E_NO_SPACE },
        { SQLITE_IOERR_WRITE, EROFS, SC_E_STORE_READ_ONLY },
        { SQLITE_CANTOPEN, EACCES, SC_E_STORE_READ_ONLY },
        { SQLITE_CORRUPT_INDEX, 0, SC_E_STORE_DAMAGED },
        { SQLITE_NOTADB, 0, SC_E_STORE_DAMAGED },
        { SQLITE_CONSTRAINT_UNIQUE, 0, SC_E_STORE_INTEGRITY },
        { SQLITE_BUSY_SNAPSHOT, 0, SC_E_STORE_UNAVAILABLE },
        { SQLITE_MISUSE, 0, SC_E_STORE_ERROR },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_int_equal(sc_code_from_sqlite(rows[i].rc, rows[i].errnum), rows[i].code);
}

/* What SQLite has noted answers when errno was lost on the way. */
static void the_cause_is_asked_of_the_database_when_errno_has_gone(void **state)
{
    (void)state;
    struct sc_conn conn = { 0 };
    errno = 0;
    assert_int_equal(sc_conn_errno(&conn), 0);
    assert_int_equal(sqlite3_open_v2("/nowhere/at/all", &conn.db, SQLITE_OPEN_READWRITE, NULL),
                     SQLITE_CANTOPEN);
    errno = 0;
    assert_int_equal(sc_conn_errno(&conn), ENOENT);
    errno = EIO;
    assert_int_equal(sc_conn_errno(&conn), EIO);
    assert_int_equal(sqlite3_close(conn.db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_store_is_named_and_not_made_unless_asked),
        TEST(a_closed_store_leaves_one_file),
        TEST(transcripts_are_private),
        TEST(a_new_store_prepares_every_statement),
        TEST(connections_have_the_settings),
        TEST(a_write_is_read_back_by_readers_and_after_reopening),
        TEST(an_empty_file_is_no_store_but_may_become_one),
        TEST(an_empty_file_with_a_log_is_damage_and_keeps_the_log),
        TEST(what_is_no_database_is_refused_and_left_alone),
        TEST(another_programs_database_is_refused_and_left_alone),
        TEST(a_folder_is_refused),
        TEST(a_damaged_schema_is_damage),
        TEST(a_store_cut_short_is_damage),
        TEST(a_newer_schema_is_refused),
        TEST(a_changed_checksum_is_refused),
        TEST(a_file_or_folder_without_permission_is_read_only),
        TEST(opening_tries_again_after_a_passing_error),
        TEST(a_connection_without_permission_says_so),
        TEST(a_store_that_opens_for_reading_alone_is_refused),
        TEST(codes_of_the_database_become_ours),
        TEST(the_cause_is_asked_of_the_database_when_errno_has_gone),
    };
    disk_install();
    disk_heal();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
