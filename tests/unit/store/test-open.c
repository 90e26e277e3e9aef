#include "store/store.h"

#include "store/admin.h"

#include "store/fixture.h"

#include <fcntl.h>

#include "base/banned.h"

static enum sc_code try_open(const char *path, bool create, struct sc_error *err)
{
    SC_AUTO(sc_store_closep) struct sc_store *store = NULL;
    struct sc_store_options o = options_for(path, create);
    enum sc_code code = sc_store_open(&o, &store, err);
    assert_true((code == SC_OK) == (store != NULL));
    return code;
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

static void a_new_store_has_every_table_and_prepares_every_statement(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_store_is_named_and_not_made_unless_asked),
        TEST(a_new_store_has_every_table_and_prepares_every_statement),
        TEST(a_write_is_read_back_by_readers_and_after_reopening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
