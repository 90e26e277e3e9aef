#include "transcript/names.h"

#include "base/alloc.h"
#include "transcript/compare.h"
#include "transcript/reader-internal.h"
#include "transcript/text.h"

#include "base/banned.h"

/* What nobody knows yet and is longer is no name, but a sentence. */
#define NAME_BYTES 48
#define NAME_WORDS 4

/* A text that may be a name, in front of one segment or more. */
struct candidate {
    char *text; /* owned */
    size_t first, count;
    bool known, placed, said;
};
struct candidates {
    struct candidate *items; /* owned; sorted by text */
    size_t count;
    bool as_exported; /* the file is as our exports are */
    bool anybody;     /* the old segments have speakers */
};

static void candidates_done(struct candidates *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->items[i].text);
    free(c->items);
}

void sc_names_done(struct sc_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
    free(names->fresh);
    *names = (struct sc_names){ 0 };
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

bool sc_names_hold(const struct sc_names *names, const char *name)
{
    return names->count > 0 &&
           bsearch(&name, names->items, names->count, sizeof(*names->items), by_text) != NULL;
}

/* What stands in front of the first colon that white space follows, as one line; NULL: nothing. A
 * long name may be broken into lines. */
static char *text_in_front(const struct sc_segment *s, const char **behind)
{
    const char *at = s->text, *colon = NULL;
    if (at == NULL || s->speaker != NULL || s->word_count > 0)
        return NULL;
    while ((colon = strchr(at, ':')) != NULL && colon[1] != ' ' && colon[1] != '\n')
        at = colon + 1;
    if (colon == NULL)
        return NULL;
    SC_AUTO_BUF line = { .limit = SC_READ_LIMIT };
    sc_text_append_line(&line, (struct sc_str){ s->text, (size_t)(colon - s->text) });
    *behind = colon + 2;
    return line.len == 0 || line.failed ? NULL : sc_buf_take(&line);
}

/* Could an unknown one be a name? A sentence is longer, or has marks in it. */
static bool is_like_name(const char *text)
{
    size_t words = 1;
    if (strlen(text) > NAME_BYTES || (text[0] >= 'a' && text[0] <= 'z') ||
        strpbrk(text, "?!;:,\"()[]{}<>*/\\") != NULL)
        return false;
    for (const char *c = text; *c != '\0'; c++)
        words += *c == ' ';
    return words <= NAME_WORDS;
}

static struct candidate *find(const struct candidates *c, const char *text)
{
    return c->count == 0 ? NULL : bsearch(&text, c->items, c->count, sizeof(*c->items), by_text);
}

static bool is_blank(const struct sc_segment *s)
{
    return s->text == NULL || sc_str_trim(sc_str_from(s->text)).len == 0;
}

/* Every text in front of a colon, once, with how often it comes. */
static bool collect(const struct sc_segments *read, struct candidates *out)
{
    size_t kept = 0;
    out->items = sc_try_alloc((read->count + 1) * sizeof(*out->items));
    if (out->items == NULL)
        return false;
    for (size_t i = 0; i < read->count; i++) {
        const char *behind;
        char *text = text_in_front(&read->items[i], &behind);
        if (text != NULL)
            out->items[out->count++] = (struct candidate){ .text = text, .first = i, .count = 1 };
    }
    qsort(out->items, out->count, sizeof(*out->items), by_text);
    for (size_t i = 0; i < out->count; i++) {
        struct candidate *last = kept == 0 ? NULL : &out->items[kept - 1];
        if (last == NULL || strcmp(last->text, out->items[i].text) != 0) {
            out->items[kept++] = out->items[i];
            continue;
        }
        last->count++;
        last->first = SC_MIN(last->first, out->items[i].first);
        free(out->items[i].text);
    }
    out->count = kept;
    return true;
}

/* Named from the start, none twice in a row: as our exports name who speaks. A single name, in
 * front of all that is said, may be a heading; so several must be there unless `alone`. */
static bool is_as_exported(const struct candidates *c, const struct sc_segments *read, bool alone)
{
    const struct candidate *before = NULL;
    bool several = false;
    for (size_t i = 0; i < read->count; i++) {
        const char *behind;
        if (is_blank(&read->items[i]))
            continue;
        SC_AUTO_FREE char *text = text_in_front(&read->items[i], &behind);
        const struct candidate *now = text != NULL && is_like_name(text) ? find(c, text) : NULL;
        if (now == NULL && before == NULL)
            return false;
        if (now == NULL)
            continue;
        if (now == before)
            return false;
        several = several || before != NULL;
        before = now;
    }
    return several || (alone && before != NULL);
}

/* Who speaks in old, and whose name is text there. */
static void know(struct candidates *c, const struct sc_segments *old)
{
    for (size_t i = 0; i < old->count; i++) {
        const struct sc_segment *s = &old->items[i];
        const struct sc_segment said = { .text = s->text };
        const char *behind;
        struct candidate *who = s->speaker == NULL ? NULL : find(c, s->speaker);
        SC_AUTO_FREE char *text = text_in_front(&said, &behind);
        struct candidate *word = text == NULL ? NULL : find(c, text);
        c->anybody = c->anybody || s->speaker != NULL;
        if (who != NULL)
            who->known = true;
        if (word != NULL)
            word->said = true;
    }
}

static bool begins_speaker(const struct sc_segments *old, size_t i)
{
    const char *who = old->items[i].speaker;
    const char *before = i == 0 ? NULL : old->items[i - 1].speaker;
    return who != NULL && (before == NULL || strcmp(who, before) != 0);
}

/* Where old begins another speaker the export has his name, so what stands there is it. */
static bool place(struct candidates *c, const struct sc_segments *old,
                  const struct sc_segments *read)
{
    SC_AUTO_COMPARISON compared = { 0 };
    if (!sc_compare(old, read, 0, &compared))
        return false;
    SC_AUTO_FREE size_t *places = sc_comparison_places(&compared);
    if (places == NULL)
        return false;
    for (size_t i = 0; i < read->count; i++) {
        const char *behind;
        if (places[i] == SIZE_MAX || (i > 0 && places[i - 1] == places[i]) ||
            !begins_speaker(old, places[i]))
            continue;
        SC_AUTO_FREE char *text = text_in_front(&read->items[i], &behind);
        struct candidate *found = text == NULL ? NULL : find(c, text);
        if (found != NULL)
            found->placed = true;
    }
    return true;
}

static bool is_name(const struct candidates *c, const struct candidate *x)
{
    return x->known || (is_like_name(x->text) && !x->said &&
                        (x->placed || x->count > 1 || (c->as_exported && !c->anybody)));
}

static bool has_unknown(const struct candidates *c)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!c->items[i].known && is_like_name(c->items[i].text))
            return true;
    }
    return false;
}

static int by_first(const void *left, const void *right)
{
    const struct candidate *l = left, *r = right;
    return l->first < r->first ? -1 : l->first > r->first;
}

bool sc_names_find(const struct sc_segments *old, const struct sc_segments *read,
                   struct sc_names *out)
{
    SC_AUTO(candidates_done) struct candidates c = { 0 };
    if (!collect(read, &c))
        return false;
    if (old != NULL)
        know(&c, old);
    c.as_exported = is_as_exported(&c, read, old == NULL);
    if (old != NULL && has_unknown(&c) && !place(&c, old, read))
        return false;
    out->as_exported = c.as_exported;
    out->items = sc_try_alloc((c.count + 1) * sizeof(*out->items));
    out->fresh = sc_try_alloc((c.count + 1) * sizeof(*out->fresh));
    if (out->items == NULL || out->fresh == NULL)
        return false;
    qsort(c.items, c.count, sizeof(*c.items), by_first);
    for (size_t i = 0; i < c.count; i++) {
        if (!is_name(&c, &c.items[i]))
            continue;
        if (!c.items[i].known)
            out->fresh[out->fresh_count++] = c.items[i].text;
        out->items[out->count++] = SC_TAKE(c.items[i].text);
    }
    qsort(out->items, out->count, sizeof(*out->items), by_text);
    return true;
}

bool sc_names_take(const struct sc_names *names, bool follow, struct sc_segments *read)
{
    const char *before = NULL;
    for (size_t i = 0; i < read->count; i++) {
        struct sc_segment *s = &read->items[i];
        const char *behind;
        SC_AUTO_FREE char *name = text_in_front(s, &behind);
        if (name != NULL && sc_names_hold(names, name)) {
            SC_AUTO_FREE char *text = sc_strdup(behind);
            if (!sc_segment_set_text(s, sc_str_from(text)) ||
                !sc_segment_set_speaker(s, sc_str_from(name)))
                return false;
        } else if (follow && s->speaker == NULL && before != NULL && s->word_count == 0) {
            s->speaker = sc_strdup(before);
        }
        before = s->speaker;
    }
    return true;
}
