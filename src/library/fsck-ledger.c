/* What was found of a transcript, until it is told. A problem that was written down as restored or
 * accepted is a fact. One that is open may have been of a state that has passed, and is forgotten
 * when that is read again; nor is it accepted before all of the transcript is, in one write. */
#include "library/fsck-ledger.h"

#include "base/alloc.h"
#include "base/fault.h"

#include "base/banned.h"

struct sc_fsck_found {
    struct sc_fsck_problem p;
    char *words, *source; /* owned; NULL as in p */
};

static void found_done(struct sc_fsck_found *found)
{
    free(found->words);
    free(found->source);
}

void sc_fsck_ledger_done(struct sc_fsck_ledger *l)
{
    for (size_t i = 0; i < l->count; i++)
        found_done(&l->items[i]);
    free(l->items);
}

void sc_fsck_ledger_add(struct sc_fsck_ledger *l, const struct sc_fsck_problem *p)
{
    void *items = l->items;
    sc_grow(&items, &l->cap, l->count + 1, sizeof(*l->items));
    l->items = items;
    struct sc_fsck_found *found = &l->items[l->count++];
    *found = (struct sc_fsck_found){ .p = *p };
    found->p.words = found->words = p->words == NULL ? NULL : sc_strdup(p->words);
    found->p.source = found->source = p->source == NULL ? NULL : sc_strdup(p->source);
    (void)SC_FAULT("fsck.found");
}

static bool is_open(const struct sc_fsck_found *found)
{
    return !found->p.repaired && !found->p.accepted;
}

void sc_fsck_ledger_forget(struct sc_fsck_ledger *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (is_open(&l->items[i]))
            found_done(&l->items[i]);
        else
            l->items[kept++] = l->items[i];
    }
    l->count = kept;
}

void sc_fsck_ledger_accept(struct sc_fsck_ledger *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct sc_fsck_problem *p = &l->items[i].p;
        if (!is_open(&l->items[i]))
            continue;
        p->accepted = true;
        p->remedy = SC_FSCK_ACCEPTED;
    }
}

void sc_fsck_ledger_tell(const struct sc_fsck_ledger *l, struct sc_fsck *f)
{
    for (size_t i = 0; i < l->count; i++)
        sc_fsck_report(f, &l->items[i].p);
}
