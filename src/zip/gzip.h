#pragma once
/* Bytes as gzip, for bodies of HTTP. Pure. */

#include <stddef.h>

/* The bytes compressed, fast rather than small; the caller frees them. NULL: they would not be
 * smaller, or memory is exhausted; then they go as they are. */
char *sc_gzip(const char *bytes, size_t len, size_t *out_len);
