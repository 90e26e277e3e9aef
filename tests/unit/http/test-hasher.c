#include "http/hasher.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "sys/file.h"
#include "testing.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "base/banned.h"

#define LINES 8
#define PUSHES 40

/* The nth byte of an upload. */
static unsigned char byte_of(int line, size_t n)
{
    return (unsigned char)((n * 31 + n / 251 + (size_t)line * 7) & 0xff);
}

struct upload {
    struct sc_hasher *hasher;
    int line;
    size_t total;
    int fd; /* -1: it is only hashed */
    struct sc_hash *expected;
    char hex[SC_SHA256_TEXT];
};

/* Blocks of every length, also of none, more of them than there is room for. */
static void *push_all(void *ctx)
{
    struct upload *u = ctx;
    SC_AUTO(sc_hash_freep) struct sc_hash *whole = sc_hash_new();
    SC_AUTO(sc_hash_freep) struct sc_hash *piece = sc_hash_new();
    const struct sc_hash_sums sums = { whole, u->line % 2 == 0 ? piece : NULL };
    SC_AUTO(sc_hash_line_freep)
    struct sc_hash_line *line = sc_hash_line_new(u->hasher, &sums, u->fd);
    for (size_t i = 0; i < PUSHES; i++) {
        size_t len = i % 3 == 0 ? SC_HASH_BLOCK : (i * 7919 + (size_t)u->line) % SC_HASH_BLOCK;
        char *block = sc_hash_line_block(line);
        assert_non_null(block);
        assert_ptr_equal(sc_hash_line_block(line), block);
        for (size_t k = 0; k < len; k++)
            block[k] = (char)byte_of(u->line, u->total + k);
        sc_hash_update(u->expected, block, len);
        sc_hash_line_push(line, len);
        u->total += len;
    }
    sc_hash_line_wait(line);
    sc_hash_hex(whole, u->hex);
    if (u->line % 2 == 0) {
        char same[SC_SHA256_TEXT];
        sc_hash_hex(piece, same);
        assert_string_equal(same, u->hex);
    }
    return NULL;
}

static void check_file(const struct upload *u)
{
    char block[4096];
    size_t at = 0;
    ssize_t n;
    assert_int_equal(lseek(u->fd, 0, SEEK_SET), 0);
    while ((n = read(u->fd, block, sizeof(block))) > 0) {
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal((unsigned char)block[i], byte_of(u->line, at++));
    }
    assert_int_equal(at, u->total);
    (void)close(u->fd);
}

static void each_line_is_hashed_in_order_whatever_the_others_do(void **state)
{
    (void)state;
    SC_AUTO(sc_hasher_stop) struct sc_hasher hasher = { 0 };
    pthread_t threads[LINES];
    struct upload uploads[LINES];
    assert_true(sc_hasher_start(&hasher, 2));
    for (int i = 0; i < LINES; i++) {
        uploads[i] = (struct upload){ .hasher = &hasher,
                                      .line = i,
                                      .fd = i % 3 == 0 ? -1 : memfd_create("upload", 0),
                                      .expected = sc_hash_new() };
        assert_int_equal(pthread_create(&threads[i], NULL, push_all, &uploads[i]), 0);
    }
    for (int i = 0; i < LINES; i++) {
        char want[SC_SHA256_TEXT];
        (void)pthread_join(threads[i], NULL);
        sc_hash_hex(uploads[i].expected, want);
        sc_hash_free(uploads[i].expected);
        assert_string_equal(uploads[i].hex, want);
        if (uploads[i].fd >= 0)
            check_file(&uploads[i]);
    }
}

static void a_file_that_cannot_be_written_is_told_and_all_is_hashed(void **state)
{
    (void)state;
    SC_AUTO(sc_hasher_stop) struct sc_hasher hasher = { 0 };
    SC_AUTO_CLOSE int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    char hex[SC_SHA256_TEXT], want[SC_SHA256_TEXT];
    struct sc_error err = { 0 };
    assert_true(fd >= 0 && sc_hasher_start(&hasher, 2));
    SC_AUTO(sc_hash_freep) struct sc_hash *whole = sc_hash_new();
    SC_AUTO(sc_hash_freep) struct sc_hash *expected = sc_hash_new();
    SC_AUTO(sc_hash_line_freep)
    struct sc_hash_line *line =
        sc_hash_line_new(&hasher, &(struct sc_hash_sums){ whole, NULL }, fd);
    assert_int_equal(sc_hash_line_fault(line, &err), SC_OK);
    for (int k = 0; k < 9; k++) {
        char *block = sc_hash_line_block(line);
        assert_non_null(block);
        memset(block, k, 1000);
        sc_hash_update(expected, block, 1000);
        sc_hash_line_push(line, 1000);
    }
    sc_hash_line_wait(line);
    assert_int_equal(sc_hash_line_fault(line, &err), SC_E_NO_SPACE);
    assert_int_equal(err.code, SC_E_NO_SPACE);
    sc_hash_hex(whole, hex);
    sc_hash_hex(expected, want);
    assert_string_equal(hex, want);
}

/* ---- files that are large enough to go past the page cache ---- */

struct large {
    struct test_dir dir;
    struct sc_hasher hasher;
    struct sc_hash *sum;
    struct sc_hash_line *line;
    char *path;
    int fd;
};

static struct large *large_new(size_t in_front)
{
    static const char bytes[] = "in front";
    struct large *l = sc_alloc(sizeof(*l));
    *l = (struct large){ .dir = test_dir_new(), .sum = sc_hash_new(), .fd = -1 };
    assert_true(sc_hasher_start(&l->hasher, 2));
    assert_int_equal(sc_file_temp(l->dir.path, NULL, &l->fd, &l->path, NULL), SC_OK);
    assert_int_equal(sc_file_write_all(l->fd, bytes, in_front, NULL), SC_OK);
    l->line = sc_hash_line_new(&l->hasher, &(struct sc_hash_sums){ l->sum, NULL }, l->fd);
    return l;
}

static void large_freep(struct large **large)
{
    struct large *l = *large;
    sc_hash_line_free(l->line);
    sc_hasher_stop(&l->hasher);
    sc_hash_free(l->sum);
    sc_closep(&l->fd);
    free(l->path);
    test_dir_done(&l->dir);
    free(l);
}

/* Bytes that no two blocks have alike. */
static void large_push(struct large *l, int n, size_t len)
{
    char *block = sc_hash_line_block(l->line);
    assert_non_null(block);
    memset(block, n, len);
    (void)snprintf(block, SC_HASH_BLOCK, "%d", n);
    sc_hash_line_push(l->line, len);
}

static bool is_direct(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    assert_true(flags >= 0);
    return (flags & O_DIRECT) != 0;
}

/* What is in the file behind `in_front` has the sum that the line has fed. */
static void large_check(const struct large *l, size_t in_front)
{
    static char bytes[SC_HASH_BLOCK];
    char want[SC_SHA256_TEXT], got[SC_SHA256_TEXT];
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    SC_AUTO(sc_hash_freep) struct sc_hash *fed = sc_hash_copy(l->sum);
    off_t at = (off_t)in_front;
    ssize_t n;
    assert_false(is_direct(l->fd));
    while ((n = pread(l->fd, bytes, sizeof(bytes), at)) > 0) {
        sc_hash_update(sum, bytes, (size_t)n);
        at += n;
    }
    assert_int_equal(n, 0);
    sc_hash_hex(sum, got);
    sc_hash_hex(fed, want);
    assert_string_equal(got, want);
}

#define LARGE_BLOCKS ((int)(SC_DIRECT_FROM / (int64_t)SC_HASH_BLOCK))

static void a_large_file_is_whole_whatever_way_it_was_written(void **state)
{
    (void)state;
    /* Its last block; what stands before it, so that no direct write is aligned. */
    static const size_t lasts[] = { 1000, SC_HASH_BLOCK, 0 }, fronts[] = { 0, 0, 5 };
    for (size_t i = 0; i < SC_ARRAY_LEN(lasts); i++) {
        SC_AUTO(large_freep) struct large *l = large_new(fronts[i]);
        for (int k = 0; k < LARGE_BLOCKS + 20; k++)
            large_push(l, k, SC_HASH_BLOCK);
        large_push(l, 1, lasts[i]);
        sc_hash_line_wait(l->line);
        assert_int_equal(sc_hash_line_fault(l->line, NULL), SC_OK);
        large_check(l, fronts[i]);
        /* Somebody goes on: whole sectors, then a piece of one, and again whole ones. */
        for (int k = 0; k < 3; k++) {
            large_push(l, k, k == 1 ? 777 : SC_HASH_BLOCK);
            sc_hash_line_wait(l->line);
            large_check(l, fronts[i]);
        }
    }
}

static void only_what_is_large_goes_past_the_page_cache(void **state)
{
    (void)state;
    SC_AUTO(large_freep) struct large *l = large_new(0);
    if (!sc_file_set_direct(l->fd, true))
        return; /* the file system cannot */
    assert_true(sc_file_set_direct(l->fd, false));
    for (int k = 0; k < LARGE_BLOCKS; k++)
        large_push(l, k, SC_HASH_BLOCK);
    for (int ms = 0; lseek(l->fd, 0, SEEK_CUR) < SC_DIRECT_FROM && ms < PATIENCE_MS; ms++)
        sc_clock_sleep_ms(1);
    assert_false(is_direct(l->fd));
    large_push(l, LARGE_BLOCKS, SC_HASH_BLOCK);
    for (int ms = 0; !is_direct(l->fd) && ms < PATIENCE_MS; ms++)
        sc_clock_sleep_ms(1);
    assert_true(is_direct(l->fd));
    sc_hash_line_wait(l->line);
    large_check(l, 0);
}

#ifdef SC_WITH_FAULTS
static void a_disk_that_fills_up_behind_the_page_cache_is_told(void **state)
{
    (void)state;
    SC_AUTO(large_freep) struct large *l = large_new(0);
    struct sc_error err = { 0 };
    for (int k = 0; k < LARGE_BLOCKS; k++)
        large_push(l, k, SC_HASH_BLOCK);
    sc_hash_line_wait(l->line);
    sc_fault_arm("file.write", 1);
    large_push(l, 1, SC_HASH_BLOCK);
    sc_hash_line_wait(l->line);
    assert_true(sc_fault_disarm("file.write"));
    assert_int_equal(sc_hash_line_fault(l->line, &err), SC_E_NO_SPACE);
    assert_false(is_direct(l->fd));
}
#endif

static void an_upload_of_nothing_has_the_hash_of_nothing(void **state)
{
    (void)state;
    SC_AUTO(sc_hasher_stop) struct sc_hasher hasher = { 0 };
    char want[SC_SHA256_TEXT];
    char hex[SC_SHA256_TEXT];
    assert_true(sc_hasher_start(&hasher, 1));
    SC_AUTO(sc_hash_freep) struct sc_hash *whole = sc_hash_new();
    SC_AUTO(sc_hash_line_freep)
    struct sc_hash_line *line =
        sc_hash_line_new(&hasher, &(struct sc_hash_sums){ whole, NULL }, -1);
    sc_hash_line_wait(line);
    sc_hash_hex(whole, hex);
    sc_hash_bytes("", 0, want);
    assert_string_equal(hex, want);
}

/* A client that goes away in the middle of an upload. */
static void a_line_may_be_given_up_while_it_is_hashed(void **state)
{
    (void)state;
    SC_AUTO(sc_hasher_stop) struct sc_hasher hasher = { 0 };
    assert_true(sc_hasher_start(&hasher, 1));
    for (int i = 0; i < 20; i++) {
        SC_AUTO(sc_hash_freep) struct sc_hash *whole = sc_hash_new();
        SC_AUTO(sc_hash_line_freep)
        struct sc_hash_line *line =
            sc_hash_line_new(&hasher, &(struct sc_hash_sums){ whole, NULL }, -1);
        for (int k = 0; k < i % 4; k++) {
            char *block = sc_hash_line_block(line);
            assert_non_null(block);
            memset(block, k, SC_HASH_BLOCK);
            sc_hash_line_push(line, SC_HASH_BLOCK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_line_is_hashed_in_order_whatever_the_others_do),
        TEST(a_file_that_cannot_be_written_is_told_and_all_is_hashed),
        TEST(a_large_file_is_whole_whatever_way_it_was_written),
        TEST(only_what_is_large_goes_past_the_page_cache),
#ifdef SC_WITH_FAULTS
        TEST(a_disk_that_fills_up_behind_the_page_cache_is_told),
#endif
        TEST(an_upload_of_nothing_has_the_hash_of_nothing),
        TEST(a_line_may_be_given_up_while_it_is_hashed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
