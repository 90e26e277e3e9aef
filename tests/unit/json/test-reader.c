#include "json/reader.h"

#include "testing.h"

#include "base/banned.h"

static struct sc_json_doc *parse(const char *text)
{
    struct sc_json_doc *doc = NULL;
    struct sc_error err = { 0 };
    if (sc_json_parse(sc_str_from(text), &doc, &err) != SC_OK)
        fail_msg("%s: %s", text, err.msg);
    return doc;
}

static void refuses(struct sc_str text)
{
    struct sc_json_doc *doc = (struct sc_json_doc *)-1;
    struct sc_error err = { 0 };
    assert_int_equal(sc_json_parse(text, &doc, &err), SC_E_INVALID_REQUEST);
    assert_ptr_equal(doc, (struct sc_json_doc *)-1);
    assert_true(strlen(err.msg) > 10);
}

static void text_that_is_no_strict_json_is_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{'a':1}",
        "// c\n1",
        "NaN",
        "Infinity",
        "01",
        "+1",
        ".5",
        "1.",
        "1e",
        "tru",
        "[1] x",
        "{} {}",
        "{\"a\":1,\"a\":2}",
        "\"\\ud800\"",
        "\"\\udc00x\"",
        "\"\\ud800\\u0041\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\"\n\"",
        "1e400",
        "-1e400",
        "99999999999999999999",
        "-9223372036854775809",
        "\"\\x41\"",
        "[\"a\" \"b\"]",
        "{1:2}",
        "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        refuses(sc_str_from(rows[i]));
    refuses((struct sc_str){ "[1]\0", 4 });
    refuses((struct sc_str){ NULL, 0 });
}

/* Where in it nothing stands is of no help. */
static void what_is_empty_is_told_to_be(void **state)
{
    static const char *const rows[] = { "", " ", "\r\n\t" };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_json_doc *doc = NULL;
        struct sc_error err = { 0 };
        assert_int_equal(sc_json_parse(sc_str_from(rows[i]), &doc, &err), SC_E_INVALID_REQUEST);
        assert_string_equal(err.msg, "no valid JSON: it is empty");
    }
}

static void strict_json_is_taken(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "null",
        " [ ] ",
        "{}",
        "\"\"",
        "-0",
        "1E+2",
        "-9223372036854775808",
        "1e-400",
        "\"\\ud83c\\udfa7\"",
        "\"\\u0000\"",
        "[[],{\"a\":[true,false]}]",
        "\"\x7f\"",
        "\"\\/\"",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        sc_json_doc_free(parse(rows[i]));
}

static void nesting_ends_at_64(void **state)
{
    (void)state;
    char text[64 * 2 + 3] = { 0 };
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    sc_json_doc_free(parse(text));
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    refuses((struct sc_str){ text, 130 });

    SC_AUTO_BUF deep = { 0 };
    for (int i = 0; i < 100000; i++)
        sc_buf_puts(&deep, "{\"a\":");
    refuses(sc_buf_str(&deep));
    sc_json_doc_free(parse("[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
                           "\\\"[[[[[[[[[[[[[[[[\"]"));
}

static void the_message_says_where_and_quotes_nothing(void **state)
{
    (void)state;
    struct sc_json_doc *doc;
    struct sc_error err = { 0 };
    assert_int_equal(sc_json_parse(SC_STR("{\n \"token\": s3cret }"), &doc, &err),
                     SC_E_INVALID_REQUEST);
    assert_non_null(strstr(err.msg, "line 2"));
    assert_null(strstr(err.msg, "s3cret"));
}

static void values_come_typed_with_fallbacks(void **state)
{
    (void)state;
    SC_AUTO(sc_json_doc_freep)
    struct sc_json_doc *doc = parse("{\"t\":\"x\",\"i\":9007199254740993,\"r\":1.5,\"b\":true,"
                                    "\"n\":null,\"a\":[1,2],\"nul\":\"a\\u0000b\"}");
    const struct sc_json_value *root = sc_json_root(doc);
    assert_int_equal(sc_json_type(root), SC_JSON_OBJECT);
    assert_int_equal(sc_json_count(root), 7);
    assert_string_equal(sc_json_get_text(sc_json_member(root, "t"), "y"), "x");
    assert_string_equal(sc_json_get_text(sc_json_member(root, "i"), "y"), "y");
    assert_string_equal(sc_json_get_text(sc_json_member(root, "nul"), "y"), "y");
    assert_int_equal(sc_json_get_str(sc_json_member(root, "nul"), SC_STR("")).len, 3);
    assert_true(sc_json_get_int(sc_json_member(root, "i"), 0) == 9007199254740993);
    assert_int_equal(sc_json_get_int(sc_json_member(root, "r"), 7), 7);
    assert_true(sc_json_get_real(sc_json_member(root, "r"), 0) == 1.5);
    assert_true(sc_json_get_real(sc_json_at(sc_json_member(root, "a"), 1), 0) == 2.0);
    assert_true(sc_json_get_bool(sc_json_member(root, "b"), false));
    assert_true(sc_json_get_bool(NULL, true));
    assert_int_equal(sc_json_type(sc_json_member(root, "n")), SC_JSON_NULL);
    assert_null(sc_json_member(root, "zzz"));
    assert_null(sc_json_at(sc_json_member(root, "a"), 2));
    assert_null(sc_json_member(NULL, "a"));
    assert_int_equal(sc_json_count(NULL), 0);
}

static void members_keep_the_order_of_the_document_and_dumps_are_sorted(void **state)
{
    (void)state;
    SC_AUTO(sc_json_doc_freep)
    struct sc_json_doc *doc = parse("{ \"z\": 0.1, \"a\": [true, null], \"m\": \"\\u00e4\" }");
    SC_AUTO_BUF keys = { 0 };
    const char *key;
    const struct sc_json_value *v;
    for (void *at = NULL; (at = sc_json_next_member(sc_json_root(doc), at, &key, &v)) != NULL;)
        sc_buf_puts(&keys, key);
    assert_string_equal(sc_buf_text(&keys), "zam");

    SC_AUTO_BUF out = { 0 };
    sc_json_dump(sc_json_root(doc), &out);
    assert_false(out.failed);
    assert_string_equal(sc_buf_text(&out), "{\"a\":[true,null],\"m\":\"\xc3\xa4\",\"z\":0.1}");

    SC_AUTO_BUF small = { .limit = 8 };
    sc_json_dump(sc_json_root(doc), &small);
    assert_true(small.failed);
}

struct body {
    struct sc_str name;
    int64_t count;
    double rate;
    bool fast;
    const struct sc_json_value *list;
    const struct sc_json_value *any;
};

static enum sc_code read_body(const char *text, struct body *into, bool *given,
                              struct sc_error *err)
{
    const struct sc_json_field fields[] = {
        SC_BODY(struct body, name, TEXT, .required = true, .min = 1, .max = 4),
        SC_BODY(struct body, count, INT, .min = 1, .max = 10, .given = given),
        SC_BODY(struct body, rate, REAL, .min = 0, .max = 2),
        SC_BODY(struct body, fast, BOOL, .required = false),
        SC_BODY(struct body, list, ARRAY, .required = false),
        SC_BODY(struct body, any, NULL, .required = false),
    };
    struct sc_json_doc *doc = parse(text);
    enum sc_code code = sc_json_read(sc_json_root(doc), fields, SC_ARRAY_LEN(fields), into, err);
    if (into->list != NULL)
        assert_int_equal(sc_json_count(into->list), 2);
    sc_json_doc_free(doc);
    return code;
}

static void a_body_lands_in_its_struct(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    bool given = false;
    struct body b = { .count = 5 };
    assert_int_equal(read_body("{\"name\":\"abcd\",\"rate\":2,\"fast\":true,\"list\":[1,2],"
                               "\"any\":7}",
                               &b, &given, &err),
                     SC_OK);
    assert_int_equal(b.name.len, 4);
    assert_int_equal(b.count, 5);
    assert_false(given);
    assert_true(b.rate == 2.0 && b.fast && b.any != NULL);

    b = (struct body){ .count = 5 };
    assert_int_equal(read_body("{\"name\":\"a\",\"count\":null}", &b, &given, &err), SC_OK);
    assert_false(given);
    assert_int_equal(read_body("{\"name\":\"a\",\"count\":10}", &b, &given, &err), SC_OK);
    assert_true(given);
    assert_int_equal(b.count, 10);
}

static void every_bad_field_is_named_and_nothing_is_written(void **state)
{
    (void)state;
    struct sc_error err = { 0 };
    bool given = false;
    struct body b = { .count = 5 };
    assert_int_equal(read_body("{\"count\":11,\"x\":1,\"fast\":\"yes\",\"rate\":2.5,\"list\":{}}",
                               &b, &given, &err),
                     SC_E_INVALID_VALUE);
    assert_string_equal(err.field, "count");
    assert_non_null(strstr(err.msg, "'count' must be from 1 to 10"));
    assert_non_null(strstr(err.msg, "'x' is not known"));
    assert_non_null(strstr(err.msg, "'fast' must be true or false"));
    assert_non_null(strstr(err.msg, "'rate'"));
    assert_non_null(strstr(err.msg, "'list' must be an array"));
    assert_non_null(strstr(err.msg, "'name' is missing"));
    assert_int_equal(b.count, 5);
    assert_null(b.name.ptr);
    assert_false(given);

    assert_int_equal(read_body("{\"name\":\"abcde\"}", &b, &given, &err), SC_E_INVALID_VALUE);
    assert_int_equal(read_body("{\"name\":\"\"}", &b, &given, &err), SC_E_INVALID_VALUE);
    assert_int_equal(read_body("{\"name\":\"a\\u0000\"}", &b, &given, &err), SC_E_INVALID_VALUE);
    assert_int_equal(read_body("{\"name\":null}", &b, &given, &err), SC_E_INVALID_VALUE);
    assert_int_equal(read_body("{\"name\":\"a\",\"count\":1.0}", &b, &given, &err),
                     SC_E_INVALID_VALUE);
    assert_int_equal(read_body("[]", &b, &given, &err), SC_E_INVALID_REQUEST);
}

static const char *colour(int index)
{
    static const char *const words[] = { "red", "green", "blue" };
    return index < (int)SC_ARRAY_LEN(words) ? words[index] : NULL;
}

static void words_are_those_of_the_table(void **state)
{
    (void)state;
    static const struct sc_json_field fields[] = {
        SC_BODY(struct body, name, TEXT, .words = colour),
    };
    struct sc_error err = { 0 };
    struct body b = { .count = 5 };
    struct sc_json_doc *doc = parse("{\"name\":\"green\"}");
    assert_int_equal(sc_json_read(sc_json_root(doc), fields, 1, &b, &err), SC_OK);
    assert_true(sc_str_equal(b.name, SC_STR("green")));
    sc_json_doc_free(doc);
    doc = parse("{\"name\":\"gree\"}");
    assert_int_equal(sc_json_read(sc_json_root(doc), fields, 1, &b, &err), SC_E_INVALID_VALUE);
    assert_string_equal(err.msg, "name must be red, green or blue");
    sc_json_doc_free(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_that_is_no_strict_json_is_refused),
        TEST(what_is_empty_is_told_to_be),
        TEST(strict_json_is_taken),
        TEST(nesting_ends_at_64),
        TEST(the_message_says_where_and_quotes_nothing),
        TEST(values_come_typed_with_fallbacks),
        TEST(members_keep_the_order_of_the_document_and_dumps_are_sorted),
        TEST(a_body_lands_in_its_struct),
        TEST(every_bad_field_is_named_and_nothing_is_written),
        TEST(words_are_those_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
