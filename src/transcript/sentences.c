/* Words that came without segments, in sentences: many programs tell the time of each word and
 * nothing else, and a recording that is one segment can neither be read nor edited. A segment ends
 * behind a sentence, at a long pause, and when it is long at a shorter one. */

#include "transcript/reader-internal.h"
#include "transcript/revise.h"
#include "transcript/tokens.h"

#include "base/alloc.h"

#include "base/banned.h"

#define PAUSE_MS 2000
#define LONG_MS 20000
#define LONG_PAUSE_MS 300 /* within what is longer than that */

/* The words [from, to) and their part of the text [at, end). */
struct part {
    size_t from, to, at, end;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Where word i begins in the text, at `at` or behind; its end when there is no such word. */
static size_t find_word(const struct sc_segment *s, struct sc_str text, size_t i, size_t at)
{
    if (i == s->word_count)
        return text.len;
    struct sc_str word = sc_str_trim(sc_str_from(s->words[i].text));
    const char *found =
        word.len == 0 ? NULL : memmem(text.ptr + at, text.len - at, word.ptr, word.len);
    return found == NULL ? at : (size_t)(found - text.ptr);
}

/* A sentence ends so; quotes and brackets may stand behind it. */
static bool ends_sentence(struct sc_str token)
{
    while (token.len > 0 && strchr("\"')]", token.ptr[token.len - 1]) != NULL)
        token.len--;
    return sc_token_ends_phrase(token) == 2;
}

static bool ends_behind(const struct sc_segment *s, const struct part *p, struct sc_str token)
{
    const struct sc_word *last = &s->words[p->to - 1];
    if (p->to == s->word_count)
        return true;
    int64_t pause = s->words[p->to].start_ms - last->end_ms;
    int64_t length = last->end_ms - s->words[p->from].start_ms;
    return ends_sentence(token) || pause >= PAUSE_MS ||
           (length >= LONG_MS && pause >= LONG_PAUSE_MS);
}

/* Moves the words of the part to a segment of their own. */
static bool add_part(struct sc_segment *s, const struct part *p, struct sc_segments *out)
{
    struct sc_str text = { s->text + p->at, p->end - p->at };
    struct sc_segment *made = sc_segments_add(out);
    if (made == NULL || !sc_segment_set_text(made, sc_str_trim(text)) ||
        !sc_segment_set_speaker(made, sc_str_from(s->speaker)))
        return false;
    made->start_ms = p->from == 0 ? s->start_ms : s->words[p->from].start_ms;
    made->end_ms = p->to == s->word_count ? s->end_ms : s->words[p->to - 1].end_ms;
    made->no_speech = s->no_speech;
    for (size_t i = p->from; i < p->to; i++) {
        const struct sc_word *w = &s->words[i];
        if (!sc_segment_add_word(made, sc_str_from(w->text), w->start_ms, w->end_ms, w->confidence))
            return false;
    }
    return true;
}

static bool cut(struct sc_segment *s, struct sc_segments *out)
{
    struct sc_str text = sc_str_from(s->text);
    struct part p = { .from = 0 };
    size_t begins = find_word(s, text, 0, 0);
    for (size_t i = 0, next; i < s->word_count; i++, begins = next) {
        size_t behind = begins + sc_str_trim(sc_str_from(s->words[i].text)).len;
        next = find_word(s, text, i + 1, behind);
        while (behind < next && !is_space(text.ptr[behind])) /* signs that belong to the word */
            behind++;
        p.to = i + 1;
        p.end = p.to == s->word_count ? text.len : behind;
        if (!ends_behind(s, &p, (struct sc_str){ text.ptr + begins, behind - begins }))
            continue;
        if (!add_part(s, &p, out))
            return false;
        p = (struct part){ .from = i + 1, .at = p.end };
    }
    return true;
}

/* As it is, its owner from now on being out. */
static bool move_whole(struct sc_segment *s, struct sc_segments *out)
{
    struct sc_segment *whole = sc_segments_add(out);
    if (whole == NULL)
        return false;
    *whole = *s;
    *s = (struct sc_segment){ 0 };
    return true;
}

bool sc_segments_cut(struct sc_segments *list)
{
    struct sc_segments parts = { 0 };
    bool made = true;
    for (size_t i = 0; made && i < list->count; i++) {
        struct sc_segment *s = &list->items[i];
        size_t before = parts.count;
        made = s->word_count == 0 || !sc_segment_is_spelt(s) || cut(s, &parts);
        if (made && parts.count == before + 1)
            sc_segment_done(&parts.items[--parts.count]);
        if (made && parts.count == before)
            made = move_whole(s, &parts);
    }
    if (made) {
        struct sc_segments old = *list;
        *list = parts;
        parts = old;
    }
    sc_segments_done(&parts);
    return made;
}
