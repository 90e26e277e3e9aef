#pragma once
/* "Did you mean …": the known word that is nearest to a mistyped one. */

#include "base/str.h"

struct sc_nearest {
    struct sc_str word; /* what was typed; set by the caller, the rest starts at 0 */
    const char *best;   /* the nearest so far that is near enough to be meant; NULL: none */
    size_t distance;
};

/* Considers one known word, borrowed as long as n->best is used. */
void sc_nearest_offer(struct sc_nearest *n, const char *known);
/* Insertions, deletions, replacements and swaps of neighbours between two words; words over 64
 * bytes are never near (SIZE_MAX). */
size_t sc_edit_distance(struct sc_str a, struct sc_str b);
