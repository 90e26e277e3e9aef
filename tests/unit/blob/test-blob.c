#include "blob/blob.h"

#include "sys/file.h"

#include "testing.h"

#include "base/banned.h"

#define HASH "a3f5000000000000000000000000000000000000000000000000000000000001"
#define NOVEMBER INT64_C(1795000000000) /* 2026-11-18 */
#define JANUARY INT64_C(1799999999999)  /* 2027-01-15 */
#define PLACE "audio/uploads/2026/11/" HASH ".wav"

struct rig {
    struct test_dir dir;
    struct sc_blobs *blobs;
};

static void rig_done(struct rig *r)
{
    sc_blobs_close(r->blobs);
    test_dir_done(&r->dir);
}

#define AUTO_RIG(r)                                      \
    SC_AUTO(rig_done) struct rig r = { test_dir_new() }; \
    assert_int_equal(sc_blobs_open(r.dir.path, &r.blobs, NULL), SC_OK)

/* A file of that text, open; its path is the caller's. */
static char *make_temp(const struct rig *r, const char *text, int *fd)
{
    char *path = NULL;
    assert_int_equal(sc_file_temp(r->dir.path, "", fd, &path, NULL), SC_OK);
    assert_int_equal(sc_file_write_all(*fd, text, strlen(text), NULL), SC_OK);
    return path;
}

static void put(const struct rig *r, const char *text, const char *place)
{
    SC_AUTO_CLOSE int fd = -1;
    SC_AUTO_FREE char *temp = make_temp(r, text, &fd);
    assert_int_equal(sc_blobs_put(r->blobs, temp, fd, place, NULL), SC_OK);
    assert_int_equal(access(temp, F_OK), -1);
}

static void assert_holds(const struct rig *r, const char *place, const char *text)
{
    SC_AUTO_CLOSE int fd = -1;
    char bytes[64] = "";
    assert_int_equal(sc_blobs_get(r->blobs, place, &fd, NULL), SC_OK);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), strlen(text));
    assert_string_equal(bytes, text);
}

static void a_place_says_the_month_the_hash_and_the_extension(void **state)
{
    (void)state;
    static const struct {
        const char *extension;
        int64_t now_ms;
        const char *place;
    } rows[] = {
        { "wav", NOVEMBER, PLACE },
        { "wav", JANUARY, "audio/uploads/2027/01/" HASH ".wav" },
        { ".WAV", NOVEMBER, PLACE },
        { "../w/a\nv", NOVEMBER, PLACE },
        { "", NOVEMBER, "audio/uploads/2026/11/" HASH ".bin" },
        { NULL, 0, "audio/uploads/1970/01/" HASH ".bin" },
        { "abcdefghijklmnopqrstuvwxyz", 0, "audio/uploads/1970/01/" HASH ".abcdefghijklmnop" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_FREE char *place = sc_blobs_place(HASH, rows[i].extension, rows[i].now_ms);
        assert_string_equal(place, rows[i].place);
    }
}

static void bytes_are_moved_to_their_place_and_read_back(void **state)
{
    (void)state;
    AUTO_RIG(r);
    assert_false(sc_blobs_exists(r.blobs, PLACE));
    put(&r, "one", PLACE);
    assert_true(sc_blobs_exists(r.blobs, PLACE));
    assert_holds(&r, PLACE, "one");
    put(&r, "two", "audio/uploads/2027/01/x.wav"); /* a folder that is not there yet */
    put(&r, "one", PLACE);                         /* again, and in a month known before */
    assert_holds(&r, PLACE, "one");
    assert_holds(&r, "audio/uploads/2027/01/x.wav", "two");
}

static void what_is_gone_is_not_found_and_what_is_no_file_is_an_error(void **state)
{
    (void)state;
    AUTO_RIG(r);
    SC_AUTO_CLOSE int fd = -1;
    struct sc_error err = { 0 };
    assert_int_equal(sc_blobs_get(r.blobs, PLACE, &fd, &err), SC_E_FILE_NOT_FOUND);
    assert_non_null(strstr(err.msg, HASH));
    assert_int_equal(fd, -1);
    assert_int_equal(sc_blobs_get(r.blobs, "audio/uploads", &fd, NULL), SC_E_IO_ERROR);
    assert_false(sc_blobs_exists(r.blobs, "audio/uploads"));

    char path[PATH_MAX];
    test_write(&r.dir, "secret", "s");
    assert_int_equal(symlink("../../secret", test_path(&r.dir, "audio/uploads/link", path)), 0);
    assert_int_equal(sc_blobs_get(r.blobs, "audio/uploads/link", &fd, NULL), SC_E_IO_ERROR);
    assert_false(sc_blobs_exists(r.blobs, "audio/uploads/link"));
}

static void no_place_leads_out_of_the_root(void **state)
{
    (void)state;
    AUTO_RIG(r);
    static const char *const bad[] = {
        "", "/", "/etc/passwd", "..", "audio/../../x", "audio//x", "./x", "audio/", "audio/.",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        SC_AUTO_CLOSE int fd = -1;
        SC_AUTO_FREE char *temp = make_temp(&r, "x", &fd);
        int got = -1;
        assert_int_equal(sc_blobs_put(r.blobs, temp, fd, bad[i], NULL), SC_E_INVALID_VALUE);
        assert_int_equal(sc_blobs_get(r.blobs, bad[i], &got, NULL), SC_E_INVALID_VALUE);
        assert_false(sc_blobs_exists(r.blobs, bad[i]));
        assert_int_equal(access(temp, F_OK), 0);
    }
}

static void a_root_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_blobs *blobs = NULL;
    struct sc_error err = { 0 };
    test_write(&dir, "file", "");
    assert_int_not_equal(sc_blobs_open(test_path(&dir, "file", path), &blobs, &err), SC_OK);
    assert_null(blobs);
    assert_true(err.msg[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_place_says_the_month_the_hash_and_the_extension),
        TEST(bytes_are_moved_to_their_place_and_read_back),
        TEST(what_is_gone_is_not_found_and_what_is_no_file_is_an_error),
        TEST(no_place_leads_out_of_the_root),
        TEST(a_root_that_cannot_be_made_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
