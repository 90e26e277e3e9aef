#include "rig.h"

#include "http/websocket.h"

#include <sys/socket.h>

#include "base/banned.h"

/* Masked with 01 01 01 01. */
#define HELLO "\x81\x85\x01\x01\x01\x01idmmn"
#define CLOSE_YOURSELF         \
    "\x81\x85\x01\x01\x01\x01" \
    "bmnrd"
#define PONG "\x8a\x80\x01\x01\x01\x01"

/* rig_read_until for what holds NUL. */
static void read_until(int fd, struct sc_buf *out, struct sc_str mark, size_t from)
{
    while (out->len <= from ||
           memmem(out->ptr + from, out->len - from, mark.ptr, mark.len) == NULL) {
        char piece[64];
        ssize_t n = recv(fd, piece, sizeof(piece), 0);
        assert_true(n > 0);
        sc_buf_append(out, piece, (size_t)n);
    }
}

static void a_socket_echoes_and_its_end_is_told(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    int fd = rig_open_socket(&rig);
    rig_send(fd, HELLO HELLO);
    assert_true(rig_read_until(fd, &out, "\x81\x05hello", 2));
    (void)close(fd);
    rig_await(&rig_counters.sockets_closed, 1);
    assert_int_equal(rig_count(&rig_counters.sockets), 1);
}

static void its_owner_closes_it_with_a_code(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = rig_open_socket(&rig);
    rig_send(fd, CLOSE_YOURSELF HELLO);
    assert_true(rig_read_until(fd, &out, "as you wish", 1));
    assert_memory_equal(out.ptr, "\x88\x0d\x03\xf0", 4); /* nothing before or behind it */
    assert_int_equal(out.len, 15);
    rig_send(fd, "\x88\x82\x01\x01\x01\x01\x02\xf1"); /* the answer */
    rig_read_all(fd, &out);
    assert_int_equal(out.len, 15);
    (void)shutdown(fd, SHUT_RDWR);
    rig_await(&rig_counters.sockets_closed, 1);
}

static void stopping_closes_all_that_are_open(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    int fds[20];
    rig_start(&rig, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(fds); i++)
        fds[i] = rig_open_socket(&rig);
    rig_await(&rig_counters.sockets, SC_ARRAY_LEN(fds));
    sc_http_stop(rig.http, 0); /* no time: they are told and dropped */
    assert_int_equal(rig_count(&rig_counters.sockets_closed), 20);
    for (size_t i = 0; i < SC_ARRAY_LEN(fds); i++) {
        SC_AUTO_BUF out = { 0 };
        rig_read_all(fds[i], &out);
        assert_true(out.len > 4);
        assert_memory_equal(out.ptr, "\x88\x18\x03\xe9", 4);
        (void)close(fds[i]);
    }
}

static void who_is_silent_is_asked_and_then_dropped(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000, 1000);
    rig_start(&rig, &(struct rig_options){ .workers = 2, .idle_timeout_s = 30, .ping_ms = 20000 });
    SC_AUTO_CLOSE int fd = rig_open_socket(&rig);
    rig_await(&rig_counters.sockets, 1);
    test_clock_step(&clock, 20000);
    read_until(fd, &out, SC_STR("\x89"), 0);
    rig_send(fd, PONG HELLO);
    read_until(fd, &out, SC_STR("hello"), 0);
    size_t heard = out.len;
    test_clock_step(&clock, 20000);
    read_until(fd, &out, SC_STR("\x89"), heard);
    test_clock_step(&clock, 30000);
    rig_await(&rig_counters.sockets_closed, 1);
    sc_clock_set(-1, -1);
}

static void there_are_so_many_and_no_more(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, &(struct rig_options){ .workers = 2, .idle_timeout_s = 30, .socket_limit = 1 });
    SC_AUTO_CLOSE int fd = rig_open_socket(&rig);
    assert_true(fd >= 0);
    rig_ask(&rig,
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            NULL, &out);
    assert_int_equal(rig_status(&out), 503);
    assert_non_null(strstr(sc_buf_text(&out), "Retry-After: 5"));
    rig_await(&rig_counters.sockets_closed, 1);
}

static void *wake_often(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 2000; i++)
        rig_wake_sockets();
    return NULL;
}

static void waking_races_with_coming_and_going(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    pthread_t threads[2];
    rig_start(&rig, NULL);
    (void)close(rig_open_socket(&rig));
    for (size_t i = 0; i < SC_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wake_often, NULL), 0);
    for (int i = 0; i < 50; i++) {
        SC_AUTO_BUF out = { 0 };
        int fd = rig_open_socket(&rig);
        rig_send(fd, HELLO);
        assert_true(i % 2 == 0 || rig_read_until(fd, &out, "hello", 1));
        (void)close(fd);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rig_await(&rig_counters.sockets_closed, 51);
    assert_true(rig_count(&rig_counters.rounds) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_socket_echoes_and_its_end_is_told), TEST(its_owner_closes_it_with_a_code),
        TEST(stopping_closes_all_that_are_open),   TEST(who_is_silent_is_asked_and_then_dropped),
        TEST(there_are_so_many_and_no_more),       TEST(waking_races_with_coming_and_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
