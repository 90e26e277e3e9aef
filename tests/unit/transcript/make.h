#pragma once
/* Segments for tests, and random numbers that are the same in every run. */

#include "transcript/segment.h"

#include "testing.h"

/* xorshift64*: the state is never 0. */
struct dice {
    uint64_t state;
};

static inline uint64_t dice_next(struct dice *d)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * 2685821657736338717u;
}

/* lowest … highest, both included. */
static inline int64_t dice_between(struct dice *d, int64_t lowest, int64_t highest)
{
    return lowest + (int64_t)((dice_next(d) >> 8) % (uint64_t)(highest - lowest + 1));
}

static inline void add_word(struct sc_segment *s, const char *text, int64_t start_ms,
                            int64_t end_ms)
{
    assert_true(sc_segment_add_word(s, sc_str_from(text), start_ms, end_ms, 0.5F));
}

/* Adds a settled segment of words that are separated by spaces and of equal length. */
static inline struct sc_segment *add_segment(struct sc_segments *list, int64_t start_ms,
                                             int64_t word_ms, const char *words)
{
    struct sc_segment *s = sc_segments_add(list);
    struct sc_str rest = sc_str_from(words);
    assert_non_null(s);
    for (int64_t at = start_ms; rest.len > 0; at += word_ms)
        assert_true(sc_segment_add_word(s, sc_str_take_until(&rest, ' '), at, at + word_ms, 0.5F));
    sc_segment_settle(s);
    return s;
}

/* A segment for each line of text, their ids from 1 on, each word as long, so much silence between
 * them. */
static inline void add_lines(struct sc_segments *list, const char *text, int64_t word_ms,
                             int64_t gap_ms)
{
    struct sc_str rest = sc_str_from(text);
    int64_t at = 0;
    while (rest.len > 0) {
        struct sc_str line = sc_str_take_until(&rest, '\n');
        SC_AUTO_BUF words = { 0 };
        sc_buf_put_str(&words, line);
        struct sc_segment *s = add_segment(list, at, word_ms, sc_buf_text(&words));
        s->id = (int64_t)list->count;
        at = s->end_ms + gap_ms;
    }
}

/* The text of left and right, all words by spaces; freed by the caller. */
static inline char *joined(const struct sc_segments *left, const struct sc_segments *right)
{
    struct sc_buf out = { 0 };
    const struct sc_segments *both[] = { left, right };
    for (size_t n = 0; n < 2; n++) {
        for (size_t i = 0; both[n] != NULL && i < both[n]->count; i++) {
            sc_buf_puts(&out, out.len == 0 ? "" : " ");
            sc_buf_puts(&out, both[n]->items[i].text);
        }
    }
    return sc_buf_take(&out);
}
