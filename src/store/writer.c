/* The writer thread: group commit.
 *
 * Callers queue members and sleep. The thread takes what is there, at most GROUP_MEMBERS, and runs
 * it in one transaction, each member in a savepoint, for at most GROUP_US; whoever does not fit
 * waits for the next turn. One fsync so serves all. Where each of them may run again there are no
 * savepoints: when one fails after it has changed something, the transaction is rolled back and all
 * run once more, with them. `synchronous` can only be set outside a
 * transaction, so members that arrive later never join a running one.
 *
 * Nothing is told to anybody before COMMIT has returned: not the replies, not the callbacks, not
 * even a member's own refusal, which may rest on a neighbour's row that never came to be.
 *
 * When COMMIT fails (disk full, I/O error, read-only), pages that the kernel could not write may be
 * marked clean, and a second fsync would report success. So nothing is retried on that connection:
 * the store refuses writes, the connection is closed, and once a second the thread opens a new one,
 * moves the log into the database (which writes those pages again, under a new fsync), commits a
 * probe, runs quick_check, and only then takes writes again. Readers go on meanwhile. */
#include "store/store-internal.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/metric.h"

#include <errno.h>

#include "base/banned.h"

#define GROUP_MEMBERS 100
#define GROUP_US 5000
#define LOOK_AGAIN_MS 1000 /* for idle work, or whether writes are possible again */

/* ---- one transaction ---- */

static enum sc_code set_sync(struct sc_conn *conn, bool full, struct sc_error *err)
{
    if (conn->full_sync == (int)full)
        return SC_OK;
    enum sc_code code =
        sc_conn_exec(conn, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", err);
    if (code == SC_OK)
        conn->full_sync = full;
    return code;
}

static void roll_back(struct sc_conn *conn)
{
    conn->in_member = false;
    sc_conn_roll_back(conn);
    sc_conn_after_drop(conn, NULL);
    sc_figures_drop(conn, (struct sc_figures_mark){ 0 });
}

/* Runs one member without a savepoint. conn->spoilt tells afterwards that it left something behind,
 * conn->fatal that the transaction is lost. */
static void run_bare_member(struct sc_conn *conn, struct sc_member *m)
{
    struct sc_after *mark = conn->after_tail;
    struct sc_figures_mark figures = sc_figures_mark(conn);
    int64_t changes = sqlite3_total_changes64(conn->db);
    conn->in_member = true;
    m->code = m->fn(conn, m->ctx, m->err);
    sc_assert(conn->in_use == 0); /* a statement left open would hold the commit open */
    if (conn->fatal == 0 && sqlite3_get_autocommit(conn->db) != 0)
        conn->fatal = SQLITE_ABORT; /* the transaction ended under us */
    conn->in_member = false;
    if (m->code == SC_OK)
        return;
    sc_conn_after_drop(conn, mark);
    sc_figures_drop(conn, figures);
    conn->spoilt = sqlite3_total_changes64(conn->db) != changes;
}

/* Runs one member in a savepoint. conn->fatal tells afterwards that the transaction is lost. */
static void run_member(struct sc_conn *conn, struct sc_member *m)
{
    struct sc_after *mark = conn->after_tail;
    struct sc_figures_mark figures = sc_figures_mark(conn);
    conn->in_member = true;
    m->code = sc_conn_run(conn, SC_SQL_MEMBER_BEGIN, m->err);
    if (m->code != SC_OK) {
        conn->in_member = false;
        if (conn->fatal == 0)
            conn->fatal = SQLITE_ERROR;
        return;
    }
    m->code = m->fn(conn, m->ctx, m->err);
    sc_assert(conn->in_use == 0); /* a statement left open would hold the commit open */
    if (conn->fatal == 0 && sqlite3_get_autocommit(conn->db) != 0)
        conn->fatal = SQLITE_ABORT; /* the transaction ended under us */

    enum sc_code end = SC_OK;
    if (m->code != SC_OK && conn->fatal == 0) {
        sc_conn_after_drop(conn, mark);
        sc_figures_drop(conn, figures);
        end = sc_conn_run(conn, SC_SQL_MEMBER_ROLLBACK, NULL);
    }
    if (end == SC_OK && conn->fatal == 0)
        end = sc_conn_run(conn, SC_SQL_MEMBER_RELEASE, NULL);
    if (end != SC_OK && conn->fatal == 0)
        conn->fatal = SQLITE_ERROR;
    conn->in_member = false;
}

/* One that changed nothing added nothing to the log, so there was nothing to sync. */
static void measure_commit(const struct sc_conn *conn, int64_t took_us)
{
    bool synced = conn->wrote && conn->full_sync == 1;
    SC_COUNT(store_commits, synced, 1);
    if (synced)
        SC_OBSERVE(store_commit, 0, took_us);
}

static enum sc_code commit(struct sc_conn *conn, struct sc_error *err)
{
    if (conn->fatal != 0)
        return sc_error_set(err, sc_code_from_sqlite(conn->fatal, conn->fatal_errno),
                            "cannot write the store: %s", sqlite3_errstr(conn->fatal));
    if (SC_FAULT("store.commit"))
        return sc_error_set(err, SC_E_STORE_ERROR, "cannot commit: fault store.commit");
    conn->wrote = false;
    int64_t begun_us = sc_clock_mono_us();
    (void)atomic_fetch_add(&conn->store->version, 1);
    enum sc_code code = sc_conn_run(conn, SC_SQL_TX_COMMIT, err);
    (void)atomic_fetch_add(&conn->store->version, 1);
    if (code != SC_OK)
        return code;
    if (conn->wrote)
        conn->unsynced = conn->full_sync == 0;
    measure_commit(conn, sc_clock_mono_us() - begun_us);
    (void)SC_FAULT("store.committed"); /* a place to die between commit and reply */
    return SC_OK;
}

uint64_t sc_store_version(const struct sc_store *store)
{
    return atomic_load(&store->version);
}

/* A transaction that changes a row of ours for certain, and so is synced. */
static enum sc_code touch(struct sc_conn *conn, struct sc_error *err)
{
    enum sc_code code = sc_conn_run(conn, SC_SQL_TX_WRITE, err);
    if (code == SC_OK)
        code = sc_conn_run(conn, SC_SQL_META_TOUCH, err);
    return code == SC_OK ? commit(conn, err) : code;
}

static bool may_run_again(const struct sc_member *m)
{
    while (m != NULL && m->again)
        m = m->next;
    return m == NULL;
}

/* From *list until the time is up, or all is in vain; *list is then the rest. */
static void run_members(struct sc_conn *conn, bool bare, struct sc_member **list)
{
    int64_t end_us = sc_clock_mono_us() + GROUP_US;
    conn->spoilt = false;
    do {
        if (bare)
            run_bare_member(conn, *list);
        else
            run_member(conn, *list);
        *list = (*list)->next;
    } while (*list != NULL && conn->fatal == 0 && !conn->spoilt && sc_clock_mono_us() < end_us);
}

/* Runs members from *list in one transaction until the time is up; *list is then the rest. Anything
 * but SC_OK means that those that ran are lost; *opened tells whether the transaction began. */
static enum sc_code run_group(struct sc_conn *conn, bool full, struct sc_member **list,
                              bool *opened, struct sc_error *err)
{
    struct sc_member *first = *list;
    *opened = false;
    conn->fatal = 0;
    enum sc_code code = set_sync(conn, full, err);
    if (code == SC_OK)
        code = sc_conn_run(conn, SC_SQL_TX_WRITE, err);
    if (code != SC_OK)
        return code;
    *opened = true;

    run_members(conn, may_run_again(first), list);
    if (conn->spoilt && conn->fatal == 0) {
        roll_back(conn);
        code = sc_conn_run(conn, SC_SQL_TX_WRITE, err);
        if (code != SC_OK) {
            *list = NULL;
            return code;
        }
        *list = first;
        run_members(conn, false, list);
    }
    if (conn->fatal == 0)
        code = sc_figures_write(conn, err);
    if (code == SC_OK)
        code = commit(conn, err);
    /* Durable members that found their work done by relaxed ones before them wrote nothing, so
     * nothing was synced; what they answer rests on those commits. */
    if (code == SC_OK && full && conn->unsynced)
        code = touch(conn, err);
    if (code != SC_OK) {
        SC_COUNT(store_failures, 0, 1);
        roll_back(conn);
    }
    return code;
}

#define SIGNALS_MAX 16

struct signals { /* those that were sent after this commit */
    const struct sc_after *sent[SIGNALS_MAX];
    size_t count;
};

static bool is_sent(const struct signals *signals, const struct sc_after *a)
{
    for (size_t i = 0; i < signals->count; i++) {
        if (signals->sent[i]->fn == a->fn && signals->sent[i]->owner == a->owner)
            return true;
    }
    return false;
}

static void send_signals(struct sc_conn *conn)
{
    struct signals signals = { .count = 0 };
    for (const struct sc_after *a = conn->after_head; a != NULL; a = a->next) {
        if (a->size > 0 || is_sent(&signals, a))
            continue;
        if (signals.count < SIGNALS_MAX)
            signals.sent[signals.count++] = a;
        a->fn(a->owner, NULL);
    }
}

static void run_after_commit(struct sc_conn *conn)
{
    for (struct sc_after *a = conn->after_head; a != NULL; a = a->next) {
        if (a->size > 0)
            a->fn(a->owner, a->arg);
    }
    send_signals(conn);
    sc_conn_after_drop(conn, NULL);
}

/* ---- failing and coming back ---- */

/* What callers are told from now on: the cause, and that nobody need do more than remove it. */
static void set_unwritable(struct sc_store *store, struct sc_error *why)
{
    const struct sc_error cause = *why;
    (void)sc_error_set(why, cause.code,
                       "the store takes no writes, and tries again each second: %s", cause.msg);
    SC_LOCK(&store->lock);
    store->writable = false;
    store->reason = *why;
}

/* Proves that the store takes writes again. */
static enum sc_code probe(struct sc_conn *conn, struct sc_error *err)
{
    enum sc_code code = set_sync(conn, true, err);
    if (code == SC_OK)
        code = touch(conn, err);
    if (code != SC_OK)
        roll_back(conn);
    return code;
}

static enum sc_code quick_check(struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_QUICK_CHECK);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK && strcmp(sc_stmt_text(&st, "problem"), "ok") != 0)
        code = sc_error_set(err, SC_E_STORE_DAMAGED, "the store is damaged: %s",
                            sc_stmt_text(&st, "problem"));
    return code;
}

/* Moves all of the log into the store and starts it anew. New commits may not follow frames that
 * a failed sync has perhaps lost: a recovery would stop there. Readers of today's state are in the
 * way the first time only: once all is moved, those that come later read past the log. */
static enum sc_code empty_log(struct sc_store *store, struct sc_error *err)
{
    bool complete = false;
    enum sc_code code = sc_wal_empty(store, &complete, err);
    if (code == SC_OK && !complete)
        code = sc_error_set(err, SC_E_STORE_UNAVAILABLE,
                            "cannot move the log into the store: a reader is in the way");
    return code;
}

static enum sc_code reopen(struct sc_store *store, struct sc_error *err)
{
    sc_wal_close(store);
    sc_conn_close(store->writer);
    store->writer = NULL;
    (void)atomic_fetch_add(&store->version,
                           1); /* what a failed commit has left may come to light */
    enum sc_code code = sc_conn_open(store->path, SC_CONN_WRITER, false, store->busy_timeout_ms,
                                     &store->writer, err);
    if (code == SC_OK)
        store->writer->store = store;
    if (code == SC_OK)
        code = empty_log(store, err);
    (void)atomic_fetch_add(&store->version, 1);
    if (code == SC_OK)
        code = probe(store->writer, err);
    return code == SC_OK ? quick_check(store->writer, err) : code;
}

static void try_reopen(struct sc_store *store)
{
    struct sc_error err = { 0 };
    enum sc_code code = reopen(store, &err);
    if (code != SC_OK) {
        set_unwritable(store, &err);
        return;
    }
    SC_LOCK(&store->lock);
    store->writable = true;
    store->reason = (struct sc_error){ 0 };
}

/* ---- turns ---- */

/* Answers the members from `m` up to `end`; with err NULL each its own code. */
static void reply(struct sc_member *m, const struct sc_member *end, const struct sc_error *err)
{
    while (m != end) {
        struct sc_member *next = m->next; /* m is gone once its caller wakes */
        SC_COUNT(store_queue, 0, -1);
        if (err != NULL)
            m->code = sc_error_copy(m->err, err);
        sc_assert(sem_post(&m->finished) == 0);
        m = next;
    }
}

/* Unlinks up to GROUP_MEMBERS from the queue; *full when one of them wants its fsync. */
static struct sc_member *take_group_locked(struct sc_store *store, bool *full)
{
    struct sc_member *first = store->head, *last = NULL;
    *full = false;
    for (int n = 0; store->head != NULL && n < GROUP_MEMBERS; n++) {
        last = store->head;
        *full = *full || last->durability == SC_DURABLE;
        store->head = last->next;
    }
    if (store->head == NULL)
        store->tail = NULL;
    if (last != NULL)
        last->next = NULL;
    return first;
}

/* A whole group in as many transactions as its time takes. */
static void run_turn(struct sc_store *store, struct sc_member *list, bool full)
{
    struct sc_conn *conn = store->writer;
    while (list != NULL) {
        struct sc_member *first = list;
        struct sc_error err = { 0 };
        bool opened;
        enum sc_code code = run_group(conn, full, &list, &opened, &err);
        sc_assert(code != SC_OK || sqlite3_txn_state(conn->db, NULL) == SQLITE_TXN_NONE);
        if (code == SC_OK) {
            run_after_commit(conn);
            reply(first, list, NULL);
            continue;
        }
        /* Somebody holds the write lock from outside: these may try again. Anything else is the
         * failure described above. */
        if (opened || code != SC_E_STORE_UNAVAILABLE)
            set_unwritable(store, &err);
        reply(first, NULL, &err);
        return;
    }
    struct sc_error err = { 0 };
    if (sc_wal_grew(store, &err) != SC_OK || sc_wal_cut(store, &err) != SC_OK)
        set_unwritable(store, &err);
}

static void run_idle(struct sc_store *store)
{
    struct sc_error err = { 0 };
    if (sc_wal_idle(store, &err) != SC_OK || sc_wal_cut(store, &err) != SC_OK)
        set_unwritable(store, &err);
}

static void fail_queued(struct sc_store *store, const struct sc_error *why)
{
    struct sc_member *list;
    {
        SC_LOCK(&store->lock);
        list = store->head;
        store->head = store->tail = NULL;
    }
    reply(list, NULL, why);
}

/* Until when the writer may sleep (monotonic); -1: until it is woken. */
static int64_t sleep_until_locked(struct sc_store *store)
{
    if (!store->writable || sc_wal_waits_locked(store))
        return sc_clock_mono_ms() + LOOK_AGAIN_MS;
    return store->cut_asked && store->log.pass == SC_WAL_PASS_NONE ? store->log.cut_ms : -1;
}

/* Waits for work. False: the end. *list may stay NULL: time for the rest, with its *reason when the
 * store is not writable. */
static bool wait_for_work(struct sc_store *store, struct sc_member **list, bool *full,
                          struct sc_error *reason)
{
    SC_LOCK(&store->lock);
    *list = NULL;
    *reason = (struct sc_error){ 0 };
    while (store->head == NULL && !store->stopping && store->log.pass != SC_WAL_PASS_ENDED)
        if (!sc_cond_wait(&store->wake, &store->lock, sleep_until_locked(store)))
            break;
    if (store->writable)
        *list = take_group_locked(store, full);
    else
        *reason = store->reason;
    return *list != NULL || store->head != NULL || !store->stopping;
}

static void *writer_main(void *arg)
{
    struct sc_store *store = arg;
    struct sc_member *list;
    struct sc_error reason;
    bool full;
    (void)pthread_setname_np(pthread_self(), "sc-writer");
    while (wait_for_work(store, &list, &full, &reason)) {
        if (list != NULL) {
            run_turn(store, list, full);
        } else if (reason.code != SC_OK) {
            fail_queued(store, &reason);
            try_reopen(store);
        } else {
            run_idle(store);
        }
    }
    return NULL;
}

enum sc_code sc_writer_start(struct sc_store *store, struct sc_error *err)
{
    enum sc_code code = sc_wal_start(store, err);
    if (code != SC_OK)
        return code;
    int rc = pthread_create(&store->writer_thread, NULL, writer_main, store);
    if (rc != 0)
        return sc_error_errno(err, rc, "cannot start the writer thread");
    store->writer_runs = true;
    return SC_OK;
}

void sc_writer_stop(struct sc_store *store)
{
    if (store->writer_runs) {
        {
            SC_LOCK(&store->lock);
            store->stopping = true;
            (void)pthread_cond_signal(&store->wake);
        }
        sc_assert(pthread_join(store->writer_thread, NULL) == 0);
        store->writer_runs = false;
    }
    sc_wal_stop(store);
}

/* ---- callers ---- */

static enum sc_code write_member(struct sc_store *store, struct sc_member *m)
{
    struct sc_error *err = m->err;
    int64_t begun_us = sc_clock_mono_us();
    sc_assert(!pthread_equal(pthread_self(), store->writer_thread));
    {
        SC_LOCK(&store->lock);
        if (store->stopping)
            return sc_error_set(err, SC_E_SHUTTING_DOWN, "the store is closing");
        if (!store->writable)
            return sc_error_copy(err, &store->reason);
        sc_assert(sem_init(&m->finished, 0, 0) == 0);
        if (store->tail == NULL)
            store->head = m;
        else
            store->tail->next = m;
        store->tail = m;
        SC_COUNT(store_queue, 0, 1);
        (void)pthread_cond_signal(&store->wake);
    }
    while (sem_wait(&m->finished) != 0)
        sc_assert(errno == EINTR);
    sc_assert(sem_destroy(&m->finished) == 0);
    int64_t took_us = sc_clock_mono_us() - begun_us;
    SC_OBSERVE(store_write, 0, took_us);
    sc_store_waited_us += took_us;
    return m->code;
}

enum sc_code sc_store_write(struct sc_store *store, enum sc_durability durability, sc_write_fn fn,
                            void *ctx, struct sc_error *err)
{
    struct sc_member m = { .fn = fn, .ctx = ctx, .durability = durability, .err = err };
    return write_member(store, &m);
}

enum sc_code sc_store_write_again(struct sc_store *store, enum sc_durability durability,
                                  sc_write_fn fn, void *ctx, struct sc_error *err)
{
    struct sc_member m = {
        .fn = fn, .ctx = ctx, .durability = durability, .again = true, .err = err
    };
    return write_member(store, &m);
}

bool sc_store_is_writable(struct sc_store *store, struct sc_error *err)
{
    SC_LOCK(&store->lock);
    if (!store->writable)
        (void)sc_error_copy(err, &store->reason);
    return store->writable;
}
