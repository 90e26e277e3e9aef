#pragma once
/* What the files of the check share. */

#include "library/fsck.h"
#include "library/library-internal.h"

#define SC_FSCK_LOST "not to be restored from what is here: transcribe the recording again"
#define SC_FSCK_BACKUP "restore the store from a backup"
#define SC_FSCK_RESTORE "'scripta fsck --repair' restores it"

struct sc_fsck {
    const struct sc_fsck_options *o;
    sc_fsck_fn fn;
    void *ctx;
};
void sc_fsck_report(struct sc_fsck *f, const struct sc_fsck_problem *problem);

/* Checks the transcript behind `after`: *id is its, or 0: there is none. */
SC_MUST_USE enum sc_code sc_fsck_transcript(struct sc_fsck *f, int64_t after, int64_t *id,
                                            struct sc_error *err);

/* ---- restoring (fsck-restore.c); pure but for the exports that are read ---- */

/* A segment as its row has it. */
struct sc_stored {
    int64_t transcript;
    struct sc_segment s; /* owned; it has what `words` and `heard` say when they can be unpacked */
    struct sc_buf words, heard; /* packed */
    struct sc_buf text;         /* as it stands, with what NULs came into it */
    bool unpacked;
    char hash[SC_SHA256_TEXT];
};
void sc_stored_done(struct sc_stored *row);
#define SC_AUTO_STORED SC_AUTO(sc_stored_done) struct sc_stored
void sc_stored_from_row(struct sc_stmt *st, struct sc_stored *out);

/* Other places that may hold what a row has lost. */
struct sc_restore_sources {
    struct sc_segments exported; /* owned: of the JSON exports of the transcript */
    struct sc_buf chunk_text;    /* of the row's chunk: a line for each segment */
};
void sc_restore_sources_done(struct sc_restore_sources *sources);

/* Makes row what it was: true when it matches its hash then. */
bool sc_stored_restore(struct sc_stored *row, const struct sc_restore_sources *sources);
/* The text that has this hash, when one bit of it has changed; `text` is put right. */
bool sc_text_restore(struct sc_buf *text, const char *hash);
/* Do two hashes differ in one sign only? Then one of them is damaged, not what they were made of.
 */
bool sc_hash_is_near(const char *a, const char *b);
