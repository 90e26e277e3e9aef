#include "http/ws-codec.h"
#include "http/ws-handshake.h"

#include "testing.h"

#include "base/banned.h"

static void the_key_of_the_standard_is_answered_as_it_says(void **state)
{
    char out[SC_SHA1_BASE64];
    (void)state;
    sc_ws_accept(SC_STR("dGhlIHNhbXBsZSBub25jZQ=="), out);
    assert_string_equal(out, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void keys_are_16_bytes_in_base64(void **state)
{
    (void)state;
    assert_true(sc_ws_key_is_good(SC_STR("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_true(sc_ws_key_is_good(SC_STR("++++////0123456789abcQ==")));
    assert_false(sc_ws_key_is_good(SC_STR("")));
    assert_false(sc_ws_key_is_good(SC_STR("dGhlIHNhbXBsZSBub25jZQ=")));
    assert_false(sc_ws_key_is_good(SC_STR("dGhlIHNhbXBsZSBub25jZQQQ")));
    assert_false(sc_ws_key_is_good(SC_STR("dGhlIHNhbX-sZSBub25jZQ==")));
}

static void lists_hold_words_in_any_case(void **state)
{
    (void)state;
    assert_true(sc_ws_list_has(SC_STR("keep-alive, Upgrade"), SC_STR("upgrade")));
    assert_true(sc_ws_list_has(SC_STR("UPGRADE"), SC_STR("upgrade")));
    assert_false(sc_ws_list_has(SC_STR("upgraded, no upgrade"), SC_STR("upgrade")));
    assert_false(sc_ws_list_has(SC_STR(""), SC_STR("upgrade")));
}

static void a_token_may_come_as_a_protocol(void **state)
{
    (void)state;
    assert_true(
        sc_str_equal(sc_ws_bearer(SC_STR("scripta, bearer.scripta_abc")), SC_STR("scripta_abc")));
    assert_true(sc_str_equal(sc_ws_bearer(SC_STR("bearer.x,scripta")), SC_STR("x")));
    assert_int_equal(sc_ws_bearer(SC_STR("scripta, Bearer abc")).len, 0);
    assert_int_equal(sc_ws_bearer(SC_STR("bearer.")).len, 0);
    assert_int_equal(sc_ws_bearer(SC_STR("")).len, 0);
}

static void a_page_is_of_a_host_or_not(void **state)
{
    static const struct {
        const char *origin, *host;
        bool same;
    } cases[] = {
        { "http://localhost:8000", "localhost:8000", true },
        { "https://Scripta.Example", "scripta.example", true },
        { "http://localhost:8000", "localhost", false },
        { "http://localhost", "localhost:8000", false },
        { "http://localhost.evil.example", "localhost", false },
        { "http://evil.example/localhost", "localhost", false },
        { "ftp://localhost", "localhost", false },
        { "null", "localhost", false },
        { "", "", false },
        { "http://", "", false },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++)
        assert_int_equal(
            sc_origin_is_of_host(sc_str_from(cases[i].origin), sc_str_from(cases[i].host)),
            cases[i].same);
}

static void take_message(void *ctx, struct sc_str payload, bool text)
{
    struct sc_buf *heard = ctx;
    sc_buf_printf(heard, "%s:%.*s;", text ? "text" : "binary", (int)payload.len, payload.ptr);
}

/* "hello", masked with 01 01 01 01. */
#define HELLO "\x81\x85\x01\x01\x01\x01idmmn"

static void messages_come_out_whole_however_they_go_in(void **state)
{
    static const char bytes[] = HELLO "\x01\x82\x01\x01\x01\x01id\x80\x83\x01\x01\x01\x01mmn";
    (void)state;
    for (size_t step = 1; step < sizeof(bytes); step++) {
        SC_AUTO_BUF heard = { 0 }, out = { 0 };
        SC_AUTO(sc_ws_freep) struct sc_ws *ws = sc_ws_new(100, take_message, &heard);
        for (size_t at = 0; at < sizeof(bytes) - 1; at += step) {
            size_t n = SC_MIN(step, sizeof(bytes) - 1 - at);
            assert_true(sc_ws_feed(ws, (struct sc_str){ bytes + at, n }, &out));
        }
        assert_string_equal(sc_buf_text(&heard), "text:hello;text:hello;");
        assert_int_equal(out.len, 0);
    }
}

static void frames_have_the_shortest_length(void **state)
{
    static const struct {
        size_t len, head;
    } cases[] = { { 0, 2 }, { 125, 2 }, { 126, 4 }, { 65535, 4 }, { 65536, 10 } };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO_BUF payload = { 0 }, out = { 0 };
        for (size_t k = 0; k < cases[i].len; k++)
            sc_buf_putc(&payload, 'x');
        sc_ws_frame(&out, SC_WS_TEXT, sc_buf_str(&payload));
        assert_int_equal(out.len, cases[i].head + cases[i].len);
        assert_int_equal((unsigned char)out.ptr[0], 0x81);
    }
}

static void what_is_too_long_or_no_frame_closes_once(void **state)
{
    static const struct {
        struct sc_str bytes;
        int code;
    } cases[] = {
        { { "\x81\xfe\x00\x80\x01\x01\x01\x01xx", 10 }, 1009 },
        { { "\x81\x05hello", 7 }, 1002 },
        { { "\x89\xfe\x00\x7e\x01\x01\x01\x01", 8 }, 1002 },
        { { "\x88\x81\x01\x01\x01\x01x", 7 }, 1002 },
        { { "\x81\x81\x01\x01\x01\x01\xfe", 7 }, 1007 },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(cases); i++) {
        SC_AUTO_BUF heard = { 0 }, out = { 0 };
        SC_AUTO(sc_ws_freep) struct sc_ws *ws = sc_ws_new(100, take_message, &heard);
        assert_true(sc_ws_feed(ws, cases[i].bytes, &out));
        assert_true(sc_ws_is_closing(ws));
        assert_true(sc_ws_is_over(ws));
        assert_int_equal((unsigned char)out.ptr[0], 0x88);
        assert_int_equal((unsigned char)out.ptr[2] << 8 | (unsigned char)out.ptr[3], cases[i].code);
        size_t len = out.len;
        sc_ws_close(ws, SC_WS_NORMAL, "again", &out);
        assert_true(sc_ws_feed(ws, (struct sc_str){ HELLO, sizeof(HELLO) - 1 }, &out));
        assert_int_equal(out.len, len);
        assert_int_equal(heard.len, 0);
    }
}

static void our_closing_waits_for_its_answer(void **state)
{
    SC_AUTO_BUF heard = { 0 }, out = { 0 };
    SC_AUTO(sc_ws_freep) struct sc_ws *ws = sc_ws_new(100, take_message, &heard);
    (void)state;
    sc_ws_close(ws, SC_WS_GOING_AWAY, "bye", &out);
    assert_int_equal(out.len, 7);
    assert_memory_equal(out.ptr,
                        "\x88\x05\x03\xe9"
                        "bye",
                        7);
    assert_true(sc_ws_is_closing(ws));
    assert_false(sc_ws_is_over(ws));
    assert_true(sc_ws_feed(ws, (struct sc_str){ HELLO, sizeof(HELLO) - 1 }, &out));
    assert_int_equal(heard.len, 0);
    assert_true(sc_ws_feed(ws, (struct sc_str){ "\x88\x82\x01\x01\x01\x01\x02\xe8", 8 }, &out));
    assert_true(sc_ws_is_over(ws));
    assert_int_equal(out.len, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_of_the_standard_is_answered_as_it_says),
        TEST(keys_are_16_bytes_in_base64),
        TEST(lists_hold_words_in_any_case),
        TEST(a_token_may_come_as_a_protocol),
        TEST(a_page_is_of_a_host_or_not),
        TEST(messages_come_out_whole_however_they_go_in),
        TEST(frames_have_the_shortest_length),
        TEST(what_is_too_long_or_no_frame_closes_once),
        TEST(our_closing_waits_for_its_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
