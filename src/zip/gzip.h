#pragma once
/* Bytes as gzip, for bodies of HTTP, and how small they get. Pure. */

#include "zip/zip.h"

/* The bytes compressed, fast rather than small; the caller frees them. NULL: they would not be
 * smaller, or memory is exhausted; then they go as they are. */
char *sc_gzip(const char *bytes, size_t len, size_t *out_len);
/* The bytes of a zlib stream of these, at zlib's own default level: how well a text can be told in
 * fewer words. 0: no memory. */
size_t sc_zlib_size(const char *bytes, size_t len);

/* The same in pieces, for what is too long to be held. */
struct sc_gzip {
    sc_zip_fn fn; /* takes what comes out, in order */
    void *ctx;
    void *stream; /* zlib's; owned */
};
#define SC_AUTO_GZIP SC_AUTO(sc_gzip_done) struct sc_gzip
/* False: memory is exhausted. sc_gzip_done either way. */
bool sc_gzip_begin(struct sc_gzip *g, sc_zip_fn fn, void *ctx);
/* last: nothing comes behind it. What fn returns stops it with that code. */
SC_MUST_USE enum sc_code sc_gzip_put(struct sc_gzip *g, const char *bytes, size_t len, bool last,
                                     struct sc_error *err);
void sc_gzip_done(struct sc_gzip *g);
