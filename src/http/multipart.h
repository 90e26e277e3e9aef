#pragma once
/* multipart/form-data (RFC 7578, RFC 2046) from slices of any size. Pure; holds one part's header
 * lines at a time, never its content. Not thread-safe. */

#include "base/buf.h"
#include "base/error.h"

#define SC_BOUNDARY_MAX 70 /* signs, as RFC 2046 has it */

/* Borrowed for the call. */
struct sc_part {
    const char *name;     /* "": none was given */
    const char *filename; /* NULL: none was given */
};

/* Called from sc_multipart_feed; a code that is not SC_OK ends the form. bytes comes any number of
 * times behind each begin, none for an empty part. */
struct sc_multipart_ops {
    enum sc_code (*begin)(void *ctx, const struct sc_part *part, struct sc_error *err);
    enum sc_code (*bytes)(void *ctx, const char *bytes, size_t len, struct sc_error *err);
};

/* The boundary of a Content-Type. UNSUPPORTED_TYPE for other types, for one without a boundary and
 * for one that is too long or holds what no boundary may. */
SC_MUST_USE enum sc_code sc_multipart_boundary(struct sc_str content_type,
                                               char out[SC_BOUNDARY_MAX + 1], struct sc_error *err);

struct sc_multipart;
/* ops are borrowed for the life of the reader, boundary for the call. */
struct sc_multipart *sc_multipart_new(const char *boundary, const struct sc_multipart_ops *ops,
                                      void *ctx);
void sc_multipart_free(struct sc_multipart *m);
SC_DEFINE_FREEP(struct sc_multipart, sc_multipart_free);
/* INVALID_REQUEST for what is no such form; what ops return. Nothing may be fed afterwards. */
SC_MUST_USE enum sc_code sc_multipart_feed(struct sc_multipart *m, const char *bytes, size_t len,
                                           struct sc_error *err);
/* Has the last boundary been seen? */
bool sc_multipart_is_whole(const struct sc_multipart *m);

/* The file's name in a Content-Disposition (RFC 6266): filename* before filename. Appended to out;
 * false: there is none, or it is malformed. Not necessarily UTF-8. */
bool sc_disposition_name(struct sc_str value, struct sc_buf *out);
