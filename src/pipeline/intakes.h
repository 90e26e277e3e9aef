#pragma once
/* The intakes of a server: those that are held or remembered, and the thread that cares for them.
 */

#include "base/error.h"

#include <pthread.h>

struct sc_pipelines;
struct sc_intake;
struct sc_intake_sync;
struct sc_intakes {
    pthread_mutex_t lock;
    pthread_cond_t work; /* something is to be synced, or stop */
    pthread_t thread;
    bool started;
    /* -- protected by lock -- */
    struct sc_intake *first; /* the last one that was used comes first */
    size_t count;
    struct sc_intake_sync *syncs, *last_sync;
    bool stop;
};
void sc_intakes_init(struct sc_intakes *i);
/* Nobody holds one any more. */
void sc_intakes_done(struct sc_intakes *i);
/* The thread that syncs what is written and ends what an earlier server left. */
SC_MUST_USE enum sc_code sc_intakes_start(struct sc_pipelines *p, struct sc_error *err);
void sc_intakes_stop(struct sc_pipelines *p);
