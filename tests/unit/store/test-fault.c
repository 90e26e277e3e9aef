/* Dying and failing at the store's fault points. Each case is a child with faults of its own, which
 * are read from the environment once; the parent looks at what is left on the disk. */
#include "store/store.h"

#include "base/fault.h"
#include "store/fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

typedef int (*child_fn)(const char *path);

static int run_child(const char *path, const char *faults, child_fn fn)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setenv("SCRIPTA_FAULT", faults, 1) != 0)
            _exit(100);
        _exit(fn(path));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static bool was_killed(int status)
{
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Settings in the file, without opening it as a store. */
static int64_t count_left(const char *path)
{
    sqlite3 *db = NULL;
    int64_t n = -1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "SELECT count(*) FROM meta WHERE key LIKE 'k%'", first_int_, &n, NULL),
        SQLITE_OK);
    (void)sqlite3_close(db);
    return n;
}

static enum sc_code set(struct sc_store *store, const char *key, enum sc_durability durability)
{
    struct setting s = { key, "1", SC_OK };
    return sc_store_write(store, durability, run_setting, &s, NULL);
}

static int write_two(const char *path)
{
    struct sc_store *store = NULL;
    struct sc_store_options o = options_for(path, true);
    if (sc_store_open(&o, &store, NULL) != SC_OK)
        return 1;
    if (set(store, "k1", SC_DURABLE) != SC_OK)
        return 2;
    if (set(store, "k2", SC_RELAXED) != SC_OK)
        return 3;
    sc_store_close(store);
    return 0;
}

static void dying_before_the_commit_leaves_nothing_of_it(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    assert_true(was_killed(run_child(path, "store.commit:kill:2", write_two)));
    assert_int_equal(count_left(path), 1);
}

static void dying_after_the_commit_leaves_all_of_it(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    assert_true(was_killed(run_child(path, "store.committed:kill:2", write_two)));
    assert_int_equal(count_left(path), 2);
    assert_int_equal(run_child(path, "", write_two), 0); /* and it opens again */
}

static void dying_in_the_first_migration_leaves_a_store_that_can_be_made(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    assert_true(was_killed(run_child(path, "store.migrate:kill", write_two)));
    assert_int_equal(run_child(path, "", write_two), 0);
    assert_int_equal(count_left(path), 2);
}

static int fail_first_commit(const char *path)
{
    struct sc_store *store = NULL;
    struct sc_error err = { 0 };
    struct sc_store_options o = options_for(path, true);
    if (sc_store_open(&o, &store, NULL) != SC_OK)
        return 1;
    if (set(store, "k1", SC_DURABLE) != SC_E_STORE_ERROR)
        return 2;
    if (sc_store_is_writable(store, &err) || err.code != SC_E_STORE_ERROR)
        return 3;
    if (number(store, "SELECT count(*) FROM meta WHERE key = 'k1'") != 0)
        return 4;
    while (!sc_store_is_writable(store, NULL))
        sc_clock_sleep_ms(20);
    if (set(store, "k2", SC_DURABLE) != SC_OK)
        return 5;
    sc_store_close(store);
    return 0;
}

static void a_failed_commit_is_not_acknowledged_and_the_store_comes_back(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    assert_int_equal(run_child(path, "store.commit:fail", fail_first_commit), 0);
    assert_int_equal(count_left(path), 1);
}

/* The first try to come back fails in its checkpoint, the second in its probe. */
static void coming_back_is_tried_again(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    test_path(&dir, "scripta.db", path);
    assert_int_equal(run_child(path, "store.commit:fail,store.checkpoint:fail,store.commit:fail:2",
                               fail_first_commit),
                     0);
    assert_int_equal(count_left(path), 1);
}

/* ---- faults of this process ---- */

/* Opens with the Nth pass of a point failing, until none is left to fail; how many there were. */
static int fail_each_opening(const char *path, const char *point, bool create)
{
    for (int nth = 1;; nth++) {
        struct sc_store *store = NULL;
        struct sc_error err = { 0 };
        struct sc_store_options o = options_for(path, create);
        sc_fault_arm(point, nth);
        enum sc_code code = sc_store_open(&o, &store, &err);
        bool failed = sc_fault_disarm(point);
        if (code != (failed ? SC_E_STORE_ERROR : SC_OK))
            fail_msg("%s %d: %s: %s", point, nth, sc_code_name(code), err.msg);
        assert_true(failed == (store == NULL));
        sc_store_close(store);
        if (!failed)
            return nth - 1;
    }
}

static void an_opening_that_fails_anywhere_leaves_a_store_that_opens(void **state)
{
    (void)state;
    static const char *const points[] = { "store.step", "store.frame" };
    for (size_t i = 0; i < SC_ARRAY_LEN(points); i++) {
        SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
        char path[PATH_MAX];
        test_path(&dir, "scripta.db", path);
        assert_true(fail_each_opening(path, points[i], true) >= 2);
        (void)fail_each_opening(path, points[i], false);
        assert_int_equal(count_left(path), 0);
    }
}

/* BEGIN, SAVEPOINT, RELEASE or ROLLBACK TO, the figures, COMMIT: whichever fails, nothing is
 * acknowledged. */
static void a_transaction_whose_frame_fails_is_lost_whole(void **state)
{
    (void)state;
    static const enum sc_code answers[] = { SC_OK, SC_E_CONFLICT };
    for (size_t i = 0; i < SC_ARRAY_LEN(answers); i++) {
        SC_AUTO(fixture_done) struct fixture f = fixture_new();
        int frames = 0;
        for (bool failed = true; failed; frames += failed) {
            struct setting s = { "k1", "1", answers[i] };
            struct sc_error err = { 0 };
            sc_fault_arm("store.frame", frames + 1);
            enum sc_code code = sc_store_write(f.store, SC_DURABLE, run_setting, &s, &err);
            failed = sc_fault_disarm("store.frame");
            assert_int_equal(code, failed ? SC_E_STORE_ERROR : answers[i]);
            assert_true(sc_store_is_writable(f.store, NULL) == !failed);
            if (failed)
                assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE key = 'k1'"), 0);
            while (!sc_store_is_writable(f.store, NULL))
                sc_clock_sleep_ms(20);
        }
        assert_int_equal(frames, 5 + (int)i);
        assert_int_equal(number(f.store, "SELECT count(*) FROM meta WHERE key = 'k1'"),
                         answers[i] == SC_OK);
    }
}

static void a_reader_that_cannot_begin_is_not_lost(void **state)
{
    (void)state;
    SC_AUTO(fixture_done) struct fixture f = fixture_new();
    for (int i = 0; i < 5; i++) {
        struct sc_conn *conn = NULL;
        sc_fault_arm("store.frame", 1);
        assert_int_equal(sc_store_read(f.store, &conn, NULL), SC_E_STORE_ERROR);
        assert_true(sc_fault_disarm("store.frame"));
        assert_null(conn);
    }
    assert_int_equal(number(f.store, "SELECT 5"), 5);
    assert_int_equal(f.store->readers_lent, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(dying_before_the_commit_leaves_nothing_of_it),
        TEST(dying_after_the_commit_leaves_all_of_it),
        TEST(dying_in_the_first_migration_leaves_a_store_that_can_be_made),
        TEST(a_failed_commit_is_not_acknowledged_and_the_store_comes_back),
        TEST(coming_back_is_tried_again),
        TEST(an_opening_that_fails_anywhere_leaves_a_store_that_opens),
        TEST(a_transaction_whose_frame_fails_is_lost_whole),
        TEST(a_reader_that_cannot_begin_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
