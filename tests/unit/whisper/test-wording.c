#include "whisper/wording.h"

#include "testing.h"
#include "vocabulary.h"

#include "base/utf8.h"

#include "base/banned.h"

/* Text as tokens of single bytes, and of words where the vocabulary has them. */
static size_t spell(const struct sc_vocab *v, const char *const *parts, int32_t *out)
{
    size_t count = 0;
    for (; *parts != NULL; parts++) {
        int whole = sc_vocab_find(v, sc_str_from(*parts));
        if (whole >= 0) {
            out[count++] = whole;
            continue;
        }
        for (const char *c = *parts; *c != '\0'; c++)
            out[count++] = sc_vocab_find(v, (struct sc_str){ c, 1 });
    }
    return count;
}

/* The words, each in brackets. */
static void assert_words(const struct sc_vocab *v, bool unspaced, const char *const *parts,
                         const char *expected)
{
    int32_t tokens[64];
    struct sc_wording words[64];
    SC_AUTO_BUF shown = { 0 };
    size_t count = spell(v, parts, tokens);
    size_t n = sc_wording_of(v, tokens, count, unspaced, words);
    size_t next = 0;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(words[i].first, next);
        next += words[i].count;
        sc_buf_putc(&shown, '[');
        sc_wording_text(v, tokens + words[i].first, words[i].count, &shown);
        sc_buf_putc(&shown, ']');
    }
    assert_int_equal(next, count);
    assert_string_equal(sc_buf_text(&shown), expected);
}
#define PARTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void words_begin_with_a_space_and_keep_their_signs(void **state)
{
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = test_vocabulary(4);
    assert_words(v, false, PARTS(" the", "ing", ".", " of", "'s", "?", "!"), "[ theing.][ of's?!]");
    assert_words(v, false, PARTS("The", ",", " \"", "I", "\"", ".", " it"), "[The,][ \"I\".][ it]");
    assert_words(v, false, PARTS(" \"", " the"), "[ \" the]");
    assert_words(v, false, PARTS("."), "[.]");
    assert_words(v, false, PARTS(" the", " ("), "[ the][ (]");
}

static void signs_in_several_tokens_stay_whole(void **state)
{
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = test_vocabulary(4);
    assert_words(v, false, PARTS(" ", "caf", "é", " the"), "[ café][ the]");
    assert_words(v, true, PARTS("你", "好", "。", "我"), "[你][好。][我]");
    assert_words(v, false, PARTS("你", "好"), "[你好]");
}

/* Bytes that never become a sign end with the text, and are shown as such. */
static void broken_signs_break_nothing(void **state)
{
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = test_vocabulary(4);
    int32_t tokens[256];
    struct sc_wording words[256];
    SC_AUTO_BUF text = { 0 };
    uint32_t seed = 7;
    for (int round = 0; round < 300; round++) {
        for (int i = 0; i < 256; i++) {
            seed = seed * 1664525 + 1013904223;
            tokens[i] = (int32_t)(seed >> 16) % (v->eot + 3);
        }
        size_t n = sc_wording_of(v, tokens, 256, round % 2 == 0, words);
        for (size_t i = 0; i < n; i++) {
            assert_true(words[i].count > 0);
            assert_true(i == 0 || words[i].first >= words[i - 1].first + words[i - 1].count);
            sc_buf_reset(&text);
            sc_wording_text(v, tokens + words[i].first, words[i].count, &text);
            assert_true(sc_utf8_is_valid(sc_buf_str(&text)));
        }
    }
}

static void words_that_last_too_long_end_before_the_silence(void **state)
{
    (void)state;
    int64_t starts[] = { 0, 2000, 2300, 2500, 2800 };
    int64_t ends[] = { 2000, 2300, 2500, 2800, 9000 };
    sc_wording_bound(starts, ends, 5);
    assert_int_equal(starts[0], 1400);
    assert_int_equal(ends[0], 2000);
    assert_int_equal(ends[1], 2300);
    assert_int_equal(starts[4], 2800);
    assert_int_equal(ends[4], 3400);
}

static void languages_without_spaces_are_known(void **state)
{
    (void)state;
    assert_true(sc_wording_is_unspaced("zh") && sc_wording_is_unspaced("yue"));
    assert_false(sc_wording_is_unspaced("en") || sc_wording_is_unspaced(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_begin_with_a_space_and_keep_their_signs),
        TEST(signs_in_several_tokens_stay_whole),
        TEST(broken_signs_break_nothing),
        TEST(words_that_last_too_long_end_before_the_silence),
        TEST(languages_without_spaces_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
