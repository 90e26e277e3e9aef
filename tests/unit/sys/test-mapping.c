#include "sys/mapping.h"

#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

#define PAGES 4

/* A file of pages of 'x', mapped whole; *fd stays open. */
static struct sc_mapping *map(const struct test_dir *dir, const char *name, int *fd)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    SC_AUTO_FREE char *bytes = malloc(PAGES * page);
    struct sc_mapping *m = NULL;
    char path[PATH_MAX];

    assert_non_null(bytes);
    memset(bytes, 'x', PAGES * page);
    test_write_bytes(dir, name, bytes, PAGES * page);
    *fd = open(test_path(dir, name, path), O_RDWR | O_CLOEXEC);
    assert_true(*fd >= 0);
    assert_int_equal(sc_mapping_open(*fd, PAGES * page, &m, NULL), SC_OK);
    assert_int_equal(sc_mapping_bytes(m).len, PAGES * page);
    return m;
}

static void pages_that_a_file_loses_read_as_zeros_and_are_told(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_CLOSE int other_fd = -1;
    (void)state;
    struct sc_mapping *m = map(&dir, "a", &fd), *other = map(&dir, "b", &other_fd);
    const volatile char *at = sc_mapping_bytes(m).ptr;

    assert_int_equal(at[2 * page], 'x');
    assert_int_equal(ftruncate(fd, (off_t)page), 0);
    assert_int_equal(at[0], 'x');
    assert_false(sc_mapping_lost(m));
    for (size_t i = page; i < PAGES * page; i += page / 2)
        assert_int_equal(at[i], 0);
    assert_true(sc_mapping_lost(m));
    assert_false(sc_mapping_lost(other));
    sc_mapping_close(m);

    /* In the place of the first. */
    SC_AUTO_CLOSE int third_fd = -1;
    m = map(&dir, "c", &third_fd);
    assert_false(sc_mapping_lost(m));
    assert_int_equal(ftruncate(other_fd, 0), 0);
    assert_int_equal(*(const volatile char *)sc_mapping_bytes(other).ptr, 0);
    assert_true(sc_mapping_lost(other));
    assert_false(sc_mapping_lost(m));
    sc_mapping_close(other);
    sc_mapping_close(m);
    sc_mapping_close(NULL);
}

static void what_cannot_be_mapped_is_told(void **state)
{
    struct sc_mapping *m = NULL;
    struct sc_error err = { 0 };
    (void)state;
    assert_int_not_equal(sc_mapping_open(-1, 1, &m, &err), SC_OK);
    assert_non_null(strstr(err.msg, "it cannot be mapped"));
    assert_null(m);
}

/* What is sent, and not for a page of ours, ends the process as ever. */
static void another_bus_error_still_ends_the_process(void **state)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO_CLOSE int fd = -1;
    int status = 0;
    (void)state;
    struct sc_mapping *m = map(&dir, "a", &fd);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)raise(SIGBUS);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
    sc_mapping_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_a_file_loses_read_as_zeros_and_are_told),
        cmocka_unit_test(what_cannot_be_mapped_is_told),
        cmocka_unit_test(another_bus_error_still_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
