#pragma once
/* Names of hosts, and lists of hosts in settings: words separated by commas, each an address, a
 * network ("10.0.0.0/8"), a name (then whatever it points to), or "*" for everything. Pure; looks
 * up no names. */

#include "sys/ip.h"

#define SC_HOST_TEXT 254

/* Letters, digits, '-' and '_' in labels between dots, fewer than SC_HOST_TEXT bytes, and nothing
 * that a resolver would take for a number ("127.1", "0x7f000001"). */
bool sc_host_is_name(struct sc_str text);
/* Is text such a list? "" is one. */
bool sc_hosts_is_list(const char *text);
/* Of addresses and networks alone? A comma may end it. */
bool sc_hosts_is_net_list(const char *text);
/* Does the list (one that either of them takes) name the host, or the address that it has? NULL:
 * the other alone. */
bool sc_hosts_has(const char *list, const char *host, const struct sc_ip *ip);
