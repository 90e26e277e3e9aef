#pragma once
/* A clip of any length as windows, one after the other: each begins where the last segment of the
 * one before ended, and may have its text ahead of it. And what was said in a window as segments.
 * Pure. */

#include "whisper/decode.h"

/* A stretch of text with its times, in tokens of the window. */
struct sc_stretch {
    size_t first,
        count; /* tokens of text, with the marks of time between them left out at both ends */
    int start_ms, end_ms; /* from the start of the window */
};

/* The segments of a window whose sound has `frames` left: between tokens of time; text behind the
 * last of them goes on to where the next window begins. Each has some length: one whose ends are
 * the same takes time of the silence beside it, else of a neighbour. out has room for said_count
 * + 1. Returns how many. */
size_t sc_stretches(const struct sc_vocab *vocab, const struct sc_decode_window *w,
                    struct sc_stretch *out);
/* Frames after which the next window begins: behind the last whole segment. One time alone at the
 * end of the text says that nobody speaks behind it. */
int sc_next_window(const struct sc_vocab *vocab, const struct sc_decode_window *w);

/* Text that goes ahead of the next window. */
struct sc_past {
    int32_t *tokens; /* owned */
    size_t count, cap;
    size_t kept; /* so many at its beginning stay there, before what was said */
};
void sc_past_done(struct sc_past *p);
/* False: no memory. */
bool sc_past_add(struct sc_past *p, const int32_t *tokens, size_t count);
/* How much of it goes ahead of the window at `frame` of a recording of `frames`: ahead of a rest of
 * 5 s nothing but what is kept, or it would be said again. */
size_t sc_past_ahead(const struct sc_past *p, int64_t frame, int64_t frames);
/* What stood ahead of the window that was decoded, and what counts of what was said in it. */
bool sc_past_follow(struct sc_past *p, const struct sc_decode_window *w);
