#include "base/buf.h"

#include "testing.h"

#include "base/banned.h"

static void appends_add_up_and_stay_terminated(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    assert_string_equal(sc_buf_text(&b), "");
    sc_buf_puts(&b, "ab");
    sc_buf_putc(&b, 'c');
    sc_buf_put_str(&b, SC_STR("de"));
    sc_buf_printf(&b, "%d%s", 12, "x");
    sc_buf_append(&b, NULL, 0);
    assert_false(b.failed);
    assert_int_equal(b.len, 8);
    assert_string_equal(sc_buf_text(&b), "abcde12x");
}

static void the_limit_is_exact_and_failure_sticks_until_reset(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { .limit = 4 };
    sc_buf_puts(&b, "1234");
    assert_false(b.failed);
    sc_buf_putc(&b, '5');
    assert_true(b.failed);
    assert_int_equal(b.len, 4);
    assert_null(sc_buf_reserve(&b, 0));
    sc_buf_reset(&b);
    assert_false(b.failed);
    assert_string_equal(sc_buf_text(&b), "");
    sc_buf_printf(&b, "%s", "12345");
    assert_true(b.failed);
    assert_null(sc_buf_take(&b));
    assert_false(b.failed);
    assert_int_equal(b.limit, 4);
}

static void reserved_room_is_terminated_when_len_is_raised(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    sc_buf_puts(&b, "a");
    char *room = sc_buf_reserve(&b, 100);
    assert_non_null(room);
    memset(room, 'x', 3);
    b.len += 3;
    assert_string_equal(b.ptr, "axxx");
}

static void what_is_extended_is_content_at_once(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { .limit = 4 };
    sc_buf_puts(&b, "a");
    char *more = sc_buf_extend(&b, 3);
    assert_non_null(more);
    memcpy(more, "bcd", 3);
    assert_int_equal(b.len, 4);
    assert_string_equal(b.ptr, "abcd");
    assert_null(sc_buf_extend(&b, 1));
    assert_true(b.failed);
    assert_int_equal(b.len, 4);
}

static void consuming_drops_the_front(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    sc_buf_consume(&b, 0);
    sc_buf_puts(&b, "hello");
    sc_buf_consume(&b, 2);
    assert_string_equal(sc_buf_text(&b), "llo");
    sc_buf_consume(&b, 3);
    assert_string_equal(sc_buf_text(&b), "");
    assert_int_equal(b.len, 0);
}

static void taking_moves_the_text_out(void **state)
{
    (void)state;
    SC_AUTO_BUF b = { 0 };
    SC_AUTO_FREE char *empty = sc_buf_take(&b);
    assert_string_equal(empty, "");
    sc_buf_puts(&b, "text");
    SC_AUTO_FREE char *text = sc_buf_take(&b);
    assert_string_equal(text, "text");
    assert_null(b.ptr);
    assert_int_equal(b.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(appends_add_up_and_stay_terminated),
        TEST(the_limit_is_exact_and_failure_sticks_until_reset),
        TEST(reserved_room_is_terminated_when_len_is_raised),
        TEST(what_is_extended_is_content_at_once),
        TEST(consuming_drops_the_front),
        TEST(taking_moves_the_text_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
