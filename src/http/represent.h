#pragma once
/* What stands between a handler and what goes out: conditions, tags, types, compression. */

#include "http/http.h"

/* ---- precondition.c: a change that names the tag of what it changes ---- */

bool sc_request_is_conditional(struct sc_request *req);
/* Is the tag still the right one? False: the request has its answer. Under match_lock. */
bool sc_request_still_matches(struct sc_request *req);
/* What a handler returns whose request has been answered already. */
struct sc_done *sc_reply_given(struct sc_request *req);

/* ---- represent.c ---- */

enum sc_represented {
    SC_REPRESENTED,
    SC_REPRESENTED_KNOWN,   /* the client has it: 304 */
    SC_REPRESENTED_REFUSED, /* the client does not take its type: 406 */
};
/* Does whoever reads have the bytes of that tag (in quotes) already? A request that changes things
 * is never told 304 (RFC 9110, 13.2.2). */
bool sc_request_has(struct sc_request *req, const char *tag);
/* 200 with a file that nobody else names; takes fd. */
struct sc_done *sc_reply_whole_file(struct sc_request *req, int fd, int64_t size,
                                    const char *content_type, const char *sum);
/* A file for reading and writing that goes when it is closed (spill.c). */
SC_MUST_USE enum sc_code sc_nameless_file(const char *dir, int *fd, struct sc_error *err);
/* Makes of the body of a 200 what goes out, with its headers; *bytes is the caller's. */
enum sc_represented sc_represent(struct sc_request *req, struct sc_str type, char **bytes,
                                 size_t *len);
/* The same of a body that lies in a file, whose SHA-256 is known; *fd is the caller's. */
enum sc_represented sc_represent_file(struct sc_request *req, struct sc_str type, const char *sum,
                                      int *fd, int64_t *len);
/* Tags a body that goes out as it is, or in parts: req->tag. False: the client does not take its
 * type. */
SC_MUST_USE bool sc_represent_as_it_is(struct sc_request *req, struct sc_str type,
                                       const char *bytes, size_t len);
