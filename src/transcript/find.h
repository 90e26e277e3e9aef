#pragma once
/* Finding a text in another, as people do who look for a word. Pure. */

#include "base/str.h"

#include <stdbool.h>

#define SC_FIND_CASE (1u << 0)  /* capitals are other letters than small ones */
#define SC_FIND_WORDS (1u << 1) /* nothing that belongs to a word stands before or behind it */

/* The first place of `what` (not empty; both valid UTF-8) at or behind `from`: true, with where it
 * begins and how many bytes of text it takes. It ends where a letter does, with its marks; whether
 * a letter and its mark are one sign or two does not matter. */
bool sc_find_next(struct sc_str text, struct sc_str what, unsigned flags, size_t from, size_t *at,
                  size_t *len);
