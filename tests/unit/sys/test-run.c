#include "sys/run.h"

#include "testing.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/banned.h"

/* Runs a line of sh; what is not given has a value that never matters. */
static struct sc_run_result run(const char *line, struct sc_run wanted)
{
    const char *argv[] = { "sh", "-c", line, NULL };
    static const char *const env[] = { "PATH=/usr/bin:/bin", "ONE=1", NULL };
    struct sc_run_result out = { 0 };
    struct sc_error err = { 0 };
    wanted.program = "/bin/sh";
    wanted.argv = argv;
    wanted.env = env;
    wanted.dir = wanted.dir == NULL ? "/" : wanted.dir;
    wanted.output_max = wanted.output_max == 0 ? 100000 : wanted.output_max;
    wanted.log_max = wanted.log_max == 0 ? 1000 : wanted.log_max;
    if (sc_run(&wanted, &out, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return out;
}

static bool is_alive(struct sc_str pid)
{
    int64_t n = 0;
    assert_true(sc_str_to_int64(sc_str_trim(pid), &n));
    return kill((pid_t)n, 0) == 0;
}

static void what_it_writes_and_how_it_ends_comes_back(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(sc_run_result_done)
    struct sc_run_result r =
        run("pwd; echo $ONE $HOME; echo oops >&2; exit 7", (struct sc_run){ .dir = dir.path });
    char want[300];
    (void)snprintf(want, sizeof(want), "%s\n1\n", dir.path);
    assert_int_equal(r.end, SC_RUN_EXITED);
    assert_int_equal(r.status, 7);
    assert_string_equal(sc_buf_text(&r.output), want);
    assert_string_equal(sc_buf_text(&r.log), "oops\n");
}

static void a_signal_is_told(void **state)
{
    (void)state;
    SC_AUTO(sc_run_result_done) struct sc_run_result r = run("kill -SEGV $$", (struct sc_run){ 0 });
    assert_int_equal(r.end, SC_RUN_KILLED);
    assert_int_equal(r.status, SIGSEGV);
}

static void all_that_was_written_counts_also_when_it_is_more_than_a_pipe_holds(void **state)
{
    (void)state;
    SC_AUTO(sc_run_result_done)
    struct sc_run_result r =
        run("head -c 300000 /dev/zero | tr '\\0' x", (struct sc_run){ .output_max = 300000 });
    assert_int_equal(r.end, SC_RUN_EXITED);
    assert_int_equal(r.output.len, 300000);
}

static void too_much_output_ends_it(void **state)
{
    (void)state;
    SC_AUTO(sc_run_result_done)
    struct sc_run_result endless = run("yes", (struct sc_run){ .output_max = 1000 });
    assert_int_equal(endless.end, SC_RUN_TOO_MUCH);
    SC_AUTO(sc_run_result_done)
    struct sc_run_result one = run("echo 12345", (struct sc_run){ .output_max = 5 });
    assert_int_equal(one.end, SC_RUN_TOO_MUCH);
    SC_AUTO(sc_run_result_done)
    struct sc_run_result just = run("echo 12345", (struct sc_run){ .output_max = 6 });
    assert_int_equal(just.end, SC_RUN_EXITED);
}

static void of_its_log_the_end_is_kept(void **state)
{
    (void)state;
    SC_AUTO(sc_run_result_done)
    struct sc_run_result r = run("seq 1 100000 >&2", (struct sc_run){ .log_max = 13 });
    assert_string_equal(sc_buf_text(&r.log), "99999\n100000\n");
}

static void its_time_is_bounded_also_when_it_ignores_that(void **state)
{
    (void)state;
    SC_AUTO(sc_run_result_done) struct sc_run_result r = { 0 };
    /* On a busy machine it may need some tries to say who it is. */
    for (int64_t ms = 200; r.output.len == 0 && ms < PATIENCE_MS; ms *= 2) {
        sc_run_result_done(&r);
        r = run("trap '' TERM; echo $$; while :; do sleep 1; done",
                (struct sc_run){ .timeout_ms = ms });
        assert_int_equal(r.end, SC_RUN_TIMEOUT);
    }
    assert_false(is_alive(sc_buf_str(&r.output)));
}

static void its_group_ends_with_it(void **state)
{
    (void)state;
    SC_AUTO(sc_run_result_done)
    struct sc_run_result r = run("sleep 4714 & echo $!", (struct sc_run){ 0 });
    assert_int_equal(r.end, SC_RUN_EXITED);
    /* Its output is still open in the child: nobody waits for that. Init reaps it soon. */
    for (int ms = 0; is_alive(sc_buf_str(&r.output)) && ms < PATIENCE_MS; ms += 10)
        sc_clock_sleep_ms(10);
    assert_false(is_alive(sc_buf_str(&r.output)));
}

static void what_left_its_session_is_swept(void **state)
{
    (void)state;
    pid_t neighbour = fork();
    assert_true(neighbour >= 0);
    if (neighbour == 0) {
        (void)pause();
        _exit(0);
    }
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    sc_run_adopt();
    SC_AUTO(sc_run_result_done)
    struct sc_run_result r = run("mkfifo begun; setsid sh -c 'echo $$; sleep 4715 & echo > begun;"
                                 " sleep 4715' & read line < begun",
                                 (struct sc_run){ .sweep = true, .dir = dir.path });
    assert_int_equal(r.end, SC_RUN_EXITED);
    assert_false(is_alive(sc_buf_str(&r.output)));
    assert_int_equal(kill(neighbour, 0), 0); /* of our own session: left alone */
    assert_int_equal(kill(neighbour, SIGKILL), 0);
    assert_int_equal(waitpid(neighbour, NULL, 0), neighbour);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie either */
}

static void it_dies_with_whoever_runs_it(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    pid_t runner = fork();
    assert_true(runner >= 0);
    if (runner == 0) {
        struct sc_run_result r =
            run("trap '' TERM HUP; echo $$ > pid.new; mv pid.new pid; while :; do sleep 1; done",
                (struct sc_run){ .dir = dir.path });
        _exit(r.end);
    }
    char *pid = NULL;
    for (int ms = 0; pid == NULL && ms < PATIENCE_MS; ms += 10, sc_clock_sleep_ms(10))
        pid = test_read(&dir, "pid");
    assert_non_null(pid);
    assert_true(is_alive(sc_str_from(pid)));
    assert_int_equal(kill(runner, SIGKILL), 0);
    assert_int_equal(waitpid(runner, NULL, 0), runner);
    for (int ms = 0; is_alive(sc_str_from(pid)) && ms < PATIENCE_MS; ms += 10) {
        (void)waitpid(-1, NULL, WNOHANG); /* ours by now, if orphans are */
        sc_clock_sleep_ms(10);
    }
    assert_false(is_alive(sc_str_from(pid)));
    free(pid);
}

static bool at_the_third_look(void *ctx)
{
    int *looks = ctx;
    return ++*looks >= 3;
}

static void it_ends_when_it_is_told_to(void **state)
{
    (void)state;
    int looks = 0;
    SC_AUTO(sc_run_result_done)
    struct sc_run_result r =
        run("sleep 4716", (struct sc_run){ .stop = at_the_third_look, .ctx = &looks });
    assert_int_equal(r.end, SC_RUN_STOPPED);
    assert_int_equal(looks, 3);
}

static void what_cannot_be_started_is_said(void **state)
{
    (void)state;
    static const char *const argv[] = { "x", NULL };
    struct sc_run_result out = { 0 };
    struct sc_error err = { 0 };
    const struct sc_run none = {
        .program = "/no/such/program", .argv = argv, .env = argv + 1, .dir = "/"
    };
    assert_int_not_equal(sc_run(&none, &out, &err), SC_OK);
    assert_non_null(strstr(err.msg, "/no/such/program"));
    sc_run_result_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_writes_and_how_it_ends_comes_back),
        TEST(a_signal_is_told),
        TEST(all_that_was_written_counts_also_when_it_is_more_than_a_pipe_holds),
        TEST(too_much_output_ends_it),
        TEST(of_its_log_the_end_is_kept),
        TEST(its_time_is_bounded_also_when_it_ignores_that),
        TEST(its_group_ends_with_it),
        TEST(what_left_its_session_is_swept),
        TEST(it_dies_with_whoever_runs_it),
        TEST(it_ends_when_it_is_told_to),
        TEST(what_cannot_be_started_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
