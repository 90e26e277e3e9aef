#include "rig.h"

#include "base/alloc.h"

#include <sys/socket.h>

#include "base/banned.h"

#define TYPE "POST /api/upload HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=XX"
#define FIELD(name, value) \
    "--XX\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART(name, value)                                                         \
    "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\n" \
    "Content-Type: audio/mpeg\r\n\r\n" value "\r\n"
#define END "--XX--\r\n"

static void ask(struct rig *rig, const char *body, int status, const char *piece)
{
    SC_AUTO_BUF out = { 0 };
    rig_ask(rig, TYPE, body, &out);
    if (rig_status(&out) != status || strstr(sc_buf_text(&out), piece) == NULL)
        fail_msg("no %d with '%s' but:\n%s", status, piece, sc_buf_text(&out));
}

static void file_and_fields_come_in_any_order(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    /* printf abc | sha256sum */
    static const char want[] =
        "\"size\":3,\"sha256\":"
        "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";
    ask(&rig, FILE_PART("x.mp3", "abc") FIELD("a", "1") FIELD("b", "two\r\nlines") END, 201, want);
    ask(&rig, FIELD("a", "1") FILE_PART("x.mp3", "abc") FIELD("b", "2") END, 201, want);
    ask(&rig, FIELD("a", "1") FILE_PART("x.mp3", "abc") FIELD("a", "3") FIELD("a", "3") END, 201,
        "\"fields\":\"a=1;a=3;a=3;\"");
    ask(&rig, FILE_PART("../../etc/\xc3\xa4.mp3", "abc") END, 201,
        "\"name\":\"../../etc/\xc3\xa4.mp3\"");
    ask(&rig, FILE_PART("\xff.mp3", "abc") END, 201, "\"name\":\"\xef\xbf\xbd.mp3\"");
    ask(&rig, FIELD("a", "") FIELD("b", "") END, 201, "{\"fields\":\"a=;b=;\"}");
    ask(&rig, FILE_PART("e", "") END, 201, "\"size\":0");
    ask(&rig, FILE_PART("e", "\r\n--XY\r\n--X") END, 201, "\"size\":11");
    rig_await(&rig_counters.auth, 8);
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_temp_files(&rig), 0);
}

static void uploads_are_counted_while_their_bytes_arrive(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    assert_int_equal(sc_http_uploads(rig.http), 0);
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    rig_send(fd, TYPE "\r\nHost: localhost\r\nConnection: close\r\nExpect: 100-continue\r\n"
                      "Content-Length: 10\r\n\r\n");
    assert_true(rig_read_until(fd, &out, "100 Continue", 1)); /* its headers have been judged */
    assert_int_equal(sc_http_uploads(rig.http), 1);
    rig_send(fd, "0123456789");
    rig_read_all(fd, &out);
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(sc_http_uploads(rig.http), 0);
}

static void bad_forms_are_refused(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF many = { 0 };
    rig_start(&rig, NULL);
    ask(&rig, FILE_PART("a", "1") FILE_PART("b", "2") END, 400, "\"field\":\"file\"");
    ask(&rig, FILE_PART("a", "1"), 400, "INVALID_REQUEST");
    ask(&rig, FILE_PART("a", "1") "--X", 400, "INVALID_REQUEST");
    ask(&rig, "garbage", 400, "INVALID_REQUEST");
    ask(&rig, "", 400, "INVALID_REQUEST");
    ask(&rig, FIELD("b", "1") FIELD("a", "\xff") END, 400, "\"field\":\"a\"");
    ask(&rig, FIELD("\xff", "1") END, 400, "the name of a form field is no valid UTF-8");
    for (int i = 0; i < 65; i++)
        sc_buf_puts(&many, FIELD("a", "1"));
    sc_buf_puts(&many, END);
    ask(&rig, sc_buf_text(&many), 413, "64 form fields");
    sc_buf_reset(&many);
    sc_buf_puts(&many, "--XX\r\nContent-Disposition: form-data; name=\"long\"\r\n\r\n");
    for (int i = 0; i < 65537; i++)
        sc_buf_putc(&many, 'x');
    sc_buf_puts(&many, "\r\n" END);
    ask(&rig, sc_buf_text(&many), 413, "\"field\":\"long\"");
    rig_ask(&rig, "POST /api/upload HTTP/1.1\r\nContent-Type: application/json", "{}", &out);
    assert_int_equal(rig_status(&out), 415);
    rig_ask(&rig, "POST /api/upload HTTP/1.1\r\nContent-Type: multipart/form-data", "{}", &out);
    assert_int_equal(rig_status(&out), 415);
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_temp_files(&rig), 0);
}

static void the_limit_of_the_file_is_exact(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    const struct rig_options small = { 2, 10, 30 };
    rig_start(&rig, &small);
    ask(&rig, FILE_PART("a", "0123456789") END, 201, "\"size\":10");
    ask(&rig, FILE_PART("a", "0123456789a") FIELD("a", "b") END, 413, "FILE_TOO_LARGE");
    /* A length that cannot fit is refused before the body. */
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    rig_send(fd, TYPE "\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
    assert_true(rig_read_until(fd, &out, "FILE_TOO_LARGE", 1));
    assert_int_equal(rig_status(&out), 413);
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_temp_files(&rig), 0);
}

static void an_upload_that_breaks_off_leaves_nothing(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    for (int i = 0; i < 20; i++) {
        int fd = rig_connect_tcp(&rig);
        rig_send(fd, TYPE "\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
        rig_send(fd,
                 "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n");
        for (int k = 0; k < i; k++)
            rig_send(fd, "some bytes that will never be a file\n");
        rig_await(&rig_counters.auth, i + 1);
        (void)close(fd);
    }
    /* Stopping waits until the last of them has ended. */
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_temp_files(&rig), 0);
}

static void a_taken_file_is_the_handlers(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    rig_ask(&rig,
            "POST /api/upload?take=1 HTTP/1.1\r\n"
            "Content-Type: multipart/form-data; boundary=XX",
            FILE_PART("a", "1") END, &out);
    assert_int_equal(rig_status(&out), 201);
}

static void where_nothing_can_be_written_the_client_is_told(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    assert_int_equal(rmdir(rig.temp), 0);
    ask(&rig, FILE_PART("a", "0123456789") END, 500, "IO_ERROR");
    assert_int_equal(mkdir(rig.temp, 0700), 0);
    ask(&rig, FILE_PART("a", "0123456789") END, 201, "\"size\":10");
}

static void the_client_uploads_large_files(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO(sc_client_closep) struct sc_client *c = NULL;
    SC_AUTO_BUF reply = { 0 };
    struct sc_error err = { 0 };
    char path[PATH_MAX], hash[SC_SHA256_TEXT];
    const struct rig_options roomy = { 2, 10 << 20, 30 };
    const size_t size = (3 << 20) + 17;
    int status = 0;
    rig_start(&rig, &roomy);
    SC_AUTO_FREE char *bytes = sc_alloc(size + 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)('a' + i * 7919 % 26);
    test_write(&rig.dir, "big.wav", bytes);
    sc_hash_bytes(bytes, size, hash);
    const struct sc_upload_field fields[] = { { "model", "en us" }, { "name", "\"q\"" } };
    const struct sc_upload up = { .path = "/api/upload",
                                  .file = test_path(&rig.dir, "big.wav", path),
                                  .file_name = "b\"ig.wav",
                                  .fields = fields,
                                  .field_count = 2 };
    assert_int_equal(sc_client_open(rig.unix_server, NULL, &c, &err), SC_OK);
    for (int i = 0; i < 2; i++) {
        if (sc_client_upload(c, &up, &status, &reply, &err) != SC_OK)
            fail_msg("%s", err.msg);
        assert_int_equal(status, 201);
        assert_non_null(strstr(sc_buf_text(&reply), hash));
        assert_non_null(strstr(sc_buf_text(&reply), "model=en us;name=\\\"q\\\";"));
    }
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_temp_files(&rig), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(file_and_fields_come_in_any_order),
        TEST(uploads_are_counted_while_their_bytes_arrive),
        TEST(bad_forms_are_refused),
        TEST(the_limit_of_the_file_is_exact),
        TEST(an_upload_that_breaks_off_leaves_nothing),
        TEST(a_taken_file_is_the_handlers),
        TEST(where_nothing_can_be_written_the_client_is_told),
        TEST(the_client_uploads_large_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
