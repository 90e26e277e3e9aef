#pragma once
/* Two versions of what was said, compared: words as in diff.h, and what became of each segment; and
 * the comparison as text. Pure. */

#include "transcript/diff.h"

/* What became of segments; of one of a and one of b unless it says otherwise. */
enum sc_compare_kind {
    SC_COMPARE_SAME,
    SC_COMPARE_CHANGED, /* other words; also of several of both, which share words crosswise */
    SC_COMPARE_SPLIT,   /* one of a became several of b */
    SC_COMPARE_MERGED,  /* several of a became one of b */
    SC_COMPARE_ADDED,   /* one of b alone */
    SC_COMPARE_REMOVED, /* one of a alone */
    SC_COMPARE_SPEAKER, /* the same words, of another speaker */
    SC_COMPARE_RETIMED, /* the same words of the same speaker, at another time */
    SC_COMPARE_KIND_COUNT_
};
/* "same", "changed", … Static. */
const char *sc_compare_kind_text(enum sc_compare_kind kind);
const char *sc_diff_kind_text(enum sc_diff_kind kind);

/* Segments a … a+a_count-1 became b … b+b_count-1. Parts cover both sides, in order. */
struct sc_compare_part {
    enum sc_compare_kind kind;
    size_t a, a_count;
    size_t b, b_count;
    bool words_differ, speaker_differs, times_differ; /* of what both sides have */
};

struct sc_comparison {
    const struct sc_segments *a, *b; /* borrowed */
    struct sc_diff diff;
    size_t *partner; /* owned; for each word of a that of b, or SIZE_MAX */
    size_t
        *words_a; /* owned; for each segment of a its first word, and behind the last one the end */
    size_t *words_b;
    struct sc_compare_part *parts; /* owned */
    size_t count, cap;
    size_t segments[SC_COMPARE_KIND_COUNT_]; /* parts of each kind */
    /* Words: what was changed counts as substituted as far as there are words on both sides. */
    size_t same, substituted, added, removed;
};
#define SC_AUTO_COMPARISON SC_AUTO(sc_comparison_done) struct sc_comparison

void sc_comparison_done(struct sc_comparison *c);
/* Into an empty *out, which borrows both. flags as for sc_diff_segments. False: no memory. */
SC_MUST_USE bool sc_compare(const struct sc_segments *a, const struct sc_segments *b,
                            unsigned flags, struct sc_comparison *out);
/* For each segment of b that of a which its first word comes from, where it has none the one of its
 * part; SIZE_MAX: a has nothing of it. Owned by the caller; NULL: no memory. */
size_t *sc_comparison_places(const struct sc_comparison *c);
/* Words that would have to be replaced, added or removed, for each word of a, as the word error
 * rate counts them; negative: a has none. */
double sc_comparison_rate(const struct sc_comparison *c);
/* The next run of words of a part, behind the one in *run, or the first one with a zeroed *run.
 * False: no more. A word whose partner is in another part is there removed, here added. */
bool sc_comparison_run(const struct sc_comparison *c, const struct sc_compare_part *part,
                       struct sc_diff_op *run);

/* Gives segments that were read from a file what the old ones, of which the file was once made,
 * know beyond it: their ids, where one became one or several; their speakers, where the file names
 * none; and where the file has no words' times and they have, those of words that are the same,
 * inside of their segment's time, others in between (diff.h). A segment whose words and times are
 * the same is a copy. names: of a format that has speakers in front of what they say, "Name: ",
 * those (names.h); who is not named, and had the speaker of the segment before, has the one that is
 * there now. NULL: of another format. False: no memory; read is then not to be used. */
SC_MUST_USE bool sc_segments_adopt(const struct sc_segments *old, const struct sc_names *names,
                                   struct sc_segments *read);

/* ---- as text ---- */

struct sc_compare_style {
    const char *a, *b; /* what the two are called, "version 1" */
    bool colour;       /* with the terminal's colours in place of marks */
    int context;       /* segments (unified: lines) around those that differ; negative: all */
};
/* A line for each segment, the words of both in it: "[-old-]{+new+}" as git's --word-diff, with
 * times, what became of the segment, and at the end the figures. Everything from outside is made
 * printable. */
void sc_comparison_text(const struct sc_comparison *c, const struct sc_compare_style *style,
                        struct sc_buf *out);
/* What diff -u says of the two exports as txt; patch takes it, so lines are as they are: control
 * signs are gone, but those of direction are not. False: no memory. */
SC_MUST_USE bool sc_comparison_unified(const struct sc_comparison *c,
                                       const struct sc_compare_style *style, struct sc_buf *out);
/* A <div> with a <p> for each segment, words in <ins> and <del>; no scripts, no styles. */
void sc_comparison_html(const struct sc_comparison *c, const struct sc_compare_style *style,
                        struct sc_buf *out);
