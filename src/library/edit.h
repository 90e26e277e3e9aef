#pragma once
/* Editing: each change of a transcript makes a version of it. What did not change is shared with
 * the versions before: only rows that differ are written.
 *
 * An edit is planned from a read and written in a short write, which takes as long as what changed;
 * a long one in slices, between which others write. The write changes nothing unless the version
 * that the plan was made of is still the current one, and the check (library/fsck.h) has put
 * nothing right since, so no edit is lost and versions are gapless. */

#include "library/changes.h"
#include "library/transcripts.h"

struct sc_save {
    int64_t owner_id; /* whose transcript it must be; 0: anybody's */
    int64_t by;       /* the principal who edits */
    int64_t transcript;
    int base_version;               /* of which `wanted` was made; 0: the current one */
    const char *note;               /* NULL: none */
    const struct sc_origin *origin; /* of words that are new, beside `by`; NULL: that alone */
    enum sc_change_kind kind;       /* for the history */
    int restored_from;              /* `wanted` is this version of the transcript; 0: none */
};

struct sc_saved {
    int version;  /* the current one now, also after CONFLICT */
    bool changed; /* false: the base says what is wanted already, and there is no new version */
    int64_t changed_segments; /* new, other or gone */
    int64_t segment_count, word_count;
    /* Of the segments whose times are new: they end behind the recording, or share a moment with
     * the one in front of them or behind. */
    int64_t behind_end, overlaps;
};

struct sc_edit; /* a planned edit; for one thread */

/* Plans to make `wanted` of the current version; out tells what would come of it. Segments are told
 * apart by their id; those with id 0 are new. One with an id and text NULL is what the base has. It
 * is copied as far as it differs.
 *
 * What made a word follows from the base where `wanted` does not say it: words that were there keep
 * theirs, others are the edit's.
 *
 * Errors: TRANSCRIPT_NOT_FOUND; CONFLICT while the transcript is partial; CONFLICT with the field
 * base_version when another version is current, which out->version tells; INVALID_VALUE for what is
 * no list of segments, or an id that the base does not have or that comes twice;
 * TRANSCRIPT_DAMAGED. */
SC_MUST_USE enum sc_code sc_edit_plan(struct sc_conn *conn, const struct sc_save *save,
                                      const struct sc_segments *wanted, struct sc_edit **edit,
                                      struct sc_saved *out, struct sc_error *err);
/* Inside a write, which may run twice: CONFLICT as above when somebody was quicker, or repaired it
 * meanwhile. */
SC_MUST_USE enum sc_code sc_edit_write(struct sc_conn *tx, const struct sc_edit *edit,
                                       int64_t now_ms, struct sc_saved *out, struct sc_error *err);
void sc_edit_free(struct sc_edit *edit);
SC_DEFINE_FREEP(struct sc_edit, sc_edit_free);

/* What is written in the transaction that makes the new version current, and with it only. */
struct sc_edit_also {
    sc_write_fn fn;
    void *ctx;
};
/* Writes the edit, each row by itself where there are many: no other write waits much longer than
 * for a short one. The version is there whole or not at all; one that is not, after a kill, is
 * removed by sc_edits_settle, or by whoever edits that transcript next. Waits for another long edit
 * of the same transcript: 2 s at most, and two at a time; others, and who has waited so long, are
 * told TRANSCRIPT_BUSY. Errors as above. */
SC_MUST_USE enum sc_code sc_edit_save(struct sc_store *store, const struct sc_edit *edit,
                                      int64_t now_ms, const struct sc_edit_also *also,
                                      struct sc_saved *out, struct sc_error *err);
/* Ends what a kill has left of long edits, of all transcripts. */
SC_MUST_USE enum sc_code sc_edits_settle(struct sc_store *store, struct sc_error *err);

/* Both in one write: for callers that are in one. */
SC_MUST_USE enum sc_code sc_transcript_save(struct sc_conn *tx, const struct sc_save *save,
                                            const struct sc_segments *wanted, int64_t now_ms,
                                            struct sc_saved *out, struct sc_error *err);

/* ---- what is edited ---- */

/* The current version, of which no more is read than what is edited and what stands around it: an
 * edit of one sentence need not read ten hours. */
struct sc_draft {
    struct sc_conn *conn; /* borrowed, with its read transaction */
    struct sc_transcript t;
    /* Owned; what has been looked for, in order. Segments that stand around it have their id, row
     * and start_ms only, and text NULL. */
    struct sc_segments list;
    bool whole;                   /* all of the version */
    struct sc_edit_place *places; /* owned: what the version has where it was looked */
    size_t place_count, place_cap;
    int64_t *starts; /* owned, in order: all segments that start then have been read */
    size_t start_count, start_cap;
};
void sc_draft_done(struct sc_draft *d);
#define SC_AUTO_DRAFT SC_AUTO(sc_draft_done) struct sc_draft
/* With an empty list. Errors as sc_edit_plan. */
SC_MUST_USE enum sc_code sc_draft_open(struct sc_conn *conn, const struct sc_save *save,
                                       struct sc_draft *out, struct sc_saved *saved,
                                       struct sc_error *err);
/* Has all segments in the list: for whoever edits all. Before anything else. */
SC_MUST_USE enum sc_code sc_draft_read_all(struct sc_draft *d, struct sc_error *err);
/* Where the segment with this id stands in the list, read, beside those that it has beside it.
 * Others may stand elsewhere afterwards. */
SC_MUST_USE enum sc_code sc_draft_find(struct sc_draft *d, int64_t id, size_t *at, bool *found,
                                       struct sc_error *err);
/* The same of a row that starts then in the version, which is to stay where it is. */
SC_MUST_USE enum sc_code sc_draft_find_row(struct sc_draft *d, int64_t row, int64_t start_ms,
                                           size_t *at, bool *found, struct sc_error *err);
/* Has those in the list beside which a segment with this start belongs: before one is put there. */
SC_MUST_USE enum sc_code sc_draft_look(struct sc_draft *d, int64_t start_ms, struct sc_error *err);
/* Reads the segment at this index, unless it is read. */
SC_MUST_USE enum sc_code sc_draft_load(struct sc_draft *d, size_t index, struct sc_error *err);
/* Plans to make `wanted` of the draft, which has all segments (sc_draft_read_all); as sc_edit_plan,
 * without reading them again. save is that of sc_draft_open. */
SC_MUST_USE enum sc_code sc_edit_plan_of_draft(const struct sc_draft *d, const struct sc_save *save,
                                               const struct sc_segments *wanted,
                                               struct sc_edit **edit, struct sc_saved *out,
                                               struct sc_error *err);
/* Plans to make what the list has become. */
SC_MUST_USE enum sc_code sc_edit_plan_draft(const struct sc_draft *d, const struct sc_save *save,
                                            struct sc_edit **edit, struct sc_saved *out,
                                            struct sc_error *err);

/* ---- rolling back, pruning ---- */

/* Plans a version that is equal to an earlier one; save->base_version as above. VERSION_NOT_FOUND.
 */
SC_MUST_USE enum sc_code sc_edit_plan_rollback(struct sc_conn *conn, const struct sc_save *save,
                                               int version, struct sc_edit **edit,
                                               struct sc_saved *out, struct sc_error *err);
/* The version that the last change was made of, be it an edit or a rollback; after undoing
 * (SC_CHANGE_UNDONE) that of the last one that has not been undone. CONFLICT when there is none, or
 * it has been pruned. */
SC_MUST_USE enum sc_code sc_version_before(struct sc_conn *conn, const struct sc_transcript *t,
                                           int *version, struct sc_error *err);

struct sc_prune {
    int64_t owner_id, by, transcript;
    int64_t keep; /* so many of the newest versions stay, 1 or more */
};
/* Removes older versions, then rows that no version has any more, in slices. Numbers are not used
 * again. *removed: versions. */
SC_MUST_USE enum sc_code sc_versions_prune(struct sc_store *store, const struct sc_prune *what,
                                           int64_t now_ms, int64_t *removed, struct sc_error *err);
