#pragma once
/* Who asks, how much he may, and what pages of other origins may: for the adapter's own files. */

#include "base/buf.h"
#include "base/error.h"
#include "http/limit.h"
#include "http/policy.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct sc_request;

/* ---- guard.c: limits by token and address ---- */

/* In the order of the labels of scripta_http_limited_total. */
enum sc_guard_kind {
    SC_GUARD_TOKEN,
    SC_GUARD_ADDRESS,
    SC_GUARD_FAILURES,
    SC_GUARD_CONNECTIONS,
};
#define SC_GUARD_KINDS 4

struct sc_guard {
    const struct sc_http_policy *_Atomic policy;
    struct sc_limiter *limiters[SC_GUARD_KINDS];
    pthread_mutex_t lock; /* a leaf */
    /* -- protected by lock -- */
    struct sc_http_policy **kept;
    size_t kept_count, kept_cap;
};
/* dir: where the counts are kept; NULL: they end with the process. */
void sc_guard_init(struct sc_guard *g, const char *dir);
void sc_guard_done(struct sc_guard *g);
/* The one of this moment, valid until the end. */
const struct sc_http_policy *sc_http_policy(const struct sc_http *http);
/* Counts the request, by its token or else its address; code is what was found so far. Returns it,
 * or RATE_LIMITED with err and headers of the answer. */
SC_MUST_USE enum sc_code sc_guard_charge(struct sc_request *req, enum sc_code code,
                                         struct sc_error *err);
/* The request brought a wrong token: UNAUTHENTICATED, or RATE_LIMITED with err. */
SC_MUST_USE enum sc_code sc_guard_failed(struct sc_request *req, struct sc_error *err);
/* May a connection from there be opened? *counted: sc_guard_disconnects must follow. */
bool sc_guard_connects(struct sc_http *http, const struct sockaddr *from, bool *counted);
void sc_guard_disconnects(struct sc_http *http, const struct sockaddr *from);

/* ---- cors.c ---- */

/* Is it the origin of pages that may read answers and open WebSockets? */
bool sc_cors_is_listed(const struct sc_request *req, struct sc_str origin);
/* Adds to the answer of an OPTIONS what a page of a listed origin may do at this address. */
void sc_cors_preflight(struct sc_request *req, const char *methods);
/* Adds to any answer who may read it. */
void sc_cors_answer(struct sc_request *req, struct MHD_Response *response);
/* Those of a list of header names that pages may send. */
void sc_cors_put_taken(struct sc_str asked, struct sc_buf *out);

/* ---- peer.c ---- */

void sc_request_peer(struct sc_request *req, struct sc_peer *out);
/* Is the host of "host" or "host:port" this machine, by a name that nobody else can own or one of
 * those between commas? */
bool sc_host_is_loopback(struct sc_str host, const char *names);
/* Is word, not empty, one of those between commas, but for upper and lower case? */
bool sc_list_has(const char *list, struct sc_str word);
