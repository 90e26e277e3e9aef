/* Request targets (path and query), the router, and the headers of partial answers and of hosts. */

#include "fuzz.h"

#include "base/alloc.h"
#include "http/http-internal.h"
#include "http/range.h"
#include "http/router.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static const struct sc_route routes[] = {
    { .method = "GET", .pattern = "/api/jobs" },
    { .method = "POST", .pattern = "/api/jobs" },
    { .method = "GET", .pattern = "/api/jobs/{id}" },
    { .method = "POST", .pattern = "/api/jobs/{id}/cancel" },
    { .method = "GET", .pattern = "/api/transcripts/{id}/export.srt" },
    { .method = "GET", .pattern = "/v1/models/{id}", .flags = SC_ROUTE_SLASH },
    { .method = "GET", .pattern = "/" },
};

static void check_target(const char *uri)
{
    struct sc_target target = { 0 };
    struct sc_router router;
    SC_AUTO(sc_buf_done) struct sc_buf allow = { 0 };
    struct sc_error err = { 0 };

    sc_router_init(&router, routes, SC_ARRAY_LEN(routes));
    if (sc_target_parse(uri, &target, &err) == SC_OK) {
        for (size_t i = 0; i < target.segment_count; i++) {
            struct sc_str s = target.segments[i];
            bool slash = memchr(s.ptr, '/', s.len) != NULL;
            if ((slash && !target.encoded_slash) || memchr(s.ptr, '\0', s.len) != NULL ||
                sc_str_equal(s, SC_STR("..")) || sc_str_equal(s, SC_STR(".")))
                abort();
        }
        const struct sc_route *route = sc_router_find(&router, "GET", &target, &allow, &err);
        if (route != NULL && target.encoded_slash && (route->flags & SC_ROUTE_SLASH) == 0)
            abort();
        if (route != NULL)
            (void)sc_router_param(route, &target, "id");
    }
    sc_router_done(&router);
    sc_target_done(&target);
}

static void check_range(struct sc_str header)
{
    int64_t start = 0, len = 0;

    if (sc_range_parse(header, 1000, &start, &len) == SC_RANGE_PART &&
        (start < 0 || len < 1 || start + len > 1000))
        abort();
    (void)sc_etag_listed(header, SC_STR("\"abc\""));
    (void)sc_etag_is(header, SC_STR("\"abc\""));
    struct sc_etag_version version;
    if (sc_etag_version_of(header, 12, &version) &&
        (version.id != 12 || version.version < 1 || !sc_etag_names(header, &version)))
        abort();
}

static void check_host(struct sc_str host)
{
    if (sc_host_is_loopback(host, "") && strchr("lL1[", host.ptr[0]) == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    SC_AUTO_FREE char *uri = sc_alloc(size + 1);

    memcpy(uri, data, size);
    uri[size] = '\0';
    check_target(uri);
    check_range(text);
    check_host(text);
    return 0;
}
