#pragma once
/* Words packed into one column: as rows they took 9 times as long and 3 times the space. The form
 * is a version byte, then per word: start (delta) and duration in ms, confidence (in thousandths)
 * and text, as varints. Words that not one thing made have a form of their own, which names what
 * made each run of them first; so has a text without words that not one thing made. */

#include "transcript/segment.h"

/* Appends the packed form of s's words, or of what made the parts of its text. */
void sc_words_pack(const struct sc_segment *s, struct sc_buf *out);
/* Does each word name what made it, and are these several? */
bool sc_words_are_mixed(const struct sc_segment *s);
/* A confidence as the packed form has it: 0 unknown, else 1 + thousandths. */
uint64_t sc_words_confidence(float confidence);
/* Replaces s's words, and what made the parts of its text, by those of bytes (none for no bytes);
 * STORE_DAMAGED, s untouched, for bytes that are no packed words. */
SC_MUST_USE enum sc_code sc_words_unpack(struct sc_str bytes, struct sc_segment *s,
                                         struct sc_error *err);
