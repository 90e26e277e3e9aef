#include "daemon/daemon-internal.h"
#include "sys/file.h"
#include "testing.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

static void only_an_ephemeral_holder_is_asked_to_go(void **state)
{
    static const struct {
        const char *holder;
        int pid;
    } cases[] = {
        { "serve --ephemeral pid=12 since=2026-11-20T14:30:45.123Z", 12 },
        { "serve --ephemeral pid=12", 12 },
        { "serve pid=12 since=2026-11-20T14:30:45.123Z", 0 },
        { "db check pid=12 --ephemeral pid=13", 0 },
        { "serve --ephemeral pid=1 since=x", 0 },
        { "serve --ephemeral pid=-5 since=x", 0 },
        { "serve --ephemeral pid=99999999999 since=x", 0 },
        { "serve --ephemeral pid= since=x", 0 },
        { "", 0 },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++)
        assert_int_equal(sc_folder_ephemeral_pid(cases[i].holder), cases[i].pid);
}

static void write_text(const char *path, const char *text)
{
    struct sc_error err = { 0 };
    assert_int_equal(sc_file_write_atomic(path, text, strlen(text), &err), SC_OK);
}

static void a_start_makes_the_folders_and_forgets_what_a_killed_server_left(void **state)
{
    static const char *const expected[] = { "run",   "temp",        "logs",   "work",
                                            "audio", "transcripts", "backups" };
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_folder_done) struct sc_folder folder;
    char root[PATH_MAX];
    char path[PATH_MAX];
    struct sc_error err = { 0 };
    sc_folder_init(&folder, test_path(&dir, "data", root));

    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    assert_int_equal(sc_folder_lock(&folder, false, &lock, &err), SC_OK);
    assert_int_equal(sc_folder_prepare(&folder, &err), SC_OK);
    write_text(test_path(&dir, "data/temp/half", path), "x");
    write_text(test_path(&dir, "data/run/listen", path), "127.0.0.1:1\n");
    write_text(test_path(&dir, "data/logs/kept", path), "x");
    assert_int_equal(sc_folder_prepare(&folder, &err), SC_OK);
    assert_int_equal(sc_file_size(test_path(&dir, "data/temp/half", path)), -1);
    assert_int_equal(sc_file_size(test_path(&dir, "data/run/listen", path)), -1);
    assert_int_equal(sc_file_size(test_path(&dir, "data/logs/kept", path)), 1);
    for (size_t i = 0; i < SC_ARRAY_LEN(expected); i++) {
        struct stat st;
        SC_AUTO_FREE char *made = sc_path_join(root, expected[i]);
        assert_int_equal(stat(made, &st), 0);
        assert_int_equal(st.st_mode & 0077, 0);
    }
}

static void a_lasting_holder_is_named_at_once(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_folder_done) struct sc_folder folder;
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *second = NULL;
    struct sc_error err = { 0 };
    char pid[24];
    sc_folder_init(&folder, dir.path);
    assert_int_equal(sc_folder_lock(&folder, false, &lock, &err), SC_OK);
    /* Whoever waits does so until a deadline, which never comes. */
    SC_AUTO(test_clock_done) SC_UNUSED struct test_clock clock = test_clock_at(1000, 1000);
    assert_int_equal(sc_folder_lock(&folder, false, &second, &err), SC_E_STORE_LOCKED);
    (void)snprintf(pid, sizeof(pid), "process %d ", (int)getpid());
    assert_non_null(strstr(err.msg, pid));
    assert_null(second);
}

/* A server that is dead, but for a child that it was just making: that one shares the lock until
 * `until` says that it may go. */
static void leave_a_child_behind(const struct sc_folder *folder, int until)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct sc_lockfile *lock = NULL;
        if (sc_folder_lock(folder, false, &lock, NULL) != SC_OK)
            _exit(1);
        if (fork() == 0) {
            char byte;
            (void)!read(until, &byte, 1);
        }
        _exit(0);
    }
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void *let_go(void *ctx)
{
    const int *ends = ctx;
    struct pollfd none = { .fd = -1 };
    (void)poll(&none, 1, 300); /* so that it is waited for; sooner is as good */
    (void)!write(ends[1], "x", 1);
    return NULL;
}

static void a_killed_server_is_waited_for_until_its_last_child_lets_go(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_folder_done) struct sc_folder folder;
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    int ends[2];
    pthread_t thread;
    sc_folder_init(&folder, dir.path);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    leave_a_child_behind(&folder, ends[0]);
    /* Held it is, by nobody who is there. */
    assert_int_equal(sc_lockfile_take(folder.lock, "x", &lock, NULL), SC_E_STORE_LOCKED);
    assert_int_equal(pthread_create(&thread, NULL, let_go, ends), 0);
    /* For as long as it takes: the clock stands still. */
    SC_AUTO(test_clock_done) SC_UNUSED struct test_clock clock = test_clock_at(1000, 1000);
    assert_int_equal(sc_folder_lock(&folder, false, &lock, NULL), SC_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(sc_lockfile_was_left(lock));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* A process that holds the folder as an ephemeral server until SIGTERM; the pipe says when. */
static pid_t start_holder(const struct sc_folder *folder)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sc_lockfile *lock = NULL;
        if (sc_folder_lock(folder, true, &lock, NULL) != SC_OK)
            _exit(1);
        (void)!write(ends[1], "x", 1);
        for (;;)
            (void)pause();
    }
    assert_true(pid > 0);
    assert_int_equal(read(ends[0], &byte, 1), 1);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return pid;
}

static void an_ephemeral_holder_hands_over_but_not_to_its_like(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_folder_done) struct sc_folder folder;
    SC_AUTO(sc_lockfile_dropp) struct sc_lockfile *lock = NULL;
    struct sc_error err = { 0 };
    int status;
    sc_folder_init(&folder, dir.path);
    pid_t holder = start_holder(&folder);
    /* For as long as it takes: the clock stands still. */
    SC_AUTO(test_clock_done) SC_UNUSED struct test_clock clock = test_clock_at(1000, 1000);

    assert_int_equal(sc_folder_lock(&folder, true, &lock, &err), SC_E_STORE_LOCKED);
    assert_int_equal(waitpid(holder, &status, WNOHANG), 0);
    assert_int_equal(sc_folder_lock(&folder, false, &lock, &err), SC_OK);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_an_ephemeral_holder_is_asked_to_go),
        TEST(a_start_makes_the_folders_and_forgets_what_a_killed_server_left),
        TEST(a_lasting_holder_is_named_at_once),
        TEST(a_killed_server_is_waited_for_until_its_last_child_lets_go),
        TEST(an_ephemeral_holder_hands_over_but_not_to_its_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
