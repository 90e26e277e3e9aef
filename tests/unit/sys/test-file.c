#include "sys/file.h"

#include "base/alloc.h"
#include "testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/banned.h"

#define SCRATCH SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new()

static int entries_of(const char *path)
{
    int n = 0;
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    (void)closedir(d);
    return n;
}

static void folders_are_made_with_their_parents_and_only_for_us(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], deep[PATH_MAX + 16];
    struct stat st;
    (void)snprintf(deep, sizeof(deep), "%s/b//c/", test_path(&dir, "a", path));
    assert_int_equal(sc_dir_create(deep, NULL), SC_OK);
    assert_int_equal(sc_dir_create(deep, NULL), SC_OK);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void durable_folders_are_made_with_their_parents(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], deep[PATH_MAX + 16], below[PATH_MAX + 16];
    (void)snprintf(deep, sizeof(deep), "%s/b//c/", test_path(&dir, "a", path));
    assert_int_equal(sc_dir_create_durable(deep, NULL), SC_OK);
    assert_int_equal(sc_dir_create_durable(deep, NULL), SC_OK);
    assert_int_equal(sc_dir_create_durable("/", NULL), SC_OK);
    assert_int_equal(access(deep, F_OK), 0);
    test_write(&dir, "f", "x");
    (void)snprintf(below, sizeof(below), "%s/g", test_path(&dir, "f", path));
    assert_int_equal(sc_dir_create_durable(below, NULL), SC_E_IO_ERROR);
    assert_int_equal(sc_dir_create_durable(path, NULL), SC_E_IO_ERROR);
}

static void a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX], below[PATH_MAX + 16];
    struct sc_error err = { 0 };
    test_write(&dir, "f", "x");
    assert_int_equal(sc_dir_create(test_path(&dir, "f", path), &err), SC_E_IO_ERROR);
    assert_non_null(strstr(err.msg, "Not a directory"));
    (void)snprintf(below, sizeof(below), "%s/g", path);
    assert_int_equal(sc_dir_create(below, NULL), SC_E_IO_ERROR);
}

static void removing_a_folder_takes_all_but_follows_no_links(void **state)
{
    (void)state;
    SCRATCH;
    char kept[PATH_MAX], tree[PATH_MAX], path[PATH_MAX];
    assert_int_equal(sc_dir_create(test_path(&dir, "kept", kept), NULL), SC_OK);
    test_write(&dir, "kept/x", "x");
    assert_int_equal(sc_dir_create(test_path(&dir, "tree/a/b", path), NULL), SC_OK);
    test_write(&dir, "tree/a/b/f", "1");
    assert_int_equal(symlink(kept, test_path(&dir, "tree/a/link", path)), 0);
    assert_int_equal(symlink("nowhere", test_path(&dir, "tree/dangling", path)), 0);

    assert_int_equal(sc_dir_remove(test_path(&dir, "tree", tree), NULL), SC_OK);
    assert_int_equal(access(tree, F_OK), -1);
    assert_int_equal(access(test_path(&dir, "kept/x", path), F_OK), 0);
    assert_int_equal(sc_dir_remove(tree, NULL), SC_OK);

    assert_int_equal(symlink(kept, tree), 0);
    assert_int_equal(sc_dir_remove(tree, NULL), SC_E_IO_ERROR);
    assert_int_equal(access(path, F_OK), 0);
}

static void temp_files_are_new_private_and_named_at_random(void **state)
{
    (void)state;
    SCRATCH;
    SC_AUTO_CLOSE int a = -1;
    SC_AUTO_CLOSE int b = -1;
    SC_AUTO_FREE char *path_a = NULL;
    SC_AUTO_FREE char *path_b = NULL;
    struct stat st;
    assert_int_equal(sc_file_temp(dir.path, ".mp3", &a, &path_a, NULL), SC_OK);
    assert_int_equal(sc_file_temp(dir.path, NULL, &b, &path_b, NULL), SC_OK);
    assert_string_not_equal(path_a, path_b);
    assert_string_equal(path_a + strlen(path_a) - 4, ".mp3");
    assert_int_equal(fstat(a, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_true((fcntl(a, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(sc_file_write_all(a, "abc", 3, NULL), SC_OK);
    assert_int_equal(sc_file_size(path_a), 3);

    int untouched = -7;
    char *none = NULL;
    struct sc_error err = { 0 };
    assert_int_equal(sc_file_temp("/nonexistent", "", &untouched, &none, &err), SC_E_IO_ERROR);
    assert_int_equal(untouched, -7);
    assert_null(none);
}

static void atomic_writes_replace_the_whole_content_and_leave_no_temp_file(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    test_write(&dir, "f", "a longer old content");
    assert_int_equal(sc_file_write_atomic(test_path(&dir, "f", path), "new", 3, NULL), SC_OK);
    SC_AUTO_FREE char *text = test_read(&dir, "f");
    assert_string_equal(text, "new");
    assert_int_equal(entries_of(dir.path), 1);

    assert_int_equal(sc_file_write_atomic(test_path(&dir, "no/f", path), "new", 3, NULL),
                     SC_E_IO_ERROR);
}

static bool is_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    assert_true(flags >= 0);
    return (flags & O_DIRECT) != 0;
}

/* Whatever the file system lets in. */
static void direct_writes_end_up_in_the_file_whatever_their_length(void **state)
{
    (void)state;
    static const size_t lens[] = { SC_DIRECT_ALIGN, 100, 3 * SC_DIRECT_ALIGN, 1, 0 };
    SCRATCH;
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_FREE char *path = NULL;
    SC_AUTO_FREE char *bytes = sc_try_alloc_aligned(SC_DIRECT_ALIGN, 3 * SC_DIRECT_ALIGN);
    SC_AUTO_BUF want = { 0 };
    SC_AUTO_BUF got = { 0 };
    assert_non_null(bytes);
    assert_int_equal(sc_file_temp(dir.path, NULL, &fd, &path, NULL), SC_OK);
    bool direct = sc_file_set_direct(fd, true);
    assert_int_equal(is_direct(fd), direct);
    for (size_t i = 0; i < SC_ARRAY_LEN(lens); i++) {
        memset(bytes, (int)(i + 1), lens[i]);
        sc_buf_append(&want, bytes, lens[i]);
        assert_int_equal(sc_file_write_direct(fd, bytes, lens[i], &direct, NULL), SC_OK);
        assert_int_equal(is_direct(fd), direct);
    }
    assert_true(sc_file_set_direct(fd, false));
    assert_false(is_direct(fd));
    assert_int_equal(sc_file_read(path, SIZE_MAX, &got, NULL), SC_OK);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.ptr, want.ptr, want.len);
}

/* A write that is cut short in the middle of a sector: the next one says why. */
static void a_direct_write_that_does_not_fit_is_told(void **state)
{
    (void)state;
    SCRATCH;
    struct rlimit before;
    struct sc_error err = { 0 };
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_FREE char *path = NULL;
    SC_AUTO_FREE char *bytes = sc_try_alloc_aligned(SC_DIRECT_ALIGN, 2 * SC_DIRECT_ALIGN);
    assert_non_null(bytes);
    memset(bytes, 7, 2 * SC_DIRECT_ALIGN);
    assert_int_equal(sc_file_temp(dir.path, NULL, &fd, &path, NULL), SC_OK);
    bool direct = sc_file_set_direct(fd, true);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = { SC_DIRECT_ALIGN + 1000, before.rlim_max };
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum sc_code code = sc_file_write_direct(fd, bytes, 2 * SC_DIRECT_ALIGN, &direct, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_not_equal(code, SC_OK);
    assert_int_equal(err.code, code);
    assert_int_equal(is_direct(fd), direct);
}

#ifdef SC_WITH_FAULTS
static void a_failed_write_sync_or_rename_leaves_the_old_content(void **state)
{
    (void)state;
    static const struct {
        const char *arm;
        enum sc_code code;
    } rows[] = {
        { "file.write:fail", SC_E_NO_SPACE },
        { "file.sync:fail", SC_E_IO_ERROR },
        { "file.rename:fail", SC_E_IO_ERROR },
    };
    /* A process arms its points at the first one that it passes: a child for each row. */
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SCRATCH;
        char path[PATH_MAX];
        test_write(&dir, "f", "old");
        (void)test_path(&dir, "f", path);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            (void)setenv("SCRIPTA_FAULT", rows[i].arm, 1);
            _exit(sc_file_write_atomic(path, "new", 3, NULL) == rows[i].code ? 0 : 1);
        }
        int status = -1;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        SC_AUTO_FREE char *text = test_read(&dir, "f");
        assert_string_equal(text, "old");
        assert_int_equal(entries_of(dir.path), 1);
    }
}
#endif

/* Opening one for reading would wait for somebody who writes. */
static void a_pipe_is_read_only_where_it_is_meant(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    SC_AUTO_BUF out = { 0 };
    struct sc_error err = { 0 };
    assert_int_equal(mkfifo(test_path(&dir, "pipe", path), 0600), 0);
    assert_int_equal(sc_file_read(path, 10, &out, &err), SC_E_IO_ERROR);
    assert_non_null(strstr(err.msg, "is no regular file"));
    assert_int_equal(sc_file_read("/dev/zero", 10, &out, NULL), SC_E_IO_ERROR);
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(write(ends[1], "told", 4), 4);
    assert_int_equal(close(ends[1]), 0);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
    assert_int_equal(sc_file_read_any(path, 10, &out, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&out), "told");
    assert_int_equal(close(ends[0]), 0);
}

static void reading_is_bounded_and_replaces_what_the_buffer_held(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    SC_AUTO_BUF out = { 0 };
    sc_buf_puts(&out, "before");
    test_write(&dir, "f", "12345");
    assert_int_equal(sc_file_read(test_path(&dir, "f", path), 4, &out, NULL), SC_E_FILE_TOO_LARGE);
    assert_string_equal(sc_buf_text(&out), "before");
    assert_int_equal(sc_file_read(path, 5, &out, NULL), SC_OK);
    assert_string_equal(sc_buf_text(&out), "12345");
    assert_int_equal(out.len, 5);
    assert_int_equal(sc_file_read(path, SIZE_MAX, &out, NULL), SC_OK);
    assert_int_equal(sc_file_read(test_path(&dir, "g", path), 5, &out, NULL), SC_E_NOT_FOUND);
    assert_int_equal(sc_file_read(dir.path, 5, &out, NULL), SC_E_IO_ERROR);
    assert_int_equal(sc_file_read_any(dir.path, 5, &out, NULL), SC_E_IO_ERROR);
    assert_string_equal(sc_buf_text(&out), "12345");
    test_write(&dir, "empty", "");
    assert_int_equal(sc_file_read(test_path(&dir, "empty", path), 0, &out, NULL), SC_OK);
    assert_int_equal(out.len, 0);
    assert_string_equal(sc_buf_text(&out), "");
}

static void a_large_file_is_read_whole(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    size_t len = 300001;
    SC_AUTO_FREE char *bytes = calloc(1, len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(i * 31);
    SC_AUTO_BUF out = { 0 };
    assert_int_equal(sc_file_write_atomic(test_path(&dir, "f", path), bytes, len, NULL), SC_OK);
    assert_int_equal(sc_file_read(path, len, &out, NULL), SC_OK);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.ptr, bytes, len);
}

static void sizes_are_those_of_regular_files_only(void **state)
{
    (void)state;
    SCRATCH;
    char path[PATH_MAX];
    test_write(&dir, "f", "12345");
    assert_int_equal(sc_file_size(test_path(&dir, "f", path)), 5);
    assert_int_equal(sc_file_size(dir.path), -1);
    assert_int_equal(sc_file_size(test_path(&dir, "g", path)), -1);
    assert_true(sc_disk_free(dir.path) > 0);
    assert_int_equal(sc_disk_free(path), -1);
}

static void paths_are_joined_by_one_slash(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        { "a", "b", "a/b" },
        { "a/", "b", "a/b" },
        { "/", "b", "/b" },
        { "", "b", "b" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_FREE char *path = sc_path_join(rows[i][0], rows[i][1]);
        assert_string_equal(path, rows[i][2]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef SC_WITH_FAULTS
        /* First: its children must be the ones that meet the first fault point. */
        TEST(a_failed_write_sync_or_rename_leaves_the_old_content),
#endif
        TEST(folders_are_made_with_their_parents_and_only_for_us),
        TEST(durable_folders_are_made_with_their_parents),
        TEST(a_file_in_the_way_of_a_folder_is_an_error),
        TEST(removing_a_folder_takes_all_but_follows_no_links),
        TEST(temp_files_are_new_private_and_named_at_random),
        TEST(direct_writes_end_up_in_the_file_whatever_their_length),
        TEST(a_direct_write_that_does_not_fit_is_told),
        TEST(atomic_writes_replace_the_whole_content_and_leave_no_temp_file),
        TEST(a_pipe_is_read_only_where_it_is_meant),
        TEST(reading_is_bounded_and_replaces_what_the_buffer_held),
        TEST(a_large_file_is_read_whole),
        TEST(sizes_are_those_of_regular_files_only),
        TEST(paths_are_joined_by_one_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
