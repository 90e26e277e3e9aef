#pragma once
/* Segments and words: the model that engines fill, the store keeps and writers print. Pure, no I/O.
 * Times are milliseconds; confidence is 0..1, negative: unknown. Text is valid UTF-8. */

#include "base/buf.h"
#include "base/error.h"
#include "transcript/heard.h"

/* No time lies behind this one (some 139 years): sums of two times never overflow. */
#define SC_SEGMENT_TIME_MAX ((int64_t)1 << 42)

struct sc_word {
    char *text; /* owned by its segment */
    int64_t start_ms, end_ms;
    float confidence;
    int64_t origin; /* of the store: what made it; 0: what made its segment */
};

/* Of a segment without words: what made its text up to that byte, from where the one before ends.
 */
struct sc_made {
    size_t until;
    int64_t origin; /* of the store; 0: not known */
};

struct sc_segment {
    int64_t id;     /* stable across versions; 0: not stored yet */
    int64_t row;    /* of the store; 0: not stored yet */
    int64_t origin; /* of the store: what made it; 0: not known */
    int chunk;      /* -1: none */
    int64_t start_ms, end_ms;
    char *text;    /* owned */
    char *speaker; /* owned; NULL: none */
    float confidence;
    /* How likely nobody speaks here, 0..1; negative: unknown. Of what an engine answered only:
     * neither stored nor summed. */
    float no_speech;
    struct sc_heard *heard; /* owned; NULL: the recogniser said nothing more */
    struct sc_word *words;  /* owned */
    size_t word_count, word_cap;
    struct sc_made *made; /* owned; of a text without words that several things made, in order */
    size_t made_count, made_cap;
};

struct sc_segments {
    struct sc_segment *items; /* owned */
    size_t count, cap;
};
#define SC_AUTO_SEGMENTS SC_AUTO(sc_segments_done) struct sc_segments

void sc_segments_done(struct sc_segments *s);
void sc_segment_done(struct sc_segment *s);
/* Appends an empty segment and returns it (borrowed until the next append); NULL: no memory. */
struct sc_segment *sc_segments_add(struct sc_segments *s);
/* What made a word; 0: not known. */
int64_t sc_word_origin(const struct sc_segment *s, size_t word);
/* The same of the text of a segment without words, at this byte. */
int64_t sc_text_origin(const struct sc_segment *s, size_t at);
/* Behind what is known of the text so far, this made it up to `until`. False: no memory. */
bool sc_segment_add_made(struct sc_segment *s, int64_t origin, size_t until);
/* Nobody knows any more what made what: the segment, its words and the parts of its text. */
void sc_segment_forget_origins(struct sc_segment *s);
/* Its text stays. */
void sc_segment_drop_words(struct sc_segment *s);
/* Makes an empty segment an equal one. False: no memory, and it is empty. */
bool sc_segment_copy(const struct sc_segment *from, struct sc_segment *out);
/* How many words a text says: what white space holds apart, in scripts without spaces each sign
 * with the vowels and tones that belong to it; punctuation alone is none. */
int64_t sc_text_says(struct sc_str text);
/* The same of its text, whether or not its words have times. */
int64_t sc_segment_says(const struct sc_segment *s);
/* Appends a word; text is copied, a NUL in it as a space. False: no memory. */
bool sc_segment_add_word(struct sc_segment *s, struct sc_str text, int64_t start_ms, int64_t end_ms,
                         float confidence);
/* text = words joined by a space (none between signs of unsegmented scripts); confidence = mean of
 * the known ones; start and end from the words. Without words everything stays (text becomes "").
 * False: no memory, and the segment as it was. */
bool sc_segment_settle(struct sc_segment *s);
/* Of its words, as far as known; negative: none is. */
float sc_segment_mean_confidence(const struct sc_segment *s);
/* Words, whose times may run backwards, in order, and the segment's times around them. Returns the
 * mean of their confidences. */
float sc_segment_order_words(struct sc_segment *s);
/* start < end or equal, >= 0, ordered, valid UTF-8, words inside; INVALID_VALUE names the segment.
 */
SC_MUST_USE enum sc_code sc_segments_check(const struct sc_segments *s, struct sc_error *err);
/* What that finds wrong with one segment, which must not start before `earliest`: "has words out of
 * order"; NULL: nothing. Static. */
const char *sc_segment_fault(const struct sc_segment *s, int64_t earliest);
/* Puts them in the order of their starts; those that start together stay in theirs. False: no
 * memory, and as they were. */
bool sc_segments_sort(struct sc_segments *s);
/* Adds offset_ms to every time. */
void sc_segments_shift(struct sc_segments *s, int64_t offset_ms);
/* All text, segments joined by a newline. */
void sc_segments_text(const struct sc_segments *s, struct sc_buf *out);
/* Must a space stand before segment i when all are joined into one line? */
bool sc_segments_need_space(const struct sc_segments *s, size_t i);
/* Appends all that the store keeps of one segment in a fixed form: start and end (8 bytes each, low
 * first), text and speaker (each behind 8 bytes of length), the words; *bare is how long it is so
 * far; then the confidences as precisely as the store keeps them, the segment's first; then what
 * made each word, where that is not the same for all; then what else was heard, packed, where there
 * is some. */
void sc_segment_content(const struct sc_segment *s, struct sc_buf *out, size_t *bare);
/* Removes the segments whose no_speech is known and above `limit`; returns the milliseconds from
 * the start of each to its end, added up. */
int64_t sc_segments_drop_no_speech(struct sc_segments *s, double limit);
/* SHA-256 (hex) over that. */
void sc_segment_hash(const struct sc_segment *s, char out[65]);
/* The same without the confidences: rows that older releases wrote carry this one. */
void sc_segment_hash_bare(const struct sc_segment *s, char out[65]);
