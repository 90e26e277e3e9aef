#pragma once
/* Pure parsers of what a client says that it takes (RFC 9110, 12.5). */

#include "base/str.h"

/* Does Accept-Encoding, .ptr == NULL: absent, take gzip rather than nothing? Not when it does not
 * name it, and not when it prefers identity. */
bool sc_accepts_gzip(struct sc_str header);
/* Does Accept take this type, such as "application/json; charset=utf-8"? Absent, empty or malformed
 * takes all. The most specific range decides; parameters of ranges are not compared. */
bool sc_accepts_type(struct sc_str header, struct sc_str type);
