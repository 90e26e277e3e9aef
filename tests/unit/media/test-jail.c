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

#define EXIT_REFUSED 40

static struct run attempt(const char *name)
{
    const char *const argv[] = { "scripta-media", "jail-test", name, NULL };
    struct run r = run_start(argv, -1);
    run_finish(&r);
    return r;
}

static void no_attempt_gets_out(void **state)
{
    (void)state;
    SC_AUTO(run_done) struct run list = attempt(NULL);
    struct sc_str rest = sc_buf_str(&list.text);
    int count = 0;
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        SC_AUTO_FREE char *name = strndup(line.ptr, line.len);
        if (strcmp(name, "nothing") == 0)
            continue;
        SC_AUTO(run_done) struct run r = attempt(name);
        bool killed = WIFSIGNALED(r.status) && WTERMSIG(r.status) == SIGSYS;
        bool refused = WIFEXITED(r.status) && WEXITSTATUS(r.status) == EXIT_REFUSED;
        if (!killed && !refused)
            fail_msg("'%s' got out: status %d, '%s'", name, r.status, sc_buf_text(&r.text));
        count++;
    }
    assert_true(count >= 28);
}

/* Without this the test above would pass on a program that cannot run at all. */
static void what_is_allowed_goes_through(void **state)
{
    (void)state;
    SC_AUTO(run_done) struct run r = attempt("nothing");
    assert_true(WIFEXITED(r.status) && WEXITSTATUS(r.status) == 0);
    assert_string_equal(sc_buf_text(&r.text), "escaped\n");
}

static void files_are_refused_not_fatal(void **state)
{
    (void)state;
    static const char *const names[] = { "open", "openat", "openat2", "socket", "connect" };
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        SC_AUTO(run_done) struct run r = attempt(names[i]);
        assert_true(WIFEXITED(r.status));
        assert_int_equal(WEXITSTATUS(r.status), EXIT_REFUSED);
    }
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
        TEST(what_is_allowed_goes_through),
        TEST(files_are_refused_not_fatal),
        TEST(without_the_jail_nothing_is_decoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
