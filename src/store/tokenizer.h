#pragma once
/* The text index's tokenizers, `scripta` and `scripta_signs`.
 *
 * Scripts that separate words are left to FTS5's unicode61: lower case, Latin letters without
 * diacritics. Han, Hiragana, Katakana, Hangul, Thai, Lao and Khmer are written without spaces (or
 * inflect inside the word), so a run of their signs is indexed sign by sign: at each position the
 * sign, and beside it the pair that it begins. A query yields the pairs of a run and its last sign.
 *
 * So a query must keep such a run together: pass each white-space separated term as one FTS5 string
 * ("会議"), and it is a phrase that finds 会議 in 今日の会議は, and not 会 and 議 apart from each
 * other. A prefix query works on one sign (会*).
 *
 * `scripta_signs` is for parts of words: each three neighbouring signs, spaces too, folded by the
 * same rules (store/fold.h).
 *
 * A text that begins with an owner's mark, \x01 7 \x02 without the spaces, becomes words of that
 * owner's alone: each token begins with the mark, in the index and in queries. So each owner has an
 * index of his own within the one: what others have said is neither found, nor counted, nor does it
 * cost time. */

#include "base/error.h"
#include "base/str.h"

struct sqlite3;

/* Makes the tokenizers known to a connection, and scripta_places(table), an auxiliary function of
 * FTS5: where the row has the phrases of the query. A blob: how many phrases there are; a byte for
 * each, how often the row has it (255: or more); then SC_TOKENIZER_PLACE bytes for each place: how
 * many tokens it takes, and the first one's number (4 bytes, the lowest first). */
SC_MUST_USE enum sc_code sc_tokenizer_register(struct sqlite3 *db, struct sc_error *err);

#define SC_TOKENIZER_PHRASES 64 /* of which scripta_places tells */
#define SC_TOKENIZER_PLACE 5

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
void sc_tokenizer_run_signs(struct sc_str text, sc_token_fn fn, void *ctx);

/* Is the sign one that is indexed by itself? */
bool sc_tokenizer_is_dense(uint32_t sign);
/* A tokenizer outside of an index, for one thread at a time. */
struct sc_tokenizer_words;
struct sc_tokenizer_words *sc_tokenizer_words_new(void);
/* Tokens as the index sees them; plain: as unicode61 with our settings does. */
void sc_tokenizer_words_run(struct sc_tokenizer_words *words, struct sc_str text, bool plain,
                            sc_token_fn fn, void *ctx);
void sc_tokenizer_words_free(struct sc_tokenizer_words *words);
SC_DEFINE_FREEP(struct sc_tokenizer_words, sc_tokenizer_words_free);
