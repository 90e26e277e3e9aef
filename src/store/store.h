#pragma once
/* The store: one SQLite database, one writer thread with group commit, a pool of readers.
 *
 * Only `serve` (or a `db` command under the folder's lock) opens it. Every write is a function that
 * the writer thread runs inside a SAVEPOINT of a transaction shared with its neighbours; it must be
 * short, do no I/O, and be able to run twice. Its conditions belong in its WHERE. When a COMMIT
 * fails every member fails, and the store refuses writes until it has been reopened and checked. */

#include "base/error.h"
#include "base/metric.h"
#include "base/str.h"
#include "store/sql.h"

#include <stdio.h>

struct sc_store;
struct sc_conn; /* a connection in a transaction: the writer's inside a write, or a lent reader */

struct sc_store_options {
    const char *path; /* of the database file */
    int readers;      /* read-only connections, at least 1 */
    int64_t busy_timeout_ms;
    int open_attempts; /* with exponential back-off, for transient errors only */
    bool create;       /* initialise a missing store instead of STORE_NOT_INITIALISED */
};

/* Opens, checks (newer schema, damage, read-only) and migrates. The caller holds the folder's lock
 * (sys/lockfile.h). Errors: STORE_NOT_INITIALISED, STORE_TOO_NEW, STORE_DAMAGED, STORE_READ_ONLY,
 * STORE_UNAVAILABLE, NO_SPACE. */
SC_MUST_USE enum sc_code sc_store_open(const struct sc_store_options *options,
                                       struct sc_store **out, struct sc_error *err);
/* Waits for running writes and readers, checkpoints, closes. NULL allowed. */
void sc_store_close(struct sc_store *store);
SC_DEFINE_FREEP(struct sc_store, sc_store_close);

enum sc_durability {
    SC_DURABLE, /* fsynced before the call returns: everything that is acknowledged */
    SC_RELAXED, /* survives a killed process, not a power cut: heartbeats, progress */
};

/* Runs inside the transaction, on the writer thread. Anything but SC_OK rolls back this function's
 * changes only. */
typedef enum sc_code (*sc_write_fn)(struct sc_conn *tx, void *ctx, struct sc_error *err);

/* Blocks until the COMMIT that holds fn's changes is done; returns fn's code. When the commit
 * failed, or the store is not writable: STORE_* or NO_SPACE, whatever fn had answered, which may
 * rest on a neighbour's row that never came to be. SHUTTING_DOWN after sc_store_close has begun.
 * Thread-safe; never call it from inside a write or an after-commit function. */
SC_MUST_USE enum sc_code sc_store_write(struct sc_store *store, enum sc_durability durability,
                                        sc_write_fn fn, void *ctx, struct sc_error *err);

/* The same for a function that leaves nothing behind in ctx which a second run minds. Where all
 * members of a transaction are such, none has a SAVEPOINT, which costs about a tenth of a short
 * write; when one of them fails after it has changed something, all are rolled back and run again,
 * each in its own. */
SC_MUST_USE enum sc_code sc_store_write_again(struct sc_store *store, enum sc_durability durability,
                                              sc_write_fn fn, void *ctx, struct sc_error *err);

/* Called after the COMMIT and before sc_store_write returns, on the writer thread, in order;
 * dropped when the write is rolled back. `arg` is copied (size bytes) and freed by the store. fn
 * must not block; it may read through sc_store_read. With size 0 it is a signal: writes that share
 * a COMMIT send it once, after everything else. */
typedef void (*sc_after_commit_fn)(void *owner, const void *arg);
void sc_conn_after_commit(struct sc_conn *tx, sc_after_commit_fn fn, void *owner, const void *arg,
                          size_t size);

/* Lends a reader in a read transaction: a consistent view, taken by its first statement. For the
 * calling thread alone, which does not ask for a second one meanwhile. Give it back soon; never
 * hold it across a network write. Waits for a free one up to the busy time-out, then
 * STORE_UNAVAILABLE. */
SC_MUST_USE enum sc_code sc_store_read(struct sc_store *store, struct sc_conn **out,
                                       struct sc_error *err);
void sc_conn_release(struct sc_conn *reader);
/* A lent reader's statements answer TIMEOUT from then on (monotonic; 0: never), also in the midst
 * of a step; what else it is lent for may go on once it is set to 0. Ends with the loan. */
void sc_conn_set_deadline(struct sc_conn *reader, int64_t mono_ms);
SC_DEFINE_FREEP(struct sc_conn, sc_conn_release);

/* False after a failed commit, with the reason in *err. The writer tries to reopen and check the
 * store by itself every second, so that it goes on when the cause (disk full, read-only) has gone.
 */
bool sc_store_is_writable(struct sc_store *store, struct sc_error *err);

/* Has the log moved into the store and cut to nothing, so that what was deleted is in neither:
 * soon, as readers and writers let. From any thread. */
void sc_store_cut_log(struct sc_store *store);
/* Has that been done since it was asked for last? */
bool sc_store_log_is_cut(struct sc_store *store);

/* Grows with each commit, and is odd while one is under way. What was read after it had told an
 * even number is what the store holds as long as it tells the same one. From any thread. */
uint64_t sc_store_version(const struct sc_store *store);

/* ---- statements -------------------------------------------------------------------------------
 * Prepared lazily, once per connection, so the same statement is not in use twice at a time on one
 * connection: read the rows out before calling what may use it too. That, binding errors and
 * unknown names are bugs (assert). */

struct sc_stmt {
    struct sc_conn *conn;
    void *handle;
    enum sc_sql id;
};

#define SC_AUTO_STMT SC_AUTO(sc_stmt_done) struct sc_stmt

struct sc_stmt sc_stmt_get(struct sc_conn *conn, enum sc_sql id);
/* Resets it and drops its bindings; a scope guard. */
void sc_stmt_done(struct sc_stmt *st);
/* Ready for another run in the same scope; bindings are dropped. */
void sc_stmt_reset(struct sc_stmt *st);

void sc_stmt_bind_int(struct sc_stmt *st, const char *name, int64_t value);
void sc_stmt_bind_double(struct sc_stmt *st, const char *name, double value);
void sc_stmt_bind_null(struct sc_stmt *st, const char *name);
/* Borrowed until the statement is reset. A NULL pointer binds NULL, also in a slice. */
void sc_stmt_bind_text(struct sc_stmt *st, const char *name, const char *value);
void sc_stmt_bind_str(struct sc_stmt *st, const char *name, struct sc_str value);
void sc_stmt_bind_blob(struct sc_stmt *st, const char *name, const void *bytes, size_t len);
/* INTEGER, or NULL when value < 0. */
void sc_stmt_bind_opt(struct sc_stmt *st, const char *name, int64_t value);

/* Next row: *row tells whether there is one. */
SC_MUST_USE enum sc_code sc_stmt_step(struct sc_stmt *st, bool *row, struct sc_error *err);
/* First row, or NOT_FOUND (err untouched in that case). */
SC_MUST_USE enum sc_code sc_stmt_one(struct sc_stmt *st, struct sc_error *err);
/* Runs to the end, whatever it returns. RETURNING rows are final only after this. */
SC_MUST_USE enum sc_code sc_stmt_run(struct sc_stmt *st, struct sc_error *err);
/* Rows changed by the last INSERT, UPDATE or DELETE that ran to its end. */
int64_t sc_conn_changes(struct sc_conn *tx);
int64_t sc_conn_last_id(struct sc_conn *tx);
/* Rows changed since the connection was opened, also those that an index is made of. */
int64_t sc_conn_all_changes(struct sc_conn *tx);

/* Columns of the row at hand, by name; text and blobs are borrowed until the next step or reset. */
int64_t sc_stmt_int(struct sc_stmt *st, const char *column);
/* `absent` for NULL. */
int64_t sc_stmt_int_or(struct sc_stmt *st, const char *column, int64_t absent);
double sc_stmt_double_or(struct sc_stmt *st, const char *column, double absent);
bool sc_stmt_is_null(struct sc_stmt *st, const char *column);
/* "" for NULL; never a NULL pointer. */
struct sc_str sc_stmt_str(struct sc_stmt *st, const char *column);
const char *sc_stmt_text(struct sc_stmt *st, const char *column);
/* The text of a column into a char array, cut to its size; of a struct's field from the column of
 * the same name. */
void sc_stmt_copy(struct sc_stmt *st, const char *column, char *out, size_t size);
#define SC_STMT_COPY(st, column, array) sc_stmt_copy((st), (column), (array), sizeof(array))
#define SC_STMT_READ(st, row, field) SC_STMT_COPY(st, #field, (row)->field)

/* ---- whole-database verbs (store/admin.c) ---------------------------------------------------- */

struct sc_store_info {
    int schema_version;
    int64_t size_bytes, wal_bytes, pages, free_pages, page_size;
};
SC_MUST_USE enum sc_code sc_store_info(struct sc_store *store, struct sc_store_info *out,
                                       struct sc_error *err);
/* How it is used; touches memory and the size of the log only, so it never waits. */
struct sc_store_use {
    int readers, lent;
    int64_t size_bytes, wal_bytes;
};
void sc_store_use(struct sc_store *store, struct sc_store_use *out);
/* The statements that have taken most of this process's time, the longest first, at most `most` of
 * them; *runs: of all statements. A statement's time is that from its first step until it is reset,
 * with what is done with its rows meanwhile. */
struct sc_statement_figures {
    const char *name; /* static */
    struct sc_latency_figures latency;
};
size_t sc_store_statements(struct sc_statement_figures *out, size_t most, uint64_t *runs);
/* Whether the name and time of each statement, never its values, are a line of the log, at DEBUG.
 */
void sc_store_log_statements(bool on);
/* Rows of each table, to fn. */
typedef void (*sc_table_fn)(void *ctx, const char *table, int64_t rows);
SC_MUST_USE enum sc_code sc_store_tables(struct sc_store *store, sc_table_fn fn, void *ctx,
                                         struct sc_error *err);
/* integrity_check and foreign_key_check; each problem to fn; STORE_DAMAGED when there was one. */
typedef void (*sc_problem_fn)(void *ctx, const char *problem);
SC_MUST_USE enum sc_code sc_store_check(struct sc_store *store, sc_problem_fn fn, void *ctx,
                                        struct sc_error *err);
/* The newest schema that this program knows. */
int sc_store_schema_version(void);
