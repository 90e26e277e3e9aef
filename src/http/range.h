#pragma once
/* Pure parsers of the headers that partial and conditional answers need (RFC 9110). */

#include "base/str.h"

enum sc_range {
    SC_RANGE_NONE, /* absent, malformed, several ranges, another unit: answer the whole */
    SC_RANGE_PART,
    SC_RANGE_UNSATISFIABLE,
};
/* Bytes [*start, *start + *len) of a representation of `size` bytes; both are set for PART only. */
enum sc_range sc_range_parse(struct sc_str header, int64_t size, int64_t *start, int64_t *len);
/* Does If-None-Match name the tag (weak comparison)? etag is quoted. */
bool sc_etag_listed(struct sc_str header, struct sc_str etag);
/* What a tag may name behind its own digits: a version of something, ID-DIGITS.VERSION. */
struct sc_etag_version {
    int64_t id, version; /* version 0: it names none */
    char digits[17];     /* sixteen of the version's checksum */
};
/* Does one of the tags name this very version? */
bool sc_etag_names(struct sc_str header, const struct sc_etag_version *version);
/* The first of the tags that names a version of thing `id`; false: none does. */
bool sc_etag_version_of(struct sc_str header, int64_t id, struct sc_etag_version *out);
/* Is the header a list of tags as the standard writes them, or "*"? */
bool sc_etag_list_is_valid(struct sc_str header);
/* Does If-Range allow a partial answer: is it this very tag, and a strong one? Dates never match.
 */
bool sc_etag_is(struct sc_str header, struct sc_str etag);
