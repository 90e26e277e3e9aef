#pragma once
/* The models of the engine `whisper`: files in the models folder (models.dir, by default models/ of
 * the data folder) and in that of the system (models.system_dir), which is only read.
 *
 * A model is a ggml file NAME.bin, or a folder with model.safetensors. It is called NAME, without
 * "ggml-" in front. Beside it lies NAME.bin.json (FOLDER.json) with what was found out when it was
 * added: its SHA-256, dimensions, type, where it came from. The facts hold while size and time of
 * the model are those of that moment; a file that somebody copied into the folder works without.
 *
 * Whoever changes the folder holds its lock and brings each thing by a rename: readers need no lock
 * and see a model whole or not at all. Thread-safe. */

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "config/config.h"
#include "whisper/file.h"

#define SC_MODEL_NAME 128
#define SC_MODEL_SOURCE 320

/* Who said that the sum is right. */
enum sc_model_trust {
    SC_MODEL_TRUST_NOBODY, /* first use: the bytes are what came */
    SC_MODEL_TRUST_SERVER, /* where it was pulled from */
    SC_MODEL_TRUST_ASKED,  /* whoever added it gave the sum */
    SC_MODEL_TRUST_AUTHOR, /* it is one that the author publishes (published.def) */
    SC_MODEL_TRUST_COUNT_
};

/* What is written beside a model. */
struct sc_model_facts {
    char sha256[SC_SHA256_TEXT]; /* of the file; of a folder: of its model.safetensors */
    char type[12];               /* of most weights: "f16", "q5_1" */
    struct sc_whisper_dims dims;
    int languages;                /* 1: English alone */
    char source[SC_MODEL_SOURCE]; /* path or address that it came from, without a query */
    enum sc_model_trust trust;
    int64_t added_ms; /* wall clock */
};

struct sc_model {
    char name[SC_MODEL_NAME];
    char *path;         /* owned; the file, or the folder */
    int64_t size_bytes; /* of the file that holds the weights */
    int64_t changed_ns; /* and when that was last written */
    bool is_folder;
    bool is_system;    /* in models.system_dir */
    bool is_outside;   /* in neither folder: nothing is written down of it */
    bool is_known;     /* facts hold for these bytes */
    bool is_damaged;   /* sc_models_verify has found so of these bytes: nobody is to use them */
    bool has_facts;    /* there are some, maybe of other bytes */
    bool is_inspected; /* dims, type and languages were just read from it */
    struct sc_model_facts facts;
};
void sc_model_done(struct sc_model *m);
#define SC_AUTO_MODEL SC_AUTO(sc_model_done) struct sc_model

struct sc_models {
    struct sc_model *rows; /* by name */
    size_t count, cap;
    struct sc_buf
        strays; /* what looks like a model and can be none: the first names, to be shown */
    size_t stray_count;
};
void sc_models_done(struct sc_models *all);
#define SC_AUTO_MODELS SC_AUTO(sc_models_done) struct sc_models

/* What to do when there is none. */
#define SC_MODELS_REMEDY \
    "`scripta models add FILE` takes a ggml file, `scripta models pull NAME` brings one"

/* What to do with a damaged one. */
#define SC_MODELS_MEND \
    "bring it again, with `scripta models pull --replace` or `scripta models add --replace`"

/* ---- reading the folders ---- */

/* The folder that is ours to change, whether it is there or not; owned by the caller. */
char *sc_models_dir(const struct sc_config *config);
/* All of both folders; folders that are missing are empty. */
SC_MUST_USE enum sc_code sc_models_list(const struct sc_config *config, struct sc_models *out,
                                        struct sc_error *err);
/* Appends a sentence about what was passed over, if anything was. */
void sc_models_warn(const struct sc_models *all, struct sc_buf *out);
/* Differs once something in the folders has changed. */
uint64_t sc_models_stamp(const struct sc_config *config);
/* What there is of the name: "base.en", its file's name, "base.en" for base.en-q5_1 when there is
 * no other, or a full path; "": the default. NOT_FOUND with the field `model` and what to do. */
SC_MUST_USE enum sc_code sc_models_get(const struct sc_config *config, const char *name,
                                       struct sc_model *out, struct sc_error *err);
/* The same for whoever wants to work with it: MODEL_ERROR where there is none, or a damaged one. */
SC_MUST_USE enum sc_code sc_models_find(const struct sc_config *config, const char *name,
                                        struct sc_model *out, struct sc_error *err);
/* The same, for whoever wants to open it: the path alone, owned by the caller. */
SC_MUST_USE enum sc_code sc_models_path(const struct sc_config *config, const char *name,
                                        char **out_path, struct sc_error *err);
/* Finds the model of jobs that name none, speak that language ("", "auto": any) and maybe need one
 * of many languages: to be translated, to speak several. Where none can do that, the default; where
 * none of them fits the memory, the one that comes nearest to it. */
SC_MUST_USE enum sc_code sc_models_find_for(const struct sc_config *config, const char *language,
                                            bool many, struct sc_model *out, struct sc_error *err);
/* Does it, as far as is known? */
bool sc_model_knows(const struct sc_model *m, const char *language);
/* Appends the codes of its languages, as many as fit into `most` bytes and how many more there are;
 * nothing where they are not known. */
void sc_model_languages(const struct sc_model *m, size_t most, struct sc_buf *out);
/* The model of jobs that name none: engine.whisper.model, else the largest network among those that
 * fit the memory, never a damaged one. NULL: there is none that fits. Borrowed from all. */
const struct sc_model *sc_models_default(const struct sc_config *config,
                                         const struct sc_models *all);

/* There are some to choose from, and none fits the memory. */
bool sc_models_are_too_large(const struct sc_config *config, const struct sc_models *all);

/* What follows "whisper": why all of them have no default, and what to do. */
void sc_models_lack(const struct sc_config *config, const struct sc_models *all,
                    struct sc_buf *out);

/* What results depend on beside the name of a model. */
enum sc_model_identity_kind {
    SC_MODEL_NO_FILE, /* the engine has no model files; text "" */
    SC_MODEL_BY_TIME, /* its facts do not hold: "file:", its bytes, ":", ns since 1970 of its change
                       */
    SC_MODEL_BY_SUM,  /* "sha256:" and hexadecimal digits: the same everywhere */
};
struct sc_model_identity {
    enum sc_model_identity_kind kind;
    char text[80];
};
struct sc_model_identity sc_model_identify(const struct sc_model *m);
/* Is it, as far as is known, the one that was identified by this text ("": any)? One that was
 * identified by its time and has got facts since is the same. */
bool sc_model_is_still(const struct sc_model *m, const char *text);
/* The same of a text from another machine, where a copy has a time of its own: only sums tell. */
bool sc_model_may_be(const struct sc_model *m, const char *text);

/* Bytes that one worker may spend on loaded models: engine.memory, else half of the machine's
 * memory, shared by its local workers. */
int64_t sc_models_budget(const struct sc_config *config);
/* Are its dims, type and languages known? */
bool sc_model_is_known(const struct sc_model *m);
/* What a worker with these settings hears at once for a job with these options (canonical JSON; "":
 * none). */
void sc_models_use(const struct sc_config *config, const char *options, struct sc_whisper_use *out);
/* Bytes that a model takes when it is loaded and at work. use NULL: one chunk at a time, of a job
 * that names no options. -1: its facts are not known. */
int64_t sc_model_memory(const struct sc_model *m, const struct sc_whisper_use *use);

/* ---- changing our folder ---- */

/* 64 hexadecimal digits, in lower case in out. */
bool sc_models_sum_parse(struct sc_str text, char out[SC_SHA256_TEXT]);

/* How far it is, and whether to go on; any may be NULL. */
struct sc_models_watch {
    void (*show)(void *ctx, const char *stage, int64_t done, int64_t total); /* total -1: unknown */
    void (*note)(void *ctx, const char *text); /* a sentence for people */
    bool (*stop)(void *ctx);                   /* true: CANCELLED */
    void *ctx;
};

/* A model that is to come. */
struct sc_model_wish {
    const char *what;   /* where it is */
    const char *name;   /* that it is to have; NULL: its own */
    const char *sha256; /* that it must have; NULL: any, or what the server says if it does */
    bool replace;       /* CONFLICT when it is there, unless this is set */
};
/* Copies what lies at a path, a file or a folder, checks it whole, and shows it under its name.
 * MODEL_ERROR, NO_SPACE, CHECKSUM_MISMATCH, CONFLICT also when another is at work on the folder. */
SC_MUST_USE enum sc_code sc_models_add(const struct sc_config *config,
                                       const struct sc_model_wish *wish,
                                       const struct sc_models_watch *watch, struct sc_model *out,
                                       struct sc_error *err);
/* Downloads it from an address, or as "base.en": ggml-base.en.bin below models.url; behind what an
 * earlier attempt brought, and goes on as sc_models_add does. What came stays for the next attempt
 * when the connection breaks or room is short. */
SC_MUST_USE enum sc_code sc_models_pull(const struct sc_config *config,
                                        const struct sc_model_wish *wish,
                                        const struct sc_models_watch *watch, struct sc_model *out,
                                        struct sc_error *err);

/* Of our folder only; also what an unfinished pull of it left. *freed: bytes. NOT_FOUND: there is
 * none; CONFLICT: it is the system's. Whoever has loaded it keeps it. */
SC_MUST_USE enum sc_code sc_models_remove(const struct sc_config *config, const char *name,
                                          int64_t *freed, struct sc_error *err);

/* Reads all of it and holds it against its facts; MODEL_ERROR when it is another file now, or
 * damaged: they hold no more. A model of our folder without facts gets them. */
SC_MUST_USE enum sc_code sc_models_verify(const struct sc_config *config, const char *name,
                                          const struct sc_models_watch *watch, struct sc_model *out,
                                          struct sc_error *err);
/* Opens and checks a model file or folder and fills dims, type and languages. MODEL_ERROR. */
SC_MUST_USE enum sc_code sc_models_inspect(const char *path, struct sc_model_facts *out,
                                           struct sc_error *err);
