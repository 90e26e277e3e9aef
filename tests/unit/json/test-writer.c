#include "json/writer.h"

#include "testing.h"

#include <math.h>

#include "base/banned.h"

static void objects_and_arrays_nest_with_commas_in_place(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "list");
    sc_json_int(&w, NULL, 1);
    sc_json_object(&w, NULL);
    sc_json_end(&w);
    sc_json_array(&w, NULL);
    sc_json_end(&w);
    sc_json_end(&w);
    sc_json_text(&w, "a", "b");
    sc_json_text(&w, "none", NULL);
    sc_json_bool(&w, "yes", true);
    sc_json_bool(&w, "no", false);
    sc_json_raw(&w, "raw", SC_STR("{\"x\":1}"));
    sc_json_end(&w);
    assert_int_equal(w.depth, 0);
    assert_string_equal(sc_buf_text(&out),
                        "{\"list\":[1,{},[]],\"a\":\"b\",\"none\":null,\"yes\":true,\"no\":false,"
                        "\"raw\":{\"x\":1}}");
}

static void text_is_escaped(void **state)
{
    (void)state;
    static const struct {
        struct sc_str in;
        const char *want;
    } rows[] = {
        { { "plain", 5 }, "\"plain\"" },
        { { "", 0 }, "\"\"" },
        { { NULL, 0 }, "\"\"" },
        { { "\"\\/", 3 }, "\"\\\"\\\\/\"" },
        { { "\b\f\n\r\t", 5 }, "\"\\b\\f\\n\\r\\t\"" },
        { { "a\0b\x1f\x7f", 5 }, "\"a\\u0000b\\u001f\\u007f\"" },
        { { "\xc3\xa4\xe4\xbc\x9a\xf0\x9f\x8e\xa7", 9 },
          "\"\xc3\xa4\xe4\xbc\x9a\xf0\x9f\x8e\xa7\"" },
        { { "\xe2\x80\xa8\xe2\x80\xa9", 6 }, "\"\\u2028\\u2029\"" },
        { { "x\xffy", 3 }, "\"x\xef\xbf\xbdy\"" },
        { { "\xed\xa0\x80", 3 }, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
        { { "\xe4\xbc", 2 }, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF out = { 0 };
        struct sc_json w;
        sc_json_begin(&w, &out);
        sc_json_str(&w, NULL, rows[i].in);
        assert_string_equal(sc_buf_text(&out), rows[i].want);
    }
}

/* Plain text is looked at by eights: each byte, wherever in them and beside whatever it stands. */
static void every_byte_is_escaped_wherever_it_stands(void **state)
{
    (void)state;
    static const char besides[] = { ' ', 'a', '~', '!', '#', '[', ']' };
    for (unsigned c = 0; c < 0x80; c++) {
        for (size_t at = 0; at < 20; at++) {
            SC_AUTO_BUF out = { 0 };
            char text[20], one[8], want[40];
            struct sc_json w;
            memset(text, besides[(at + c) % sizeof(besides)], sizeof(text));
            text[at] = (char)c;
            if (c == '"' || c == '\\')
                (void)snprintf(one, sizeof(one), "\\%c", (int)c);
            else if (c >= 0x20 && c < 0x7f)
                (void)snprintf(one, sizeof(one), "%c", (int)c);
            else if (c == 0 || strchr("\b\t\n\f\r", (int)c) == NULL)
                (void)snprintf(one, sizeof(one), "\\u%04x", c);
            else
                (void)snprintf(one, sizeof(one), "\\%c", "btn fr"[c - '\b']);
            (void)snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at, text, one,
                           (int)(sizeof(text) - at - 1), text + at + 1);
            sc_json_begin(&w, &out);
            sc_json_str(&w, NULL, (struct sc_str){ text, sizeof(text) });
            assert_string_equal(sc_buf_text(&out), want);
        }
    }
}

static void keys_are_escaped(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "a\"b", INT64_MIN);
    sc_json_end(&w);
    assert_string_equal(sc_buf_text(&out), "{\"a\\\"b\":-9223372036854775808}");
}

static void numbers_have_the_digits_asked_for_and_what_is_no_number_is_null(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_array(&w, NULL);
    sc_json_real(&w, NULL, 0.1, 1);
    sc_json_real(&w, NULL, -2.5, 3);
    sc_json_real(&w, NULL, 3.7, 0);
    sc_json_real(&w, NULL, NAN, 2);
    sc_json_real(&w, NULL, -INFINITY, 2);
    sc_json_opt(&w, NULL, -1);
    sc_json_opt(&w, NULL, 0);
    sc_json_seconds(&w, NULL, 1234567);
    sc_json_seconds(&w, NULL, 5);
    sc_json_seconds(&w, NULL, -5);
    sc_json_time(&w, NULL, 0);
    sc_json_time(&w, NULL, 1);
    sc_json_end(&w);
    assert_string_equal(sc_buf_text(&out),
                        "[0.1,-2.500,4,null,null,null,0,1234.567,0.005,null,null,"
                        "\"1970-01-01T00:00:00.001Z\"]");
}

static void a_text_may_come_in_parts(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_text_open(&w, "text");
    sc_json_text_part(&w, SC_STR("a \"b\""));
    sc_json_text_part(&w, SC_STR(""));
    sc_json_text_part(&w, SC_STR("\n\xc3\xa4\\"));
    sc_json_text_close(&w);
    sc_json_text_open(&w, "none");
    sc_json_text_close(&w);
    sc_json_int(&w, "n", 1);
    sc_json_end(&w);
    assert_string_equal(sc_buf_text(&out),
                        "{\"text\":\"a \\\"b\\\"\\n\xc3\xa4\\\\\",\"none\":\"\",\"n\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_text_may_come_in_parts),
        TEST(objects_and_arrays_nest_with_commas_in_place),
        TEST(text_is_escaped),
        TEST(every_byte_is_escaped_wherever_it_stands),
        TEST(keys_are_escaped),
        TEST(numbers_have_the_digits_asked_for_and_what_is_no_number_is_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
