/* Who is at the other end, as far as the connection and the headers tell. Loopback may be open
 * without a token, so everything that can put strangers behind a loopback address is looked for: a
 * proxy on this machine, a web page that a browser on this machine shows (which reaches us by a
 * form or script, or by a name of its own that it lets point here), a listener that is not
 * loopback's. */
#include "http/http-internal.h"

#include "http/forwarded.h"
#include "http/token.h"
#include "sys/hosts.h"
#include "sys/socket.h"

#include <arpa/inet.h>

#include "base/banned.h"

static bool is_port(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    }
    return true;
}

bool sc_list_has(const char *list, struct sc_str word)
{
    struct sc_str rest = sc_str_from(list);
    while (rest.len > 0) {
        if (sc_str_equal_nocase(sc_str_trim(sc_str_take_until(&rest, ',')), word))
            return word.len > 0;
    }
    return false;
}

bool sc_host_is_loopback(struct sc_str host, const char *names)
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
    if (sc_str_equal_nocase(name, SC_STR("localhost")) || sc_list_has(names, name))
        return true;
    /* Whole and numeric: 127.0.0.1.example is a name that anybody may own. */
    if (name.len == 0 || name.len >= sizeof(text))
        return false;
    (void)snprintf(text, sizeof(text), "%.*s", (int)name.len, name.ptr);
    return inet_pton(AF_INET, text, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

/* A page served by this very address: its origin is the scheme and what it asked for as host. */
static bool is_same_origin(const struct sc_request *req, struct sc_str origin, struct sc_str host)
{
    struct sc_str scheme = req->listener->tls ? SC_STR("https://") : SC_STR("http://");
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

static void judge_loopback(struct sc_request *req, struct sc_peer *out)
{
    static const char *const proxied[] = { "Forwarded",        "Via",       "X-Forwarded-For",
                                           "X-Forwarded-Host", "X-Real-IP", "X-Forwarded-Proto" };
    struct sc_str host = sc_request_header_n(req->conn, MHD_HTTP_HEADER_HOST);
    struct sc_str origin = sc_request_header_n(req->conn, MHD_HTTP_HEADER_ORIGIN);
    if (!req->listener->loopback)
        out->distrust = "a server that listens beyond this machine needs a token at each address";
    for (size_t i = 0; i < SC_ARRAY_LEN(proxied) && out->distrust == NULL; i++) {
        if (sc_request_header_n(req->conn, proxied[i]).ptr != NULL)
            out->distrust = "what a proxy passes on needs a token";
    }
    if (out->distrust == NULL && sc_authorization_is_unread(req->conn))
        out->distrust = "an Authorization header that is not one plain 'Bearer TOKEN' is not read, "
                        "and needs a token";
    if (out->distrust != NULL)
        return;
    if (!sc_host_is_loopback(host, sc_http_policy(req->http)->hosts))
        out->distrust = "a Host other than localhost, 127.0.0.1 or [::1] needs a token";
    else if ((origin.ptr != NULL && !is_same_origin(req, origin, host)) ||
             is_from_another_site(sc_request_header_n(req->conn, "Sec-Fetch-Site")))
        out->distrust = "a web page of another site needs a token";
    out->web_page = out->distrust != NULL;
    out->loopback = out->distrust == NULL;
}

struct chain {
    struct sc_buf text;
    struct sc_str name;
};

static enum MHD_Result add_line(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t len)
{
    struct chain *chain = cls;
    (void)kind;
    if (!sc_str_equal_nocase((struct sc_str){ name, name_len }, chain->name))
        return MHD_YES;
    if (chain->text.len > 0)
        sc_buf_putc(&chain->text, ',');
    sc_buf_append(&chain->text, value, len);
    return MHD_YES;
}

/* Only who is a trusted proxy is asked whom it speaks for. */
static void look_behind_proxies(struct sc_request *req, struct sc_ip *address)
{
    const struct sc_http_policy *policy = sc_http_policy(req->http);
    if (policy->trusted_proxies[0] == '\0' || !sc_hosts_has(policy->trusted_proxies, NULL, address))
        return;
    struct chain chain = { .name = policy->forwarded ? SC_STR("Forwarded")
                                                     : SC_STR("X-Forwarded-For") };
    (void)MHD_get_connection_values_n(req->conn, MHD_HEADER_KIND, add_line, &chain);
    sc_forwarded_client(policy->forwarded, sc_buf_str(&chain.text), policy->trusted_proxies,
                        address);
    sc_buf_done(&chain.text);
}

void sc_request_peer(struct sc_request *req, struct sc_peer *out)
{
    *out = (struct sc_peer){ .unix_socket = req->listener->is_unix };
    if (out->unix_socket)
        return;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out->known = info != NULL && sc_client_ip_of(info->client_addr, &out->address);
    if (!out->known)
        return;
    if (sc_ip_is_loopback(&out->address))
        judge_loopback(req, out);
    look_behind_proxies(req, &out->address);
}
