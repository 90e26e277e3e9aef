#include "transcript/seam.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/text.h"

#include <stdint.h>

#include "base/banned.h"

/* Both chunks heard the overlap. First the words of the two sides are aligned, in order, so that
 * each word heard twice becomes a pair; then one cut through the aligned words is chosen near the
 * middle of the overlap: what lies before comes from the left, what lies behind from the right.
 *
 * The alignment is the cheapest one. A pair costs the distance of its two times; a word left
 * without partner costs little near the edge of the other chunk, which may have heard half of it or
 * nothing, and much in the middle, where both must have heard it. So "no no no" is neither
 * collapsed (skipping costs) nor shifted by one word to pair what only one side heard (pairing
 * distant words costs). */
#define PAIR_MS 300
#define SKIP_COST 1000
#define EDGE_MS 250
/* Speech has some five words a second; more candidates than this come from no engine. */
#define CANDIDATES_MAX 400

struct unit {
    size_t segment;
    size_t word; /* WHOLE: a segment without words, taken or left as one */
    int64_t start, end, mid;
    char *norm; /* owned */
    const char *text;
    int64_t skip_cost;
    ptrdiff_t partner; /* index on the other side; -1: none */
    bool keep;
};
#define WHOLE SIZE_MAX

struct side {
    struct unit *units; /* owned */
    size_t count, cap;
};

static void side_done(struct side *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->units[i].norm);
    free(s->units);
}

void sc_word_normalise(struct sc_str text, struct sc_buf *out)
{
    for (size_t at = 0; at < text.len;) {
        uint32_t cp;
        size_t n = sc_utf8_decode((struct sc_str){ text.ptr + at, text.len - at }, &cp);
        at += n == 0 ? 1 : n;
        if (n > 0 && !sc_text_is_punctuation(cp))
            sc_utf8_append(out, sc_text_lower(cp));
    }
}

static bool add_unit(struct side *side, size_t segment, size_t word, const char *text,
                     int64_t start_ms, int64_t end_ms)
{
    void *units = side->units;
    if (!sc_try_grow(&units, &side->cap, side->count + 1, sizeof(*side->units)))
        return false;
    side->units = units;
    SC_AUTO_BUF norm = { 0 };
    sc_word_normalise(sc_str_from(text), &norm);
    char *copy = sc_buf_take(&norm);
    if (copy == NULL)
        return false;
    side->units[side->count++] = (struct unit){
        .segment = segment,
        .word = word,
        .start = start_ms,
        .end = end_ms,
        .mid = start_ms + (end_ms - start_ms) / 2,
        .norm = copy,
        .text = text,
        .partner = -1,
        .keep = true,
    };
    return true;
}

/* The words of s that reach into [from_ms, to_ms], and the wordless segments inside of it. */
static bool collect(const struct sc_segments *s, int64_t from_ms, int64_t to_ms, struct side *side)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct sc_segment *seg = &s->items[i];
        /* A wordless segment that reaches out of the overlap holds words that only it has. */
        if (seg->word_count == 0 && seg->text != NULL && seg->text[0] != '\0' &&
            seg->start_ms >= from_ms && seg->end_ms <= to_ms &&
            !add_unit(side, i, WHOLE, seg->text, seg->start_ms, seg->end_ms))
            return false;
        for (size_t k = 0; k < seg->word_count; k++) {
            const struct sc_word *w = &seg->words[k];
            if (w->end_ms >= from_ms && w->start_ms <= to_ms &&
                !add_unit(side, i, k, w->text, w->start_ms, w->end_ms))
                return false;
        }
    }
    return true;
}

/* Drops the first `n` candidates: they stay in their segments. */
static void forget_first(struct side *side, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(side->units[i].norm);
    memmove(side->units, side->units + n, (side->count - n) * sizeof(*side->units));
    side->count -= n;
}

static void forget_after(struct side *side, size_t n)
{
    while (side->count > n)
        free(side->units[--side->count].norm);
}

/* What it costs to leave a word alone that lies `depth` inside the other chunk. */
static int64_t skip_cost(int64_t depth)
{
    return SC_MAX(0, SC_MIN(depth, EDGE_MS)) * SKIP_COST / EDGE_MS;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

/* Distance of two words with equal text; -1 when they are no pair. The closer of starts and
 * ends counts: a word across the edge has only one of them right. */
static int64_t pair_cost(const struct unit *l, const struct unit *r)
{
    int64_t d = SC_MIN(distance(l->start, r->start), distance(l->end, r->end));
    if (d > PAIR_MS || strcmp(l->norm, r->norm) != 0)
        return -1;
    /* Nothing but punctuation normalises to nothing. */
    return l->norm[0] != '\0' || strcmp(l->text, r->text) == 0 ? d : -1;
}

/* Sets the partners by dynamic programming over both sides. False: no memory. */
static bool align(struct side *left, struct side *right)
{
    size_t rows = left->count + 1, cols = right->count + 1;
    SC_AUTO_FREE int64_t *cost = sc_try_alloc(rows * cols * sizeof(*cost));
    if (cost == NULL)
        return false;
    for (size_t i = left->count + 1; i-- > 0;) {
        for (size_t k = right->count + 1; k-- > 0;) {
            if (i == left->count && k == right->count)
                continue;
            int64_t best = INT64_MAX;
            if (i < left->count)
                best = cost[(i + 1) * cols + k] + left->units[i].skip_cost;
            if (k < right->count)
                best = SC_MIN(best, cost[i * cols + k + 1] + right->units[k].skip_cost);
            int64_t pair = i < left->count && k < right->count
                               ? pair_cost(&left->units[i], &right->units[k])
                               : -1;
            if (pair >= 0)
                best = SC_MIN(best, cost[(i + 1) * cols + k + 1] + pair);
            cost[i * cols + k] = best;
        }
    }
    for (size_t i = 0, k = 0; i < left->count && k < right->count;) {
        int64_t here = cost[i * cols + k];
        int64_t pair = pair_cost(&left->units[i], &right->units[k]);
        if (pair >= 0 && here == cost[(i + 1) * cols + k + 1] + pair) {
            left->units[i].partner = (ptrdiff_t)k;
            right->units[k].partner = (ptrdiff_t)i;
            i++;
            k++;
        } else if (here == cost[(i + 1) * cols + k] + left->units[i].skip_cost) {
            i++;
        } else {
            k++;
        }
    }
    return true;
}

/* Marks what goes. A word without partner that lies in the other's half is left out, unless the
 * other side is silent there: then nobody else has it. */
static void choose(struct side *left, struct side *right, int64_t middle)
{
    size_t left_end = 0, right_begin = 0; /* left before, right from there on is kept */
    for (size_t i = 0; i < left->count; i++) {
        const struct unit *u = &left->units[i];
        int64_t mid = u->partner < 0 ? u->mid : (u->mid + right->units[u->partner].mid) / 2;
        if (mid < middle)
            left_end = i + 1;
    }
    for (size_t i = 0; i < left_end; i++) {
        if (left->units[i].partner >= 0)
            right_begin = (size_t)left->units[i].partner + 1;
    }

    int64_t left_until = left_end > 0 ? left->units[left_end - 1].end : INT64_MIN;
    int64_t right_from = INT64_MAX;
    for (size_t k = right->count; k-- > 0;) {
        struct unit *u = &right->units[k];
        bool own = u->partner >= 0 || u->mid >= middle || u->start >= left_until;
        u->keep = k >= right_begin && own;
        if (u->keep)
            right_from = u->start;
    }
    bool passed_pair = false;
    for (size_t i = left_end; i < left->count; i++) {
        struct unit *u = &left->units[i];
        passed_pair = passed_pair || u->partner >= 0;
        u->keep = !passed_pair && u->end <= right_from;
    }
}

/* Takes the words that lost out of s. */
static bool remove_losers(struct sc_segments *s, const struct side *side)
{
    bool changed = false;
    for (size_t i = 0; i < side->count; i++) {
        const struct unit *u = &side->units[i];
        struct sc_segment *seg = &s->items[u->segment];
        if (u->keep)
            continue;
        changed = true;
        char **text = u->word == WHOLE ? &seg->text : &seg->words[u->word].text;
        free(*text);
        *text = NULL; /* the mark that the sweep below looks for */
    }
    if (!changed)
        return false;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct sc_segment *seg = &s->items[i];
        size_t words = 0, had = seg->word_count;
        for (size_t k = 0; k < had; k++) {
            if (seg->words[k].text != NULL)
                seg->words[words++] = seg->words[k];
        }
        seg->word_count = words;
        if (words < had)
            sc_segment_forget_tokens(seg);
        if (words < had && words > 0 && !sc_segment_settle(seg))
            sc_out_of_memory(); /* half of the words are gone: there is no way back */
        if ((words == 0 && had > 0) || (had == 0 && seg->text == NULL))
            sc_segment_done(seg);
        else
            s->items[kept++] = *seg;
    }
    s->count = kept;
    return true;
}

enum sc_code sc_seam_settle(struct sc_segments *left, struct sc_segments *right,
                            int64_t overlap_start_ms, int64_t overlap_end_ms,
                            struct sc_seam_changes *changes, struct sc_error *err)
{
    SC_AUTO(side_done) struct side l = { 0 };
    SC_AUTO(side_done) struct side r = { 0 };
    if (overlap_start_ms < 0 || overlap_end_ms < overlap_start_ms ||
        overlap_end_ms > SC_SEGMENT_TIME_MAX)
        return sc_error_set(err, SC_E_INVALID_VALUE, "the overlap ends before it starts");
    if (!collect(left, overlap_start_ms - PAIR_MS, INT64_MAX, &l) ||
        !collect(right, INT64_MIN, overlap_end_ms + PAIR_MS, &r))
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    if (l.count > CANDIDATES_MAX)
        forget_first(&l, l.count - CANDIDATES_MAX);
    forget_after(&r, CANDIDATES_MAX);

    for (size_t i = 0; i < l.count; i++)
        l.units[i].skip_cost = skip_cost(l.units[i].mid - overlap_start_ms);
    for (size_t k = 0; k < r.count; k++)
        r.units[k].skip_cost = skip_cost(overlap_end_ms - r.units[k].mid);
    if (!align(&l, &r))
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    choose(&l, &r, overlap_start_ms + (overlap_end_ms - overlap_start_ms) / 2);

    changes->left = remove_losers(left, &l);
    changes->right = remove_losers(right, &r);
    return SC_OK;
}
