#include "transcript/compare.h"

#include "base/alloc.h"
#include "transcript/diff-internal.h"

#include <math.h>

#include "base/banned.h"

/* A word may be said so long before or behind the cue that shows it. */
#define SLACK_MS 250
/* Words are stored with three decimals. */
#define SAME_CONFIDENCE 0.0005F

/* A word of a segment that was read. */
struct timed {
    size_t old; /* its partner; SIZE_MAX: none whose time fits */
    int64_t start_ms, end_ms;
};

/* ---- speakers ---- */

static bool names_nobody(const struct sc_segments *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->items[i].speaker != NULL)
            return false;
    }
    return true;
}

/* ---- words ---- */

/* The words of one segment. */
struct row {
    const struct sc_diff_word *words;
    struct timed *times;
    size_t count;
};

/* Words k … end-1, which have no partners, share at … until; where that is nothing, the time of the
 * word in front of them, else of the one behind. Returns where the next may begin. */
static int64_t time_new(const struct row *row, size_t k, size_t end, int64_t at, int64_t until)
{
    size_t len = 0, done = 0;
    bool behind = k > 0, borrowed = until <= at && (behind || end < row->count);
    for (size_t i = k; i < end; i++)
        len += row->words[i].text.len;
    if (borrowed) {
        size_t next = behind ? k - 1 : end;
        struct sc_diff_word beside = row->words[next];
        beside.start_ms = row->times[next].start_ms;
        beside.end_ms = row->times[next].end_ms;
        sc_diff_borrow(&beside, len, behind, &at, &until);
    }
    double span = (double)SC_MAX(until - at, 0);
    for (; k < end; k++) {
        struct timed *t = &row->times[k];
        /* None behind the start of the word that follows. */
        t->start_ms = borrowed && !behind ? at : at + (int64_t)(span * (double)done / (double)len);
        done += row->words[k].text.len;
        t->end_ms = at + (int64_t)(span * (double)done / (double)len);
    }
    return SC_MAX(at, until);
}

/* Times of the words of segment s that have partners; the others share what is between. */
static void time_words(const struct sc_comparison *c, size_t s, const size_t *partner_of_b,
                       struct timed *out)
{
    const struct sc_segment *segment = &c->b->items[s];
    size_t from = c->words_b[s], to = c->words_b[s + 1];
    int64_t at = segment->start_ms;
    for (size_t k = from; k < to; k++) {
        struct timed *t = &out[k - from];
        size_t old = partner_of_b[k];
        const struct sc_diff_word *w = old == SIZE_MAX ? NULL : &c->diff.a.items[old];
        *t = (struct timed){ .old = SIZE_MAX };
        if (w == NULL || w->word == SC_DIFF_NO_WORD || w->end_ms < segment->start_ms - SLACK_MS ||
            w->start_ms > segment->end_ms + SLACK_MS)
            continue;
        t->old = old;
        t->start_ms = SC_MIN(SC_MAX(w->start_ms, at), segment->end_ms);
        t->end_ms = SC_MIN(SC_MAX(w->end_ms, t->start_ms), segment->end_ms);
        at = t->end_ms;
    }
    at = segment->start_ms;
    const struct row row = { c->diff.b.items + from, out, to - from };
    for (size_t k = 0; k < row.count;) {
        size_t end = k;
        while (end < row.count && out[end].old == SIZE_MAX)
            end++;
        if (end > k)
            at = time_new(&row, k, end, at, end < row.count ? out[end].start_ms : segment->end_ms);
        for (k = end; k < row.count && out[k].old != SIZE_MAX; k++)
            at = out[k].end_ms;
    }
}

/* Is word k of b of the same old word as the one before, and joined to it? */
static bool goes_on(const struct sc_comparison *c, const struct timed *t, size_t k)
{
    if (t[-1].old == SIZE_MAX || t->old != t[-1].old + 1 || sc_diff_gap(&c->diff.b, k))
        return false;
    const struct sc_diff_word *x = &c->diff.a.items[t->old], *y = x - 1;
    return x->segment == y->segment && x->word == y->word;
}

static bool add_words(const struct sc_comparison *c, size_t s, const struct timed *t,
                      struct sc_segment *out)
{
    size_t from = c->words_b[s], to = c->words_b[s + 1];
    double sum = 0;
    size_t known = 0;
    for (size_t k = from, end; k < to; k = end) {
        const struct timed *first = &t[k - from];
        float confidence = -1;
        end = k + 1;
        while (end < to && goes_on(c, &t[end - from], end))
            end++;
        struct sc_str text = c->diff.b.items[k].text;
        const struct sc_str last = c->diff.b.items[end - 1].text;
        text.len = (size_t)(last.ptr + last.len - text.ptr);
        if (first->old != SIZE_MAX) {
            const struct sc_diff_word *w = &c->diff.a.items[first->old];
            sc_assert(c->a->items != NULL && c->a->items[w->segment].words != NULL);
            confidence = c->a->items[w->segment].words[w->word].confidence;
        }
        if (!sc_segment_add_word(out, text, first->start_ms, t[end - 1 - from].end_ms, confidence))
            return false;
        sum += confidence >= 0 ? (double)confidence : 0;
        known += confidence >= 0;
    }
    if (out->confidence < 0 && known > 0)
        out->confidence = (float)(sum / (double)known);
    return true;
}

/* ---- segments ---- */

struct adopting {
    const struct sc_comparison *c;
    struct sc_segments *read; /* what c calls b */
    size_t *partner_of_b;     /* owned */
    struct timed *timed;      /* owned; of the words of one segment */
    size_t *places;           /* owned; of sc_comparison_places */
    bool fill;                /* who has no speaker has the old one */
    bool has_words;           /* some old segment has */
    const char *was, *is;     /* borrowed; who spoke in the segment before, and who does now */
};

static void adopting_done(struct adopting *a)
{
    free(a->partner_of_b);
    free(a->timed);
    free(a->places);
}

static bool equal_names(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Who is not named goes on as the one before him did, under the name that this one has now. */
static void fill_speaker(struct adopting *a, size_t s)
{
    struct sc_segment *x = &a->read->items[s];
    size_t place = a->places[s];
    if (!a->fill || place == SIZE_MAX)
        return;
    sc_assert(place < a->c->a->count && a->c->a->items != NULL);
    const char *was = a->c->a->items[place].speaker;
    const char *is = s > 0 && equal_names(was, a->was) ? a->is : was;
    if (x->speaker == NULL && is != NULL)
        x->speaker = sc_strdup(is);
    a->was = was;
    a->is = x->speaker;
}

/* The whole segment is as it was: what the file does not know of it is, too. */
static bool restore(const struct sc_segment *old, struct sc_segment *s)
{
    struct sc_segment copy = { .chunk = -1, .confidence = -1 };
    if (!sc_segment_copy(old, &copy))
        return false;
    free(copy.speaker);
    copy.speaker = SC_TAKE(s->speaker);
    sc_segment_done(s);
    *s = copy;
    return true;
}

/* Other times, the same text. */
static bool keep_heard(const struct sc_segment *old, struct sc_segment *s)
{
    if (old->heard == NULL || s->heard != NULL || s->text == NULL || old->text == NULL ||
        strcmp(old->text, s->text) != 0)
        return true;
    s->heard = sc_heard_copy(old->heard);
    return s->heard != NULL;
}

/* Words of the file that have times, and not how sure they are, are as sure as they were. */
static void keep_words_confidences(const struct adopting *a, size_t s)
{
    const struct sc_comparison *c = a->c;
    struct sc_word *words = a->read->items[s].words;
    for (size_t k = c->words_b[s]; words != NULL && k < c->words_b[s + 1]; k++) {
        const struct sc_diff_word *is = &c->diff.b.items[k];
        size_t old = a->partner_of_b[k];
        const struct sc_diff_word *was = old == SIZE_MAX ? NULL : &c->diff.a.items[old];
        if (was == NULL || was->word == SC_DIFF_NO_WORD || is->word == SC_DIFF_NO_WORD)
            continue;
        sc_assert(c->a->items != NULL && c->a->items[was->segment].words != NULL);
        if (words[is->word].confidence < 0)
            words[is->word].confidence = c->a->items[was->segment].words[was->word].confidence;
    }
}

/* The same of a segment. What the reader has reckoned from the words, as in rows of words, it does
 * not tell either: it is what it was where these are as sure as they were. */
static void keep_confidence(const struct sc_segment *old, struct sc_segment *s)
{
    float mean = sc_segment_mean_confidence(s);
    bool told = s->confidence >= 0 && s->confidence != mean;
    if (!told)
        s->confidence = mean;
    if (told || old == NULL)
        return;
    float was = sc_segment_mean_confidence(old);
    if (mean < 0 ? was < 0 : was >= 0 && fabsf(mean - was) < SAME_CONFIDENCE)
        s->confidence = old->confidence;
}

static bool have_words(const struct sc_segments *s, size_t from, size_t count)
{
    for (size_t i = from; s->items != NULL && i < from + count; i++) {
        if (s->items[i].word_count > 0)
            return true;
    }
    return false;
}

/* What was stored without words stays so; a new segment has some where others have. */
static bool had_words(const struct adopting *a, const struct sc_compare_part *part)
{
    return part->a_count == 0 ? a->has_words : have_words(a->c->a, part->a, part->a_count);
}

static bool adopt_part(struct adopting *a, const struct sc_compare_part *part)
{
    const struct sc_comparison *c = a->c;
    for (size_t s = part->b; s < part->b + part->b_count; s++) {
        struct sc_segment *x = &a->read->items[s];
        const struct sc_segment *old = part->a_count == 0 ? NULL : &c->a->items[part->a];
        fill_speaker(a, s);
        bool one = part->a_count == 1 && part->b_count == 1;
        if (one && old != NULL && !part->words_differ && x->word_count == 0 &&
            old->start_ms == x->start_ms && old->end_ms == x->end_ms) {
            if (!restore(old, x))
                return false;
            continue;
        }
        if (old != NULL && s == part->b)
            x->id = old->id;
        if (one && old != NULL && !keep_heard(old, x))
            return false;
        if (x->word_count > 0) {
            keep_words_confidences(a, s);
            keep_confidence(one && !part->words_differ ? old : NULL, x);
        }
        if (x->word_count > 0 || !had_words(a, part))
            continue;
        time_words(c, s, a->partner_of_b, a->timed);
        if (!add_words(c, s, a->timed, x))
            return false;
    }
    return true;
}

bool sc_segments_adopt(const struct sc_segments *old, const struct sc_names *names,
                       struct sc_segments *read)
{
    SC_AUTO_COMPARISON c = { 0 };
    SC_AUTO(adopting_done) struct adopting a = { .c = &c, .read = read };
    if ((names != NULL && !sc_names_take(names, false, read)) || !sc_compare(old, read, 0, &c))
        return false;
    a.fill = names != NULL || names_nobody(read);
    a.has_words = have_words(old, 0, old->count);
    for (size_t i = 0; i < read->count; i++)
        read->items[i].id = read->items[i].row = 0;
    a.partner_of_b = sc_try_alloc((c.diff.b.count + 1) * sizeof(*a.partner_of_b));
    a.timed = sc_try_alloc((c.diff.b.count + 1) * sizeof(*a.timed));
    a.places = sc_comparison_places(&c);
    if (a.partner_of_b == NULL || a.timed == NULL || a.places == NULL)
        return false;
    for (size_t k = 0; k < c.diff.b.count; k++)
        a.partner_of_b[k] = SIZE_MAX;
    for (size_t k = 0; k < c.diff.a.count; k++) {
        if (c.partner[k] != SIZE_MAX)
            a.partner_of_b[c.partner[k]] = k;
    }
    for (size_t i = 0; i < c.count; i++) {
        if (!adopt_part(&a, &c.parts[i]))
            return false;
    }
    return true;
}
