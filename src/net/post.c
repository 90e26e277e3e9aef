#include "net/post.h"

#include "net/client-internal.h"

#include "base/alloc.h"
#include "base/clock.h"

#include <sys/socket.h>

#include "base/banned.h"

/* So much of an answer is read, head and body: it is thrown away. */
#define ANSWER_MAX ((size_t)64 << 10)
#define LONG_MS 60000

struct transfer {
    struct transfer *next;
    CURL *easy;
    void *tag;
    struct curl_slist *headers;
    char *allow;
    struct sc_guard_target target;
    int64_t begun_ms, timeout_ms;
    size_t got;
    bool refused; /* an address of the host may not be called */
};

struct sc_poster {
    CURLM *multi;
    struct transfer *transfers; /* under way */
    size_t count;
};

struct sc_poster *sc_poster_new(void)
{
    sc_net_init();
    struct sc_poster *p = sc_alloc(sizeof(*p));
    p->multi = curl_multi_init();
    sc_assert(p->multi != NULL);
    return p;
}

static void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    free(t->allow);
    free(t);
}

/* Out of the list, and ended. */
static void drop(struct sc_poster *p, struct transfer *t)
{
    struct transfer **at = &p->transfers;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    p->count--;
    (void)curl_multi_remove_handle(p->multi, t->easy);
    transfer_free(t);
}

void sc_poster_free(struct sc_poster *p)
{
    if (p == NULL)
        return;
    while (p->transfers != NULL)
        drop(p, p->transfers);
    (void)curl_multi_cleanup(p->multi);
    free(p);
}

size_t sc_poster_count(const struct sc_poster *p)
{
    return p->count;
}

void sc_poster_wake(struct sc_poster *p)
{
    (void)curl_multi_wakeup(p->multi);
}

/* ---- what libcurl asks ---- */

/* Behind this there is no name any more, only the address that is connected to: so this is the
 * place where a name that points elsewhere by now is found out. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = ctx;
    struct sc_ip ip;
    if (purpose != CURLSOCKTYPE_IPCXN || !sc_ip_from_sockaddr(&address->addr, &ip) ||
        !sc_guard_allows(t->allow, t->target.host, &ip)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t count_answer(char *bytes, size_t one, size_t len, void *ctx)
{
    struct transfer *t = ctx;
    (void)bytes;
    t->got += one * len;
    return t->got > ANSWER_MAX ? 0 : one * len;
}

static void set_up(struct transfer *t, const struct sc_post *post)
{
    CURL *e = t->easy;
    (void)curl_easy_setopt(e, CURLOPT_URL, post->url);
    (void)curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
    (void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(e, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    (void)curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    (void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    /* A resolver that hangs in its thread must not hold ours when the time is over. */
    (void)curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
    (void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
    (void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (post->ca_file[0] != '\0')
        (void)curl_easy_setopt(e, CURLOPT_CAINFO, post->ca_file);
    (void)curl_easy_setopt(e, CURLOPT_USERAGENT, "scripta/" SC_VERSION);
    (void)curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
    (void)curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len);
    (void)curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, post->body.ptr);
    (void)curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, count_answer);
    (void)curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, count_answer);
    (void)curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
    (void)curl_easy_setopt(e, CURLOPT_PRIVATE, t);
}

enum sc_code sc_poster_send(struct sc_poster *p, const struct sc_post *post, void *tag,
                            struct sc_error *err)
{
    struct sc_guard_target target;
    enum sc_code code = sc_guard_url(post->url, post->allow, &target, err);
    if (code != SC_OK)
        return code;
    struct transfer *t = sc_alloc(sizeof(*t));
    t->target = target;
    t->allow = sc_strdup(post->allow);
    t->tag = tag;
    t->begun_ms = sc_clock_mono_ms();
    t->timeout_ms = post->timeout_ms;
    t->easy = curl_easy_init();
    sc_assert(t->easy != NULL);
    for (const char *const *line = post->headers; *line != NULL; line++) {
        struct curl_slist *more = curl_slist_append(t->headers, *line);
        sc_assert(more != NULL);
        t->headers = more;
    }
    set_up(t, post);
    t->next = p->transfers;
    p->transfers = t;
    p->count++;
    sc_assert(curl_multi_add_handle(p->multi, t->easy) == CURLM_OK);
    return SC_OK;
}

/* ---- the end ---- */

static const char *reason(const struct transfer *t, CURLcode result)
{
    if (t->refused)
        return "its host has an address that may not be called (webhooks.allow)";
    switch ((int)result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "its host cannot be found";
    case CURLE_COULDNT_CONNECT:
        return "nothing listens at its host and port";
    case CURLE_GOT_NOTHING:
        return "it closed the connection without an answer";
    case CURLE_PEER_FAILED_VERIFICATION:
        return "its certificate is not trusted, or is not its host's";
    case CURLE_SSL_CACERT_BADFILE:
        return "webhooks.ca_file cannot be read";
    case CURLE_SSL_CONNECT_ERROR:
        return "it does not speak TLS as we do";
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_HTTP2:
        return "what answers is no HTTP server";
    default:
        return curl_easy_strerror(result);
    }
}

static void finish(struct sc_poster *p, struct transfer *t, CURLcode result, sc_posted_fn fn,
                   void *ctx)
{
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    struct sc_posted posted = {
        .status = status >= 200 ? (int)status : 0, /* 1xx is no answer yet */
        .retry_after_ms = sc_retry_after_ms(t->easy),
        .duration_ms = sc_clock_mono_ms() - t->begun_ms,
    };
    if (posted.status == 0 && result == CURLE_OPERATION_TIMEDOUT && !t->refused)
        (void)snprintf(posted.error, sizeof(posted.error), "no answer came within %g s",
                       (double)t->timeout_ms / 1000);
    else if (posted.status == 0)
        (void)snprintf(posted.error, sizeof(posted.error), "%s", reason(t, result));
    void *tag = t->tag;
    drop(p, t);
    fn(ctx, tag, &posted);
}

static bool finish_all(struct sc_poster *p, sc_posted_fn fn, void *ctx)
{
    bool any = false;
    int left = 0;
    const CURLMsg *msg;
    while ((msg = curl_multi_info_read(p->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        CURLcode result = msg->data.result;
        if (msg->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        finish(p, t, result, fn, ctx);
        any = true;
    }
    return any;
}

void sc_poster_run(struct sc_poster *p, int64_t wait_ms, sc_posted_fn fn, void *ctx)
{
    int running = 0;
    int64_t most = wait_ms < 0 || wait_ms > LONG_MS ? LONG_MS : wait_ms;
    (void)curl_multi_perform(p->multi, &running);
    if (finish_all(p, fn, ctx))
        return;
    (void)curl_multi_poll(p->multi, NULL, 0, (int)most, NULL);
    (void)curl_multi_perform(p->multi, &running);
    (void)finish_all(p, fn, ctx);
}
