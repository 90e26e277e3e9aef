#include "rig.h"

#include <poll.h>
#include <sys/socket.h>

#include "base/banned.h"

/* The answer has this status and holds these pieces. */
static void expect(struct rig *rig, const char *head, const char *body, int status,
                   const char *piece)
{
    SC_AUTO_BUF out = { 0 };
    rig_ask(rig, head, body, &out);
    if (rig_status(&out) != status)
        fail_msg("%s: not %d but:\n%s", head, status, sc_buf_text(&out));
    if (piece != NULL && strstr(sc_buf_text(&out), piece) == NULL)
        fail_msg("%s: no '%s' in:\n%s", head, piece, sc_buf_text(&out));
}

static void handlers_answer_inline_and_in_the_pool(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    expect(&rig, "GET /api/hello HTTP/1.1", NULL, 200, "{\"text\":\"hello\"}");
    expect(&rig, "GET / HTTP/1.1", NULL, 200, "hello");
    expect(&rig, "GET http://localhost/api/hello HTTP/1.1", NULL, 200, "hello");
    expect(&rig, "GET /api/items/a%20b%C3%A4 HTTP/1.1", NULL, 200, "{\"text\":\"a b\xc3\xa4\"}");
    expect(&rig, "GET /api/items/special HTTP/1.1", NULL, 200, "the special one");
    expect(&rig, "DELETE /api/items/special HTTP/1.1", NULL, 200, "{\"text\":\"special\"}");
    expect(&rig, "GET /api/query?b=2&a=x+y%26&b=3&c HTTP/1.1", NULL, 200,
           "b=2;a=x y&;b=3;c=;|x y&|absent");
    expect(&rig, "GET /api/who HTTP/1.1\r\nAuthorization: bearer  tok", NULL, 200,
           "{\"text\":\"tcp loopback tok\"}");
}

static void every_answer_carries_its_headers(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    rig_ask(&rig, "GET /api/who HTTP/1.1\r\nX-Request-Id: my-id.1", NULL, &out);
    static const char *const wanted[] = {
        "\r\nX-Request-Id: my-id.1\r\n",
        "\r\nServer-Timing: total;dur=",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nCache-Control: no-store\r\n",
        "\r\nContent-Security-Policy: default-src 'none'",
        "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
        "\r\nX-Extra: yes\r\n",
        "\r\nContent-Type: application/json\r\n",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(wanted); i++) {
        if (strstr(sc_buf_text(&out), wanted[i]) == NULL)
            fail_msg("no %s in %s", wanted[i], sc_buf_text(&out));
    }
    assert_null(strstr(sc_buf_text(&out), "Set-Cookie"));
    rig_ask(&rig, "GET /api/who HTTP/1.1\r\nX-Request-Id: not sane", NULL, &out);
    assert_null(strstr(sc_buf_text(&out), "not sane"));
    assert_non_null(strstr(sc_buf_text(&out), "X-Request-Id: "));
}

static void errors_have_one_shape(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    expect(&rig, "GET /api/boom HTTP/1.1\r\nX-Request-Id: q", NULL, 404,
           "{\"error\":{\"code\":\"JOB_NOT_FOUND\",\"message\":\"no job "
           "'x\\\"y'\",\"field\":\"job_id\",\"fields\":[{\"field\":\"job_id\","
           "\"message\":\"no job 'x\\\"y'\"}],\"request_id\":\"q\"}}");
    expect(&rig, "GET /api/silent HTTP/1.1", NULL, 500, "\"INTERNAL\"");
    expect(&rig, "GET /api/overflow HTTP/1.1", NULL, 500, "\"INTERNAL\"");
    expect(&rig, "GET /nothing HTTP/1.1", NULL, 404, "\"NOT_FOUND\"");
    expect(&rig, "GET /api/hello/ HTTP/1.1", NULL, 404, NULL);
    expect(&rig, "GET /api/items/ HTTP/1.1", NULL, 404, NULL);
    expect(&rig, "PUT /api/items/1 HTTP/1.1", "", 405, "\r\nAllow: GET, HEAD, DELETE, OPTIONS\r\n");
    expect(&rig, "POST /api/hello HTTP/1.1", "x", 405, "METHOD_NOT_ALLOWED");
    expect(&rig, "GET /api/items/%2e%2e HTTP/1.1", NULL, 400, NULL);
    expect(&rig, "GET /api/items/a%2fb HTTP/1.1", NULL, 400, NULL);
    expect(&rig, "GET /api/items/a%00b HTTP/1.1", NULL, 400, NULL);
    expect(&rig, "GET /api/items/%ff HTTP/1.1", NULL, 400, NULL);
    expect(&rig, "GET /api/items/%4 HTTP/1.1", NULL, 400, NULL);
    expect(&rig, "GET /api/query?a=%00 HTTP/1.1", NULL, 400, NULL);
}

static void options_and_head_are_answered(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    expect(&rig, "OPTIONS /api/items/1 HTTP/1.1", NULL, 204, "\r\nAllow: GET, HEAD, DELETE");
    expect(&rig, "OPTIONS /nothing HTTP/1.1", NULL, 404, NULL);
    expect(&rig, "OPTIONS * HTTP/1.1", NULL, 204, NULL);
    rig_ask(&rig, "HEAD /api/hello HTTP/1.1", NULL, &out);
    assert_int_equal(rig_status(&out), 200);
    assert_non_null(strstr(sc_buf_text(&out), "Content-Length: 16"));
    assert_null(strstr(sc_buf_text(&out), "hello"));
}

static void tokens_and_scopes_are_asked_before_the_body(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    expect(&rig, "GET /api/who HTTP/1.1\r\nAuthorization: Bearer bad", NULL, 401,
           "WWW-Authenticate: Bearer");
    expect(&rig, "GET /api/admin HTTP/1.1", NULL, 403, "lacks the scope 'admin'");
    expect(&rig, "POST /api/body HTTP/1.1\r\nAuthorization: Bearer bad", "{}", 401, NULL);
    int asked = rig_count(&rig_counters.auth);
    expect(&rig, "GET /api/live HTTP/1.1\r\nAuthorization: Bearer bad", NULL, 200, NULL);
    assert_int_equal(rig_count(&rig_counters.auth), asked);
    /* The refusal comes while the body is still owed. */
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    SC_AUTO_BUF out = { 0 };
    rig_send(fd, "POST /api/body HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer bad\r\n"
                 "Content-Type: application/json\r\nExpect: 100-continue\r\n"
                 "Content-Length: 10\r\n\r\n");
    assert_true(rig_read_until(fd, &out, "UNAUTHENTICATED", 1));
    assert_int_equal(rig_status(&out), 401);
}

static void loopback_is_only_who_speaks_for_himself(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        bool trusted;
    } rows[] = {
        { "Host: localhost", true },
        { "Host: LOCALHOST:80", true },
        { "Host: 127.0.0.1:8000", true },
        { "Host: 127.255.0.9", true },
        { "Host: [::1]:8000", true },
        { "Host: [::1]", true },
        { "Host: rebound.example", false },
        { "Host: rebound.example:8000", false },
        { "Host: localhost.example", false },
        { "Host: 127.0.0.1.example", false },
        { "Host: 127.example:8000", false },
        { "Host: 128.0.0.1", false },
        { "Host: [::1].example", false },
        { "Host: [::2]", false },
        { "Host: ", false },
        { "Host: localhost:8000\r\nOrigin: http://localhost:8000", true },
        { "Host: localhost:8000\r\nOrigin: http://LocalHost:8000", true },
        { "Host: localhost:8000\r\nOrigin: http://localhost:3000", false },
        { "Host: localhost:8000\r\nOrigin: https://localhost:8000", false },
        { "Host: localhost:8000\r\nOrigin: http://evil.example", false },
        { "Host: localhost:8000\r\nOrigin: null", false },
        { "Host: localhost\r\nX-Forwarded-For: 127.0.0.1", false },
        { "Host: localhost\r\nForwarded: for=127.0.0.1", false },
        { "Host: localhost\r\nVia: 1.1 proxy", false },
    };
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
        sc_buf_printf(&text, "GET /api/who HTTP/1.1\r\n%s\r\nConnection: close\r\n\r\n",
                      rows[i].headers);
        rig_send(fd, sc_buf_text(&text));
        rig_read_all(fd, &out);
        const char *who = rows[i].trusted ? "\"tcp loopback \"" : "\"tcp \"";
        if (strstr(sc_buf_text(&out), who) == NULL)
            fail_msg("%s: not %s: %s", rows[i].headers, who, sc_buf_text(&out));
    }
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_CLOSE int local = rig_connect_unix(&rig);
    rig_send(local, "GET /api/who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    rig_read_all(local, &out);
    assert_non_null(strstr(sc_buf_text(&out), "\"unix \""));
}

static void bodies_are_limited_and_typed(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    char big[1002];
    memset(big, 'x', sizeof(big));
    big[1001] = '\0';
    expect(&rig, "POST /api/body HTTP/1.1\r\nContent-Type: application/json", "{\"a\":1}", 201,
           "7:{\"a\":1}");
    expect(&rig, "POST /api/body HTTP/1.1\r\nContent-Type: Application/JSON; charset=utf-8", "1",
           201, "1:1");
    expect(&rig, "POST /api/body HTTP/1.1", "", 201, "0:");
    expect(&rig, "POST /api/body HTTP/1.1", "{}", 415, "UNSUPPORTED_TYPE");
    expect(&rig,
           "POST /api/body HTTP/1.1\r\nContent-Type: application/json\r\n"
           "Content-Encoding: gzip",
           "x", 415, NULL);
    expect(&rig, "POST /api/body HTTP/1.1\r\nContent-Type: application/json", big, 413,
           "BODY_TOO_LARGE");
    big[1000] = '\0';
    expect(&rig, "POST /api/body HTTP/1.1\r\nContent-Type: application/json", big, 201, "1000:x");
    expect(&rig, "GET /api/items/1 HTTP/1.1", "no", 413, NULL);
    expect(&rig,
           "POST /api/body HTTP/1.1\r\nContent-Type: application/json\r\n"
           "Expect: 100-continue\r\nContent-Length: 99999999999",
           NULL, 413, NULL);
    expect(&rig,
           "POST /api/body HTTP/1.1\r\nContent-Type: application/json\r\n"
           "Content-Length: 99999999999",
           NULL, 413, NULL);
}

static void chunked_bodies_are_limited_while_they_arrive(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    static const char head[] =
        "POST /api/body HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    rig_send(fd, head);
    rig_send(fd, "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    rig_read_all(fd, &out);
    assert_non_null(strstr(sc_buf_text(&out), "5:abcde"));

    SC_AUTO_CLOSE int long_one = rig_connect_tcp(&rig);
    SC_AUTO_BUF text = { 0 };
    sc_buf_puts(&text, head);
    for (int i = 0; i < 11; i++)
        sc_buf_printf(&text, "64\r\n%0100d\r\n", i);
    sc_buf_puts(&text, "0\r\n\r\n");
    sc_buf_reset(&out);
    rig_send(long_one, sc_buf_text(&text));
    rig_read_all(long_one, &out);
    assert_int_equal(rig_status(&out), 413);
}

static void a_full_queue_answers_503_and_later_recovers(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    const struct rig_options one = { 1, 1000, 30 };
    int fds[34];
    rig_start(&rig, &one);
    fds[0] = rig_connect_tcp(&rig);
    rig_send(fds[0], "GET /api/slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    rig_await(&rig_counters.slow, 1);
    int asked = rig_count(&rig_counters.auth);
    for (int i = 1; i < 34; i++) {
        fds[i] = rig_connect_tcp(&rig);
        rig_send(fds[i], "GET /api/slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        rig_await(&rig_counters.auth, asked + i);
    }
    /* One runs, 32 wait: one was too many, whichever came last. */
    struct pollfd ready[34];
    for (int i = 0; i < 34; i++)
        ready[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
    assert_int_equal(poll(ready, 34, PATIENCE_MS), 1);
    /* Inline routes answer meanwhile. */
    expect(&rig, "GET /api/hello HTTP/1.1", NULL, 200, NULL);
    rig_open_gate();
    for (int i = 0; i < 34; i++) {
        bool refused = ready[i].revents != 0;
        sc_buf_reset(&out);
        rig_read_all(fds[i], &out);
        assert_int_equal(rig_status(&out), refused ? 503 : 200);
        assert_true((strstr(sc_buf_text(&out), "Retry-After: 1") != NULL) == refused);
        (void)close(fds[i]);
    }
}

static void a_connection_serves_many_requests(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = rig_connect_unix(&rig);
    for (int i = 0; i < 50; i++)
        rig_send(fd, "GET /api/items/7 HTTP/1.1\r\nHost: a\r\n\r\n"
                     "POST /api/body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     "Content-Length: 4\r\n\r\nnull");
    assert_true(rig_read_until(fd, &out, "4:null", 50));
}

#define JSON_POST "POST /api/body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"

static void smuggling_is_refused(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    static const char *const rows[] = {
        JSON_POST "Content-Length: 4\r\nContent-Length: 5\r\n\r\nnull1",
        JSON_POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"
                  "\r\n0\r\n\r\n",
        JSON_POST "Content-Length: -1\r\n\r\n",
        JSON_POST "Transfer-Encoding: chunked\r\n\r\n"
                  "fffffffffffffffff\r\nx\r\n",
        "GET /api/hello HTTP/1.1\r\n\r\n",
        "GET /api/hello HTTP/1.1\r\nHost: a\r\nX-A: b\001c\r\n\r\n",
    };
    rig_start(&rig, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
        rig_send(fd, rows[i]);
        (void)shutdown(fd, SHUT_WR);
        rig_read_all(fd, &out);
        int status = rig_status(&out);
        if (status != 0 && (status < 400 || status > 499))
            fail_msg("row %zu: %s", i, sc_buf_text(&out));
    }
    expect(&rig, "GET /api/hello HTTP/1.1", NULL, 200, NULL);
}

/* Headers that drip in and connections that say nothing end; a request that is served does not. */
static void headers_must_come_in_time(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000, 1000);
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int slow = rig_connect_tcp(&rig);
    rig_send(slow, "GET /api/hello HTTP/1.1\r\nHost: a");
    SC_AUTO_CLOSE int served = rig_connect_tcp(&rig);
    rig_send(served, "GET /api/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig_counters.slow, 1);
    struct pollfd ready = { .fd = slow, .events = POLLIN };
    int steps = 0;
    do { /* the connection may be accepted after the first step */
        assert_true(++steps < 100);
        test_clock_step(&clock, 11000);
    } while (poll(&ready, 1, 1500) == 0);
    rig_read_all(slow, &out);
    assert_int_equal(out.len, 0);
    rig_open_gate();
    sc_buf_reset(&out);
    assert_true(rig_read_until(served, &out, "slow", 1));
    sc_clock_set(-1, -1);
}

static void bodies_must_come_faster_than_a_drip(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000, 1000);
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    int asked = rig_count(&rig_counters.auth);
    rig_send(fd, "POST /api/body HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                 "Content-Length: 900\r\n\r\n");
    rig_await(&rig_counters.auth, asked + 1);
    test_clock_step(&clock, 31000);
    rig_send(fd, "x");
    rig_read_all(fd, &out);
    assert_int_equal(out.len, 0);
    sc_clock_set(-1, -1);
}

static void stopping_waits_for_handlers_and_refuses_new_work(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    rig_send(fd, "GET /api/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig_counters.slow, 1);
    rig_open_gate();
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    rig_read_all(fd, &out);
    assert_int_equal(rig_status(&out), 200);
    struct sc_client *c = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF reply = { 0 };
    assert_int_equal(sc_client_open(rig.tcp_server, NULL, &c, &err), SC_OK);
    assert_int_equal(
        sc_client_call(c, &(struct sc_call){ .path = "/api/hello" }, NULL, &reply, &err),
        SC_E_SERVER_UNREACHABLE);
    sc_client_close(c);
}

static void *stop_at_once(void *rig)
{
    sc_http_stop(((struct rig *)rig)->http, 0);
    return NULL;
}

static void past_the_deadline_nothing_more_is_begun(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    pthread_t thread;
    int probes[100], used = 0;
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int slow = rig_connect_tcp(&rig);
    rig_send(slow, "GET /api/slow HTTP/1.1\r\nHost: a\r\n\r\n");
    rig_await(&rig_counters.slow, 1);
    SC_AUTO_CLOSE int fd = rig_connect_tcp(&rig);
    int asked = rig_count(&rig_counters.auth);
    rig_send(fd, JSON_POST "Content-Length: 4\r\n\r\nnul");
    rig_await(&rig_counters.auth, asked + 1);
    /* Taken before nobody is any more; each is served once. */
    for (size_t i = 0; i < SC_ARRAY_LEN(probes); i++) {
        probes[i] = rig_connect_tcp(&rig);
        rig_send(probes[i], "GET /api/live HTTP/1.1\r\nHost: a\r\n\r\n");
        sc_buf_reset(&out);
        assert_true(rig_read_until(probes[i], &out, "hello", 1));
    }
    assert_int_equal(pthread_create(&thread, NULL, stop_at_once, &rig), 0);
    do { /* what even a server that stops answers, until nothing may be held */
        assert_true(used < (int)SC_ARRAY_LEN(probes));
        (void)poll(NULL, 0, 20);
        rig_send(probes[used], "GET /api/live HTTP/1.1\r\nHost: a\r\n\r\n");
        sc_buf_reset(&out);
        rig_read_all(probes[used++], &out);
    } while (rig_status(&out) == 200);
    assert_int_equal(rig_status(&out), 503);
    rig_send(fd, "l");
    sc_buf_reset(&out);
    rig_read_all(fd, &out);
    assert_int_equal(rig_status(&out), 503);
    assert_non_null(strstr(sc_buf_text(&out), "SHUTTING_DOWN"));
    rig_open_gate();
    sc_buf_reset(&out);
    rig_read_all(slow, &out);
    assert_int_equal(rig_status(&out), 200);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < SC_ARRAY_LEN(probes); i++)
        (void)close(probes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(handlers_answer_inline_and_in_the_pool),
        TEST(every_answer_carries_its_headers),
        TEST(errors_have_one_shape),
        TEST(options_and_head_are_answered),
        TEST(tokens_and_scopes_are_asked_before_the_body),
        TEST(loopback_is_only_who_speaks_for_himself),
        TEST(bodies_are_limited_and_typed),
        TEST(chunked_bodies_are_limited_while_they_arrive),
        TEST(a_full_queue_answers_503_and_later_recovers),
        TEST(a_connection_serves_many_requests),
        TEST(smuggling_is_refused),
        TEST(headers_must_come_in_time),
        TEST(bodies_must_come_faster_than_a_drip),
        TEST(stopping_waits_for_handlers_and_refuses_new_work),
        TEST(past_the_deadline_nothing_more_is_begun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
