#include "transcript/revise.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/diff.h"
#include "transcript/reader-internal.h"
#include "transcript/seam.h"
#include "transcript/text.h"

#include <math.h>

#include "base/banned.h"

/* Takes the words of `from`, which keeps the old ones. */
static void swap_words(struct sc_segment *s, struct sc_segment *from)
{
    struct sc_segment old = *s;
    s->words = from->words;
    s->word_count = from->word_count;
    s->word_cap = from->word_cap;
    from->words = old.words;
    from->word_count = old.word_count;
    from->word_cap = old.word_cap;
}

static bool estimate_words(struct sc_segment *s)
{
    struct sc_segments one = { .items = s, .count = 1 };
    return s->word_count > 0 || sc_segments_estimate_words(&one);
}

static void clamp_words(struct sc_segment *s)
{
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_word *w = &s->words[i];
        w->start_ms = SC_MIN(SC_MAX(w->start_ms, s->start_ms), s->end_ms);
        w->end_ms = SC_MIN(SC_MAX(w->end_ms, w->start_ms), s->end_ms);
    }
}

/* The words of a segment that says line, laid on those of s. */
static bool lay(const struct sc_segment *s, struct sc_str line, struct sc_segment *out)
{
    SC_AUTO_SEGMENTS old = { 0 };
    SC_AUTO_SEGMENTS laid = { 0 };
    struct sc_segment *copy = sc_segments_add(&old);
    if (copy == NULL || !sc_segment_copy(s, copy))
        return false;
    free(copy->speaker);
    copy->speaker = NULL; /* "Name: " in the text is text */
    copy->id = 1;
    if (!sc_segments_align(&old, line, NULL, &laid))
        return false;
    if (laid.count == 1 && laid.items[0].id == 1)
        swap_words(out, &laid.items[0]);
    return true;
}

bool sc_segment_say(struct sc_segment *s, struct sc_str text)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, text);
    if (line.failed)
        return false;
    free(s->text);
    s->text = sc_strdup(sc_buf_text(&line));
    return true;
}

bool sc_segment_name(struct sc_segment *s, struct sc_str speaker)
{
    return sc_segment_set_speaker(s, speaker);
}

static struct sc_str text_of(const struct sc_segment *s)
{
    return sc_str_from(s->text == NULL ? "" : s->text);
}

/* Passes over what may stand between two words. False: there is none of it. */
static bool skip_sign(struct sc_str *rest)
{
    uint32_t cp;
    size_t n = sc_utf8_decode(*rest, &cp);
    if (n == 0 || !sc_text_is_punctuation(cp))
        return false;
    rest->ptr += n;
    rest->len -= n;
    return true;
}

bool sc_segment_is_spelt(const struct sc_segment *s)
{
    struct sc_str rest = text_of(s);
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_str word = sc_str_trim(sc_str_from(s->words[i].text));
        while (!sc_str_starts(rest, word)) {
            if (!skip_sign(&rest))
                return false;
        }
        rest.ptr += word.len;
        rest.len -= word.len;
    }
    while (skip_sign(&rest)) {
    }
    return rest.len == 0 || s->word_count == 0;
}

bool sc_segment_reword(struct sc_segment *s, struct sc_str text)
{
    SC_AUTO_BUF line = { 0 };
    SC_AUTO(sc_segment_done)
    struct sc_segment other = {
        .start_ms = s->start_ms, .end_ms = s->end_ms, .chunk = -1, .confidence = -1
    };
    if (s->text != NULL && sc_str_equal(text_of(s), text)) /* which may be more than one line */
        return true;
    sc_text_append_line(&line, text);
    if (line.failed)
        return false;
    if (s->text != NULL && strcmp(s->text, sc_buf_text(&line)) == 0)
        return true;
    if (s->word_count > 0 && !lay(s, sc_buf_str(&line), &other))
        return false;
    other.text = sc_strdup(sc_buf_text(&line));
    if (s->word_count > 0 && !estimate_words(&other)) /* where all is new */
        return false;
    swap_words(s, &other);
    clamp_words(s);
    free(s->text);
    s->text = SC_TAKE(other.text);
    sc_segment_forget_origins(s);
    sc_segment_forget_heard(s);
    return true;
}

void sc_segment_retime(struct sc_segment *s, int64_t start_ms, int64_t end_ms)
{
    int64_t old = s->end_ms - s->start_ms, length = end_ms - start_ms;
    bool away = start_ms >= s->end_ms || end_ms <= s->start_ms;
    double factor = length == old || old == 0 ? 1 : (double)length / (double)old;
    for (size_t i = 0; (length == old || away) && i < s->word_count; i++) {
        struct sc_word *w = &s->words[i];
        w->start_ms = start_ms + llround((double)(w->start_ms - s->start_ms) * factor);
        w->end_ms = start_ms + llround((double)(w->end_ms - s->start_ms) * factor);
    }
    s->start_ms = start_ms;
    s->end_ms = end_ms;
    clamp_words(s);
}

static char *copy_line(struct sc_str text)
{
    struct sc_str line = sc_str_trim(text);
    return sc_strndup(line.ptr, line.len);
}

/* Only the text: settling would take the times of the words. */
static bool spell(struct sc_segment *s)
{
    int64_t start_ms = s->start_ms, end_ms = s->end_ms;
    float confidence = s->confidence;
    bool done = sc_segment_settle(s);
    s->start_ms = start_ms;
    s->end_ms = end_ms;
    s->confidence = confidence;
    return done;
}

/* Lays the text on the words that there are, which become those of the text. */
static bool follow_text(struct sc_segment *s)
{
    SC_AUTO(sc_segment_done) struct sc_segment heard = { 0 };
    if (!sc_segment_copy(s, &heard) || !spell(&heard) || !sc_segment_reword(&heard, text_of(s)))
        return false;
    swap_words(s, &heard);
    return true;
}

bool sc_segment_fit_words(struct sc_segment *s)
{
    SC_AUTO_BUF said = { 0 };
    SC_AUTO_BUF spelt = { 0 };
    if (s->word_count == 0)
        return true;
    if (sc_str_trim(text_of(s)).len == 0)
        return spell(s);
    sc_word_normalise(text_of(s), &said);
    for (size_t i = 0; i < s->word_count; i++)
        sc_word_normalise(sc_str_from(s->words[i].text), &spelt);
    if (said.failed || spelt.failed)
        return false;
    return sc_str_equal(sc_buf_str(&said), sc_buf_str(&spelt)) || follow_text(s);
}

/* Words by which the text can be cut: there are some, and they spell it. */
static bool match_words(struct sc_segment *s)
{
    if (!estimate_words(s) || (sc_str_trim(text_of(s)).len == 0 && !spell(s)))
        return false;
    return sc_segment_is_spelt(s) || follow_text(s);
}

bool sc_segment_words_before(struct sc_segment *s, int64_t at_ms, size_t *words)
{
    if (!match_words(s))
        return false;
    size_t count = 0;
    while (count < s->word_count && (s->words[count].start_ms + s->words[count].end_ms) / 2 < at_ms)
        count++;
    *words = count;
    return true;
}

/* Does a sign stand at its front that belongs to the word before? Scripts without spaces do not
 * tell by them where it does. */
static bool begins_attached(struct sc_str s)
{
    uint32_t cp;
    return sc_utf8_decode(s, &cp) > 0 && cp != ' ' && !sc_text_is_unsegmented(cp);
}

/* Where the first `words` words end in the text that they spell, with the signs that stand at the
 * last one. */
static size_t find_cut(const struct sc_segment *s, size_t words)
{
    struct sc_str rest = text_of(s);
    for (size_t i = 0; i < words; i++) {
        struct sc_str word = sc_str_trim(sc_str_from(s->words[i].text));
        while (!sc_str_starts(rest, word) && skip_sign(&rest))
            continue;
        word.len = SC_MIN(word.len, rest.len);
        rest.ptr += word.len;
        rest.len -= word.len;
    }
    while (begins_attached(rest) && skip_sign(&rest))
        continue;
    return strlen(s->text) - rest.len;
}

bool sc_segment_split(struct sc_segment *s, size_t words, struct sc_segment *second)
{
    SC_AUTO(sc_segment_done) struct sc_segment rest = { 0 };
    SC_AUTO(sc_segment_done) struct sc_segment first = { 0 };
    if (!match_words(s) || !sc_segment_copy(s, &first) || !sc_segment_copy(s, &rest))
        return false;
    sc_assert(words < s->word_count);
    size_t cut = find_cut(s, words);
    struct sc_str text = sc_str_from(s->text);
    for (size_t i = words; i < first.word_count; i++)
        free(first.words[i].text);
    first.word_count = words;
    for (size_t i = 0; i < words; i++)
        free(rest.words[i].text);
    rest.word_count -= words;
    memmove(rest.words, rest.words + words, rest.word_count * sizeof(*rest.words));
    int64_t boundary = rest.words[0].start_ms;
    rest.start_ms = boundary;
    first.end_ms = SC_MAX(SC_MIN(first.end_ms, boundary), first.start_ms);
    for (size_t i = 0; i < words; i++)
        first.end_ms = SC_MAX(first.end_ms, first.words[i].end_ms);
    rest.id = rest.row = 0;
    free(first.text);
    free(rest.text);
    first.text = copy_line((struct sc_str){ text.ptr, cut });
    rest.text = copy_line((struct sc_str){ text.ptr + cut, text.len - cut });
    sc_segment_forget_origins(&first);
    sc_segment_forget_origins(&rest);
    sc_segment_forget_tokens(&first);
    sc_segment_forget_tokens(&rest);
    struct sc_segment old = *s;
    *s = first;
    first = old;
    *second = rest;
    rest = (struct sc_segment){ 0 };
    return true;
}

/* In the order of the text: where segments overlap, none begins before the one in front of it. */
static void settle_order(struct sc_segment *s)
{
    for (size_t i = 1; i < s->word_count; i++) {
        struct sc_word *w = &s->words[i];
        w->start_ms = SC_MAX(w->start_ms, s->words[i - 1].start_ms);
        w->end_ms = SC_MAX(w->end_ms, w->start_ms);
    }
}

/* The mean, by words. */
static float mean(const struct sc_segment *a, const struct sc_segment *b)
{
    float n = (float)SC_MAX(a->word_count, 1), m = (float)SC_MAX(b->word_count, 1);
    if (a->confidence < 0 || b->confidence < 0)
        return SC_MAX(a->confidence, b->confidence);
    return (a->confidence * n + b->confidence * m) / (n + m);
}

bool sc_segment_join(struct sc_segment *s, const struct sc_segment *second)
{
    SC_AUTO(sc_segment_done) struct sc_segment both = { 0 };
    SC_AUTO(sc_segment_done) struct sc_segment behind = { 0 };
    SC_AUTO_BUF text = { 0 };
    if (!sc_segment_copy(s, &both) || !sc_segment_copy(second, &behind))
        return false;
    if (s->word_count + second->word_count > 0 &&
        (!estimate_words(&both) || !estimate_words(&behind)))
        return false;
    for (size_t i = 0; i < behind.word_count; i++) {
        const struct sc_word *w = &behind.words[i];
        if (!sc_segment_add_word(&both, sc_str_from(w->text), w->start_ms, w->end_ms,
                                 w->confidence))
            return false;
    }
    settle_order(&both);
    sc_buf_puts(&text, s->text);
    if (sc_text_needs_space(sc_buf_str(&text), sc_str_from(second->text)))
        sc_buf_putc(&text, ' ');
    sc_buf_puts(&text, second->text);
    both.confidence = mean(s, second);
    free(both.text);
    both.text = sc_buf_take(&text);
    if (both.text == NULL)
        return false;
    both.start_ms = SC_MIN(s->start_ms, second->start_ms);
    both.end_ms = SC_MAX(s->end_ms, second->end_ms);
    sc_segment_forget_origins(&both);
    sc_segment_forget_heard(&both);
    struct sc_segment old = *s;
    *s = both;
    both = old;
    return true;
}
