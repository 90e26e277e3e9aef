#include "transcript/combine.h"

#include "base/alloc.h"
#include "transcript/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* What one of the two made of the base, read from its first change on. */
struct side {
    struct sc_segments base, text; /* which the diff borrows */
    struct sc_diff diff;
    size_t next;
};

static void side_done(struct side *s)
{
    sc_diff_done(&s->diff);
    sc_segments_done(&s->base);
    sc_segments_done(&s->text);
}

static bool add_text(struct sc_segments *list, const char *text)
{
    struct sc_segment *s = sc_segments_add(list);
    if (s == NULL)
        return false;
    s->text = sc_strdup(text);
    return true;
}

static bool compare(const char *base, const char *text, struct side *out)
{
    return add_text(&out->base, base) && add_text(&out->text, text) &&
           sc_diff_segments(&out->base, &out->text, 0, &out->diff);
}

/* The next change; NULL: there is none. */
static const struct sc_diff_op *change(struct side *s)
{
    while (s->next < s->diff.count && s->diff.ops[s->next].kind == SC_DIFF_SAME)
        s->next++;
    return s->next < s->diff.count ? &s->diff.ops[s->next] : NULL;
}

/* Are both changes of the same words of the base? Words that are added beside others that changed
 * clash too, since nobody can tell which come first. */
static bool clash(const struct sc_diff_op *a, const struct sc_diff_op *b)
{
    size_t a_end = a->a + a->a_count, b_end = b->a + b->a_count;
    bool adds = a->a_count == 0 || b->a_count == 0;
    return adds ? a->a <= b_end && b->a <= a_end : a->a < b_end && b->a < a_end;
}

static bool are_alike(const struct side *x, const struct sc_diff_op *a, const struct side *y,
                      const struct sc_diff_op *b)
{
    bool alike = a->a == b->a && a->a_count == b->a_count && a->b_count == b->b_count;
    for (size_t i = 0; alike && i < a->b_count; i++)
        alike = sc_str_equal(x->diff.b.items[a->b + i].text, y->diff.b.items[b->b + i].text);
    return alike;
}

/* What is said in the end: words of all three texts. */
struct line {
    struct sc_diff_words words; /* a run of words that follow each other is a segment */
    size_t runs;
    size_t base; /* so many words of the base are done */
};

static void line_done(struct line *l)
{
    free(l->words.items);
}

static bool put(struct line *l, const struct sc_diff_words *from, size_t at, size_t count)
{
    void *items = l->words.items;
    if (!sc_try_grow(&items, &l->words.cap, l->words.count + count, sizeof(*l->words.items)))
        return false;
    l->words.items = items;
    l->runs++;
    for (size_t i = at; i < at + count; i++) {
        l->words.items[l->words.count] = from->items[i];
        l->words.items[l->words.count++].segment = l->runs;
    }
    return true;
}

/* What the base has up to the change, then what the change has. */
static bool put_change(struct line *l, struct side *s, const struct sc_diff_op *op)
{
    size_t from = l->base;
    l->base = op->a + op->a_count;
    s->next++;
    return put(l, &s->diff.a, from, op->a - from) && put(l, &s->diff.b, op->b, op->b_count);
}

static enum sc_combined combine(struct side *mine, struct side *theirs, struct line *out)
{
    for (;;) {
        const struct sc_diff_op *m = change(mine), *t = change(theirs);
        if (m == NULL && t == NULL)
            break;
        if (m != NULL && t != NULL && clash(m, t)) {
            if (!are_alike(mine, m, theirs, t))
                return SC_COMBINE_CLASH;
            mine->next++;
            m = NULL;
        }
        bool first = t == NULL || (m != NULL && m->a < t->a);
        if (!put_change(out, first ? mine : theirs, first ? m : t))
            return SC_COMBINE_NO_MEMORY;
    }
    const struct sc_diff_words *base = &mine->diff.a;
    return put(out, base, out->base, base->count - out->base) ? SC_COMBINED : SC_COMBINE_NO_MEMORY;
}

enum sc_combined sc_text_combine(const char *base, const char *mine, const char *theirs,
                                 struct sc_buf *out)
{
    SC_AUTO(side_done) struct side m = { 0 };
    SC_AUTO(side_done) struct side t = { 0 };
    SC_AUTO(line_done) struct line line = { 0 };
    if (!compare(base, mine, &m) || !compare(base, theirs, &t))
        return SC_COMBINE_NO_MEMORY;
    enum sc_combined how = combine(&m, &t, &line);
    if (how == SC_COMBINED)
        sc_diff_put(&line.words, 0, line.words.count, out);
    return how;
}
