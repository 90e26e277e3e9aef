#pragma once
/* Which addresses the server calls for its users. A URL that a user names could point back into the
 * house: at this machine, at a neighbour behind the same router, at the keys that a cloud hands its
 * machines. So what it names must be public, in two places: its text when it is written down, and
 * every address right before a socket connects to it (a name may point anywhere, and elsewhere the
 * next time). Whoever runs the server lists what is allowed beside that: `allow`, as sys/hosts.h
 * takes it. Pure. */

#include "base/error.h"
#include "sys/hosts.h"

#define SC_GUARD_URL 2048 /* bytes of a URL with its end */

struct sc_guard_target {
    char host[SC_HOST_TEXT]; /* lower case, without brackets */
    int port;
    bool tls;
};

/* Takes http:// and https:// URLs of one plain spelling: printable ASCII, a host's name or an
 * address as sc_ip_parse takes it, no user, no fragment, and of the ports below 1024 only 80 and
 * 443. INVALID_VALUE says what is wrong. *out may be NULL. */
SC_MUST_USE enum sc_code sc_guard_url(const char *url, const char *allow,
                                      struct sc_guard_target *out, struct sc_error *err);
/* May a socket connect to this address, which a host with that name has? */
bool sc_guard_allows(const char *allow, const char *host, const struct sc_ip *ip);
