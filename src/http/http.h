#pragma once
/* The HTTP adapter over libmicrohttpd: routes, requests, replies. It knows no jobs.
 *
 * Handlers of ordinary routes run on the adapter's own worker threads (the connection is suspended
 * meanwhile), so they may block on the store. INLINE routes run in the server's pool and must only
 * touch memory; QUICK ones may read single rows there, since handing them over costs more than they
 * do. A handler cannot forget to answer: it returns the opaque sc_done that only the
 * sc_reply_* functions make. A request lives until its answer has been sent or its client has gone.
 */

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "http/policy.h"

struct sc_http;
struct sc_request;
struct sc_done;

typedef struct sc_done *(*sc_handler_fn)(struct sc_request *req, void *app);

enum sc_route_flag {
    SC_ROUTE_INLINE = 1u << 0, /* runs in the server's pool */
    SC_ROUTE_SPOOL = 1u << 1,  /* multipart/form-data, its `file` part streamed to a temp file */
    SC_ROUTE_OPEN = 1u << 2,   /* needs no token (health) */
    SC_ROUTE_ADMIN_STOP = 1u << 3, /* also answered while the server stops */
    SC_ROUTE_SLASH = 1u << 4,      /* a {name} may hold '/', sent as %2F */
    SC_ROUTE_PUBLISHED = 1u << 5,  /* needs no token where options.publish says so */
    SC_ROUTE_QUICK = 1u << 6,      /* reads a row or two: runs in the server's pool too */
    SC_ROUTE_SOCKET = 1u << 7,     /* a WebSocket: http/websocket.h */
    SC_ROUTE_RAW = 1u << 8,        /* a body that is a file: with SPOOL of sound, else of text */
    SC_ROUTE_PIECE = 1u << 9,      /* SC_HTTP_PIECE_TYPE, streamed to a temp file; or no body */
    SC_ROUTE_APPEND = 1u << 10,    /* the same, streamed to the file that options.append names */
    SC_ROUTE_STALE = 1u << 11, /* makes versions, and says what an old If-Match missed: replay.h */
    SC_ROUTE_OWN = 1u << 16,   /* from here on the application's own */
};
#define SC_HTTP_PIECE_TYPE "application/offset+octet-stream"
enum sc_scope {
    SC_SCOPE_NONE = 0,
    SC_SCOPE_READ = 1,
    SC_SCOPE_WRITE = 2,
    SC_SCOPE_ADMIN = 4,
    SC_SCOPE_WORK = 8
};
#define SC_SCOPE_COUNT_ 4
extern const char *const sc_scope_names[SC_SCOPE_COUNT_]; /* of the bits, from the lowest */

struct sc_route {
    const char *method;
    const char *pattern; /* "/api/jobs/{id}"; a name takes one segment without '/' */
    sc_handler_fn handler;
    unsigned scope;      /* sc_scope bits, all needed */
    unsigned flags;      /* sc_route_flag */
    size_t body_limit;   /* bytes kept in memory; 0: no body allowed */
    const char *summary; /* for OpenAPI and docs */
};

/* Who asks. Filled by the auth hook. */
struct sc_principal {
    int64_t owner_id;
    int64_t token_id;       /* 0: none was needed */
    int64_t expires_ms;     /* wall time at which the token ends; 0: never */
    unsigned scopes, round; /* round: of `lives` alone */
    char name[64];
};
/* bearer: the token, or an empty slice. UNAUTHENTICATED or FORBIDDEN refuse; with a bearer
 * UNAUTHENTICATED says that it is no valid token, and is counted. Runs on any thread; may block on
 * the store. */
typedef enum sc_code (*sc_auth_fn)(void *app, struct sc_str bearer, const struct sc_peer *peer,
                                   struct sc_principal *out, struct sc_error *err);

/* Writes the body of the answer to an error, in the shape that the request's address has; may add
 * headers. Returns the status. Runs on any thread, before or after the handler. */
typedef int (*sc_error_body_fn)(void *app, struct sc_request *req, const struct sc_error *err,
                                struct sc_buf *out);

struct sc_append_ops; /* http/body.h */

struct sc_http_options {
    const struct sc_route *routes;
    size_t route_count;
    void *app; /* handed to handlers */
    sc_auth_fn auth;
    sc_error_body_fn error_body; /* NULL: sc_http_error_body for every address */
    const int *listen_fds; /* listening sockets (Unix and TCP); owned by the adapter from now on */
    size_t listen_count;
    int threads; /* of the server's pool, per listener */
    int workers; /* threads that run handlers */
    int connection_limit, idle_timeout_s;
    const char *temp_dir; /* for spooled files: on the same file system as the store */
    int nap_ms;   /* longest sleep of the thread that watches deadlines, for tests that move the
                     clock; 0: a minute */
    bool tls;     /* on TCP: an sc_tls is open until the adapter has ended */
    bool publish; /* PUBLISHED routes are open to everybody */
    int64_t spool_limit;          /* at first: sc_http_set_spool_limit */
    struct sc_http_policy policy; /* at first: sc_http_set_policy */
    const char *limits_dir;       /* for sc_http_start: keeps counts of limits; NULL: memory does */
    int socket_limit;             /* WebSockets at the same time */
    int64_t ping_ms, pong_ms;     /* a silent WebSocket is asked, and dropped; 0: 30 s */
    /* On the thread of WebSockets, after sc_sockets_wake() and at the time (sc_clock_mono_ms) that
     * it returned last; INT64_MAX: none. NULL: nothing to do. */
    int64_t (*sockets_round)(void *app);
    const struct sc_append_ops *append; /* static; NULL where no route has APPEND */
    /* The file's part of a form begins: judges the request by its fields so far, so that the bytes
     * of what will be refused need not come. On a thread of the pool. NULL: nothing is judged. */
    enum sc_code (*form)(void *app, struct sc_request *req, struct sc_error *err);
    /* Has the token of an upload not ended? Asked with each slice. NULL: none ends. */
    bool (*lives)(void *app, struct sc_principal *principal);
};

SC_MUST_USE enum sc_code sc_http_start(const struct sc_http_options *options, struct sc_http **out,
                                       struct sc_error *err);
/* No new connections; parked requests are answered 503 SHUTTING_DOWN, streams end; waits for
 * requests up to the deadline (sc_clock_mono_ms), then closes their connections. Handlers that
 * still run are waited for: nothing can interrupt them. Idempotent; one thread. */
void sc_http_stop(struct sc_http *http, int64_t deadline_ms);
/* Uploads that arrive or are answered: an end waits for them, though no handler runs yet. */
int sc_http_uploads(struct sc_http *http);
/* Largest `file` part in bytes of requests that begin from now on. From any thread. */
void sc_http_set_spool_limit(struct sc_http *http, int64_t bytes);
void sc_http_free(struct sc_http *http);
SC_DEFINE_FREEP(struct sc_http, sc_http_free);

/* ---- request: all borrowed until the answer ---- */

/* A {name} of the route's pattern, percent-decoded; never empty or NUL, no '/' unless SLASH. */
struct sc_str sc_request_param(struct sc_request *req, const char *name);
/* A query parameter, decoded; .ptr == NULL: absent. */
struct sc_str sc_request_query(struct sc_request *req, const char *name);
/* Calls fn for each query parameter (to refuse unknown ones). */
typedef void (*sc_pair_fn)(void *ctx, struct sc_str name, struct sc_str value);
void sc_request_each_query(struct sc_request *req, sc_pair_fn fn, void *ctx);
struct sc_str sc_request_header(struct sc_request *req, const char *name);
/* The body of a route without SPOOL. */
struct sc_str sc_request_body(struct sc_request *req);
const struct sc_principal *sc_request_principal(struct sc_request *req);
/* For logs and error bodies. */
const char *sc_request_id(struct sc_request *req);
const char *sc_request_method(struct sc_request *req);
/* As sent, without the query; "" when the request was refused before its path was read. */
const char *sc_request_path(struct sc_request *req);
/* Bytes of the body that came, or that its headers announced, whichever is more. */
int64_t sc_request_length(struct sc_request *req);

/* SPOOL routes: form fields in order of arrival, and the spooled file. */
void sc_request_each_field(struct sc_request *req, sc_pair_fn fn, void *ctx);
struct sc_spooled {
    const char *path; /* temp file, removed with the request unless taken */
    int fd;           /* open for reading and writing, position undefined; not yet fsynced */
    int64_t size;
    char sha256[SC_SHA256_TEXT];
    const char *name; /* as the client sent it, "": none; data, never a path */
};
/* NULL: no `file` part came. */
const struct sc_spooled *sc_request_file(struct sc_request *req);
/* The caller has moved or removed the temp file. */
void sc_request_file_taken(struct sc_request *req);

/* ---- replies: each ends the request ---- */

void sc_reply_header(struct sc_request *req, const char *name, const char *value);
/* Takes the buffer's content. A failed buffer becomes 500. */
struct sc_done *sc_reply_json(struct sc_request *req, int status, struct sc_buf *body);
struct sc_done *sc_reply_bytes(struct sc_request *req, int status, const char *content_type,
                               struct sc_buf *body);
/* The body that options.error_body writes; logs 5xx. */
struct sc_done *sc_reply_error(struct sc_request *req, const struct sc_error *err);
/* {"error": {code, message, field?, fields?, request_id}}; returns the code's status. */
int sc_http_error_body(struct sc_request *req, const struct sc_error *err, struct sc_buf *out);
/* Takes fd; answers Range, If-None-Match and HEAD itself. etag may be NULL. */
struct sc_done *sc_reply_file(struct sc_request *req, int fd, int64_t size,
                              const char *content_type, const char *etag);

/* ---- waiting ---- */

/* Parks the request once the handler has returned: the thread is free, the connection stays. Later
 * sc_request_resume() queues `again` to a worker thread; so does the deadline (sc_clock_mono_ms).
 * When the client goes away first, or the server stops (which answers 503 itself), `gone` is called
 * (any thread) and the request must not be touched afterwards. Exactly one of them happens.
 *
 * Callers keep a lock of their own over their waiters: they call sc_request_resume() under it, and
 * `again` and `gone` take the request off the list under it. So nobody resumes a request that has
 * ended. A wake-up between listing the request and the handler's return is not lost. */
struct sc_done *sc_reply_later(struct sc_request *req, int64_t deadline_ms, sc_handler_fn again,
                               void (*gone)(void *ctx), void *ctx);
/* What sc_reply_later took as ctx: for `again`, which is called like any handler. */
void *sc_request_later_ctx(struct sc_request *req);
/* Safe from any thread; false when it was resumed or gone already, or runs `again` just now: wake
 * another then. */
bool sc_request_resume(struct sc_request *req);

/* A stream (server-sent events). `next` runs on a worker or pool thread: appends what is ready to
 * out; leaves it empty when nothing is; returns false at the end. Woken by sc_stream_wake() from
 * any thread, at any time until `closed` has returned (so: under the lock that `closed` takes); a
 * comment line is sent every 15 s. `closed` is called exactly once, at the end, by any thread. */
struct sc_stream;
typedef bool (*sc_stream_fn)(void *ctx, struct sc_buf *out);
struct sc_done *sc_reply_stream(struct sc_request *req, const char *content_type, sc_stream_fn next,
                                void (*closed)(void *ctx), void *ctx, struct sc_stream **out);
void sc_stream_wake(struct sc_stream *stream);
