#include "transcript/words.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "transcript/varint.h"

#include <math.h>
#include <stdint.h>

#include "base/banned.h"

/* The form is canonical: each list of words has one, and bytes that unpack pack to themselves.
 *
 *     byte    version: 1; 2 where several things made the words
 *     in version 2
 *       varint  number of runs of words that one thing made: 2 or more
 *       per run
 *         varint  what made it, another than the run before
 *         varint  how many words it has
 *     per word
 *       varint  start, zigzag of the distance from the start of the word before (from 0 at first)
 *       varint  duration in ms
 *       varint  confidence: 0 unknown, else 1 + thousandths
 *       varint  length of the text in bytes, then the text
 *
 * Version 3 is of a text without words that several things made: its runs, which count bytes of the
 * text in place of words, and behind them the first eight digits of their SHA-256. The sum of the
 * segment does not cover them, so that its text can be restored from where nobody tells them.
 *
 * No words at all are no bytes. */
#define PACK_VERSION 1
#define PACK_MIXED 2
#define PACK_BARE 3
#define SUM_DIGITS 8
#define CONFIDENCE_MAX 1001

uint64_t sc_words_confidence(float c)
{
    if (!(c >= 0)) /* NaN as well */
        return 0;
    return 1 + (uint64_t)lrintf(SC_MIN(c, 1.0F) * 1000.0F);
}

static size_t count_runs(const struct sc_segment *s)
{
    size_t runs = 0;
    for (size_t i = 0; i < s->word_count; i++) {
        if (s->words[i].origin <= 0)
            return 0;
        runs += i == 0 || s->words[i].origin != s->words[i - 1].origin ? 1 : 0;
    }
    return runs;
}

bool sc_words_are_mixed(const struct sc_segment *s)
{
    return count_runs(s) > 1;
}

static void put_runs(const struct sc_segment *s, struct sc_buf *out)
{
    sc_varint_put(out, count_runs(s));
    for (size_t i = 0, from = 0; i < s->word_count; i++) {
        if (i + 1 < s->word_count && s->words[i + 1].origin == s->words[i].origin)
            continue;
        sc_varint_put(out, (uint64_t)s->words[i].origin);
        sc_varint_put(out, i + 1 - from);
        from = i + 1;
    }
}

static struct sc_str sum_of(struct sc_str runs, char sum[SC_SHA256_TEXT])
{
    sc_hash_bytes(runs.ptr, runs.len, sum);
    return (struct sc_str){ sum, SUM_DIGITS };
}

static void put_made(const struct sc_segment *s, struct sc_buf *out)
{
    char sum[SC_SHA256_TEXT];
    sc_buf_putc(out, PACK_BARE);
    size_t begin = out->len;
    sc_varint_put(out, s->made_count);
    for (size_t i = 0, from = 0; i < s->made_count; i++) {
        sc_varint_put(out, (uint64_t)s->made[i].origin);
        sc_varint_put(out, s->made[i].until - from);
        from = s->made[i].until;
    }
    if (!out->failed)
        sc_buf_put_str(out, sum_of((struct sc_str){ out->ptr + begin, out->len - begin }, sum));
}

void sc_words_pack(const struct sc_segment *s, struct sc_buf *out)
{
    int64_t before = 0;
    bool mixed = sc_words_are_mixed(s);
    if (s->word_count == 0 && s->made_count > 1)
        put_made(s, out);
    if (s->word_count > 0)
        sc_buf_putc(out, mixed ? PACK_MIXED : PACK_VERSION);
    if (mixed)
        put_runs(s, out);
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *w = &s->words[i];
        size_t len = strlen(w->text);
        sc_varint_put(out, sc_varint_zigzag(w->start_ms - before));
        sc_varint_put(out, (uint64_t)SC_MAX(w->end_ms - w->start_ms, 0));
        sc_varint_put(out, sc_words_confidence(w->confidence));
        sc_varint_put(out, len);
        sc_buf_append(out, w->text, len);
        before = w->start_ms;
    }
}

/* Cuts one word off the bytes and adds it; what is wrong, or NULL. */
static const char *take_word(struct sc_str *rest, int64_t *before, struct sc_segment *s)
{
    uint64_t delta, duration, confidence, len;
    if (!sc_varint_take(rest, &delta) || !sc_varint_take(rest, &duration) ||
        !sc_varint_take(rest, &confidence) || !sc_varint_take(rest, &len))
        return "a number is cut short";
    if (delta > 2 * (uint64_t)SC_SEGMENT_TIME_MAX || duration > SC_SEGMENT_TIME_MAX)
        return "a time is out of range";
    int64_t start = *before + sc_varint_unzigzag(delta);
    if (start < 0 || start + (int64_t)duration > SC_SEGMENT_TIME_MAX)
        return "a time is out of range";
    if (confidence > CONFIDENCE_MAX)
        return "a confidence is out of range";
    struct sc_str text = { rest->ptr, len };
    if (len > rest->len || memchr(rest->ptr, '\0', len) != NULL || !sc_utf8_is_valid(text))
        return "a text is no text";
    float c = confidence == 0 ? -1 : (float)(confidence - 1) / 1000.0F;
    if (!sc_segment_add_word(s, text, start, start + (int64_t)duration, c))
        return "memory is exhausted";
    rest->ptr += len;
    rest->len -= len;
    *before = start;
    return NULL;
}

/* The runs of words in front of them; what is wrong, or NULL. */
static const char *skip_runs(struct sc_str *rest, struct sc_str *runs, uint64_t *count)
{
    uint64_t origin, words, before = 0;
    if (!sc_varint_take(rest, count))
        return "a number is cut short";
    if (*count < 2)
        return "too few things made it";
    *runs = *rest;
    for (uint64_t i = 0; i < *count; i++) {
        if (!sc_varint_take(rest, &origin) || !sc_varint_take(rest, &words))
            return "a number is cut short";
        if (origin == 0 || origin == before || words == 0)
            return "what made it is no list";
        before = origin;
    }
    return NULL;
}

/* Tells each word what made it; what is wrong, or NULL. */
static const char *apply_runs(struct sc_str runs, uint64_t count, struct sc_segment *s)
{
    size_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t origin = 0, words = 0;
        (void)(sc_varint_take(&runs, &origin) && sc_varint_take(&runs, &words)); /* as before */
        if (words > s->word_count - at)
            return "it has fewer words than were made";
        for (; words > 0; words--)
            s->words[at++].origin = (int64_t)origin;
    }
    return at == s->word_count ? NULL : "it has more words than were made";
}

/* Tells the text what made its parts; what is wrong, or NULL. */
static const char *make(struct sc_str runs, uint64_t count, struct sc_segment *s)
{
    uint64_t until = 0, bytes = 0, origin = 0;
    for (uint64_t i = 0; i < count; i++, until += bytes) {
        (void)(sc_varint_take(&runs, &origin) && sc_varint_take(&runs, &bytes)); /* as before */
        if (bytes > UINT32_MAX || origin > INT64_MAX)
            return "what made it is no list";
        if (!sc_segment_add_made(s, (int64_t)origin, (size_t)(until + bytes)))
            return "memory is exhausted";
    }
    return NULL;
}

static const char *unpack_made(struct sc_str all, struct sc_segment *s)
{
    char sum[SC_SHA256_TEXT];
    struct sc_str rest = all, runs = { 0 };
    uint64_t count = 0;
    const char *fault = skip_runs(&rest, &runs, &count);
    if (fault != NULL)
        return fault;
    all.len -= rest.len;
    return sc_str_equal(rest, sum_of(all, sum)) ? make(runs, count, s) : "its sum is another";
}

static const char *unpack(struct sc_str rest, struct sc_segment *s)
{
    const char *fault = NULL;
    struct sc_str runs = { 0 };
    uint64_t run_count = 0;
    int64_t before = 0;
    if (rest.len == 0)
        return NULL;
    char version = rest.ptr[0];
    if (rest.len == 1 || version < PACK_VERSION || version > PACK_BARE)
        return "the version is unknown";
    rest = (struct sc_str){ rest.ptr + 1, rest.len - 1 };
    if (version == PACK_BARE)
        return unpack_made(rest, s);
    if (version == PACK_MIXED)
        fault = skip_runs(&rest, &runs, &run_count);
    while (fault == NULL && rest.len > 0)
        fault = take_word(&rest, &before, s);
    return fault == NULL && run_count > 0 ? apply_runs(runs, run_count, s) : fault;
}

enum sc_code sc_words_unpack(struct sc_str bytes, struct sc_segment *s, struct sc_error *err)
{
    SC_AUTO(sc_segment_done) struct sc_segment read = { 0 };
    const char *fault = unpack(bytes, &read);
    if (fault != NULL)
        return sc_error_set(err, SC_E_STORE_DAMAGED, "packed words are damaged: %s", fault);

    struct sc_segment old = { .words = s->words, .word_count = s->word_count, .made = s->made };
    s->words = SC_TAKE(read.words);
    s->word_count = read.word_count;
    s->word_cap = read.word_cap;
    s->made = SC_TAKE(read.made);
    s->made_count = read.made_count;
    s->made_cap = read.made_cap;
    read.word_count = 0;
    sc_segment_done(&old);
    return SC_OK;
}
