#pragma once
/* Bytes as gzip, for bodies of HTTP, and how small they get. Pure. */

#include <stddef.h>

/* The bytes compressed, fast rather than small; the caller frees them. NULL: they would not be
 * smaller, or memory is exhausted; then they go as they are. */
char *sc_gzip(const char *bytes, size_t len, size_t *out_len);
/* The bytes of a zlib stream of these, at zlib's own default level: how well a text can be told in
 * fewer words. 0: no memory. */
size_t sc_zlib_size(const char *bytes, size_t len);
