#include "base/buf.h"

#include "base/alloc.h"

#include <stdarg.h>

#include "base/banned.h"

#define FIRST 128 /* most buffers become an answer: the first steps of growing are left out */

/* Makes room for len more bytes and the NUL behind them. */
static bool grow(struct sc_buf *b, size_t len)
{
    size_t limit = b->limit == 0 ? SC_BUF_LIMIT : b->limit;
    if (b->failed)
        return false;
    bool fits = b->len <= limit && len <= limit - b->len;
    if (fits && b->len + len < b->cap)
        return true;
    void *p = b->ptr;
    if (!fits || !sc_try_grow(&p, &b->cap, SC_MAX(b->len + len + 1, FIRST), 1)) {
        b->failed = true;
        return false;
    }
    b->ptr = p;
    return true;
}

void sc_buf_done(struct sc_buf *b)
{
    free(b->ptr);
    *b = (struct sc_buf){ 0 };
}

void sc_buf_reset(struct sc_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->ptr != NULL)
        b->ptr[0] = '\0';
}

void sc_buf_append(struct sc_buf *b, const void *bytes, size_t len)
{
    if (len == 0 || !grow(b, len))
        return;
    memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
    b->ptr[b->len] = '\0';
}

void sc_buf_puts(struct sc_buf *b, const char *text)
{
    sc_buf_append(b, text, strlen(text));
}

void sc_buf_put_str(struct sc_buf *b, struct sc_str s)
{
    sc_buf_append(b, s.ptr, s.len);
}

void sc_buf_putc(struct sc_buf *b, char c)
{
    sc_buf_append(b, &c, 1);
}

void sc_buf_printf(struct sc_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) {
        b->failed = true;
        return;
    }
    if (!grow(b, (size_t)n))
        return;
    va_start(args, fmt);
    (void)vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}

char *sc_buf_reserve(struct sc_buf *b, size_t len)
{
    if (!grow(b, len))
        return NULL;
    /* Zeroed so that the content stays terminated when the caller raises len. */
    memset(b->ptr + b->len, 0, len + 1);
    return b->ptr + b->len;
}

char *sc_buf_extend_slowly(struct sc_buf *b, size_t len)
{
    if (!grow(b, len))
        return NULL;
    char *at = b->ptr + b->len;
    at[len] = '\0';
    b->len += len;
    return at;
}

void sc_buf_consume(struct sc_buf *b, size_t n)
{
    sc_assert(n <= b->len);
    if (n == 0)
        return;
    memmove(b->ptr, b->ptr + n, b->len - n + 1);
    b->len -= n;
}

char *sc_buf_take(struct sc_buf *b)
{
    char *out = NULL;
    if (!b->failed)
        out = b->ptr == NULL ? sc_strdup("") : SC_TAKE(b->ptr);
    free(b->ptr);
    *b = (struct sc_buf){ .limit = b->limit };
    return out;
}
