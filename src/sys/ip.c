#include "sys/ip.h"

#include "base/macros.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/banned.h"

bool sc_ip_parse(struct sc_str text, struct sc_ip *out)
{
    char copy[SC_IP_TEXT];
    struct sc_ip ip = { 0 };
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    ip.v6 = strchr(copy, ':') != NULL;
    if (inet_pton(ip.v6 ? AF_INET6 : AF_INET, copy, ip.bytes) != 1)
        return false;
    *out = ip;
    return true;
}

bool sc_ip_from_sockaddr(const struct sockaddr *address, struct sc_ip *out)
{
    struct sc_ip ip = { .v6 = address->sa_family == AF_INET6 };
    /* What comes as bytes may stand anywhere: copied, not cast. */
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof(in));
        memcpy(ip.bytes, &in.sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof(in6));
        memcpy(ip.bytes, &in6.sin6_addr, 16);
    } else {
        return false;
    }
    *out = ip;
    return true;
}

const char *sc_ip_format(const struct sc_ip *ip, char out[SC_IP_TEXT])
{
    sc_assert(inet_ntop(ip->v6 ? AF_INET6 : AF_INET, ip->bytes, out, SC_IP_TEXT) != NULL);
    return out;
}

struct sc_ip sc_ip_unmapped(const struct sc_ip *ip)
{
    static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };
    struct sc_ip out = { 0 };
    if (!ip->v6 || memcmp(ip->bytes, prefix, sizeof(prefix)) != 0)
        return *ip;
    memcpy(out.bytes, ip->bytes + 12, 4);
    return out;
}

bool sc_ip_equal(const struct sc_ip *a, const struct sc_ip *b)
{
    return a->v6 == b->v6 && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* The first `bits` bits are the same. */
static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
    size_t whole = (size_t)bits / 8;
    int rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool sc_subnet_holds(const struct sc_subnet *net, const struct sc_ip *ip)
{
    return net->base.v6 == ip->v6 && same_bits(net->base.bytes, ip->bytes, net->bits);
}

/* No bit behind the network's own. */
static bool is_base(const struct sc_ip *ip, int bits)
{
    struct sc_ip cut = { .v6 = ip->v6 };
    for (int i = 0; i < bits; i++)
        cut.bytes[i / 8] |= ip->bytes[i / 8] & (unsigned char)(0x80u >> (i % 8));
    return sc_ip_equal(&cut, ip);
}

/* A whole number without sign or leading zeros, at most `most`. */
static bool parse_bits(struct sc_str text, int most, int *out)
{
    int64_t number;
    bool plain = text.len > 0 && text.len <= 3 && text.ptr[0] != '-' &&
                 (text.len == 1 || text.ptr[0] != '0');
    if (!plain || !sc_str_to_int64(text, &number) || number > most)
        return false;
    *out = (int)number;
    return true;
}

bool sc_subnet_parse(struct sc_str text, struct sc_subnet *out)
{
    struct sc_subnet net = { 0 };
    struct sc_str rest = text;
    struct sc_str address = sc_str_take_until(&rest, '/');
    if (!sc_ip_parse(address, &net.base))
        return false;
    net.bits = net.base.v6 ? 128 : 32;
    if (address.len < text.len && !parse_bits(rest, net.bits, &net.bits))
        return false;
    if (!is_base(&net.base, net.bits))
        return false;
    *out = net;
    return true;
}

struct block {
    unsigned char bytes[16];
    int bits;
};

static bool in_blocks(const struct sc_ip *ip, const struct block *blocks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (same_bits(blocks[i].bytes, ip->bytes, blocks[i].bits))
            return true;
    }
    return false;
}

/* IANA's registries of special-purpose addresses. */
static const struct block special_v4[] = {
    { { 0 }, 8 },             /* this network */
    { { 10 }, 8 },            /* private */
    { { 100, 64 }, 10 },      /* between carriers and their customers */
    { { 127 }, 8 },           /* loopback */
    { { 169, 254 }, 16 },     /* link-local; clouds answer there for a machine's own keys */
    { { 172, 16 }, 12 },      /* private */
    { { 192, 0, 0 }, 24 },    /* protocol assignments */
    { { 192, 0, 2 }, 24 },    /* documentation */
    { { 192, 31, 196 }, 24 }, /* AS112 */
    { { 192, 52, 193 }, 24 }, /* AMT */
    { { 192, 88, 99 }, 24 },  /* relays of 6to4 */
    { { 192, 168 }, 16 },     /* private */
    { { 192, 175, 48 }, 24 }, /* AS112 */
    { { 198, 18 }, 15 },      /* benchmarks */
    { { 198, 51, 100 }, 24 }, /* documentation */
    { { 203, 0, 113 }, 24 },  /* documentation */
    { { 224 }, 4 },           /* multicast */
    { { 240 }, 4 },           /* reserved, and the broadcast address */
};
/* Within 2000::/3, outside of which no address is anybody's. */
static const struct block special_v6[] = {
    { { 0x20, 0x01, 0x00 }, 23 },             /* Teredo, ORCHID, benchmarks, … */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32 },       /* documentation */
    { { 0x20, 0x02 }, 16 },                   /* 6to4 */
    { { 0x26, 0x20, 0x00, 0x4f, 0x80 }, 48 }, /* AS112 */
    { { 0x3f, 0xfe }, 16 },                   /* a test network of old */
    { { 0x3f, 0xff }, 20 },                   /* documentation */
};

bool sc_ip_is_public(const struct sc_ip *ip)
{
    static const struct block global_v6 = { { 0x20 }, 3 };
    if (!ip->v6)
        return !in_blocks(ip, special_v4, SC_ARRAY_LEN(special_v4));
    return in_blocks(ip, &global_v6, 1) && !in_blocks(ip, special_v6, SC_ARRAY_LEN(special_v6));
}
