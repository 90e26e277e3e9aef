#pragma once
/* A growing byte buffer with a limit. `failed` is sticky: ten appends need one check at the end.
 * Always NUL-terminated behind len while ptr is not NULL. Not thread-safe. */

#include "base/macros.h"
#include "base/str.h"

struct sc_buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t limit; /* 0: SC_BUF_LIMIT */
    bool failed;  /* limit passed or memory exhausted; the content is then cut, not to be used */
};

#define SC_BUF_LIMIT ((size_t)64 << 20)
#define SC_AUTO_BUF SC_AUTO(sc_buf_done) struct sc_buf

void sc_buf_done(struct sc_buf *b);
/* Keeps the memory, drops content and the failed mark. */
void sc_buf_reset(struct sc_buf *b);
void sc_buf_append(struct sc_buf *b, const void *bytes, size_t len);
void sc_buf_puts(struct sc_buf *b, const char *text);
void sc_buf_put_str(struct sc_buf *b, struct sc_str s);
void sc_buf_putc(struct sc_buf *b, char c);
void sc_buf_printf(struct sc_buf *b, const char *fmt, ...) SC_PRINTF(2, 3);
/* Room for at least `len` more bytes behind ptr+len, or NULL (failed set). The caller raises len.
 */
char *sc_buf_reserve(struct sc_buf *b, size_t len);
char *sc_buf_extend_slowly(struct sc_buf *b, size_t len);
/* Makes len more bytes part of the content and returns them, for the caller to write; NULL (failed
 * set) when there is no room. */
static inline char *sc_buf_extend(struct sc_buf *b, size_t len)
{
    if (b->failed || b->limit != 0 || len >= b->cap - b->len || len > SC_BUF_LIMIT - b->len)
        return sc_buf_extend_slowly(b, len);
    char *at = b->ptr + b->len;
    at[len] = '\0';
    b->len += len;
    return at;
}
/* Drops the first n bytes. */
void sc_buf_consume(struct sc_buf *b, size_t n);
/* Moves the NUL-terminated content out ("" never NULL); NULL when failed. The buffer is empty. */
char *sc_buf_take(struct sc_buf *b);

static inline struct sc_str sc_buf_str(const struct sc_buf *b)
{
    return (struct sc_str){ b->ptr == NULL ? "" : b->ptr, b->len };
}
/* The content as text; "" for an empty buffer. Borrowed until the next call on b. */
static inline const char *sc_buf_text(const struct sc_buf *b)
{
    return b->ptr == NULL ? "" : b->ptr;
}
