/* Who is at the other end, as far as the connection and the headers tell. Loopback may be open
 * without a token, so everything that can put strangers behind a loopback address is looked for: a
 * proxy on this machine, a web page that a browser on this machine shows (which reaches us by a
 * form or script, or by a name of its own that it lets point here), a listener that is not
 * loopback's. */
#include "http/http-internal.h"

#include "sys/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/banned.h"

bool sc_address_is_loopback(const struct sockaddr *a)
{
    static const unsigned char mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };
    if (a == NULL)
        return false;
    if (a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    if (a->sa_family != AF_INET6)
        return false;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) || memcmp(in6, mapped, sizeof(mapped)) == 0;
}

static bool is_port(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return true;
}

bool sc_host_is_loopback(struct sc_str host)
{
    char text[sizeof("255.255.255.255")];
    struct in_addr v4;
    struct sc_str rest = host;
    if (sc_str_starts(host, SC_STR("["))) {
        struct sc_str v6 = sc_str_take_until(&rest, ']');
        struct sc_str between = sc_str_take_until(&rest, ':');
        return sc_str_equal(v6, SC_STR("[::1")) && between.len == 0 && is_port(rest);
    }
    struct sc_str name = sc_str_take_until(&rest, ':');
    if (!is_port(rest))
        return false;
    if (sc_str_equal_nocase(name, SC_STR("localhost")))
        return true;
    /* Whole and numeric: 127.0.0.1.example is a name that anybody may own. */
    if (name.len == 0 || name.len >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s", (int)name.len, name.ptr);
    return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* A page served by this very address: its origin is "http://" and what it asked for as host. */
static bool is_same_origin(struct sc_str origin, struct sc_str host)
{
    struct sc_str scheme = SC_STR("http://");
    return sc_str_starts(origin, scheme) &&
           sc_str_equal_nocase((struct sc_str){ origin.ptr + scheme.len, origin.len - scheme.len },
                               host);
}

/* Images, sound and links of a page come without an Origin, but browsers say whose page it is; who
 * is no browser does not. What a page cannot read it can still measure, or hear. */
static bool is_from_another_site(struct sc_str site)
{
    return site.ptr != NULL && !sc_str_equal(site, SC_STR("same-origin")) &&
           !sc_str_equal(site, SC_STR("none"));
}

static const char *distrust(struct sc_request *req)
{
    static const char *const proxied[] = { "Forwarded",        "Via",       "X-Forwarded-For",
                                           "X-Forwarded-Host", "X-Real-IP", "X-Forwarded-Proto" };
    struct sc_str host = sc_request_header_n(req->conn, MHD_HTTP_HEADER_HOST);
    struct sc_str origin = sc_request_header_n(req->conn, MHD_HTTP_HEADER_ORIGIN);
    if (!req->listener->loopback)
        return "a server that listens beyond this machine needs a token at each address";
    for (size_t i = 0; i < SC_ARRAY_LEN(proxied); i++) {
        if (sc_request_header_n(req->conn, proxied[i]).ptr != NULL)
            return "what a proxy passes on needs a token";
    }
    if (!sc_host_is_loopback(host))
        return "a Host other than localhost, 127.0.0.1 or [::1] needs a token";
    if ((origin.ptr != NULL && !is_same_origin(origin, host)) ||
        is_from_another_site(sc_request_header_n(req->conn, "Sec-Fetch-Site")))
        return "a web page of another site needs a token";
    return NULL;
}

void sc_request_peer(struct sc_request *req, struct sc_peer *out)
{
    *out = (struct sc_peer){ .unix_socket = req->listener->is_unix };
    if (out->unix_socket)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info == NULL ? NULL : info->client_addr;
    if (address == NULL)
        return;
    if (address->sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr,
                        out->address, sizeof(out->address));
    else if (address->sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                        out->address, sizeof(out->address));
    if (!sc_address_is_loopback(address))
        return;
    out->distrust = distrust(req);
    out->loopback = out->distrust == NULL;
}
