#pragma once
/* How a token of ours is sent. */

#include "base/str.h"

/* What begins otherwise is a key for some other service. */
#define SC_TOKEN_PREFIX "scripta_"

struct MHD_Connection;

/* The token of the one "Authorization: Bearer TOKEN", or empty: there is none, or it is no such
 * line. */
struct sc_str sc_authorization_token(struct MHD_Connection *conn);
/* Several Authorization headers, or one that holds a token of ours in another form than that: its
 * sender means to be somebody, and may not be taken for anybody else. */
bool sc_authorization_is_unread(struct MHD_Connection *conn);
