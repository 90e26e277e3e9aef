#include "transcript/segment.h"

#include "base/alloc.h"
#include "make.h"
#include "transcript/reader.h"

#include <math.h>

#include "base/banned.h"

static void settling_joins_words_and_takes_times_and_confidence_from_them(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    assert_true(sc_segment_add_word(s, SC_STR(" Hello,"), 100, 900, 0.25F));
    assert_true(sc_segment_add_word(s, SC_STR(""), 900, 900, -1));
    assert_true(sc_segment_add_word(s, SC_STR("world"), 900, 800, 0.75F));
    sc_segment_settle(s);
    assert_string_equal(s->text, "Hello, world");
    assert_int_equal(s->start_ms, 100);
    assert_int_equal(s->end_ms, 900);
    assert_true(fabsf(s->confidence - 0.5F) < 1e-6F);
}

static void what_is_likelier_no_speech_than_the_limit_is_dropped(void **state)
{
    (void)state;
    static const float values[] = { 0.9F, -1, 0.6F, 0.61F, 0 };
    SC_AUTO_SEGMENTS list = { 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(values); i++) {
        struct sc_segment *s = sc_segments_add(&list);
        assert_true(s->no_speech < 0);
        s->no_speech = values[i];
        s->start_ms = (int64_t)i * 1000;
        s->end_ms = s->start_ms + 100 + (int64_t)i;
        add_word(s, "a", s->start_ms, s->end_ms);
    }
    assert_int_equal(sc_segments_drop_no_speech(&list, 1), 0);
    assert_int_equal(list.count, 5);
    assert_int_equal(sc_segments_drop_no_speech(&list, 0.605), 100 + 103);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[0].start_ms, 1000);
    assert_int_equal(list.items[1].start_ms, 2000);
    assert_int_equal(list.items[2].start_ms, 4000);
    assert_int_equal(sc_segments_drop_no_speech(&list, 0), 102);
    assert_int_equal(list.count, 2); /* what is unknown stays */
}

static void signs_of_scripts_without_spaces_are_joined_closely(void **state)
{
    (void)state;
    static const struct {
        const char *words[4];
        const char *text;
    } rows[] = {
        { { "会", "議", "です", "。" }, "会議です。" },
        { { "会議", "at", "10", "時" }, "会議 at 10 時" },
        { { "สวัส", "ดี", NULL }, "สวัสดี" },
        { { "안녕", "하세요", NULL }, "안녕 하세요" },
        { { "é", "à", NULL }, "é à" },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_segment *s = sc_segments_add(&list);
        for (size_t k = 0; k < 4 && rows[i].words[k] != NULL; k++)
            add_word(s, rows[i].words[k], 0, 1);
        sc_segment_settle(s);
        assert_string_equal(s->text, rows[i].text);
    }
}

static void a_segment_without_words_keeps_what_it_has(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    assert_int_equal(s->chunk, -1);
    assert_true(s->confidence < 0);
    sc_segment_settle(s);
    assert_string_equal(s->text, "");
    free(s->text);
    s->text = strdup("kept");
    s->start_ms = 5;
    s->end_ms = 7;
    sc_segment_settle(s);
    assert_string_equal(s->text, "kept");
    assert_int_equal(s->start_ms, 5);
    assert_int_equal(s->end_ms, 7);
}

static void a_nul_in_a_word_does_not_cut_it(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = sc_segments_add(&list);
    assert_true(sc_segment_add_word(s, SC_STR("a\0b"), 0, 1, -1));
    assert_string_equal(s->words[0].text, "a b");
}

static void good_segments_pass_the_check(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    (void)add_segment(&list, 0, 100, "a b c");
    (void)add_segment(&list, 0, 0, "d");
    (void)add_segment(&list, 200, 100, "e");
    assert_int_equal(sc_segments_check(&list, NULL), SC_OK);
}

static void each_fault_is_found_and_its_segment_named(void **state)
{
    (void)state;
    for (int fault = 0; fault < 14; fault++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_error err = { 0 };
        (void)add_segment(&list, 1000, 100, "a b c");
        struct sc_segment *s = add_segment(&list, 2000, 100, "d e f");
        struct sc_word *w = &s->words[1];
        int64_t *const times[] = { &s->start_ms, &s->end_ms, &w->start_ms, &w->end_ms };
        static const struct {
            int which;
            int64_t value;
        } rows[] = { { 0, 999 },  { 0, 2301 }, { 0, -1 },   { 1, INT64_MAX }, { 1, 2250 },
                     { 2, 1999 }, { 2, 2201 }, { 3, 2301 }, { 3, 2099 } };
        if (fault < 9)
            *times[rows[fault].which] = rows[fault].value;
        if (fault == 9)
            s->text[0] = (char)0xff;
        if (fault == 10)
            w->text[0] = (char)0x80;
        if (fault == 11)
            s->confidence = NAN;
        if (fault == 12)
            w->confidence = 1.5F;
        if (fault == 13)
            s->speaker = strdup("\xc0\x80");
        assert_int_equal(sc_segments_check(&list, &err), SC_E_INVALID_VALUE);
        assert_non_null(strstr(err.msg, "segment 2 "));
    }
}

static void shifting_moves_every_time(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    struct sc_segment *s = add_segment(&list, 100, 50, "a b");
    sc_segments_shift(&list, 1000);
    assert_int_equal(s->start_ms, 1100);
    assert_int_equal(s->end_ms, 1200);
    assert_int_equal(s->words[1].start_ms, 1150);
    assert_int_equal(s->words[1].end_ms, 1200);
}

static void the_text_is_a_line_for_each_segment(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS list = { 0 };
    SC_AUTO_BUF out = { 0 };
    (void)add_segment(&list, 0, 50, "a b");
    (void)add_segment(&list, 100, 50, "c");
    sc_segments_text(&list, &out);
    assert_string_equal(sc_buf_text(&out), "a b\nc");
}

static void the_hash_sees_each_field_as_precisely_as_the_store_keeps_it(void **state)
{
    (void)state;
    char seen[11][65], bare[65], first[65];
    size_t count = 0;
    for (int change = 0; change < 12; change++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_segment *s = add_segment(&list, 100, 50, "ab c");
        char hash[65];
        if (change == 1)
            s->start_ms++;
        if (change == 2)
            s->end_ms++;
        if (change == 3)
            s->text[0] = 'x';
        if (change == 4)
            s->speaker = strdup("");
        if (change == 5)
            s->words[0].text[0] = 'x';
        if (change == 6)
            s->words[1].end_ms++;
        if (change == 7)
            add_word(s, "", 200, 200);
        if (change == 8) {
            s->words[0].start_ms++;
        }
        if (change == 9)
            s->words[0].confidence = 0.125F;
        if (change == 10)
            s->confidence = 0.1F;
        if (change == 11)
            s->words[0].confidence += 0.0001F; /* the store keeps thousandths */
        sc_segment_hash(s, hash);
        sc_segment_hash_bare(s, bare);
        assert_int_equal(strlen(hash), 64);
        assert_string_not_equal(hash, bare);
        if (change == 0)
            memcpy(first, bare, sizeof(bare));
        assert_true((strcmp(bare, first) == 0) == (change == 0 || change >= 9));
        if (change == 11) {
            assert_string_equal(hash, seen[0]);
            continue;
        }
        for (size_t i = 0; i < count; i++)
            assert_string_not_equal(hash, seen[i]);
        memcpy(seen[count++], hash, sizeof(hash));
    }
}

/* However a text came in: by an engine with the times of its words, without, or by an edit. */
static void words_are_counted_by_the_text_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t words;
    } rows[] = {
        { "the mining committee has met twice", 6 },
        { " one\n two\t", 2 },
        { "", 0 },
        { " ", 0 },
        { "yes - no, it's 100 %", 4 },
        { "\xef\xbb\xbf \xe2\x80\x8b", 0 }, /* nothing that is seen */
        { "今日は会議です。", 7 },
        { "我们用GPT 4，很“好”！", 7 },
        { "カラオケ・バー", 6 },
        { "か\xe3\x82\x99", 1 },    /* a mark of its own belongs to its sign */
        { "안녕하세요 여러분", 2 }, /* written with spaces */
        { "สวัสดีครับ", 7 },           /* vowels and tones are part of their sign */
        { "ທີ່ນີ້", 2 },
        { "ក្នុង", 2 }, /* so is a consonant below another */
        { "မြန်မာ", 3 },
        { "a\xff b", 2 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS list = { 0 };
        struct sc_segment *s = sc_segments_add(&list);
        s->text = sc_strdup(rows[i].text);
        s->end_ms = 1000;
        if (sc_segment_says(s) != rows[i].words)
            fail_msg("'%s': %d words", rows[i].text, (int)sc_segment_says(s));
        assert_true(sc_segments_estimate_words(&list));
        assert_int_equal(sc_segment_says(s), rows[i].words);
        sc_segment_drop_words(s);
        assert_true(sc_segment_add_word(s, sc_str_from(rows[i].text), 0, 1000, -1));
        assert_int_equal(sc_segment_says(s), rows[i].words);
    }
    const struct sc_segment none = { .text = NULL };
    assert_int_equal(sc_segment_says(&none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settling_joins_words_and_takes_times_and_confidence_from_them),
        TEST(what_is_likelier_no_speech_than_the_limit_is_dropped),
        TEST(signs_of_scripts_without_spaces_are_joined_closely),
        TEST(a_segment_without_words_keeps_what_it_has),
        TEST(words_are_counted_by_the_text_alone),
        TEST(a_nul_in_a_word_does_not_cut_it),
        TEST(good_segments_pass_the_check),
        TEST(each_fault_is_found_and_its_segment_named),
        TEST(shifting_moves_every_time),
        TEST(the_text_is_a_line_for_each_segment),
        TEST(the_hash_sees_each_field_as_precisely_as_the_store_keeps_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
