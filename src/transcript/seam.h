#pragma once
/* Seams: where two chunks overlap by a second, each word is taken from the chunk in which it lies
 * further from the edge; words of both sides within 300 ms with equal normalised text are one. No
 * word is lost or doubled. */

#include "transcript/segment.h"

/* left ends and right begins inside [overlap_start_ms, overlap_end_ms] of recording time; both
 * carry recording times. Removes the losers from both sides in place; segments that lose all words
 * are removed, others are settled anew. *changed_left / *changed_right: was anything removed there?
 */
SC_MUST_USE enum sc_code sc_seam_settle(struct sc_segments *left, struct sc_segments *right,
                                        int64_t overlap_start_ms, int64_t overlap_end_ms,
                                        bool *changed_left, bool *changed_right,
                                        struct sc_error *err);
/* Lower-cased, diacritics kept, punctuation dropped: what "equal text" compares. */
void sc_word_normalise(struct sc_str text, struct sc_buf *out);
