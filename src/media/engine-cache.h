#pragma once
/* The models that a worker has loaded: as many as engine.memory allows, the one that was not needed
 * for longest goes first, and each goes when nobody has needed it for engine.keep. Used by one
 * thread. */

#include "engine/engine.h"
#include "models/models.h"

#define ENGINE_CACHE_MAX 8

struct engine_open {
    const struct sc_engine_ops *engine;
    void *state;
    char *model;                       /* owned; as the job names it */
    char *path;                        /* owned; of a model file, else "" */
    struct sc_model_identity identity; /* its, when it was opened */
    int64_t bytes;                     /* that the engine expects to take */
    char *options;   /* owned; of the job that it was last asked about; NULL: none yet */
    int64_t used_ms; /* monotonic */
    int64_t load_ms; /* that opening took; -1: whoever waited for it has been told */
};
struct engine_cache {
    const struct sc_config *config; /* borrowed */
    struct engine_open rows[ENGINE_CACHE_MAX];
    size_t count;
};
struct engine_wanted { /* borrowed */
    const struct sc_engine_ops *engine;
    const char *model;
    const char *hash; /* of the model's file, as in sc_job.model_hash; "": any */
    bool is_local;    /* on the server's own machine */
    /* Of the jobs that it is for, canonical JSON; each may make it take more memory. */
    const char *const *options;
    size_t count;
};
/* The engine, open with that model: kept, or opened now, for which others may have to go. Borrowed
 * until the next call. MODEL_ERROR when it needs more than a worker may spend, with both figures,
 * and is then not loaded, and when the model's file is known to be another one;
 * ENGINE_UNAVAILABLE; CANCELLED when stop (NULL: nobody) fired while it was loaded. */
SC_MUST_USE enum sc_code engine_cache_get(struct engine_cache *c,
                                          const struct engine_wanted *wanted,
                                          const struct sc_engine_stop *stop,
                                          struct engine_open **out, struct sc_error *err);
/* It was used until now. */
void engine_cache_used(struct engine_open *open);
/* Closes what nobody has needed for engine.keep; true: something went. */
bool engine_cache_expire(struct engine_cache *c);
/* Monotonic time of the next that will; -1: none. */
int64_t engine_cache_next_ms(const struct engine_cache *c);
void engine_cache_close(struct engine_cache *c);
