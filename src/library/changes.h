#pragma once
/* The history of what people did to the library: whoever changes something that a user sees records
 * it in the same write. Ids and numbers, never text: what was said, noted or searched for must be
 * gone when its thing is deleted. */

#include "base/id.h"
#include "store/store.h"

#define SC_LOCAL_OWNER 1 /* the row of principals that the first migration makes */

enum sc_change_kind {
#define SC_CHANGE(name, text) SC_CHANGE_##name,
#include "library/changes.def"
#undef SC_CHANGE
    SC_CHANGE_COUNT_
};
/* "transcript.edited". Static. */
const char *sc_change_name(enum sc_change_kind kind);

/* A change names at most one of file, job and transcript, and goes when that is deleted. One that
 * tells of a deletion therefore names none, and has the numbers in its detail. */
struct sc_change {
    enum sc_change_kind kind;
    int64_t owner_id; /* whose thing it is */
    int64_t by;       /* the principal who did it */
    int64_t at_ms;
    int64_t file_id, job, transcript_id; /* 0: another thing */
    int version;                         /* of the transcript; 0: none */
    int64_t other_id;                    /* of anything else; 0: none */
    int64_t gone_file_id; /* of a deletion: the file that it was of, so that it is found; 0: none */
    const char *detail;   /* a JSON object of ids and numbers; NULL: {} */

    /* Filled by the list. */
    int64_t id;
    char by_name[64];
    char job_id[SC_UUID_TEXT]; /* "": no job */
};
SC_MUST_USE enum sc_code sc_change_record(struct sc_conn *tx, const struct sc_change *change,
                                          struct sc_error *err);
/* Of a thing that is no file, job or transcript, done now. */
SC_MUST_USE enum sc_code sc_change_record_other(struct sc_conn *tx, enum sc_change_kind kind,
                                                int64_t owner_id, int64_t by, int64_t other_id,
                                                struct sc_error *err);

/* The last one of the transcript; 0: none. Whatever is done to its versions makes a newer one. */
SC_MUST_USE enum sc_code sc_change_last(struct sc_conn *conn, int64_t transcript, int64_t *id,
                                        struct sc_error *err);

/* Forgets what happened before that time, at most so many rows; not what a later undo needs to
 * know. *removed: how many. */
SC_MUST_USE enum sc_code sc_changes_forget(struct sc_conn *tx, int64_t before_ms, int limit,
                                           int64_t *removed, struct sc_error *err);

struct sc_change_filter {
    int64_t owner_id;                    /* 0: everybody's */
    int64_t file_id, job, transcript_id; /* the first that is not 0 counts */
    const char *kind;                    /* sc_change_name; NULL: all */
    int64_t before_id;                   /* cursor; 0: from the newest */
    int limit;
};
/* change->detail is borrowed until fn returns. */
typedef enum sc_code (*sc_change_fn)(void *ctx, const struct sc_change *change,
                                     struct sc_error *err);
/* The newest first. */
SC_MUST_USE enum sc_code sc_change_list(struct sc_conn *conn, const struct sc_change_filter *filter,
                                        sc_change_fn fn, void *ctx, struct sc_error *err);
