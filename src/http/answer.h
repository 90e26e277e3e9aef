#pragma once
/* What a handler may say of the answer that it is about to give, and an answer in parts. */

#include "http/http.h"
#include "http/range.h"

/* The JSON that follows is what GET of this address answers now: it gets the tag of that. */
void sc_reply_is_as_get(struct sc_request *req);
/* What is answered to GET is this version of something: its tag says so. */
void sc_reply_is_version(struct sc_request *req, const struct sc_etag_version *version);
/* It goes out also where Accept takes none of its type: to clients that know what they get. */
void sc_reply_is_any_type(struct sc_request *req);
/* Like sc_reply_file() (Range, If-None-Match, HEAD), of bytes in memory, whose content is taken.
 * Their tag is made of them. */
struct sc_done *sc_reply_bytes_or_part(struct sc_request *req, const char *content_type,
                                       struct sc_buf *body);
