#include "base/alloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"

static void *need(void *p)
{
    if (p == NULL)
        sc_assert_failed("out of memory", __FILE__, __LINE__, __func__);
    return p;
}

void sc_assert_failed(const char *cond, const char *file, int line, const char *func)
{
    (void)fprintf(stderr, "scripta: bug: %s (%s:%d in %s)\n", cond, file, line, func);
    abort();
}

void *sc_alloc(size_t size)
{
    return need(calloc(1, size == 0 ? 1 : size));
}

void *sc_alloc_array(size_t count, size_t size)
{
    return need(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

char *sc_strdup(const char *text)
{
    return need(strdup(text));
}

char *sc_strndup(const char *text, size_t len)
{
    return need(strndup(text, len));
}

char *sc_asprintf(const char *fmt, ...)
{
    char *out = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&out, fmt, args);
    va_end(args);
    return n < 0 ? need(NULL) : out;
}

void *sc_try_alloc(size_t size)
{
    return calloc(1, size == 0 ? 1 : size);
}

bool sc_try_grow(void **items, size_t *cap, size_t need_count, size_t size)
{
    if (need_count <= *cap)
        return true;
    size_t grown = *cap < 8 ? 8 : *cap * 2;
    if (grown < need_count)
        grown = need_count;
    if (size == 0 || grown > SIZE_MAX / size)
        return false;
    void *p = realloc(*items, grown * size);
    if (p == NULL)
        return false;
    *items = p;
    *cap = grown;
    return true;
}
