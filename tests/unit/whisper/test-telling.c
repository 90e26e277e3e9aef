#include "whisper/telling.h"

#include "testing.h"
#include "vocabulary.h"

#include <math.h>

#include "base/banned.h"

struct table {
    struct sc_vocab *v;
    struct sc_said said[320];
    struct sc_decode_window w;
    struct sc_segments segments;
};

static void table_done(struct table *t)
{
    sc_vocab_free(t->v);
    sc_segments_done(&t->segments);
}

/* "@50" is the time of 1 s; other parts are tokens. */
static struct table make(const char *const *parts, int frames)
{
    struct table t = { .v = test_vocabulary(4) };
    size_t n = 0;
    for (; *parts != NULL; parts++) {
        int64_t time;
        bool is_time = (*parts)[0] == '@' && sc_str_to_int64(sc_str_from(*parts + 1), &time);
        int token = is_time ? t.v->first_time + (int)time : sc_vocab_find(t.v, sc_str_from(*parts));
        assert_true(token >= 0);
        t.said[n++] = (struct sc_said){ token, logf(0.5f) };
    }
    t.w = (struct sc_decode_window){ .said_count = n,
                                     .frames = frames,
                                     .advance = 3000,
                                     .language = t.v->sot + 1,
                                     .avg_log = -0.5f };
    return t;
}
#define PARTS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void tell(struct table *t, const int32_t *starts, bool words)
{
    t->w.said = t->said;
    const struct sc_telling telling = { .vocab = t->v,
                                        .window = &t->w,
                                        .frame = 500,
                                        .length_ms = 30000,
                                        .words = words,
                                        .starts = starts };
    assert_true(sc_tell(&telling, &t->segments));
    assert_int_equal(sc_segments_check(&t->segments, NULL), SC_OK);
}

static void times_cut_the_text_into_segments(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@0", " the", " of", "@50", "@75", " to", "@100"), 3000);
    tell(&t, NULL, true);
    assert_int_equal(t.segments.count, 2);
    assert_string_equal(t.segments.items[0].text, "the of");
    assert_int_equal(t.segments.items[0].start_ms, 5000);
    assert_int_equal(t.segments.items[0].end_ms, 6000);
    assert_string_equal(t.segments.items[1].text, "to");
    assert_int_equal(t.segments.items[1].start_ms, 6500);
    assert_int_equal(t.segments.items[1].end_ms, 7000);
    assert_true(fabsf(t.segments.items[0].confidence - 0.5f) < 1e-3f);
    assert_int_equal(t.segments.items[0].word_count, 2);
}

static void a_text_without_an_end_goes_on_to_the_end_of_the_sound(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(PARTS("@10", " the"), 220);
    tell(&t, NULL, false);
    assert_int_equal(t.segments.items[0].start_ms, 5200);
    assert_int_equal(t.segments.items[0].end_ms, 7200);
    assert_string_equal(t.segments.items[0].text, "the");
    assert_int_equal(t.segments.items[0].word_count, 0);
}

static void words_take_their_times_from_attention_within_their_segment(void **state)
{
    (void)state;
    static const int32_t starts[] = { 0, 20, 45, 60, 90 };
    SC_AUTO(table_done)
    struct table t = make(PARTS("@10", " the", " of", "@50", "@60", " to", " a", "@80"), 3000);
    tell(&t, starts, true);
    const struct sc_word *first = t.segments.items[0].words;
    const struct sc_word *second = t.segments.items[1].words;
    assert_int_equal(first[0].start_ms, 5200);
    assert_int_equal(first[0].end_ms, 5400);
    assert_int_equal(first[1].end_ms, 5900);
    assert_int_equal(second[0].start_ms, 6200);
    assert_int_equal(second[1].start_ms, 6200);
    assert_int_equal(second[1].end_ms, 6600);
}

static void nothing_is_told_beyond_the_clip(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(PARTS("@0", " the", "@1500", "@1500", " of"), 2600);
    t.w.frames = 2600;
    tell(&t, NULL, true);
    for (size_t i = 0; i < t.segments.count; i++)
        assert_true(t.segments.items[i].end_ms <= 30000);
}

static void assert_times(const struct table *t, const int64_t (*expected)[2], size_t count)
{
    assert_int_equal(t->segments.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(t->segments.items[i].start_ms, expected[i][0]);
        assert_int_equal(t->segments.items[i].end_ms, expected[i][1]);
    }
}

/* The next window begins at 10.2 s, and what it says may begin there. */
static void no_text_at_one_moment_goes_behind_the_next_window(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@10", " the", "@510", "@510", " of", "@510", "@510", " to", "@510",
                                "@510", " a", "@510"),
                          3000);
    t.w.advance = 1020;
    tell(&t, NULL, false);
    assert_int_equal(t.segments.count, 4);
    assert_true(t.segments.items[3].end_ms <= 5000 + 10200);
}

static void text_at_one_moment_takes_of_the_silence_around_it(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@50", " the", " of", "@50", "@100", " to", "@100", "@102", " a",
                                "@120", "@120", " the", "@120"),
                          250);
    t.w.advance = 250;
    tell(&t, NULL, true);
    assert_times(
        &t, (const int64_t[][2]){ { 6000, 6200 }, { 7000, 7040 }, { 7040, 7400 }, { 7400, 7500 } },
        4);
}

static void text_without_silence_around_takes_of_its_neighbour(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@0", " the", "@0", "@0", " to", "@0", "@0", " of", "@50", "@50",
                                " a", "@50", "@50", " to", "@50", "@50", " the", "@100"),
                          3000);
    tell(&t, NULL, false);
    assert_times(&t,
                 (const int64_t[][2]){ { 5000, 5050 },
                                       { 5050, 5100 },
                                       { 5100, 5900 },
                                       { 5900, 5950 },
                                       { 5950, 6000 },
                                       { 6000, 7000 } },
                 6);
}

static void text_behind_the_sound_is_told_at_its_end(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@0", " the", "@100", "@150", " of", "@200"), 200);
    tell(&t, NULL, true);
    assert_times(&t, (const int64_t[][2]){ { 5000, 6900 }, { 6900, 7000 } }, 2);
}

static void a_word_without_end_is_told_in_pieces(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(PARTS("@0", " the", "a"), 3000);
    for (size_t i = 3; i < 303; i++)
        t.said[i] = t.said[2];
    t.said[303] = (struct sc_said){ t.v->first_time + 100, logf(0.5f) };
    t.w.said_count = 304;
    tell(&t, NULL, true);
    const struct sc_segment *s = &t.segments.items[0];
    assert_int_equal(s->word_count, 2);
    assert_int_equal(strlen(s->words[0].text), 256);
    assert_int_equal(strlen(s->words[1].text), strlen("the") + 301 - 256);
    assert_int_equal(s->words[0].start_ms, 5000);
    assert_int_equal(s->words[1].start_ms, s->words[0].end_ms);
    assert_int_equal(s->words[1].end_ms, 7000);
}

/* In pieces three signs that are none, as a whole one that is. */
static void a_sign_in_pieces_is_words_within_their_segment(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@0", "\xe2", " the", "\x82", " the", "\xac", "@50"), 3000);
    t.said[2].token = t.said[4].token = t.v->sot; /* what is no text stands between */
    tell(&t, NULL, true);
    assert_int_equal(t.segments.items[0].word_count, 3);
}

static void silence_is_as_likely_as_the_words_are_unlikely(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(PARTS("@0", " the", "@50"), 3000);
    t.w.no_speech = 0.9f;
    tell(&t, NULL, true);
    assert_true(fabs((double)t.segments.items[0].no_speech - (1 - exp(-0.5))) < 1e-6);
}

static void each_segment_knows_its_tokens_and_how_its_window_went(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@0", " the", " of", "@50", "@50", " to", "@100"), 3000);
    t.w.temperature = 0.25f;
    t.w.no_speech = 0.5f;
    t.w.compression = 1.5f;
    tell(&t, NULL, true);
    const struct sc_heard *first = t.segments.items[0].heard;
    const struct sc_heard *second = t.segments.items[1].heard;
    assert_int_equal(first->token_count, 4);
    assert_int_equal(first->tokens[0], t.v->first_time);
    assert_int_equal(first->tokens[3], t.v->first_time + 50);
    assert_int_equal(second->token_count, 3);
    assert_int_equal(second->tokens[0], t.v->first_time + 50);
    assert_true(fabs(first->temperature - 0.25) < 1e-9);
    assert_true(fabs(first->avg_logprob + 0.5) < 1e-9);
    assert_true(fabs(first->compression_ratio - 1.5) < 1e-9);
    assert_true(fabs(first->no_speech_prob - 0.5) < 1e-9);
    assert_int_equal(first->seek, 500);
}

static void a_loop_is_told_without_confidence(void **state)
{
    (void)state;
    SC_AUTO(table_done) struct table t = make(PARTS("@0", " the", "@50"), 3000);
    t.w.loops = true;
    tell(&t, NULL, true);
    assert_true(t.segments.items[0].confidence <= 0 && t.segments.items[0].confidence >= 0);
}

static void the_next_window_begins_behind_the_last_segment(void **state)
{
    (void)state;
    SC_AUTO(table_done)
    struct table t = make(PARTS("@0", " the", "@50", "@50", " of", "@70", "@70"), 9000);
    t.w.said = t.said;
    t.w.advance = 140;
    assert_int_equal(sc_next_window(t.v, &t.w), 140);
    t.w.said_count = 6; /* one time alone: nobody speaks behind it */
    assert_int_equal(sc_next_window(t.v, &t.w), 3000);
    t.w.frames = 1200;
    assert_int_equal(sc_next_window(t.v, &t.w), 1200);
}

static void the_past_is_what_was_ahead_and_what_was_said(void **state)
{
    (void)state;
    static const int32_t before[] = { 1, 2, 3 };
    SC_AUTO(table_done) struct table t = make(PARTS("@0", " the"), 3000);
    SC_AUTO(sc_past_done) struct sc_past p = { 0 };
    t.w.said = t.said;
    t.w.counted = 2;
    t.w.past_used = 2;
    assert_true(sc_past_add(&p, before, 3) && sc_past_follow(&p, &t.w));
    assert_int_equal(p.count, 4);
    assert_int_equal(p.tokens[0], 2);
    assert_int_equal(p.tokens[3], t.said[1].token);
    t.w.counted = 1; /* of a text that failed, up to its last time */
    assert_true(sc_past_follow(&p, &t.w));
    assert_int_equal(p.count, 3);
    assert_int_equal(p.tokens[2], t.v->first_time);
    t.w.past_used = 0;
    t.w.silence = true;
    assert_true(sc_past_follow(&p, &t.w));
    assert_int_equal(p.count, 0);
}

static void nothing_goes_ahead_of_a_short_rest(void **state)
{
    (void)state;
    const struct sc_past p = { .count = 7 }, kept = { .count = 7, .kept = 3 };
    assert_int_equal(sc_past_ahead(&p, 2499, 3000), 7);
    assert_int_equal(sc_past_ahead(&p, 2500, 3000), 0);
    assert_int_equal(sc_past_ahead(&kept, 2500, 3000), 3);
    assert_int_equal(sc_past_ahead(&p, 0, 300), 7); /* it is all that there is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(times_cut_the_text_into_segments),
        TEST(a_text_without_an_end_goes_on_to_the_end_of_the_sound),
        TEST(words_take_their_times_from_attention_within_their_segment),
        TEST(nothing_is_told_beyond_the_clip),
        TEST(no_text_at_one_moment_goes_behind_the_next_window),
        TEST(text_at_one_moment_takes_of_the_silence_around_it),
        TEST(text_without_silence_around_takes_of_its_neighbour),
        TEST(text_behind_the_sound_is_told_at_its_end),
        TEST(a_word_without_end_is_told_in_pieces),
        TEST(a_sign_in_pieces_is_words_within_their_segment),
        TEST(silence_is_as_likely_as_the_words_are_unlikely),
        TEST(each_segment_knows_its_tokens_and_how_its_window_went),
        TEST(a_loop_is_told_without_confidence),
        TEST(the_next_window_begins_behind_the_last_segment),
        TEST(the_past_is_what_was_ahead_and_what_was_said),
        TEST(nothing_goes_ahead_of_a_short_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
