#include "testing.h"

#include "model.h"
#include "whisper/vocab-internal.h"

#include "base/banned.h"

static struct sc_vocab *vocab_of(const struct test_model *m)
{
    struct sc_whisper_file *f = NULL;
    struct sc_vocab *v = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF bytes = { 0 };

    test_model_ggml(m, &bytes);
    if (sc_whisper_file_of(sc_buf_str(&bytes), &f, &err) != SC_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(sc_vocab_of(f, &v, &err), SC_OK);
    sc_whisper_file_close(f);
    return v;
}

static const struct test_model tiny = { .state = 2, .heads = 1, .mels = 2, .text_ctx = 16 };

/* Everything behind this is of the real models: what their tokens are numbered. */
static void numbers_of_the_models_that_everybody_has(void **state)
{
    static const struct {
        int text, languages;
        struct sc_vocab v;
    } rows[] = {
        { 50257,
          99,
          { .size = 51865,
            .eot = 50257,
            .sot = 50258,
            .languages = 99,
            .multilingual = true,
            .translate = 50358,
            .transcribe = 50359,
            .solm = 50360,
            .prev = 50361,
            .no_speech = 50362,
            .no_timestamps = 50363,
            .first_time = 50364 } },
        { 50257,
          100,
          { .size = 51866,
            .eot = 50257,
            .sot = 50258,
            .languages = 100,
            .multilingual = true,
            .translate = 50359,
            .transcribe = 50360,
            .solm = 50361,
            .prev = 50362,
            .no_speech = 50363,
            .no_timestamps = 50364,
            .first_time = 50365 } },
        { 50256,
          99,
          { .size = 51864,
            .eot = 50256,
            .sot = 50257,
            .languages = 99,
            .multilingual = false,
            .translate = 50357,
            .transcribe = 50358,
            .solm = 50359,
            .prev = 50360,
            .no_speech = 50361,
            .no_timestamps = 50362,
            .first_time = 50363 } },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct test_model m = tiny;
        m.text_tokens = rows[i].text;
        m.languages = rows[i].languages;
        SC_AUTO(sc_vocab_freep) struct sc_vocab *v = vocab_of(&m);
        const struct sc_vocab *e = &rows[i].v;
        assert_int_equal(v->size, e->size);
        assert_int_equal(v->eot, e->eot);
        assert_int_equal(v->sot, e->sot);
        assert_int_equal(v->languages, e->languages);
        assert_int_equal(v->multilingual, e->multilingual);
        assert_int_equal(v->translate, e->translate);
        assert_int_equal(v->transcribe, e->transcribe);
        assert_int_equal(v->solm, e->solm);
        assert_int_equal(v->prev, e->prev);
        assert_int_equal(v->no_speech, e->no_speech);
        assert_int_equal(v->no_timestamps, e->no_timestamps);
        assert_int_equal(v->first_time, e->first_time);
    }
}

static void languages_have_their_tokens(void **state)
{
    struct test_model m = tiny;
    (void)state;
    m.languages = 100;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *all = vocab_of(&m);
    assert_int_equal(sc_vocab_language_token(all, "en"), all->sot + 1);
    assert_int_equal(sc_vocab_language_token(all, "de"), all->sot + 3);
    assert_int_equal(sc_vocab_language_token(all, "yue"), all->sot + 100);
    assert_int_equal(sc_vocab_language_token(all, "jw"), all->sot + 98);
    assert_string_equal(sc_vocab_language(all, all->sot + 98), "jv");
    assert_int_equal(sc_vocab_language_token(all, "nb-NO"), sc_vocab_language_token(all, "no"));
    assert_int_equal(sc_vocab_language_token(all, "xx"), -1);
    for (int i = 0; i < 100; i++) {
        const char *code = sc_vocab_language(all, all->sot + 1 + i);
        assert_int_equal(sc_vocab_language_token(all, code), all->sot + 1 + i);
    }
    assert_null(sc_vocab_language(all, all->sot));
    assert_null(sc_vocab_language(all, all->translate));

    m.languages = 2;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *two = vocab_of(&m);
    assert_int_equal(sc_vocab_language_token(two, "zh"), two->sot + 2);
    assert_int_equal(sc_vocab_language_token(two, "de"), -1);

    m.languages = TEST_MODEL_ENGLISH;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *english = vocab_of(&m);
    assert_false(english->multilingual);
    assert_int_equal(english->languages, 0);
    assert_int_equal(sc_vocab_language_token(english, "en"), -1);
    assert_int_equal(english->translate, english->sot + 1);
}

static void tokens_are_found_by_their_bytes(void **state)
{
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = vocab_of(&tiny);
    for (int i = 0; i < v->text; i++)
        assert_int_equal(sc_vocab_find(v, sc_vocab_token(v, i)), i);
    assert_int_equal(sc_vocab_find(v, SC_STR("nothing of this kind")), -1);
    assert_int_equal(sc_vocab_find(v, SC_STR("")), -1);
    assert_int_equal(sc_vocab_token(v, v->eot).len, 0);
    assert_int_equal(sc_vocab_token(v, -1).len, 0);
    assert_int_equal(sc_vocab_token(v, v->size).len, 0);
}

static void assert_encodes(const struct sc_vocab *v, const char *text, const char *const *expected)
{
    int32_t tokens[64];
    const size_t count = sc_vocab_encode(v, sc_str_from(text), tokens, SC_ARRAY_LEN(tokens));
    size_t i = 0;

    for (; expected[i] != NULL; i++) {
        const struct sc_str token = i < count ? sc_vocab_token(v, tokens[i]) : SC_STR("");
        if (!sc_str_equal(token, sc_str_from(expected[i])))
            fail_msg("token %zu of '%s' is '%.*s', not '%s'", i, text, (int)token.len, token.ptr,
                     expected[i]);
    }
    assert_int_equal(count, i);
}

static void text_is_cut_as_the_models_learned_it(void **state)
{
    static const struct {
        const char *text;
        const char *tokens[12];
    } rows[] = {
        { "The one", { "The", " one" } },
        /* "th" was learned before " the" could be, and then nothing joins it. */
        { " other", { " ", "o", "th", "er" } },
        /* The lower number is joined first: "ing" needs a pair that is none. */
        { "ringer", { "r", "i", "n", "g", "er" } },
        { "you's", { "y", "o", "u", "'s" } },
        { "I's", { "I", "'s" } },
        { "two two", { "t", "w", "o", " two" } },
        { " one 12", { " one", " ", "1", "2" } },
        { " to(", { " to", "(" } },
        { " a  b", { " a", " ", " ", "b" } },
        { "\n\na", { "\n", "\n", "a" } },
        { "\n I", { "\n", " ", "I" } },
        { "\xc3\xa9", { "\xc3", "\xa9" } },
        { "\xff", { "\xff" } },
        { "", { NULL } },
    };
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = vocab_of(&tiny);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++)
        assert_encodes(v, rows[i].text, rows[i].tokens);
}

/* The pieces that no token may join, by Unicode's classes; the texts' pieces stand between bars. */
static void pieces_end_between_classes_of_signs(void **state)
{
    static const char *const rows[] = {
        "Grüße| aus| Köln|,| ÄÖÜ|!",
        "don|'t| we|'ll|'d",
        "a|1|b|२३|c",
        " привет|,| мир|...",
        "日本語|。|テスト",
        "\n|\n|a|  \t\n",
        "x|\xc2\xa0|y",
        "na|\xcc\x88|i",
        "½²|x|©| ™'|S",
        "\xff\xfe|a|\xe2\x82",
        "'|S|'s|'s|ave",
        " |\u3000|word",
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_BUF text = { 0 };
        SC_AUTO_BUF cut = { 0 };
        for (const char *at = rows[i]; *at != '\0'; at++) {
            if (*at != '|')
                sc_buf_putc(&text, *at);
        }
        struct sc_str rest = sc_buf_str(&text);
        while (rest.len > 0) {
            sc_buf_puts(&cut, cut.len > 0 ? "|" : "");
            sc_buf_put_str(&cut, sc_vocab_piece(&rest));
        }
        assert_string_equal(sc_buf_text(&cut), rows[i]);
    }
}

static void endless_words_are_cut_between_signs(void **state)
{
    char text[1001];
    (void)state;
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(text + i, "ü", 2);
    text[1000] = 'x';
    struct sc_str rest = { text + 1, 1000 };
    /* A stray byte first, so that the cut would be within a sign. */
    assert_int_equal(sc_vocab_piece(&rest).len, 1);
    while (rest.len > 1) {
        const struct sc_str piece = sc_vocab_piece(&rest);
        assert_true(piece.len > 200 || rest.len == 0);
        assert_true((unsigned char)piece.ptr[0] == 0xc3);
    }
}

/* A file whose tokens were spoilt when it was written cannot be joined up from single bytes. */
static void without_all_bytes_the_longest_tokens_are_taken(void **state)
{
    struct sc_whisper_file *f = NULL;
    struct sc_vocab *made = NULL;
    struct sc_error err = { 0 };
    SC_AUTO_BUF bytes = { 0 };
    (void)state;
    test_model_ggml(&tiny, &bytes);
    /* Behind the filters and the count: the token of NUL is two bytes long, the others one. */
    char *n = bytes.ptr + 56 + 4 * 2 * 201 + 4 + 1 + 5 * 'n' + 4;
    assert_int_equal(*n, 'n');
    *n = '\0';
    assert_int_equal(sc_whisper_file_of(sc_buf_str(&bytes), &f, &err), SC_OK);
    assert_int_equal(sc_vocab_of(f, &made, &err), SC_OK);
    sc_whisper_file_close(f);
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = made;
    assert_encodes(v, " oneoner", (const char *const[]){ " one", "o", "er", NULL });
    assert_encodes(v, "n", (const char *const[]){ NULL });
    assert_encodes(v, " other", (const char *const[]){ " ", "o", "th", "er", NULL });
}

static void the_last_tokens_are_kept(void **state)
{
    int32_t all[16], some[16];
    const struct sc_str text = SC_STR("The one, the two and the one!");
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = vocab_of(&tiny);
    const size_t count = sc_vocab_encode(v, text, all, SC_ARRAY_LEN(all));
    assert_int_equal(count, 9);
    for (size_t max = 0; max <= count; max++) {
        assert_int_equal(sc_vocab_encode(v, text, some, max), max);
        assert_memory_equal(some, all + count - max, max * sizeof(*some));
    }
}

static void what_is_no_speech_is_listed(void **state)
{
    static const char *const among[] = {
        " (", "(", " [", "\"", " \"", " -", " '", "♪", " ♪", "--"
    };
    static const char *const not_among[] = { "-", "'", ".", ",", "'s", " the", "\xc3" };
    size_t count;
    (void)state;
    SC_AUTO(sc_vocab_freep) struct sc_vocab *v = vocab_of(&tiny);
    const int32_t *list = sc_vocab_non_speech(v, &count);
    for (size_t i = 0; i < SC_ARRAY_LEN(among) + SC_ARRAY_LEN(not_among); i++) {
        const bool is = i < SC_ARRAY_LEN(among);
        const char *text = is ? among[i] : not_among[i - SC_ARRAY_LEN(among)];
        const int id = sc_vocab_find(v, sc_str_from(text));
        bool found = false;
        for (size_t j = 0; j < count; j++)
            found = found || list[j] == id;
        if (id < 0 || found != is)
            fail_msg("'%s'", text);
    }
    for (size_t i = 1; i < count; i++)
        assert_true(list[i - 1] < list[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_of_the_models_that_everybody_has),
        TEST(languages_have_their_tokens),
        TEST(tokens_are_found_by_their_bytes),
        TEST(text_is_cut_as_the_models_learned_it),
        TEST(pieces_end_between_classes_of_signs),
        TEST(endless_words_are_cut_between_signs),
        TEST(without_all_bytes_the_longest_tokens_are_taken),
        TEST(the_last_tokens_are_kept),
        TEST(what_is_no_speech_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
