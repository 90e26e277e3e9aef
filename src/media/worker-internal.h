#pragma once
/* A worker has three threads. The main thread registers, claims and heartbeats; the runner fetches
 * input, recognises and delivers; the watcher waits for the lifeline's end and for signals. Shared
 * state is in struct worker, under its lock or atomic. */

#include "base/buf.h"
#include "base/error.h"
#include "engine/engine.h"
#include "net/client.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WORKER_TASKS 16
#define WORKER_ENGINES 8

struct task {
    int64_t id, epoch, worker_id;                            /* the fence */
    char *engine, *model, *model_hash, *language, *settings; /* owned */
    int chunk, attempt;
    int64_t start_ms, samples, timeout_ms;
    int64_t until_ms; /* 0: of no chain */
    char *carry;      /* owned; NULL: nothing was handed on */
    bool is_noop;
    atomic_bool lost;     /* cancelled, leased to another by now, or dealt with */
    atomic_bool running;  /* the engine has it */
    atomic_bool unwanted; /* the engine is to leave it: lost, or late */
    atomic_int progress;  /* percent, where the engine tells */
    struct sc_buf said;   /* -- by the worker's lock -- segments as JSON, to be told */
    int64_t said_first;   /* -- by the same -- segments of the chunk in front of them */
    bool is_mute;         /* of the main thread: the server has refused to be told */
};
void task_done(struct task *t);

/* Tasks in the order in which the server gave them. */
struct tasks {
    struct task at[WORKER_TASKS];
    size_t count;
    int64_t as_of; /* of the answer that they came with; 0: of none */
};

struct worker {
    /* Set before the threads start. */
    const char *server, *name, *token;
    struct sc_config *config;
    const struct sc_engine_ops *engines[WORKER_ENGINES];
    size_t engine_count;
    int batch[WORKER_ENGINES]; /* chunks that a call of each takes */
    int max_chunks;            /* the most of them */
    int lifeline;              /* -1: none */

    /* Main thread only. */
    struct sc_client *client;
    int64_t id; /* 0: not registered */
    int64_t heartbeat_ms;
    int64_t as_of; /* of the last claim whose tasks are, or were, in `tasks`; 0: of none */

    /* Milliseconds of the monotonic clock at which stopping began; 0: not stopping. */
    atomic_int_fast64_t stopping_ms;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* -- protected by lock -- */
    struct task tasks[WORKER_TASKS]; /* the runner's while busy; lost is atomic */
    size_t task_count;
    struct tasks next; /* claimed with the last result; whoever has the tasks fills it */
    bool busy;         /* the runner has the tasks */
    bool has_said;     /* of some of them there is something to be told */
    bool ending;       /* the runner is to return */
};

/* A chunk that ends this soon after SIGTERM is saved; then the engine is stopped. */
#define WORKER_GRACE_MS 3000
/* No call to the server goes on longer than this after SIGTERM. */
#define WORKER_CALLS_MS 4000

/* True when stopping began more than ms ago. */
bool worker_stopping_for(struct worker *w, int64_t ms);
/* Sleeps, but not beyond the start of stopping; false when stopping. */
bool worker_sleep(struct worker *w, int64_t ms);

/* ---- worker-calls.c: one function per call of the protocol ---- */

SC_MUST_USE enum sc_code call_register(struct worker *w, struct sc_error *err);
/* Long poll; appends to w->tasks, which must be empty. */
SC_MUST_USE enum sc_code call_claim(struct worker *w, struct sc_error *err);
/* Marks what was lost or cancelled. */
SC_MUST_USE enum sc_code call_heartbeat(struct worker *w, struct sc_error *err);
SC_MUST_USE enum sc_code call_input(struct sc_client *client, const struct task *t,
                                    struct sc_buf *pcm, struct sc_error *err);
/* Of one chunk, what it said so far; segments: a JSON list. */
struct saying {
    int64_t first;
    struct sc_str segments;
};
SC_MUST_USE enum sc_code call_say(const struct worker *w, const struct task *t,
                                  const struct saying *what, int64_t timeout_ms,
                                  struct sc_error *err);
/* Appends a segment as the members of a list have it. */
void write_segments(const struct sc_segments *segments, size_t first, struct sc_buf *out);
struct delivery {
    const struct task *task;
    const struct sc_engine_result *result; /* NULL: a task without text, or there is none */
    int64_t processing_ms;
    int64_t load_ms; /* of the model, for this result; 0: it was there */
    const struct sc_error
        *why;           /* NULL: it is complete; else it failed, and result is for its log */
    struct tasks *next; /* to be claimed with a result; NULL: nothing */
};
SC_MUST_USE enum sc_code call_complete(const struct worker *w, struct sc_client *client,
                                       const struct delivery *d, struct sc_error *err);
/* result NULL: the engine was not asked; else it is there for its log. */
SC_MUST_USE enum sc_code call_fail(struct sc_client *client, const struct task *t,
                                   const struct sc_engine_result *result,
                                   const struct sc_error *why, struct sc_error *err);
SC_MUST_USE enum sc_code call_release(struct sc_client *client, const struct task *t,
                                      struct sc_error *err);

/* ---- worker-run.c ---- */

/* Body of the runner's thread; ctx is the struct worker. */
void *runner_main(void *ctx);
/* Delivers the end of a task: tries again while the server is away, for a minute; then drops it.
 * The lease ends by itself. */
void deliver(struct worker *w, struct sc_client *client, const struct delivery *delivery);
