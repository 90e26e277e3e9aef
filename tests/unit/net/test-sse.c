#include "net/sse.h"

#include "testing.h"

#include "base/banned.h"

static bool note(void *ctx, struct sc_str id, struct sc_str type, struct sc_str data)
{
    struct sc_buf *out = ctx;
    sc_buf_printf(out, "[%.*s|%.*s|%.*s]", (int)id.len, id.ptr, (int)type.len, type.ptr,
                  (int)data.len, data.ptr);
    return !sc_str_equal(data, SC_STR("stop"));
}

static const char stream[] = "\xef\xbb\xbf: comment\n\n"
                             "event: job.started\nid: 7\ndata: {\"a\":1}\n\n"
                             "data:one\r\ndata: two\r\ndata\r\n\r\n"
                             "event: none\n\n"
                             "id\rdata:  spaced\r\r"
                             "retry: 10\nunknown: x\nid: 9\n\n"
                             "data: last\n\ndata: cut";
static const char events[] = "[7|job.started|{\"a\":1}][7||one\ntwo\n][|| spaced][9||last]";

static void events_are_read_whatever_the_pieces(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < sizeof(stream); piece++) {
        SC_AUTO_BUF out = { 0 };
        SC_AUTO(sc_sse_done) struct sc_sse sse;
        sc_sse_init(&sse, note, &out);
        for (size_t at = 0; at < sizeof(stream) - 1; at += piece) {
            size_t n = SC_MIN(piece, sizeof(stream) - 1 - at);
            assert_int_equal(sc_sse_feed(&sse, (struct sc_str){ stream + at, n }), SC_SSE_MORE);
        }
        assert_string_equal(sc_buf_text(&out), events);
    }
}

static void the_reader_stops_when_told(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_sse_done) struct sc_sse sse;
    sc_sse_init(&sse, note, &out);
    assert_int_equal(sc_sse_feed(&sse, SC_STR("data: stop\n\ndata: more\n\n")), SC_SSE_ENOUGH);
    assert_string_equal(sc_buf_text(&out), "[||stop]");
}

static void a_line_without_end_is_refused(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO(sc_sse_done) struct sc_sse sse;
    char piece[4096];
    enum sc_sse_state got = SC_SSE_MORE;
    memset(piece, 'x', sizeof(piece));
    sc_sse_init(&sse, note, &out);
    for (size_t n = 0; n <= SC_SSE_EVENT_LIMIT / sizeof(piece) && got == SC_SSE_MORE; n++)
        got = sc_sse_feed(&sse, (struct sc_str){ piece, sizeof(piece) });
    assert_int_equal(got, SC_SSE_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_read_whatever_the_pieces),
        TEST(the_reader_stops_when_told),
        TEST(a_line_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
