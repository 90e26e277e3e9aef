/* Opening and closing a store, and its pool of readers. */
#include "store/store-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/metric.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 2000
#define BUSY_MAX_MS 3600000 /* fits SQLite's int */

/* ---- what lies at the path ---- */

static enum sc_code fail_open(const char *path, int errnum, struct sc_error *err)
{
    return sc_error_set(err, sc_code_from_sqlite(SQLITE_CANTOPEN, errnum),
                        "cannot open the store '%s': %s", path, strerror(errnum));
}

/* Opened for writing, because SQLite falls back to reading whatever the reason was. */
enum sc_code sc_store_check_header(const char *path, struct sc_error *err)
{
    static const char magic[16] = "SQLite format 3";
    char head[16];
    SC_AUTO_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail_open(path, errno, err);
    ssize_t n = pread(fd, head, sizeof(head), 0);
    if (n < 0)
        return fail_open(path, errno, err);
    if (n < (ssize_t)sizeof(head) || memcmp(head, magic, sizeof(head)) != 0)
        return sc_error_set(err, SC_E_STORE_DAMAGED, "'%s' is not a store, or its start is damaged",
                            path);
    return SC_OK;
}

/* SQLite would take an empty file for a new database, and drop the log that belongs to a lost one.
 */
static enum sc_code check_empty(const struct sc_store *store, bool create, struct sc_error *err)
{
    struct stat st;
    if (stat(store->wal_path, &st) == 0 && st.st_size > 0)
        return sc_error_set(err, SC_E_STORE_DAMAGED,
                            "the store '%s' is empty but its log is not: restore it from a backup",
                            store->path);
    if (!create)
        return sc_error_set(err, SC_E_STORE_NOT_INITIALISED, "the store '%s' is empty",
                            store->path);
    return SC_OK;
}

static enum sc_code check_path(const struct sc_store *store, bool create, struct sc_error *err)
{
    struct stat st;
    if (stat(store->path, &st) != 0) {
        if (errno != ENOENT)
            return fail_open(store->path, errno, err);
        if (!create)
            return sc_error_set(err, SC_E_STORE_NOT_INITIALISED, "there is no store at '%s'",
                                store->path);
        return sc_store_make_file(store->path, err);
    }
    if (!S_ISREG(st.st_mode))
        return sc_error_set(err, SC_E_STORE_DAMAGED, "'%s' is no regular file, so no store",
                            store->path);
    return st.st_size == 0 ? check_empty(store, create, err)
                           : sc_store_check_header(store->path, err);
}

/* ---- opening ---- */

static enum sc_code open_writer(struct sc_store *store, const struct sc_store_options *o,
                                struct sc_error *err)
{
    enum sc_code code = check_path(store, o->create, err);
    if (code != SC_OK)
        return code;
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    code = sc_conn_open(store->path, SC_CONN_WRITER, o->create, store->busy_timeout_ms, &conn, err);
    bool empty = false;
    if (code == SC_OK)
        code = sc_store_identify(conn, &empty, err);
    if (code == SC_OK && empty && !o->create)
        code =
            sc_error_set(err, SC_E_STORE_NOT_INITIALISED, "the store '%s' is empty", store->path);
    if (code == SC_OK)
        code = sc_migrate(conn, store->path, sc_migrations, sc_migration_count, err);
    if (code == SC_OK)
        store->writer = SC_TAKE(conn);
    if (code == SC_OK)
        store->writer->store = store;
    return code;
}

static bool is_transient(enum sc_code code)
{
    return code == SC_E_STORE_UNAVAILABLE || code == SC_E_STORE_ERROR;
}

static enum sc_code open_writer_patiently(struct sc_store *store, const struct sc_store_options *o,
                                          struct sc_error *err)
{
    int64_t pause_ms = BACKOFF_FIRST_MS;
    for (int attempt = 1;; attempt++) {
        enum sc_code code = open_writer(store, o, err);
        if (code == SC_OK || !is_transient(code) || attempt >= o->open_attempts)
            return code;
        sc_clock_sleep_ms(pause_ms);
        pause_ms = SC_MIN(pause_ms * 2, BACKOFF_MAX_MS);
    }
}

static enum sc_code open_readers(struct sc_store *store, int count, struct sc_error *err)
{
    for (int i = 0; i < count; i++) {
        struct sc_conn *conn = NULL;
        enum sc_code code =
            sc_conn_open(store->path, SC_CONN_READER, false, store->busy_timeout_ms, &conn, err);
        if (code != SC_OK)
            return code;
        conn->store = store;
        conn->next = store->free_readers;
        store->free_readers = conn;
        store->readers_total++;
    }
    return SC_OK;
}

enum sc_code sc_store_open(const struct sc_store_options *options, struct sc_store **out,
                           struct sc_error *err)
{
    SC_AUTO(sc_store_closep) struct sc_store *store = sc_alloc(sizeof(*store));
    store->path = sc_strdup(options->path);
    store->wal_path = sc_asprintf("%s-wal", options->path);
    store->busy_timeout_ms = SC_MIN(options->busy_timeout_ms, BUSY_MAX_MS);
    store->writable = true;
    sc_assert(pthread_mutex_init(&store->lock, NULL) == 0);
    sc_cond_init(&store->wake);
    sc_cond_init(&store->log.wake);
    sc_cond_init(&store->log.ended);
    sc_cond_init(&store->reader_free);

    enum sc_code code = open_writer_patiently(store, options, err);
    if (code == SC_OK)
        code = open_readers(store, SC_MAX(options->readers, 1), err);
    if (code == SC_OK)
        code = sc_writer_start(store, err);
    if (code == SC_OK)
        *out = SC_TAKE(store);
    return code;
}

/* ---- readers ---- */

enum sc_code sc_store_read(struct sc_store *store, struct sc_conn **out, struct sc_error *err)
{
    struct sc_conn *conn = NULL;
    {
        SC_LOCK(&store->lock);
        int64_t until_ms = sc_clock_mono_ms() + store->busy_timeout_ms;
        if (store->free_readers == NULL)
            SC_COUNT(store_reader_waits, 0, 1);
        while (store->free_readers == NULL)
            if (!sc_cond_wait(&store->reader_free, &store->lock, until_ms))
                break;
        conn = store->free_readers;
        if (conn == NULL)
            return sc_error_set(err, SC_E_STORE_UNAVAILABLE, "all %d readers of the store are busy",
                                store->readers_total);
        store->free_readers = conn->next;
        store->readers_lent++;
    }
    enum sc_code code = sc_conn_run(conn, SC_SQL_TX_READ, err);
    if (code == SC_OK)
        *out = conn;
    else
        sc_conn_release(conn);
    return code;
}

void sc_conn_release(struct sc_conn *reader)
{
    if (reader == NULL)
        return;
    sc_assert(!reader->is_writer && reader->in_use == 0);
    if (reader->deadline_ms != 0)
        sc_conn_set_deadline(reader, 0);
    sc_conn_roll_back(reader); /* nothing was written */
    sc_assert(sqlite3_txn_state(reader->db, NULL) == SQLITE_TXN_NONE);

    struct sc_store *store = reader->store;
    SC_LOCK(&store->lock);
    reader->next = store->free_readers;
    store->free_readers = reader;
    store->readers_lent--;
    (void)pthread_cond_broadcast(&store->reader_free);
}

/* ---- closing ---- */

static void close_readers(struct sc_store *store)
{
    SC_LOCK(&store->lock);
    while (store->readers_lent > 0)
        (void)sc_cond_wait(&store->reader_free, &store->lock, -1);
    while (store->free_readers != NULL) {
        struct sc_conn *conn = store->free_readers;
        store->free_readers = conn->next;
        sc_conn_close(conn);
    }
}

void sc_store_close(struct sc_store *store)
{
    if (store == NULL)
        return;
    sc_writer_stop(store);
    close_readers(store);
    if (store->writer != NULL) {
        /* Failing here loses nothing: the log stays and is read at the next opening. */
        bool complete;
        if (sc_wal_empty(store, &complete, NULL) == SC_OK && complete)
            (void)sqlite3_db_config(store->writer->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
        sc_conn_close(store->writer);
    }
    (void)pthread_cond_destroy(&store->wake);
    (void)pthread_cond_destroy(&store->log.wake);
    (void)pthread_cond_destroy(&store->log.ended);
    (void)pthread_cond_destroy(&store->reader_free);
    (void)pthread_mutex_destroy(&store->lock);
    free(store->wal_path);
    free(store->path);
    free(store);
}
