/* Moving the log into the store.
 *
 * A thread of its own does it, with a connection of its own: SQLite lets a PASSIVE checkpoint and
 * the writer go on side by side, so nobody who writes waits until pages are read, written and
 * synced. The writer decides, after each of its turns:
 *
 *     the log has grown by 32 MB              the thread moves what is there: a pass;
 *     that is done, and much has come since   another pass: less each time;
 *     that is done, and little has come       the writer moves it itself; the log then holds
 *                                             nothing that the store lacks, and the next write
 *                                             begins it anew, at its start;
 *     the log has grown to 128 MB             the writer waits for the pass, and moves the rest.
 *
 * SQLite before 3.51.3 loses pages when a checkpoint begins on a log that was moved as a whole
 * while another connection begins that log anew: the checkpoint then takes frames of the new log
 * for moved that it never saw. So a pass is asked for only when the log holds pages that the store
 * lacks. Until these are moved SQLite does not begin the log anew, and nobody but that pass moves
 * them: one checkpoint is under way at a time, the thread's or the writer's, and readers never
 * checkpoint, not when they close either.
 *
 * What has to be done before the log is moved belongs into move_log(), which every checkpoint goes
 * through. */
#include "store/store-internal.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"

#include <errno.h>

#include "base/banned.h"

#define LITTLE_PAGES 200 /* what the writer moves by itself: a millisecond or two */
#define IDLE_PAGES 1000  /* fewer are not moved just because nothing else is to be done */
#define LONG_PAGES 16000 /* 64 MB: so long a log is cut when nothing else is to be done */
#define CUT_AGAIN_MS 100 /* between attempts to cut a log that somebody reads */
#define READERS_MS 50    /* for how long the writer waits for readers of too long a log */

/* ---- one checkpoint ---- */

/* SQLITE_OK also when a reader, or another checkpoint, is in the way: *out tells how far it came.
 */
static int move_log(struct sc_conn *conn, int mode, int64_t wait_ms, struct sc_wal_extent *out)
{
    int pages = 0, moved = 0;
    if (SC_FAULT("store.checkpoint"))
        return SQLITE_IOERR;
    (void)sqlite3_busy_timeout(conn->db, (int)wait_ms);
    errno = 0;
    int rc = sqlite3_wal_checkpoint_v2(conn->db, "main", mode, &pages, &moved);
    bool hindered = (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
    *out = (struct sc_wal_extent){
        .pages = SC_MAX(pages, 0),
        .moved = SC_MAX(moved, 0),
        .whole = rc == SQLITE_OK && moved == pages,
    };
    return hindered ? SQLITE_OK : rc;
}

/* By the writer, between two transactions. */
static enum sc_code move_here(struct sc_store *store, int mode, int64_t wait_ms, bool *whole,
                              struct sc_error *err)
{
    struct sc_wal *log = &store->log;
    struct sc_conn *conn = store->writer;
    struct sc_wal_extent extent = { .pages = 0 };
    enum sc_code code = SC_OK;
    int rc = move_log(conn, mode, wait_ms, &extent);
    if (rc != SQLITE_OK)
        code = sc_conn_fail(conn, rc, "move the log into the store", err);
    (void)sqlite3_busy_timeout(conn->db, (int)store->busy_timeout_ms);
    *whole = code == SC_OK && extent.whole;
    if (*whole)
        conn->wal_pages = extent.pages; /* none after TRUNCATE */
    log->moved = extent.moved;
    log->settled = conn->wal_pages;
    return code;
}

enum sc_code sc_wal_empty(struct sc_store *store, bool *complete, struct sc_error *err)
{
    /* TRUNCATE waits for readers as long as it is told to, and no write may wait for that. */
    return move_here(store, SQLITE_CHECKPOINT_TRUNCATE, 0, complete, err);
}

/* ---- the thread ---- */

static enum sc_code run_pass(struct sc_store *store, struct sc_wal_extent *out,
                             struct sc_error *err)
{
    struct sc_wal *log = &store->log;
    /* Too few descriptors, or no memory, and the like: what was not moved now is moved later. */
    if (log->conn == NULL && sc_conn_open(store->path, SC_CONN_WRITER, false,
                                          store->busy_timeout_ms, &log->conn, NULL) != SC_OK)
        return SC_OK;
    int rc = move_log(log->conn, SQLITE_CHECKPOINT_PASSIVE, 0, out);
    return rc == SQLITE_OK ? SC_OK
                           : sc_conn_fail(log->conn, rc, "move the log into the store", err);
}

static bool wait_for_order(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    while (store->log.pass != SC_WAL_PASS_RUNS && !store->log.stopping)
        (void)sc_cond_wait(&store->log.wake, &store->lock, -1);
    return store->log.pass == SC_WAL_PASS_RUNS;
}

static void *log_main(void *arg)
{
    struct sc_store *store = arg;
    struct sc_wal *log = &store->log;
    (void)pthread_setname_np(pthread_self(), "sc-checkpoint");
    while (wait_for_order(store)) {
        struct sc_wal_extent extent = { .pages = 0 };
        struct sc_error err = { 0 };
        (void)run_pass(store, &extent, &err); /* its code is in err */
        SC_LOCK(&store->lock);
        log->pass = SC_WAL_PASS_ENDED;
        log->extent = extent;
        log->failure = err;
        (void)pthread_cond_signal(&log->ended);
        (void)pthread_cond_signal(&store->wake);
    }
    return NULL;
}

enum sc_code sc_wal_start(struct sc_store *store, struct sc_error *err)
{
    /* So late that pages which every write changes are moved once instead of often. */
    store->log.limits.pass = 8000;
    store->log.limits.most = 32000;
    int rc = pthread_create(&store->log.thread, NULL, log_main, store);
    if (rc != 0)
        return sc_error_errno(err, rc, "cannot start the checkpoint thread");
    store->log.runs = true;
    return SC_OK;
}

void sc_wal_stop(struct sc_store *store)
{
    struct sc_wal *log = &store->log;
    if (!log->runs)
        return;
    {
        SC_LOCK(&store->lock);
        log->stopping = true;
        (void)pthread_cond_signal(&log->wake);
    }
    sc_assert(pthread_join(log->thread, NULL) == 0);
    log->runs = false;
    sc_wal_close(store);
}

/* ---- the writer's part ---- */

static void ask_for_pass(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    sc_assert(store->log.pass == SC_WAL_PASS_NONE);
    store->log.pass = SC_WAL_PASS_RUNS;
    store->log.restarts = store->writer->log_restarts;
    (void)pthread_cond_signal(&store->log.wake);
}

/* How it stands with the last pass; the outcome of one that has ended is taken into account, once.
 * *whole: it moved all that was there when it began. */
static enum sc_wal_pass take_pass(struct sc_store *store, bool wait, bool *whole,
                                  struct sc_error *err)
{
    struct sc_wal *log = &store->log;
    SC_LOCK(&store->lock);
    while (wait && log->pass == SC_WAL_PASS_RUNS)
        (void)sc_cond_wait(&log->ended, &store->lock, -1);
    if (log->pass != SC_WAL_PASS_ENDED)
        return log->pass;
    log->pass = SC_WAL_PASS_NONE;
    *whole = log->extent.whole;
    *err = log->failure;
    if (log->restarts != store->writer->log_restarts)
        return SC_WAL_PASS_NONE; /* that log is gone: it was moved as a whole */
    log->moved = log->extent.moved;
    return SC_WAL_PASS_ENDED;
}

/* Pages of the log that are not in the store, as far as known. */
static int missing(struct sc_store *store)
{
    struct sc_wal *log = &store->log;
    if (store->writer->wal_pages < log->moved || store->writer->wal_pages < log->settled)
        log->moved = log->settled = 0; /* the log was begun anew */
    return store->writer->wal_pages - log->moved;
}

enum sc_code sc_wal_grew(struct sc_store *store, struct sc_error *err)
{
    struct sc_wal *log = &store->log;
    bool whole = false;
    (void)missing(store);
    int pages = store->writer->wal_pages;
    if (pages - log->settled < log->limits.pass)
        return SC_OK;
    bool too_long = pages >= log->limits.most;
    struct sc_error failure = { 0 };
    enum sc_wal_pass pass = take_pass(store, too_long, &whole, &failure);
    if (failure.code != SC_OK)
        return sc_error_copy(err, &failure);
    if (pass == SC_WAL_PASS_RUNS)
        return SC_OK;
    if (pass == SC_WAL_PASS_ENDED && too_long)
        return move_here(store, SQLITE_CHECKPOINT_RESTART, whole ? READERS_MS : 0, &whole, err);
    if (pass == SC_WAL_PASS_ENDED && !whole) {
        log->settled = pages; /* a reader is in the way */
        return SC_OK;
    }
    if (pass == SC_WAL_PASS_ENDED && missing(store) <= LITTLE_PAGES)
        return move_here(store, SQLITE_CHECKPOINT_PASSIVE, 0, &whole, err);
    ask_for_pass(store);
    return SC_OK;
}

/* ---- cutting it on demand ---- */

void sc_store_cut_log(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    store->cut_asked = true;
    (void)pthread_cond_signal(&store->wake);
}

bool sc_store_log_is_cut(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    return !store->cut_asked;
}

static bool is_cut_asked(struct sc_store *store)
{
    return !sc_store_log_is_cut(store);
}

static void note_cut(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    store->cut_asked = false;
}

enum sc_code sc_wal_cut(struct sc_store *store, struct sc_error *err)
{
    bool whole = false, complete = false;
    struct sc_error failure = { 0 };
    if (!is_cut_asked(store) || sc_clock_mono_ms() < store->log.cut_ms)
        return SC_OK;
    enum sc_wal_pass pass = take_pass(store, false, &whole, &failure);
    if (failure.code != SC_OK)
        return sc_error_copy(err, &failure);
    if (pass == SC_WAL_PASS_RUNS)
        return SC_OK;
    bool hindered = pass == SC_WAL_PASS_ENDED && !whole;
    if (missing(store) > LITTLE_PAGES && !hindered) {
        ask_for_pass(store);
        return SC_OK;
    }
    store->log.cut_ms = sc_clock_mono_ms() + CUT_AGAIN_MS;
    if (hindered)
        return SC_OK;
    enum sc_code code = sc_wal_empty(store, &complete, err);
    if (code == SC_OK && complete)
        note_cut(store);
    return code;
}

bool sc_wal_waits_locked(struct sc_store *store)
{
    return store->log.pass == SC_WAL_PASS_NONE && store->writer != NULL &&
           (missing(store) >= IDLE_PAGES || store->writer->wal_pages >= LONG_PAGES);
}

enum sc_code sc_wal_idle(struct sc_store *store, struct sc_error *err)
{
    bool whole, complete;
    struct sc_error failure = { 0 };
    enum sc_wal_pass pass = take_pass(store, false, &whole, &failure);
    if (failure.code != SC_OK)
        return sc_error_copy(err, &failure);
    if (pass != SC_WAL_PASS_NONE)
        return SC_OK;
    if (missing(store) >= IDLE_PAGES)
        ask_for_pass(store);
    else if (store->writer->wal_pages >= LONG_PAGES)
        return sc_wal_empty(store, &complete, err);
    return SC_OK;
}

void sc_wal_close(struct sc_store *store)
{
    struct sc_wal *log = &store->log;
    {
        SC_LOCK(&store->lock);
        while (log->runs && log->pass == SC_WAL_PASS_RUNS)
            (void)sc_cond_wait(&log->ended, &store->lock, -1);
        log->pass = SC_WAL_PASS_NONE;
    }
    sc_conn_close(log->conn);
    log->conn = NULL;
    log->moved = log->settled = 0;
}
