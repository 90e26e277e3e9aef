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
    bool dies;
    char hash[SC_SHA256_TEXT];
    struct sc_segment s; /* owned; text NULL until it is loaded */
};

/* A segment of the new version, in its order. */
struct sc_edit_item {
    size_t place;        /* of the base; SC_NOWHERE: a new one */
    bool kept;           /* its row stays */
    int64_t segment_id;  /* 0: it gets one */
    int64_t ord;         /* of its new row */
    struct sc_segment s; /* owned; empty when kept */
};

struct sc_edit {
    struct sc_save save; /* borrows nothing */
    char *note;          /* owned */
    char *origin[3];     /* owned: engine, version, model */
    struct sc_transcript base;
    struct sc_edit_place *places; /* owned, in order */
    size_t place_count, place_cap;
    struct sc_edit_item *items; /* owned, in order */
    size_t item_count;
    int64_t changed, words;
    int64_t behind_end, overlaps; /* as in struct sc_saved */
};

/* May this be edited, and is it at the version that the edit is made of? */
enum sc_code sc_edit_check_base(const struct sc_transcript *t, const struct sc_save *save,
                                struct sc_saved *out, struct sc_error *err);
/* Says of each word of the new rows what made it: SC_ORIGIN_HERE, or what it was in the base. All
 * segments that end are loaded. */
SC_MUST_USE enum sc_code sc_edit_find_origins(struct sc_edit *e, struct sc_error *err);
