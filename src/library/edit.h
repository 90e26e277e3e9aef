#pragma once
/* Editing: each change of a transcript makes a version of it. What did not change is shared with
 * the versions before: only rows that differ are written.
 *
 * An edit is planned from a read, which takes as long as the transcript is, and written in a short
 * write, which takes as long as what changed. The write changes nothing unless the version that the
 * plan was made of is still the current one, so no edit is lost and versions are gapless. */

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
};

struct sc_saved {
    int version;  /* the current one now, also after CONFLICT */
    bool changed; /* false: the base says what is wanted already, and there is no new version */
    int64_t changed_segments; /* new, other or gone */
    int64_t segment_count, word_count;
};

struct sc_edit; /* a planned edit; for one thread */

/* Plans to make `wanted` of the current version. Segments are told apart by their id; those with id
 * 0 are new. It is copied as far as it differs. Errors: TRANSCRIPT_NOT_FOUND; CONFLICT while the
 * transcript is partial; CONFLICT with the field base_version when another version is current,
 * which out->version tells; INVALID_VALUE for what is no list of segments, or an id that the base
 * does not have or that comes twice. */
SC_MUST_USE enum sc_code sc_edit_plan(struct sc_conn *conn, const struct sc_save *save,
                                      const struct sc_segments *wanted, struct sc_edit **edit,
                                      struct sc_saved *out, struct sc_error *err);
/* Inside a write, which may run twice: CONFLICT as above when somebody was quicker. */
SC_MUST_USE enum sc_code sc_edit_write(struct sc_conn *tx, const struct sc_edit *edit,
                                       int64_t now_ms, struct sc_saved *out, struct sc_error *err);
void sc_edit_free(struct sc_edit *edit);
SC_DEFINE_FREEP(struct sc_edit, sc_edit_free);

/* Both in one write: for callers that are in one. It reads the whole transcript there. */
SC_MUST_USE enum sc_code sc_transcript_save(struct sc_conn *tx, const struct sc_save *save,
                                            const struct sc_segments *wanted, int64_t now_ms,
                                            struct sc_saved *out, struct sc_error *err);
