#pragma once
/* The command line of the engine `command`: cut into words once, filled in for each chunk. No shell
 * has a part in it. */

#include "base/error.h"
#include "base/str.h"

#include <stdbool.h>

#define SC_RUNLINE_WORDS 256

/* Words are separated by white space. '…' is taken as it is; in "…" a backslash takes the meaning
 * from \ and "; elsewhere from any sign. Nothing else is special: no variables, no wildcards, no
 * pipes. Quotes may stand inside a word: --x='a b' is one. */
struct sc_runline {
    char **words; /* owned, ends in NULL */
    size_t count;
};
void sc_runline_done(struct sc_runline *w);
/* INVALID_VALUE says what is wrong; *out is then untouched. */
SC_MUST_USE enum sc_code sc_runline_split(struct sc_str line, struct sc_runline *out,
                                          struct sc_error *err);

/* What stands for what. */
struct sc_placeholder {
    const char *name;  /* "in" of {in} */
    const char *value; /* NULL: not filled in, only known */
};
/* Does a word use {name}? */
bool sc_runline_use(const struct sc_runline *w, const char *name);
/* The first {name} of lower-case letters that is none of these; NULL: none. Borrowed from w. */
struct sc_str sc_runline_unknown(const struct sc_runline *w, const struct sc_placeholder *known,
                                 size_t count);
/* The words with every {name} replaced by its value, which is never cut into words itself. */
void sc_runline_fill(const struct sc_runline *w, const struct sc_placeholder *values, size_t count,
                     struct sc_runline *out);
