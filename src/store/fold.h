#pragma once
/* Signs as the text index sees them: lower case, Latin letters without diacritics, by the very
 * rules of the tokenizer (store/tokenizer.h). Thread-safe. */

#include "base/buf.h"

#include <stdint.h>

/* The folded sign: ' ' for white space, 0 for a diacritic, which folds away; what is no part of a
 * word stays as it is. */
uint32_t sc_fold_sign(uint32_t sign);
/* Does the sign belong to words? Of those, words of the index are made. */
bool sc_fold_is_word(uint32_t sign);

/* A text sign by sign. Runs of white space become one space; bytes that are no UTF-8 stand for
 * U+FFFD. */
struct sc_folder {
    struct sc_str rest; /* what is still to be read; set to the text at first */
    size_t at;          /* bytes that have been read */
    uint32_t last;      /* the sign that came last */
};
/* The next folded sign and the bytes [*start, f->at) that it stands for; 0: no more. */
uint32_t sc_fold_next(struct sc_folder *f, size_t *start);
/* Appends the whole text, folded. */
void sc_fold_text(struct sc_buf *out, struct sc_str text);
