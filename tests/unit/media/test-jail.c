/* Everything that a decoder which has been taken over would try must be refused or kill it: on
 * every build, also with sanitizers. */
#include "program.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/banned.h"

/* Each line: what was tried, what became of it, what was to become of it. */
static void no_attempt_gets_out(void **state)
{
    (void)state;
    static const char *const argv[] = { "scripta-media", "jail-test", NULL };
    SC_AUTO(run_done) struct run r = run_start(argv, -1);
    run_finish(&r);
    struct sc_str rest = sc_buf_str(&r.text);
    int refused = 0, killed = 0, allowed = 0;
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        struct sc_str name = sc_str_take_until(&line, ' ');
        struct sc_str outcome = sc_str_take_until(&line, ' ');
        if (!sc_str_equal(outcome, line))
            fail_msg("%.*s: %.*s, not %.*s", (int)name.len, name.ptr, (int)outcome.len, outcome.ptr,
                     (int)line.len, line.ptr);
        refused += sc_str_equal(outcome, SC_STR("refused"));
        killed += sc_str_equal(outcome, SC_STR("killed"));
        /* Without these the others would be refused by a program that cannot run at all. */
        allowed += sc_str_equal(outcome, SC_STR("escaped"));
    }
    assert_true(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0);
    assert_true(refused >= 12);
    assert_true(killed >= 120);
    assert_int_equal(allowed, 5);
}

/* As a container that forbids seccomp: from now on this process can install no filter. */
static bool forbid_filters(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { SC_ARRAY_LEN(program), program };
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void without_the_jail_nothing_is_decoded(void **state)
{
    (void)state;
    static const char *const argv[] = { "scripta-media", "decode", NULL };
    int status = -1;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int input = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        if (!forbid_filters())
            _exit(2);
        struct run r = run_start(argv, input);
        run_finish(&r);
        const char *code = sc_code_name(SC_E_JAIL_UNAVAILABLE);
        struct sc_str said = sc_buf_str(&r.text);
        bool right = WIFEXITED(r.status) && WEXITSTATUS(r.status) != 0 && said.len > 8 &&
                     memcmp(said.ptr, "FAIL", 4) == 0 &&
                     memmem(said.ptr, said.len, code, strlen(code)) != NULL;
        _exit(right ? 0 : 1);
    }
    assert_true(sc_process_wait(pid, -1, &status));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_attempt_gets_out),
        TEST(without_the_jail_nothing_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
