#include "http/forwarded.h"

#include "sys/hosts.h"

#include "base/banned.h"

/* "192.0.2.1", "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80". */
static bool parse_node(struct sc_str text, struct sc_ip *out)
{
    struct sc_str rest = text;
    if (sc_str_starts(text, SC_STR("["))) {
        rest = (struct sc_str){ text.ptr + 1, text.len - 1 };
        struct sc_str inner = sc_str_take_until(&rest, ']');
        bool port = rest.len == 0 || rest.ptr[0] == ':';
        return port && inner.ptr + inner.len < text.ptr + text.len &&
               sc_client_ip_parse(inner, out);
    }
    if (sc_client_ip_parse(text, out))
        return true;
    struct sc_str host = sc_str_take_until(&rest, ':');
    return memchr(rest.ptr, ':', rest.len) == NULL && host.len < text.len &&
           sc_client_ip_parse(host, out);
}

static struct sc_str unquote(struct sc_str text)
{
    bool quoted = text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"';
    return quoted ? (struct sc_str){ text.ptr + 1, text.len - 2 } : text;
}

/* The value of "for" of an element "for=x;by=y"; empty: none, or more than one. */
static struct sc_str for_of(struct sc_str element)
{
    struct sc_str found = SC_STR("");
    while (element.len > 0) {
        struct sc_str value = sc_str_take_until(&element, ';');
        struct sc_str name = sc_str_trim(sc_str_take_until(&value, '='));
        if (!sc_str_equal_nocase(name, SC_STR("for")))
            continue;
        if (found.len > 0)
            return SC_STR("");
        found = unquote(sc_str_trim(value));
    }
    return found;
}

/* Cuts off and returns what stands behind the last comma. No quoted comma is looked for: none is in
 * an address, and a quote that a client left open must not swallow what a proxy wrote behind it. */
static struct sc_str take_last(struct sc_str *rest)
{
    const char *at = memrchr(rest->ptr, ',', rest->len);
    size_t from = at == NULL ? 0 : (size_t)(at - rest->ptr) + 1;
    struct sc_str last = { rest->ptr + from, rest->len - from };
    rest->len = at == NULL ? 0 : from - 1;
    return sc_str_trim(last);
}

void sc_forwarded_client(bool rfc7239, struct sc_str chain, const char *trusted,
                         struct sc_ip *client)
{
    while (chain.len > 0 && sc_hosts_has(trusted, NULL, client)) {
        struct sc_str element = take_last(&chain);
        struct sc_ip next;
        if (!parse_node(rfc7239 ? for_of(element) : element, &next))
            return;
        *client = next;
    }
}
