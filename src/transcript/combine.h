#pragma once
/* Two edits of one text made one, word by word. Pure. */

#include "base/buf.h"

enum sc_combined {
    SC_COMBINED,      /* *out has what both changed */
    SC_COMBINE_CLASH, /* both changed the same words, each otherwise, or added beside them */
    SC_COMBINE_NO_MEMORY,
};
/* Lays what makes `mine` of `base` on `theirs`, which was made of base too (all valid UTF-8), and
 * appends what comes of it, as one line. A change that both made alike is made once. *out is
 * changed only by SC_COMBINED. */
SC_MUST_USE enum sc_combined sc_text_combine(const char *base, const char *mine, const char *theirs,
                                             struct sc_buf *out);
