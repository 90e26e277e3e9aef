#pragma once
/* The first look of the check at a transcript, and what it shares with the check of all of one. */

#include "library/fsck-internal.h"

/* ---- all versions in one go (fsck-sums.c); pure ---- */

/* The sum of each; rows are in order. Owned by the caller. */
struct sc_fsck_version *sc_fsck_sums(const struct sc_fsck_rows *rows,
                                     const struct sc_fsck_versions *versions);

/* ---- a first look (fsck-look.c) ---- */

struct sc_fsck_seen {
    int64_t id;     /* 0: there is no transcript more */
    int64_t within; /* how far it was looked at; 0: to its end */
    bool damaged;
};
/* The transcript at `from`, up to the first version behind until_ms. */
SC_MUST_USE enum sc_code sc_fsck_look(struct sc_fsck *f, const struct sc_fsck_place *from,
                                      int64_t until_ms, struct sc_fsck_seen *out,
                                      struct sc_error *err);

/* ---- reading (fsck-transcript.c) ---- */

/* Adds the row at hand, or the versions of (from, to]. */
const struct sc_fsck_row *sc_fsck_take_row(struct sc_fsck_work *w, struct sc_stmt *st);
SC_MUST_USE enum sc_code sc_fsck_read_versions(struct sc_fsck_work *w, struct sc_conn *conn,
                                               int64_t from, int64_t to, struct sc_error *err);
