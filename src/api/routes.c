/* The table of routes, and what comes before and after every handler. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "http/replay.h"

#include "base/banned.h"

struct guarded {
    struct sc_api *api;
    sc_api_handler_fn handler;
};

static struct sc_done *run_guarded(struct sc_request *req, void *ctx)
{
    const struct guarded *g = ctx;
    return g->handler(req, g->api);
}

/* "/api/transcripts/1" of "/api/transcripts/1/rollback/2": what is changed. */
static char *thing_of(struct sc_request *req)
{
    const char *path = sc_request_path(req), *end = path;
    for (int parts = 0; *end != '\0' && (*end != '/' || parts++ < 3); end++)
        continue;
    return sc_strndup(path, (size_t)(end - path));
}

struct sc_done *sc_api_run(struct sc_request *req, struct sc_api *api, unsigned flags,
                           sc_api_handler_fn handler)
{
    struct guarded g = { api, handler };
    if ((flags & SC_ROUTE_MATCH) == 0)
        return handler(req, api);
    SC_AUTO_FREE char *thing = thing_of(req);
    return sc_reply_if_match(req, thing, run_guarded, &g);
}

/* A worker asks all the time, so it keeps no ephemeral server alive. */
static struct sc_done *enter(struct sc_request *req, struct sc_api *api, unsigned scope,
                             unsigned flags, sc_api_handler_fn handler)
{
    bool counts = scope != SC_SCOPE_WORK;
    if ((scope & (SC_SCOPE_WRITE | SC_SCOPE_ADMIN)) != 0 && atomic_load(&api->stopping)) {
        struct sc_error err = { 0 };
        (void)sc_error_set(&err, SC_E_SHUTTING_DOWN, "the server is stopping");
        return sc_reply_error(req, &err);
    }
    if (counts)
        sc_api_count(api, 1);
    struct sc_done *done = (flags & SC_ROUTE_ONCE) != 0 ? sc_api_once(req, api, flags, handler)
                                                        : sc_api_run(req, api, flags, handler);
    if (counts)
        sc_api_count(api, -1);
    return done;
}

#define ROUTE(method, pattern, handler, scope, flags, body_limit, summary)    \
    static struct sc_done *enter_##handler(struct sc_request *req, void *app) \
    {                                                                         \
        return enter(req, app, SC_SCOPE_##scope, flags, sc_api_##handler);    \
    }
#include "api/routes.def"
#undef ROUTE

#ifdef SC_WITH_TEST_HOOKS
static struct sc_done *enter_echo(struct sc_request *req, void *app)
{
    return sc_api_echo(req, app);
}
#endif

static const struct sc_route routes[] = {
#define ROUTE(method, pattern, handler, scope, flags, body_limit, summary) \
    { #method, pattern, enter_##handler, SC_SCOPE_##scope, flags, body_limit, summary },
#include "api/routes.def"
#undef ROUTE
#ifdef SC_WITH_TEST_HOOKS /* behind the others, whose numbers others know */
    { "GET", "/ws/echo", enter_echo, SC_SCOPE_NONE, SC_ROUTE_OPEN | SC_ROUTE_SOCKET, 0,
      "Send back what comes, for conformance suites" },
#endif
};

const struct sc_route *sc_api_routes(size_t *count)
{
    *count = SC_ARRAY_LEN(routes);
    return routes;
}
