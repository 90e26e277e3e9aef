#include "base/log.h"

#include "testing.h"

#include <errno.h>
#include <fcntl.h>

#include "base/banned.h"

#define WALL_MS INT64_C(1795185045123) /* 2026-11-20T14:30:45.123Z */

static void expect_file(const struct test_dir *dir, const char *name, const char *text)
{
    SC_AUTO_FREE char *got = test_read(dir, name);
    assert_non_null(got);
    assert_string_equal(got, text);
}

static void text_lines_quote_what_is_not_one_word(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(WALL_MS, 0);
    char path[PATH_MAX];
    struct sc_log_config config = { .level = SC_LOG_INFO, .path = test_path(&dir, "log", path) };
    assert_true(sc_log_open(&config));
    errno = ENOENT;
    SC_LOG(DEBUG, "queue", "dropped");
    SC_LOG(INFO, "queue", "job claimed", SC_I("job", 17), SC_S("worker", "w1"));
    SC_LOG(ERROR, "api", "bad\nline", SC_S("a", "x y"), SC_S("b", ""), SC_S("c", "q\"\x1b"),
           SC_S("d", NULL), SC_I("e", INT64_MIN));
    assert_int_equal(errno, ENOENT);
    sc_log_close();
    expect_file(
        &dir, "log",
        "2026-11-20 14:30:45 [INFO] queue: job claimed job=17 worker=w1\n"
        "2026-11-20 14:30:45 [ERROR] api: bad\\nline a=\"x y\" b=\"\" c=\"q\\\"\\x1b\" d=\"\""
        " e=-9223372036854775808\n");
    (void)clock;
}

static void json_lines_are_escaped(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(WALL_MS, 0);
    char path[PATH_MAX];
    struct sc_log_config config = { .level = SC_LOG_DEBUG,
                                    .json = true,
                                    .path = test_path(&dir, "log", path) };
    assert_true(sc_log_open(&config));
    SC_LOG(DEBUG, "queue", "a \"b\"\n", SC_I("job", -1), SC_S("worker", "\\\xff"));
    sc_log_close();
    expect_file(
        &dir, "log",
        "{\"time\":\"2026-11-20T14:30:45.123Z\",\"level\":\"debug\",\"component\":\"queue\","
        "\"message\":\"a \\\"b\\\"\\u000a\",\"job\":-1,\"worker\":\"\\\\\xef\xbf\xbd\"}\n");
    (void)clock;
}

static void full_files_are_rotated_and_the_oldest_dropped(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(WALL_MS, 0);
    char path[PATH_MAX];
    struct sc_log_config config = {
        .level = SC_LOG_INFO, .path = test_path(&dir, "log", path), .rotate_bytes = 40, .keep = 2
    };
    assert_true(sc_log_open(&config));
    for (int i = 1; i <= 4; i++)
        SC_LOG(INFO, "a", "b", SC_I("n", i));
    sc_log_close();
    expect_file(&dir, "log", "2026-11-20 14:30:45 [INFO] a: b n=4\n");
    expect_file(&dir, "log.1", "2026-11-20 14:30:45 [INFO] a: b n=3\n");
    expect_file(&dir, "log.2", "2026-11-20 14:30:45 [INFO] a: b n=2\n");
    SC_AUTO_FREE char *gone = test_read(&dir, "log.3");
    assert_null(gone);
    (void)clock;
}

static void old_files_are_rotated_and_then_removed(void **state)
{
    (void)state;
    const int64_t day = 86400000;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(WALL_MS, 0);
    char path[PATH_MAX], older[PATH_MAX];
    struct sc_log_config config = { .level = SC_LOG_INFO,
                                    .path = test_path(&dir, "log", path),
                                    .keep = 2,
                                    .max_age_ms = 10 * day };
    assert_true(sc_log_open(&config));
    SC_LOG(INFO, "a", "first");
    test_clock_step(&clock, 5 * day);
    sc_log_expire();
    SC_LOG(INFO, "a", "second");
    test_clock_step(&clock, 1);
    sc_log_expire();
    SC_LOG(INFO, "a", "third");
    expect_file(&dir, "log", "2026-11-25 14:30:45 [INFO] a: third\n");
    expect_file(&dir, "log.1",
                "2026-11-20 14:30:45 [INFO] a: first\n"
                "2026-11-25 14:30:45 [INFO] a: second\n");
    struct timespec when[2] = { { .tv_nsec = UTIME_OMIT },
                                { .tv_sec = (WALL_MS - 6 * day) / 1000 } };
    assert_int_equal(utimensat(AT_FDCWD, test_path(&dir, "log.1", older), when, 0), 0);
    sc_log_expire();
    SC_AUTO_FREE char *gone = test_read(&dir, "log.1");
    assert_null(gone);
    sc_log_close();
    sc_log_expire(); /* nothing is open */
}

static void overlong_lines_become_a_note(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(WALL_MS, 0);
    char path[PATH_MAX];
    struct sc_log_config config = { .level = SC_LOG_INFO, .path = test_path(&dir, "log", path) };
    assert_true(sc_log_open(&config));
    SC_AUTO_FREE char *big = malloc(100001);
    assert_non_null(big);
    memset(big, 'x', 100000);
    big[100000] = '\0';
    SC_LOG(INFO, "a", "b", SC_S("big", big));
    sc_log_close();
    expect_file(&dir, "log", "2026-11-20 14:30:45 [INFO] a: log line too long\n");
    (void)clock;
}

static void a_path_that_cannot_be_opened_is_reported(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_log_config config = { .path = test_path(&dir, "no/log", path) };
    assert_false(sc_log_open(&config));
    assert_int_equal(errno, ENOENT);
    assert_true(sc_log_enabled(SC_LOG_INFO));
    assert_false(sc_log_enabled(SC_LOG_DEBUG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_lines_quote_what_is_not_one_word),
        TEST(json_lines_are_escaped),
        TEST(full_files_are_rotated_and_the_oldest_dropped),
        TEST(old_files_are_rotated_and_then_removed),
        TEST(overlong_lines_become_a_note),
        TEST(a_path_that_cannot_be_opened_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
