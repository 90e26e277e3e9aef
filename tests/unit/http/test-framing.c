#include "http/framing.h"

#include "base/alloc.h"
#include "base/buf.h"

#include "testing.h"

#include "base/banned.h"

#define LINE "POST /x HTTP/1.1\r\n"
#define HEAD LINE "Host: a\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"

struct row {
    struct sc_str text;
    enum sc_code code; /* SC_OK: taken */
    int requests;      /* that are let through */
};
#define ROW(literal, ...)                             \
    {                                                 \
        { literal, sizeof(literal) - 1 }, __VA_ARGS__ \
    }

static void feed_in(const struct row *row, size_t slice, struct sc_framing *f, size_t *taken)
{
    *taken = 0;
    for (size_t at = 0; at < row->text.len; at += slice) {
        size_t n = SC_MIN(slice, row->text.len - at);
        size_t good = sc_framing_feed(f, row->text.ptr + at, n);
        *taken += good;
        if (good < n)
            break;
    }
}

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t slice = 1; slice <= 64; slice = slice == 1 ? 7 : slice * 2 + 50) {
            struct sc_framing f = { 0 };
            size_t taken;
            feed_in(&rows[i], slice, &f, &taken);
            if (f.code != rows[i].code || (int)f.requests != rows[i].requests)
                fail_msg("row %zu by %zu: %s, %d requests: %.60s", i, slice, sc_code_name(f.code),
                         (int)f.requests, rows[i].text.ptr);
            if (rows[i].code == SC_OK && taken != rows[i].text.len)
                fail_msg("row %zu by %zu: %zu of %zu", i, slice, taken, rows[i].text.len);
        }
    }
}

static void what_the_standard_allows_is_taken(void **state)
{
    static const struct row rows[] = {
        ROW("GET / HTTP/1.1\r\nHost: a\r\n\r\n", SC_OK, 1),
        ROW("GET / HTTP/1.0\r\n\r\n", SC_OK, 1),
        ROW("GET / HTTP/1.2\r\nHost: a\r\n\r\n", SC_OK, 1),
        ROW("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", SC_OK, 1),
        ROW("GET http://b/x?y=%20&z HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", SC_OK, 1),
        ROW("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", SC_OK, 1),
        ROW("GET /\xc3\xa4 HTTP/1.1\r\nhOST:\ta \t\r\nX:\r\nY: \xc3\xa4\t1\r\n\r\n",
            SC_E_INVALID_REQUEST, 0), /* a Host with space behind it */
        ROW("GET /\xc3\xa4 HTTP/1.1\r\nhOST:\ta\r\nX:\r\nY: \xc3\xa4\t1\r\n\r\n", SC_OK, 1),
        ROW(HEAD "Content-Length: 0\r\n\r\n" HEAD "\r\n", SC_OK, 2),
        ROW(HEAD "Content-Length: 003\r\n\r\nabc" HEAD "\r\n", SC_OK, 2),
        ROW(HEAD "Content-Length: 3\r\n\r\n\r\n\n" HEAD "\r\n", SC_OK, 2),
        ROW(HEAD "Content-Length: 9223372036854775807\r\n\r\nabc", SC_OK, 1),
        ROW(CHUNKED "0\r\n\r\n" HEAD "\r\n", SC_OK, 2),
        ROW(CHUNKED "3\r\nabc\r\n00A;x=\"y\"\r\n0123456789\r\n0\r\nX: y\r\n\r\n" HEAD "\r\n", SC_OK,
            2),
        ROW(HEAD "transfer-encoding: ChUnKeD\r\n\r\n1\r\n\n\r\n0\r\n\r\n", SC_OK, 1),
        ROW("GET / HTTP/1.1\r\nHost: a", SC_OK, 0),
        ROW("", SC_OK, 0),
    };
    (void)state;
    check(rows, SC_ARRAY_LEN(rows));
}

static void what_two_programs_may_read_in_two_ways_is_refused(void **state)
{
    static const struct row rows[] = {
        ROW(HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", SC_E_INVALID_REQUEST,
            0),
        ROW(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", SC_E_INVALID_REQUEST,
            0),
        ROW(HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            SC_E_INVALID_REQUEST, 0),
        ROW("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length: -3\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length: +3\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length: 0x3\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length: 3, 3\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length: 3 \r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length:\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length: 9223372036854775808\r\n\r\n", SC_E_BODY_TOO_LARGE, 0),
        ROW(HEAD "Content-Length: 00000000000000000000000000000000003\r\n\r\n", SC_E_BODY_TOO_LARGE,
            0),
        ROW(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", SC_E_NOT_IMPLEMENTED, 0),
        ROW(HEAD "Transfer-Encoding: xchunked\r\n\r\n", SC_E_NOT_IMPLEMENTED, 0),
        ROW(HEAD "Transfer-Encoding: chunked \r\n\r\n", SC_E_NOT_IMPLEMENTED, 0),
        ROW(HEAD "Transfer-Encoding:\r\n\r\n", SC_E_NOT_IMPLEMENTED, 0),
        ROW(HEAD "Transfer-Encoding: chunked                              x\r\n\r\n",
            SC_E_NOT_IMPLEMENTED, 0),
        ROW(HEAD "Content-Length : 3\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Content-Length\t: 3\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X: a\r\n b\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE " Host: a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("POST / HTTP/1.1\nHost: a\n\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE "Host: a\nX: y\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X: a\rb\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X: a\0b\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X\0: a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X: a\x7f\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD ": a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "X(y): a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(HEAD "Host: a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE "\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE "Host: a b\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE "Host: a/b\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE "Host: 127.0.0.1@a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW(LINE "Host: 127.0.0.1:80@a\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET  / HTTP/1.1\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET / x HTTP/1.1\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET /\0 HTTP/1.1\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET /#x HTTP/1.1\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET\t/ HTTP/1.1\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET /\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET / HTTP/1.1 \r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET / http/1.1\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET / HTTP/1.\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("GET / HTTP/2.0\r\n\r\n", SC_E_VERSION_NOT_SUPPORTED, 0),
        ROW(" GET / HTTP/1.1\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("\nGET / HTTP/1.1\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("G(T / HTTP/1.1\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n\r\n", SC_E_INVALID_REQUEST, 0),
        ROW("\x16\x03\x01\x02", SC_E_INVALID_REQUEST, 0),
        /* Chunks; the request is known by then. */
        ROW(CHUNKED "\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "z\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "-1\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "0x1\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "1 \r\na\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "1\na\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "1\r\na\n0\r\n\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "1\r\nab\r\n0\r\n\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "1;\nx\r\na\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "1;x\r\r\na\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "fffffffffffffffff\r\n", SC_E_BODY_TOO_LARGE, 1),
        ROW(CHUNKED "0\r\nX: y\n\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "0\r\nContent-Length: 3\r\n\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "0\r\nTransfer-Encoding: chunked\r\n\r\n", SC_E_INVALID_REQUEST, 1),
        ROW(CHUNKED "0\r\n\n", SC_E_INVALID_REQUEST, 1),
        /* Behind a good one. */
        ROW(HEAD "\r\nGET / HTTP/1.1\r\nHost : a\r\n\r\n", SC_E_INVALID_REQUEST, 1),
    };
    (void)state;
    check(rows, SC_ARRAY_LEN(rows));
}

/* text, then n times piece, then end. */
static struct sc_framing long_one(const char *text, const char *piece, int n, const char *end)
{
    SC_AUTO_BUF all = { 0 };
    struct sc_framing f = { 0 };
    sc_buf_puts(&all, text);
    for (int i = 0; i < n; i++)
        sc_buf_puts(&all, piece);
    sc_buf_puts(&all, end);
    (void)sc_framing_feed(&f, all.ptr, all.len);
    return f;
}

#define FIFTY "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
#define FIELD_OF_150 "X: " FIFTY FIFTY FIFTY "\r\n"

static void what_is_too_large_is_named(void **state)
{
    const char *const end = " HTTP/1.1\r\nHost: a\r\n\r\n";
    (void)state;
    assert_int_equal(long_one("GET /", "a", 8191, end).code, SC_OK);
    assert_int_equal(long_one("GET /", "a", 8192, end).code, SC_E_URI_TOO_LONG);
    assert_int_equal(long_one("GET /?", "&", 8000, end).code, SC_E_URI_TOO_LONG);
    assert_int_equal(long_one(HEAD, "X: y\r\n", 99, "\r\n").code, SC_OK);
    assert_int_equal(long_one(HEAD, "X: y\r\n", 100, "\r\n").code, SC_E_HEADERS_TOO_LARGE);
    /* What libmicrohttpd keeps beside the bytes of each field. */
    assert_int_equal(long_one(HEAD, FIELD_OF_150, 90, "\r\n").code, SC_OK);
    assert_int_equal(long_one(HEAD, FIELD_OF_150, 99, "\r\n").code, SC_E_HEADERS_TOO_LARGE);
    assert_int_equal(long_one(HEAD "X: ", "y", 16000, "\r\n\r\n").code, SC_OK);
    assert_int_equal(long_one(HEAD "X: ", "y", 16400, "\r\n\r\n").code, SC_E_HEADERS_TOO_LARGE);
    assert_int_equal(long_one(HEAD, "y", 16400, ": x\r\n\r\n").code, SC_E_HEADERS_TOO_LARGE);
    assert_int_equal(long_one(HEAD "Cookie: a=", "y", 9500, "\r\n\r\n").code, SC_OK);
    assert_int_equal(long_one(HEAD "Cookie: ", "a;", 500, "\r\n\r\n").code, SC_E_HEADERS_TOO_LARGE);
    assert_int_equal(long_one(CHUNKED "1;", "x", 300, "\r\na\r\n").code, SC_E_INVALID_REQUEST);
    assert_int_equal(long_one(CHUNKED "0\r\n", "X: y\r\n", 101, "\r\n").code,
                     SC_E_HEADERS_TOO_LARGE);
}

static void a_refusal_holds_back_its_own_request_alone(void **state)
{
    static const char good[] = HEAD "Content-Length: 3\r\n\r\nabc";
    static const char bad[] = "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n" HEAD "\r\n";
    SC_AUTO_BUF all = { 0 };
    struct sc_framing f = { 0 };
    (void)state;
    sc_buf_puts(&all, good);
    sc_buf_puts(&all, bad);
    assert_int_equal(sc_framing_feed(&f, all.ptr, all.len), sizeof(good) - 1);
    assert_int_equal(sc_framing_feed(&f, good, sizeof(good) - 1), 0);
    assert_int_equal(f.requests, 1);
    assert_false(f.is_head);
    f = long_one("HEAD / HTTP/1.1\r\nHost: a\r\n", "", 0, " x\r\n");
    assert_true(f.is_head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_standard_allows_is_taken),
        TEST(what_two_programs_may_read_in_two_ways_is_refused),
        TEST(what_is_too_large_is_named),
        TEST(a_refusal_holds_back_its_own_request_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
