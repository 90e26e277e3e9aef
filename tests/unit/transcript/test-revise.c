#include "transcript/revise.h"

#include "transcript/reader.h"

#include "make.h"

#include "base/banned.h"

/* "text [word start-end …]" */
static void assert_is(const struct sc_segment *s, const char *wanted)
{
    SC_AUTO_BUF found = { 0 };
    sc_buf_printf(&found, "%s [", s->text);
    for (size_t i = 0; i < s->word_count; i++)
        sc_buf_printf(&found, "%s%s %d-%d", i == 0 ? "" : ", ", s->words[i].text,
                      (int)s->words[i].start_ms, (int)s->words[i].end_ms);
    sc_buf_putc(&found, ']');
    assert_string_equal(sc_buf_text(&found), wanted);
}

static const struct {
    const char *words, *text;
    bool spelt;
    const char *fitted;
} contradictions[] = {
    { "good words", "good words", true, "good words [good 0-100, words 100-200]" },
    { "Hello world", "- Hello, world.", true, "- Hello, world. [Hello 0-100, world 100-200]" },
    { "hello world", "Hello, world.", false, "Hello, world. [hello 0-100, world 100-200]" },
    { "good words", "good word", false, "good word [good 0-100, word 100-200]" },
    { "bad worse", "good words here", false,
      "good words here [good 0-61, words 61-138, here 138-200]" },
    { "good", "good words", false, "good words [good 0-100, words 45-100]" },
    { "good words", "words", false, "words [words 100-200]" },
    { "good", "very good", false, "very good [very 0-50, good 0-100]" },
    { "good", "a b good", false, "a b good [a 0-16, b 0-33, good 0-100]" },
    { "a b", "a x b", false, "a x b [a 0-100, x 50-100, b 100-200]" },
    { "会議", "会議ね", false, "会議ね [会議 0-100, ね 75-100]" },
    { "ghost", "", false, "ghost [ghost 0-100]" },
    { "会 議", "会議。", true, "会議。 [会 0-100, 議 100-200]" },
};

static void words_that_say_another_text_are_told_and_mended(void **state)
{
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(contradictions); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_segment *s = add_segment(&list, 0, 100, contradictions[i].words);
        assert_true(sc_segment_say(s, sc_str_from(contradictions[i].text)));
        if (sc_segment_is_spelt(s) != contradictions[i].spelt)
            fail_msg("'%s' of '%s'", contradictions[i].words, contradictions[i].text);
        assert_true(sc_segment_fit_words(s));
        assert_is(s, contradictions[i].fitted);
    }
    struct sc_segment none = { .text = NULL };
    assert_true(sc_segment_is_spelt(&none));
    assert_true(sc_segment_fit_words(&none));
}

/* What is read must not lose its text when it is split. */
static void imported_words_follow_the_text(void **state)
{
    (void)state;
    struct sc_reading read = { 0 };
    struct sc_segment second = { 0 };
    struct sc_str text =
        SC_STR("{\"segments\":[{\"start\":0,\"end\":2,\"text\":\"good words here\",\"words\":["
               "{\"word\":\"bad\",\"start\":0,\"end\":1},{\"word\":\"worse\",\"start\":1,"
               "\"end\":2}]}]}");
    assert_int_equal(sc_format_read("json", text, &read, NULL), SC_OK);
    assert_true(sc_segment_split(&read.segments.items[0], 1, &second));
    assert_string_equal(read.segments.items[0].text, "good");
    assert_string_equal(second.text, "words here");
    sc_segment_done(&second);
    sc_reading_done(&read);
}

/* Some engines store words that say another text: what is read is what is split. */
static void a_split_loses_nothing_of_the_text(void **state)
{
    static const struct {
        const char *words, *text;
        size_t after;
        const char *first, *second;
    } rows[] = {
        { "good words", "good words", 1, "good", "words" },
        { "Hello world", "- Hello, world.", 1, "- Hello,", "world." },
        { "hello world", "Hello, world.", 1, "Hello,", "world." },
        { "a great day", "an even greater day", 2, "an even", "greater day" },
        { "he he", "she said he he", 2, "she said", "he he" },
        { "bad worse worst", "good words here", 2, "good words", "here" },
        { "one", "1, 2 and 3", 3, "1, 2 and", "3" },
        { "ghost words", "", 1, "ghost", "words" },
        { "会 議 室", "会議、室。", 2, "会議", "、室。" },
        { NULL, "no words yet", 1, "no", "words yet" },
    };
    (void)state;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        SC_AUTO(sc_segment_done) struct sc_segment second = { 0 };
        size_t all = 0;
        struct sc_segment *s =
            add_segment(&list, 0, 300, rows[i].words == NULL ? "" : rows[i].words);
        assert_true(sc_segment_say(s, sc_str_from(rows[i].text)));
        assert_true(sc_segment_words_before(s, INT64_MAX, &all));
        assert_true(rows[i].after < all);
        assert_true(sc_segment_split(s, rows[i].after, &second));
        assert_string_equal(s->text, rows[i].first);
        assert_string_equal(second.text, rows[i].second);
        assert_true(sc_segment_is_spelt(s) && sc_segment_is_spelt(&second));
        assert_int_equal(s->word_count, rows[i].after);
        assert_int_equal(second.word_count, all - rows[i].after);
    }
}

static void text_and_speaker_are_one_line(void **state)
{
    (void)state;
    SC_AUTO(sc_segment_done) struct sc_segment s = { .text = NULL };
    assert_true(sc_segment_say(&s, SC_STR(" one two\n#3 three\r\n\tfour ")));
    assert_string_equal(s.text, "one two #3 three four");
    assert_true(sc_segment_name(&s, SC_STR("Bob\nSmith ")));
    assert_string_equal(s.speaker, "Bob Smith");
    assert_true(sc_segment_name(&s, SC_STR(" \n")));
    assert_null(s.speaker);
}

static void what_a_segment_says_already_it_says_in_as_many_lines(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = add_segment(&list, 0, 100, "good words");
    free(s->text);
    s->text = strdup("good\n words");
    assert_true(sc_segment_reword(s, SC_STR("good\n words")));
    assert_string_equal(s->text, "good\n words");
    assert_true(sc_segment_reword(s, SC_STR("good\nwords")));
    assert_string_equal(s->text, "good words");
    assert_int_equal(s->word_count, 2);
}

static void words_go_along_with_other_times(void **state)
{
    (void)state;
    static const struct {
        int64_t start, end;
        const char *wanted;
    } rows[] = {
        { 2000, 2200, "a b [a 2000-2100, b 2100-2200]" },       /* as long */
        { 150, 350, "a b [a 150-250, b 250-350]" },             /* as long, still over itself */
        { 50, 150, "a b [a 50-100, b 100-150]" },               /* trimmed */
        { 0, 300, "a b [a 0-100, b 100-200]" },                 /* room behind */
        { 10000, 11000, "a b [a 10000-10500, b 10500-11000]" }, /* away, longer */
        { 200, 300, "a b [a 200-250, b 250-300]" },             /* away, shorter */
        { 5000, 5000, "a b [a 5000-5000, b 5000-5000]" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_error err = { 0 };
        struct sc_segment *s = add_segment(&list, 0, 100, "a b");
        sc_segment_retime(s, rows[i].start, rows[i].end);
        assert_is(s, rows[i].wanted);
        assert_int_equal(sc_segments_check(&list, &err), SC_OK);
    }
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = add_segment(&list, 100, 0, "a b");
    sc_segment_retime(s, 500, 600);
    assert_is(s, "a b [a 500-500, b 500-500]");
    sc_segment_retime(s, 0, 100);
    sc_segment_retime(s, SC_SEGMENT_TIME_MAX - 400, SC_SEGMENT_TIME_MAX);
    assert_true(s->words[1].end_ms <= s->end_ms && s->words[0].start_ms >= s->start_ms);
}

/* Whichever of two that are joined has no words. */
static void joined_words_are_those_of_all_of_the_text(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_segment *first = sc_segments_add(&list), *second = sc_segments_add(&list);
        assert_non_null(second);
        first = &list.items[0];
        *first = (struct sc_segment){ .end_ms = 200, .confidence = -1, .chunk = -1 };
        *second =
            (struct sc_segment){ .start_ms = 200, .end_ms = 400, .confidence = -1, .chunk = -1 };
        assert_true(sc_segment_say(first, SC_STR("alpha beta")));
        assert_true(sc_segment_say(second, SC_STR("gamma deltas")));
        struct sc_segment *known = &list.items[i];
        int64_t at = known->start_ms;
        assert_true(sc_segment_add_word(known, i == 0 ? SC_STR("alpha") : SC_STR("gamma"), at + 10,
                                        at + 90, 0.5F));
        assert_true(sc_segment_add_word(known, i == 0 ? SC_STR("beta") : SC_STR("deltas"), at + 95,
                                        at + 190, 0.5F));
        assert_true(sc_segment_join(first, second));
        assert_is(first, i == 0 ? "alpha beta gamma deltas [alpha 10-90, beta 95-190, gamma "
                                  "200-290, deltas 290-400]"
                                : "alpha beta gamma deltas [alpha 0-111, beta 111-200, gamma "
                                  "210-290, deltas 295-390]");
    }
}

static void what_overlaps_is_joined_in_the_order_of_its_text(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    (void)add_segment(&list, 0, 100, "one two three four");
    (void)add_segment(&list, 150, 60, "uno due");
    assert_true(sc_segment_join(&list.items[0], &list.items[1]));
    assert_is(&list.items[0], "one two three four uno due [one 0-100, two 100-200, three 200-300, "
                              "four 300-400, uno 300-300, due 300-300]");
    assert_true(sc_segment_is_spelt(&list.items[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(words_that_say_another_text_are_told_and_mended),
        TEST(imported_words_follow_the_text),
        TEST(a_split_loses_nothing_of_the_text),
        TEST(joined_words_are_those_of_all_of_the_text),
        TEST(what_overlaps_is_joined_in_the_order_of_its_text),
        TEST(text_and_speaker_are_one_line),
        TEST(what_a_segment_says_already_it_says_in_as_many_lines),
        TEST(words_go_along_with_other_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
