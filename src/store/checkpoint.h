#pragma once
/* Moving the log into the store (checkpoint.c); for the files of the store alone. */

#include "store/store.h"

#include <pthread.h>

/* How far a checkpoint came. */
struct sc_wal_extent {
    int pages, moved; /* in the log, and of them into the store */
    bool whole;       /* nothing was in the way */
};

/* A pass: a checkpoint by the thread that is there for it. */
enum sc_wal_pass {
    SC_WAL_PASS_NONE,
    SC_WAL_PASS_RUNS,  /* also while it is only asked for */
    SC_WAL_PASS_ENDED, /* the writer has not yet looked at how */
};

/* The state of checkpoints (checkpoint.c). */
struct sc_wal {
    pthread_t thread;
    bool runs;
    struct sc_conn *conn; /* the thread's while a pass runs, else the writer thread's */
    /* The writer thread's; tests lower the limits before their first write. */
    struct {
        int pass; /* pages by which the log grows before it is moved */
        int most; /* pages of a log that no write may go on with */
    } limits;
    int moved;   /* pages of the log that are in the store, as far as known */
    int settled; /* length of the log when all that could be done was done; 0: begun anew since */
    int64_t cut_ms; /* monotonic: before it no other attempt to cut the log is made */

    pthread_cond_t wake, ended; /* a pass: is asked for, has ended */
    /* Protected by the store's lock. */
    bool stopping;
    enum sc_wal_pass pass;
    int restarts;                /* of the writer, when the pass was asked for */
    struct sc_wal_extent extent; /* of the pass that has ended */
    struct sc_error failure;
};

/* All of these are the writer thread's, or are called before it starts or after it has ended. */

/* Starts the thread that moves the log into the store behind the writer's back. */
SC_MUST_USE enum sc_code sc_wal_start(struct sc_store *store, struct sc_error *err);
/* Waits for a pass that runs; ends the thread. */
void sc_wal_stop(struct sc_store *store);
/* After each turn: has the log moved when it is time. A failure is one of the disk. */
SC_MUST_USE enum sc_code sc_wal_grew(struct sc_store *store, struct sc_error *err);
/* Is the log to be cut, and how far is it: moves what is left of it, or has it moved, and cuts it
 * when nobody is in the way. */
SC_MUST_USE enum sc_code sc_wal_cut(struct sc_store *store, struct sc_error *err);
/* Is there something for sc_wal_idle in a while? */
bool sc_wal_waits_locked(struct sc_store *store);
/* The same as sc_wal_grew, when there is nothing else to do. */
SC_MUST_USE enum sc_code sc_wal_idle(struct sc_store *store, struct sc_error *err);
/* Moves all of the log, on the spot, and cuts it to nothing; *complete: nobody was in the way. No
 * pass runs. */
SC_MUST_USE enum sc_code sc_wal_empty(struct sc_store *store, bool *complete, struct sc_error *err);
/* Waits for a pass that runs, forgets how it ended, closes its connection. */
void sc_wal_close(struct sc_store *store);
