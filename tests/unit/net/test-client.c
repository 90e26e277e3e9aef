#include "net/client.h"

#include "sys/socket.h"

#include "testing.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/banned.h"

/* A peer that answers each connection with the next of these texts, and keeps what it was asked. */
struct peer {
    int fd;
    const char *const *answers; /* ends in NULL; "": closes without a word; "hang": says nothing */
    struct sc_buf asked;
    pthread_t thread;
    int held[8];
    int held_count;
};

/* Whole when its head is, and as many bytes behind it as Content-Length says. */
static bool is_whole(const struct sc_buf *b, size_t from)
{
    const char *head = sc_buf_text(b) + from;
    const char *end = strstr(head, "\r\n\r\n");
    const char *length = strstr(head, "Content-Length: ");
    long n = 0;
    if (end == NULL)
        return false;
    if (length != NULL && length < end)
        (void)sscanf(length, "Content-Length: %ld", &n);
    return strlen(end + 4) >= (size_t)n;
}

static void *peer_main(void *ctx)
{
    struct peer *p = ctx;
    for (; *p->answers != NULL; p->answers++) {
        int fd = accept4(p->fd, NULL, NULL, SOCK_CLOEXEC);
        size_t from = p->asked.len;
        char piece[4096];
        while (fd >= 0 && !is_whole(&p->asked, from)) {
            ssize_t n = recv(fd, piece, sizeof(piece), 0);
            if (n <= 0)
                break;
            sc_buf_append(&p->asked, piece, (size_t)n);
        }
        if (strcmp(*p->answers, "hang") == 0) {
            p->held[p->held_count++] = fd;
            continue;
        }
        (void)send(fd, *p->answers, strlen(*p->answers), MSG_NOSIGNAL);
        (void)close(fd);
    }
    return NULL;
}

static void peer_start(struct peer *p, const char *path, const char *const *answers)
{
    struct sc_error err = { 0 };
    *p = (struct peer){ .answers = answers };
    if (sc_socket_listen_unix(path, &p->fd, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(fcntl(p->fd, F_SETFL, 0), 0);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_main, p), 0);
}

static void peer_join(struct peer *p)
{
    assert_int_equal(pthread_join(p->thread, NULL), 0);
    for (int i = 0; i < p->held_count; i++)
        (void)close(p->held[i]);
    (void)close(p->fd);
}

#define HEAD(status, length) \
    "HTTP/1.1 " status "\r\nConnection: close\r\nContent-Length: " length "\r\n\r\n"

static struct sc_client *open_client(const char *path, const char *token)
{
    struct sc_client *c = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF server = { 0 };
    sc_buf_printf(&server, "unix:%s", path);
    if (sc_client_open(sc_buf_text(&server), token, &c, &err) != SC_OK)
        fail_msg("%s", err.msg);
    return c;
}

static void calls_carry_their_body_and_bring_the_answer(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    static const char *const answers[] = { HEAD("201 Created", "7") "{\"a\":1}",
                                           HEAD("200 OK", "0"), NULL };
    struct peer peer;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    int status = 0;
    peer_start(&peer, test_path(&dir, "s", path), answers);
    SC_AUTO(sc_client_closep) struct sc_client *c = open_client(path, "tok");
    sc_client_header(c, "Idempotency-Key", "k1");
    assert_int_equal(
        sc_client_call(
            c,
            &(struct sc_call){ .method = "POST", .path = "/api/jobs?x=%2F", .body = "{\"b\":2}" },
            &status, &reply, &err),
        SC_OK);
    assert_int_equal(status, 201);
    assert_string_equal(sc_buf_text(&reply), "{\"a\":1}");
    assert_int_equal(sc_client_call(c, &(struct sc_call){ .method = "POST", .path = "/../x" },
                                    &status, &reply, &err),
                     SC_OK);
    assert_int_equal(reply.len, 0);
    peer_join(&peer);
    const char *asked = sc_buf_text(&peer.asked);
    const char *second = strstr(asked, "POST /../x HTTP/1.1\r\n");
    assert_non_null(second);
    assert_non_null(strstr(asked, "POST /api/jobs?x=%2F HTTP/1.1\r\n"));
    assert_non_null(strstr(asked, "Authorization: Bearer tok\r\n"));
    assert_non_null(strstr(asked, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(asked, "Idempotency-Key: k1\r\n"));
    assert_null(strstr(second, "Idempotency-Key"));
    assert_null(strstr(second, "Content-Type"));
    sc_buf_done(&peer.asked);
}

static void error_answers_become_their_code(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum sc_code want;
        const char *msg, *field;
    } rows[] = {
        { HEAD("404 Not Found", "73") "{\"error\":{\"code\":\"JOB_NOT_FOUND\",\"message\":\"no job "
                                      "9\",\"field\":\"job_id\"}}   ",
          SC_E_JOB_NOT_FOUND, "no job 9", "job_id" },
        { HEAD("409 Conflict", "33") "{\"error\":{\"code\":\"LEASE_LOST\"}}   ", SC_E_LEASE_LOST,
          "lease", "" },
        { HEAD("502 Bad Gateway", "6") "<html>", SC_E_SERVER_UNREACHABLE, "502", "" },
        { HEAD("401 X", "0"), SC_E_UNAUTHENTICATED, "401", "" },
        { HEAD("400 X", "26") "{\"error\":{\"code\":\"WHAT\"}} ", SC_E_INVALID_REQUEST, "400", "" },
        { HEAD("302 X", "0"), SC_E_INTERNAL, "302", "" },
        { "", SC_E_SERVER_UNREACHABLE, "no server answers", "" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", SC_E_SERVER_UNREACHABLE, "", "" },
        { "garbage\r\n\r\n", SC_E_SERVER_UNREACHABLE, "", "" },
    };
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        const char *const answers[] = { rows[i].answer, NULL };
        char path[PATH_MAX];
        struct peer peer;
        struct sc_error err = { 0 };
        SC_AUTO_BUF reply = { 0 };
        int status = -1;
        peer_start(&peer, test_path(&dir, "s", path), answers);
        struct sc_client *c = open_client(path, NULL);
        enum sc_code code = sc_client_call(
            c, &(struct sc_call){ .path = "/", .timeout_ms = PATIENCE_MS }, &status, &reply, &err);
        if (code != rows[i].want || strstr(err.msg, rows[i].msg) == NULL ||
            strcmp(err.field, rows[i].field) != 0)
            fail_msg("row %zu: %s %s", i, sc_code_name(code), err.msg);
        assert_true((status == -1) == (i >= 6));
        sc_client_close(c);
        peer_join(&peer);
        sc_buf_done(&peer.asked);
    }
}

static bool stop_at_once(void *ctx)
{
    return ++*(int *)ctx > 1;
}

static void silence_ends_in_timeout_and_stop_in_cancelled(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const char *const answers[] = { "hang", "hang", NULL };
    char path[PATH_MAX];
    struct peer peer;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    int asked = 0;
    peer_start(&peer, test_path(&dir, "s", path), answers);
    SC_AUTO(sc_client_closep) struct sc_client *c = open_client(path, NULL);
    assert_int_equal(
        sc_client_call(c, &(struct sc_call){ .path = "/", .timeout_ms = 60 }, NULL, &reply, &err),
        SC_E_TIMEOUT);
    sc_client_set_stop(c, stop_at_once, &asked);
    assert_int_equal(sc_client_call(c, &(struct sc_call){ .path = "/" }, NULL, &reply, &err),
                     SC_E_CANCELLED);
    sc_client_close(SC_TAKE(c));
    peer_join(&peer);
    sc_buf_done(&peer.asked);
}

static void servers_and_tokens_are_checked(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const char *const bad[] = { "", "unix:", "ftp://x", "localhost:80", "/run/x.sock" };
    struct sc_client *c = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    char path[PATH_MAX];
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++)
        assert_int_equal(sc_client_open(bad[i], NULL, &c, &err), SC_E_INVALID_VALUE);
    assert_int_equal(sc_client_open("http://x", "a\r\nb: c", &c, &err), SC_E_INVALID_VALUE);
    assert_null(c);
    c = open_client(test_path(&dir, "none", path), NULL);
    assert_int_equal(sc_client_call(c, &(struct sc_call){ .path = "/" }, NULL, &reply, &err),
                     SC_E_SERVER_UNREACHABLE);
    sc_client_close(c);
}

static void a_long_socket_path_is_reached(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const char *const answers[] = { HEAD("200 OK", "2") "ok", NULL };
    char deep[PATH_MAX], path[PATH_MAX + 8];
    struct peer peer;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    char name[151];
    memset(name, 'd', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_int_equal(mkdir(test_path(&dir, name, deep), 0700), 0);
    (void)snprintf(path, sizeof(path), "%s/s.sock", deep);
    peer_start(&peer, path, answers);
    SC_AUTO(sc_client_closep) struct sc_client *c = open_client(path, NULL);
    if (sc_client_call(c, &(struct sc_call){ .path = "/" }, NULL, &reply, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(sc_buf_text(&reply), "ok");
    peer_join(&peer);
    sc_buf_done(&peer.asked);
}

static void too_long_answers_are_refused(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const char *const answers[] = { HEAD("200 OK", "8") "12345678", NULL };
    char path[PATH_MAX];
    struct peer peer;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { .limit = 7 };
    peer_start(&peer, test_path(&dir, "s", path), answers);
    SC_AUTO(sc_client_closep) struct sc_client *c = open_client(path, NULL);
    assert_int_equal(sc_client_call(c, &(struct sc_call){ .path = "/" }, NULL, &reply, &err),
                     SC_E_IO_ERROR);
    peer_join(&peer);
    sc_buf_done(&peer.asked);
}

static void downloads_go_to_the_descriptor_and_errors_do_not(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const char *const answers[] = {
        HEAD("200 OK", "5") "bytes",
        HEAD("404 X", "39") "{\"error\":{\"code\":\"TRANSCRIPT_NOT_FOUND\"}}",
        HEAD("200 OK", "1") "x", NULL
    };
    char path[PATH_MAX], file[PATH_MAX];
    struct peer peer;
    struct sc_error err = { 0 };
    int status = 0;
    peer_start(&peer, test_path(&dir, "s", path), answers);
    SC_AUTO(sc_client_closep) struct sc_client *c = open_client(path, NULL);
    SC_AUTO_CLOSE int fd = open(test_path(&dir, "out", file), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    struct sc_download to_file = { .path = "/x", .fd = fd };
    assert_int_equal(sc_client_download(c, &to_file, &status, &err), SC_OK);
    assert_int_equal(sc_client_download(c, &to_file, &status, &err), SC_E_NOT_FOUND);
    assert_int_equal(status, 404);
    SC_AUTO_FREE char *got = test_read(&dir, "out");
    assert_string_equal(got, "bytes");
    SC_AUTO_CLOSE int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    struct sc_download to_full = { .path = "/x", .fd = full };
    assert_int_equal(sc_client_download(c, &to_full, &status, &err), SC_E_NO_SPACE);
    peer_join(&peer);
    sc_buf_done(&peer.asked);
}

static bool take_event(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct sc_buf *out = ctx;
    (void)type;
    sc_buf_printf(out, "%.*s=%.*s;", (int)id.len, id.ptr, (int)data.len, data.ptr);
    return !sc_str_equal(data, SC_STR("b"));
}

static void events_come_until_the_reader_has_enough(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\n\r\nid: 1\ndata: a\n\ndata: b\n\ndata: c\n\n",
        "HTTP/1.1 200 OK\r\n\r\nid: 1\ndata: a\n\n", HEAD("403 X", "0"), NULL
    };
    char path[PATH_MAX];
    struct peer peer;
    struct sc_error err = { 0 };
    SC_AUTO_BUF out = { 0 };
    peer_start(&peer, test_path(&dir, "s", path), answers);
    SC_AUTO(sc_client_closep) struct sc_client *c = open_client(path, NULL);
    assert_int_equal(sc_client_events(c, "/e", take_event, &out, &err), SC_OK);
    assert_string_equal(sc_buf_text(&out), "1=a;1=b;");
    sc_buf_reset(&out);
    assert_int_equal(sc_client_events(c, "/e", take_event, &out, &err), SC_OK);
    assert_string_equal(sc_buf_text(&out), "1=a;");
    assert_int_equal(sc_client_events(c, "/e", take_event, &out, &err), SC_E_FORBIDDEN);
    peer_join(&peer);
    assert_non_null(strstr(sc_buf_text(&peer.asked), "Accept: text/event-stream"));
    sc_buf_done(&peer.asked);
}

static void uploads_that_cannot_be_read_say_why(void **state)
{
    (void)state;
    SC_AUTO(test_dir_done) struct test_dir dir = test_dir_new();
    struct sc_client *c = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    char path[PATH_MAX];
    assert_int_equal(sc_client_open("unix:/nowhere", NULL, &c, &err), SC_OK);
    struct sc_upload up = { .path = "/u", .file = test_path(&dir, "none", path), .file_name = "x" };
    assert_int_equal(sc_client_upload(c, &up, NULL, &reply, &err), SC_E_FILE_NOT_FOUND);
    up.file = dir.path;
    assert_int_equal(sc_client_upload(c, &up, NULL, &reply, &err), SC_E_INVALID_VALUE);
    sc_client_close(c);
}

static void text_is_percent_encoded(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    sc_url_encode(&out, (struct sc_str){ "a-Z_0.9~ /?&=+%\xc3\xa4\0", 18 });
    assert_string_equal(sc_buf_text(&out), "a-Z_0.9~%20%2F%3F%26%3D%2B%25%C3%A4%00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(calls_carry_their_body_and_bring_the_answer),
        TEST(error_answers_become_their_code),
        TEST(silence_ends_in_timeout_and_stop_in_cancelled),
        TEST(servers_and_tokens_are_checked),
        TEST(a_long_socket_path_is_reached),
        TEST(too_long_answers_are_refused),
        TEST(downloads_go_to_the_descriptor_and_errors_do_not),
        TEST(events_come_until_the_reader_has_enough),
        TEST(uploads_that_cannot_be_read_say_why),
        TEST(text_is_percent_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
