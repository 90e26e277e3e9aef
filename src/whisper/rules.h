#pragma once
/* Which token may come next. A row of logits, one number for each token of the vocabulary, goes in;
 * what the rules of Whisper forbid becomes -INFINITY; logarithms of probabilities come out. Pure.
 *
 * Times are tokens, `vocab->first_time` + n for n steps of 20 ms. They come in pairs, the end of a
 * segment and the start of the next, and never run backwards. */

#include "whisper/vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What holds for all rows of a window. */
struct sc_rules {
    const struct sc_vocab *vocab;
    bool timestamps;    /* false: no token of time is said */
    int first_time_max; /* the first time, in steps, is no later; < 0: whenever */
    int blank; /* the token that is a space and no more: nothing begins with it; < 0: none */
    const int32_t *suppressed; /* never said; borrowed */
    size_t suppressed_count;
};

/* What has been said so far. */
struct sc_rules_said {
    const int32_t *tokens;
    size_t count;
    bool has_time; /* a time behind 0 was said … */
    int time;      /* … this one, in steps: no token of an earlier time may follow */
};

/* logits is changed: divided by temperature, where that is above 0, and -INFINITY where a token is
 * forbidden. logs[i] becomes the logarithm of token i's probability among what was allowed before
 * times and words were weighed against each other: where times together are likelier than the
 * likeliest word only times stay. One token at least is left. */
void sc_rules_apply(const struct sc_rules *rules, const struct sc_rules_said *said,
                    float temperature, float *logits, float *logs);

/* out[i] = logarithm of the probability of i; logits at -INFINITY stay there. May be in place. */
void sc_log_softmax(const float *logits, size_t count, float *out);
/* The index of the greatest, the first of equals. count > 0. */
size_t sc_greatest(const float *values, size_t count);
