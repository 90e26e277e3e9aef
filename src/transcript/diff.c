#include "transcript/diff-internal.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/match.h"
#include "transcript/seam.h"
#include "transcript/text.h"

#include "base/banned.h"

void sc_diff_done(struct sc_diff *d)
{
    free(d->a.items);
    free(d->b.items);
    free(d->ops);
    *d = (struct sc_diff){ 0 };
}

/* ---- words ---- */

bool sc_diff_add(struct sc_diff_words *out, const struct sc_diff_word *word)
{
    void *items = out->items;
    if (!sc_try_grow(&items, &out->cap, out->count + 1, sizeof(*out->items)))
        return false;
    out->items = items;
    out->items[out->count++] = *word;
    return true;
}

static bool equal_loosely(struct sc_str a, struct sc_str b)
{
    SC_AUTO_BUF x = { 0 };
    SC_AUTO_BUF y = { 0 };
    if (sc_str_equal(a, b))
        return true;
    sc_word_normalise(a, &x);
    sc_word_normalise(b, &y);
    return x.len > 0 && sc_str_equal(sc_buf_str(&x), sc_buf_str(&y)) && !x.failed && !y.failed;
}

/* Gives words[0 … count-1] their shares of a time by their lengths. */
static void share_time(struct sc_diff_word *words, size_t count, int64_t start_ms, int64_t end_ms)
{
    size_t all = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        all += words[i].text.len;
    double span = (double)(end_ms - start_ms);
    for (size_t i = 0; i < count; i++) {
        words[i].start_ms = start_ms + (int64_t)(span * (double)at / (double)all);
        at += words[i].text.len;
        words[i].end_ms = start_ms + (int64_t)(span * (double)at / (double)all);
    }
}

void sc_diff_borrow(const struct sc_diff_word *beside, size_t added, bool behind, int64_t *start_ms,
                    int64_t *end_ms)
{
    double span = (double)(beside->end_ms - beside->start_ms);
    int64_t part = (int64_t)(span * (double)added / (double)(added + beside->text.len));
    *start_ms = behind ? beside->end_ms - part : beside->start_ms;
    *end_ms = *start_ms + part;
}

/* Are the words of the segment those of its text? Then each of `made` is told which it belongs to.
 */
static bool belong_to_words(const struct sc_segment *s, struct sc_diff_word *made, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_str rest = sc_str_from(s->words[i].text), piece;
        size_t first = at;
        while (sc_text_take_word(&rest, &piece)) {
            if (at == count || !equal_loosely(made[at].text, piece))
                return false;
            made[at++].word = i;
        }
        share_time(made + first, at - first, s->words[i].start_ms, s->words[i].end_ms);
    }
    return at == count;
}

bool sc_diff_add_segment(struct sc_diff_words *out, const struct sc_segment *s, size_t index)
{
    struct sc_diff_word word = { .segment = index, .word = SC_DIFF_NO_WORD };
    struct sc_str rest = sc_str_from(s->text);
    size_t first = out->count;
    while (sc_text_take_word(&rest, &word.text)) {
        if (!sc_diff_add(out, &word))
            return false;
    }
    struct sc_diff_word *made = out->count == first ? NULL : out->items + first;
    size_t count = out->count - first;
    if (made == NULL || belong_to_words(s, made, count))
        return true;
    for (size_t i = 0; i < count; i++)
        made[i].word = SC_DIFF_NO_WORD;
    share_time(made, count, s->start_ms, s->end_ms);
    return true;
}

bool sc_diff_gap(const struct sc_diff_words *words, size_t k)
{
    struct sc_str before = words->items[k - 1].text, word = words->items[k].text;
    bool one = words->items[k].segment == words->items[k - 1].segment;
    return one ? before.ptr + before.len != word.ptr : sc_text_needs_space(before, word);
}

void sc_diff_put(const struct sc_diff_words *words, size_t at, size_t count, struct sc_buf *out)
{
    for (size_t k = at; k < at + count; k++) {
        if (k > at && sc_diff_gap(words, k))
            sc_buf_putc(out, ' ');
        sc_buf_put_str(out, words->items[k].text);
    }
}

/* ---- numbers for words ---- */

/* A word as it is compared. Sorted rather than hashed into a table, so that no choice of words
 * makes it slow. */
struct key {
    uint64_t hash;
    size_t at, len; /* in the text of all keys */
    const char *text;
    size_t index; /* of the word: those of a first, then those of b */
};

static int by_key(const void *left, const void *right)
{
    const struct key *l = left, *r = right;
    if (l->hash != r->hash)
        return l->hash < r->hash ? -1 : 1;
    if (l->len != r->len)
        return l->len < r->len ? -1 : 1;
    return memcmp(l->text, r->text, l->len);
}

/* FNV-1a: it only has to bring most of the unequal apart. */
static uint64_t hash_of(struct sc_str text)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * 1099511628211u;
    return hash;
}

static void add_keys(const struct sc_diff_words *words, unsigned flags, struct sc_buf *text,
                     struct key *out, size_t first)
{
    for (size_t i = 0; i < words->count; i++) {
        struct sc_str word = words->items[i].text;
        size_t at = text->len;
        if ((flags & SC_DIFF_LOOSE) != 0)
            sc_word_normalise(word, text);
        if (text->len == at)
            sc_buf_put_str(text, word);
        struct sc_str key = { sc_buf_text(text) + at, text->len - at };
        out[i] = (struct key){ hash_of(key), at, key.len, NULL, first + i };
    }
}

/* What the two sides are for sc_match. */
struct numbers {
    uint32_t *ids; /* owned; of a, then of b */
    bool *alone;   /* owned; the same */
    size_t kinds;
};

static void numbers_done(struct numbers *n)
{
    free(n->ids);
    free(n->alone);
}

static bool number_words(const struct sc_diff *d, unsigned flags, struct numbers *out)
{
    size_t count = d->a.count + d->b.count;
    SC_AUTO_BUF text = { .limit = SIZE_MAX / 4 };
    SC_AUTO_FREE struct key *keys = sc_try_alloc((count + 1) * sizeof(*keys));
    out->ids = sc_try_alloc((count + 1) * sizeof(*out->ids));
    out->alone = sc_try_alloc((count + 1) * sizeof(*out->alone));
    if (keys == NULL || out->ids == NULL || out->alone == NULL || count >= UINT32_MAX)
        return false;
    add_keys(&d->a, flags, &text, keys, 0);
    add_keys(&d->b, flags, &text, keys + d->a.count, d->a.count);
    if (text.failed)
        return false;
    for (size_t i = 0; i < count; i++)
        keys[i].text = text.ptr + keys[i].at;
    qsort(keys, count, sizeof(*keys), by_key);
    for (size_t i = 0; i < count; i++) {
        out->kinds += i == 0 || by_key(&keys[i - 1], &keys[i]) != 0;
        out->ids[keys[i].index] = (uint32_t)out->kinds - 1;
    }
    return true;
}

/* ---- operations ---- */

static bool add_op(struct sc_diff *d, const struct sc_diff_op *op)
{
    void *ops = d->ops;
    if (!sc_try_grow(&ops, &d->cap, d->count + 1, sizeof(*d->ops)))
        return false;
    d->ops = ops;
    d->ops[d->count++] = *op;
    return true;
}

/* SAME and others by turns, beginning and ending with SAME, which may be empty: so each of the
 * others has one on either side to slide into. */
static bool list_ops(struct sc_diff *d, const bool *alone_a, const bool *alone_b)
{
    size_t a = 0, b = 0;
    for (;;) {
        struct sc_diff_op same = { SC_DIFF_SAME, a, 0, b, 0 };
        while (a < d->a.count && b < d->b.count && !alone_a[a] && !alone_b[b]) {
            a++;
            b++;
        }
        same.a_count = same.b_count = a - same.a;
        struct sc_diff_op other = { SC_DIFF_CHANGED, a, 0, b, 0 };
        while (a < d->a.count && alone_a[a])
            a++;
        while (b < d->b.count && alone_b[b])
            b++;
        other.a_count = a - other.a;
        other.b_count = b - other.b;
        if (!add_op(d, &same))
            return false;
        if (other.a_count + other.b_count == 0)
            return true;
        if (!add_op(d, &other))
            return false;
    }
}

/* The side that a run of words was added to or removed from, and the other one. */
struct slide {
    const struct sc_diff_word *own, *other;
    const uint32_t *ids; /* of own */
    size_t own_count;
    bool timed;
};

static int64_t apart(const struct slide *s, size_t own, size_t other)
{
    const struct sc_diff_word *x = &s->own[own], *y = &s->other[other];
    int64_t d = x->start_ms + x->end_ms - y->start_ms - y->end_ms;
    return !s->timed ? 0 : d < 0 ? -d : d;
}

/* How many ends of the run from … to-1 are ends of a segment. */
static int ends_met(const struct slide *s, size_t from, size_t to)
{
    bool begins = from == 0 || s->own[from - 1].segment != s->own[from].segment;
    bool ends = to == s->own_count || s->own[to - 1].segment != s->own[to].segment;
    return begins + ends;
}

/* "a b [a b] c" could as well be "a [b a] b c": by how many words the run own[from … from+len-1],
 * which stands in front of other[at], is best moved up (negative) or down, within the `before`
 * and `behind` equal words around it. */
static ptrdiff_t best_slide(const struct slide *s, size_t from, size_t len, size_t at,
                            size_t before, size_t behind)
{
    ptrdiff_t best = 0;
    int64_t best_cost = 0, cost = 0;
    int best_ends = ends_met(s, from, from + len);
    for (size_t t = 1; t <= before && s->ids[from - t] == s->ids[from + len - t]; t++) {
        cost += apart(s, from + len - t, at - t) - apart(s, from - t, at - t);
        int ends = ends_met(s, from - t, from + len - t);
        if (cost < best_cost || (cost == best_cost && ends > best_ends)) {
            best = -(ptrdiff_t)t;
            best_cost = cost;
            best_ends = ends;
        }
    }
    cost = 0;
    for (size_t t = 0; t < behind && s->ids[from + t] == s->ids[from + len + t]; t++) {
        cost += apart(s, from + t, at + t) - apart(s, from + len + t, at + t);
        int ends = ends_met(s, from + t + 1, from + len + t + 1);
        if (cost < best_cost || (cost == best_cost && ends > best_ends)) {
            best = (ptrdiff_t)t + 1;
            best_cost = cost;
            best_ends = ends;
        }
    }
    return best;
}

static void slide_ops(struct sc_diff *d, const uint32_t *ids, bool timed)
{
    const struct slide a = { d->a.items, d->b.items, ids, d->a.count, timed };
    const struct slide b = { d->b.items, d->a.items, ids + d->a.count, d->b.count, timed };
    for (size_t i = 1; i + 1 < d->count; i += 2) {
        struct sc_diff_op *before = &d->ops[i - 1], *op = &d->ops[i], *behind = &d->ops[i + 1];
        if (op->a_count != 0 && op->b_count != 0)
            continue;
        ptrdiff_t by =
            op->b_count == 0
                ? best_slide(&a, op->a, op->a_count, op->b, before->a_count, behind->a_count)
                : best_slide(&b, op->b, op->b_count, op->a, before->a_count, behind->a_count);
        before->a_count = before->b_count = before->a_count + (size_t)by;
        behind->a_count = behind->b_count = behind->a_count - (size_t)by;
        op->a += (size_t)by;
        op->b += (size_t)by;
        behind->a += (size_t)by;
        behind->b += (size_t)by;
    }
}

/* Drops what is empty, joins what then stands side by side, and names the kinds. */
static void settle_ops(struct sc_diff *d)
{
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct sc_diff_op op = d->ops[i];
        struct sc_diff_op *last = kept == 0 ? NULL : &d->ops[kept - 1];
        if (op.a_count + op.b_count == 0)
            continue;
        if (last != NULL && (last->kind == SC_DIFF_SAME) == (op.kind == SC_DIFF_SAME)) {
            last->a_count += op.a_count;
            last->b_count += op.b_count;
        } else {
            d->ops[kept++] = op;
        }
    }
    d->count = kept;
    for (size_t i = 0; i < kept; i++) {
        struct sc_diff_op *op = &d->ops[i];
        if (op->kind != SC_DIFF_SAME)
            op->kind = op->a_count == 0   ? SC_DIFF_ADDED
                       : op->b_count == 0 ? SC_DIFF_REMOVED
                                          : SC_DIFF_CHANGED;
    }
}

/* Which of two is matched with the other one: there may be several shortest edits, and comparing b
 * with a must find the one that comparing a with b does. */
static bool goes_first(const struct sc_match_side *a, const struct sc_match_side *b)
{
    if (a->count != b->count)
        return a->count < b->count;
    return memcmp(a->ids, b->ids, a->count * sizeof(*a->ids)) <= 0;
}

bool sc_diff_run(struct sc_diff *d, unsigned flags)
{
    SC_AUTO(numbers_done) struct numbers n = { 0 };
    if (!number_words(d, flags, &n))
        return false;
    struct sc_match_side a = { n.ids, d->a.count, n.alone };
    struct sc_match_side b = { n.ids + d->a.count, d->b.count, n.alone + d->a.count };
    bool straight = goes_first(&a, &b);
    if (!sc_match(straight ? &a : &b, straight ? &b : &a, n.kinds) ||
        !list_ops(d, a.alone, b.alone))
        return false;
    slide_ops(d, n.ids, (flags & SC_DIFF_UNTIMED) == 0);
    settle_ops(d);
    return true;
}

bool sc_diff_segments(const struct sc_segments *a, const struct sc_segments *b, unsigned flags,
                      struct sc_diff *out)
{
    SC_AUTO_DIFF d = { 0 };
    for (size_t i = 0; i < a->count; i++) {
        if (!sc_diff_add_segment(&d.a, &a->items[i], i))
            return false;
    }
    for (size_t i = 0; i < b->count; i++) {
        if (!sc_diff_add_segment(&d.b, &b->items[i], i))
            return false;
    }
    if (!sc_diff_run(&d, flags))
        return false;
    *out = d;
    d = (struct sc_diff){ 0 };
    return true;
}
