#pragma once
/* The engine contract: what turns PCM into words. Engines are listed in one array (registry.c).
 *
 * One instance is used by one thread. The caller opens it for a model, then calls transcribe any
 * number of times with up to caps.batch chunks, then close. transcribe fills one result per chunk,
 * in order; a chunk's failure is its own and leaves the others. It polls `stop` often enough to
 * return within 100 ms. PCM is 16 kHz mono s16, owned by the caller, valid during the call. */

#include "base/error.h"
#include "transcript/segment.h"

struct sc_engine_caps {
    int max_chunk_s;
    int batch;   /* chunks per transcribe call */
    int threads; /* that one instance uses */
    bool word_times;
    const char *languages; /* comma-separated codes, "" = any */
    const char *default_model;
    const char *note;
};

struct sc_engine_request {
    const int16_t *pcm;
    size_t samples;
    int64_t start_ms; /* of the chunk in the recording */
    int chunk;
    int attempt;          /* 1 for the first */
    const char *language; /* "" = auto */
    const char *settings; /* canonical JSON of the job's options */
};

struct sc_engine_result {
    enum sc_code code;
    struct sc_error error;
    struct sc_segments segments; /* times from the start of the chunk; owned by the caller */
    char language[16];           /* detected, or "" */
};
void sc_engine_result_done(struct sc_engine_result *r);

/* fn true: stop now. */
struct sc_engine_stop {
    bool (*fn)(void *ctx);
    void *ctx; /* the caller's */
};

struct sc_engine_ops {
    const char *name;
    const char *version; /* enters the dedupe key: raise it when results change */
    const struct sc_engine_caps *(*caps)(void);
    /* Can it run on this machine? else ENGINE_UNAVAILABLE with the remedy. */
    enum sc_code (*usable)(struct sc_error *err);
    /* model "" = default. ENGINE_UNAVAILABLE, MODEL_ERROR. */
    enum sc_code (*open)(const char *model, void **state, struct sc_error *err);
    /* Returns non-OK only when the whole call failed (CANCELLED when stop fired, TIMEOUT). */
    enum sc_code (*transcribe)(void *state, const struct sc_engine_request *requests,
                               struct sc_engine_result *results, size_t count,
                               const struct sc_engine_stop *stop, struct sc_error *err);
    void (*close)(void *state);
};

/* NULL: no such engine. */
const struct sc_engine_ops *sc_engine_find(const char *name);
/* All of them, best first; *count rows. */
const struct sc_engine_ops *const *sc_engine_all(size_t *count);
