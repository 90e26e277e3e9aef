#pragma once
/* Beam search: which continuations of which hypotheses live on, and in which caches. Pure.
 *
 * Of all continuations the likeliest live on, as many as there were hypotheses. A hypothesis that
 * has ended keeps its place and takes no more part. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SC_BEAM_MAX 16

struct sc_continuation {
    int parent; /* hypothesis that it continues */
    int32_t token;
    float log;  /* logarithm of the token's probability … */
    double sum; /* … and of all with it */
};

/* The likeliest tokens of a row, in order of their probability, the lower number first among
 * equals; fewer where fewer are allowed. Returns how many. */
size_t sc_beam_top(const float *logs, size_t count, size_t wanted, int32_t *out);
/* Best first; among equals the order of their parents, then of appearance. */
void sc_beam_sort(struct sc_continuation *list, size_t count);
/* Where the caches of the children are. parents[i] is the parent of child i, slots[p] the cache of
 * hypothesis p, both of `count`. A cache is handed on to the first child of its hypothesis; each
 * further one gets a cache that nobody continues, and *copy is called for it. slots becomes that of
 * the children.
 */
void sc_beam_move(const int *parents, size_t *slots, int count,
                  void (*copy)(void *ctx, size_t to, size_t from), void *ctx);
