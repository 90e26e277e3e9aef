#include "sys/process.h"

#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

/* Runs a shell command with stdout in a pipe and these descriptors; returns its output (freed by
 * the caller) and asserts that it ended well. */
static char *shell(const char *command, struct sc_spawn *spec)
{
    struct sc_error err = { 0 };
    const char *const argv[] = { "sh", "-c", command, NULL };
    int ends[2];
    int status = -1;
    pid_t pid = -1;
    assert_int_equal(sc_process_pipe(ends, &err), SC_OK);
    spec->program = "/bin/sh";
    spec->argv = argv;
    spec->fds[spec->fd_count].fd = ends[1];
    spec->fds[spec->fd_count++].as = 1;
    assert_int_equal(sc_process_spawn(spec, &pid, &err), SC_OK);
    (void)close(ends[1]);

    char *out = calloc(1, 8192);
    assert_non_null(out);
    size_t used = 0;
    ssize_t n;
    while ((n = read(ends[0], out + used, 8191 - used)) > 0)
        used += (size_t)n;
    (void)close(ends[0]);
    assert_true(sc_process_wait(pid, -1, &status));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return out;
}

static int pipe_with(const char *text)
{
    int ends[2];
    assert_int_equal(sc_process_pipe(ends, NULL), SC_OK);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    (void)close(ends[1]);
    return ends[0];
}

static void descriptors_arrive_under_their_new_numbers_even_crosswise(void **state)
{
    (void)state;
    int a = fcntl(pipe_with("a"), F_DUPFD_CLOEXEC, 10);
    SC_AUTO_CLOSE int low = dup2(a, 10);
    SC_AUTO_CLOSE int high = dup2(pipe_with("b"), 11);
    /* Each source has the number that is the other's target. */
    struct sc_spawn spec = { .fds = { { low, 11 }, { high, 10 } }, .fd_count = 2 };
    SC_AUTO_FREE char *out = shell("cat /dev/fd/11 /dev/fd/10", &spec);
    assert_string_equal(out, "ab");
}

static void nothing_else_is_inherited(void **state)
{
    (void)state;
    SC_AUTO_CLOSE int low = open("/dev/null", O_RDONLY); /* without close-on-exec */
    SC_AUTO_CLOSE int high = dup2(low, 20);
    assert_true(low >= 3 && high == 20);
    SC_AUTO_FREE char *where = NULL;
    assert_true(asprintf(&where,
                         "readlink /proc/$$/fd/0; for f in %d 20; do "
                         "test -e /proc/$$/fd/$f && echo open $f; done; true",
                         low) > 0);
    struct sc_spawn spec = { 0 };
    SC_AUTO_FREE char *out = shell(where, &spec);
    assert_string_equal(out, "/dev/null\n");
}

static uint64_t signal_set(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    assert_non_null(line);
    return strtoull(line + strlen(name), NULL, 16);
}

static void signals_are_default_and_unblocked(void **state)
{
    (void)state;
    const uint64_t ours = (UINT64_C(1) << 31) - 1; /* 32 and 33 are the C library's own */
    sigset_t blocked;
    sigset_t before;
    (void)sigemptyset(&blocked);
    (void)sigaddset(&blocked, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &blocked, &before);
    (void)signal(SIGPIPE, SIG_IGN);
    struct sc_spawn spec = { 0 };
    SC_AUTO_FREE char *out = shell("grep Sig /proc/self/status", &spec);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(signal_set(out, "SigBlk:") & ours, 0);
    assert_int_equal(signal_set(out, "SigIgn:") & ours, 0);
}

static void environment_and_session_are_as_asked(void **state)
{
    (void)state;
    const char *const env[] = { "ONLY=this", NULL };
    struct sc_spawn spec = { .env = env, .new_session = true };
    SC_AUTO_FREE char *out = shell("echo $ONLY$HOME; read -r pid c s p g sid rest </proc/$$/stat; "
                                   "test $pid = $sid && echo leader",
                                   &spec);
    assert_string_equal(out, "this\nleader\n");
}

static void a_missing_program_is_named(void **state)
{
    (void)state;
    const char *const argv[] = { "x", NULL };
    struct sc_spawn spec = { .program = "/nowhere/at-all", .argv = argv };
    struct sc_error err = { 0 };
    pid_t pid = 77;
    assert_int_equal(sc_process_spawn(&spec, &pid, &err), SC_E_CONFIG_ERROR);
    assert_non_null(strstr(err.msg, "/nowhere/at-all"));
    assert_int_equal(pid, 77);
}

static void waiting_ends_at_its_time_and_tells_the_signal(void **state)
{
    (void)state;
    const char *const argv[] = { "sleep", "60", NULL };
    struct sc_spawn spec = { .program = "/bin/sleep", .argv = argv };
    pid_t pid = -1;
    int status = 77;
    assert_int_equal(sc_process_spawn(&spec, &pid, NULL), SC_OK);
    SC_AUTO_CLOSE int watched = sc_process_open(pid);
    struct pollfd p = { .fd = watched, .events = POLLIN };
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_false(sc_process_wait(pid, 20, &status));
    assert_int_equal(status, 77);

    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_true(sc_process_wait(pid, PATIENCE_MS, &status));
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    /* Reaped: no child of ours any more. */
    assert_true(sc_process_wait(pid, 0, &status));
    assert_int_equal(status, -1);
}

static void a_sibling_stands_beside_our_program_unless_named(void **state)
{
    (void)state;
    (void)unsetenv("SCRIPTA_MEDIA");
    SC_AUTO_FREE char *beside = sc_process_sibling("scripta-media");
    SC_AUTO_FREE char *self = realpath("/proc/self/exe", NULL);
    assert_non_null(self);
    size_t folder = (size_t)(strrchr(self, '/') - self) + 1;
    assert_memory_equal(beside, self, folder);
    assert_string_equal(beside + folder, "scripta-media");

    (void)setenv("SCRIPTA_MEDIA", "/opt/x/scripta-media", 1);
    SC_AUTO_FREE char *named = sc_process_sibling("scripta-media");
    SC_AUTO_FREE char *other = sc_process_sibling("scripta");
    assert_string_equal(named, "/opt/x/scripta-media");
    assert_string_not_equal(other, "/opt/x/scripta-media");
    (void)unsetenv("SCRIPTA_MEDIA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(descriptors_arrive_under_their_new_numbers_even_crosswise),
        TEST(nothing_else_is_inherited),
        TEST(signals_are_default_and_unblocked),
        TEST(environment_and_session_are_as_asked),
        TEST(a_missing_program_is_named),
        TEST(waiting_ends_at_its_time_and_tells_the_signal),
        TEST(a_sibling_stands_beside_our_program_unless_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
