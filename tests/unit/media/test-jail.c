/* Everything that a decoder which has been taken over would try must be refused or kill it: on
 * every build, also with sanitizers. */
#include "program.h"

#include <signal.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_attempt_gets_out),
        TEST(what_is_allowed_goes_through),
        TEST(files_are_refused_not_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
