#include "yaml/reader.h"

#include "base/alloc.h"
#include "base/buf.h"

#include "testing.h"

#include "base/banned.h"

static void check_entry(const struct sc_yaml *yaml, size_t i, const char *path, const char *value,
                        int line)
{
    assert_true(i < yaml->count);
    assert_string_equal(yaml->entries[i].path, path);
    assert_int_equal(yaml->entries[i].line, line);
    if (value == NULL)
        assert_null(yaml->entries[i].value);
    else
        assert_string_equal(yaml->entries[i].value, value);
}

static void mappings_are_flattened_with_their_lines(void **state)
{
    (void)state;
    SC_AUTO(sc_yaml_done) struct sc_yaml yaml = { 0 };
    static const char text[] = "# head\n"
                               "workers: 3\n"
                               "queue:\n"
                               "  lease: \"30s\"\n"
                               "  deep: { a: 'x: y', b: }\n"
                               "log.level: debug\n"
                               "text: |\n"
                               "  two\n"
                               "  lines\n";
    assert_int_equal(sc_yaml_parse(sc_str_from(text), "f", &yaml, NULL), SC_OK);
    assert_int_equal(yaml.count, 8);
    check_entry(&yaml, 0, "workers", "3", 2);
    check_entry(&yaml, 1, "queue", NULL, 3);
    assert_true(yaml.entries[1].mapping);
    check_entry(&yaml, 2, "queue.lease", "30s", 4);
    check_entry(&yaml, 3, "queue.deep", NULL, 5);
    check_entry(&yaml, 4, "queue.deep.a", "x: y", 5);
    check_entry(&yaml, 5, "queue.deep.b", NULL, 5);
    assert_false(yaml.entries[5].mapping);
    check_entry(&yaml, 6, "log.level", "debug", 6);
    check_entry(&yaml, 7, "text", "two\nlines\n", 7);
}

static void nothing_is_an_empty_document(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "\n\n", "# only a comment\n", "---\n", "{}", "~" };
    for (size_t i = 0; i < SC_ARRAY_LEN(texts); i++) {
        SC_AUTO(sc_yaml_done) struct sc_yaml yaml = { 0 };
        assert_int_equal(sc_yaml_parse(sc_str_from(texts[i]), "f", &yaml, NULL), SC_OK);
        assert_int_equal(yaml.count, 0);
    }
}

static void quoted_null_words_are_text(void **state)
{
    (void)state;
    SC_AUTO(sc_yaml_done) struct sc_yaml yaml = { 0 };
    assert_int_equal(
        sc_yaml_parse(SC_STR("a: \"\"\nb: 'null'\nc: null\nd: ~\ne:\n"), "f", &yaml, NULL), SC_OK);
    check_entry(&yaml, 0, "a", "", 1);
    check_entry(&yaml, 1, "b", "null", 2);
    check_entry(&yaml, 2, "c", NULL, 3);
    for (size_t i = 0; i < yaml.count; i++)
        assert_int_equal(yaml.entries[i].says_null, i == 2);
}

static void what_is_no_settings_file_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        { "a: 1\nb: 2\na: 3\n", "f:3: 'a' stands in line 1 already; keep one of them" },
        { "q:\n  l: 1\nq.l: 2\n", "f:3: 'q.l' stands in line 2 already; keep one of them" },
        { "q: {}\nq: 1\n", "f:2: 'q' stands in line 1 already; keep one of them" },
        { "a: 1\nb: [1, 2]\n", "f:2: a list is not accepted here; write one value" },
        { "- a\n", "f:1: a list is not accepted here; write one value" },
        { "a: &x 1\nb: *x\n", "f:1: anchors are not accepted" },
        { "a: 1\nb: *x\n", "f:2: aliases are not accepted" },
        { "a: !!int 1\n", "f:1: tags are not accepted" },
        { "a: 1\n--- \nb: 2\n", "f:2: a second document is not accepted" },
        { "just text\n", "f:1: expected 'name: value' lines" },
        { "? {a: b}\n: c\n", "f:1: a key must be plain text" },
        { "'': x\n", "f:1: a key is empty" },
        { "a: \"\\0\"\n", "f:1: a NUL is not accepted" },
        { "a: 'x\n", NULL },
        { "a: 1\n\tb: 2\n", NULL },
        { "a: \xff\n", NULL },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_yaml yaml = { .cap = 77 };
        struct sc_error err;
        assert_int_equal(sc_yaml_parse(sc_str_from(rows[i].text), "f", &yaml, &err),
                         SC_E_INVALID_VALUE);
        assert_int_equal(yaml.cap, 77);
        if (rows[i].message != NULL)
            assert_string_equal(err.msg, rows[i].message);
        else
            assert_memory_equal(err.msg, "f:", 2);
    }
}

static void depth_is_limited(void **state)
{
    (void)state;
    for (int depth = SC_YAML_DEPTH; depth <= SC_YAML_DEPTH + 1; depth++) {
        SC_AUTO(sc_yaml_done) struct sc_yaml yaml = { 0 };
        SC_AUTO_BUF text = { 0 };
        for (int i = 0; i < depth; i++)
            sc_buf_puts(&text, "{a: ");
        sc_buf_puts(&text, "1");
        for (int i = 0; i < depth; i++)
            sc_buf_puts(&text, "}");
        assert_int_equal(sc_yaml_parse(sc_buf_str(&text), "f", &yaml, NULL),
                         depth <= SC_YAML_DEPTH ? SC_OK : SC_E_INVALID_VALUE);
    }
}

static void size_is_limited(void **state)
{
    (void)state;
    SC_AUTO(sc_yaml_done) struct sc_yaml yaml = { 0 };
    SC_AUTO_FREE char *text = sc_alloc(SC_YAML_SIZE + 1);
    memset(text, '\n', SC_YAML_SIZE + 1);
    assert_int_equal(sc_yaml_parse((struct sc_str){ text, SC_YAML_SIZE + 1 }, "f", &yaml, NULL),
                     SC_E_INVALID_VALUE);
    assert_int_equal(sc_yaml_parse((struct sc_str){ text, SC_YAML_SIZE }, "f", &yaml, NULL), SC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mappings_are_flattened_with_their_lines),
        TEST(nothing_is_an_empty_document),
        TEST(quoted_null_words_are_text),
        TEST(what_is_no_settings_file_is_refused_with_its_line),
        TEST(depth_is_limited),
        TEST(size_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
