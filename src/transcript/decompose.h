#pragma once
/* Letters with diacritics, voiced kana and Hangul syllables as the letter and the marks that they
 * are made of: é may stand in a text as one sign or as two, and is the same letter. Pure. */

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define SC_DECOMPOSED_MAX 4 /* signs that one sign is made of */

/* A text sign by sign, each as what it is made of. */
struct sc_decomposer {
    struct sc_str rest;                  /* what is still to be read; set to the text at first */
    uint32_t waiting[SC_DECOMPOSED_MAX]; /* parts of the sign that was read last, the next on top */
    size_t waits;                        /* how many; 0: all in front of `rest` has been given */
};
/* The next part; 0: no more, or bytes that are no UTF-8. */
uint32_t sc_decompose_next(struct sc_decomposer *d);
/* Does the sign belong to the letter in front of it? Marks, and the later parts of a syllable of
 * Hangul. */
bool sc_decompose_is_mark(uint32_t sign);
