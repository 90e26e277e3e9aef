#pragma once
/* The body that is, or holds, a file (spool.c). */

#include "http/body.h"

struct sc_spool;
/* NULL and err when the request's type is none that its route takes, and what begin of an APPEND
 * route says. */
struct sc_spool *sc_spool_new(struct sc_request *req, struct sc_error *err);
void sc_spool_free(struct sc_spool *spool);
SC_DEFINE_FREEP(struct sc_spool, sc_spool_free);
/* Errors are kept until the end: nothing is answered before the body has been read. */
void sc_spool_feed(struct sc_spool *spool, const char *bytes, size_t len);
/* Bytes that came after the first error. */
int64_t sc_spool_drained(const struct sc_spool *spool);
SC_MUST_USE enum sc_code sc_spool_finish(struct sc_spool *spool, struct sc_error *err);
void sc_spool_each_field(struct sc_spool *spool, sc_pair_fn fn, void *ctx);
const struct sc_spooled *sc_spool_file(struct sc_spool *spool);
void sc_spool_file_taken(struct sc_spool *spool);
/* Tells the application the end of a piece that its handler has not taken and will not. */
void sc_spool_end(struct sc_spool *spool);
void *sc_spool_append_take(struct sc_spool *spool, int64_t *bytes);
struct sc_hash *sc_spool_hash_take(struct sc_spool *spool);
bool sc_spool_is_form(const struct sc_spool *spool);
bool sc_spool_appends(const struct sc_spool *spool);
