#include "rig.h"

#include "base/banned.h"

#define CROWD 200

static int ask_to_park(struct rig *rig, const char *query)
{
    int fd = rig_connect_unix(rig);
    SC_AUTO_BUF text = { 0 };
    sc_buf_printf(&text, "GET /api/%s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", query);
    rig_send(fd, sc_buf_text(&text));
    return fd;
}

static void expect_waited(int fd)
{
    SC_AUTO_BUF out = { 0 };
    rig_read_all(fd, &out);
    assert_int_equal(rig_status(&out), 200);
    assert_non_null(strstr(sc_buf_text(&out), "waited"));
}

static void a_parked_request_is_answered_when_resumed(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    for (int i = 0; i < 2; i++) {
        SC_AUTO_CLOSE int fd = ask_to_park(&rig, i == 0 ? "park" : "park-inline");
        rig_await(&rig_counters.parked, i + 1);
        assert_int_equal(rig_resume_all(), 1);
        expect_waited(fd);
    }
    assert_int_equal(rig_count(&rig_counters.again), 2);
    assert_int_equal(rig_count(&rig_counters.gone), 0);
}

static void a_wake_up_before_the_parking_counts(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = ask_to_park(&rig, "park?early=1");
    expect_waited(fd);
}

static void the_deadline_ends_the_wait(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int past = ask_to_park(&rig, "park?ms=0");
    expect_waited(past);
    SC_AUTO_CLOSE int soon = ask_to_park(&rig, "park?ms=30");
    expect_waited(soon);
    assert_int_equal(rig_resume_all(), 0);
}

static void a_client_that_leaves_is_noticed(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    rig_start(&rig, NULL);
    int fd = ask_to_park(&rig, "park");
    rig_await(&rig_counters.parked, 1);
    (void)close(fd);
    rig_await(&rig_counters.gone, 1);
    assert_int_equal(rig_resume_all(), 0);
    assert_int_equal(rig_count(&rig_counters.again), 0);
    SC_AUTO_CLOSE int next = ask_to_park(&rig, "park?ms=1");
    expect_waited(next);
}

static void *resume_for_ever(void *ctx)
{
    int *left = ctx;
    while (*left > 0) {
        *left -= rig_resume_all();
        sc_clock_sleep_ms(1);
    }
    return NULL;
}

static void two_hundred_are_each_resumed_once(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    int fds[CROWD];
    pthread_t thread;
    int left = CROWD;
    rig_start(&rig, NULL);
    assert_int_equal(pthread_create(&thread, NULL, resume_for_ever, &left), 0);
    for (int i = 0; i < CROWD; i++)
        fds[i] = ask_to_park(&rig, "park");
    for (int i = 0; i < CROWD; i++) {
        expect_waited(fds[i]);
        (void)close(fds[i]);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(rig_count(&rig_counters.again), CROWD);
    assert_int_equal(rig_count(&rig_counters.gone), 0);
}

/* Resumes, deadlines and leaving clients race: each request ends exactly once. */
static void races_end_each_request_once(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    int fds[CROWD];
    rig_start(&rig, NULL);
    for (int i = 0; i < CROWD; i++)
        fds[i] = ask_to_park(&rig, i % 3 == 0 ? "park?ms=5" : "park");
    for (int i = 0; i < CROWD; i++) {
        if (i % 3 == 1)
            (void)close(fds[i]);
        if (i % 16 == 0)
            (void)rig_resume_all();
    }
    rig_await(&rig_counters.parked, CROWD);
    (void)rig_resume_all();
    for (int i = 0; i < CROWD; i++) {
        if (i % 3 == 1)
            continue;
        expect_waited(fds[i]);
        (void)close(fds[i]);
    }
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    assert_int_equal(rig_count(&rig_counters.again) + rig_count(&rig_counters.gone), CROWD);
}

static void stopping_answers_those_who_wait(void **state)
{
    (void)state;
    SC_AUTO(rig_done) struct rig rig;
    SC_AUTO_BUF out = { 0 };
    rig_start(&rig, NULL);
    SC_AUTO_CLOSE int fd = ask_to_park(&rig, "park");
    rig_await(&rig_counters.parked, 1);
    sc_http_stop(rig.http, sc_clock_mono_ms() + 10000);
    rig_read_all(fd, &out);
    assert_int_equal(rig_status(&out), 503);
    assert_non_null(strstr(sc_buf_text(&out), "SHUTTING_DOWN"));
    assert_int_equal(rig_count(&rig_counters.gone), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_parked_request_is_answered_when_resumed),
        TEST(a_wake_up_before_the_parking_counts),
        TEST(the_deadline_ends_the_wait),
        TEST(a_client_that_leaves_is_noticed),
        TEST(two_hundred_are_each_resumed_once),
        TEST(races_end_each_request_once),
        TEST(stopping_answers_those_who_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
