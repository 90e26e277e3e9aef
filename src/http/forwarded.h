#pragma once
/* Whom proxies speak for: X-Forwarded-For and Forwarded (RFC 7239). Pure. */

#include "sys/nets.h"

/* In: who is connected. Out: who asks, by the word of proxies that are in the list `trusted` alone:
 * from the right, which they wrote, to the first address that is none of them. chain: the lines of
 * the header, in order, with commas between them. What cannot be read ends the search: then the
 * last proxy stands for its client. */
void sc_forwarded_client(bool rfc7239, struct sc_str chain, const char *trusted,
                         struct sc_ip *client);
