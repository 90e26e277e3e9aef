/* Segments are linked by the words that they share. A link of few words, as chance or a word that
 * moved across the end of a segment makes it, counts only where neither side has a better one. What
 * is linked, directly or through others, is a part; words are matched in order, so parts are too.
 * Segments without a link pair up where their times meet. */
#include "transcript/compare.h"

#include "base/alloc.h"

#include "base/banned.h"

#define NONE SIZE_MAX

static const char *const kind_texts[] = { "same",  "changed", "split",   "merged",
                                          "added", "removed", "speaker", "retimed" };

const char *sc_compare_kind_text(enum sc_compare_kind kind)
{
    return kind_texts[kind];
}

const char *sc_diff_kind_text(enum sc_diff_kind kind)
{
    static const char *const texts[] = { "same", "changed", "added", "removed" };
    return texts[kind];
}

void sc_comparison_done(struct sc_comparison *c)
{
    sc_diff_done(&c->diff);
    free(c->partner);
    free(c->words_a);
    free(c->words_b);
    free(c->parts);
    *c = (struct sc_comparison){ 0 };
}

/* ---- words ---- */

static size_t *first_words(const struct sc_diff_words *words, size_t segments)
{
    size_t *first = sc_try_alloc((segments + 1) * sizeof(*first));
    size_t at = 0;
    for (size_t s = 0; first != NULL && s <= segments; s++) {
        while (at < words->count && words->items[at].segment < s)
            at++;
        first[s] = at;
    }
    return first;
}

static bool count_words(struct sc_comparison *c)
{
    c->partner = sc_try_alloc((c->diff.a.count + 1) * sizeof(*c->partner));
    c->words_a = first_words(&c->diff.a, c->a->count);
    c->words_b = first_words(&c->diff.b, c->b->count);
    if (c->partner == NULL || c->words_a == NULL || c->words_b == NULL)
        return false;
    for (size_t i = 0; i < c->diff.count; i++) {
        const struct sc_diff_op *op = &c->diff.ops[i];
        bool same = op->kind == SC_DIFF_SAME;
        size_t both = SC_MIN(op->a_count, op->b_count);
        for (size_t k = 0; k < op->a_count; k++)
            c->partner[op->a + k] = same ? op->b + k : NONE;
        if (same) {
            c->same += op->a_count;
            continue;
        }
        c->substituted += both;
        c->removed += op->a_count - both;
        c->added += op->b_count - both;
    }
    return true;
}

double sc_comparison_rate(const struct sc_comparison *c)
{
    double words = (double)c->diff.a.count;
    return c->diff.a.count == 0 ? -1 : (double)(c->substituted + c->added + c->removed) / words;
}

/* ---- parts ---- */

static bool same_speaker(const struct sc_segment *a, const struct sc_segment *b)
{
    const char *x = a->speaker == NULL ? "" : a->speaker;
    return strcmp(x, b->speaker == NULL ? "" : b->speaker) == 0;
}

static bool words_differ(const struct sc_comparison *c, const struct sc_compare_part *p)
{
    size_t a = c->words_a[p->a], a_end = c->words_a[p->a + p->a_count];
    size_t b = c->words_b[p->b], b_end = c->words_b[p->b + p->b_count];
    if (a_end - a != b_end - b)
        return true;
    for (; a < a_end; a++, b++) {
        if (c->partner[a] != b)
            return true;
    }
    return false;
}

static bool times_differ(const struct sc_comparison *c, const struct sc_compare_part *p)
{
    const struct sc_segment *a = &c->a->items[p->a], *a_last = a + (p->a_count - 1);
    const struct sc_segment *b = &c->b->items[p->b], *b_last = b + (p->b_count - 1);
    if (a->start_ms != b->start_ms || a_last->end_ms != b_last->end_ms)
        return true;
    for (size_t k = c->words_a[p->a]; k < c->words_a[p->a + p->a_count]; k++) {
        const struct sc_diff_word *x = &c->diff.a.items[k];
        const struct sc_diff_word *y = c->partner[k] == NONE ? x : &c->diff.b.items[c->partner[k]];
        if (x->start_ms != y->start_ms || x->end_ms != y->end_ms)
            return true;
    }
    return false;
}

static bool speaker_differs(const struct sc_comparison *c, const struct sc_compare_part *p)
{
    for (size_t i = 0; i < SC_MAX(p->a_count, p->b_count); i++) {
        if (!same_speaker(&c->a->items[p->a + SC_MIN(i, p->a_count - 1)],
                          &c->b->items[p->b + SC_MIN(i, p->b_count - 1)]))
            return true;
    }
    return false;
}

static enum sc_compare_kind kind_of(const struct sc_compare_part *p)
{
    if (p->a_count == 0)
        return SC_COMPARE_ADDED;
    if (p->b_count == 0)
        return SC_COMPARE_REMOVED;
    if (p->a_count == 1 && p->b_count > 1)
        return SC_COMPARE_SPLIT;
    if (p->a_count > 1 && p->b_count == 1)
        return SC_COMPARE_MERGED;
    if (p->words_differ || p->a_count > 1)
        return SC_COMPARE_CHANGED;
    if (p->speaker_differs)
        return SC_COMPARE_SPEAKER;
    return p->times_differ ? SC_COMPARE_RETIMED : SC_COMPARE_SAME;
}

static bool add_part(struct sc_comparison *c, size_t a, size_t a_count, size_t b, size_t b_count)
{
    struct sc_compare_part part = { .a = a, .a_count = a_count, .b = b, .b_count = b_count };
    void *parts = c->parts;
    if (!sc_try_grow(&parts, &c->cap, c->count + 1, sizeof(*c->parts)))
        return false;
    c->parts = parts;
    if (a_count > 0 && b_count > 0) {
        part.words_differ = words_differ(c, &part);
        part.times_differ = times_differ(c, &part);
        part.speaker_differs = speaker_differs(c, &part);
    }
    part.kind = kind_of(&part);
    c->segments[part.kind]++;
    c->parts[c->count++] = part;
    return true;
}

static bool meet(const struct sc_segment *a, const struct sc_segment *b)
{
    return a->start_ms == b->start_ms ||
           SC_MIN(a->end_ms, b->end_ms) > SC_MAX(a->start_ms, b->start_ms);
}

/* Segments a … a_end-1 and b … b_end-1 share no words. */
static bool add_unlinked(struct sc_comparison *c, size_t a, size_t a_end, size_t b, size_t b_end)
{
    bool done = true;
    while (done && (a < a_end || b < b_end)) {
        const struct sc_segment *x = a < a_end ? &c->a->items[a] : NULL;
        const struct sc_segment *y = b < b_end ? &c->b->items[b] : NULL;
        if (x != NULL && y != NULL && meet(x, y))
            done = add_part(c, a++, 1, b++, 1);
        else if (y == NULL || (x != NULL && x->start_ms <= y->start_ms))
            done = add_part(c, a++, 1, b, 0);
        else
            done = add_part(c, a, 0, b++, 1);
    }
    return done;
}

/* Two segments with words in common. */
struct link {
    size_t a, b, words;
};
struct links {
    struct link *items; /* owned; in the order of both */
    size_t count, cap;
    size_t *best_a, *best_b; /* owned; of each segment: the words of its best link */
};

static void links_done(struct links *l)
{
    free(l->items);
    free(l->best_a);
    free(l->best_b);
}

static bool collect_links(const struct sc_comparison *c, struct links *l)
{
    l->best_a = sc_try_alloc((c->a->count + 1) * sizeof(*l->best_a));
    l->best_b = sc_try_alloc((c->b->count + 1) * sizeof(*l->best_b));
    if (l->best_a == NULL || l->best_b == NULL)
        return false;
    for (size_t k = 0; k < c->diff.a.count; k++) {
        if (c->partner[k] == NONE)
            continue;
        size_t a = c->diff.a.items[k].segment, b = c->diff.b.items[c->partner[k]].segment;
        struct link *last = l->count == 0 ? NULL : &l->items[l->count - 1];
        if (last == NULL || last->a != a || last->b != b) {
            void *items = l->items;
            if (!sc_try_grow(&items, &l->cap, l->count + 1, sizeof(*l->items)))
                return false;
            l->items = items;
            last = &l->items[l->count++];
            *last = (struct link){ a, b, 0 };
        }
        last->words++;
        l->best_a[a] = SC_MAX(l->best_a[a], last->words);
        l->best_b[b] = SC_MAX(l->best_b[b], last->words);
    }
    return true;
}

static bool counts(const struct sc_comparison *c, const struct links *l, const struct link *link)
{
    size_t a = c->words_a[link->a + 1] - c->words_a[link->a];
    size_t b = c->words_b[link->b + 1] - c->words_b[link->b];
    return link->words * 3 >= SC_MIN(a, b) ||
           (link->words == l->best_a[link->a] && link->words == l->best_b[link->b]);
}

static bool list_parts(struct sc_comparison *c)
{
    SC_AUTO(links_done) struct links l = { 0 };
    size_t a_done = 0, b_done = 0; /* segments of which parts are made */
    if (!collect_links(c, &l))
        return false;
    for (size_t i = 0; i < l.count;) {
        if (!counts(c, &l, &l.items[i])) {
            i++;
            continue;
        }
        struct link first = l.items[i], last = first;
        for (i++; i < l.count; i++) {
            if (!counts(c, &l, &l.items[i]))
                continue;
            if (l.items[i].a != last.a && l.items[i].b != last.b)
                break;
            last = l.items[i];
        }
        if (!add_unlinked(c, a_done, first.a, b_done, first.b) ||
            !add_part(c, first.a, last.a + 1 - first.a, first.b, last.b + 1 - first.b))
            return false;
        a_done = last.a + 1;
        b_done = last.b + 1;
    }
    return add_unlinked(c, a_done, c->a->count, b_done, c->b->count);
}

bool sc_compare(const struct sc_segments *a, const struct sc_segments *b, unsigned flags,
                struct sc_comparison *out)
{
    SC_AUTO_COMPARISON c = { .a = a, .b = b };
    if (!sc_diff_segments(a, b, flags, &c.diff) || !count_words(&c) || !list_parts(&c))
        return false;
    *out = c;
    c = (struct sc_comparison){ 0 };
    return true;
}

size_t *sc_comparison_places(const struct sc_comparison *c)
{
    size_t *places = sc_try_alloc((c->b->count + 1) * sizeof(*places));
    for (size_t s = 0; places != NULL && s < c->b->count; s++)
        places[s] = NONE;
    for (size_t k = 0; places != NULL && k < c->diff.a.count; k++) {
        size_t s = c->partner[k] == NONE ? NONE : c->diff.b.items[c->partner[k]].segment;
        if (s != NONE && places[s] == NONE)
            places[s] = c->diff.a.items[k].segment;
    }
    for (size_t i = 0; places != NULL && i < c->count; i++) {
        const struct sc_compare_part *p = &c->parts[i];
        for (size_t k = 0; p->a_count > 0 && k < p->b_count; k++) {
            if (places[p->b + k] == NONE)
                places[p->b + k] = p->a + SC_MIN(k, p->a_count - 1);
        }
    }
    return places;
}

bool sc_comparison_run(const struct sc_comparison *c, const struct sc_compare_part *part,
                       struct sc_diff_op *run)
{
    bool first = run->a_count + run->b_count == 0;
    size_t a = first ? c->words_a[part->a] : run->a + run->a_count;
    size_t b = first ? c->words_b[part->b] : run->b + run->b_count;
    size_t a_end = c->words_a[part->a + part->a_count], b_end = c->words_b[part->b + part->b_count];
    size_t a_to = a, b_to = b_end;
    if (a == a_end && b == b_end)
        return false;
    if (a < a_end && c->partner[a] == b && b < b_end) {
        while (a_to < a_end && b + (a_to - a) < b_end && c->partner[a_to] == b + (a_to - a))
            a_to++;
        *run = (struct sc_diff_op){ SC_DIFF_SAME, a, a_to - a, b, a_to - a };
        return true;
    }
    while (a_to < a_end &&
           (c->partner[a_to] == NONE || c->partner[a_to] < b || c->partner[a_to] >= b_end))
        a_to++;
    if (a_to < a_end)
        b_to = c->partner[a_to];
    enum sc_diff_kind kind = a_to == a   ? SC_DIFF_ADDED
                             : b_to == b ? SC_DIFF_REMOVED
                                         : SC_DIFF_CHANGED;
    *run = (struct sc_diff_op){ kind, a, a_to - a, b, b_to - b };
    return true;
}
