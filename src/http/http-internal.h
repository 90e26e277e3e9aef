#pragma once
/* What the files of the adapter share.
 *
 * Locks, taken in this order: a caller's lock (around its list of waiters or subscribers), then
 * park->lock, then stream->lock or pool->lock, then libmicrohttpd's own. Callbacks of the caller
 * (`next`, `closed`, `gone`, handlers) are called with none of ours held. http->lock and
 * hasher->lock are leaves.
 *
 * The life of a request: on_uri() makes it; admit.c judges its headers; receive.c takes its body;
 * its handler runs in the pool or inline; the answer is queued by the server's thread;
 * on_completed() frees it. While a handler runs or waits, the connection is suspended, which keeps
 * both alive. */

#include "http/body.h"
#include "http/guard.h"
#include "http/hasher.h"
#include "http/http.h"
#include "http/park.h"
#include "http/range.h"
#include "http/replay.h"
#include "http/router.h"
#include "http/sockets.h"
#include "http/spool.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* A body that is refused is read to this length, so that the client sees the answer. */
#define SC_HTTP_DRAIN ((int64_t)1 << 20)
/* The same for uploads of unknown length that have passed their limit. */
#define SC_HTTP_SPOOL_DRAIN ((int64_t)64 << 20)
#define SC_HTTP_REPLY_HEADERS 16
#define SC_HTTP_TAG SC_ETAG_TEXT
#define SC_STREAM_COMMENT_MS 15000
/* From the acceptance of a connection to the end of its first headers. */
#define SC_HTTP_HEADER_MS 10000
/* A body that has taken longer than this must have come at the policy's body_rate. */
#define SC_HTTP_BODY_GRACE_MS 30000

struct sc_http;

struct sc_listener {
    struct sc_http *http;
    struct MHD_Daemon *daemon;
    int fd;
    bool is_unix;
    bool loopback; /* bound to a loopback address */
    bool tls;
};

/* ---- pool: threads that run handlers ---- */

struct sc_pool {
    struct sc_http *http;
    pthread_t *threads;
    int thread_count;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    /* -- protected by lock -- */
    struct sc_request *first, *last;
    int waiting; /* fresh requests in the queue or about to be pushed */
    int limit;   /* of waiting */
    bool stop;
};

bool sc_pool_start(struct sc_pool *pool, struct sc_http *http, int threads);
/* Ends the threads after what is queued; idempotent. */
void sc_pool_stop(struct sc_pool *pool);
/* Room for one fresh request; false: the queue is full or stopped. A push follows. */
bool sc_pool_reserve(struct sc_pool *pool);
/* Queues a request; `fresh` gives back its reservation when it starts. */
void sc_pool_push(struct sc_pool *pool, struct sc_request *req);

/* ---- requests ---- */

enum sc_wait {
    SC_WAIT_RUNNING, /* a handler runs, or none has yet */
    SC_WAIT_PARKED,
    SC_WAIT_QUEUED, /* `again` will run */
    SC_WAIT_GONE,
};

struct sc_request {
    struct sc_http *http;
    const struct sc_listener *listener;
    struct MHD_Connection *conn;
    int fd;   /* of the connection; -1: unknown */
    int slot; /* of the connection in the park */
    int64_t start_us;
    char method[16];
    char id[65];
    char *uri;
    struct sc_target target;
    const struct sc_route *route;
    struct sc_principal principal;
    struct sc_peer peer;
    bool admitted;            /* the first call for this request has been made */
    bool counted;             /* in http->live */
    bool waits;               /* its answer is a stream, or was waited for */
    bool http11;              /* an older client cannot change the protocol */
    bool has_length;          /* a Content-Length came, which may be 0 */
    struct sc_socket *socket; /* to be opened once the answer has been sent */

    int64_t content_length; /* -1: chunked; 0: no body */
    int64_t received;
    struct sc_buf body;
    struct sc_spool *spool;
    struct sc_error *refusal; /* ours; answered when the body is in; NULL: none */
    bool body_done;

    bool any_type;         /* whatever Accept says */
    bool as_get;           /* the answer is what GET of the address answers */
    bool probing;          /* a handler is asked for the tag of what it would answer */
    bool stale;            /* its If-Match is none of what GET answers, and the handler says so */
    int64_t matched;       /* the version that its If-Match named, and GET answered; 0: none */
    char tag[SC_HTTP_TAG]; /* of the body that was answered last; "": none */
    struct sc_etag_version version; /* that the answer is of */
    int64_t queued_us;              /* when it was put into the pool's queue */
    int64_t queue_us;               /* how long it was there */
    int64_t store_us;               /* how long its handlers waited for the store */

    /* The answer; written by the thread that runs the handler. */
    struct MHD_Response *response;
    int status;
    bool drop;                            /* no answer: the client has gone */
    char *headers[SC_HTTP_REPLY_HEADERS]; /* ours: name, NUL, value */
    size_t header_count;

    struct sc_request *next; /* in the pool's queue */
    bool fresh;              /* holds a reservation in the pool */
    sc_handler_fn handler;   /* runs next */

    struct {
        bool armed;
        int64_t deadline_ms;
        sc_handler_fn again;
        void (*gone)(void *ctx);
        void *ctx;
    } later;
    /* -- protected by park->lock -- */
    enum sc_wait wait;
    bool pending; /* resumed before it was parked */
    bool rerun;   /* a run of `again` */
};

struct sc_http {
    struct sc_http_options options; /* routes borrowed, the rest our copies */
    struct sc_router router;        /* of options.routes */
    struct sc_listener *listeners;
    size_t listener_count;
    struct sc_pool pool;
    struct sc_hasher hasher;
    struct sc_park park;
    struct sc_guard guard;
    struct sc_sockets sockets;
    atomic_bool stopping;
    atomic_int uploads; /* requests that have a spool */
    atomic_int_fast64_t spool_limit;
    bool stopped;
    /* Whoever brings one of them to zero signals cond under the lock; threads that do are joined
     * before the lock is destroyed. */
    atomic_int live;      /* requests between their headers and their end */
    atomic_int suspended; /* connections that a handler or the park holds, or is about to */
    atomic_bool closing;  /* nothing more may be suspended: the daemons are about to be stopped */
    pthread_mutex_t lock;
    pthread_cond_t cond;
    pthread_mutex_t match_lock; /* held while a conditional change runs; taken before all others */
};

struct sc_request *sc_request_new(const struct sc_listener *listener, const char *uri);
void sc_request_free(struct sc_request *req);
struct sc_str sc_request_header_n(struct MHD_Connection *conn, const char *name);
/* Keeps a copy of why the request is refused. */
void sc_request_refuse(struct sc_request *req, const struct sc_error *why);
/* Judges the headers: route, peer, token, length, type. Sets req->refusal. */
void sc_request_admit(struct sc_request *req);
/* Takes a piece of the body; false: close the connection. */
bool sc_request_receive(struct sc_request *req, const char *bytes, size_t len);
/* The body is complete. */
void sc_request_received(struct sc_request *req);
/* Runs req->handler on this thread; afterwards the request has an answer or is armed to wait. */
void sc_request_run(struct sc_request *req);
/* Before a connection is suspended; false: the server is about to end, and must not suspend any. */
bool sc_http_hold(struct sc_http *http);
/* What was held is not, or is resumed. */
void sc_http_let_go(struct sc_http *http);
/* Hands a suspended connection back to the server's thread; the request is not ours any more. */
void sc_request_release(struct sc_request *req);
/* Queues the answer: on the server's thread. */
enum MHD_Result sc_request_answer(struct sc_request *req);
/* Sets the response of a stream as the answer. */
struct sc_done *sc_request_stream_done(struct sc_request *req, struct MHD_Response *response);
/* Sets the response that opens a WebSocket as the answer. */
struct sc_done *sc_request_upgrade_done(struct sc_request *req, struct MHD_Response *response);
