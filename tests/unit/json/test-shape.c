#include "json/shape.h"

#include "base/buf.h"

#include "testing.h"

#include "base/banned.h"

static const char *colour(int index)
{
    static const char *const words[] = { "red", "blue" };
    return index < (int)SC_ARRAY_LEN(words) ? words[index] : NULL;
}

static const struct sc_json_field part_fields[] = {
    SC_SHOW(INT, "n", "How many", "3"),
    SC_SHOW(TEXT_OR_NULL, "note", "What else", NULL),
};
static const struct sc_json_shape part = { .name = "Part", SC_SHAPE_FIELDS(part_fields) };
static const struct sc_json_field whole_fields[] = {
    SC_SHOW_WORDS(TEXT_OR_NULL, "colour", colour, "Its colour", "red"),
    SC_SHOW_OF(LIST, "parts", &part, "Its parts"),
    SC_SHOW_OF(OBJECT, "first", &part, NULL),
    { .name = "rows", SC_SHOW_OBJECT, .items = SC_JSON_INT, .optional = true, .help = "By table" },
    { .name = "place", SC_SHOW_INT_OR_NULL, .also = SC_JSON_TEXT, .help = "Or 1000+" },
};
static bool when(size_t index, struct sc_json_field *out)
{
    static const struct sc_json_field row = SC_SHOW(TIME, "at", "When", "2026-11-20T14:30:45.123Z");
    *out = row;
    return index == 0;
}
static const struct sc_json_shape whole = {
    .name = "Whole",
    .help = "All of it",
    .base = &part,
    SC_SHAPE_FIELDS(whole_fields),
    .more = when,
};

static void a_shape_tells_its_schema(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_shape_schema(&w, NULL, &whole, "#/");
    assert_string_equal(
        sc_buf_text(&out),
        "{\"type\":\"object\",\"description\":\"All of it\",\"properties\":{"
        "\"n\":{\"type\":\"integer\",\"description\":\"How many\",\"examples\":[3]},"
        "\"note\":{\"type\":[\"string\",\"null\"],\"description\":\"What else\"},"
        "\"colour\":{\"type\":[\"string\",\"null\"],\"enum\":[\"red\",\"blue\",null],"
        "\"description\":\"Its colour\",\"examples\":[\"red\"]},"
        "\"parts\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/Part\"},"
        "\"description\":\"Its parts\"},"
        "\"first\":{\"$ref\":\"#/Part\"},"
        "\"rows\":{\"type\":\"object\",\"additionalProperties\":{\"type\":\"integer\"},"
        "\"description\":\"By table\"},"
        "\"place\":{\"type\":[\"integer\",\"string\",\"null\"],\"description\":\"Or 1000+\"},"
        "\"at\":{\"type\":\"string\",\"format\":\"date-time\",\"description\":\"When\","
        "\"examples\":[\"2026-11-20T14:30:45.123Z\"]}},"
        "\"required\":[\"n\",\"note\",\"colour\",\"parts\",\"first\",\"place\",\"at\"],"
        "\"additionalProperties\":false}");
}

static void a_shape_has_an_example(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_shape_example(&w, NULL, &whole);
    assert_string_equal(sc_buf_text(&out),
                        "{\"n\":3,\"note\":null,\"colour\":\"red\","
                        "\"parts\":[{\"n\":3,\"note\":null}],\"first\":{\"n\":3,\"note\":null},"
                        "\"place\":null,\"at\":\"2026-11-20T14:30:45.123Z\"}");
}

struct body {
    struct sc_str name;
    int64_t count;
};
static const struct sc_json_field body_fields[] = {
    SC_BODY(struct body, name, TEXT, .required = true, .min = 2, .max = 8, .help = "A name",
            .example = "ann"),
    SC_BODY(struct body, count, INT, .max = 9, .help = "A number"),
    { .name = "tags", .type = SC_JSON_ARRAY, .items = SC_JSON_TEXT, .words = colour },
    { .name = "part", .type = SC_JSON_OBJECT, .of = &part, .help = "A part" },
    { .name = "mode", .type = SC_JSON_TEXT, .choices = "a|b", .required = true },
};
static const struct sc_json_shape body = { .request = true, SC_SHAPE_FIELDS(body_fields) };

static void a_body_may_leave_out_what_is_not_required(void **state)
{
    (void)state;
    SC_AUTO_BUF out = { 0 };
    SC_AUTO_BUF example = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &out);
    sc_json_shape_use(&w, NULL, &body, "#/");
    assert_string_equal(
        sc_buf_text(&out),
        "{\"type\":\"object\",\"properties\":{"
        "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":8,\"description\":\"A name\","
        "\"examples\":[\"ann\"]},"
        "\"count\":{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":9,"
        "\"description\":\"A number\"},"
        "\"tags\":{\"type\":[\"array\",\"null\"],\"items\":{\"type\":\"string\","
        "\"enum\":[\"red\",\"blue\"]}},"
        "\"part\":{\"anyOf\":[{\"$ref\":\"#/Part\"},{\"type\":\"null\"}],"
        "\"description\":\"A part\"},"
        "\"mode\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}},"
        "\"required\":[\"name\",\"mode\"],\"additionalProperties\":false}");
    sc_json_begin(&w, &example);
    sc_json_shape_example(&w, NULL, &body);
    assert_string_equal(sc_buf_text(&example), "{\"name\":\"ann\",\"mode\":null}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shape_tells_its_schema),
        TEST(a_shape_has_an_example),
        TEST(a_body_may_leave_out_what_is_not_required),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
