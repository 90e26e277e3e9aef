#include "store/store.h"

#include "base/log.h"
#include "store/fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

static enum sc_code read_setting(struct sc_conn *conn, const char *key, char out[32])
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_META_GET);
    sc_stmt_bind_text(&st, ":key", key);
    enum sc_code code = sc_stmt_one(&st, NULL);
    if (code == SC_OK)
        (void)snprintf(out, 32, "%s", sc_stmt_text(&st, "value"));
    return code;
}

/* Parameters that the planner may hold against the condition of a partial index. */
static void new_values_do_not_prepare_a_statement_anew(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    for (int i = 0; i < SC_SQL_COUNT_; i++) {
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_prepare_v3(conn->db, sc_sql_text((enum sc_sql)i), -1,
                                            SQLITE_PREPARE_PERSISTENT, &st, NULL),
                         SQLITE_OK);
        for (int n = 0; n < 3; n++) {
            for (int k = 1; k <= sqlite3_bind_parameter_count(st); k++)
                assert_int_equal(sqlite3_bind_int(st, k, n + k), SQLITE_OK);
            (void)sqlite3_step(st); /* a reader may not write: only its preparation counts */
            (void)sqlite3_reset(st);
        }
        if (sqlite3_stmt_status(st, SQLITE_STMTSTATUS_REPREPARE, 0) != 0)
            fail_msg("%s is prepared anew", sc_sql_name((enum sc_sql)i));
        assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    }
}

static void values_are_bound_and_read_by_name(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    assert_int_equal(write_sql(f.store, "INSERT INTO meta VALUES ('n', 42), ('d', 2.5),"
                                        "('b', x'00ff00'), ('t', 'téxt')"),
                     SC_OK);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_META_GET);

    sc_stmt_bind_text(&st, ":key", "n");
    assert_int_equal(sc_stmt_one(&st, NULL), SC_OK);
    assert_int_equal(sc_stmt_int(&st, "value"), 42);
    assert_int_equal(sc_stmt_int_or(&st, "value", -1), 42);
    assert_false(sc_stmt_is_null(&st, "value"));

    sc_stmt_reset(&st);
    sc_stmt_bind_str(&st, ":key", (struct sc_str){ "dxx", 1 });
    assert_int_equal(sc_stmt_one(&st, NULL), SC_OK);
    assert_true(sc_stmt_double_or(&st, "value", 0) == 2.5);

    sc_stmt_reset(&st);
    sc_stmt_bind_str(&st, ":key", SC_STR("b"));
    assert_int_equal(sc_stmt_one(&st, NULL), SC_OK);
    struct sc_str blob = sc_stmt_str(&st, "value");
    assert_int_equal(blob.len, 3);
    assert_memory_equal(blob.ptr, "\0\xff\0", 3);

    sc_stmt_reset(&st);
    sc_stmt_bind_text(&st, ":key", "t");
    assert_int_equal(sc_stmt_one(&st, NULL), SC_OK);
    assert_string_equal(sc_stmt_text(&st, "value"), "téxt");
}

static void a_null_is_absent_and_empty(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(write_sql(f.store, "DELETE FROM schema_migrations"), SC_OK);
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_PAGES); /* max() of nothing is NULL */
    assert_int_equal(sc_stmt_one(&st, NULL), SC_OK);
    assert_true(sc_stmt_is_null(&st, "schema_version"));
    assert_int_equal(sc_stmt_int_or(&st, "schema_version", -7), -7);
    assert_true(sc_stmt_double_or(&st, "schema_version", -0.5) == -0.5);
    assert_string_equal(sc_stmt_text(&st, "schema_version"), "");
    assert_int_equal(sc_stmt_str(&st, "schema_version").len, 0);
    assert_non_null(sc_stmt_str(&st, "schema_version").ptr);
}

static void no_row_is_not_found_and_leaves_the_error_alone(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    struct sc_error err = { .msg = "as before" };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_META_GET);
    assert_int_equal(sc_stmt_one(&st, &err), SC_E_NOT_FOUND); /* nothing bound: NULL */
    assert_string_equal(err.msg, "as before");
}

static void bindings_are_gone_after_use(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char value[32] = "";
    assert_int_equal(write_sql(f.store, "INSERT INTO meta VALUES ('k', 'v')"), SC_OK);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    assert_int_equal(read_setting(conn, "k", value), SC_OK);
    assert_string_equal(value, "v");
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_META_GET);
    assert_int_equal(sc_stmt_one(&st, NULL), SC_E_NOT_FOUND);
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    struct sc_error err = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    struct setting s = { "k", "v", SC_OK };
    assert_int_equal(run_setting(conn, &s, &err), SC_E_STORE_READ_ONLY);
    assert_non_null(strstr(err.msg, "META_SET"));
    assert_true(sc_store_is_writable(f.store, NULL));
}

static void a_reader_sees_one_state_until_it_is_given_back(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char value[32] = "";
    assert_int_equal(write_sql(f.store, "INSERT INTO meta VALUES ('k', 'old')"), SC_OK);
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
        assert_int_equal(read_setting(conn, "k", value), SC_OK);
        assert_int_equal(write_sql(f.store, "UPDATE meta SET value = 'new' WHERE key = 'k'"),
                         SC_OK);
        assert_int_equal(read_setting(conn, "k", value), SC_OK);
        assert_string_equal(value, "old");
    }
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    assert_int_equal(read_setting(conn, "k", value), SC_OK);
    assert_string_equal(value, "new");
}

static void readers_run_out_and_come_back(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    struct sc_store_options o = options_for(path, true);
    o.busy_timeout_ms = 30;
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    assert_int_equal(sc_store_open(&o, &store, NULL), SC_OK);
    struct sc_conn *lent[3] = { NULL };
    struct sc_error err = { 0 };
    assert_int_equal(sc_store_read(store, &lent[0], &err), SC_OK);
    assert_int_equal(sc_store_read(store, &lent[1], &err), SC_OK);
    assert_int_equal(sc_store_read(store, &lent[2], &err), SC_E_STORE_UNAVAILABLE);
    assert_null(lent[2]);
    sc_conn_release(lent[0]);
    assert_int_equal(sc_store_read(store, &lent[2], &err), SC_OK);
    sc_conn_release(lent[1]);
    sc_conn_release(lent[2]);
}

static void changes_and_ids_are_told(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    char sql[] = "INSERT INTO principals (id, name, created_ms) VALUES (70, 'a', 0), (71, 'b', 0)";
    assert_int_equal(write_sql(f.store, sql), SC_OK);
    assert_int_equal(sc_conn_changes(f.store->writer), 2);
    assert_int_equal(sc_conn_last_id(f.store->writer), 71);
}

/* ---- misuse stops the process and names the statement ---- */

enum misuse { UNKNOWN_PARAMETER, UNKNOWN_COLUMN, NO_ROW, TWICE, MISUSE_COUNT_ };

static void misuse(struct sc_conn *conn, enum misuse what)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_META_GET);
    switch (what) {
    case UNKNOWN_PARAMETER:
        sc_stmt_bind_int(&st, ":keys", 1);
        break;
    case UNKNOWN_COLUMN:
        sc_stmt_bind_text(&st, ":key", "k");
        if (sc_stmt_one(&st, NULL) == SC_OK)
            (void)sc_stmt_int(&st, "values");
        break;
    case NO_ROW:
        (void)sc_stmt_int(&st, "value");
        break;
    case TWICE:
        (void)sc_stmt_get(conn, SC_SQL_META_GET);
        break;
    case MISUSE_COUNT_:
        break;
    }
}

static void misuse_aborts(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    assert_int_equal(write_sql(f.store, "INSERT INTO meta VALUES ('k', 'v')"), SC_OK);
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    for (enum misuse what = 0; what < MISUSE_COUNT_; what++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            (void)signal(SIGABRT, SIG_DFL);
            if (freopen("/dev/null", "w", stderr) == NULL)
                _exit(2);
            misuse(conn, what);
            _exit(0);
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

static void statements_are_logged_by_name_and_time_but_not_their_values(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    char path[PATH_MAX], value[32];
    struct sc_log_config config = { .level = SC_LOG_DEBUG, .path = test_path(&f.dir, "log", path) };
    assert_int_equal(
        write_sql(f.store, "INSERT INTO meta VALUES ('quiet', 'x'), ('asked', 'told')"), SC_OK);
    assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_OK);
    assert_true(sc_log_open(&config));
    assert_int_equal(read_setting(conn, "quiet", value), SC_OK);
    SC_AUTO_FREE char *before = test_read(&f.dir, "log");
    assert_string_equal(before, ""); /* unless it is asked for */
    sc_store_log_statements(true);
    assert_int_equal(read_setting(conn, "asked", value), SC_OK);
    sc_store_log_statements(false);
    sc_log_close();
    SC_AUTO_FREE char *log = test_read(&f.dir, "log");
    assert_non_null(strstr(log, " [DEBUG] store: statement name=META_GET us="));
    assert_null(strstr(log, "asked"));
    assert_null(strstr(log, "told"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(new_values_do_not_prepare_a_statement_anew),
        TEST(values_are_bound_and_read_by_name),
        TEST(a_null_is_absent_and_empty),
        TEST(no_row_is_not_found_and_leaves_the_error_alone),
        TEST(bindings_are_gone_after_use),
        TEST(a_reader_cannot_write),
        TEST(a_reader_sees_one_state_until_it_is_given_back),
        TEST(readers_run_out_and_come_back),
        TEST(changes_and_ids_are_told),
        TEST(statements_are_logged_by_name_and_time_but_not_their_values),
        TEST(misuse_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
