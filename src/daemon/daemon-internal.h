#pragma once
/* What the files of the daemon share. Its threads: the main one waits for signals and, when
 * ephemeral, for idleness; `supervisor` keeps the local workers; `upkeep` sweeps the queue;
 * `journal` logs what becomes of jobs. */

#include "base/error.h"
#include "config/live.h"
#include "pipeline/pipeline.h"
#include "queue/queue.h"
#include "sys/lockfile.h"

#include <stdbool.h>

/* ---- folder.c ---- */

/* Paths below the data folder, made from config->data_dir; all owned. */
struct sc_folder {
    char *root;   /* absolute */
    char *run;    /* run */
    char *lock;   /* run/lock */
    char *socket; /* run/scripta.sock */
    char *listen; /* run/listen: the TCP address that is served, one line */
    char *temp;   /* temp */
    char *log;    /* logs/scripta.log */
    char *store;  /* scripta.db */
};
void sc_folder_init(struct sc_folder *folder, const char *data_dir);
void sc_folder_done(struct sc_folder *folder);
/* Takes the lock on the folder, making what is needed for that. When an ephemeral server holds it
 * and we are none, that one is asked to end and waited for (5 s), as one is that was killed and
 * whose children still hold the lock. STORE_LOCKED names the holder. */
SC_MUST_USE enum sc_code sc_folder_lock(const struct sc_folder *folder, bool ephemeral,
                                        struct sc_lockfile **out, struct sc_error *err);
/* Under the lock: makes the folders, empties temp/, forgets the last address. */
SC_MUST_USE enum sc_code sc_folder_prepare(const struct sc_folder *folder, struct sc_error *err);
/* The process id in the holder's line of an ephemeral server; 0: it is none. */
int sc_folder_ephemeral_pid(const char *holder);

/* ---- listen.c ---- */

#define SC_LISTEN_MAX 2
struct sc_listening {
    int fds[SC_LISTEN_MAX];
    size_t count;
    char *address; /* "127.0.0.1:8000" with the port that was bound; NULL: no TCP. Owned. */
    bool loopback;
};
/* Closes what has not been handed on. */
void sc_listening_done(struct sc_listening *l);
/* The Unix socket and, unless `address` is "", TCP. */
SC_MUST_USE enum sc_code sc_listening_open(const struct sc_folder *folder, const char *address,
                                           struct sc_listening *out, struct sc_error *err);
/* Writes run/listen. */
SC_MUST_USE enum sc_code sc_listening_publish(const struct sc_folder *folder,
                                              const struct sc_listening *l, struct sc_error *err);

/* ---- supervisor.c ---- */

struct sc_supervisor;
struct sc_supervisor_options {
    struct sc_store *store; /* borrowed until close, as all of these */
    struct sc_queue *queue;
    const struct sc_live_config *config; /* what the engines need of it is given to workers */
    const char *socket;                  /* path */
    int workers;                         /* 0 to SC_WORKERS_MAX */
};
#define SC_WORKERS_MAX 64
/* Starts its thread; workers come with the first ready task. */
SC_MUST_USE enum sc_code sc_supervisor_open(const struct sc_supervisor_options *options,
                                            struct sc_supervisor **out, struct sc_error *err);
/* Kills what is left of the workers. NULL allowed. */
void sc_supervisor_close(struct sc_supervisor *s);
SC_DEFINE_FREEP(struct sc_supervisor, sc_supervisor_close);
/* Tasks may have become ready. Never blocks; from any thread, also the writer's. */
void sc_supervisor_wake(struct sc_supervisor *s);
/* What the api hears of workers. From any thread but the writer's. */
void sc_supervisor_registered(struct sc_supervisor *s, int pid, int64_t worker_id);
void sc_supervisor_finished(struct sc_supervisor *s, int64_t worker_id);
void sc_supervisor_heard(struct sc_supervisor *s, int64_t worker_id);
/* The worker still works on a task (0: on none) that it was told to stop: after queue.stop_grace it
 * is killed, for its engine will not listen. */
void sc_supervisor_told(struct sc_supervisor *s, int64_t worker_id, int64_t task_id);
/* A lease of this worker has run out: another is started beside it or, where there is no place
 * left, instead of it. From any thread, also the writer's. */
void sc_supervisor_silent(struct sc_supervisor *s, int64_t worker_id);
/* How many it may keep and keeps. *failing: none has registered, and a place waits because its
 * worker ended before it had finished anything, or could not be started. */
void sc_supervisor_look(struct sc_supervisor *s, int *places, int *alive, bool *failing);
/* Starts no more workers and sends SIGTERM to those there are. */
void sc_supervisor_stop(struct sc_supervisor *s);
void sc_supervisor_kill(struct sc_supervisor *s);
/* Readable once none is left after a stop. */
int sc_supervisor_idle_fd(const struct sc_supervisor *s);

/* How long a worker's place stays empty after a death: nothing when it had finished a task, else 1
 * s doubling to 30 s. `last_ms` is what it was the last time. */
int64_t sc_supervisor_backoff_ms(bool finished, int64_t last_ms);

/* ---- journal.c ---- */

struct sc_journal;
/* Logs what becomes of jobs until it is closed. Borrows hub. */
SC_MUST_USE enum sc_code sc_journal_open(struct sc_hub *hub, struct sc_journal **out,
                                         struct sc_error *err);
/* Writes what is left. NULL allowed. */
void sc_journal_close(struct sc_journal *j);
SC_DEFINE_FREEP(struct sc_journal, sc_journal_close);

/* ---- upkeep.c ---- */

struct sc_upkeep;
/* Borrows all of them until it is closed. */
SC_MUST_USE enum sc_code sc_upkeep_open(struct sc_store *store, struct sc_queue *queue,
                                        struct sc_pipelines *pipelines, struct sc_upkeep **out,
                                        struct sc_error *err);
/* NULL allowed. */
void sc_upkeep_close(struct sc_upkeep *u);
SC_DEFINE_FREEP(struct sc_upkeep, sc_upkeep_close);
