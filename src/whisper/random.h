#pragma once
/* Numbers by chance for sampling: the Mersenne Twister (MT19937, Matsumoto and Nishimura 1998),
 * because the reference draws from it: with equal probabilities both choose equal tokens at every
 * temperature. Pure; used by one thread at a time. */

#include <stddef.h>
#include <stdint.h>

#define SC_RANDOM_WORDS 624

struct sc_random {
    uint32_t state[SC_RANDOM_WORDS];
    size_t at;
    int64_t drawn; /* words since it was seeded */
};

void sc_random_seed(struct sc_random *r, uint32_t seed);
/* Even over all 32-bit numbers. */
uint32_t sc_random_word(struct sc_random *r);
/* As if so many words had been drawn. */
void sc_random_skip(struct sc_random *r, int64_t words);
/* Even over [0, 1), 53 bits of two words, the first the lower ones. */
double sc_random_share(struct sc_random *r);
/* An index, each with the chance exp(logs[i]) of the sum of all; -INFINITY: never. One of them must
 * be finite. */
size_t sc_random_draw(struct sc_random *r, const float *logs, size_t count);
