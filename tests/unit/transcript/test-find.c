#include "transcript/decompose.h"
#include "transcript/find.h"

#include "testing.h"

#include "base/buf.h"

#include "base/banned.h"

#define ACUTE "\xcc\x81"   /* U+0301, behind its letter */
#define CEDILLA "\xcc\xa7" /* U+0327 */

/* Each place in brackets. */
static void put_places(const char *text, const char *what, unsigned flags, struct sc_buf *out)
{
    struct sc_str s = sc_str_from(text);
    size_t done = 0, at, len;
    while (sc_find_next(s, sc_str_from(what), flags, done, &at, &len)) {
        sc_buf_append(out, text + done, at - done);
        sc_buf_printf(out, "[%.*s]", (int)len, text + at);
        done = at + len;
    }
    sc_buf_puts(out, text + done);
}

static void assert_places(const char *text, const char *what, unsigned flags, const char *wanted)
{
    SC_AUTO_BUF found = { 0 };
    put_places(text, what, flags, &found);
    assert_string_equal(sc_buf_text(&found), wanted);
}

static void a_match_ends_where_a_letter_does(void **state)
{
    (void)state;
    assert_places("cafe" ACUTE " cafe", "cafe", 0, "cafe" ACUTE " [cafe]");
    assert_places("re" ACUTE "sume", "e", 0, "re" ACUTE "sum[e]");
    assert_places("e" ACUTE "e", "e" ACUTE, 0, "[e" ACUTE "]e");
    assert_places("c" CEDILLA ACUTE " c" CEDILLA, "c" CEDILLA, 0,
                  "c" CEDILLA ACUTE " [c" CEDILLA "]");
    assert_places("cafés", "cafe", 0, "cafés");
    assert_places("각 가", "가", 0, "각 [가]"); /* a syllable has a third part */
    assert_places("👍🏽 👍", "👍", 0, "👍🏽 [👍]");
    /* Who looks for a mark alone finds it; what is invisible is none. */
    assert_places("e" ACUTE, ACUTE, 0, "e[" ACUTE "]");
    assert_places("one\xe2\x80\x8b", "one", 0, "[one]\xe2\x80\x8b");
}

static void a_letter_is_the_same_as_one_sign_or_two(void **state)
{
    (void)state;
    assert_places("cafe" ACUTE " café", "café", 0, "[cafe" ACUTE "] [café]");
    assert_places("cafe" ACUTE " café", "cafe" ACUTE, 0, "[cafe" ACUTE "] [café]");
    assert_places("É e" ACUTE, "é", 0, "[É] [e" ACUTE "]");
    assert_places("É e" ACUTE, "é", SC_FIND_CASE, "É [e" ACUTE "]");
    assert_places("Tie\xcc\x82\xcc\x81ng", "tiếng", 0, "[Tie\xcc\x82\xcc\x81ng]");
    assert_places("Йод", "И\xcc\x86од", 0, "[Йод]");
    assert_places("か\xe3\x82\x99", "が", 0, "[か\xe3\x82\x99]");
    assert_places("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8", "각", 0,
                  "[\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8]");
    assert_places("İ", "i", 0, "[İ]");
}

static void words_have_their_marks_within(void **state)
{
    (void)state;
    assert_places("re" ACUTE "s e" ACUTE, "s", SC_FIND_WORDS, "re" ACUTE "s e" ACUTE);
    assert_places("le" ACUTE " s", "lé", SC_FIND_WORDS, "[le" ACUTE "] s");
}

static void odd_bytes_find_nothing(void **state)
{
    (void)state;
    size_t at, len;
    assert_false(sc_find_next(SC_STR("ab"), (struct sc_str){ "b\0", 2 }, 0, 0, &at, &len));
    assert_false(sc_find_next(SC_STR("ab"), (struct sc_str){ "b\xff", 2 }, 0, 0, &at, &len));
    assert_false(sc_find_next(SC_STR("ab"), SC_STR("b c"), 0, 0, &at, &len));
    assert_false(sc_find_next(SC_STR("ab"), SC_STR(""), 0, 0, &at, &len));
}

static void put_parts(const char *text, struct sc_buf *out)
{
    struct sc_decomposer d = { .rest = sc_str_from(text) };
    for (uint32_t sign; (sign = sc_decompose_next(&d)) != 0;)
        sc_buf_printf(out, "%x ", (unsigned)sign);
}

static void letters_come_apart(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "aß", "61 df " },
        { "À", "41 300 " },          /* the table's first */
        { "ヾ", "30fd 3099 " },      /* its last */
        { "ᾂ", "3b1 313 300 345 " }, /* four parts */
        { "가힣", "1100 1161 1112 1175 11c2 " },
        { "İ", "130 " },
        { "", "" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF found = { 0 };
        put_parts(rows[i][0], &found);
        assert_string_equal(sc_buf_text(&found), rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_match_ends_where_a_letter_does),
        TEST(a_letter_is_the_same_as_one_sign_or_two),
        TEST(words_have_their_marks_within),
        TEST(odd_bytes_find_nothing),
        TEST(letters_come_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
