#pragma once
/* The check of all that a test has stored. */

#include "library-fixture.h"
#include "library/fsck.h"

static inline void count_problem(void *ctx, const struct sc_fsck_problem *problem)
{
    print_message("%s\n", problem->message);
    ++*(int *)ctx;
}

/* How many the check of all rows finds; files have no bytes here. */
static inline int problems_of(struct rig *r, bool alone, int slice_ms)
{
    const struct sc_fsck_options o = {
        .store = r->f.store, .root = r->f.dir.path, .alone = alone, .slice_ms = slice_ms
    };
    int problems = 0;
    struct sc_fsck_slice slice = { .done = false };
    while (slice.next.phase < SC_FSCK_FILES) {
        struct sc_fsck_place from = slice.next;
        assert_int_equal(sc_fsck_step(&o, &from, &slice, count_problem, &problems, NULL), SC_OK);
    }
    return problems;
}
