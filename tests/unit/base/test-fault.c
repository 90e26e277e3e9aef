#include "base/fault.h"

#include "testing.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/banned.h"

#ifdef SC_WITH_FAULTS

/* The points are armed once a process, so each case runs in a child. Returns a bit mask of the
 * passes over "store.commit" that were told to fail, or minus the signal that ended the child. */
static int run_with(const char *faults)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit no_core = { 0 };
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)setenv("SCRIPTA_FAULT", faults, 1);
        int mask = 0;
        for (int i = 0; i < 4; i++)
            mask |= SC_FAULT("store.commit") ? 1 << i : 0;
        _exit(mask);
    }
    int status;
    assert_true(waitpid(pid, &status, WUNTRACED) == pid);
    if (WIFSTOPPED(status)) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_true(waitpid(pid, NULL, 0) == pid);
        return -SIGSTOP;
    }
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void points_act_at_the_pass_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *faults;
        int result;
    } rows[] = {
        { "", 0 },
        { "store.commit:fail", 1 },
        { "store.commit:fail:3", 4 },
        { "store.commit:fail:1,store.commit:fail:2", 3 },
        { "store.commit:fail:9", 0 },
        { "blob.fsync:kill, store.commit:fail:2", 2 },
        { "store.commit:kill:4", -SIGKILL },
        { "store.commit:stop", -SIGSTOP },
        { "store.commit:explode", -SIGABRT },
        { "store.commit:fail:0", -SIGABRT },
        { "store.commit", -SIGABRT },
        { "store.commit:", -SIGABRT },
        { "store.commit::1", -SIGABRT },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_int_equal(run_with(rows[i].faults), rows[i].result);
}

static void a_test_arms_a_point_and_takes_that_back(void **state)
{
    (void)state;
    sc_fault_arm("test.here", 2);
    assert_false(SC_FAULT("test.there"));
    assert_false(SC_FAULT("test.here"));
    assert_int_equal(sc_fault_left(), 1);
    assert_true(SC_FAULT("test.here"));
    assert_false(SC_FAULT("test.here")); /* once */
    assert_true(sc_fault_disarm("test.here"));
    sc_fault_arm("test.here", 1);
    assert_false(sc_fault_disarm("test.here")); /* it did not come to that */
    assert_false(SC_FAULT("test.here"));
}

static void pass_another(void *ctx)
{
    int *calls = ctx;
    (*calls)++;
    assert_false(SC_FAULT("test.there"));
}

static void what_is_called_at_a_point_may_pass_others(void **state)
{
    (void)state;
    int calls = 0;
    sc_fault_arm_call("test.here", 2, pass_another, &calls);
    assert_false(SC_FAULT("test.here"));
    assert_int_equal(calls, 0);
    assert_false(SC_FAULT("test.here"));
    assert_false(SC_FAULT("test.here"));
    assert_int_equal(calls, 1);
    assert_true(sc_fault_disarm("test.here"));
}

#else

static void points_are_compiled_out(void **state)
{
    (void)state;
    assert_false(SC_FAULT("store.commit"));
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef SC_WITH_FAULTS
        TEST(points_act_at_the_pass_they_name),
        TEST(a_test_arms_a_point_and_takes_that_back),
        TEST(what_is_called_at_a_point_may_pass_others),
#else
        TEST(points_are_compiled_out),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
