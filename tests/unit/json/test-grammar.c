/* The grammar of JSON (RFC 8259), by each of its values in each place where a value may stand. */
#include "json/reader.h"

#include "testing.h"

#include "base/banned.h"

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const struct {
    const char *before, *behind;
} places[] = { { "", "" },         { " \t\r\n", "\n" },
               { "[", "]" },       { "[null, ", " ,1]" },
               { "{\"a\":", "}" }, { "{\"\":1 , \"a\" : [", "], \"b\":{}}" } };

static const struct sc_str values[] = {
    TEXT("null"),
    TEXT("true"),
    TEXT("false"),
    TEXT("0"),
    TEXT("-0"),
    TEXT("-1"),
    TEXT("123456789"),
    TEXT("-9223372036854775808"),
    TEXT("9223372036854775807"),
    TEXT("0.5"),
    TEXT("-0.0"),
    TEXT("1e5"),
    TEXT("1E5"),
    TEXT("1e+5"),
    TEXT("1.25e-5"),
    TEXT("0e1"),
    TEXT("0e+1"),
    TEXT("-0.000000000000000000000000000000000000000000000000000000000000000000001"),
    TEXT("\"\""),
    TEXT("\" \""),
    TEXT("\"a\""),
    TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    TEXT("\"\\u0041\\u00e4\\u20AC\""),
    TEXT("\"\\uD834\\uDD1E\""),
    TEXT("\"\\u0000\""),
    TEXT("\"\\uFFFF\""),
    TEXT("\"\xc3\xa4\""),
    TEXT("\"\xe2\x82\xac\""),
    TEXT("\"\xf0\x9d\x84\x9e\""),
    TEXT("\"\xf4\x8f\xbf\xbf\""),
    TEXT("\"\xef\xbb\xbf\""),
    TEXT("\"\x7f\""),
    TEXT("\"\xe2\x80\xa8\""),
    TEXT("\"[{]},:\\\\\""),
    TEXT("[]"),
    TEXT("[ ]"),
    TEXT("[[],[]]"),
    TEXT("[1,\"2\",3.0,null,true,{}]"),
    TEXT("{}"),
    TEXT("{ }"),
    TEXT("{\"a\":1,\"b\":2}"),
    TEXT("{\"\":0}"),
    TEXT("{\"a\\u0041\":{\"a\":[{}]}}"),
    TEXT("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"),
};

static const struct sc_str no_values[] = {
    TEXT(""),
    TEXT("nul"),
    TEXT("nulls"),
    TEXT("NULL"),
    TEXT("True"),
    TEXT("tru\xc3\xa9"),
    TEXT("undefined"),
    TEXT("NaN"),
    TEXT("Infinity"),
    TEXT("-Infinity"),
    TEXT("a"),
    TEXT("'a'"),
    TEXT("+1"),
    TEXT("-"),
    TEXT("- 1"),
    TEXT("--1"),
    TEXT("01"),
    TEXT("-01"),
    TEXT("1."),
    TEXT("1.e1"),
    TEXT(".5"),
    TEXT("-.5"),
    TEXT("1e"),
    TEXT("1e+"),
    TEXT("1e1.5"),
    TEXT("1.2.3"),
    TEXT("1_000"),
    TEXT("1 000"),
    TEXT("0x10"),
    TEXT("1a"),
    TEXT("\xef\xbc\x91"),
    TEXT("\""),
    TEXT("\"a"),
    TEXT("\"\\\""),
    TEXT("\"\\x41\""),
    TEXT("\"\\'\""),
    TEXT("\"\\a\""),
    TEXT("\"\\u\""),
    TEXT("\"\\u00\""),
    TEXT("\"\\u00G0\""),
    TEXT("\"\\U0041\""),
    TEXT("\"\\uD834\""),
    TEXT("\"\\uD834\\u0041\""),
    TEXT("\"\\uDD1E\""),
    TEXT("\"\t\""),
    TEXT("\"\n\""),
    TEXT("\"\x1f\""),
    TEXT("\"\0\""),
    TEXT("\"\xff\""),
    TEXT("\"\x80\""),
    TEXT("\"\xc3\""),
    TEXT("\"\xc0\xaf\""),
    TEXT("\"\xe0\x80\xaf\""),
    TEXT("\"\xed\xa0\x80\""),
    TEXT("\"\xf4\x90\x80\x80\""),
    TEXT("\"\xf8\x88\x80\x80\x80\""),
    TEXT("["),
    TEXT("]"),
    TEXT("[1"),
    TEXT("[1,"),
    TEXT("[,1]"),
    TEXT("[1,,2]"),
    TEXT("[1 2]"),
    TEXT("[1;2]"),
    TEXT("[1}"),
    TEXT("[\"a\": 1]"),
    TEXT("{"),
    TEXT("}"),
    TEXT("{]"),
    TEXT("{,}"),
    TEXT("{\"a\"}"),
    TEXT("{\"a\":}"),
    TEXT("{:1}"),
    TEXT("{\"a\" 1}"),
    TEXT("{\"a\"::1}"),
    TEXT("{\"a\"=1}"),
    TEXT("{\"a\":1,}"),
    TEXT("{\"a\":1 \"b\":2}"),
    TEXT("{a:1}"),
    TEXT("{'a':1}"),
    TEXT("{1:1}"),
    TEXT("{null:1}"),
    TEXT("{\"a\":1"),
    TEXT("{\"a\":1]"),
    TEXT("[1]/**/ //"),
    TEXT("/* a */ 1"),
    TEXT("# 1"),
    TEXT("\f1"),
    TEXT("\xc2\xa0"
         "1"),
    TEXT("\xe2\x80\x8b"
         "1"),
    TEXT("1\0"),
    /* Which of them counts is another with every reader. */
    TEXT("{\"a\":1,\"a\":1}"),
    TEXT("{\"a\":1,\"\\u0061\":2}"),
};

/* Rows of which none is right, whatever stands around them. */
static const struct sc_str no_texts[] = {
    TEXT("1 2"),
    TEXT("[] []"),
    TEXT("{}{}"),
    TEXT("[]]"),
    TEXT("{}}"),
    TEXT("[1],"),
    TEXT(",[1]"),
    TEXT("\"a\"b"),
    TEXT("\xef\xbb\xbf{}"),
    TEXT(" "),
    TEXT("\xff\xfe{\0}\0"),
    TEXT("{}\0"),
    TEXT("*"),
    TEXT("<a/>"),
    TEXT("[1]x"),
    TEXT("{\"a\":1}#"),
};

static bool takes(const char *bytes, size_t len)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    enum sc_code code = sc_json_parse((struct sc_str){ bytes, len }, &doc, &err);
    assert_true(code == SC_OK || code == SC_E_INVALID_REQUEST);
    return code == SC_OK;
}

static int check(const struct sc_str *rows, size_t count, bool want)
{
    int checked = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < SC_ARRAY_LEN(places); p++) {
            SC_AUTO_BUF text = { 0 };
            sc_buf_puts(&text, places[p].before);
            sc_buf_put_str(&text, rows[i]);
            sc_buf_puts(&text, places[p].behind);
            /* "[]" and the like are right without a value. */
            bool right = want || (rows[i].len == 0 && (p == 2 || p == 5));
            if (takes(sc_buf_text(&text), text.len) != right)
                fail_msg("place %zu: %s: %s", p, sc_buf_text(&text), right ? "refused" : "taken");
            checked += right == want;
        }
    }
    return checked;
}

static void values_are_taken_wherever_they_stand(void **state)
{
    (void)state;
    assert_true(check(values, SC_ARRAY_LEN(values), true) >= 95);
}

static void what_is_no_value_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    int checked = check(no_values, SC_ARRAY_LEN(no_values), false);
    for (size_t i = 0; i < SC_ARRAY_LEN(no_texts); i++) {
        if (takes(no_texts[i].ptr, no_texts[i].len))
            fail_msg("taken: %s", no_texts[i].ptr);
    }
    assert_true(checked >= 188);
}

/* The standard leaves these open; none of them may stop the server. */
static void what_is_left_open_does_no_harm(void **state)
{
    static const struct sc_str rows[] = {
        TEXT("1e400"),
        TEXT("-1e400"),
        TEXT("1e-400"),
        TEXT("123456789012345678901234567890"),
        TEXT("0.4e00669999999999999999999999999999999999999999999999999999999999999999999999"),
        TEXT("\"\\uDFFF\\uD800\""),
        TEXT("\"\\uD800\\uD800\""),
        TEXT("[\"\\uDADA\"]"),
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        (void)takes(rows[i].ptr, rows[i].len);
}

static void a_hundred_thousand_brackets_are_refused(void **state)
{
    (void)state;
    static const char *const pieces[] = { "[", "{\"a\":", "[{\"a\":", "]" };
    for (size_t i = 0; i < SC_ARRAY_LEN(pieces); i++) {
        SC_AUTO_BUF text = { 0 };
        for (int n = 0; n < 100000; n++)
            sc_buf_puts(&text, pieces[i]);
        assert_false(takes(text.ptr, text.len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_are_taken_wherever_they_stand),
        TEST(what_is_no_value_is_refused_wherever_it_stands),
        TEST(what_is_left_open_does_no_harm),
        TEST(a_hundred_thousand_brackets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
