#include "net/guard.h"

#include "sys/hosts.h"

#include "base/banned.h"

bool sc_guard_allows(const char *allow, const char *host, const struct sc_ip *ip)
{
    return sc_ip_is_public(ip) || sc_hosts_has(allow, host, ip);
}

static enum sc_code refuse(struct sc_error *err, const char *why)
{
    return sc_error_set(err, SC_E_INVALID_VALUE, "%s", why);
}

static enum sc_code check_signs(struct sc_str url, struct sc_error *err)
{
    for (size_t i = 0; i < url.len; i++) {
        char c = url.ptr[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
            return refuse(err, "the address holds signs that must be percent-encoded, or a host "
                               "that must be written in ASCII (xn--…)");
        if (c == '#')
            return refuse(err, "the address has a fragment (#…), which no server gets to see");
    }
    return SC_OK;
}

/* "": the port of the scheme. */
static bool parse_port(struct sc_str text, bool tls, int *out)
{
    int64_t port = tls ? 443 : 80;
    bool plain = text.len == 0 || (text.len <= 5 && text.ptr[0] >= '1' && text.ptr[0] <= '9');
    if (!plain || (text.len > 0 && !sc_str_to_int64(text, &port)) || port > 65535)
        return false;
    *out = (int)port;
    return true;
}

/* "host", "host:port", "[address]:port"; a ':' wants a port behind it. */
static bool split_authority(struct sc_str authority, struct sc_str *host, struct sc_str *port,
                            bool *brackets)
{
    struct sc_str rest = authority;
    *brackets = authority.len > 0 && authority.ptr[0] == '[';
    *host = sc_str_take_until(&rest, *brackets ? ']' : ':');
    *port = rest;
    if (!*brackets)
        return host->len == authority.len || rest.len > 0;
    /* take_until drops the bracket, which may be missing */
    bool closed = host->len < authority.len;
    *host = (struct sc_str){ host->ptr + 1, host->len - 1 };
    if (!closed || (rest.len > 0 && (rest.ptr[0] != ':' || rest.len == 1)))
        return false;
    if (rest.len > 0)
        *port = (struct sc_str){ rest.ptr + 1, rest.len - 1 };
    return true;
}

static bool parse_host(struct sc_str host, bool brackets, bool *literal, struct sc_ip *ip)
{
    *literal = sc_ip_parse(host, ip);
    if (*literal)
        return ip->v6 == brackets;
    return !brackets && sc_host_is_name(host);
}

static enum sc_code take_target(struct sc_str authority, struct sc_guard_target *out, bool *literal,
                                struct sc_ip *ip, struct sc_error *err)
{
    struct sc_str host, port;
    bool brackets;
    if (memchr(authority.ptr, '@', authority.len) != NULL)
        return refuse(err, "the address holds a user: receivers know us by the signature");
    if (!split_authority(authority, &host, &port, &brackets) ||
        !parse_host(host, brackets, literal, ip))
        return refuse(err, "the address has no host that can be called: a name such as "
                           "hooks.example.com, or an address in its plain spelling");
    if (!parse_port(port, out->tls, &out->port))
        return refuse(err, "the address has a port that is none of 1 to 65535");
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        out->host[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    out->host[host.len] = '\0';
    return SC_OK;
}

/* Names that point to this machine wherever they are asked for (RFC 6761). */
static bool is_localhost(const char *host)
{
    struct sc_str name = sc_str_from(host);
    return sc_str_equal(name, SC_STR("localhost")) || sc_str_ends(name, SC_STR(".localhost"));
}

enum sc_code sc_guard_url(const char *url, const char *allow, struct sc_guard_target *out,
                          struct sc_error *err)
{
    struct sc_str text = sc_str_from(url);
    struct sc_guard_target target = { 0 };
    struct sc_ip ip;
    bool literal = false;
    if (text.len >= SC_GUARD_URL)
        return refuse(err, "the address is longer than 2,047 bytes");
    enum sc_code code = check_signs(text, err);
    if (code != SC_OK)
        return code;
    target.tls = sc_str_starts(text, SC_STR("https://"));
    if (!target.tls && !sc_str_starts(text, SC_STR("http://")))
        return refuse(err, "the address does not begin with https:// or http://");
    const char *authority = url + (target.tls ? 8 : 7);
    code = take_target((struct sc_str){ authority, strcspn(authority, "/?") }, &target, &literal,
                       &ip, err);
    if (code != SC_OK)
        return code;
    bool listed = sc_hosts_has(allow, target.host, literal ? &ip : NULL);
    if (!listed && (literal ? !sc_ip_is_public(&ip) : is_localhost(target.host)))
        return refuse(err, "the address is none that the world can reach; who runs the server may "
                           "allow it in webhooks.allow");
    if (!listed && target.port < 1024 && target.port != 80 && target.port != 443)
        return refuse(err, "of the ports below 1024 only 80 and 443 are called");
    if (out != NULL)
        *out = target;
    return SC_OK;
}
