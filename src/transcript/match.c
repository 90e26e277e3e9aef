/* Words that the other side does not have at all are put aside first: they change nothing of what
 * the others can be matched with. What is left is cut in two at the middle of a shortest edit,
 * found from both ends in linear space (E. W. Myers, "An O(ND) Difference Algorithm and Its
 * Variations", Algorithmica 1, 1986, section 4b), and each part again.
 *
 * That search costs the length times the difference, so it is given up after COST_MAX steps of it.
 * The range is then cut at the words that both sides have exactly once there, as many of them as
 * stand in the same order (the longest increasing subsequence, as Bram Cohen's "patience diff"
 * does); in speech these are the names, the numbers and the rare words. Where there is none either,
 * it is cut where the search came furthest. Each cut costs at most COST_MAX squared and leaves at
 * least COST_MAX behind it, and cuts at words are nested LEVELS_MAX deep at most: that is the
 * bound. */
#include "transcript/match.h"

#include "base/alloc.h"

#include <string.h>

#include "base/banned.h"

#define COST_MAX 192
#define LEVELS_MAX 6
#define NOWHERE (-1)

/* What is left of one side. */
struct list {
    uint32_t *ids; /* owned */
    size_t *at;    /* owned; where it stands among all */
    size_t count;
    bool *alone; /* of all; borrowed */
};

struct anchor {
    size_t a, b;
    size_t before; /* the one in front of it in the best chain that ends here; SIZE_MAX: none */
};

struct matcher {
    struct list a, b;
    uint32_t *count_a, *count_b; /* owned; by number, zero between calls */
    size_t *place_b;             /* owned; by number: where it was seen last */
    struct anchor *anchors;      /* owned, a stack: each level of nesting has its own part */
    size_t anchor_count, anchor_cap;
    size_t *tails; /* owned; for the longest chain */
    /* How far each diagonal has come, counted from its own end. */
    ptrdiff_t forward[2 * COST_MAX + 3], backward[2 * COST_MAX + 3];
    bool failed; /* no memory */
};

/* a[a0 … a1-1] against b[b0 … b1-1]. */
struct range {
    size_t a0, a1, b0, b1;
};

static void list_done(struct list *l)
{
    free(l->ids);
    free(l->at);
}

static void matcher_done(struct matcher *m)
{
    list_done(&m->a);
    list_done(&m->b);
    free(m->count_a);
    free(m->count_b);
    free(m->place_b);
    free(m->anchors);
    free(m->tails);
}

static void leave_alone(struct list *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        l->alone[l->at[i]] = true;
}

/* ---- the middle of a shortest edit ---- */

/* One end of the search: distances are counted from there. */
struct front {
    const struct matcher *m;
    struct range r;
    ptrdiff_t a_len, b_len;
    ptrdiff_t *reach; /* points to diagonal 0; NOWHERE: not reached */
    bool backward;
};

static bool front_equal(const struct front *f, ptrdiff_t x, ptrdiff_t y)
{
    const struct matcher *m = f->m;
    size_t a = f->backward ? f->r.a1 - 1 - (size_t)x : f->r.a0 + (size_t)x;
    size_t b = f->backward ? f->r.b1 - 1 - (size_t)y : f->r.b0 + (size_t)y;
    return m->a.ids[a] == m->b.ids[b];
}

/* How far diagonal k comes with `cost` words left alone. */
static ptrdiff_t front_advance(const struct front *f, ptrdiff_t cost, ptrdiff_t k)
{
    ptrdiff_t x = NOWHERE;
    if (cost == 0)
        x = 0;
    if (f->reach[k - 1] != NOWHERE && f->reach[k - 1] < f->a_len)
        x = f->reach[k - 1] + 1;
    if (f->reach[k + 1] != NOWHERE && f->reach[k + 1] - k <= f->b_len)
        x = SC_MAX(x, f->reach[k + 1]);
    while (x != NOWHERE && x < f->a_len && x - k < f->b_len && front_equal(f, x, x - k))
        x++;
    f->reach[k] = x;
    return x;
}

/* Widens the front by one word left alone; true when it meets the other one (odd: they can meet in
 * this half of the step), with the point where it did, in distances from its own end. */
static bool front_step(const struct front *f, const struct front *other, ptrdiff_t cost, bool meets,
                       ptrdiff_t *met_x, ptrdiff_t *met_y)
{
    ptrdiff_t delta = f->a_len - f->b_len;
    ptrdiff_t theirs = f->backward ? cost : cost - 1; /* diagonals that the other one has come to */
    f->reach[-cost - 1] = NOWHERE;
    f->reach[cost + 1] = NOWHERE;
    for (ptrdiff_t k = -cost; k <= cost; k += 2) {
        if (k < -f->b_len || k > f->a_len) {
            f->reach[k] = NOWHERE;
            continue;
        }
        ptrdiff_t x = front_advance(f, cost, k), mirrored = delta - k;
        if (x == NOWHERE || !meets || mirrored < -theirs || mirrored > theirs)
            continue;
        if (other->reach[mirrored] != NOWHERE && x + other->reach[mirrored] >= f->a_len) {
            *met_x = x;
            *met_y = x - k;
            return true;
        }
    }
    return false;
}

/* Where the front has matched most; among equals the point nearest to the range's own diagonal. */
static void front_furthest(const struct front *f, ptrdiff_t cost, ptrdiff_t *out_x,
                           ptrdiff_t *out_y)
{
    ptrdiff_t best = NOWHERE;
    double best_off = 0;
    for (ptrdiff_t k = -cost; k <= cost; k += 2) {
        ptrdiff_t x = f->reach[k];
        if (x == NOWHERE)
            continue;
        ptrdiff_t sum = x + (x - k);
        double off = (double)x * (double)f->b_len - (double)(x - k) * (double)f->a_len;
        off = off < 0 ? -off : off;
        if (sum > best || (sum == best && off < best_off)) {
            best = sum;
            best_off = off;
            *out_x = x;
            *out_y = x - k;
        }
    }
}

/* Both sides of r begin and end with different words. True: *a, *b is a point on a shortest edit,
 * and none of r's corners. False: that would cost too much, and it is the furthest point that the
 * search came to. */
static bool find_middle(struct matcher *m, const struct range *r, size_t *a, size_t *b)
{
    ptrdiff_t a_len = (ptrdiff_t)(r->a1 - r->a0), b_len = (ptrdiff_t)(r->b1 - r->b0), x = 0, y = 0;
    struct front f = { m, *r, a_len, b_len, m->forward + COST_MAX + 1, false };
    struct front g = { m, *r, a_len, b_len, m->backward + COST_MAX + 1, true };
    bool odd = ((a_len - b_len) & 1) != 0;
    f.reach[-1] = f.reach[1] = g.reach[-1] = g.reach[1] = NOWHERE;
    for (ptrdiff_t cost = 0; cost <= COST_MAX; cost++) {
        if (front_step(&f, &g, cost, odd, &x, &y)) {
            *a = r->a0 + (size_t)x;
            *b = r->b0 + (size_t)y;
            return true;
        }
        if (front_step(&g, &f, cost, !odd, &x, &y)) {
            *a = r->a1 - (size_t)x;
            *b = r->b1 - (size_t)y;
            return true;
        }
    }
    front_furthest(&f, COST_MAX, &x, &y);
    *a = r->a0 + (size_t)x;
    *b = r->b0 + (size_t)y;
    return false;
}

/* ---- words that both have once ---- */

static void count_range(struct matcher *m, const struct range *r)
{
    for (size_t i = r->a0; i < r->a1; i++)
        m->count_a[m->a.ids[i]]++;
    for (size_t k = r->b0; k < r->b1; k++) {
        m->count_b[m->b.ids[k]]++;
        m->place_b[m->b.ids[k]] = k;
    }
}

static void uncount_range(struct matcher *m, const struct range *r)
{
    for (size_t i = r->a0; i < r->a1; i++)
        m->count_a[m->a.ids[i]] = 0;
    for (size_t k = r->b0; k < r->b1; k++)
        m->count_b[m->b.ids[k]] = 0;
}

/* Pushes the pairs of words that both sides have once, in the order of a. */
static void push_unique(struct matcher *m, const struct range *r)
{
    count_range(m, r);
    for (size_t i = r->a0; i < r->a1 && !m->failed; i++) {
        uint32_t id = m->a.ids[i];
        if (m->count_a[id] != 1 || m->count_b[id] != 1)
            continue;
        void *items = m->anchors;
        m->failed = !sc_try_grow(&items, &m->anchor_cap, m->anchor_count + 1, sizeof(*m->anchors));
        m->anchors = items;
        if (!m->failed)
            m->anchors[m->anchor_count++] = (struct anchor){ i, m->place_b[id], SIZE_MAX };
    }
    uncount_range(m, r);
}

/* Keeps of the anchors from `base` on a longest chain whose places in b grow too. */
static void keep_chain(struct matcher *m, size_t base)
{
    size_t length = 0;
    for (size_t i = base; i < m->anchor_count; i++) {
        size_t low = 0, high = length;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            if (m->anchors[m->tails[mid]].b < m->anchors[i].b)
                low = mid + 1;
            else
                high = mid;
        }
        m->anchors[i].before = low == 0 ? SIZE_MAX : m->tails[low - 1];
        m->tails[low] = i;
        length = SC_MAX(length, low + 1);
    }
    size_t at = length == 0 ? SIZE_MAX : m->tails[length - 1];
    for (size_t slot = length; slot-- > 0;) {
        m->tails[slot] = at;
        at = m->anchors[at].before;
    }
    for (size_t slot = 0; slot < length; slot++)
        m->anchors[base + slot] = m->anchors[m->tails[slot]];
    m->anchor_count = base + length;
}

/* ---- a range ---- */

static void trim(const struct matcher *m, struct range *r)
{
    while (r->a0 < r->a1 && r->b0 < r->b1 && m->a.ids[r->a0] == m->b.ids[r->b0]) {
        r->a0++;
        r->b0++;
    }
    while (r->a0 < r->a1 && r->b0 < r->b1 && m->a.ids[r->a1 - 1] == m->b.ids[r->b1 - 1]) {
        r->a1--;
        r->b1--;
    }
}

static void match_range(struct matcher *m, struct range r, int level);

/* False: no word is there once on both sides. */
static bool match_between_anchors(struct matcher *m, const struct range *r, int level)
{
    size_t base = m->anchor_count;
    push_unique(m, r);
    keep_chain(m, base);
    size_t end = m->anchor_count, a = r->a0, b = r->b0;
    if (end == base)
        return false;
    for (size_t i = base; i < end; i++) {
        struct anchor at = m->anchors[i]; /* the stack may move */
        match_range(m, (struct range){ a, at.a, b, at.b }, level + 1);
        a = at.a + 1;
        b = at.b + 1;
    }
    match_range(m, (struct range){ a, r->a1, b, r->b1 }, level + 1);
    m->anchor_count = base;
    return true;
}

/* Recursion is shallow: the left of two halves has at most half of the cost of the whole, or at
 * most COST_MAX, and the right one is taken by the loop. */
static void match_range(struct matcher *m, struct range r, int level)
{
    while (!m->failed) {
        size_t a, b;
        trim(m, &r);
        if (r.a0 == r.a1 || r.b0 == r.b1) {
            leave_alone(&m->a, r.a0, r.a1);
            leave_alone(&m->b, r.b0, r.b1);
            return;
        }
        bool exact = find_middle(m, &r, &a, &b);
        if (!exact && level < LEVELS_MAX && match_between_anchors(m, &r, level))
            return;
        /* Its left part is known to be cheap; the rest has had its try for words. */
        if (!exact)
            level = LEVELS_MAX;
        match_range(m, (struct range){ r.a0, a, r.b0, b }, level);
        r.a0 = a;
        r.b0 = b;
    }
}

/* ---- both sides ---- */

/* Lists those of `side` that the other one has too. */
static bool list_shared(const struct sc_match_side *side, const uint32_t *others, struct list *out)
{
    out->ids = sc_try_alloc((side->count + 1) * sizeof(*out->ids));
    out->at = sc_try_alloc((side->count + 1) * sizeof(*out->at));
    out->alone = side->alone;
    if (out->ids == NULL || out->at == NULL)
        return false;
    for (size_t i = 0; i < side->count; i++) {
        side->alone[i] = others[side->ids[i]] == 0;
        if (side->alone[i])
            continue;
        out->ids[out->count] = side->ids[i];
        out->at[out->count++] = i;
    }
    return true;
}

bool sc_match(const struct sc_match_side *a, const struct sc_match_side *b, size_t kinds)
{
    SC_AUTO(matcher_done) struct matcher m = { .count_a = NULL };
    m.count_a = sc_try_alloc((kinds + 1) * sizeof(*m.count_a));
    m.count_b = sc_try_alloc((kinds + 1) * sizeof(*m.count_b));
    m.place_b = sc_try_alloc((kinds + 1) * sizeof(*m.place_b));
    m.tails = sc_try_alloc((kinds + 1) * sizeof(*m.tails));
    if (m.count_a == NULL || m.count_b == NULL || m.place_b == NULL || m.tails == NULL)
        return false;
    for (size_t i = 0; i < a->count; i++)
        m.count_a[a->ids[i]]++;
    for (size_t k = 0; k < b->count; k++)
        m.count_b[b->ids[k]]++;
    if (!list_shared(a, m.count_b, &m.a) || !list_shared(b, m.count_a, &m.b))
        return false;
    memset(m.count_a, 0, (kinds + 1) * sizeof(*m.count_a));
    memset(m.count_b, 0, (kinds + 1) * sizeof(*m.count_b));
    match_range(&m, (struct range){ 0, m.a.count, 0, m.b.count }, 0);
    return !m.failed;
}
