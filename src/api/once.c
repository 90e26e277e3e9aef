/* Idempotency-Key for every route with ONCE: the request is carried out once, and whoever repeats
 * it under the same key is answered with what the first one made, as it is then. The store keeps of
 * an answer no more than where what it made is: the Location that the handler gave, or, of a verb
 * such as /api/jobs/{id}/cancel, the address before it. So nothing that is told once is kept, nor a
 * text that has been deleted since.
 *
 * The key is claimed before the handler runs and ended behind it, in writes of their own. When the
 * server dies between them nobody can know whether the request was carried out: repeating it is
 * refused then, which is better than doing it twice.
 *
 * An end that the store did not take is kept in memory and written with the next request of that
 * key, which so is answered as if it had been taken at once. */

#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "http/replay.h"

#include "base/banned.h"

/* Of the request: its method, its path with the query, its bytes. */
static void fingerprint(struct sc_request *req, char out[SC_SHA256_TEXT])
{
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    struct sc_str body = sc_request_body(req);
    const char *method = sc_request_method(req), *uri = sc_request_uri(req);
    sc_hash_update(sum, method, strlen(method) + 1);
    sc_hash_update(sum, uri, strlen(uri) + 1);
    sc_hash_update(sum, body.ptr, body.len);
    sc_hash_hex(sum, out);
}

/* ---- ends that are not written yet ---- */

#define UNENDED_MAX 1000 /* the oldest makes room: its key stays refused until it expires */

/* What came of a request whose key still stands as under way. */
struct sc_once_unended {
    struct sc_once_unended *next;
    int64_t owner_id;
    char *key;
    char fingerprint[SC_SHA256_TEXT];
    char *made; /* NULL: nothing, the key is to be dropped */
};

static void unended_free(struct sc_once_unended *u)
{
    free(u->key);
    free(u->made);
    free(u);
}

/* Takes u over; as the newest. */
static void unended_put(struct sc_api *api, struct sc_once_unended *u)
{
    struct sc_once_unended *oldest = NULL;
    {
        SC_LOCK(&api->unended_lock);
        struct sc_once_unended **end = &api->unended;
        size_t count = 1;
        for (; *end != NULL; end = &(*end)->next)
            count++;
        u->next = NULL;
        *end = u;
        if (count > UNENDED_MAX) {
            oldest = api->unended;
            api->unended = oldest->next;
        }
    }
    if (oldest != NULL)
        unended_free(oldest);
}

/* That of the key, which is the caller's from now on; NULL: none. */
static struct sc_once_unended *unended_take(struct sc_api *api, const struct sc_once *once)
{
    SC_LOCK(&api->unended_lock);
    for (struct sc_once_unended **at = &api->unended; *at != NULL; at = &(*at)->next) {
        struct sc_once_unended *u = *at;
        if (u->owner_id != once->owner_id || strcmp(u->key, once->key) != 0)
            continue;
        *at = u->next;
        return u;
    }
    return NULL;
}

static void unended_keep(struct sc_api *api, const struct sc_once *once)
{
    struct sc_once_unended *u = sc_alloc(sizeof(*u));
    u->owner_id = once->owner_id;
    u->key = sc_strdup(once->key);
    memcpy(u->fingerprint, once->fingerprint, sizeof(u->fingerprint));
    u->made = once->made != NULL ? sc_strdup(once->made) : NULL;
    unended_put(api, u);
}

void sc_api_once_done(struct sc_api *api)
{
    while (api->unended != NULL) {
        struct sc_once_unended *u = api->unended;
        api->unended = u->next;
        unended_free(u);
    }
    (void)pthread_mutex_destroy(&api->unended_lock);
}

/* ---- writes ---- */

/* once->made NULL: nothing was made. */
static enum sc_code write_end(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct sc_once *once = ctx;
    return once->made != NULL ? sc_once_end(tx, once, err) : sc_once_drop(tx, once, err);
}

struct beginning {
    struct sc_api *api;
    struct sc_once *once;
    struct sc_once_unended *unended; /* of the same key; owned; NULL: none */
};

/* Who takes an unended one out writes it in the transaction in which he asks: no other request of
 * the key comes between. */
static enum sc_code write_begin(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct beginning *b = ctx;
    if (b->unended == NULL) /* a write may run twice */
        b->unended = unended_take(b->api, b->once);
    if (b->unended != NULL) {
        struct sc_once earlier = *b->once;
        earlier.fingerprint = b->unended->fingerprint;
        earlier.made = b->unended->made;
        enum sc_code code = write_end(tx, &earlier, err);
        if (code != SC_OK)
            return code;
    }
    return sc_once_begin(tx, b->once, err);
}

static enum sc_code begin(struct sc_api *api, struct sc_once *once, struct sc_error *err)
{
    struct beginning b = { .api = api, .once = once };
    enum sc_code code = sc_store_write(api->options.store, SC_DURABLE, write_begin, &b, err);
    if (b.unended == NULL)
        return code;
    if (code == SC_OK)
        unended_free(b.unended);
    else
        unended_put(api, b.unended);
    return code;
}

static enum sc_code end(struct sc_api *api, struct sc_once *once, struct sc_error *err)
{
    if (SC_FAULT("once.end"))
        return sc_error_set(err, SC_E_STORE_ERROR, "cannot end the key: fault once.end");
    return sc_store_write(api->options.store, SC_DURABLE, write_end, once, err);
}

/* Where what the request made is told. */
static char *place_of(struct sc_request *req)
{
    const char *location = sc_reply_header_set(req, "Location");
    if (location != NULL)
        return sc_strdup(location);
    const char *path = sc_request_path(req);
    return sc_strndup(path, (size_t)(strrchr(path, '/') - path));
}

/* A refused request has made nothing: it may be sent again, put right. */
static struct sc_done *carry_out(struct sc_request *req, struct sc_api *api, struct sc_once *once,
                                 unsigned flags, sc_api_handler_fn handler)
{
    struct sc_error err = { 0 };
    struct sc_done *done = sc_api_run(req, api, flags, handler);
    int status = sc_reply_status(req);
    sc_assert(status != 0); /* no handler of these routes waits */
    if (status >= 200 && status < 300)
        once->made = place_of(req);
    /* What was done is answered so, whether or not this can be written down. */
    if (end(api, once, &err) != SC_OK) {
        SC_LOG(WARNING, "api", "cannot end an idempotency key", SC_S("path", sc_request_path(req)),
               SC_S("error", err.msg));
        unended_keep(api, once);
    }
    return done;
}

static struct sc_done *refuse(struct sc_request *req, struct sc_error *err)
{
    SC_AUTO_BUF none = { 0 };
    return sc_api_answer(req, err->code, err, 200, &none);
}

static struct sc_done *refuse_open(struct sc_request *req, bool under_way)
{
    struct sc_error err = { 0 };
    if (under_way)
        sc_reply_header(req, "Retry-After", "1");
    (void)sc_error_set(&err, SC_E_IDEMPOTENCY_OPEN, "%s",
                       under_way ? "the first request of this Idempotency-Key is under way: ask "
                                   "again in a moment"
                                 : "the server ended while the first request of this "
                                   "Idempotency-Key was under way: look whether it was carried "
                                   "out, and if not send it with another key");
    return refuse(req, &err);
}

static struct sc_done *repeat(struct sc_request *req, const struct sc_once *once, unsigned flags)
{
    struct sc_error err = { 0 };
    sc_reply_header(req, "Idempotent-Replayed", "true");
    if ((flags & SC_ROUTE_SECRET) == 0)
        return sc_reply_as_get(req, once->made);
    sc_reply_header(req, "Location", once->made);
    (void)sc_error_set(&err, SC_E_IDEMPOTENCY_SECRET,
                       "the first request of this Idempotency-Key made %s, and its secret was told "
                       "then and is not kept: delete that, and make another with another key",
                       once->made);
    return refuse(req, &err);
}

static void once_done(struct sc_once *once)
{
    sc_freep(&once->made);
}

struct sc_done *sc_api_once(struct sc_request *req, struct sc_api *api, unsigned flags,
                            sc_api_handler_fn handler)
{
    struct sc_error err = { 0 };
    char sum[SC_SHA256_TEXT];
    SC_AUTO_FREE char *key = NULL;
    enum sc_code code = sc_request_idempotency_key(req, &key, &err);
    if (code != SC_OK)
        return refuse(req, &err);
    if (key == NULL)
        return sc_api_run(req, api, flags, handler);
    fingerprint(req, sum);
    SC_AUTO(once_done)
    struct sc_once once = {
        .owner_id = sc_api_owner(req),
        .key = key,
        .fingerprint = sum,
        .run = api->run,
    };
    code = begin(api, &once, &err);
    if (code != SC_OK)
        return refuse(req, &err);
    switch (once.state) {
    case SC_ONCE_NEW:
        return carry_out(req, api, &once, flags, handler);
    case SC_ONCE_OPEN:
    case SC_ONCE_CUT:
        return refuse_open(req, once.state == SC_ONCE_OPEN);
    case SC_ONCE_DONE:
        break;
    }
    return repeat(req, &once, flags);
}
