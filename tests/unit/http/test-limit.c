#include "http/limit.h"

#include "testing.h"

#include "sys/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/banned.h"

static const struct sc_limit ten_in_a_second = { 10, 1000 };

static int taken(struct sc_limiter *l, uint64_t key, int64_t now_ms, int times)
{
    struct sc_limit_state state;
    int n = 0;
    for (int i = 0; i < times; i++)
        n += sc_limiter_take(l, key, &ten_in_a_second, now_ms, &state);
    return n;
}

static void a_window_holds_so_many_and_no_more(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    struct sc_limit_state s;
    assert_true(sc_limiter_take(l, 7, &ten_in_a_second, 5000, &s));
    assert_int_equal(s.left, 9);
    assert_int_equal(s.reset_ms, 1000);
    assert_int_equal(taken(l, 7, 5600, 100), 9);
    assert_false(sc_limiter_take(l, 7, &ten_in_a_second, 5999, &s));
    assert_int_equal(s.left, 0);
    assert_int_equal(s.reset_ms, 1);
    assert_int_equal(taken(l, 8, 5999, 100), 10); /* another key */
    assert_int_equal(taken(l, 7, 6000, 100), 10); /* the next window */
}

/* Whoever has used up his count cannot get rid of it by a crowd of other keys. */
static void a_crowd_pushes_nobody_out(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    assert_int_equal(taken(l, 1, 0, 10), 10);
    int let_in = 0;
    for (uint64_t key = 2; key < 100000; key++)
        let_in += taken(l, key, 10, 1);
    assert_int_equal(taken(l, 1, 999, 1), 0);
    /* Those that found no room had what was left of others. */
    assert_true(let_in >= 8192 && let_in <= 8192 * 10);
    assert_int_equal(taken(l, 1, 1000, 1), 1);
}

struct racer {
    struct sc_limiter *limiter;
    int taken;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    for (uint64_t key = 0; key < 100; key++)
        r->taken += taken(r->limiter, key, 50, 20);
    return NULL;
}

static void threads_share_a_count(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    struct racer racers[4] = { { l, 0 }, { l, 0 }, { l, 0 }, { l, 0 } };
    pthread_t threads[4];
    int sum = 0;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        sum += racers[i].taken;
    }
    assert_int_equal(sum, 100 * 10);
}

/* ---- counts in a file ---- */

#define LONGEST_MS 60000

struct kept {
    char path[80];
};

static struct kept kept_file(void)
{
    struct kept kept = { "/tmp/sc-limit-XXXXXX" };
    int fd = mkstemp(kept.path);
    assert_true(fd >= 0);
    (void)close(fd);
    return kept;
}

static void kept_done(struct kept *kept)
{
    (void)unlink(kept->path);
}
#define AUTO_KEPT SC_AUTO(kept_done) struct kept

static struct sc_limiter *open_kept(const struct kept *kept, const char *epoch, int64_t now_ms)
{
    struct sc_limiter *l = NULL;
    assert_int_equal(sc_limiter_open(kept->path, epoch, LONGEST_MS, now_ms, &l, NULL), SC_OK);
    return l;
}

/* How often key 7 is let in at that time by whoever opens the file then. */
static int taken_by_next(const struct kept *kept, const char *epoch, int64_t now_ms, int times)
{
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = open_kept(kept, epoch, now_ms);
    return taken(l, 7, now_ms, times);
}

static void counts_outlive_the_process(void **state)
{
    (void)state;
    AUTO_KEPT kept = kept_file();
    assert_int_equal(taken_by_next(&kept, "boot 1", 5000, 4), 4);
    assert_int_equal(taken_by_next(&kept, "boot 1", 5500, 20), 6);
    assert_int_equal(taken_by_next(&kept, "boot 1", 5999, 20), 0);
    assert_int_equal(taken_by_next(&kept, "boot 1", 6000, 20), 10); /* the next window */
    /* Another start of the machine counts its time anew; so does one that is not known. */
    assert_int_equal(taken_by_next(&kept, "boot 2", 6000, 20), 10);
    assert_int_equal(taken_by_next(&kept, "", 6000, 20), 10);
    assert_int_equal(taken_by_next(&kept, "", 6000, 20), 10);
}

/* A killed process has closed nothing. */
static void counts_are_there_at_once(void **state)
{
    (void)state;
    AUTO_KEPT kept = kept_file();
    SC_AUTO(sc_limiter_freep) struct sc_limiter *left = open_kept(&kept, "boot", 0);
    assert_int_equal(taken(left, 7, 10, 9), 9);
    assert_int_equal(taken_by_next(&kept, "boot", 20, 5), 1);
}

static void write_at(const struct kept *kept, off_t at, const void *bytes, size_t len)
{
    int fd = open(kept->path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && pwrite(fd, bytes, len, at) == (ssize_t)len);
    (void)close(fd);
}

/* What a damaged file holds locks nobody out for longer than a window. */
static void a_damaged_file_is_no_obstacle(void **state)
{
    (void)state;
    AUTO_KEPT kept = kept_file();
    assert_int_equal(taken_by_next(&kept, "boot", 0, 20), 10);
    off_t size = (off_t)sc_file_size(kept.path);
    assert_int_equal(truncate(kept.path, size / 2), 0);
    assert_int_equal(taken_by_next(&kept, "boot", 10, 20), 10);
    assert_int_equal(sc_file_size(kept.path), size);
    assert_int_equal(truncate(kept.path, size + 5), 0);
    assert_int_equal(taken_by_next(&kept, "boot", 20, 20), 10);
    write_at(&kept, 0, "another program", 16);
    assert_int_equal(taken_by_next(&kept, "boot", 30, 20), 10);

    /* Every cell in use by key 7 until far ahead, below nought, and full until the window's end. */
    static const int64_t cells[][3] = {
        { 7, INT64_MAX, 10 }, { 7, 40 + LONGEST_MS + 1, 10 }, { 7, 500, INT64_MIN }, { 7, 0, -1 }
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(cells); i++) {
        for (off_t at = size - (off_t)sizeof(cells[i]); at >= 64; at -= (off_t)sizeof(cells[i]))
            write_at(&kept, at, cells[i], sizeof(cells[i]));
        assert_int_equal(taken_by_next(&kept, "boot", 40, 20), 10);
    }
}

/* Nobody's tidying, nor a full disk, ends the server: it goes on counting in memory. */
static void a_file_cut_in_use_costs_only_the_memory_over_a_restart(void **state)
{
    (void)state;
    AUTO_KEPT kept = kept_file();
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = open_kept(&kept, "boot", 0);
    assert_int_equal(taken(l, 7, 10, 4), 4);
    assert_int_equal(truncate(kept.path, 0), 0);
    assert_int_equal(taken(l, 7, 20, 20), 6);
    assert_int_equal(taken(l, 8, 20, 20), 10);
    assert_int_equal(taken_by_next(&kept, "boot", 30, 20), 10);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    struct sc_limiter *l = NULL;
    struct sc_error err = { 0 };
    static const char *const others[] = { "/tmp", "/dev/null", "/tmp/sc-no-such-folder/x" };
    for (size_t i = 0; i < SC_ARRAY_LEN(others); i++) {
        assert_int_not_equal(sc_limiter_open(others[i], "boot", LONGEST_MS, 0, &l, &err), SC_OK);
        assert_non_null(strstr(err.msg, others[i]));
        assert_null(l);
    }
}

static void held_ones_are_given_back(void **state)
{
    (void)state;
    SC_AUTO(sc_limiter_freep) struct sc_limiter *l = sc_limiter_new();
    bool counted;
    for (int i = 0; i < 3; i++)
        assert_true(sc_limiter_hold(l, 5, 3, &counted) && counted);
    assert_false(sc_limiter_hold(l, 5, 3, &counted));
    assert_false(counted);
    assert_true(sc_limiter_hold(l, 6, 3, &counted));
    sc_limiter_drop(l, 5);
    assert_true(sc_limiter_hold(l, 5, 3, &counted) && counted);
    /* Who finds no room is let in, and not counted. */
    int uncounted = 0;
    for (uint64_t key = 10; key < 20000; key++) {
        assert_true(sc_limiter_hold(l, key, 3, &counted));
        uncounted += !counted;
    }
    assert_true(uncounted > 0);
    assert_false(sc_limiter_hold(l, 5, 3, &counted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_window_holds_so_many_and_no_more),
        TEST(a_crowd_pushes_nobody_out),
        TEST(threads_share_a_count),
        TEST(counts_outlive_the_process),
        TEST(counts_are_there_at_once),
        TEST(a_damaged_file_is_no_obstacle),
        TEST(a_file_cut_in_use_costs_only_the_memory_over_a_restart),
        TEST(what_is_no_file_is_refused),
        TEST(held_ones_are_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
