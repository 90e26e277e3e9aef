/* Times of packed sound: there and back, in order, inside; and what spans a gap. */

#include "pipeline/stretches.h"

#include "base/macros.h"
#include "vad/make.h"

#include <string.h>

#include "base/banned.h"

#define MS 16 /* samples */

/* Stretches of 300 ms to some seconds, with pauses between; the last may end anywhere. */
static void any_stretches(struct dice *d, struct sc_stretches *out)
{
    struct sc_cut_span spans[SC_CUT_SPANS];
    size_t count = (size_t)dice_between(d, 1, dice_between(d, 0, 3) == 0 ? SC_CUT_SPANS : 6);
    int64_t at = dice_between(d, 0, 100000) * 20 * MS;
    for (size_t i = 0; i < count; i++) {
        spans[i].start_samples = at;
        at += dice_between(d, 31, 300) * 20 * MS;
        spans[i].end_samples = at;
        at += dice_between(d, 1, 30000) * 20 * MS;
    }
    spans[count - 1].end_samples -= dice_between(d, 0, 319);
    sc_stretches_set(out, spans, count);
}

static int64_t length_ms(const struct sc_stretches *s, size_t i)
{
    return s->items[i].end_samples / MS - s->items[i].start_samples / MS;
}

static int64_t total_ms(const struct sc_stretches *s)
{
    int64_t ms = 0;
    for (size_t i = 0; i < s->count; i++)
        ms += length_ms(s, i);
    return ms;
}

/* The stretch that holds all of [start, end]; the number of stretches: none does. */
static size_t holder(const struct sc_stretches *s, int64_t start_ms, int64_t end_ms)
{
    size_t i = 0;
    while (i < s->count &&
           (start_ms < s->items[i].start_samples / MS || end_ms > s->items[i].end_samples / MS))
        i++;
    return i;
}

/* A time of the recording as one of the chunk: the way back. */
static int64_t in_chunk(const struct sc_stretches *s, int64_t ms)
{
    int64_t before = 0;
    for (size_t i = 0; i < s->count; i++) {
        int64_t start = s->items[i].start_samples / MS;
        if (ms >= start && ms <= start + length_ms(s, i))
            return before + ms - start;
        before += length_ms(s, i);
    }
    fail_msg("%lld lies in no stretch", (long long)ms);
    return -1;
}

static struct sc_segment *add_segment(struct sc_segments *all, const char *text, int64_t start_ms,
                                      int64_t end_ms)
{
    struct sc_segment *s = sc_segments_add(all);
    assert_non_null(s);
    s->text = strdup(text);
    s->start_ms = start_ms;
    s->end_ms = end_ms;
    return s;
}

static void add_word(struct sc_segment *s, const char *text, int64_t start_ms, int64_t end_ms)
{
    assert_true(sc_segment_add_word(s, sc_str_from(text), start_ms, end_ms, 0.5f));
    assert_true(sc_segment_settle(s));
}

static void assert_place(const struct sc_stretches *s, struct sc_segments *all)
{
    assert_int_equal(sc_segments_check(all, NULL), SC_OK);
    assert_int_equal(sc_stretches_place(s, all, NULL), SC_OK);
    assert_int_equal(sc_segments_check(all, NULL), SC_OK);
}

static void every_time_comes_back_to_where_it_was(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct dice d = { seed * 7919 };
        struct sc_stretches s;
        SC_AUTO_SEGMENTS all = { 0 };
        any_stretches(&d, &s);
        int64_t total = total_ms(&s), step = 1 + total / 900;
        for (int64_t ms = 0; ms < total; ms += step)
            add_word(add_segment(&all, "", ms, ms), "w", ms, ms);
        assert_place(&s, &all);
        for (size_t i = 0; i < all.count; i++) {
            assert_true(holder(&s, all.items[i].start_ms, all.items[i].end_ms) < s.count);
            assert_int_equal(in_chunk(&s, all.items[i].start_ms), (int64_t)i * step);
            assert_int_equal(all.items[i].words[0].start_ms, all.items[i].start_ms);
        }
    }
}

/* Words follow each other, some overlap, some are nothing; segments of some of them. */
static void any_text(struct dice *d, int64_t total, struct sc_segments *out, struct sc_buf *text)
{
    int64_t at = dice_between(d, 0, 500);
    int number = 0;
    while (at < total) {
        struct sc_segment *s = add_segment(out, "", at, at);
        for (int64_t words = dice_between(d, 1, 12); words > 0 && at < total; words--) {
            char word[16];
            int64_t end = SC_MIN(at + dice_between(d, 0, 900), total + 300);
            (void)snprintf(word, sizeof(word), "w%d", number++);
            sc_buf_printf(text, "%s ", word);
            add_word(s, word, at, end);
            at = dice_between(d, 0, 4) == 0 ? (at + end) / 2 : end + dice_between(d, 0, 300);
        }
        s->end_ms += dice_between(d, 0, 2000);
        if (dice_between(d, 0, 5) == 0)
            sc_segment_drop_words(s);
    }
}

static void words_stay_in_order_inside_and_whole_whatever_is_said(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct dice d = { seed * 104729 };
        struct sc_stretches s;
        SC_AUTO_SEGMENTS all = { 0 };
        SC_AUTO_BUF said = { 0 }, got = { 0 };
        any_stretches(&d, &s);
        any_text(&d, total_ms(&s), &all, &said);
        assert_place(&s, &all);
        for (size_t i = 0; i < all.count; i++) {
            const struct sc_segment *x = &all.items[i];
            /* None spans a pause, and so none of its words does. */
            assert_true(holder(&s, x->start_ms, x->end_ms) < s.count);
            assert_true(strlen(x->text) > 0);
            sc_buf_printf(&got, "%s ", x->text);
        }
        assert_string_equal(sc_buf_text(&got), sc_buf_text(&said));
    }
}

/* 2 s from 10 s on, 2 s from 100 s on. */
static const struct sc_stretches two = {
    .items = { { 10000 * MS, 12000 * MS }, { 100000 * MS, 102000 * MS } },
    .count = 2,
};

static void a_segment_that_spans_a_pause_becomes_two(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS all = { 0 };
    struct sc_segment *s = add_segment(&all, "", 0, 0);
    add_word(s, "before", 400, 1500);
    add_word(s, "both,", 1700, 2500); /* more of it lies behind */
    add_word(s, "after", 2600, 3000);
    s->start_ms = 200;
    s->end_ms = 3900;
    s->speaker = strdup("Anna");
    sc_segment_make_heard(s)->seek = 250;
    assert_true(sc_heard_add_token(s->heard, 7));
    assert_place(&two, &all);
    assert_int_equal(all.count, 2);
    const struct sc_segment *a = &all.items[0], *b = &all.items[1];
    assert_string_equal(a->text, "before");
    assert_string_equal(b->text, "both, after");
    assert_int_equal(a->start_ms, 10200);
    assert_int_equal(a->end_ms, 11700); /* where the next word would begin */
    assert_int_equal(b->start_ms, 100000);
    assert_int_equal(b->words[0].end_ms, 100500);
    assert_int_equal(b->end_ms, 101900);
    assert_string_equal(b->speaker, "Anna");
    /* The window began in the second stretch; which tokens are whose nobody knows. */
    assert_int_equal(a->heard->seek, 10050);
    assert_int_equal(b->heard->seek, 10050);
    assert_int_equal(b->heard->token_count, 0);
}

static void one_that_starts_within_another_keeps_its_time(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS all = { 0 };
    struct sc_segment *a = add_segment(&all, "", 0, 0);
    add_word(a, "first", 100, 400);
    add_word(a, "last", 3000, 3500);
    add_word(add_segment(&all, "", 0, 0), "within", 500, 900);
    (void)add_segment(&all, "bare", 1000, 1400);
    assert_place(&two, &all);
    static const struct {
        const char *text;
        int64_t start, end;
    } rows[] = {
        { "first", 10100, 12000 },
        { "within", 10500, 10900 },
        { "bare", 11000, 11400 },
        { "last", 101000, 101500 },
    };
    assert_int_equal(all.count, SC_ARRAY_LEN(rows));
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        assert_string_equal(all.items[i].text, rows[i].text);
        assert_int_equal(all.items[i].start_ms, rows[i].start);
        assert_int_equal(all.items[i].end_ms, rows[i].end);
    }
}

static void a_word_lies_where_its_middle_does(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS all = { 0 };
    add_word(add_segment(&all, "", 0, 0), "early", 1000, 2900);
    add_word(add_segment(&all, "", 0, 0), "late", 1900, 9000);
    assert_place(&two, &all);
    assert_int_equal(all.items[0].words[0].start_ms, 11000);
    assert_int_equal(all.items[0].words[0].end_ms, 12000);
    assert_int_equal(all.items[1].words[0].start_ms, 100000);
    assert_int_equal(all.items[1].words[0].end_ms, 102000);
}

static void text_without_words_is_shared_by_its_length(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS all = { 0 };
    (void)add_segment(&all, "one two three four", 0, 4000);
    assert_place(&two, &all);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.items[0].text, "one two");
    assert_string_equal(all.items[1].text, "three four");
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(all.items[i].word_count, 0);
    assert_int_equal(all.items[0].start_ms, 10000);
    assert_int_equal(all.items[1].end_ms, 102000);
}

/* Whisper's times are no better than that. */
static void text_that_only_reaches_into_silence_stays_whole(void **state)
{
    (void)state;
    static const struct {
        int64_t start, end, placed_start, placed_end;
    } rows[] = {
        { 0, 2280, 10000, 12000 },      { 1720, 3500, 100000, 101500 },
        { 1750, 2050, 11750, 12000 },   { 2000, 2000, 12000, 12000 },
        { 1980, 2200, 100000, 100200 }, { 4000, 4000, 102000, 102000 },
        { 3900, 9000, 101900, 102000 },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        SC_AUTO_SEGMENTS all = { 0 };
        (void)add_segment(&all, "one two three", rows[i].start, rows[i].end);
        assert_place(&two, &all);
        assert_int_equal(all.count, 1);
        assert_int_equal(all.items[0].start_ms, rows[i].placed_start);
        assert_int_equal(all.items[0].end_ms, rows[i].placed_end);
    }
}

static void nothing_said_stays_nothing(void **state)
{
    (void)state;
    SC_AUTO_SEGMENTS all = { 0 };
    assert_place(&two, &all);
    assert_int_equal(all.count, 0);
    (void)add_segment(&all, "", 0, 4000);
    assert_place(&two, &all);
    assert_int_equal(all.count, 1);
}

static void the_store_gives_back_what_it_was_given(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct dice d = { seed };
        struct sc_stretches s, read;
        SC_AUTO_BUF text = { 0 };
        any_stretches(&d, &s);
        sc_stretches_write(&s, &text);
        struct sc_str stored = text.len == 0 ? (struct sc_str){ 0 } : sc_buf_str(&text);
        assert_int_equal(sc_stretches_read(stored, s.items[0].start_samples,
                                           s.items[s.count - 1].end_samples, &read, NULL),
                         SC_OK);
        assert_int_equal(read.count, s.count);
        assert_memory_equal(read.items, s.items, s.count * sizeof(s.items[0]));
        assert_int_equal(sc_stretches_samples(&read), sc_stretches_samples(&s));
    }
}

static void what_the_store_cannot_have_been_given_is_damaged(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "0-320",
        "0-320,",
        "0-320,640",
        "0-320,320-960",
        "0-320,640-640",
        "320-0,640-960",
        "20-320,640-960",
        "0-320,640-970",
        "0-320,x-960",
        "0-320 640-960",
        "0-320,640-99999999999999999999",
        "0--320,640-960",
    };
    struct sc_stretches s;
    assert_int_equal(sc_stretches_read(SC_STR("0-320,640-960"), 0, 960, &s, NULL), SC_OK);
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        struct sc_error err = { 0 };
        if (sc_stretches_read(sc_str_from(rows[i]), 0, 960, &s, &err) != SC_E_STORE_DAMAGED)
            fail_msg("'%s' is taken", rows[i]);
        assert_non_null(strstr(err.msg, "where the sound of a chunk lies"));
    }
    SC_AUTO_BUF many = { 0 };
    for (int i = 0; i <= SC_CUT_SPANS; i++)
        sc_buf_printf(&many, "%s%d-%d", i == 0 ? "" : ",", i * 640, i * 640 + 320);
    assert_int_equal(sc_stretches_read(sc_buf_str(&many), 0, SC_CUT_SPANS * 640 + 320, &s, NULL),
                     SC_E_STORE_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_time_comes_back_to_where_it_was),
        TEST(words_stay_in_order_inside_and_whole_whatever_is_said),
        TEST(a_segment_that_spans_a_pause_becomes_two),
        TEST(one_that_starts_within_another_keeps_its_time),
        TEST(a_word_lies_where_its_middle_does),
        TEST(text_without_words_is_shared_by_its_length),
        TEST(text_that_only_reaches_into_silence_stays_whole),
        TEST(nothing_said_stays_nothing),
        TEST(the_store_gives_back_what_it_was_given),
        TEST(what_the_store_cannot_have_been_given_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
