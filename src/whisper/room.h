#pragma once
/* Large blocks of numbers. For files of this module only. */

#include "base/macros.h"

#include <stdbool.h>

struct sc_room {
    float *at; /* at a cache line; zeros until something is written */
    size_t floats;
    void *memory;
};

/* Room for `floats`; what was in it is lost when it must grow. False: memory is exhausted, and
 * there is none. */
SC_MUST_USE bool sc_room_grow(struct sc_room *room, size_t floats);
void sc_room_done(struct sc_room *room);
