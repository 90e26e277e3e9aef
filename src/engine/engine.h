#pragma once
/* The engine contract: what turns PCM into words. Engines are listed in one array (registry.c).
 *
 * One instance is used by one thread. The caller opens it for a model, then calls transcribe any
 * number of times with up to caps.batch chunks, then close. transcribe fills one result per chunk,
 * in order; a chunk's failure is its own and leaves the others. Both poll `stop` often enough to
 * return within 100 ms. PCM is 16 kHz mono s16, owned by the caller, valid during the call.
 *
 * Settings are read where they are needed and never changed; they outlive every instance. */

#include "base/error.h"
#include "base/language.h"
#include "config/config.h"
#include "transcript/segment.h"

#include <stdatomic.h>

/* What an engine can do here, with these settings. Texts are borrowed from the settings, or
 * static. */
struct sc_engine_caps {
    /* Enters the dedupe key: differs whenever results may. */
    char version[40];
    int max_chunk_s;
    /* Cuts are made near this length where there is a pause, the first a little before: a text
     * begins sooner, and the last chunks keep all workers busy. 0: as long as they may be, for
     * engines whose cost does not fall with the length. */
    int aim_chunk_s;
    /* Less sound than this, in seconds, costs the same: short stretches of speech are packed into
     * one chunk of so much (vad/vad.h), and times are brought back. 0: cost falls with the length.
     */
    int window_s;
    int batch;       /* chunks per transcribe call */
    int threads;     /* that one instance uses */
    int concurrency; /* chunks at the same time over all workers; 0: as many as there are workers */
    bool word_times;
    const char *languages; /* comma-separated codes, "" = any */
    /* Comma-separated names of the job's options that it takes, of those that not every engine
     * does. */
    char options[320];
    const char *default_model;
    /* Comma-separated names of all models that it can have anywhere, one that ends in '/' for all
     * that begin so; "": nobody knows them all. */
    const char *models;
    /* Its models are those of the models folder (models/models.h), which says their names and the
     * default; `models` and `default_model` are then "". */
    bool model_files;
    const char *sends_to; /* address that recordings are sent to when it is not this machine's; "":
                           * they stay here */
    const char *note;
};

struct sc_engine_result;

struct sc_engine_request {
    const int16_t *pcm;
    size_t samples;
    int64_t start_ms; /* of the chunk in the recording */
    /* Of a job with option sequential: what lies from there on in the recording is the next
     * chunk's, to which `carry` is handed on; 0: the chunk is heard by itself. */
    int64_t until_ms;
    const char *carry; /* what the chunk before has handed on; NULL: it is the first */
    int chunk;
    int attempt;          /* 1 for the first */
    const char *language; /* "" = auto */
    const char *settings; /* canonical JSON of the job's options */
    atomic_int *progress; /* percent of the chunk, set by an engine that knows; NULL: nobody asks */
    /* Once set, the chunk's result is CANCELLED and the others go on; NULL: never. Looked at, after
     * `stop` was asked, by engines that take several chunks. */
    const atomic_bool *unwanted;
    /* Told on the caller's thread of a result that is whole before the call ends, which is whoever
     * is told's to take and to free. NULL: nobody asks. */
    void (*done)(const struct sc_engine_request *request, struct sc_engine_result *result);
    void *done_ctx;
    /* Told on the caller's thread of what is said so far in a chunk that goes on: the segments from
     * `first` on are new, none in front of it has changed. Borrowed during the call. NULL: nobody
     * asks. */
    void (*so_far)(const struct sc_engine_request *request, const struct sc_segments *segments,
                   size_t first);
    void *so_far_ctx;
};

/* Bytes of what an engine says about a chunk that are kept at most. */
#define SC_ENGINE_LOG_MAX ((size_t)16384)

struct sc_engine_result {
    enum sc_code code;
    struct sc_error error;
    struct sc_segments segments;     /* times from the start of the chunk; owned by the caller */
    char language[SC_LANGUAGE_TEXT]; /* detected, or "" */
    struct sc_buf log;               /* lines for the job's log, valid UTF-8; owned by the caller */
    struct sc_buf carry;             /* for the next chunk, where until_ms is told; the same */
};
void sc_engine_result_done(struct sc_engine_result *r);

/* fn true: stop now. */
struct sc_engine_stop {
    bool (*fn)(void *ctx);
    void *ctx; /* the caller's */
};

struct sc_engine_ops {
    const char *name;
    void (*caps)(const struct sc_config *config, struct sc_engine_caps *out);
    /* Can it run on this machine? else ENGINE_UNAVAILABLE with the remedy. */
    enum sc_code (*usable)(const struct sc_config *config, struct sc_error *err);
    /* model "" = default. ENGINE_UNAVAILABLE, MODEL_ERROR; CANCELLED when stop fired. */
    enum sc_code (*open)(const struct sc_config *config, const char *model,
                         const struct sc_engine_stop *stop, void **state, struct sc_error *err);
    /* Bytes that an instance takes with this model once it is open and at work for a job with these
     * options (canonical JSON; "": none); asked before open, for the worker's budget
     * (engine.memory). NULL: next to nothing. MODEL_ERROR. */
    enum sc_code (*memory)(const struct sc_config *config, const char *model, const char *options,
                           int64_t *out, struct sc_error *err);
    /* Returns non-OK only when the whole call failed (CANCELLED when stop fired, TIMEOUT): results
     * that nobody was told of are then empty. */
    enum sc_code (*transcribe)(void *state, const struct sc_engine_request *requests,
                               struct sc_engine_result *results, size_t count,
                               const struct sc_engine_stop *stop, struct sc_error *err);
    void (*close)(void *state);
};

/* NULL: no such engine. */
const struct sc_engine_ops *sc_engine_find(const char *name);
/* All of them, best first; *count rows. */
const struct sc_engine_ops *const *sc_engine_all(size_t *count);
