#pragma once
/* Segments one at a time, in order: what is written of ten hours need not be in memory together.
 * Pure; whoever reads segments from somewhere else makes a source of its own. */

#include "transcript/segment.h"

struct sc_source {
    /* *out: the next segment, borrowed until the next call; NULL: there are no more. */
    enum sc_code (*next)(struct sc_source *source, const struct sc_segment **out,
                         struct sc_error *err);
    /* From the first one on again, the same. */
    void (*rewind)(struct sc_source *source);
};

/* Takes the next one; false: there are no more, or *code tells why it cannot be had. Nothing is
 * done while *code is an error, so that a loop may end with its own. */
static inline bool sc_source_take(struct sc_source *source, enum sc_code *code,
                                  const struct sc_segment **out, struct sc_error *err)
{
    if (*code == SC_OK)
        *code = source->next(source, out, err);
    return *code == SC_OK && *out != NULL;
}

/* Of a list, which is borrowed. */
struct sc_list_source {
    struct sc_source source; /* first */
    const struct sc_segments *list;
    size_t at;
};
struct sc_list_source sc_list_source_of(const struct sc_segments *list);
