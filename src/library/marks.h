#pragma once
/* Marks: the tags and notes that people put on files, jobs and transcripts, in the same way and
 * within the same limits on all three. Functions with a `tx` run inside a write. */

#include "store/store.h"

#define SC_NOTES_MAX 10000 /* bytes */
#define SC_TAG_MAX 64      /* bytes */
#define SC_TAGS_MAX 32     /* of one thing */

enum sc_marked { SC_MARKED_FILE, SC_MARKED_JOB, SC_MARKED_TRANSCRIPT, SC_MARKED_COUNT_ };

struct sc_marks {
    char *notes; /* owned; "": none */
    char *tags;  /* a JSON array of texts in the order of their bytes; owned */
};
void sc_marks_done(struct sc_marks *marks);
#define SC_AUTO_MARKS SC_AUTO(sc_marks_done) struct sc_marks
/* The marks of the row with that id, of any owner, replace *out; NOT_FOUND. */
SC_MUST_USE enum sc_code sc_marks_get(struct sc_conn *conn, enum sc_marked kind, int64_t id,
                                      struct sc_marks *out, struct sc_error *err);

/* Tags, each once. */
struct sc_tags {
    char tag[SC_TAGS_MAX][SC_TAG_MAX + 1];
    size_t count;
};
bool sc_tags_hold(const struct sc_tags *tags, struct sc_str tag);
/* False: there is no room for it, or it is longer than SC_TAG_MAX. One that is there is no second
 * one. */
bool sc_tags_add(struct sc_tags *tags, struct sc_str tag);

/* What is to change. */
struct sc_marks_edit {
    const char *notes;   /* NULL: they stay; borrowed */
    bool whole;          /* `tags` are all of them from now on */
    struct sc_tags tags; /* when `whole` */
    struct sc_tags add;  /* when not */
    struct sc_tags remove;
};
/* The tags that the thing then has, in order; *changed: they are others than now. INVALID_VALUE at
 * "add_tags" when they would be too many. */
SC_MUST_USE enum sc_code sc_tags_after(struct sc_conn *conn, enum sc_marked kind, int64_t id,
                                       const struct sc_marks_edit *edit, struct sc_tags *out,
                                       bool *changed, struct sc_error *err);

/* Who changes what. */
struct sc_marks_target {
    enum sc_marked kind;
    int64_t owner_id, id;
    int64_t by; /* the principal who does it */
};
/* Records in the history (library/changes.h) which marks were given, and how many; notes that were
 * written already enter the index of notes. */
SC_MUST_USE enum sc_code sc_marks_record(struct sc_conn *tx, const struct sc_marks_target *target,
                                         const struct sc_tags *tags, const char *notes,
                                         int64_t now_ms, struct sc_error *err);
/* Of a file or a transcript; jobs are changed by sc_pipelines_edit (pipeline/pipeline.h). What is
 * as it was makes no record. FILE_NOT_FOUND or TRANSCRIPT_NOT_FOUND, also for another owner's. */
SC_MUST_USE enum sc_code sc_marks_write(struct sc_conn *tx, const struct sc_marks_target *target,
                                        const struct sc_marks_edit *edit, int64_t now_ms,
                                        struct sc_error *err);

/* ---- the words in use ---- */

struct sc_tag_row {
    char tag[SC_TAG_MAX + 1];
    int64_t count[SC_MARKED_COUNT_];
};
struct sc_tag_filter {
    int64_t owner_id;
    const char *after; /* "": from the first */
    int limit;
    /* Asked now and then; true stops the walk. NULL: never. */
    bool (*spent)(void *ctx);
    void *spent_ctx;
};
struct sc_tag_page_end {
    bool more;                   /* there is, or may be, another page */
    bool partial;                /* `spent` stopped the walk before the page was full */
    char passed[SC_TAG_MAX + 1]; /* the last word that was looked at: the next page's `after` */
};
typedef void (*sc_tag_fn)(void *ctx, const struct sc_tag_row *row);
/* At most `limit` words that the owner has put on something, in the order of their bytes. Counts
 * are exact: a page looks at one word at least, however long that takes. */
SC_MUST_USE enum sc_code sc_tag_list(struct sc_conn *conn, const struct sc_tag_filter *filter,
                                     sc_tag_fn fn, void *ctx, struct sc_tag_page_end *end,
                                     struct sc_error *err);
