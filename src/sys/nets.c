#include "sys/nets.h"

#include <string.h>

#include "base/banned.h"

bool sc_client_ip_parse(struct sc_str text, struct sc_ip *out)
{
    struct sc_ip ip;
    if (!sc_ip_parse(text, &ip))
        return false;
    *out = sc_ip_unmapped(&ip);
    return true;
}

bool sc_client_ip_of(const struct sockaddr *from, struct sc_ip *out)
{
    struct sc_ip ip;
    if (from == NULL || !sc_ip_from_sockaddr(from, &ip))
        return false;
    *out = sc_ip_unmapped(&ip);
    return true;
}

bool sc_ip_is_loopback(const struct sc_ip *ip)
{
    static const struct sc_ip v6 = { .v6 = true, .bytes = { [15] = 1 } };
    return ip->v6 ? sc_ip_equal(ip, &v6) : ip->bytes[0] == 127;
}

uint64_t sc_ip_customer(const struct sc_ip *ip)
{
    /* IPv4 behind bits that no network of IPv6 begins with. */
    uint64_t number = ip->v6 ? 0 : 0xffff;
    for (int i = 0; i < (ip->v6 ? 8 : 4); i++)
        number = number << 8 | ip->bytes[i];
    return number;
}
