#pragma once
/* The API: one route table, a handler file per resource, JSON views. */

#include "http/http.h"
#include "outbox/outbox.h"
#include "pipeline/pipeline.h"

/* The workers that this server starts itself. */
struct sc_places {
    int places;   /* how many it may; 0: all work is done elsewhere */
    int alive;    /* they come with the first work */
    bool failing; /* none works, and those that were started ended, or cannot be started */
};

struct sc_api_options {
    struct sc_store *store; /* all borrowed until free */
    struct sc_queue *queue;
    struct sc_hub *hub;
    struct sc_pipelines *pipelines;
    struct sc_outbox *outbox;
    const struct sc_live_config *config;
    bool local_open; /* a TCP listener on loopback answers without a token */
    /* A worker with this process id has registered under this id (the supervisor wants to know). */
    void (*worker_registered)(void *ctx, int pid, int64_t worker_id);
    /* A worker has handed in the result of a task. */
    void (*worker_finished)(void *ctx, int64_t worker_id);
    /* A worker asks for tasks or says that it still has some: it is alive. */
    void (*worker_heard)(void *ctx, int64_t worker_id);
    /* A worker named a task (0: none) that it had been told to stop working on. */
    void (*worker_told)(void *ctx, int64_t worker_id, int64_t task_id);
    void (*worker_places)(void *ctx, struct sc_places *out); /* any thread; does not wait */
    /* A request came in or ended (ephemeral servers count clients). */
    void (*activity)(void *ctx);
    void *ctx;
};

struct sc_api;
/* Hooks sc_queue_on_ready to wake parked claims. */
struct sc_api *sc_api_new(const struct sc_api_options *options);
void sc_api_free(struct sc_api *api);
SC_DEFINE_FREEP(struct sc_api, sc_api_free);

/* For sc_http_start: the routes, the app pointer is the api itself. */
const struct sc_route *sc_api_routes(size_t *count);
enum sc_code sc_api_authenticate(void *api, struct sc_str bearer, const struct sc_peer *peer,
                                 struct sc_principal *out, struct sc_error *err);
/* The shape of errors: OpenAI's below /v1, the HTTP adapter's own elsewhere. */
int sc_api_error_body(void *api, struct sc_request *req, const struct sc_error *err,
                      struct sc_buf *out);
/* For sc_http_options.form: is the model of a call of /v1 one that nobody has? */
enum sc_code sc_api_judge_form(void *api, struct sc_request *req, struct sc_error *err);
/* For sc_http_options.lives: false once the principal's token was revoked or has expired. */
bool sc_api_principal_lives(void *api, struct sc_principal *principal);
/* Is there a token that opens something? False also when the store does not answer. */
bool sc_api_has_tokens(struct sc_api *api);
/* For sc_http_options.sockets_round: serves the open WebSockets. */
int64_t sc_api_sockets_round(void *api);
/* Tasks became ready: wakes parked claims. From any thread. */
void sc_api_wake(struct sc_api *api);
/* Wakes everything that is parked so that it can answer SHUTTING_DOWN; streams end. What would
 * change something answers so from now on, but for the calls with which workers end theirs. */
void sc_api_stop(struct sc_api *api);
/* Clients that are connected to a stream or wait for something. */
int sc_api_waiting(struct sc_api *api);
/* Time of the last request that was not a worker's (monotonic). */
int64_t sc_api_last_request_ms(struct sc_api *api);
