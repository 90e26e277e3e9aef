#pragma once
/* What people type into a search, made into an expression that FTS5 takes:
 *
 *     budget vote          both words        budget OR vote       one of them
 *     "annual budget"      next to each other budg*               words that begin so
 *     budget -vote         without the other  budget NOT vote     the same
 *     (a OR b) c           groups            speaker:anna lang:de  conditions beside the words
 *
 * Operators are in capitals. Signs that make no word are passed over, so "rock & roll" is two
 * words. Whatever is typed is either refused here or taken by FTS5. Pure. */

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

#define SC_QUERY_BYTES 1000 /* the longest that may be typed */
#define SC_QUERY_TERMS 32   /* words and phrases */
#define SC_QUERY_DEPTH 16   /* of parentheses */

/* Conditions, as "name:value". */
enum sc_condition {
    SC_CONDITION_SPEAKER,
    SC_CONDITION_LANGUAGE,
    SC_CONDITION_FILE,
    SC_CONDITION_JOB,
    SC_CONDITION_TAG,
    SC_CONDITION_SINCE,
    SC_CONDITION_UNTIL,
    SC_CONDITION_LONGER,
    SC_CONDITION_SHORTER,
    SC_CONDITION_STATUS,
    SC_CONDITION_IS,
    SC_CONDITION_COUNT_
};

struct sc_match {
    struct sc_buf text; /* the expression; never empty */
    struct {
        struct sc_str value; /* borrowed from what was typed; .ptr NULL: not given */
        size_t column;       /* of the value, from 1 on, in signs */
    } conditions[SC_CONDITION_COUNT_];
};
void sc_match_done(struct sc_match *m);
#define SC_AUTO_MATCH SC_AUTO(sc_match_done) struct sc_match

/* Words of that owner's (store/tokenizer.h). INVALID_VALUE of the field "q" names the column and
 * the remedy; *out is then empty. */
SC_MUST_USE enum sc_code sc_match_compile(struct sc_str typed, int64_t owner_id,
                                          struct sc_match *out, struct sc_error *err);
/* For parts of words: the text as it stands, its diacritics and letter case folded. *folded is what
 * a text's folded form must hold; *out stays empty where that has less than three signs, of which
 * the index knows nothing. */
SC_MUST_USE enum sc_code sc_match_compile_part(struct sc_str typed, int64_t owner_id,
                                               struct sc_buf *folded, struct sc_buf *out,
                                               struct sc_error *err);
/* INVALID_VALUE of "q", at a column: for what only the caller can judge. */
SC_PRINTF(3, 4)
enum sc_code sc_match_refuse(struct sc_error *err, size_t column, const char *fmt, ...);
