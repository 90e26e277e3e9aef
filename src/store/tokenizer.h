#pragma once
/* The text index's tokenizer, `scripta`.
 *
 * Scripts that separate words are left to FTS5's unicode61: lower case, Latin letters without
 * diacritics. Han, Hiragana, Katakana, Hangul, Thai, Lao and Khmer are written without spaces (or
 * inflect inside the word), so a run of their signs is indexed sign by sign: at each position the
 * sign, and beside it the pair that it begins. A query yields the pairs of a run and its last sign.
 *
 * So a query must keep such a run together: pass each white-space separated term as one FTS5 string
 * ("会議"), and it is a phrase that finds 会議 in 今日の会議は, and not 会 and 議 apart from each
 * other. A prefix query works on one sign (会*). */

#include "base/error.h"
#include "base/str.h"

struct sqlite3;

/* Makes the tokenizer known to a connection. */
SC_MUST_USE enum sc_code sc_tokenizer_register(struct sqlite3 *db, struct sc_error *err);

struct sc_token {
    struct sc_str text; /* borrowed during the call */
    size_t start, end;  /* the bytes of the input that it stands for */
    bool colocated;     /* shares the position of the token before it */
};
typedef void (*sc_token_fn)(void *ctx, const struct sc_token *token);

/* Tokens of any bytes, as the index or a query sees them. Opens a database in memory for each call:
 * for tests and fuzzing. */
SC_MUST_USE enum sc_code sc_tokenizer_run(struct sc_str text, bool query, sc_token_fn fn, void *ctx,
                                          struct sc_error *err);
