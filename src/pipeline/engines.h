#pragma once
/* The table of engines that can be asked for here, as scripta-media tells it (engines.c). */

#include "base/buf.h"
#include "base/error.h"
#include "models/models.h"

#include <pthread.h>

struct sc_engine_row {
    char name[24], version[40], default_model[520];
    char languages[1024]; /* codes between commas, ",en,"; "": any */
    char options[512];    /* names in the same form */
    char models[256];     /* the same; one that ends in '/': whatever begins so; "": any */
    char sends_to[200];   /* another host's address; "": recordings stay here */
    bool model_files;     /* its models are those of the models folder */
    bool usable;
    char reason[240];
    char passed_over[300]; /* of a row that `auto` chose: why a better one cannot run here, or "" */
    int max_chunk_s, aim_chunk_s, window_s;
};
#define SC_ENGINES_MAX 16

/* Never changed once it is shown. */
struct sc_engine_table {
    uint64_t stamp; /* of the models folder, from before it was asked for */
    char *json;
    struct sc_engine_row rows[SC_ENGINES_MAX];
    size_t count;
};

struct sc_engines {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    const struct sc_config *config; /* borrowed */
    int64_t patience_ms; /* how long a table of before a change of the folder is no answer */
    /* -- protected by lock -- */
    bool started;                  /* there is a thread to join */
    bool asking;                   /* it has not answered yet */
    uint64_t round;                /* how often it was asked */
    int64_t asked_ms, answered_ms; /* monotonic; when it was last asked, and had last answered */
    struct sc_error failure;       /* of the last answer; code SC_OK: it was good */
    struct sc_engine_table *table; /* of the last good one; NULL: there was none */
};
/* Before anything else; config is borrowed. */
void sc_engines_init(struct sc_engines *e, const struct sc_config *config);
/* Asks for the first table, on a thread of its own. */
void sc_engines_start(struct sc_engines *e);
void sc_engines_done(struct sc_engines *e);
/* Stands for the best engine that can run here; its name is in the row. */
#define SC_ENGINE_AUTO "auto"
/* Waits for the first table; ENGINE_UNAVAILABLE names field `engine` and those that can be used. */
SC_MUST_USE enum sc_code sc_engines_get(struct sc_engines *e, const char *name,
                                        struct sc_engine_row *out, struct sc_error *err);
/* Would it answer at once? */
bool sc_engines_are_known(struct sc_engines *e);
bool sc_engine_row_takes(const struct sc_engine_row *row, const char *option);
/* Appends the names of the usable engines that take the option, separated by commas. */
void sc_engines_taking(struct sc_engines *e, const char *option, struct sc_buf *out);
SC_MUST_USE enum sc_code sc_engines_json(struct sc_engines *e, struct sc_buf *out,
                                         struct sc_error *err);
