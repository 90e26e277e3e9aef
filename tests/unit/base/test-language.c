#include "base/language.h"

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
        { "deu", "de", "german" },         { "GER", "de", "german" },
        { "aar", "aa", "afar" },           { "zul", "zu", "zulu" },
        { "chi-TW", "zh", "chinese" },     { "haw", "haw", "hawaiian" },
        { "nb", "no", "norwegian" },       { "NOB", "no", "norwegian" },
        { "nb-NO", "no", "norwegian" },    { "Bokmål", "no", "norwegian" },
        { "nn", "nn", "nynorsk" },         { "jw", "jv", "javanese" },
        { "javanese", "jv", "javanese" },  { "jav", "jv", "javanese" },
        { "iw", "he", "hebrew" },          { "in", "id", "indonesian" },
        { "ji", "yi", "yiddish" },         { "mo", "ro", "romanian" },
        { "sh", "sr", "serbian" },         { "cmn-CN", "zh", "chinese" },
        { "fil", "tl", "tagalog" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char code[SC_LANGUAGE_TEXT];
        assert_true(sc_language_code(sc_str_from(rows[i].text), code));
        assert_string_equal(code, rows[i].code);
        assert_string_equal(sc_language_name(code), rows[i].name);
    }
    assert_string_equal(sc_language_name(""), "unknown");
    assert_string_equal(sc_language_name("en-US"), "english");
    assert_string_equal(sc_language_name("ger"), "german"); /* as it may have been stored */
    assert_string_equal(sc_language_name("jw"), "javanese");
    static const char *const bad[] = { "",      "e",     "engl",  "e1",
                                       "-en",   "xx",    "xx-US", "english2",
                                       "en US", "en/",   "de-ÄT", "en-US-and-a-tail-too-long",
                                       "en-",   "de--AT" };
    for (size_t i = 0; i < SC_ARRAY_LEN(bad); i++) {
        char code[SC_LANGUAGE_TEXT];
        assert_false(sc_language_code(sc_str_from(bad[i]), code));
    }
}

static void a_tag_keeps_its_region(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "EN-us", "en-US" },  { "pt_BR", "pt-BR" },       { "Swiss", NULL },
        { "German", "de" },    { "AUTO", "auto" },         { "ZH_hant_tw", "zh-Hant-TW" },
        { "deu-AT", "de-AT" }, { "gsw", "gsw" },           { "es-419", "es-419" },
        { "nb_no", "no-NO" },  { "sl-ROZAJ", "sl-rozaj" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char tag[SC_LANGUAGE_TEXT];
        assert_true(sc_language_tag(sc_str_from(rows[i][0]), tag) == (rows[i][1] != NULL));
        if (rows[i][1] != NULL)
            assert_string_equal(tag, rows[i][1]);
    }
}

/* All that ISO 639-2 has of languages with a code of two letters; each of these has a name. */
static void long_codes_of_languages_with_a_short_one_become_that(void **state)
{
    (void)state;
    int count = 0;
    for (int i = 0; i < 26 * 26 * 26; i++) {
        const char text[] = { (char)('a' + i / 676), (char)('a' + i / 26 % 26),
                              (char)('a' + i % 26), '\0' };
        char code[SC_LANGUAGE_TEXT];
        assert_true(sc_language_code(sc_str_from(text), code));
        if (strlen(code) == 3) {
            assert_string_equal(code, text);
            continue;
        }
        char again[SC_LANGUAGE_TEXT];
        count++;
        assert_true(sc_language_code(sc_str_from(code), again));
        assert_string_equal(again, code);
        assert_string_equal(sc_language_name(text), sc_language_name(code));
    }
    assert_int_equal(count, 205); /* and `cmn`, `fil` */
}

static void a_list_has_a_language_by_any_of_its_codes(void **state)
{
    (void)state;
    static const struct {
        const char *list, *language, *as;
    } rows[] = {
        { "en,de", "de", "de" },
        { ",en,de,", "de-AT", "de-AT" },
        { "en,de", "fr", NULL },
        { "sv, nb", "no", "nb" },
        { "sv,nb", "no-NO", "nb-NO" },
        { "jw", "jv", "jw" },
        { "german", "de", "german" },
        { "en,de-DE", "de", "de-DE" },
        { "zh_cn", "zh-CN", "zh_cn" },
        { "en-US,en-GB", "en-GB", "en-GB" },
        { "en-US,en-GB", "en-IE", "en-IE" },
        { "", "de", NULL },
        { "en,de", "auto", NULL },
        { "en", "", NULL },
        { "deu", "xx", NULL },
        { "church slavonic", "cu-Cyrl-RU-x", NULL }, /* too long together */
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        char as[SC_LANGUAGE_TEXT];
        assert_true(sc_language_as(rows[i].list, rows[i].language, as) == (rows[i].as != NULL));
        if (rows[i].as != NULL)
            assert_string_equal(as, rows[i].as);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(languages_have_codes_and_names),
        TEST(a_tag_keeps_its_region),
        TEST(long_codes_of_languages_with_a_short_one_become_that),
        TEST(a_list_has_a_language_by_any_of_its_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
