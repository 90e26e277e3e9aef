#pragma once
/* Memory. sc_alloc* abort when memory is exhausted and are for small objects of fixed size;
 * sc_try_alloc returns NULL and is for sizes that derive from input. An abort costs nothing that
 * was acknowledged: it is a killed process. Builds with faults fail here at the points
 * `memory.small` and `memory.sized` (tests/unit/daemon/test-memory.c). */

#include "base/macros.h"

#include <stdbool.h>

/* Zeroed memory for one small object; never NULL. Owned by the caller: free(). */
void *sc_alloc(size_t size);
/* Zeroed array; never NULL. Aborts on overflow. */
void *sc_alloc_array(size_t count, size_t size);
/* Copies of text; never NULL. */
char *sc_strdup(const char *text);
char *sc_strndup(const char *text, size_t len);
/* Formatted text; never NULL. */
char *sc_asprintf(const char *fmt, ...) SC_PRINTF(1, 2);

/* Says so and aborts; for whoever else has no way to answer. */
SC_NORETURN void sc_out_of_memory(void);

/* Zeroed memory or NULL. */
void *sc_try_alloc(size_t size);
/* Memory as it is, at a multiple of align (a power of two), or NULL. */
void *sc_try_alloc_aligned(size_t align, size_t size);

/* Grows *items (elements of `size` bytes) so that `need` fit, doubling; false when memory is
 * exhausted, *items then unchanged. */
bool sc_try_grow(void **items, size_t *cap, size_t need, size_t size);
/* The same for lists of small objects: aborts. */
void sc_grow(void **items, size_t *cap, size_t need, size_t size);
