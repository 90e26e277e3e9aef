/* What the rows say of each version, followed from one version to the next: a row counts where it
 * is born and where it ends, not in each version between, of which there may be thousands. */
#include "library/fsck-look.h"

#include "base/alloc.h"

#include "base/banned.h"

#define NONE SIZE_MAX

/* From version `at` on a row is there, or no more. */
struct turn {
    size_t at, row;
    bool born;
};

/* Of rows that start at the same time, those that are there, in order: their ranks are part of the
 * sum. */
struct groups {
    size_t *first; /* owned; of each row the first row of its group */
    size_t *head;  /* owned; of a group's first row: the first that is there */
    size_t *next;  /* owned; the one behind a row that is there */
};

static void groups_done(struct groups *g)
{
    free(g->first);
    free(g->head);
    free(g->next);
}

static struct groups groups_of(const struct sc_fsck_rows *rows)
{
    size_t size = (rows->count + 1) * sizeof(size_t);
    struct groups g = { sc_alloc(size), sc_alloc(size), sc_alloc(size) };
    for (size_t i = 0; i < rows->count; i++) {
        bool same = i > 0 && rows->items[i].start_ms == rows->items[i - 1].start_ms;
        g.first[i] = same ? g.first[i - 1] : i;
        g.head[i] = g.next[i] = NONE;
    }
    return g;
}

static void turn_row(struct groups *g, const struct turn *t)
{
    size_t *at = &g->head[g->first[t->row]];
    while (*at != NONE && *at < t->row)
        at = &g->next[*at];
    if (t->born) {
        g->next[t->row] = *at;
        *at = t->row;
    } else {
        *at = g->next[t->row];
    }
}

static void sum_group(const struct groups *g, const struct sc_fsck_rows *rows, size_t first,
                      void (*fn)(struct sc_sum_number *, struct sc_str, int64_t),
                      struct sc_sum_number *sum)
{
    int64_t rank = 0;
    for (size_t i = g->head[first]; i != NONE; i = g->next[i])
        fn(sum, sc_str_from(rows->items[i].hash), rank++);
}

/* The first version that is not before `version`. */
static size_t find_version(const struct sc_fsck_versions *versions, int64_t version)
{
    size_t low = 0, high = versions->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (versions->items[middle].version < version)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int compare_turns(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* In order of versions, and of rows; behind the last is one of no version. */
static struct turn *find_turns(const struct sc_fsck_rows *rows,
                               const struct sc_fsck_versions *versions)
{
    struct turn *turns = sc_alloc((2 * rows->count + 1) * sizeof(*turns));
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++) {
        size_t born = find_version(versions, rows->items[i].born);
        size_t died = find_version(versions, rows->items[i].died);
        if (born >= died)
            continue;
        turns[count++] = (struct turn){ born, i, true };
        turns[count++] = (struct turn){ died, i, false };
    }
    qsort(turns, count, sizeof(*turns), compare_turns);
    turns[count] = (struct turn){ .at = NONE };
    return turns;
}

/* Takes the turns of one version. */
static const struct turn *follow(struct groups *g, const struct sc_fsck_rows *rows,
                                 const struct turn *t, size_t at, struct sc_fsck_version *sum,
                                 struct sc_sum_number *added)
{
    while (t->at == at) {
        size_t group = g->first[t->row];
        sum_group(g, rows, group, sc_sum_take_off, added);
        for (; t->at == at && g->first[t->row] == group; t++) {
            turn_row(g, t);
            sum->segments += t->born ? 1 : -1;
            sum->words += t->born ? rows->items[t->row].words : -rows->items[t->row].words;
        }
        sum_group(g, rows, group, sc_sum_add, added);
    }
    return t;
}

struct sc_fsck_version *sc_fsck_sums(const struct sc_fsck_rows *rows,
                                     const struct sc_fsck_versions *versions)
{
    SC_AUTO(groups_done) struct groups g = groups_of(rows);
    SC_AUTO_FREE struct turn *turns = find_turns(rows, versions);
    struct sc_fsck_version *sums = sc_alloc((versions->count + 1) * sizeof(*sums));
    struct sc_fsck_version sum = { .segments = 0 };
    struct sc_sum_number added = { .bytes = { 0 } };
    const struct turn *t = turns;
    for (size_t i = 0; i < versions->count; i++) {
        t = follow(&g, rows, t, i, &sum, &added);
        sums[i] = versions->items[i];
        sums[i].segments = sum.segments;
        sums[i].words = sum.words;
        if (sums[i].sum.kind == SC_SUM_ADDED)
            sc_sum_format(&added, sums[i].sum.hash);
        else /* which is of all its segments, one behind another */
            sums[i] = sc_fsck_sum(rows, &versions->items[i]);
    }
    return sums;
}
