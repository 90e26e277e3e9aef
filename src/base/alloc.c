#include "base/alloc.h"

#include "base/fault.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

void sc_out_of_memory(void)
{
    (void)fprintf(stderr, "scripta: out of memory\n");
    abort();
}

static void *need(void *p)
{
    if (p == NULL)
        sc_out_of_memory();
    return p;
}

static bool small_fails(void)
{
    return SC_FAULT("memory.small");
}

static bool sized_fails(void)
{
    return SC_FAULT("memory.sized");
}

void sc_assert_failed(const char *cond, const char *file, int line, const char *func)
{
    (void)fprintf(stderr, "scripta: bug: %s (%s:%d in %s)\n", cond, file, line, func);
    abort();
}

void *sc_alloc(size_t size)
{
    return need(small_fails() ? NULL : calloc(1, size == 0 ? 1 : size));
}

void *sc_alloc_array(size_t count, size_t size)
{
    return need(small_fails() ? NULL : calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

char *sc_strdup(const char *text)
{
    return need(small_fails() ? NULL : strdup(text));
}

char *sc_strndup(const char *text, size_t len)
{
    return need(small_fails() ? NULL : strndup(text, len));
}

char *sc_asprintf(const char *fmt, ...)
{
    char *out = NULL;
    va_list args;
    if (small_fails())
        sc_out_of_memory();
    va_start(args, fmt);
    int n = vasprintf(&out, fmt, args);
    va_end(args);
    return n < 0 ? need(NULL) : out;
}

void *sc_try_alloc(size_t size)
{
    return sized_fails() ? NULL : calloc(1, size == 0 ? 1 : size);
}

void *sc_try_alloc_aligned(size_t align, size_t size)
{
    void *out = NULL;
    return sized_fails() || posix_memalign(&out, align, size) != 0 ? NULL : out;
}

static bool grow(void **items, size_t *cap, size_t need_count, size_t size, bool (*fails)(void))
{
    if (need_count <= *cap)
        return true;
    size_t grown = *cap < 8 ? 8 : *cap * 2;
    if (grown < need_count)
        grown = need_count;
    if (size == 0 || grown > SIZE_MAX / size || fails())
        return false;
    void *p = realloc(*items, grown * size);
    if (p == NULL)
        return false;
    *items = p;
    *cap = grown;
    return true;
}

bool sc_try_grow(void **items, size_t *cap, size_t need_count, size_t size)
{
    return grow(items, cap, need_count, size, sized_fails);
}

void sc_grow(void **items, size_t *cap, size_t need_count, size_t size)
{
    if (!grow(items, cap, need_count, size, small_fails))
        sc_out_of_memory();
}
