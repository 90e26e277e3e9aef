#pragma once
/* What a handler may say of the answer that it is about to give. */

#include "http/http.h"

/* The JSON that follows is what GET of this address answers now: it gets the tag of that. */
void sc_reply_is_as_get(struct sc_request *req);
/* It goes out also where Accept takes none of its type: to clients that know what they get. */
void sc_reply_is_any_type(struct sc_request *req);
