#pragma once
/* What the files of edits share: planning (edit.c), whose words they are (edit-origins.c), writing
 * (edit-write.c). */

#include "library/edit.h"
#include "library/library-internal.h"

#define SC_NOWHERE SIZE_MAX
/* In place of the origin that the write makes. */
#define SC_ORIGIN_HERE INT64_C(-1)

/* Where a segment of the base stands. */
struct sc_edit_place {
    int64_t row, segment_id, start_ms, ord;
    int64_t rank, rank_now; /* library/sum.h; rank_now -1: it dies */
    bool dies;
    char hash[SC_SHA256_TEXT];
    struct sc_segment s; /* owned; text NULL until it is loaded */
};

/* A segment of the new version, in its order. */
struct sc_edit_item {
    size_t place;        /* of the base; SC_NOWHERE: a new one */
    bool kept;           /* its row stays */
    int64_t segment_id;  /* 0: it gets one */
    int64_t ord, rank;   /* of its new row */
    struct sc_segment s; /* owned; empty when kept */
};

struct sc_edit {
    struct sc_save save; /* borrows nothing */
    char *note;          /* owned */
    char *origin[3];     /* owned: engine, version, model */
    struct sc_transcript base;
    struct sc_sum_number sum; /* of the base */
    int64_t seen;             /* the last change of the transcript when it was read */
    /* All of both versions, or what a draft has read: each start that it has is there whole. */
    struct sc_edit_place *places; /* owned, in order */
    size_t place_count, place_cap;
    struct sc_edit_item *items; /* owned, in order */
    size_t item_count;
    int64_t elsewhere; /* segments of both that are not among them */
    int64_t changed, words;
    int64_t behind_end, overlaps; /* as in struct sc_saved */
};

/* May this be edited, and is it at the version that the edit is made of? */
enum sc_code sc_edit_check_base(const struct sc_transcript *t, const struct sc_save *save,
                                struct sc_saved *out, struct sc_error *err);
/* A row of edit_places or edit_group. */
void sc_edit_place_from_row(struct sc_stmt *st, struct sc_edit_place *out);
/* Reads one row of the transcript into an empty segment, or a stub. */
SC_MUST_USE enum sc_code sc_edit_load_row(struct sc_conn *conn, int64_t transcript, int64_t row,
                                          struct sc_segment *out, struct sc_error *err);
/* Has it not been read? */
bool sc_edit_is_stub(const struct sc_segment *s);
/* Says of each word of the new rows what made it: SC_ORIGIN_HERE, or what it was in the base. All
 * segments that end are loaded. */
SC_MUST_USE enum sc_code sc_edit_find_origins(struct sc_edit *e, struct sc_error *err);

/* ---- the steps of a write (edit-write.c) ---- */

/* How many segments the new version has. */
int64_t sc_edit_segments(const struct sc_edit *e);
/* What is told of an edit that has not been written. */
void sc_edit_tell(const struct sc_edit *e, struct sc_saved *out);
/* Ends what a long edit of this transcript still has to do, or what a kill has left of one (its old
 * rows die, or what never came to be goes), then calls fn, before another long edit may begin.
 * Waits while somebody saves one, as sc_edit_save. Returns fn's answer, or an error before it. */
typedef enum sc_code (*sc_edit_settled_fn)(void *ctx, struct sc_error *err);
SC_MUST_USE enum sc_code sc_edit_settled(struct sc_store *store, int64_t transcript,
                                         sc_edit_settled_fn fn, void *ctx, struct sc_error *err);
/* Takes the next version's number. `staged`: sc_edit_stage has kept it. CONFLICT as sc_edit_write;
 * also when the check has put something right since the plan was made; TRANSCRIPT_BUSY when a
 * version is being written in slices. */
SC_MUST_USE enum sc_code sc_edit_claim(struct sc_conn *tx, const struct sc_edit *e, bool staged,
                                       int64_t now_ms, struct sc_saved *out, struct sc_error *err);
/* Keeps the next version's number for a version that is written in slices. Errors as above. */
SC_MUST_USE enum sc_code sc_edit_stage(struct sc_conn *tx, const struct sc_edit *e,
                                       struct sc_saved *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_edit_make_origin(struct sc_conn *tx, const struct sc_edit *e,
                                             int64_t now_ms, int64_t *origin, struct sc_error *err);
/* The row is no more from this version on, and out of the text index. */
SC_MUST_USE enum sc_code sc_edit_end_row(struct sc_conn *tx, int64_t row, int version,
                                         struct sc_error *err);
/* A row of the next version, with its index. */
SC_MUST_USE enum sc_code sc_edit_write_row(struct sc_conn *tx, const struct sc_edit *e,
                                           const struct sc_edit_item *item, int64_t origin,
                                           char hash[SC_SHA256_TEXT], struct sc_error *err);
/* Room for a hash of each item; owned, NULL: no memory. */
char (*sc_edit_hashes(const struct sc_edit *e))[SC_SHA256_TEXT];
/* The sum of the version, with the hashes of its new rows. */
void sc_edit_sums(const struct sc_edit *e, char (*hashes)[SC_SHA256_TEXT],
                  char out[SC_SHA256_TEXT]);
/* The row of the version, and the change that tells of it. */
SC_MUST_USE enum sc_code sc_edit_make_version(struct sc_conn *tx, const struct sc_edit *e,
                                              int64_t now_ms, const char *hash,
                                              struct sc_error *err);
