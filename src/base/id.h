#pragma once
/* Random bytes and identifiers. */

#include "base/macros.h"
#include "base/str.h"

#define SC_UUID_TEXT 37

/* UUID version 7 (RFC 9562) as lower-case text; strictly increasing within the process even when
 * the wall clock steps back. Thread-safe. */
void sc_uuid7(char out[SC_UUID_TEXT]);
/* Is this the text of a UUID (lower case, hyphens in place)? */
bool sc_uuid_is_valid(struct sc_str text);
/* Bytes from the kernel; aborts when there are none. */
void sc_random_bytes(void *out, size_t len);
