#pragma once
/* Addresses of clients. Pure. An IPv4 address is always itself here, also where a socket of both
 * families gives it as ::ffff:192.0.2.1. */

#include "sys/ip.h"

/* "192.0.2.1", "2001:db8::1"; false for everything else, zones and brackets too. */
bool sc_client_ip_parse(struct sc_str text, struct sc_ip *out);
/* False for other families and NULL. */
bool sc_client_ip_of(const struct sockaddr *from, struct sc_ip *out);
/* 127.0.0.0/8 or ::1? */
bool sc_ip_is_loopback(const struct sc_ip *ip);
/* What one customer of a network has: an IPv4 address, the first 64 bits of an IPv6 one. The same
 * number for all addresses of it, another one for all others that anybody has. */
uint64_t sc_ip_customer(const struct sc_ip *ip);
