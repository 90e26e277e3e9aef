#pragma once
/* Threads that share the parts of one piece of work after another. They sleep between pieces and
 * never spin: a pool on busy cores costs what its work costs. */

#include "base/error.h"

/* fn true: stop now. It is asked on the caller's thread only. */
struct sc_stop {
    bool (*fn)(void *ctx);
    void *ctx; /* the caller's */
};

/* Does part `part`, on thread `thread` of the pool (from 0), for what it keeps to itself. */
typedef void (*sc_pool_fn)(void *ctx, size_t part, int thread);

struct sc_pool;

/* A pool of 1 to SC_POOL_THREADS threads, the caller of sc_pool_run among them. INTERNAL. */
#define SC_POOL_THREADS 256
SC_MUST_USE enum sc_code sc_pool_open(int threads, struct sc_pool **out, struct sc_error *err);
/* Nobody runs anything any more. NULL is allowed. */
void sc_pool_close(struct sc_pool *pool);
SC_DEFINE_FREEP(struct sc_pool, sc_pool_close);
int sc_pool_threads(const struct sc_pool *pool);
/* So many of them take part from the next run on, 1 at least; 0, or more than there are: all. */
void sc_pool_use(struct sc_pool *pool, int threads);

/* Calls fn for parts 0 to parts - 1, each once, in any order on any thread, and returns when all
 * are done. Asks `stop` (NULL: nobody) before each part that the caller's thread takes: when it
 * says so, no further part begins, and the answer is false when parts were left out. Callers of
 * several threads take turns. fn must not call it. */
SC_MUST_USE bool sc_pool_run(struct sc_pool *pool, sc_pool_fn fn, void *ctx, size_t parts,
                             const struct sc_stop *stop);
/* For fn, between the steps of a part that takes long: false when it is to end where it stands, and
 * the round's answer is then false. `thread` is its own. */
SC_MUST_USE bool sc_pool_goes_on(struct sc_pool *pool, int thread);
