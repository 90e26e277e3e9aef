#pragma once
/* Answers that are made in pieces and may be long: what passes SC_SPILL_MEMORY goes to a file
 * without a name in the temp folder, so that the server's memory does not grow with it. They are
 * sent once they are whole: what cannot be made to its end is an error, not half an answer. */

#include "base/hash.h"
#include "http/http.h"

#define SC_SPILL_MEMORY ((size_t)256 << 10)

struct sc_spill {
    const char *dir; /* borrowed from the server */
    struct sc_buf buf;
    int fd;              /* -1: all of it is in buf */
    int64_t size;        /* of the file */
    struct sc_hash *sum; /* of the file; owned */
};
#define SC_AUTO_SPILL SC_AUTO(sc_spill_done) struct sc_spill

void sc_spill_init(struct sc_spill *s, struct sc_request *req);
void sc_spill_done(struct sc_spill *s);
/* Adds a piece. NO_SPACE, IO_ERROR of the temp folder. */
SC_MUST_USE enum sc_code sc_spill_put(struct sc_spill *s, const char *bytes, size_t len,
                                      struct sc_error *err);
/* Appends at most `most` bytes from `at` on to out; fewer only at the end. Nothing is put after it.
 */
SC_MUST_USE enum sc_code sc_spill_read(struct sc_spill *s, int64_t at, size_t most,
                                       struct sc_buf *out, struct sc_error *err);
/* 200 with what was put, which is sc_reply_bytes' for short ones and the same to the client for
 * others: types, tags, conditions, compression. Takes the content. */
struct sc_done *sc_reply_spill(struct sc_request *req, const char *content_type,
                               struct sc_spill *s);
