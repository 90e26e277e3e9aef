#pragma once
/* The engines that registry.c lists. */

#include "engine/engine.h"

/* So much of the chunk is done. */
static inline void sc_engine_tell(const struct sc_engine_request *request, int64_t done,
                                  int64_t total)
{
    if (request->progress != NULL && total > 0)
        atomic_store(request->progress, (int)(100 * SC_MIN(done, total) / total));
}

extern const struct sc_engine_ops sc_engine_command;
extern const struct sc_engine_ops sc_engine_http;
extern const struct sc_engine_ops sc_engine_null;
extern const struct sc_engine_ops sc_engine_pocketsphinx;
extern const struct sc_engine_ops sc_engine_whisper;
