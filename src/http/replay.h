#pragma once
/* For requests that are carried out once and may be asked again: which request it is, what it was
 * answered, and an answer that repeats what the first one made. */

#include "http/http.h"

/* Its address as sent, with the query. */
const char *sc_request_uri(struct sc_request *req);
/* Answers with what GET of `path`, an address of ours without a query, would answer now, whatever
 * the request's own address is; without a tag, conditions or compression. */
struct sc_done *sc_reply_as_get(struct sc_request *req, const char *path);
/* handler's answer where the request has no If-Match, or names the tag of what GET of `path`, an
 * address of ours without a query, answers; else 412, or 400. Conditional changes run one at a
 * time. For calls whose own address has no GET: those of other methods are held against their own.
 */
struct sc_done *sc_reply_if_match(struct sc_request *req, const char *path, sc_handler_fn handler,
                                  void *app);
/* Of a route with SC_ROUTE_STALE: its If-Match (borrowed) when that names neither the tag that GET
 * answers nor its version. Nothing must be changed then. .ptr NULL: it fits, or there is none. */
struct sc_str sc_request_stale_tags(struct sc_request *req);
/* The version that If-Match named and that was current when the request came: what it changes is
 * that one, and nothing that came since. 0: it named none. */
int64_t sc_request_matched_version(const struct sc_request *req);
#define SC_STALE_MESSAGE "it has changed since it was read, or If-Match is none of its tags"
#define SC_ETAG_TEXT 80 /* in quotes: sixteen digits, and a version (struct sc_etag_version) */
/* The tag that GET of `path`, an address of ours without a query, has now, if it is of this
 * version; false: it is of another, or there is none. */
bool sc_request_tag_of(struct sc_request *req, const char *path, int64_t version,
                       char out[SC_ETAG_TEXT]);
/* Of the answer that the request has been given; 0: none yet. */
int sc_reply_status(const struct sc_request *req);
/* The value of a header that sc_reply_header has set, borrowed; NULL: it has not. */
const char *sc_reply_header_set(const struct sc_request *req, const char *name);
