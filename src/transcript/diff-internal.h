#pragma once
/* What the files of the diff share. For files of this module only. */

#include "transcript/diff.h"

/* A flag of sc_diff_run beside those of diff.h: the times of b are not known. */
#define SC_DIFF_UNTIMED (1u << 8)

/* Adds a segment's words. False: no memory. */
bool sc_diff_add_segment(struct sc_diff_words *out, const struct sc_segment *s, size_t index);
/* Adds one. False: no memory. */
bool sc_diff_add(struct sc_diff_words *out, const struct sc_diff_word *word);
/* The time of words of `added` bytes for which none is free: they share that of the word beside
 * them, at its end when they stand behind it, else at its start. */
void sc_diff_borrow(const struct sc_diff_word *beside, size_t added, bool behind, int64_t *start_ms,
                    int64_t *end_ms);
/* Finds the operations between the words that d has. False: no memory. */
bool sc_diff_run(struct sc_diff *d, unsigned flags);
