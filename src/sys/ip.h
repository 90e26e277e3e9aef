#pragma once
/* Internet addresses as values: plain spellings, networks, and which of them the whole world can
 * reach. Pure; looks up no names. */

#include "base/str.h"

struct sockaddr;

struct sc_ip {
    bool v6;
    unsigned char bytes[16]; /* in network order; four of them without v6, the others 0 */
};

#define SC_IP_TEXT 46

/* "192.0.2.1" (four decimal numbers without leading zeros) or "2001:db8::1" (no brackets, no zone);
 * every other spelling is false, and *out then untouched. */
bool sc_ip_parse(struct sc_str text, struct sc_ip *out);
/* Of AF_INET and AF_INET6; false for another family. */
bool sc_ip_from_sockaddr(const struct sockaddr *address, struct sc_ip *out);
/* Returns out. */
const char *sc_ip_format(const struct sc_ip *ip, char out[SC_IP_TEXT]);
/* ::ffff:192.0.2.1 as 192.0.2.1, which is how a socket of both families names such a peer; others
 * as they are. */
struct sc_ip sc_ip_unmapped(const struct sc_ip *ip);
bool sc_ip_equal(const struct sc_ip *a, const struct sc_ip *b);
/* May it belong to a host that anybody can reach? False for this host, private and link-local
 * networks, those of carriers (100.64.0.0/10), multicast, documentation, what is reserved, and for
 * IPv6 addresses that stand for an IPv4 address (mapped, NAT64, 6to4, Teredo). */
bool sc_ip_is_public(const struct sc_ip *ip);

struct sc_subnet {
    struct sc_ip base;
    int bits;
};

/* "10.0.0.0/8", "fd00::/8", or an address, which is a network of one. False for anything else, also
 * for "10.1.2.3/8", which names a host in a network. *out then untouched. */
bool sc_subnet_parse(struct sc_str text, struct sc_subnet *out);
/* Networks of IPv4 hold no IPv6 address, and the reverse. */
bool sc_subnet_holds(const struct sc_subnet *net, const struct sc_ip *ip);
