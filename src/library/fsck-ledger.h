#pragma once
/* What the check found of a transcript, until it is told. */

#include "library/fsck-internal.h"

/* Problems until they are told: each once, however often the transcript was read before it was
 * known what becomes of them. Those that were repaired or accepted are settled, others open. */
struct sc_fsck_ledger {
    struct sc_fsck_found *items; /* owned */
    size_t count, cap;
};
void sc_fsck_ledger_done(struct sc_fsck_ledger *l);
#define SC_AUTO_LEDGER SC_AUTO(sc_fsck_ledger_done) struct sc_fsck_ledger
/* Copies it. */
void sc_fsck_ledger_add(struct sc_fsck_ledger *l, const struct sc_fsck_problem *p);
/* All is looked for anew: what is open goes. */
void sc_fsck_ledger_forget(struct sc_fsck_ledger *l);
/* What is open has been given the checksums of what is there. */
void sc_fsck_ledger_accept(struct sc_fsck_ledger *l);
/* In the order in which they were found. */
void sc_fsck_ledger_tell(const struct sc_fsck_ledger *l, struct sc_fsck *f);
