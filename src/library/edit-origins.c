/* What made the words of an edit. A word that stands in the base and in the new version, in the
 * same order and at about the same time, is still what it was, whatever happened to its segment;
 * the rest is the edit's. */
#include "library/edit-internal.h"

#include "transcript/diff.h"

#include "base/banned.h"

/* A word that was deleted here and typed there is another one. */
#define NEAR_MS 10000

static bool is_known(const struct sc_segment *s, size_t word)
{
    return sc_word_origin(s, word) != 0;
}

/* What made an equal word of `from`; 0: it stands too far away to be the same. */
static int64_t origin_of(const struct sc_segments *from, const struct sc_diff_word *a,
                         const struct sc_diff_word *b, int64_t near_ms)
{
    const struct sc_segment *old = &from->items[a->segment];
    int64_t apart =
        a->start_ms < b->start_ms ? b->start_ms - a->start_ms : a->start_ms - b->start_ms;
    if (apart > near_ms)
        return 0;
    return a->word == SC_DIFF_NO_WORD ? sc_text_origin(old, (size_t)(a->text.ptr - old->text))
                                      : sc_word_origin(old, a->word);
}

/* What is learnt of the texts of segments without words, one after the other. */
struct learning {
    struct sc_segments *to;
    size_t at;                /* the segment */
    struct sc_segment learnt; /* owned; its parts alone */
};

static void learning_done(struct learning *l)
{
    free(l->learnt.made);
}

static void end_bare(struct learning *l)
{
    if (l->learnt.made_count == 0)
        return;
    struct sc_segment *s = &l->to->items[l->at];
    free(s->made);
    s->made = SC_TAKE(l->learnt.made);
    s->made_count = l->learnt.made_count;
    s->made_cap = l->learnt.made_cap;
    l->learnt = (struct sc_segment){ .made = NULL };
}

/* origin: what made it, 0: this is not known. */
static bool take_origin(struct learning *l, const struct sc_diff_word *b, int64_t origin)
{
    struct sc_segment *s = &l->to->items[b->segment];
    if (s->word_count > 0) {
        if (b->word != SC_DIFF_NO_WORD && !is_known(s, b->word))
            s->words[b->word].origin = origin;
        return true;
    }
    if (b->segment != l->at)
        end_bare(l);
    l->at = b->segment;
    size_t from = (size_t)(b->text.ptr - s->text);
    int64_t known = sc_text_origin(s, from);
    return sc_segment_add_made(&l->learnt, known == 0 ? origin : known, from + b->text.len);
}

/* Words of `to` that do not know what made them learn it from equal words of `from`. */
static bool learn(const struct sc_segments *from, struct sc_segments *to, int64_t near_ms)
{
    SC_AUTO_DIFF diff = { 0 };
    SC_AUTO(learning_done) struct learning l = { .to = to };
    if (from->count == 0 || to->count == 0)
        return true;
    if (!sc_diff_segments(from, to, 0, &diff))
        return false;
    for (size_t i = 0; i < diff.count; i++) {
        const struct sc_diff_op *op = &diff.ops[i];
        for (size_t k = 0; k < op->b_count; k++) {
            const struct sc_diff_word *word = &diff.b.items[op->b + k];
            int64_t origin = op->kind != SC_DIFF_SAME
                                 ? 0
                                 : origin_of(from, &diff.a.items[op->a + k], word, near_ms);
            if (!take_origin(&l, word, origin))
                return false;
        }
    }
    end_bare(&l);
    return true;
}

static bool knows_all(const struct sc_segment *s)
{
    bool known = s->origin != 0 || s->word_count + s->made_count > 0;
    for (size_t i = 0; known && i < s->word_count; i++)
        known = is_known(s, i);
    for (size_t i = 0; known && i < s->made_count; i++)
        known = s->made[i].origin != 0;
    return known;
}

/* Of a segment without words; what stands between two words goes with the second one. */
static void settle_bare(struct sc_segment *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->made_count; i++) {
        struct sc_made m = s->made[i];
        m.origin = m.origin == 0 ? SC_ORIGIN_HERE : m.origin;
        kept += kept == 0 || s->made[kept - 1].origin != m.origin ? 1 : 0;
        s->made[kept - 1] = m;
    }
    if (kept == 1)
        s->origin = s->made[0].origin;
    s->made_count = kept > 1 ? kept : 0;
    if (kept > 1) {
        s->origin = SC_ORIGIN_HERE;
        s->made[kept - 1].until = strlen(s->text);
    }
    s->origin = s->origin == 0 ? SC_ORIGIN_HERE : s->origin;
}

/* What the words have in common stands at the segment; the edit made a segment whose words have
 * nothing in common. */
static void settle(struct sc_segment *s)
{
    bool one = true;
    for (size_t i = 0; i < s->word_count; i++) {
        int64_t origin = sc_word_origin(s, i);
        s->words[i].origin = origin == 0 ? SC_ORIGIN_HERE : origin;
    }
    if (s->word_count == 0) {
        settle_bare(s);
        return;
    }
    for (size_t i = 1; i < s->word_count; i++)
        one = one && s->words[i].origin == s->words[0].origin;
    s->origin = one ? s->words[0].origin : SC_ORIGIN_HERE;
    for (size_t i = 0; one && i < s->word_count; i++)
        s->words[i].origin = 0;
}

/* Lists that borrow their segments: only the arrays are theirs. */
struct borrowed {
    struct sc_segments list;
};

static void borrowed_done(struct borrowed *b)
{
    free(b->list.items);
}

static bool borrow(struct borrowed *b, const struct sc_segment *s, size_t at)
{
    struct sc_segment *to = sc_segments_add(&b->list);
    if (to == NULL)
        return false;
    *to = *s; /* words and texts are shared */
    to->row = (int64_t)at;
    return true;
}

static bool learn_from_all(struct sc_edit *e)
{
    SC_AUTO(borrowed_done) struct borrowed from = { 0 };
    SC_AUTO(borrowed_done) struct borrowed to = { 0 };
    for (size_t i = 0; i < e->place_count; i++) {
        if (e->places[i].dies && !borrow(&from, &e->places[i].s, i))
            return false;
    }
    for (size_t i = 0; i < e->item_count; i++) {
        if (!e->items[i].kept && !knows_all(&e->items[i].s) && !borrow(&to, &e->items[i].s, i))
            return false;
    }
    bool done = learn(&from.list, &to.list, NEAR_MS);
    for (size_t i = 0; i < to.list.count; i++) {
        const struct sc_segment *bare = &to.list.items[i];
        struct sc_segment *s = &e->items[bare->row].s;
        s->made = bare->made;
        s->made_count = bare->made_count;
        s->made_cap = bare->made_cap;
    }
    return done;
}

/* A segment that was moved stands elsewhere, and is the same one. */
static bool learn_from_own(const struct sc_edit *e, struct sc_edit_item *item)
{
    if (item->place == SC_NOWHERE)
        return true;
    struct sc_segments to = { .items = &item->s, .count = 1 };
    struct sc_segment base = e->places[item->place].s;
    const struct sc_segments from = { .items = &base, .count = 1 };
    return knows_all(&item->s) || learn(&from, &to, INT64_MAX);
}

enum sc_code sc_edit_find_origins(struct sc_edit *e, struct sc_error *err)
{
    bool done = learn_from_all(e);
    for (size_t i = 0; done && i < e->item_count; i++) {
        struct sc_edit_item *item = &e->items[i];
        if (item->kept)
            continue;
        done = knows_all(&item->s) || learn_from_own(e, item);
        settle(&item->s);
    }
    return done ? SC_OK : sc_error_set(err, SC_E_INTERNAL, "no memory for the edit");
}
