#pragma once
/* What the files of the store share; nobody else includes it, tests of the store excepted.
 *
 * Threads: the writer's connection belongs to the writer thread once it runs; a reader belongs to
 * whoever has borrowed it; everything else of a store is under its lock. */

#include "store/checkpoint.h"
#include "store/store.h"

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>

/* ---- connections (conn.c) ---- */

/* One prepared statement of a connection. */
struct sc_slot {
    sqlite3_stmt *handle;
    char **columns; /* names, copied: SQLite may move its own */
    int column_count;
    /* Rows are read by the same code each time: where the n-th name that it asked for was found. */
    int *asked;
    int turn;      /* names asked for since the row came */
    char **params; /* names in the order of their numbers, copied too */
    int param_count;
    int param_hint;   /* parameter found last; they are mostly bound in order */
    int prepare_rc;   /* why there is no handle, when a file error came between */
    int64_t begun_us; /* monotonic: its first step since it was reset; 0: none */
    bool in_use;
    bool has_row;
};

/* A callback owed after the commit. */
struct sc_after {
    struct sc_after *next;
    sc_after_commit_fn fn;
    void *owner;
    size_t size; /* 0: a signal */
    char arg[];
};

/* What the transaction at hand changes in the figures of jobs (figures.c). */
struct sc_figures {
    struct sc_figure *at;
    struct sc_figure_minute *minutes;
    size_t count, room, minute_count, minute_room;
};
struct sc_figures_mark {
    size_t count, minute_count;
};

struct sc_conn {
    sqlite3 *db;
    struct sc_store *store; /* NULL of connections that no store has opened */
    struct sc_conn *next;   /* in the pool of free readers */
    struct sc_slot slots[SC_SQL_COUNT_];
    int in_use;          /* statements handed out and not done */
    int64_t deadline_ms; /* of a lent reader (sc_conn_set_deadline); 0: none */
    bool late;           /* it has passed */
    bool is_writer;
    bool in_member;   /* a write function runs: statements need an open transaction */
    int fatal;        /* SQLite code that spoilt the transaction at hand; 0: none */
    int fatal_errno;  /* errno below it */
    int full_sync;    /* `synchronous` as set: 1 FULL, 0 NORMAL, -1 unknown */
    int wal_pages;    /* in the log after the last commit */
    int log_restarts; /* how often a commit began the log anew */
    bool wrote;       /* the last commit added to the log */
    bool spoilt;      /* a member without a savepoint failed halfway */
    bool unsynced;    /* the log holds commits that no sync has followed */
    struct sc_after *after_head;
    struct sc_after *after_tail;
    struct sc_figures figures;
};

enum sc_conn_kind { SC_CONN_WRITER, SC_CONN_READER };

/* Is there the start of a database that we may write? STORE_DAMAGED says that it is none. Only
 * before the store is open: closing a second descriptor of the file would drop this process's
 * locks. */
SC_MUST_USE enum sc_code sc_store_check_header(const char *path, struct sc_error *err);
/* Opens path with our settings. `create` makes a missing file. The journal mode is set for a writer
 * only. *out is owned: sc_conn_close. */
SC_MUST_USE enum sc_code sc_conn_open(const char *path, enum sc_conn_kind kind, bool create,
                                      int64_t busy_timeout_ms, struct sc_conn **out,
                                      struct sc_error *err);
/* Finalises its statements and closes; never checkpoints by itself. NULL allowed. */
void sc_conn_close(struct sc_conn *conn);
SC_DEFINE_FREEP(struct sc_conn, sc_conn_close);

/* A step of ours by name, without parameters or rows. */
SC_MUST_USE enum sc_code sc_conn_run(struct sc_conn *conn, enum sc_sql id, struct sc_error *err);
/* Makes an empty file that only its owner may read; SQLite gives its log and index the same mode.
 */
SC_MUST_USE enum sc_code sc_store_make_file(const char *path, struct sc_error *err);
/* Ends the transaction at hand, if there is one, without its changes. */
void sc_conn_roll_back(struct sc_conn *conn);
/* SQL text that is no statement of the table: settings, migrations. */
SC_MUST_USE enum sc_code sc_conn_exec(struct sc_conn *conn, const char *sql, struct sc_error *err);
/* Sets *err and returns the code for rc; `what` completes "cannot …". */
enum sc_code sc_conn_fail(struct sc_conn *conn, int rc, const char *what, struct sc_error *err);
/* The errno of the call that has just failed; errno was 0 before it. */
int sc_conn_errno(const struct sc_conn *conn);
/* Our code for one of SQLite's and the errno below it. */
enum sc_code sc_code_from_sqlite(int rc, int errnum);
/* Drops callbacks behind `tail` (NULL: all). */
void sc_conn_after_drop(struct sc_conn *conn, struct sc_after *tail);

struct sc_figures_mark sc_figures_mark(const struct sc_conn *conn);
/* Forgets what was noted since the mark; all of it with an empty one. */
void sc_figures_drop(struct sc_conn *conn, struct sc_figures_mark mark);
/* Adds up what was noted, inside the transaction; nothing is noted any more. */
SC_MUST_USE enum sc_code sc_figures_write(struct sc_conn *conn, struct sc_error *err);
void sc_figures_done(struct sc_figures *f);

/* Name of a statement as in the .sql file, and its text. */
const char *sc_sql_name(enum sc_sql id);
const char *sc_sql_text(enum sc_sql id);
/* Prepares the statement unless done; an SQLite code. A bad statement is a bug (assert). */
int sc_slot_prepare(struct sc_conn *conn, enum sc_sql id);
void sc_slot_free(struct sc_slot *slot);

/* ---- migrations (migrate.c) ---- */

struct sc_migration {
    int version; /* 1, 2, 3, … */
    const char *name;
    const char *checksum; /* SHA-256 of the text */
    const char *sql;
};
/* Is the database ours? Another program's is STORE_DAMAGED; *empty when it has no schema yet. */
SC_MUST_USE enum sc_code sc_store_identify(struct sc_conn *conn, bool *empty, struct sc_error *err);
extern const struct sc_migration sc_migrations[];
extern const size_t sc_migration_count;

/* Brings the store at path to the newest schema of the list. A store that holds a schema already is
 * first copied to backups/ beside it. */
SC_MUST_USE enum sc_code sc_migrate(struct sc_conn *conn, const char *path,
                                    const struct sc_migration *list, size_t count,
                                    struct sc_error *err);

/* ---- the store ---- */

/* One sc_store_write, on its caller's stack; fields written by the writer until `done`. */
struct sc_member {
    struct sc_member *next;
    sc_write_fn fn;
    void *ctx;
    enum sc_durability durability;
    bool again;           /* sc_store_write_again */
    struct sc_error *err; /* the caller's */
    enum sc_code code;
    sem_t finished;
};

struct sc_store {
    char *path;
    char *wal_path;
    int64_t busy_timeout_ms;
    pthread_t writer_thread;
    bool writer_runs;
    struct sc_conn *writer; /* the writer thread's; NULL while it cannot be opened */
    struct sc_wal log;
    _Atomic uint64_t version; /* sc_store_version */

    pthread_mutex_t lock;
    /* Protected by lock. */
    pthread_cond_t wake; /* the writer: work, or the end */
    struct sc_member *head, *tail;
    bool stopping;
    bool writable;
    struct sc_error reason; /* while not writable */
    bool cut_asked;         /* sc_store_cut_log, and not done yet */
    pthread_cond_t reader_free;
    struct sc_conn *free_readers;
    int readers_total, readers_lent;
};

/* Starts the writer thread of an opened store. */
SC_MUST_USE enum sc_code sc_writer_start(struct sc_store *store, struct sc_error *err);
/* Lets it finish what is queued and joins it. */
void sc_writer_stop(struct sc_store *store);
