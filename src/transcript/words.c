#include "transcript/words.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>
#include <stdint.h>

#include "base/banned.h"

/* The form is canonical: each list of words has one, and bytes that unpack pack to themselves.
 *
 *     byte    version
 *     per word
 *       varint  start, zigzag of the distance from the start of the word before (from 0 at first)
 *       varint  duration in ms
 *       varint  confidence: 0 unknown, else 1 + thousandths
 *       varint  length of the text in bytes, then the text
 *
 * No words at all are no bytes. */
#define PACK_VERSION 1
#define CONFIDENCE_MAX 1001

static void put_varint(struct sc_buf *out, uint64_t v)
{
    while (v >= 0x80) {
        sc_buf_putc(out, (char)(v | 0x80));
        v >>= 7;
    }
    sc_buf_putc(out, (char)v);
}

static uint64_t zigzag(int64_t v)
{
    return v < 0 ? ~((uint64_t)v << 1) : (uint64_t)v << 1;
}

static int64_t unzigzag(uint64_t v)
{
    return (v & 1) != 0 ? (int64_t) ~(v >> 1) : (int64_t)(v >> 1);
}

uint64_t sc_words_confidence(float c)
{
    if (!(c >= 0)) /* NaN as well */
        return 0;
    return 1 + (uint64_t)lrintf(SC_MIN(c, 1.0F) * 1000.0F);
}

void sc_words_pack(const struct sc_segment *s, struct sc_buf *out)
{
    int64_t before = 0;
    if (s->word_count > 0)
        sc_buf_putc(out, PACK_VERSION);
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *w = &s->words[i];
        size_t len = strlen(w->text);
        put_varint(out, zigzag(w->start_ms - before));
        put_varint(out, (uint64_t)SC_MAX(w->end_ms - w->start_ms, 0));
        put_varint(out, sc_words_confidence(w->confidence));
        put_varint(out, len);
        sc_buf_append(out, w->text, len);
        before = w->start_ms;
    }
}

/* Cuts one varint off; false when it is cut short, longer than needed or over 63 bits. */
static bool take_varint(struct sc_str *rest, uint64_t *out)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 9 && i < rest->len; i++) {
        unsigned char byte = (unsigned char)rest->ptr[i];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) != 0)
            continue;
        if (i > 0 && byte == 0)
            return false;
        rest->ptr += i + 1;
        rest->len -= i + 1;
        *out = v;
        return true;
    }
    return false;
}

/* Cuts one word off the bytes and adds it; what is wrong, or NULL. */
static const char *take_word(struct sc_str *rest, int64_t *before, struct sc_segment *s)
{
    uint64_t delta, duration, confidence, len;
    if (!take_varint(rest, &delta) || !take_varint(rest, &duration) ||
        !take_varint(rest, &confidence) || !take_varint(rest, &len))
        return "a number is cut short";
    if (delta > 2 * (uint64_t)SC_SEGMENT_TIME_MAX || duration > SC_SEGMENT_TIME_MAX)
        return "a time is out of range";
    int64_t start = *before + unzigzag(delta);
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

enum sc_code sc_words_unpack(struct sc_str bytes, struct sc_segment *s, struct sc_error *err)
{
    SC_AUTO(sc_segment_done) struct sc_segment read = { 0 };
    const char *fault = NULL;
    int64_t before = 0;
    if (bytes.len == 1 || (bytes.len > 0 && bytes.ptr[0] != PACK_VERSION))
        fault = "the version is unknown";
    struct sc_str rest = bytes.len == 0 ? bytes : (struct sc_str){ bytes.ptr + 1, bytes.len - 1 };
    while (fault == NULL && rest.len > 0)
        fault = take_word(&rest, &before, &read);
    if (fault != NULL)
        return sc_error_set(err, SC_E_STORE_DAMAGED, "packed words are damaged: %s", fault);

    struct sc_segment old = { .words = s->words, .word_count = s->word_count };
    s->words = SC_TAKE(read.words);
    s->word_count = read.word_count;
    s->word_cap = read.word_cap;
    read.word_count = 0;
    sc_segment_done(&old);
    return SC_OK;
}
