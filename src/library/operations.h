#pragma once
/* Edits in small steps, each applied to what the steps before it have made. */

#include "library/edit.h"

#define SC_OPERATIONS_MAX 1000 /* of one edit */

enum sc_operation_kind {
    SC_OPERATION_TEXT,    /* segment, text */
    SC_OPERATION_TIMES,   /* segment, start_ms, end_ms */
    SC_OPERATION_SPLIT,   /* segment, words or at_ms */
    SC_OPERATION_MERGE,   /* segment, with */
    SC_OPERATION_DELETE,  /* segment */
    SC_OPERATION_INSERT,  /* start_ms, end_ms, text, speaker */
    SC_OPERATION_SPEAKER, /* segment, speaker */
    SC_OPERATION_RENAME,  /* from, speaker: wherever that one speaks */
    SC_OPERATION_COUNT_
};

struct sc_operation {
    enum sc_operation_kind kind;
    int64_t segment;          /* its id */
    int64_t with;             /* the segment behind it that it is merged with; 0: the next one */
    int64_t start_ms, end_ms; /* -1: as it is */
    int64_t at_ms;            /* the second part begins with the first word that begins then or
                                 later; -1: words tells where */
    int64_t words;            /* of the first part; at least one stays for the second */
    struct sc_str text;       /* borrowed; valid UTF-8 */
    struct sc_str speaker;    /* borrowed; empty: none */
    struct sc_str from;
};
/* INVALID_VALUE names the operation by `number`, counted from 1; the draft is then no more to be
 * used. */
SC_MUST_USE enum sc_code sc_draft_apply(struct sc_draft *d, const struct sc_operation *o,
                                        size_t number, struct sc_error *err);

/* ---- find and replace ---- */

struct sc_replace {
    struct sc_str find, with; /* borrowed; find is not empty */
    unsigned flags;           /* SC_FIND_* */
};
/* A segment in which it was found, as it is now and as it would be. */
struct sc_replaced {
    int64_t segment_id, start_ms;
    const char *before, *after; /* borrowed until the call returns */
    int64_t count;              /* of places in it */
};
typedef enum sc_code (*sc_replaced_fn)(void *ctx, const struct sc_replaced *place,
                                       struct sc_error *err);
/* Replaces everywhere in a draft to which nothing else was done, and tells fn each segment. *count:
 * of all places. */
SC_MUST_USE enum sc_code sc_draft_replace(struct sc_draft *d, const struct sc_replace *r,
                                          sc_replaced_fn fn, void *ctx, int64_t *count,
                                          struct sc_error *err);
