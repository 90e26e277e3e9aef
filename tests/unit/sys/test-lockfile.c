#include "sys/lockfile.h"

#include "testing.h"

#include <sys/wait.h>

#include "base/banned.h"

#define SCRATCH SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new()

static void the_second_taker_learns_who_holds_the_lock(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], line[64];
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *first = NULL;
    struct sc_lockfile *second = NULL;
    struct sc_error err = { 0 };
    (void)test_path(&dir, "lock", path);

    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "");
    assert_int_equal(sc_lockfile_take(path, "serve pid=12", &first, &err), SC_OK);
    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "serve pid=12");
    assert_int_equal(sc_lockfile_take(path, "other", &second, &err), SC_E_STORE_LOCKED);
    assert_null(second);
    assert_non_null(strstr(err.msg, "serve pid=12"));
    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "serve pid=12");
}

static void a_dropped_lock_is_free_and_names_nobody(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], line[64];
    struct sc_lockfile *lock = NULL;
    (void)test_path(&dir, "lock", path);
    assert_int_equal(sc_lockfile_take(path, "a much longer line than the next", &lock, NULL),
                     SC_OK);
    sc_lockfile_drop(lock);
    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "");
    assert_int_equal(sc_lockfile_take(path, "short", &lock, NULL), SC_OK);
    assert_false(sc_lockfile_was_left(lock));
    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "short");
    SC_AUTO_FREE char *held = test_read(&dir, "lock");
    assert_string_equal(held, "short\n");
    sc_lockfile_drop(lock);
    SC_AUTO_FREE char *dropped = test_read(&dir, "lock");
    assert_string_equal(dropped, "");
    sc_lockfile_drop(NULL);
}

static void the_lock_ends_with_its_process_and_its_line_is_then_void(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], line[64];
    (void)test_path(&dir, "lock", path);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sc_lockfile *lock = NULL;
        enum sc_code code = sc_lockfile_take(path, "gone for ever", &lock, NULL);
        _exit(code == SC_OK ? 0 : 1); /* as a kill would: nothing is dropped */
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    SC_AUTO_FREE char *text = test_read(&dir, "lock");
    assert_string_equal(text, "gone for ever\n");
    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "");
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    assert_int_equal(sc_lockfile_take(path, "next", &lock, NULL), SC_OK);
    SC_AUTO_FREE char *next = test_read(&dir, "lock");
    assert_string_equal(next, "next\n");
    assert_true(sc_lockfile_was_left(lock));
}

static void control_signs_in_a_foreign_lock_file_are_not_shown(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], line[8];
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    assert_int_equal(sc_lockfile_take(test_path(&dir, "lock", path), "x\x1b[2Jlong", &lock, NULL),
                     SC_OK);
    sc_lockfile_holder(path, line, sizeof(line));
    assert_string_equal(line, "x?[2Jlo");
}

static void a_folder_that_is_missing_is_an_error(void **state)
{
    (void)state;
    struct sc_lockfile *lock = NULL;
    assert_int_equal(sc_lockfile_take("/nonexistent/lock", "x", &lock, NULL), SC_E_IO_ERROR);
    assert_null(lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_second_taker_learns_who_holds_the_lock),
        TEST(a_dropped_lock_is_free_and_names_nobody),
        TEST(the_lock_ends_with_its_process_and_its_line_is_then_void),
        TEST(control_signs_in_a_foreign_lock_file_are_not_shown),
        TEST(a_folder_that_is_missing_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
