#pragma once
/* What the files of the module share. */

#include "models/tell.h"

#define SC_MODEL_PREFIX "ggml-"
#define SC_MODEL_SUFFIX ".bin"
#define SC_MODEL_WEIGHTS "model.safetensors"
#define SC_MODEL_NOTE ".json"
/* Hidden, behind ".NAME": what a pull brings, and a copy. */
#define SC_MODEL_PART ".part"
#define SC_MODEL_COPY ".adding"
#define SC_MODEL_FRESH ".facts" /* of what is about to be the model */
#define SC_MODEL_LOCK ".lock"
/* In the line of whoever holds the lock: what stands behind it is the model at work, if it is one.
 */
#define SC_MODEL_HOLDER " model="

/* The file with the weights of a model: itself, or within the folder. Owned by the caller. */
char *sc_model_weights(const char *path, bool is_folder);
/* "base.en" of "ggml-base.en.bin"; false: no file of that name is a model. */
bool sc_model_name_of(const char *file, char out[SC_MODEL_NAME]);
/* Letters, digits, '.', '_' and '-', not '.' or '-' in front: safe as a file's name and to show. */
bool sc_model_name_is_safe(const char *name);
/* Fills path, size and time of the model at path (taken). false: there is no model. */
bool sc_model_look(char *path, const char *name, bool is_system, struct sc_model *out);

/* ---- facts.c ---- */

/* Those beside the model, or where they are of other bytes and prepared ones are of these, those.
 */
void sc_model_facts_read(struct sc_model *m);
/* Beside the model at m->path. */
SC_MUST_USE enum sc_code sc_model_facts_write(const struct sc_model *m, struct sc_error *err);
/* Of what is to lie at m->path, under a hidden name until sc_model_facts_show. They are read there,
 * too, from the moment on that the model has its place: nothing is lost where they stay. */
SC_MUST_USE enum sc_code sc_model_facts_prepare(const struct sc_model *m, struct sc_error *err);
void sc_model_facts_show(const struct sc_model *m);
/* Shows prepared facts of the model that lies there: what a crash has left hidden. */
void sc_model_facts_recover(const struct sc_model *m);
/* Size and time of what was just written. */
SC_MUST_USE enum sc_code sc_model_measure(const char *path, bool is_folder, struct sc_model *m,
                                          struct sc_error *err);

/* ---- keep.c ---- */

struct sc_lockfile;
/* Makes the folder if it is missing; `name` is the model that is changed. CONFLICT tells who has
 * it.
 */
SC_MUST_USE enum sc_code sc_models_lock(const struct sc_config *config, const char *name,
                                        struct sc_lockfile **out, struct sc_error *err);
/* The SHA-1 that the author publishes for the model of that name; NULL: none. Static. */
const char *sc_models_published(const char *name);
/* What lies complete and hidden, and is to become a model. */
struct sc_model_made {
    const char *path;
    const char *seen;   /* what errors call it: the path or address that somebody gave */
    const char *sha256; /* that it must have; "": any */
    bool is_asked_for;  /* by the name that it will have, of nobody who says its sum */
};
/* It gets its facts, and becomes the model at m->path. facts.source and trust are the caller's, who
 * has what is left of it on failure. MODEL_ERROR, CHECKSUM_MISMATCH. */
SC_MUST_USE enum sc_code sc_models_settle(const struct sc_model_made *made, struct sc_model *m,
                                          const struct sc_models_watch *watch,
                                          struct sc_error *err);
/* The name that is wished, or `own` where it is one (NULL: there is none): INVALID_VALUE tells what
 * names are. `seen` is what the own name would have been of. */
SC_MUST_USE enum sc_code sc_models_name(const struct sc_model_wish *wish, const char *own,
                                        const char *seen, char out[SC_MODEL_NAME],
                                        struct sc_error *err);
/* How a model comes. */
struct sc_models_way {
    /* Looks at what is to come: m->name, m->is_folder. */
    enum sc_code (*look)(void *from, struct sc_model *m, struct sc_error *err);
    /* Brings it into the folder, which is locked, and settles it at m->path. */
    enum sc_code (*bring)(void *from, struct sc_model *m, struct sc_error *err);
};
/* CONFLICT when there is one and it is not to be replaced, or is of the other kind. */
SC_MUST_USE enum sc_code sc_models_bring(const struct sc_config *config,
                                         const struct sc_models_way *way, void *from, bool replace,
                                         struct sc_model *out, struct sc_error *err);
/* NO_SPACE with both figures when `need` bytes do not fit. */
SC_MUST_USE enum sc_code sc_models_room(const char *dir, int64_t need, struct sc_error *err);
/* The watch's functions, where there are some. */
void sc_models_show(const struct sc_models_watch *w, const char *stage, int64_t done,
                    int64_t total);
void sc_models_say(const struct sc_models_watch *w, const char *fmt, ...) SC_PRINTF(2, 3);
bool sc_models_stopped(const struct sc_models_watch *w);

/* ---- unfinished.c ---- */

void sc_pull_note_done(struct sc_pull_note *note);
/* Nothing is known where there is none, or no note. */
void sc_pull_note_read(const char *path, struct sc_pull_note *out);
SC_MUST_USE enum sc_code sc_pull_note_write(const struct sc_pull_note *note, const char *path,
                                            struct sc_error *err);
/* A file, or a folder with all in it. What stays is hidden, and the next attempt meets it first. */
void sc_models_drop(const char *path);
/* What attempts to add or pull it have left. *any: there was something; *freed grows by its bytes.
 */
SC_MUST_USE enum sc_code sc_models_drop_rests(const char *dir, const char *name, bool *any,
                                              int64_t *freed, struct sc_error *err);
