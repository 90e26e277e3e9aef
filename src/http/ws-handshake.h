#pragma once
/* How a WebSocket is asked for: the headers of RFC 6455, section 4. Pure. */

#include "base/error.h"
#include "base/hash.h"
#include "base/str.h"

/* The subprotocol that we speak: JSON messages. */
#define SC_WS_PROTOCOL_NAME "scripta"
/* Browsers cannot set Authorization on a WebSocket, so a token may come as one more subprotocol:
 * "Sec-WebSocket-Protocol: scripta, bearer.TOKEN". It is never answered. */
#define SC_WS_BEARER "bearer."

/* Does a header that is a list hold the word, in any case? */
bool sc_ws_list_has(struct sc_str list, struct sc_str word);
/* 16 bytes in base64. */
bool sc_ws_key_is_good(struct sc_str key);
/* Sec-WebSocket-Accept for a good key. */
void sc_ws_accept(struct sc_str key, char out[SC_SHA1_BASE64]);
/* The token among the subprotocols; .len == 0: none. Borrowed from the list. */
struct sc_str sc_ws_bearer(struct sc_str protocols);
/* Is the page at `origin` served from `host` (a Host header)? Of http and https alike: a proxy may
 * end TLS before us. */
bool sc_origin_is_of_host(struct sc_str origin, struct sc_str host);
