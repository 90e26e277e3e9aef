#pragma once
/* Erasing: what was deleted from the text indexes is in their pages still, under marks that say
 * that it counts no more. Only where all runs of an index are merged into one are such words left
 * out. So whoever deletes for good notes a debt in the same write, and a sweep pays it: it merges
 * each index in slices of some milliseconds, has the log moved into the store and cut, and then
 * says that it is paid. What has left rows is overwritten by SQLite itself (secure_delete).
 *
 * FTS5's own 'secure-delete' would do it with each deletion, but no SQLite before 3.42 has it, and
 * none before could open the store again. */

#include "store/store.h"

/* Inside the write that deletes. */
SC_MUST_USE enum sc_code sc_erase_owe(struct sc_conn *tx, struct sc_error *err);

/* A sweep, for one thread; {0} is none. Nothing of it is lost with it: the next one begins anew. */
struct sc_erase {
    bool sweeps, cutting;
    int64_t owed; /* what this sweep pays */
    int index;    /* that is merged */
    bool begun;   /* its merge */
    int level;    /* of the runs that are merged; -1: none */
    int pages;    /* of a slice, so that it takes some milliseconds */
    int64_t slice_us, took_us;
    bool merged;           /* the index at hand */
    int64_t rest_until_ms; /* monotonic: so that sweeps take a hundredth of the time at most */
};
/* One slice. *next_ms: in how many milliseconds to call again, 0: at once, -1: nothing is owed;
 * *paid: this step ended a sweep, which took e->took_us of the writer's time. */
SC_MUST_USE enum sc_code sc_erase_step(struct sc_store *store, struct sc_erase *e, int64_t *next_ms,
                                       bool *paid, struct sc_error *err);
