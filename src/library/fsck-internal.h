#pragma once
/* What the files of the check share. */

#include "library/changes.h"
#include "library/fsck.h"
#include "library/library-internal.h"

#define SC_FSCK_LOST                                                                              \
    "not to be restored from what is here: transcribe the recording again, or take what is left " \
    "with 'scripta fsck --accept'"
#define SC_FSCK_MAKES "'scripta fsck --accept' makes it again of its segments"
#define SC_FSCK_MARKS "'scripta fsck --accept' takes the newest version for it"
#define SC_FSCK_BACKUP "restore the store from a backup"
#define SC_FSCK_RESTORE "'scripta fsck --repair' restores it"
#define SC_FSCK_BUSY "others are saving it just now: call 'scripta fsck --repair' again"
#define SC_FSCK_ACCEPTED "what is there now counts from here on"

struct sc_fsck {
    const struct sc_fsck_options *o;
    sc_fsck_fn fn;
    void *ctx;
};
void sc_fsck_report(struct sc_fsck *f, const struct sc_fsck_problem *problem);
int64_t sc_fsck_by(const struct sc_fsck *f);

/* Checks the transcript at hand, or as much of it as there is time for, and moves on; *found false:
 * there is none. */
SC_MUST_USE enum sc_code sc_fsck_transcript(struct sc_fsck *f, struct sc_fsck_place *at,
                                            int64_t until_ms, bool *found, struct sc_error *err);

/* ---- a transcript at hand ---- */

/* A row of a segment, without what it says. */
struct sc_fsck_row {
    int64_t id, segment_id, born, died; /* died INT64_MAX: it lives */
    int64_t start_ms, end_ms, ord, words;
    int chunk;
    bool sound;
    bool supposed; /* it is not there: a dry run goes on as if it were restored */
    char hash[SC_SHA256_TEXT];
};
struct sc_fsck_rows {
    struct sc_fsck_row *items; /* owned */
    size_t count, cap;
};
struct sc_fsck_version {
    int64_t transcript;
    int version;
    bool current;
    int64_t segments, words;
    struct sc_sum_stored sum;
};
struct sc_fsck_versions {
    struct sc_fsck_version *items; /* owned; in order */
    size_t count, cap;
};

#define SC_FSCK_NAME 64
/* Somewhere that may hold what was lost: segments, of which `has` says what is known. */
enum sc_fsck_part {
    SC_FSCK_TEXT = 1u << 0,
    SC_FSCK_TIMES = 1u << 1,
    SC_FSCK_SPEAKER = 1u << 2,
    SC_FSCK_CONFIDENCE = 1u << 3,
    SC_FSCK_WORDS = 1u << 4,
    SC_FSCK_HEARD = 1u << 5,
    SC_FSCK_ALL = (1u << 6) - 1
};
struct sc_fsck_source {
    struct sc_segments list; /* owned */
    unsigned has;
    int version;        /* whose segments they all are, in order; 0: of no version alone */
    const char *format; /* of an export; NULL: it is none */
    char name[SC_FSCK_NAME];
};
#define SC_FSCK_SOURCES 32
struct sc_fsck_sources {
    struct sc_fsck_source items[SC_FSCK_SOURCES];
    size_t count;
};
void sc_fsck_sources_done(struct sc_fsck_sources *s);
/* The next free one, whose list is empty; NULL: there are enough. */
struct sc_fsck_source *sc_fsck_sources_add(struct sc_fsck_sources *s);
/* The exports of the transcript that are kept and can be read. */
void sc_fsck_read_exports(struct sc_conn *conn, const char *root, int64_t transcript,
                          struct sc_fsck_sources *out);

/* Is the count of words what it is to be, or not yet looked at? */
bool sc_fsck_counts(const struct sc_transcript_state *state, int64_t words, int64_t right);

/* All of a transcript as one read sees it: a server goes on writing meanwhile. */
struct sc_fsck_work {
    struct sc_fsck *f;
    struct sc_fsck_ledger *found; /* borrowed; NULL: nothing is reported */
    struct sc_transcript t;       /* id 0: there is none */
    struct sc_transcript_state state;
    struct sc_fsck_rows rows;
    struct sc_fsck_versions versions;
    struct sc_fsck_version *sums;   /* owned; what the rows say of each; NULL: not reckoned */
    struct sc_fsck_sources exports; /* once they were asked for */
    bool exports_read;
    bool changed;    /* rows were restored: what was read is old */
    bool stale;      /* so it is for others have changed it: read it and decide again */
    bool gone;       /* it was deleted meanwhile */
    bool busy;       /* others save it: it cannot be restored now */
    bool hopeless;   /* rows remain that are not what they were */
    bool no_current; /* no version is the current one, and that was told */
    int given_up;    /* versions up to this one were told, as far as they are not right */
    int64_t *told;   /* owned: rows that were reported since it was looked at anew */
    size_t told_count, told_cap;
};
void sc_fsck_work_done(struct sc_fsck_work *w);
/* Reads the transcript behind `after`: t.id 0: there is none. _from: as this connection sees it. */
SC_MUST_USE enum sc_code sc_fsck_load(struct sc_fsck_work *w, int64_t after, struct sc_error *err);
SC_MUST_USE enum sc_code sc_fsck_load_from(struct sc_fsck_work *w, struct sc_conn *conn,
                                           int64_t after, struct sc_error *err);
/* Once more, or w->gone. Of one that was stale or is gone, what is open is forgotten. */
SC_MUST_USE enum sc_code sc_fsck_reload(struct sc_fsck_work *w, struct sc_error *err);
/* A write that was decided on by what was read: CONFLICT, and nothing is written, when the
 * transcript is another by now. */
SC_MUST_USE enum sc_code sc_fsck_write(struct sc_fsck_work *w, sc_write_fn fn, void *ctx,
                                       struct sc_error *err);
/* Of a statement that was to change one row as it was read: CONFLICT when it did not. */
SC_MUST_USE enum sc_code sc_fsck_changed_one(struct sc_conn *tx, struct sc_error *err);
/* Was it written? CONFLICT becomes OK and w->stale. */
bool sc_fsck_wrote(struct sc_fsck_work *w, enum sc_code *code);
struct sc_fsck_problem sc_fsck_problem_of(const struct sc_fsck_work *w, enum sc_fsck_kind kind);
/* Puts time and words into a problem; the words are in `out`, as much as is told of them. */
void sc_fsck_tell_words(const struct sc_fsck_work *w, struct sc_fsck_problem *p, int64_t start_ms,
                        int64_t end_ms, struct sc_str words, struct sc_buf *out);
/* Puts it into w->found, with the remedy that fits what can be done. _or: this one where it cannot
 * be restored. */
void sc_fsck_report_of(struct sc_fsck_work *w, struct sc_fsck_problem *p);
void sc_fsck_report_or(struct sc_fsck_work *w, struct sc_fsck_problem *p, const char *remedy);
/* Its exports, read at the first call. */
const struct sc_fsck_sources *sc_fsck_exports(struct sc_fsck_work *w);
/* In a write that has put something right, or taken it as it is: the history tells. */
SC_MUST_USE enum sc_code sc_fsck_record(struct sc_conn *tx, const struct sc_fsck_work *w,
                                        enum sc_change_kind kind, int version, int64_t segments,
                                        struct sc_error *err);
/* What the rows say of a version. */
struct sc_fsck_version sc_fsck_sum(const struct sc_fsck_rows *rows,
                                   const struct sc_fsck_version *stored);
/* The same of one of w->versions, from w->sums once these were reckoned. */
struct sc_fsck_version sc_fsck_sum_of(const struct sc_fsck_work *w,
                                      const struct sc_fsck_version *stored);
void sc_fsck_reckon(struct sc_fsck_work *w);
/* Rows are others. */
void sc_fsck_forget_sums(struct sc_fsck_work *w);

/* ---- versions (fsck-versions.c) ---- */

/* Is the version's sum that of its rows? */
bool sc_fsck_is_right(const struct sc_fsck_work *w, const struct sc_fsck_version *v);
/* Puts a row among those that were read. */
void sc_fsck_suppose_row(struct sc_fsck_work *w, const struct sc_fsck_row *row);
/* Each version against the sum of its rows; lost and misplaced rows are put where they were. */
SC_MUST_USE enum sc_code sc_fsck_check_versions(struct sc_fsck_work *w, struct sc_error *err);

/* ---- the current version (fsck-current.c) ---- */

/* One version is marked as the current one, unless the transcript is partial. */
SC_MUST_USE enum sc_code sc_fsck_check_current(struct sc_fsck_work *w, struct sc_error *err);

/* ---- taking damage as it is (fsck-accept.c) ---- */

/* Gives every row, version and count of the transcript the checksum of what is there, in one write
 * with the row of the history; w->stale when that is not what was told. */
SC_MUST_USE enum sc_code sc_fsck_accept(struct sc_fsck_work *w, struct sc_error *err);

/* ---- restoring rows (fsck-restore.c); pure ---- */

/* A segment as its row has it. */
struct sc_stored {
    int64_t transcript;
    struct sc_segment s; /* owned; it has what `words` and `heard` say when they can be unpacked */
    struct sc_buf words, heard; /* packed */
    struct sc_buf text;         /* as it stands, with what NULs came into it */
    bool unpacked;
    char hash[SC_SHA256_TEXT];
    struct sc_buf was; /* the hash as it stands */
};
void sc_stored_done(struct sc_stored *row);
#define SC_AUTO_STORED SC_AUTO(sc_stored_done) struct sc_stored
void sc_stored_from_row(struct sc_stmt *st, struct sc_stored *out);
/* Packs what the segment says. */
void sc_stored_pack(struct sc_stored *row);

/* Makes row what it was: true when it matches its hash then. sources end in NULL; from: what it was
 * restored from. */
bool sc_stored_restore(struct sc_stored *row, const struct sc_fsck_sources *const *sources,
                       char from[SC_FSCK_NAME]);
/* The text that has this hash, when one bit of it has changed; `text` is put right. */
bool sc_text_restore(struct sc_buf *text, const char *hash);
/* Do two hashes differ in one sign only? Then one of them is damaged, not what they were made of.
 */
bool sc_hash_is_near(const char *a, const char *b);
