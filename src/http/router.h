#pragma once
/* Pure part of routing: request targets taken apart, and the route that fits. No I/O. */

#include "http/http.h"

#define SC_TARGET_SEGMENTS 16
#define SC_TARGET_PAIRS 64

struct sc_pair {
    struct sc_str name, value;
};

/* A request target, percent-decoded. */
struct sc_target {
    struct sc_str segments[SC_TARGET_SEGMENTS]; /* "/a/b" has two; "/" one empty */
    size_t segment_count;
    struct sc_pair *query; /* NULL: none came */
    size_t query_count;
    bool encoded_slash; /* in a segment; only routes with SC_ROUTE_SLASH fit then */
    char *path;         /* as sent, without the query */
    char *arena;        /* what the slices point into */
};

/* INVALID_REQUEST for targets that are no path: bad percent signs, encoded NUL, no UTF-8, "." and
 * ".." segments, too many pieces. On failure only path is set. sc_target_done() either way. */
SC_MUST_USE enum sc_code sc_target_parse(const char *uri, struct sc_target *out,
                                         struct sc_error *err);
void sc_target_done(struct sc_target *t);
/* Name and value of one piece "a=b" of a query or form, decoded in place. */
bool sc_pair_decode(char *text, struct sc_pair *out);

/* A table of routes (borrowed), with what tells most of them from a target at a glance. */
struct sc_router_mark;
struct sc_router {
    const struct sc_route *routes;
    size_t count;
    struct sc_router_mark *marks;
};
void sc_router_init(struct sc_router *router, const struct sc_route *routes, size_t count);
void sc_router_done(struct sc_router *router);

/* The route for method and target, literal segments before names; HEAD is served by GET. NULL:
 * none; METHOD_NOT_ALLOWED, NOT_FOUND or (an encoded slash that no route takes) INVALID_REQUEST in
 * err, and the methods that fit appended to allow. */
const struct sc_route *sc_router_find(const struct sc_router *router, const char *method,
                                      const struct sc_target *target, struct sc_buf *allow,
                                      struct sc_error *err);
/* The segment that {name} of the pattern took; .ptr == NULL: no such name. */
struct sc_str sc_router_param(const struct sc_route *route, const struct sc_target *target,
                              const char *name);
