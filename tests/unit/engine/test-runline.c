#include "engine/runline.h"

#include "testing.h"

#include "base/banned.h"

/* The words, each in brackets; or what is wrong. */
static void check(const char *line, const char *want)
{
    SC_AUTO(sc_runline_done) struct sc_runline words = { 0 };
    struct sc_error err = { 0 };
    char got[512] = "";
    size_t used = 0;
    if (sc_runline_split(sc_str_from(line), &words, &err) != SC_OK) {
        assert_int_equal(words.count, 0);
        assert_string_equal(err.msg, want);
        return;
    }
    for (size_t i = 0; i < words.count; i++)
        used += (size_t)snprintf(got + used, sizeof(got) - used, "[%s]", words.words[i]);
    assert_null(words.words[words.count]);
    assert_string_equal(got, want);
}

static void a_line_is_cut_at_blanks_and_quotes_keep_them(void **state)
{
    (void)state;
    check("", "");
    check("  \t\n", "");
    check("a b  c\td\n", "[a][b][c][d]");
    check("'a b' c", "[a b][c]");
    check("--x='a b'\"c d\"e", "[--x=a bc de]");
    check("'' \"\"", "[][]");
    check("'a\\b' \"a\\b\" \"a\\\"b\\\\\" a\\ b\\'", "[a\\b][a\\b][a\"b\\][a b']");
    check("$HOME `id` * ; | > &", "[$HOME][`id`][*][;][|][>][&]");
    check("größe", "[größe]");
}

static void what_is_not_closed_is_refused(void **state)
{
    (void)state;
    check("'a", "a quote is not closed");
    check("a \"b", "a quote is not closed");
    check("a\\", "it ends in a backslash");
}

static void too_many_words_are_refused(void **state)
{
    (void)state;
    char line[2 * (SC_RUNLINE_WORDS + 1) + 1] = "";
    for (int i = 0; i <= SC_RUNLINE_WORDS; i++)
        memcpy(line + (size_t)2 * i, "a ", 3);
    check(line, "it has more than 256 words");
}

static void a_placeholder_is_replaced_inside_its_word(void **state)
{
    (void)state;
    static const struct sc_placeholder values[] = {
        { "in", "/tmp/a b.wav" },
        { "prompt", "say {in} 'x'" },
        { "none", NULL },
    };
    SC_AUTO(sc_runline_done) struct sc_runline line = { 0 };
    SC_AUTO(sc_runline_done) struct sc_runline filled = { 0 };
    assert_int_equal(
        sc_runline_split(SC_STR("p -i={in}.x {prompt}{in} {none} {IN} {} { in } {other}"), &line,
                         NULL),
        SC_OK);
    sc_runline_fill(&line, values, SC_ARRAY_LEN(values), &filled);
    static const char *const want[] = { "p",
                                        "-i=/tmp/a b.wav.x",
                                        "say {in} 'x'/tmp/a b.wav",
                                        "{none}",
                                        "{IN}",
                                        "{}",
                                        "{",
                                        "in",
                                        "}",
                                        "{other}" };
    assert_int_equal(filled.count, SC_ARRAY_LEN(want));
    for (size_t i = 0; i < SC_ARRAY_LEN(want); i++)
        assert_string_equal(filled.words[i], want[i]);
    assert_true(sc_runline_use(&line, "in"));
    assert_false(sc_runline_use(&line, "i"));
    struct sc_str unknown = sc_runline_unknown(&line, values, SC_ARRAY_LEN(values));
    assert_true(sc_str_equal(unknown, SC_STR("other")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_cut_at_blanks_and_quotes_keep_them),
        TEST(what_is_not_closed_is_refused),
        TEST(too_many_words_are_refused),
        TEST(a_placeholder_is_replaced_inside_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
