#include "rig.h"

#include "base/banned.h"

static int open_stream(struct rig *rig)
{
    int fd = rig_connect_unix(rig);
    rig_send(fd, "GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n");
    return fd;
}

static void what_is_published_arrives_and_the_end_too(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = open_stream(&rig);
    assert_true(rig_read_until(fd, &out, ": hi", 1));
    assert_non_null(strstr(sc_buf_text(&out), "Content-Type: text/event-stream"));
    for (int i = 1; i <= 20; i++) {
        rig_publish("data: tick\n\n");
        assert_true(rig_read_until(fd, &out, "data: tick", i));
    }
    rig_publish(NULL);
    assert_true(rig_read_until(fd, &out, "\r\n0\r\n", 1));
    rig_await(&rig_counters.closed, 1);
    rig_publish("nobody hears this");
}

static void much_at_once_arrives_whole(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF text = { 0 };
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = open_stream(&rig);
    assert_true(rig_read_until(fd, &out, ": hi", 1));
    for (int i = 0; i < 100000; i++)
        sc_buf_puts(&text, "123456789\n");
    sc_buf_puts(&text, "the end");
    rig_publish(sc_buf_text(&text));
    assert_true(rig_read_until(fd, &out, "the end", 1));
}

static void a_listener_that_leaves_is_noticed_while_nothing_happens(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    int fd = open_stream(&rig);
    assert_true(rig_read_until(fd, &out, ": hi", 1));
    (void)close(fd);
    rig_await(&rig_counters.closed, 1);
}

static void a_silent_stream_says_so_every_15_seconds(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(test_clock_done) struct test_clock clock = test_clock_at(1000, 1000);
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = open_stream(&rig);
    assert_true(rig_read_until(fd, &out, ": hi", 1));
    for (int i = 1; i <= 2; i++) {
        test_clock_step(&clock, 15000);
        assert_true(rig_read_until(fd, &out, "\r\n:\n\n\r\n", i));
    }
    sc_clock_set(-1, -1);
}

static void stopping_ends_streams(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    int fds[20];
    rig_start(&rig, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(fds); i++) {
        fds[i] = open_stream(&rig);
        sc_buf_reset(&out);
        assert_true(rig_read_until(fds[i], &out, ": hi", 1));
    }
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_count(&rig_counters.closed), 20);
    for (size_t i = 0; i < SC_ARRAY_LEN(fds); i++) {
        sc_buf_reset(&out);
        rig_read_all(fds[i], &out);
        assert_non_null(strstr(sc_buf_text(&out), "0\r\n\r\n"));
        (void)close(fds[i]);
    }
}

struct hearing {
    int heard;
    bool stop;
};

static bool hear(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct hearing *h = ctx;
    assert_true(sc_str_equal(id, SC_STR("7")));
    assert_true(sc_str_equal(type, SC_STR("tick")));
    assert_true(sc_str_equal(data, SC_STR("{}")));
    h->heard++;
    return true;
}

static bool heard_enough(void *ctx)
{
    const struct hearing *h = ctx;
    if (h->heard == 0)
        rig_publish("id: 7\nevent: tick\ndata: {}\n\n");
    return h->heard > 0 && h->stop;
}

static void our_client_hears_and_leaves(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO(sc_client_closep) struct sc_client *c = NULL;
    struct sc_error err = { 0 };
    struct hearing h = { .stop = true };
    rig_start(&rig, NULL);
    assert_int_equal(sc_client_open(rig.tcp_server, NULL, &c, &err), SC_OK);
    sc_client_set_stop(c, heard_enough, &h);
    assert_int_equal(sc_client_events(c, "/api/stream", hear, &h, &err), SC_E_CANCELLED);
    assert_true(h.heard > 0);
    rig_await(&rig_counters.closed, 1);
}

static void *publish_many(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 300; i++)
        rig_publish("data: x\n\n");
    return NULL;
}

static void waking_races_with_closing(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    pthread_t threads[2];
    rig_start(&rig, NULL);
    for (size_t i = 0; i < SC_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publish_many, NULL), 0);
    for (int i = 0; i < 50; i++) {
        int fd = open_stream(&rig);
        SC_AUTO_BUF out = { 0 };
        assert_true(rig_read_until(fd, &out, ": hi", 1));
        (void)close(fd);
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(threads); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    rig_await(&rig_counters.closed, 50);
    assert_int_equal(rig_count(&rig_counters.streams), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_published_arrives_and_the_end_too),
        TEST(much_at_once_arrives_whole),
        TEST(a_listener_that_leaves_is_noticed_while_nothing_happens),
        TEST(a_silent_stream_says_so_every_15_seconds),
        TEST(stopping_ends_streams),
        TEST(our_client_hears_and_leaves),
        TEST(waking_races_with_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
