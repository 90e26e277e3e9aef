#pragma once
/* What differs between two transcripts, word by word, and a text laid on a transcript that it was
 * edited from. A word is what white space holds apart, in scripts without spaces each sign. Pure;
 * how words are matched, and what bounds the time, is told in match.c. */

#include "transcript/names.h"

#define SC_DIFF_NO_WORD SIZE_MAX

struct sc_diff_word {
    struct sc_str text; /* borrowed from the segment's text */
    size_t segment;
    size_t word; /* of the segment's words, the one that it belongs to; SC_DIFF_NO_WORD: unknown */
    int64_t start_ms, end_ms; /* of that word; a share of it, or of the segment's, where it has none
                                 of its own */
};
struct sc_diff_words {
    struct sc_diff_word *items; /* owned */
    size_t count, cap;
};

enum sc_diff_kind {
    SC_DIFF_SAME,    /* a_count == b_count */
    SC_DIFF_CHANGED, /* these words of a became those of b */
    SC_DIFF_ADDED,   /* a_count == 0 */
    SC_DIFF_REMOVED, /* b_count == 0 */
    SC_DIFF_KIND_COUNT_
};

/* Runs of words; together they are all of a and all of b, in order. No two neighbours have one
 * kind, and none but SAME stands beside another that is not SAME. */
struct sc_diff_op {
    enum sc_diff_kind kind;
    size_t a, a_count;
    size_t b, b_count;
};

struct sc_diff {
    struct sc_diff_words a, b;
    struct sc_diff_op *ops; /* owned */
    size_t count, cap;
};
#define SC_AUTO_DIFF SC_AUTO(sc_diff_done) struct sc_diff

/* Words are equal when their bytes are; with this, when sc_word_normalise makes them so: neither
 * case nor punctuation matters. A word of nothing but punctuation is itself. */
#define SC_DIFF_LOOSE (1u << 0)

void sc_diff_done(struct sc_diff *d);
/* *out, which must be empty, borrows the texts of both. Where a word that was added or removed
 * could be any of several equal neighbours, it is the one whose partners' times fit best. False: no
 * memory. */
SC_MUST_USE bool sc_diff_segments(const struct sc_segments *a, const struct sc_segments *b,
                                  unsigned flags, struct sc_diff *out);

/* Does a space stand between word k-1 and word k, or would one if they were of one segment? */
bool sc_diff_gap(const struct sc_diff_words *words, size_t k);
/* Appends `count` words from `at` on, as one line. */
void sc_diff_put(const struct sc_diff_words *words, size_t at, size_t count, struct sc_buf *out);

/* Lays text (valid UTF-8) on the segments that it was edited from, and replaces *out by what
 * comes of it:
 *
 * - Segments whose words are unchanged are copies: id, row, times, words, speaker, confidences.
 * - Words that are unchanged keep their times and confidences, and their segment. Words in place of
 *   others share the time of these; added ones what is free between their neighbours, or where
 *   nothing is that of the one in front of them, else of the one behind.
 * - A segment whose words are all gone is gone.
 * - Where the lines of the text are the segments, as sc_segments_text and the export txt have them,
 *   a line that was cut in two cuts its segment (the first keeps the id), one that was joined with
 *   the line above joins the two, unless their speakers differ. In any other text line breaks
 *   do not matter to words that were there before. A new line between two segments is a new segment
 *   (id 0) either way.
 * - "Name: " in front of a line, as the export txt has it, is no text when it is one of `names`, or
 *   where these are NULL when a segment has that speaker: the line's segment, and those behind it
 *   that had the same speaker, are his.
 *
 * False: no memory, and *out as it was. */
SC_MUST_USE bool sc_segments_align(const struct sc_segments *old, struct sc_str text,
                                   const struct sc_names *names, struct sc_segments *out);
