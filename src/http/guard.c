/* How much one client may ask for: requests in a window of time by token, or by address where no
 * token answers for them; wrong tokens, and connections, by address. The owner on the Unix socket
 * or on open loopback is not counted, nor are calls of workers, which come as fast as they work. */
#include "http/http-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/metric.h"
#include "sys/file.h"
#include "sys/hosts.h"

#include "base/banned.h"

_Static_assert(SC_GUARD_KINDS == SC_HTTP_LIMITS, "each is counted");

#define FAILURES_WINDOW_MS 60000
/* What Retry-After says at most: somebody else at the same address may have a valid token. */
#define RETRY_MAX_S 20

static const struct sc_http_policy nothing = { .trusted_proxies = "",
                                               .cors_origins = "",
                                               .hosts = "" };

const struct sc_http_policy *sc_http_policy(const struct sc_http *http)
{
    return atomic_load_explicit(&http->guard.policy, memory_order_acquire);
}

/* Names this start of the machine, from which the monotonic clock counts; "": unknown. */
static void read_boot(char out[SC_LIMITER_EPOCH])
{
    SC_AUTO_BUF text = { 0 };
    out[0] = '\0';
    if (sc_file_read("/proc/sys/kernel/random/boot_id", 64, &text, NULL) == SC_OK)
        (void)snprintf(out, SC_LIMITER_EPOCH, "%.36s", sc_buf_text(&text));
}

/* The counts of a window outlive a restart. Without a file they do not, which stops nobody. */
static struct sc_limiter *open_limiter(const char *dir, const char *boot, enum sc_guard_kind kind)
{
    static const char *const names[] = { "limits-token", "limits-address", "limits-failures" };
    struct sc_limiter *limiter;
    struct sc_error err = { 0 };
    if (dir == NULL || kind == SC_GUARD_CONNECTIONS)
        return sc_limiter_new();
    SC_AUTO_FREE char *path = sc_path_join(dir, names[kind]);
    if (sc_limiter_open(path, boot, SC_MAX(FAILURES_WINDOW_MS, SC_HTTP_RATE_WINDOW_MS),
                        sc_clock_mono_ms(), &limiter, &err) == SC_OK)
        return limiter;
    SC_LOG(WARNING, "http", "limits begin anew with each start", SC_S("error", err.msg));
    return sc_limiter_new();
}

void sc_guard_init(struct sc_guard *g, const char *dir)
{
    char boot[SC_LIMITER_EPOCH];
    atomic_init(&g->policy, &nothing);
    sc_assert(pthread_mutex_init(&g->lock, NULL) == 0);
    read_boot(boot);
    for (int i = 0; i < SC_GUARD_KINDS; i++)
        g->limiters[i] = open_limiter(dir, boot, (enum sc_guard_kind)i);
}

void sc_guard_done(struct sc_guard *g)
{
    for (int i = 0; i < SC_GUARD_KINDS; i++)
        sc_limiter_free(g->limiters[i]);
    for (size_t i = 0; i < g->kept_count; i++)
        free(g->kept[i]);
    free(g->kept);
    (void)pthread_mutex_destroy(&g->lock);
}

static const char *or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

void sc_http_set_policy(struct sc_http *http, const struct sc_http_policy *policy)
{
    struct sc_guard *g = &http->guard;
    struct sc_http_policy *copy = sc_alloc(sizeof(*copy));
    *copy = *policy;
    copy->trusted_proxies = or_empty(policy->trusted_proxies);
    copy->cors_origins = or_empty(policy->cors_origins);
    copy->hosts = or_empty(policy->hosts);
    SC_LOCK(&g->lock);
    if (!sc_try_grow((void **)&g->kept, &g->kept_cap, g->kept_count + 1, sizeof(*g->kept)))
        sc_out_of_memory();
    g->kept[g->kept_count++] = copy; /* a request may still read an older one */
    atomic_store_explicit(&g->policy, copy, memory_order_release);
}

/* Counts one; false, with the answer's headers and err: too many. */
static bool take(struct sc_request *req, enum sc_guard_kind kind, uint64_t key, int64_t most,
                 struct sc_limit_state *state)
{
    const struct sc_limit limit = { most, kind == SC_GUARD_FAILURES ? FAILURES_WINDOW_MS
                                                                    : SC_HTTP_RATE_WINDOW_MS };
    if (sc_limiter_take(req->http->guard.limiters[kind], key, &limit, sc_clock_mono_ms(), state))
        return true;
    char after[24];
    int64_t wait_s = SC_MIN((state->reset_ms + 999) / 1000, RETRY_MAX_S);
    (void)snprintf(after, sizeof(after), "%lld", (long long)wait_s);
    sc_reply_header(req, MHD_HTTP_HEADER_RETRY_AFTER, after);
    SC_COUNT(http_limited, kind, 1);
    return false;
}

/* What OpenAI's clients read. */
static void tell_rate(struct sc_request *req, int64_t most, const struct sc_limit_state *state)
{
    char text[32];
    if (strncmp(sc_request_path(req), "/v1/", 4) != 0)
        return;
    (void)snprintf(text, sizeof(text), "%lld", (long long)most);
    sc_reply_header(req, "x-ratelimit-limit-requests", text);
    (void)snprintf(text, sizeof(text), "%lld", (long long)state->left);
    sc_reply_header(req, "x-ratelimit-remaining-requests", text);
    (void)snprintf(text, sizeof(text), "%lld.%03llds", (long long)(state->reset_ms / 1000),
                   (long long)(state->reset_ms % 1000));
    sc_reply_header(req, "x-ratelimit-reset-requests", text);
}

static bool is_counted(const struct sc_request *req)
{
    bool worker = req->route != NULL && req->route->scope == SC_SCOPE_WORK;
    bool trivial = req->route != NULL && (req->route->flags & SC_ROUTE_INLINE) != 0;
    bool ours = req->peer.unix_socket || req->peer.loopback || !req->peer.known;
    return !trivial && (req->principal.token_id != 0 ? !worker : !ours);
}

enum sc_code sc_guard_charge(struct sc_request *req, enum sc_code code, struct sc_error *err)
{
    const struct sc_http_policy *policy = sc_http_policy(req->http);
    bool by_token = req->principal.token_id != 0;
    int64_t most = by_token ? policy->rate_token : policy->rate_address;
    struct sc_limit_state state = { 0 };
    if (most <= 0 || !is_counted(req))
        return code;
    uint64_t key =
        by_token ? (uint64_t)req->principal.token_id : sc_ip_customer(&req->peer.address);
    bool taken = take(req, by_token ? SC_GUARD_TOKEN : SC_GUARD_ADDRESS, key, most, &state);
    tell_rate(req, most, &state);
    if (taken)
        return code;
    return sc_error_set(err, SC_E_RATE_LIMITED,
                        "%s may ask %lld times in %d s: try again in %lld s",
                        by_token ? "a token" : "an address without a token", (long long)most,
                        SC_HTTP_RATE_WINDOW_MS / 1000, (long long)(state.reset_ms + 999) / 1000);
}

enum sc_code sc_guard_failed(struct sc_request *req, struct sc_error *err)
{
    const struct sc_http_policy *policy = sc_http_policy(req->http);
    struct sc_limit_state state = { 0 };
    if (policy->token_failures <= 0 || !req->peer.known ||
        take(req, SC_GUARD_FAILURES, sc_ip_customer(&req->peer.address), policy->token_failures,
             &state))
        return SC_E_UNAUTHENTICATED;
    return sc_error_set(err, SC_E_RATE_LIMITED,
                        "more than %lld wrong tokens in a minute came from this address: none but "
                        "a valid one is answered for the rest of it",
                        (long long)policy->token_failures);
}

/* Programs of this machine and trusted proxies may bring many clients. */
bool sc_guard_connects(struct sc_http *http, const struct sockaddr *from, bool *counted)
{
    const struct sc_http_policy *policy = sc_http_policy(http);
    struct sc_ip address;
    *counted = false;
    if (policy->connections <= 0 || !sc_client_ip_of(from, &address) ||
        sc_ip_is_loopback(&address) || sc_hosts_has(policy->trusted_proxies, NULL, &address))
        return true;
    bool let_in = sc_limiter_hold(http->guard.limiters[SC_GUARD_CONNECTIONS],
                                  sc_ip_customer(&address), policy->connections, counted);
    if (!let_in)
        SC_COUNT(http_limited, SC_GUARD_CONNECTIONS, 1);
    return let_in;
}

void sc_guard_disconnects(struct sc_http *http, const struct sockaddr *from)
{
    struct sc_ip address;
    if (sc_client_ip_of(from, &address))
        sc_limiter_drop(http->guard.limiters[SC_GUARD_CONNECTIONS], sc_ip_customer(&address));
}
