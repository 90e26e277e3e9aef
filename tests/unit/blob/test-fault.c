/* Failing at the fault points of a put. Each case is a child with faults of its own, which are read
 * from the environment once. */
#include "blob/blob.h"

#include "testing.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "base/banned.h"

#define PLACE "audio/uploads/2026/11/hash.wav"

enum outcome { OUTCOME_PUT, OUTCOME_REFUSED, OUTCOME_LOST, OUTCOME_BROKEN };

static enum outcome put_in_child(const char *root, const char *temp)
{
    struct sc_blobs *blobs = NULL;
    int fd = open(temp, O_RDWR | O_CLOEXEC);
    if (fd < 0 || sc_blobs_open(root, &blobs, NULL) != SC_OK)
        return OUTCOME_BROKEN;
    enum sc_code code = sc_blobs_put(blobs, temp, fd, PLACE, NULL);
    bool there = access(temp, F_OK) == 0;
    bool placed = sc_blobs_exists(blobs, PLACE);
    sc_blobs_close(blobs);
    (void)close(fd);
    if (code != SC_OK)
        return there ? OUTCOME_REFUSED : OUTCOME_LOST;
    return placed && !there ? OUTCOME_PUT : OUTCOME_BROKEN;
}

static enum outcome put_with(const char *faults)
{
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char temp[PATH_MAX];
    test_write(&dir, "temp", "bytes");
    test_path(&dir, "temp", temp);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (setenv("SCRIPTA_FAULT", faults, 1) != 0)
            _exit(OUTCOME_BROKEN);
        _exit(put_in_child(dir.path, temp));
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (enum outcome)WEXITSTATUS(status);
}

static void a_failed_put_leaves_the_temp_file(void **state)
{
    (void)state;
    assert_int_equal(put_with(""), OUTCOME_PUT);
    assert_int_equal(put_with("file.sync:fail"), OUTCOME_REFUSED);
    assert_int_equal(put_with("file.rename:fail"), OUTCOME_REFUSED);
}

/* Opening syncs three folders. A put in a new month syncs that, its year and the three above, and
 * after the move the month again: each of the six counts. */
static void a_folder_that_is_not_on_the_disk_fails_the_put(void **state)
{
    (void)state;
    for (int pass = 4; pass <= 9; pass++) {
        char faults[40];
        (void)snprintf(faults, sizeof(faults), "dir.sync:fail:%d", pass);
        assert_int_equal(put_with(faults), OUTCOME_REFUSED);
    }
    assert_int_equal(put_with("dir.sync:fail:10"), OUTCOME_PUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_failed_put_leaves_the_temp_file),
        TEST(a_folder_that_is_not_on_the_disk_fails_the_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
