#include "transcript/cues.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/text.h"

#include <limits.h>

#include "base/banned.h"

/* A pause as long as this ends a cue. */
#define PAUSE_MS 1500
/* A shorter one is a good place to end it, when it must be ended. */
#define BREATH_MS 250
/* A cue stays at least so long when the next leaves room. */
#define SHOW_MS 700

/* A cue in the heap: the earliest on top, of those that start together the one that came first. */
struct waiting {
    struct sc_cue cue;
    int64_t came;
};

struct walk {
    const struct sc_writer_options *options;
    enum sc_cue_kind kind;
    sc_cue_fn fn;
    void *ctx;
    struct waiting *waiting; /* owned; a heap: a segment to come may reach in front of all */
    size_t count, cap;
    int64_t made;
    struct sc_cue last; /* waits for the start of the next, which ends it */
    bool held, any;
    char *speaker; /* owned; who spoke last */
};

static void cue_done(struct sc_cue *cue)
{
    free(cue->speaker);
    free(cue->breaks);
    sc_tokens_done(&cue->tokens);
    *cue = (struct sc_cue){ 0 };
}

static void walk_done(struct walk *w)
{
    for (size_t i = 0; i < w->count; i++)
        cue_done(&w->waiting[i].cue);
    free(w->waiting);
    cue_done(&w->last);
    free(w->speaker);
}

static enum sc_code too_large(struct sc_error *err)
{
    return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
}

/* ---- lines ---- */

static bool is_unsegmented_joint(const struct sc_tokens *t, size_t index)
{
    return !sc_text_needs_space(sc_token_str(t, index - 1), sc_token_str(t, index));
}

const char *sc_cue_joint(const struct sc_cue *cue, size_t index)
{
    const struct sc_tokens *t = &cue->tokens;
    if (index == cue->first)
        return "";
    if (!cue->breaks[index])
        return t->items[index].space ? " " : "";
    /* Between signs of scripts without spaces a reader adds none, so this one stays at the end. */
    if (t->items[index].space && is_unsegmented_joint(t, index))
        return " \n";
    /* Some readers take a line that begins so for a comment, in the middle of a cue too. */
    return sc_str_starts(sc_token_str(t, index), SC_STR("NOTE")) ? "\n " : "\n";
}

/* ---- segments to cues ---- */

/* Where a segment may be cut: its tokens, and the columns of the name in front of each cue. */
struct source {
    struct sc_tokens name, text;
    int lead;
};

static void source_done(struct source *s)
{
    sc_tokens_done(&s->name);
    sc_tokens_done(&s->text);
}

static bool fits(const struct walk *w, const struct source *s, size_t from, size_t to)
{
    int width = w->options->max_line_length;
    return sc_tokens_lines(&s->text, from, to, s->lead, width) <= w->options->max_lines;
}

/* How good it is to end a cue in front of token `i`. */
static int rank_of(const struct sc_tokens *t, size_t i)
{
    int rank = 2 * sc_token_ends_phrase(sc_token_str(t, i - 1));
    int64_t pause = t->items[i].start_ms - t->items[i - 1].end_ms;
    return rank + (pause >= BREATH_MS ? 1 : 0);
}

/* Have the tokens from `from` on fewer columns than this? */
static bool is_short(const struct sc_tokens *t, size_t from, int columns)
{
    for (size_t i = from; i < t->count && columns > 0; i++)
        columns -= t->items[i].columns + (t->items[i].space ? 1 : 0);
    return columns > 0;
}

/* The place between from and `most` that leaves the rest of the segment about as long. */
static size_t halves(const struct sc_tokens *t, size_t from, size_t most)
{
    int whole = sc_tokens_columns(t, from, t->count), columns = 0;
    size_t i = from;
    for (; i < most && columns < (whole + 1) / 2; i++)
        columns += t->items[i].columns + (t->items[i].space ? 1 : 0);
    return SC_MAX(i, from + 1);
}

/* The end of the cue that begins at `from`: all that fits, or cut at the best place in its second
 * half. Where there is none, a rest that would be a cue of a few words gets half of the text. */
static size_t cue_end(const struct walk *w, const struct source *s, size_t from)
{
    const struct sc_tokens *t = &s->text;
    size_t to = from + 1;
    while (to < t->count && t->items[to].start_ms - t->items[to - 1].end_ms < PAUSE_MS &&
           t->items[to].end_ms - t->items[from].start_ms <= w->options->max_cue_ms &&
           fits(w, s, from, to + 1))
        to++;
    if (to == t->count || t->items[to].start_ms - t->items[to - 1].end_ms >= PAUSE_MS)
        return to;
    size_t best = to;
    int best_rank = 0;
    for (size_t i = to; i > from + (to - from) / 2 && i > from + 1; i--) {
        int rank = rank_of(t, i);
        if (rank > best_rank) {
            best_rank = rank;
            best = i;
        }
    }
    if (best_rank == 0 && is_short(t, to, w->options->max_line_length / 2))
        return halves(t, from, to);
    return best;
}

static bool is_before(const struct waiting *a, const struct waiting *b)
{
    return a->cue.start_ms < b->cue.start_ms ||
           (a->cue.start_ms == b->cue.start_ms && a->came < b->came);
}

/* Puts a cue to those that wait. */
static bool queue_cue(struct walk *w, struct sc_cue *cue)
{
    void *items = w->waiting;
    if (cue->tokens.failed || !sc_try_grow(&items, &w->cap, w->count + 1, sizeof(*w->waiting)))
        return false;
    w->waiting = items;
    const struct waiting item = { *cue, w->made++ };
    size_t at = w->count++;
    for (; at > 0 && is_before(&item, &w->waiting[(at - 1) / 2]); at = (at - 1) / 2)
        w->waiting[at] = w->waiting[(at - 1) / 2];
    w->waiting[at] = item;
    *cue = (struct sc_cue){ 0 };
    return true;
}

/* The earliest of those that wait, of which there is one. */
static struct sc_cue take_cue(struct walk *w)
{
    struct sc_cue first = w->waiting[0].cue;
    const struct waiting last = w->waiting[--w->count];
    size_t at = 0;
    for (size_t next = 1; next < w->count; next = 2 * at + 1) {
        if (next + 1 < w->count && is_before(&w->waiting[next + 1], &w->waiting[next]))
            next++;
        if (!is_before(&w->waiting[next], &last))
            break;
        w->waiting[at] = w->waiting[next];
        at = next;
    }
    w->waiting[at] = last;
    return first;
}

static bool make_cue(struct walk *w, const struct source *s, const struct sc_segment *segment,
                     size_t from, size_t to)
{
    SC_AUTO(cue_done) struct sc_cue cue = { .first = s->name.count };
    const struct sc_token *first = &s->text.items[from], *last = &s->text.items[to - 1];
    bool raw = !w->options->captions;
    cue.start_ms = raw ? sc_writer_shift(w->options, segment->start_ms) : first->start_ms;
    cue.end_ms = raw ? sc_writer_shift(w->options, segment->end_ms) : last->end_ms;
    if (cue.end_ms <= 0 && w->options->offset_ms < 0)
        return true; /* in front of the beginning */
    cue.start_ms = SC_MAX(cue.start_ms, 0);
    cue.tokens.width = s->text.width;
    sc_tokens_add_copy(&cue.tokens, &s->name, 0, s->name.count);
    sc_tokens_add_copy(&cue.tokens, &s->text, from, to);
    if (cue.tokens.failed)
        return false;
    cue.tokens.items[cue.first].space = cue.first > 0;
    if (w->options->speakers && segment->speaker != NULL && segment->speaker[0] != '\0')
        cue.speaker = sc_strdup(segment->speaker);
    cue.breaks = sc_try_alloc(cue.tokens.count * sizeof(*cue.breaks));
    return cue.breaks != NULL && queue_cue(w, &cue);
}

/* The times of the segment become those of the output. */
static void shift_times(const struct sc_writer_options *options, struct sc_tokens *t)
{
    for (size_t i = 0; i < t->count; i++) {
        t->items[i].start_ms = sc_writer_shift(options, t->items[i].start_ms);
        t->items[i].end_ms = sc_writer_shift(options, t->items[i].end_ms);
    }
}

static bool cut_segment(struct walk *w, const struct sc_segment *segment)
{
    bool raw = !w->options->captions;
    int width = raw ? INT_MAX / 4 : w->options->max_line_length;
    SC_AUTO(source_done)
    struct source s = {
        .name = { .width = width, .subrip = w->kind == SC_CUES_SUBRIP },
        .text = { .width = width, .subrip = w->kind == SC_CUES_SUBRIP },
    };
    if (w->kind != SC_CUES_PLAIN && w->options->speakers && segment->speaker != NULL &&
        segment->speaker[0] != '\0') {
        SC_AUTO_FREE char *name = sc_asprintf("%s:", segment->speaker);
        sc_tokens_add_text(&s.name, sc_str_from(name), segment->start_ms, segment->start_ms);
        s.lead = SC_MIN(sc_tokens_columns(&s.name, 0, s.name.count) + 1, width);
    }
    sc_tokens_add_segment(&s.text, segment);
    shift_times(w->options, &s.text);
    bool made = !s.name.failed && !s.text.failed;
    for (size_t from = 0, to; made && from < s.text.count; from = to) {
        to = raw ? s.text.count : cue_end(w, &s, from);
        made = make_cue(w, &s, segment, from, to);
    }
    return made;
}

/* ---- cues in order ---- */

/* How long the cue must stay to be read. */
static int64_t reading_ms(const struct walk *w, const struct sc_cue *cue)
{
    const struct sc_writer_options *o = w->options;
    int64_t columns = 0;
    for (size_t i = cue->first; i < cue->tokens.count; i++)
        columns += cue->tokens.items[i].columns + (sc_cue_joint(cue, i)[0] != '\0' ? 1 : 0);
    int64_t wanted = o->max_cps == 0 ? 0 : (columns * 1000 + o->max_cps - 1) / o->max_cps;
    return SC_MAX(SHOW_MS, SC_MIN(wanted, o->max_cue_ms));
}

/* Of others, which some recognisers and captions have, only the start is known. */
static bool lasts(const struct sc_cue *cue)
{
    return cue->end_ms > cue->start_ms;
}

/* Hands out the cue that waits for its end; next NULL: it is the last. */
static enum sc_code release(struct walk *w, struct sc_cue *next, struct sc_error *err)
{
    if (!w->held)
        return SC_OK;
    struct sc_cue *c = &w->last;
    w->held = false;
    if (!w->options->captions) {
        c->end_ms = SC_MAX(c->end_ms, c->start_ms + 1);
        return w->fn(w->ctx, c, err);
    }
    int64_t readable = c->start_ms + reading_ms(w, c);
    int64_t end = lasts(c) ? c->end_ms : c->start_ms + SHOW_MS;
    end = SC_MIN(end, c->start_ms + w->options->max_cue_ms);
    if (next != NULL) {
        /* Two who speak at once are shown one after the other, if that leaves the second time; one
         * that has no time of its own waits in any case. */
        int64_t latest = lasts(next) ? next->end_ms - SHOW_MS : INT64_MAX;
        int64_t later = SC_MIN(SC_MIN(readable, end), latest);
        bool instant = !lasts(next);
        next->start_ms = SC_MAX(SC_MAX(next->start_ms, later), c->start_ms + 1);
        next->end_ms = SC_MAX(next->end_ms, next->start_ms + (instant ? 0 : 1));
    }
    end = SC_MAX(end, readable);
    c->end_ms = next == NULL ? end : SC_MIN(end, next->start_ms);
    return w->fn(w->ctx, c, err);
}

/* The speaker is named where another spoke before. */
static void choose_lines(struct walk *w, struct sc_cue *cue)
{
    const char *speaker = cue->speaker == NULL ? "" : cue->speaker;
    bool named = cue->first > 0 && (w->speaker == NULL || strcmp(w->speaker, speaker) != 0);
    if (named)
        cue->first = 0;
    free(w->speaker);
    w->speaker = sc_strdup(speaker);
    sc_tokens_balance(&cue->tokens, cue->first, cue->tokens.count, cue->breaks);
}

/* Hands out the cues in front of until_ms. */
static enum sc_code flush(struct walk *w, int64_t until_ms, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    while (code == SC_OK && w->count > 0 && w->waiting[0].cue.start_ms <= until_ms) {
        struct sc_cue cue = take_cue(w);
        choose_lines(w, &cue);
        code = release(w, &cue, err);
        cue_done(&w->last);
        w->last = cue;
        w->held = true;
    }
    return code;
}

enum sc_code sc_cues_each(struct sc_source *source, const struct sc_writer_options *options,
                          enum sc_cue_kind kind, sc_cue_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO(walk_done)
    struct walk w = { .options = options, .kind = kind, .fn = fn, .ctx = ctx };
    enum sc_code code = SC_OK;
    const struct sc_segment *s;
    while (sc_source_take(source, &code, &s, err)) {
        code = flush(&w, sc_writer_shift(options, s->start_ms), err);
        if (code == SC_OK && !cut_segment(&w, s))
            code = too_large(err);
    }
    if (code == SC_OK)
        code = flush(&w, INT64_MAX, err);
    return code == SC_OK ? release(&w, NULL, err) : code;
}
