#pragma once
/* The text of captions in tokens: words, or pieces of one that is wider than a line or of a script
 * without spaces. Every sign of the text ends up in exactly one token. For files of this module
 * only. */

#include "transcript/segment.h"

struct sc_token {
    size_t at, len; /* in the text of its sc_tokens */
    int columns;
    bool space; /* stands in front of it when it is not the first of its line */
    int64_t start_ms, end_ms;
};

struct sc_tokens {
    int width;   /* of a line in columns */
    bool subrip; /* SubRip has no escapes: what would be taken for its syntax is broken up */
    struct sc_buf text;
    struct sc_token *items; /* owned */
    size_t count, cap;
    bool failed; /* no memory */
};

void sc_tokens_done(struct sc_tokens *t);
struct sc_str sc_token_str(const struct sc_tokens *t, size_t index);
/* Adds text as one line; its words share the time by their length. */
void sc_tokens_add_text(struct sc_tokens *t, struct sc_str text, int64_t start_ms, int64_t end_ms);
/* Adds a segment's text, with the times of its words where they are those of the text. */
void sc_tokens_add_segment(struct sc_tokens *t, const struct sc_segment *s);
/* Adds copies of the tokens [from, to) of another. */
void sc_tokens_add_copy(struct sc_tokens *t, const struct sc_tokens *of, size_t from, size_t to);
/* Columns of the tokens [from, to) on one line. */
int sc_tokens_columns(const struct sc_tokens *t, size_t from, size_t to);
/* Lines of `width` that the tokens [from, to) need when `lead` columns stand before the first. */
int sc_tokens_lines(const struct sc_tokens *t, size_t from, size_t to, int lead, int width);
/* Does a line begin with token `index` when [from, to) stand on as few lines as they need, the
 * widest of them as narrow as possible and the later ones the longer? Fills breaks[from … to-1]. */
void sc_tokens_balance(const struct sc_tokens *t, size_t from, size_t to, bool *breaks);
/* How good it is to end a cue behind this token: 2 a sentence, 1 a clause, 0 neither. */
int sc_token_ends_phrase(struct sc_str token);
