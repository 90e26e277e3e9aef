#include "transcript/segment.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "transcript/text.h"
#include "transcript/words.h"

#include <stdint.h>

#include "base/banned.h"

/* In the form that is summed; no origin is so. */
#define HEARD_FOLLOWS (-1)

void sc_segment_drop_words(struct sc_segment *s)
{
    for (size_t i = 0; i < s->word_count; i++)
        free(s->words[i].text);
    free(s->words);
    s->words = NULL;
    s->word_count = s->word_cap = 0;
}

static void forget_made(struct sc_segment *s)
{
    free(s->made);
    s->made = NULL;
    s->made_count = s->made_cap = 0;
}

void sc_segment_done(struct sc_segment *s)
{
    sc_segment_drop_words(s);
    forget_made(s);
    sc_heard_free(s->heard);
    free(s->text);
    free(s->speaker);
    *s = (struct sc_segment){ .chunk = -1, .confidence = -1, .no_speech = -1 };
}

void sc_segments_done(struct sc_segments *s)
{
    for (size_t i = 0; i < s->count; i++)
        sc_segment_done(&s->items[i]);
    free(s->items);
    *s = (struct sc_segments){ 0 };
}

struct sc_segment *sc_segments_add(struct sc_segments *s)
{
    void *items = s->items;
    if (!sc_try_grow(&items, &s->cap, s->count + 1, sizeof(*s->items)))
        return NULL;
    s->items = items;
    struct sc_segment *made = &s->items[s->count++];
    *made = (struct sc_segment){ .chunk = -1, .confidence = -1, .no_speech = -1 };
    return made;
}

/* Is there more in it than punctuation and what is not seen? */
static bool is_said(struct sc_str word)
{
    uint32_t cp;
    for (size_t n; word.len > 0; word.ptr += n, word.len -= n) {
        n = sc_utf8_decode(word, &cp);
        if (n == 0 || (!sc_text_is_punctuation(cp) && sc_text_width(cp) > 0))
            return true;
    }
    return false;
}

int64_t sc_text_says(struct sc_str text)
{
    struct sc_str word;
    int64_t words = 0;
    while (sc_text_take_word(&text, &word))
        words += is_said(word) ? 1 : 0;
    return words;
}

int64_t sc_segment_says(const struct sc_segment *s)
{
    return s->text == NULL ? 0 : sc_text_says(sc_str_from(s->text));
}

bool sc_segment_add_word(struct sc_segment *s, struct sc_str text, int64_t start_ms, int64_t end_ms,
                         float confidence)
{
    void *words = s->words;
    if (!sc_try_grow(&words, &s->word_cap, s->word_count + 1, sizeof(*s->words)))
        return false;
    s->words = words;
    char *copy = sc_try_alloc(text.len + 1);
    if (copy == NULL)
        return false;
    for (size_t i = 0; i < text.len; i++)
        copy[i] = text.ptr[i] == '\0' ? ' ' : text.ptr[i]; /* a NUL would cut the word short */
    s->words[s->word_count++] = (struct sc_word){
        .text = copy, .start_ms = start_ms, .end_ms = end_ms, .confidence = confidence
    };
    return true;
}

int64_t sc_word_origin(const struct sc_segment *s, size_t word)
{
    return s->words[word].origin == 0 ? s->origin : s->words[word].origin;
}

int64_t sc_text_origin(const struct sc_segment *s, size_t at)
{
    for (size_t i = 0; i < s->made_count; i++) {
        if (at < s->made[i].until)
            return s->made[i].origin;
    }
    return s->origin;
}

bool sc_segment_add_made(struct sc_segment *s, int64_t origin, size_t until)
{
    void *made = s->made;
    if (s->made_count > 0 && s->made[s->made_count - 1].origin == origin) {
        s->made[s->made_count - 1].until = until;
        return true;
    }
    if (!sc_try_grow(&made, &s->made_cap, s->made_count + 1, sizeof(*s->made)))
        return false;
    s->made = made;
    s->made[s->made_count++] = (struct sc_made){ until, origin };
    return true;
}

void sc_segment_forget_origins(struct sc_segment *s)
{
    s->origin = 0;
    for (size_t i = 0; i < s->word_count; i++)
        s->words[i].origin = 0;
    forget_made(s);
}

static bool copy_made(const struct sc_segment *from, struct sc_segment *out)
{
    bool good = true;
    for (size_t i = 0; good && i < from->made_count; i++)
        good = sc_segment_add_made(out, from->made[i].origin, from->made[i].until);
    return good;
}

bool sc_segment_copy(const struct sc_segment *from, struct sc_segment *out)
{
    *out = *from;
    out->words = NULL;
    out->word_count = out->word_cap = 0;
    out->made = NULL;
    out->made_count = out->made_cap = 0;
    out->text = from->text == NULL ? NULL : sc_strdup(from->text);
    out->speaker = from->speaker == NULL ? NULL : sc_strdup(from->speaker);
    out->heard = from->heard == NULL ? NULL : sc_heard_copy(from->heard);
    if ((from->heard != NULL && out->heard == NULL) || !copy_made(from, out)) {
        sc_segment_done(out);
        return false;
    }
    for (size_t i = 0; i < from->word_count; i++) {
        const struct sc_word *w = &from->words[i];
        if (!sc_segment_add_word(out, sc_str_from(w->text), w->start_ms, w->end_ms,
                                 w->confidence)) {
            sc_segment_done(out);
            return false;
        }
        out->words[i].origin = w->origin;
    }
    return true;
}

/* NULL: no memory. */
static char *join_words(const struct sc_segment *s)
{
    SC_AUTO_BUF text = { .limit = SIZE_MAX / 4 };
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_str word = sc_str_trim(sc_str_from(s->words[i].text));
        if (sc_text_needs_space(sc_buf_str(&text), word))
            sc_buf_putc(&text, ' ');
        sc_buf_put_str(&text, word);
    }
    return sc_buf_take(&text);
}

float sc_segment_mean_confidence(const struct sc_segment *s)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i < s->word_count; i++) {
        if (s->words[i].confidence >= 0) {
            sum += (double)s->words[i].confidence;
            known++;
        }
    }
    return known == 0 ? -1 : (float)(sum / (double)known);
}

float sc_segment_order_words(struct sc_segment *s)
{
    for (size_t i = 0; i < s->word_count; i++) {
        struct sc_word *w = &s->words[i];
        if (i > 0)
            w->start_ms = SC_MAX(w->start_ms, s->words[i - 1].start_ms);
        w->end_ms = SC_MAX(w->end_ms, w->start_ms);
        s->start_ms = SC_MIN(s->start_ms, w->start_ms);
        s->end_ms = SC_MAX(s->end_ms, w->end_ms);
    }
    s->end_ms = SC_MAX(s->end_ms, s->start_ms);
    return sc_segment_mean_confidence(s);
}

bool sc_segment_settle(struct sc_segment *s)
{
    if (s->word_count == 0) {
        if (s->text == NULL)
            s->text = sc_strdup("");
        return true;
    }
    char *joined = join_words(s);
    if (joined == NULL)
        return false;
    free(s->text);
    s->text = joined;

    s->start_ms = s->words[0].start_ms;
    s->end_ms = s->words[0].end_ms;
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *w = &s->words[i];
        s->start_ms = SC_MIN(s->start_ms, w->start_ms);
        s->end_ms = SC_MAX(s->end_ms, w->end_ms);
    }
    s->confidence = sc_segment_mean_confidence(s);
    return true;
}

static bool is_span(int64_t start_ms, int64_t end_ms)
{
    return start_ms >= 0 && end_ms >= start_ms && end_ms <= SC_SEGMENT_TIME_MAX;
}

int64_t sc_segments_drop_no_speech(struct sc_segments *s, double limit)
{
    int64_t dropped_ms = 0;
    size_t kept = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct sc_segment *segment = &s->items[i];
        if (segment->no_speech >= 0 && (double)segment->no_speech > limit) {
            dropped_ms += segment->end_ms - segment->start_ms;
            sc_segment_done(segment);
            continue;
        }
        s->items[kept++] = *segment;
    }
    s->count = kept;
    return dropped_ms;
}

/* NaN is neither: both comparisons are false. */
static bool is_confidence(float c)
{
    return c < 0 || c <= 1;
}

const char *sc_segment_fault(const struct sc_segment *s, int64_t earliest)
{
    if (!is_span(s->start_ms, s->end_ms))
        return "ends before it starts, or lies outside of any recording";
    if (s->start_ms < earliest)
        return "starts before the one in front of it";
    if (s->text == NULL || !sc_utf8_is_valid(sc_str_from(s->text)) ||
        (s->speaker != NULL && !sc_utf8_is_valid(sc_str_from(s->speaker))))
        return "holds text that is no valid UTF-8";
    if (!is_confidence(s->confidence))
        return "has a confidence that is no number up to 1";
    const char *fault = s->heard == NULL ? NULL : sc_heard_fault(s->heard);
    if (fault != NULL)
        return fault;
    int64_t word_start = s->start_ms;
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *w = &s->words[i];
        if (!is_span(w->start_ms, w->end_ms) || w->end_ms > s->end_ms)
            return "has a word outside of its span";
        if (w->start_ms < word_start)
            return "has words out of order";
        if (w->text == NULL || !sc_utf8_is_valid(sc_str_from(w->text)))
            return "has a word that is no valid UTF-8";
        if (!is_confidence(w->confidence))
            return "has a word whose confidence is no number up to 1";
        word_start = w->start_ms;
    }
    return NULL;
}

enum sc_code sc_segments_check(const struct sc_segments *s, struct sc_error *err)
{
    int64_t earliest = 0;
    for (size_t i = 0; i < s->count; i++) {
        const char *fault = sc_segment_fault(&s->items[i], earliest);
        if (fault != NULL)
            return sc_error_field(err, SC_E_INVALID_VALUE, "segments", "segment %zu %s", i + 1,
                                  fault);
        earliest = s->items[i].start_ms;
    }
    return SC_OK;
}

struct place {
    int64_t start_ms;
    size_t index;
};

static int by_start(const void *left, const void *right)
{
    const struct place *l = left, *r = right;
    if (l->start_ms != r->start_ms)
        return l->start_ms < r->start_ms ? -1 : 1;
    return l->index < r->index ? -1 : l->index > r->index;
}

bool sc_segments_sort(struct sc_segments *s)
{
    bool sorted = true;
    for (size_t i = 1; i < s->count; i++)
        sorted = sorted && s->items[i - 1].start_ms <= s->items[i].start_ms;
    if (sorted)
        return true;
    SC_AUTO_FREE struct place *places = sc_try_alloc(s->count * sizeof(*places));
    SC_AUTO_FREE struct sc_segment *items = sc_try_alloc(s->count * sizeof(*items));
    if (places == NULL || items == NULL)
        return false;
    for (size_t i = 0; i < s->count; i++)
        places[i] = (struct place){ s->items[i].start_ms, i };
    qsort(places, s->count, sizeof(*places), by_start);
    for (size_t i = 0; i < s->count; i++)
        items[i] = s->items[places[i].index];
    memcpy(s->items, items, s->count * sizeof(*items));
    return true;
}

void sc_segments_shift(struct sc_segments *s, int64_t offset_ms)
{
    for (size_t i = 0; i < s->count; i++) {
        struct sc_segment *seg = &s->items[i];
        seg->start_ms += offset_ms;
        seg->end_ms += offset_ms;
        if (seg->heard != NULL && seg->heard->seek >= 0)
            seg->heard->seek = SC_MAX(seg->heard->seek + offset_ms / 10, 0);
        for (size_t k = 0; k < seg->word_count; k++) {
            seg->words[k].start_ms += offset_ms;
            seg->words[k].end_ms += offset_ms;
        }
    }
}

void sc_segments_text(const struct sc_segments *s, struct sc_buf *out)
{
    for (size_t i = 0; i < s->count; i++) {
        if (i > 0)
            sc_buf_putc(out, '\n');
        sc_buf_puts(out, s->items[i].text == NULL ? "" : s->items[i].text);
    }
}

bool sc_segments_need_space(const struct sc_segments *s, size_t i)
{
    struct sc_str after = sc_str_from(s->items[i].text);
    struct sc_str before = { 0 };
    for (size_t k = i; before.len == 0 && k > 0; k--)
        before = sc_str_from(s->items[k - 1].text);
    return sc_text_needs_space(before, after);
}

static void put_number(struct sc_buf *out, int64_t value)
{
    char bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (char)(unsigned char)((uint64_t)value >> (8 * i));
    sc_buf_append(out, bytes, sizeof(bytes));
}

/* With its length in front, so that no two lists of texts give the same bytes. */
static void put_text(struct sc_buf *out, const char *text)
{
    put_number(out, text == NULL ? -1 : (int64_t)strlen(text));
    sc_buf_puts(out, text == NULL ? "" : text);
}

void sc_segment_content(const struct sc_segment *s, struct sc_buf *out, size_t *bare)
{
    put_number(out, s->start_ms);
    put_number(out, s->end_ms);
    put_text(out, s->text == NULL ? "" : s->text);
    put_text(out, s->speaker);
    put_number(out, (int64_t)s->word_count);
    for (size_t i = 0; i < s->word_count; i++) {
        put_number(out, s->words[i].start_ms);
        put_number(out, s->words[i].end_ms);
        put_text(out, s->words[i].text);
    }
    *bare = out->len;
    /* A sum must outlive the round trip through the store, which keeps a segment's confidence as it
     * is and rounds those of words. */
    uint32_t bits = UINT32_MAX;                           /* unknown; no number has these */
    float known = s->confidence == 0 ? 0 : s->confidence; /* one zero */
    if (known >= 0)
        memcpy(&bits, &known, sizeof(bits));
    put_number(out, bits);
    for (size_t i = 0; i < s->word_count; i++)
        put_number(out, (int64_t)sc_words_confidence(s->words[i].confidence));
    bool mixed = sc_words_are_mixed(s);
    for (size_t i = 0; mixed && i < s->word_count; i++)
        put_number(out, s->words[i].origin);
    if (sc_heard_is_empty(s->heard))
        return;
    put_number(out, HEARD_FOLLOWS);
    sc_heard_pack(s->heard, out);
}

void sc_segment_hash(const struct sc_segment *s, char out[65])
{
    SC_AUTO_BUF content = { .limit = SIZE_MAX / 4 };
    size_t bare;
    sc_segment_content(s, &content, &bare);
    if (content.failed)
        sc_out_of_memory();
    sc_hash_bytes(content.ptr, content.len, out);
}

void sc_segment_hash_bare(const struct sc_segment *s, char out[65])
{
    SC_AUTO_BUF content = { .limit = SIZE_MAX / 4 };
    size_t bare;
    sc_segment_content(s, &content, &bare);
    if (content.failed)
        sc_out_of_memory();
    sc_hash_bytes(content.ptr, bare, out);
}
