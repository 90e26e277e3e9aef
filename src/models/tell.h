#pragma once
/* What there is to tell of the models folders, as GET /api/models, `models list` and `doctor` show
 * it: models, what is unfinished, settings that name what is not there. */

#include "models/models.h"
#include "net/fetch.h"
#include "json/writer.h"

/* An object with what is known of it, as GET /api/models and `models list --json` show it. */
void sc_model_write(struct sc_json *w, const char *key, const struct sc_model *m, bool is_default);

/* What is there of a file that was being pulled, and of what it is a beginning. */
struct sc_pull_note {
    char *url;                /* without its query, owned; "": nothing is known, NULL: of no pull */
    char etag[SC_FETCH_ETAG]; /* "": a pull cannot go on with it */
    int64_t whole;            /* bytes in the end; -1: unknown */
};
/* What a pull or a copy has brought so far, of one that ended before its time or is at work. */
struct sc_models_rest {
    char name[SC_MODEL_NAME];
    bool is_pull, is_at_work;
    int64_t size_bytes, changed_ms; /* wall clock */
    struct sc_pull_note note;
};
struct sc_models_rests {
    struct sc_models_rest *rows; /* by the names of their files */
    size_t count, cap;
};
void sc_models_rests_done(struct sc_models_rests *all);
/* Of our folder. */
SC_MUST_USE enum sc_code sc_models_unfinished(const struct sc_config *config,
                                              struct sc_models_rests *out, struct sc_error *err);

/* Settings that name what is not there, or cannot be read: each with its field and what to do. */
struct sc_models_problems {
    struct sc_error rows[2];
    size_t count;
};
void sc_models_judge(const struct sc_config *config, struct sc_models_problems *out);

/* All of that and the models as one object: what GET /api/models answers. */
SC_MUST_USE enum sc_code sc_models_json(const struct sc_config *config, struct sc_buf *out,
                                        struct sc_error *err);
