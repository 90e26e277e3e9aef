#pragma once
/* The longest common subsequence of two lists of numbers, or close to it, in bounded time. Pure. */

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sc_match_side {
    const uint32_t *ids; /* equal numbers are equal words; below `kinds` of sc_match */
    size_t count;
    bool *alone; /* out, one for each: it has no partner on the other side */
};

/* What is not alone is the same list on both sides. As long as the two differ in few words (some
 * 380 added and removed), or in few between words that both have once, as few are left alone as
 * possible; beyond that the time stays in proportion to the length, whatever the lists hold, and
 * more may be left alone. False: no memory. */
SC_MUST_USE bool sc_match(const struct sc_match_side *a, const struct sc_match_side *b,
                          size_t kinds);
