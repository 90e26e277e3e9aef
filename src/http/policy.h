#pragma once
/* Who is at the other end, who may do how much, and from where. */

#include "sys/nets.h"

struct sc_http;

/* The other end of the connection. */
struct sc_peer {
    bool unix_socket; /* it is our own user or root */
    bool loopback;    /* a program of this machine that speaks for itself */
    const char
        *distrust; /* why a peer on a loopback address is not: "… needs a token"; else NULL */
    bool web_page; /* distrusted for what a page made its browser do */
    bool known;    /* it has an address */
    /* Of the connection or, where that is a trusted proxy's, of whom the proxy speaks for. */
    struct sc_ip address;
};

/* Who may do how much, and from where. Texts are borrowed for the life of the adapter; NULL is
 * empty. */
struct sc_http_policy {
    const char *trusted_proxies; /* sc_hosts_is_net_list */
    bool forwarded;              /* they tell their clients by Forwarded, not X-Forwarded-For */
    const char *cors_origins;    /* origins whose pages may read answers, between commas */
    const char *hosts;           /* names of this machine, like localhost, between commas */
    /* 0: any number. In a window of SC_HTTP_RATE_WINDOW_MS: */
    int64_t rate_token;     /* requests of one token */
    int64_t rate_address;   /* of one address (sc_ip_customer) without a valid token */
    int64_t token_failures; /* wrong tokens of one address in a minute */
    int64_t connections;    /* of one address at once */
    int64_t body_rate;      /* bytes a second, at least, of bodies that take long; 0: any */
};
#define SC_HTTP_RATE_WINDOW_MS 10000

/* For requests and connections that begin from now on. From any thread. */
void sc_http_set_policy(struct sc_http *http, const struct sc_http_policy *policy);
