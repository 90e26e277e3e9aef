#pragma once
/* What every unit test includes: cmocka with the headers that it needs, a scratch folder and a
 * clock that stands still. */

#include "base/clock.h"
#include "base/macros.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* A row of a group: TEST(claim_skips_jobs_whose_lease_is_alive). */
#define TEST(name) cmocka_unit_test(name)

/* What a test that waits for another thread or process gives it, however busy the machine: only
 * what never happens takes as long. */
#define PATIENCE_MS 120000

/* An empty scratch folder that is removed with all it holds at the end of the block:
 *
 *     SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
 *     char path[PATH_MAX];
 *     test_path(&dir, "a.db", path); */
struct test_dir {
    char path[256];
};

static inline struct test_dir test_dir_new(void)
{
    struct test_dir dir;
    const char *base = getenv("TMPDIR");
    int n = snprintf(dir.path, sizeof(dir.path), "%s/scripta-test-XXXXXX",
                     base == NULL || base[0] == '\0' ? "/tmp" : base);
    assert_true(n > 0 && (size_t)n < sizeof(dir.path));
    assert_non_null(mkdtemp(dir.path));
    return dir;
}

static inline int test_remove_entry_(const char *path, const struct stat *st, int kind,
                                     struct FTW *walk)
{
    (void)st;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

static inline void test_dir_done(struct test_dir *dir)
{
    if (dir->path[0] != '\0')
        (void)nftw(dir->path, test_remove_entry_, 16, FTW_DEPTH | FTW_PHYS);
    dir->path[0] = '\0';
}

/* The path of name in dir, into out; returns out. */
static inline const char *test_path(const struct test_dir *dir, const char *name,
                                    char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s", dir->path, name);
    assert_true(n > 0 && n < PATH_MAX);
    return out;
}

/* Writes text into the file name of dir, replacing it. */
static inline void test_write_bytes(const struct test_dir *dir, const char *name, const char *bytes,
                                    size_t len)
{
    char path[PATH_MAX];
    FILE *f = fopen(test_path(dir, name, path), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static inline void test_write(const struct test_dir *dir, const char *name, const char *text)
{
    test_write_bytes(dir, name, text, strlen(text));
}

/* The content of the file name in dir, NUL-terminated; the caller frees it. NULL: no such file. */
static inline char *test_read(const struct test_dir *dir, const char *name)
{
    char path[PATH_MAX];
    FILE *f = fopen(test_path(dir, name, path), "rb");
    if (f == NULL)
        return NULL;
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    assert_true(size >= 0);
    rewind(f);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, f), size);
    (void)fclose(f);
    return text;
}

/* Both clocks stand at these values until the end of the block:
 *
 *     SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000, 1000);
 *     test_clock_step(&clock, 250); */
struct test_clock {
    int64_t wall_ms;
    int64_t mono_ms;
};

static inline struct test_clock test_clock_at(int64_t wall_ms, int64_t mono_ms)
{
    sc_clock_set(wall_ms, mono_ms);
    return (struct test_clock){ wall_ms, mono_ms };
}

static inline void test_clock_step(struct test_clock *clock, int64_t ms)
{
    clock->wall_ms += ms;
    clock->mono_ms += ms;
    sc_clock_set(clock->wall_ms, clock->mono_ms);
}

static inline void test_clock_done(struct test_clock *clock)
{
    (void)clock;
    sc_clock_set(-1, -1);
}
