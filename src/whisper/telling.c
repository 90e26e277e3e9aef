#include "whisper/telling.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "whisper/wording.h"

#include <math.h>

#include "base/banned.h"

#define POSITION_MS 20
/* A longer word is none: a loop without blanks, or a token that no real model has. It is told in
 * pieces, for nobody takes words of any length. */
#define WORD_BYTES 256

/* The words of one stretch. */
struct words {
    const struct sc_telling *t;
    const struct sc_said *said; /* of the stretch */
    int32_t *tokens;
    size_t token_count;
    struct sc_wording *list;
    int64_t *starts, *ends; /* from the start of the window */
    size_t count;
};

static void words_done(struct words *w)
{
    free(w->tokens);
    free(w->list);
    free(w->starts);
    free(w->ends);
}

size_t sc_telling_text(const struct sc_vocab *vocab, const struct sc_decode_window *w, int32_t *out)
{
    size_t count = 0;
    for (size_t i = 0; i < w->said_count; i++) {
        if (w->said[i].token < vocab->eot)
            out[count++] = w->said[i].token;
    }
    return count;
}

static float confidence_of(const struct sc_said *said, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += exp((double)said[i].log);
    return count == 0 ? -1 : (float)SC_MIN(sum / (double)count, 1.0);
}

static int64_t within(int64_t at, int64_t first, int64_t last)
{
    return SC_MAX(first, SC_MIN(at, last));
}

/* Times by attention, inside those of the stretch. False: it has none to tell. */
static bool time_by_attention(struct words *w, const int32_t *starts, const struct sc_stretch *s)
{
    bool any = false;
    for (size_t i = 0; i < w->count; i++) {
        const struct sc_wording *one = &w->list[i];
        w->starts[i] = within((int64_t)starts[one->first] * POSITION_MS, s->start_ms, s->end_ms);
        w->ends[i] =
            within((int64_t)starts[one->first + one->count] * POSITION_MS, w->starts[i], s->end_ms);
        any = any || w->ends[i] > w->starts[i];
    }
    if (any)
        sc_wording_bound(w->starts, w->ends, w->count);
    return any;
}

static void time_by_length(struct words *w, const struct sc_stretch *s)
{
    SC_AUTO_BUF text = { 0 };
    int64_t whole = s->end_ms - s->start_ms;
    sc_wording_text(w->t->vocab, w->tokens, w->token_count, &text);
    int64_t bytes = SC_MAX((int64_t)text.len, 1);
    sc_buf_reset(&text);
    for (size_t i = 0, token = 0; i < w->count; i++) {
        const struct sc_wording *one = &w->list[i];
        /* Signs whose bytes words share are longer in pieces than as a whole. */
        int64_t before = SC_MIN((int64_t)text.len, bytes);
        sc_wording_text(w->t->vocab, w->tokens + token, one->first + one->count - token, &text);
        token = one->first + one->count;
        w->starts[i] = s->start_ms + whole * before / bytes;
        w->ends[i] = s->start_ms + whole * SC_MIN((int64_t)text.len, bytes) / bytes;
    }
}

/* How much of it is one piece: whole signs. */
static size_t piece_of(struct sc_str word)
{
    size_t len = SC_MIN(word.len, WORD_BYTES);
    while (len > 1 && len < word.len && ((unsigned char)word.ptr[len] & 0xc0) == 0x80)
        len--;
    return len;
}

/* Its pieces share its time by their lengths. */
static bool add_word(struct sc_segment *segment, struct sc_str word, int64_t start_ms,
                     int64_t end_ms, float sure)
{
    int64_t whole = (int64_t)word.len;
    int64_t from = start_ms;
    while (word.len > 0) {
        size_t len = piece_of(word);
        int64_t said = whole - (int64_t)(word.len - len);
        int64_t to = start_ms + (end_ms - start_ms) * said / whole;
        if (!sc_segment_add_word(segment, (struct sc_str){ word.ptr, len }, from, to, sure))
            return false;
        word = (struct sc_str){ word.ptr + len, word.len - len };
        from = to;
    }
    return true;
}

static bool add_words(const struct words *w, struct sc_segment *segment)
{
    const struct sc_telling *t = w->t;
    int64_t offset = (int64_t)t->frame * 10;
    SC_AUTO_BUF text = { 0 };
    for (size_t i = 0; i < w->count; i++) {
        const struct sc_wording *one = &w->list[i];
        sc_buf_reset(&text);
        sc_wording_text(t->vocab, w->tokens + one->first, one->count, &text);
        struct sc_str shown = sc_str_trim(sc_buf_str(&text));
        float sure = t->window->loops ? 0 : confidence_of(w->said + one->first, one->count);
        if (text.failed)
            return false;
        if (!add_word(segment, shown, within(w->starts[i] + offset, 0, t->length_ms),
                      within(w->ends[i] + offset, 0, t->length_ms), sure))
            return false;
    }
    return true;
}

static bool words_of(struct words *w, const struct sc_stretch *s, size_t ahead,
                     struct sc_segment *segment)
{
    const struct sc_telling *t = w->t;
    w->token_count = s->count;
    w->said = t->window->said + s->first;
    w->tokens = sc_try_alloc(s->count * sizeof(*w->tokens));
    w->list = sc_try_alloc(s->count * sizeof(*w->list));
    w->starts = sc_try_alloc(s->count * sizeof(*w->starts));
    w->ends = sc_try_alloc(s->count * sizeof(*w->ends));
    if (w->tokens == NULL || w->list == NULL || w->starts == NULL || w->ends == NULL)
        return false;
    for (size_t i = 0; i < s->count; i++)
        w->tokens[i] = w->said[i].token;
    const char *language = sc_vocab_language(t->vocab, t->window->language);
    w->count =
        sc_wording_of(t->vocab, w->tokens, s->count, sc_wording_is_unspaced(language), w->list);
    if (t->starts == NULL || !time_by_attention(w, t->starts + ahead, s))
        time_by_length(w, s);
    return add_words(w, segment);
}

/* The whole stretch as text without words. */
static bool text_of(const struct sc_telling *t, const struct sc_stretch *s,
                    struct sc_segment *segment)
{
    SC_AUTO_BUF bytes = { 0 };
    SC_AUTO_BUF text = { 0 };
    sc_said_text(t->vocab, t->window->said + s->first, s->count, &bytes);
    sc_utf8_append_lossy(&text, sc_str_trim(sc_buf_str(&bytes)));
    segment->text = bytes.failed ? NULL : sc_buf_take(&text);
    segment->confidence =
        t->window->loops ? 0 : confidence_of(t->window->said + s->first, s->count);
    return segment->text != NULL;
}

/* How its window went, and its tokens with the times at both ends. */
static bool tell_of_window(const struct sc_telling *t, const struct sc_stretch *s,
                           struct sc_segment *segment)
{
    const struct sc_decode_window *w = t->window;
    struct sc_heard *heard = sc_segment_make_heard(segment);
    size_t from = s->first;
    size_t to = s->first + s->count;
    bool good = heard != NULL;
    from -= from > 0 && w->said[from - 1].token >= t->vocab->first_time;
    to += to < w->said_count && w->said[to].token >= t->vocab->first_time;
    for (size_t i = from; i < to && good; i++)
        good = sc_heard_add_token(heard, w->said[i].token);
    if (!good)
        return false;
    heard->temperature = (double)w->temperature;
    heard->avg_logprob = (double)w->avg_log;
    heard->compression_ratio = (double)w->compression;
    heard->no_speech_prob = (double)w->no_speech;
    heard->seek = t->frame;
    const char *language = t->language ? sc_vocab_language(t->vocab, w->language) : NULL;
    if (language != NULL)
        (void)snprintf(heard->language, sizeof(heard->language), "%s", language);
    return true;
}

/* ahead: the tokens of text before it. */
static bool tell_stretch(const struct sc_telling *t, const struct sc_stretch *s, size_t ahead,
                         struct sc_segments *out)
{
    SC_AUTO(words_done) struct words w = { .t = t };
    struct sc_segment *segment = sc_segments_add(out);
    if (segment == NULL)
        return false;
    double silent = (double)t->window->no_speech;
    double unsure = 1 - exp(SC_MIN((double)t->window->avg_log, 0.0));
    segment->no_speech = (float)SC_MIN(silent, unsure);
    segment->start_ms = within((int64_t)t->frame * 10 + s->start_ms, 0, t->length_ms);
    segment->end_ms = within((int64_t)t->frame * 10 + s->end_ms, segment->start_ms, t->length_ms);
    bool made = t->words ? words_of(&w, s, ahead, segment) && sc_segment_settle(segment)
                         : text_of(t, s, segment);
    /* Blanks alone are no segment. */
    if (made && segment->text[0] == '\0') {
        sc_segment_done(&out->items[--out->count]);
        return true;
    }
    return made && tell_of_window(t, s, segment);
}

bool sc_tell(const struct sc_telling *t, struct sc_segments *out)
{
    const struct sc_decode_window *w = t->window;
    struct sc_stretch *list SC_AUTO_FREE = sc_try_alloc((w->said_count + 1) * sizeof(*list));
    if (list == NULL)
        return false;
    size_t count = sc_stretches(t->vocab, w, list);
    size_t ahead = 0;
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        for (; at < list[i].first; at++)
            ahead += w->said[at].token < t->vocab->eot;
        if (!tell_stretch(t, &list[i], ahead, out))
            return false;
    }
    return true;
}
