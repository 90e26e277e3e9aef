#include "base/buf.h"
#include "zip/gzip.h"
#include "zip/zip.h"

#include "unzip.h"

#include "base/banned.h"

static enum sc_code gather(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct sc_buf *out = ctx;
    (void)err;
    sc_buf_append(out, bytes, len);
    return out->failed ? SC_E_FILE_TOO_LARGE : SC_OK;
}

static void entries_are_read_back(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF read = { 0 };
    SC_AUTO_BUF large = { 0 };
    SC_AUTO_ZIP zip;
    uint32_t noise = 1;
    for (int i = 0; i < 300000; i++) {
        noise = noise * 1664525 + 1013904223;
        sc_buf_putc(&large, (char)(noise >> 24)); /* grows when compressed */
    }
    sc_zip_init(&zip, gather, &out);
    assert_int_equal(sc_zip_begin(&zip, "empty", NULL), SC_OK);
    assert_int_equal(sc_zip_begin(&zip, "a/text", NULL), SC_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sc_zip_write(&zip, "again ", 6, NULL), SC_OK);
    assert_int_equal(sc_zip_begin(&zip, "noise", NULL), SC_OK);
    assert_int_equal(sc_zip_write(&zip, large.ptr, large.len, NULL), SC_OK);
    assert_int_equal(sc_zip_finish(&zip, NULL), SC_OK);
    assert_true(unzip(&out, "empty", &read));
    assert_int_equal(read.len, 0);
    assert_true(unzip(&out, "a/text", &read));
    assert_int_equal(read.len, 6000);
    assert_memory_equal(read.ptr + 5994, "again ", 6);
    assert_true(unzip(&out, "noise", &read));
    assert_int_equal(read.len, large.len);
    assert_memory_equal(read.ptr, large.ptr, large.len);
    assert_false(unzip(&out, "other", &read));
}

static void the_same_content_is_the_same_archive(void **state)
{
    (void)state;
    SC_AUTO_BUF first = { 0 };
    SC_AUTO_BUF second = { 0 };
    struct sc_buf *both[] = { &first, &second };
    for (int i = 0; i < 2; i++) {
        SC_AUTO_ZIP zip;
        sc_zip_init(&zip, gather, both[i]);
        assert_int_equal(sc_zip_begin(&zip, "a", NULL), SC_OK);
        assert_int_equal(sc_zip_write(&zip, "text", 4, NULL), SC_OK);
        assert_int_equal(sc_zip_finish(&zip, NULL), SC_OK);
    }
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.ptr, second.ptr, first.len);
}

static void whoever_takes_the_bytes_can_stop_it_anywhere(void **state)
{
    (void)state;
    enum sc_code last = SC_E_FILE_TOO_LARGE;
    for (size_t limit = 1; limit < 400; limit++) {
        SC_AUTO_BUF out = { .limit = limit };
        SC_AUTO_ZIP zip;
        sc_zip_init(&zip, gather, &out);
        enum sc_code code = sc_zip_begin(&zip, "a", NULL);
        if (code == SC_OK)
            code = sc_zip_write(&zip, "some text", 9, NULL);
        if (code == SC_OK)
            code = sc_zip_begin(&zip, "b", NULL);
        if (code == SC_OK)
            code = sc_zip_finish(&zip, NULL);
        assert_true(code == SC_E_FILE_TOO_LARGE || code == SC_OK);
        assert_false(last == SC_OK && code != SC_OK);
        last = code;
    }
    assert_int_equal(last, SC_OK);
}

static void a_body_is_compressed_where_it_becomes_smaller(void **state)
{
    (void)state;
    char text[4000], small[8] = "abcdefg";
    size_t len = 0;
    memset(text, 'x', sizeof(text));
    char *packed = sc_gzip(text, sizeof(text), &len);
    assert_non_null(packed);
    assert_in_range(len, 10, 100);
    assert_memory_equal(packed, "\x1f\x8b", 2);
    free(packed);
    assert_null(sc_gzip(small, sizeof(small), &len));
}

static void the_size_of_a_zlib_stream_is_that_of_its_bytes(void **state)
{
    (void)state;
    char same[4096];
    memset(same, 'a', sizeof(same));
    size_t size = sc_zlib_size(same, sizeof(same));
    assert_true(size > 8 && size < 64);
    assert_int_equal(sc_zlib_size("", 0), 8);
    assert_int_equal(sc_zlib_size("a", 1), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_read_back),
        TEST(the_same_content_is_the_same_archive),
        TEST(whoever_takes_the_bytes_can_stop_it_anywhere),
        TEST(a_body_is_compressed_where_it_becomes_smaller),
        TEST(the_size_of_a_zlib_stream_is_that_of_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
