#include "transcript/language.h"

#include "testing.h"

#include "base/banned.h"

static void languages_have_codes_and_names(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *name;
    } rows[] = {
        { "de", "de", "german" },          { "DE", "de", "german" },
        { "German", "de", "german" },      { "de-AT", "de", "german" },
        { "zh_Hant_TW", "zh", "chinese" }, { "Mandarin", "zh", "chinese" },
        { "yue", "yue", "cantonese" },     { "tlh", "tlh", "tlh" },
        { "auto", "auto", "auto" },        { "haitian creole", "ht", "haitian creole" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char code[SC_LANGUAGE_TEXT];
        assert_true(sc_language_code(sc_str_from(rows[i].text), code));
        assert_string_equal(code, rows[i].code);
        assert_string_equal(sc_language_name(code), rows[i].name);
    }
    assert_string_equal(sc_language_name(""), "unknown");
    assert_string_equal(sc_language_name("en-US"), "english");
    static const char *const bad[] = { "", "e", "engl", "e1", "-en", "english2" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        char code[SC_LANGUAGE_TEXT];
        assert_false(sc_language_code(sc_str_from(bad[i]), code));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(languages_have_codes_and_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
