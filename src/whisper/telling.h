#pragma once
/* What was said in a window as segments of a transcript. Pure. */

#include "transcript/segment.h"
#include "whisper/sequential.h"

struct sc_telling {
    const struct sc_vocab *vocab;
    const struct sc_decode_window *window;
    int frame;         /* where the window begins in its clip, 10 ms each */
    int64_t length_ms; /* of the clip: no time lies behind it */
    bool words;
    bool language; /* that of the window is told of each segment */
    /* Of each token of text, in positions of 20 ms from the window's start, and of their end; NULL:
     * the words of a segment share its time by their length. */
    const int32_t *starts;
};

/* Appends the segments. False: no memory. */
bool sc_tell(const struct sc_telling *t, struct sc_segments *out);
/* The tokens of text among those said; out has room for said_count. Returns how many. */
size_t sc_telling_text(const struct sc_vocab *vocab, const struct sc_decode_window *w,
                       int32_t *out);
