#pragma once
/* Is what was said to be believed? Measures of a sequence of tokens, the limits that they are held
 * against, and loops. Pure. */

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Beyond one of them a window is decoded again at the next temperature. */
struct sc_fallback {
    float logprob_min;     /* mean logarithm of the tokens' probabilities; -1 */
    float entropy_min;     /* of the last tokens, in nats; 2.4. 0: not asked */
    float compression_max; /* bytes of the text to bytes of it compressed; 2.4. 0: not asked */
    float no_speech_max;   /* where nobody speaks by more than this, unlikely words are no failure;
                              0.6 */
    bool loops;            /* a run of the same few tokens is a failure */
};

/* The entropy of how often each token occurs among the last 32; 0 for none. */
double sc_token_entropy(const int32_t *tokens, size_t count);
/* Sequences not longer than this are not judged by their entropy. */
#define SC_ENTROPY_TOKENS 32
/* Bytes to bytes of zlib; 0 for "". Negative: no memory. */
double sc_text_compression(struct sc_str text);

/* A stretch that says the same again and again: `length` tokens from `start` on, `times` times. */
struct sc_loop {
    size_t start, length, times;
};
/* The first run of at most 16 tokens that stands at least four times in a row and fills at least 12
 * tokens. False: there is none. Tokens at `end` and behind it (marks, times) count for nothing and
 * are passed over. */
bool sc_find_loop(const int32_t *tokens, size_t count, int32_t end, struct sc_loop *out);
