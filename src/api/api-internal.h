#pragma once
/* What the handler files share: the api itself, its handlers, answers. */

#include "api/api.h"
#include "api/job-memo.h"
#include "api/parking.h"
#include "api/request.h"
#include "api/views.h"
#include "library/changes.h"

#include <stdatomic.h>
#include <unistd.h>

/* Flags of rows in routes.def, beside the adapter's. */
enum {
    SC_ROUTE_ONCE = SC_ROUTE_OWN,        /* takes an Idempotency-Key (api/once.c) */
    SC_ROUTE_SECRET = SC_ROUTE_OWN << 1, /* with ONCE: the answer tells what is told once */
    /* A POST that takes If-Match: the tag of what the first three parts of its address name. */
    SC_ROUTE_MATCH = SC_ROUTE_OWN << 2,
};

#define SC_API_BODY_LIMIT ((size_t)256 << 10)  /* JSON bodies */
#define SC_API_RESULT_LIMIT ((size_t)16 << 20) /* a chunk's words: 10 minutes take some 300 KB */
#define SC_API_IMPORT_LIMIT \
    ((size_t)32 << 20) /* transcripts: the words of a day, as GET has them, take some 22 MB */
#define SC_API_FORM_LIMIT ((size_t)256 << 10) /* form fields beside the file */

struct sc_api_stream; /* api/stream.h */
struct sc_push;       /* api/push.c */

/* Refused sources that fall together (api/auth.c). */
struct sc_refusals {
    int64_t logged_ms; /* monotonic; 0: never */
    int64_t quiet;     /* refusals since then */
};

struct sc_api {
    struct sc_api_options options;
    int64_t started_ms; /* monotonic */
    int64_t run;        /* a number of this start alone (api/once.c) */
    _Atomic int64_t last_request_ms;
    atomic_int waiting;       /* requests under way and streams, without those of workers */
    _Atomic int64_t heard_ms; /* monotonic: when a worker last spoke; 0: none has */
    atomic_int openai_calls;  /* of /v1 that are under way or wait for their text */
    atomic_bool stopping;
    atomic_uint revocations;        /* of tokens, since the start */
    _Atomic int64_t workers_cpu_us; /* the most that was told (api/system.c) */
    struct sc_parking parking;      /* claims that wait for tasks */
    struct sc_push *push;           /* WebSockets (api/push.c) */
    struct sc_job_memo *job_memo;

    pthread_mutex_t lock;
    /* -- protected by lock -- */
    struct sc_api_stream *streams; /* open ones */
    int64_t streams_look_ms;       /* wall time at which the token of one may end; 0: none does */
    struct sc_holder *holders;     /* of streams and sockets (api/follower.c) */

    pthread_mutex_t refusals_lock;
    /* -- protected by refusals_lock -- */
    struct sc_refusals refusals[64];

    pthread_mutex_t unended_lock;
    /* -- protected by unended_lock -- */
    struct sc_once_unended *unended; /* ends of keys not written yet, oldest first (api/once.c) */
};

/* Handlers, one per row of routes.def, and what the description of the API says of each. */
#define ROUTE(method, pattern, handler, scope, flags, body_limit, summary)        \
    struct sc_done *sc_api_##handler(struct sc_request *req, struct sc_api *api); \
    extern const struct sc_route_doc sc_doc_##handler;
#include "api/routes.def"
#undef ROUTE

typedef struct sc_done *(*sc_api_handler_fn)(struct sc_request *req, struct sc_api *api);
/* api/routes.c: runs the handler, unless the request's If-Match does not fit. */
struct sc_done *sc_api_run(struct sc_request *req, struct sc_api *api, unsigned flags,
                           sc_api_handler_fn handler);
/* api/once.c: runs the handler, unless the request's Idempotency-Key says that it has run. */
struct sc_done *sc_api_once(struct sc_request *req, struct sc_api *api, unsigned flags,
                            sc_api_handler_fn handler);
/* Forgets the ends of keys that could not be written, and their lock. */
void sc_api_once_done(struct sc_api *api);

/* api/system.c: the processor time (us) of what the server has started, of which those alive took
 * so much; never less than it was told before, so that it can be counted. */
int64_t sc_api_workers_cpu(struct sc_api *api, int64_t alive_us);

#ifdef SC_WITH_TEST_HOOKS
/* api/echo.c */
struct sc_done *sc_api_echo(struct sc_request *req, struct sc_api *api);
#endif

/* Answers with body and status, or with *err when code is none of success. */
struct sc_done *sc_api_answer(struct sc_request *req, enum sc_code code, struct sc_error *err,
                              int status, struct sc_buf *body);
/* Adds the header Location: where what the request made is. */
SC_PRINTF(2, 3) void sc_api_location(struct sc_request *req, const char *format, ...);
/* The owner whose things the request may see. */
static inline int64_t sc_api_owner(struct sc_request *req)
{
    return sc_request_principal(req)->owner_id;
}

/* A list being written: asked for limit + 1 rows, so that the last one tells whether there are
 * more. */
struct sc_page {
    struct sc_json w;
    int limit, shown;
    int64_t last_id;
    bool more;
};
void sc_page_begin(struct sc_page *page, struct sc_buf *out, const char *name, int limit);
/* False: the page is full, the row is not to be written. */
bool sc_page_take(struct sc_page *page, int64_t id);
void sc_page_end(struct sc_page *page, enum sc_cursor_kind kind);

/* A list that goes on behind an id. */
struct sc_list {
    const char *name; /* of the array */
    enum sc_cursor_kind kind;
    const struct sc_query *query;
    /* Writes those that sc_page_take takes of the asked->limit rows behind asked->before, which are
     * one more than a page shows. */
    enum sc_code (*rows)(struct sc_request *req, struct sc_conn *conn,
                         const struct sc_query_page *asked, struct sc_page *page,
                         struct sc_error *err);
};
/* Answers with a page of it. asked: the first member of what `query` reads into, for rows that want
 * to know more; NULL: limit and cursor are all. */
struct sc_done *sc_list_answer(struct sc_request *req, struct sc_api *api,
                               const struct sc_list *list, struct sc_query_page *asked);

/* Is it no worker but the server, which registers for its own stages? */
static inline bool sc_api_is_server(const struct sc_worker *worker)
{
    return worker->local && worker->pid == getpid();
}

/* A client that counts has come (+1) or gone (-1). */
void sc_api_count(struct sc_api *api, int by);
/* api/jobs.c: writes the job's members into an open object, with where it stands in the queue. */
SC_MUST_USE enum sc_code sc_api_job_fields(struct sc_api *api, const struct sc_job *job,
                                           struct sc_json *w, struct sc_error *err);
/* api/jobs.c: where the job stands, the queue's answers to "when". */
SC_MUST_USE enum sc_code sc_api_job_outlook(struct sc_api *api, struct sc_conn *conn,
                                            const struct sc_job *job, struct sc_job_outlook *out,
                                            struct sc_error *err);

/* api/files.c: the file of the path, read through *conn, which the caller gives back. */
/* What sc_mime_of_format gives, for descriptions. */
#define SC_MEDIA_TYPES "audio/*|video/*|application/octet-stream"
/* api/file-bytes.c: a media type; that of any bytes for what is unknown. Static. */
const char *sc_mime_of_format(const char *format);
SC_MUST_USE enum sc_code sc_api_find_file(struct sc_request *req, struct sc_api *api,
                                          struct sc_conn **conn, struct sc_file *out,
                                          struct sc_error *err);

/* ---- upload.c ---- */

struct sc_api_arrival {
    struct sc_job_options *options; /* NULL: no job */
    const char *idempotency_key;    /* NULL: none */
    int64_t min_duration_ms;
    bool waiting;       /* the client waits for the job's end */
    struct sc_str name; /* of the file, where it came as a body that is no form; .ptr NULL: none */
};
/* Hands the request's file, which must be there, to the pipeline (sc_pipelines_arrive). */
SC_MUST_USE enum sc_code sc_api_arrive(struct sc_request *req, struct sc_api *api,
                                       const struct sc_api_arrival *how, struct sc_arrived *out,
                                       struct sc_error *err);
/* 201 for what is new, 200 for what was there; Location and replay headers. */
int sc_api_arrived_status(const struct sc_arrived *arrived);
void sc_api_arrived_headers(struct sc_request *req, const struct sc_arrived *arrived);
/* api/auth.c: has the token neither expired nor been revoked? 0, no token: true. What outlives its
 * first answer (a stream, a parked request) asks again before it says more. */
bool sc_api_token_lives(struct sc_api *api, int64_t token_id);
/* SC_SCOPE_ bits of names separated by spaces. */
unsigned sc_scopes_parse(struct sc_str text);
/* api/workers.c: the body of a worker's call, which names its worker_id. Whether the asker may
 * speak for that worker is told before anything else in it is looked at: a token speaks for those
 * that registered with it; to any other it answers as to one that is not there, NOT_FOUND. */
SC_MUST_USE enum sc_code sc_api_worker_body(struct sc_request *req, struct sc_api *api,
                                            struct sc_json_doc **doc, struct sc_error *err);
/* api/stream.c: wakes every stream and WebSocket so that it sees that the server stops or its token
 * has ended. */
void sc_api_streams_wake(struct sc_api *api);
/* The same for the streams whose token has expired; when it is to be called next, in wall time, 0:
 * no token of a stream expires. On the sockets' thread. */
int64_t sc_api_streams_look(struct sc_api *api);
/* api/push.c */
struct sc_push *sc_push_new(struct sc_api *api);
void sc_push_free(struct sc_push *push);
/* Every WebSocket is looked at, as streams are. */
void sc_push_wake(struct sc_push *push);
/* The request has opened a stream whose token expires: the sockets' thread ends it then. */
void sc_push_look_at_streams(struct sc_push *push, struct sc_request *req);
/* CONFLICT when the model of the failed job was replaced: it would fail again (job-retry.c). */
SC_MUST_USE enum sc_code sc_api_may_retry(const struct sc_api *api, const struct sc_job *job,
                                          struct sc_error *err);
