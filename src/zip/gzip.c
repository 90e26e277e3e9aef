#include "zip/gzip.h"

#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/banned.h"

#define GZIP_WRAPPER 16
/* On JSON it gives four fifths of what the best does, in a quarter of its time. */
#define LEVEL Z_BEST_SPEED

#define OUT_BYTES ((size_t)16 << 10)

static bool open_stream(z_stream *z)
{
    return deflateInit2(z, LEVEL, Z_DEFLATED, MAX_WBITS + GZIP_WRAPPER, MAX_MEM_LEVEL,
                        Z_DEFAULT_STRATEGY) == Z_OK;
}

bool sc_gzip_begin(struct sc_gzip *g, sc_zip_fn fn, void *ctx)
{
    *g = (struct sc_gzip){ .fn = fn, .ctx = ctx };
    z_stream *z = sc_alloc(sizeof(*z));
    if (open_stream(z))
        g->stream = z;
    else
        free(z);
    return g->stream != NULL;
}

enum sc_code sc_gzip_put(struct sc_gzip *g, const char *bytes, size_t len, bool last,
                         struct sc_error *err)
{
    z_stream *z = g->stream;
    char out[OUT_BYTES];
    sc_assert(len <= UINT32_MAX);
    z->next_in = (Bytef *)(uintptr_t)bytes;
    z->avail_in = (uInt)len;
    do {
        z->next_out = (Bytef *)out;
        z->avail_out = sizeof(out);
        (void)deflate(z, last ? Z_FINISH : Z_NO_FLUSH); /* there is room, so it goes on */
        enum sc_code code = g->fn(g->ctx, out, sizeof(out) - z->avail_out, err);
        if (code != SC_OK)
            return code;
    } while (z->avail_out == 0);
    return SC_OK;
}

void sc_gzip_done(struct sc_gzip *g)
{
    if (g->stream != NULL)
        (void)deflateEnd(g->stream);
    free(g->stream);
    g->stream = NULL;
}

char *sc_gzip(const char *bytes, size_t len, size_t *out_len)
{
    z_stream z = { 0 };
    if (!open_stream(&z))
        return NULL;
    char *out = len > UINT32_MAX ? NULL : sc_try_alloc(len);
    bool done = false;
    if (out != NULL) {
        z.next_in = (Bytef *)(uintptr_t)bytes;
        z.avail_in = (uInt)len;
        z.next_out = (Bytef *)out;
        z.avail_out = (uInt)len;
        done = deflate(&z, Z_FINISH) == Z_STREAM_END;
        *out_len = z.total_out;
    }
    (void)deflateEnd(&z);
    if (!done)
        free(SC_TAKE(out));
    return out;
}

size_t sc_zlib_size(const char *bytes, size_t len)
{
    uLongf size = len > UINT32_MAX ? 0 : compressBound((uLong)len);
    Bytef *out SC_AUTO_FREE = size == 0 ? NULL : sc_try_alloc(size);
    if (out == NULL || compress(out, &size, (const Bytef *)bytes, (uLong)len) != Z_OK)
        return 0;
    return size;
}
