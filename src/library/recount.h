#pragma once
/* Words are counted by one rule (sc_segment_says), of which older releases had others: by the times
 * that an engine told, or by white space alone, so that a text in a script without spaces was one
 * word. What these stored is counted anew once, by whoever keeps the store in order, the newest
 * transcript first, while others read, edit and add; a counter says how far that has come. Until
 * then the check (library/fsck.h) does not look at the words of what is uncounted. */

#include "store/store.h"

/* For one thread; {0} begins. Nothing of it is lost with it: the next one goes on. */
struct sc_recount {
    int64_t below;   /* the transcript passed last; 0: none was */
    int64_t changed; /* transcripts that had another count */
    bool done;       /* it was found that nothing is left */
};
/* Some milliseconds of reading, or one write of at most 100 rows; until r->done. */
SC_MUST_USE enum sc_code sc_recount_step(struct sc_store *store, struct sc_recount *r,
                                         struct sc_error *err);
