#pragma once
/* Borrowed slices of bytes, not NUL-terminated. Parsers take these. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sc_str {
    const char *ptr;
    size_t len;
};

#define SC_STR(literal) ((struct sc_str){ (literal), sizeof(literal) - 1 })

static inline struct sc_str sc_str_from(const char *text)
{
    return (struct sc_str){ text, text == NULL ? 0 : strlen(text) };
}

bool sc_str_equal(struct sc_str a, struct sc_str b);
/* ASCII case-insensitive equality. */
bool sc_str_equal_nocase(struct sc_str a, struct sc_str b);
bool sc_str_starts(struct sc_str s, struct sc_str prefix);
bool sc_str_ends(struct sc_str s, struct sc_str suffix);
/* Without ASCII white space at both ends. */
struct sc_str sc_str_trim(struct sc_str s);
/* Cuts off and returns what stands before the first `sep` (all of it when there is none). */
struct sc_str sc_str_take_until(struct sc_str *rest, char sep);

/* Whole-text number parsers: false on empty text, other signs, overflow; *out then untouched. */
bool sc_str_to_int64(struct sc_str s, int64_t *out);
bool sc_str_to_double(struct sc_str s, double *out);
/* Accepts on/off, true/false, yes/no, 1/0. */
bool sc_str_to_bool(struct sc_str s, bool *out);
/* "250", "64k", "20G" (powers of 1024) in bytes. */
bool sc_str_to_size(struct sc_str s, int64_t *out);
