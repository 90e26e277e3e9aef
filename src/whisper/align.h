#pragma once
/* When was each token said? Dynamic time warping over the attention that the decoder's alignment
 * heads pay to the positions of the sound. Pure.
 *
 * Each head's attention is taken as a picture of tokens by positions: normalised over the tokens of
 * each position, smoothed over positions by a median of seven, averaged over the heads. The
 * cheapest path from the first token at the first position to the last at the last, which goes
 * right, down or both, says when each token begins. */

#include "whisper/decoder.h"

/* At most so many heads are looked at. */
#define SC_ALIGN_HEADS 24

/* The heads that follow time best in models of these dimensions: published for Whisper's own, else
 * the last ones. english: the model knows no other language. Returns how many. */
size_t sc_align_heads(const struct sc_whisper_dims *dims, bool english,
                      struct sc_head out[SC_ALIGN_HEADS]);

/* What heads attended to while tokens were decoded. */
struct sc_attention {
    const float *weights; /* [tokens][heads][stride] */
    size_t tokens, heads, stride;
    size_t positions; /* of sound, 20 ms each; at most stride */
    /* The first so many tokens are ahead of the text: they count where a position's attention is
     * normalised, and have no place on the path. The last one, the end of the text, has none
     * either. */
    size_t ahead;
};

/* starts[i]: the position at which the text's token i begins, ascending; one more than there are
 * tokens of text, whose last is where they end. CANCELLED when `stop` (NULL: nobody) says so, which
 * is asked before each head; ENGINE_ERROR when memory is exhausted. */
SC_MUST_USE enum sc_code sc_align(const struct sc_attention *attention, const struct sc_stop *stop,
                                  int32_t *starts, struct sc_error *err);
/* The cheapest path over rows x columns costs: starts[r] is the first column of row r. */
bool sc_align_path(const float *costs, size_t rows, size_t columns, int32_t *starts);
