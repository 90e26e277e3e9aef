#pragma once
/* Claims that wait for tasks: who is woken when tasks become ready.
 *
 * The news says neither how many tasks there are nor for whom, so one waiter is woken and tries; if
 * it got all that it could carry there may be more, and it wakes the next one; if it did not,
 * nothing is left for its lanes, and only a waiter with other lanes is worth waking. So nobody
 * wakes for nothing but one waiter per set of lanes, and no news is lost: each waiter knows which
 * generation of the news its last try has seen, and does not park while there is a newer one.
 *
 * All functions are thread-safe; `park` and `resume` run under the lock and must not call back. */

#include "base/lock.h"

#include <stdint.h>

#define SC_PARKING_KEY 256

struct sc_waiter {
    struct sc_waiter *prev, *next;
    void *handle;             /* what `resume` takes */
    char key[SC_PARKING_KEY]; /* its lanes: waiters with equal keys can do the same tasks */
    uint64_t seen;            /* generation that its last try began in */
    bool parked;
};

/* False: it was resumed or has gone already. */
typedef bool (*sc_resume_fn)(void *handle);

struct sc_parking {
    pthread_mutex_t lock;
    sc_resume_fn resume;
    /* -- protected by lock -- */
    struct sc_waiter *first, *last;
    uint64_t generation;
};

void sc_parking_init(struct sc_parking *p, sc_resume_fn resume);
/* Nobody may wait any more. */
void sc_parking_done(struct sc_parking *p);

/* Joins the list; the waiter is the caller's until it has left. */
void sc_parking_enter(struct sc_parking *p, struct sc_waiter *w);
void sc_parking_leave(struct sc_parking *p, struct sc_waiter *w);
/* The waiter with that handle; NULL: none. */
struct sc_waiter *sc_parking_find(struct sc_parking *p, const void *handle);
/* Before a try: what becomes ready from now on will be news. */
void sc_parking_begin(struct sc_parking *p, struct sc_waiter *w);
/* After a try, also a failed one: wakes the next waiter if there may be something for it.
 * exhausted: it could have taken more than there was. */
void sc_parking_end(struct sc_parking *p, struct sc_waiter *w, bool exhausted);
/* Parks by calling `park`, under the lock so that no news falls between; NULL: there is news, try
 * again. Once parked the waiter belongs to whoever runs next (resumed, deadline or gone). */
void *sc_parking_park(struct sc_parking *p, struct sc_waiter *w, void *(*park)(void *ctx),
                      void *ctx);
/* Tasks became ready. */
void sc_parking_wake(struct sc_parking *p);
/* Everybody: the server stops, or somebody's token has ended. */
void sc_parking_wake_all(struct sc_parking *p);
