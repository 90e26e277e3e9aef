#include "store/store-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "store/tokenizer.h"

#include <errno.h>
#include <fcntl.h>

#include "base/banned.h"

/* For checkpoints see checkpoint.c. secure_delete: transcripts are private. No mmap: it
 * gains nothing here and turns a read error into SIGBUS. */
static const char settings[] = "PRAGMA wal_autocheckpoint = 0;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA cache_size = -65536;"
                               "PRAGMA journal_size_limit = 67108864;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;";

enum sc_code sc_code_from_sqlite(int rc, int errnum)
{
    if (rc == SQLITE_OK)
        return SC_OK;
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return SC_E_NO_SPACE;
    case SQLITE_READONLY:
        return SC_E_STORE_READ_ONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SC_E_STORE_DAMAGED;
    case SQLITE_CONSTRAINT:
        return SC_E_STORE_INTEGRITY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SC_E_STORE_UNAVAILABLE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        if (errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG)
            return SC_E_NO_SPACE;
        if (errnum == EROFS || errnum == EACCES || errnum == EPERM)
            return SC_E_STORE_READ_ONLY;
        return SC_E_STORE_ERROR;
    default:
        return SC_E_STORE_ERROR;
    }
}

int sc_conn_errno(const struct sc_conn *conn)
{
    /* SQLite notes it for some errors only, and forgets those of a failed commit. */
    int errnum = errno;
    return errnum != 0 || conn->db == NULL ? errnum : sqlite3_system_errno(conn->db);
}

enum sc_code sc_conn_fail(struct sc_conn *conn, int rc, const char *what, struct sc_error *err)
{
    int errnum = sc_conn_errno(conn);
    const char *why = conn->db != NULL && (sqlite3_errcode(conn->db) & 0xff) == (rc & 0xff)
                          ? sqlite3_errmsg(conn->db)
                          : sqlite3_errstr(rc);
    return sc_error_set(err, sc_code_from_sqlite(rc, errnum), "cannot %s: %s", what, why);
}

enum sc_code sc_store_make_file(const char *path, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return sc_error_set(err, sc_code_from_sqlite(SQLITE_CANTOPEN, errno),
                            "cannot create '%s': %s", path, strerror(errno));
    return SC_OK;
}

enum sc_code sc_conn_exec(struct sc_conn *conn, const char *sql, struct sc_error *err)
{
    errno = 0;
    int rc = sqlite3_exec(conn->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? SC_OK : sc_conn_fail(conn, rc, "prepare the store", err);
}

enum sc_code sc_conn_run(struct sc_conn *conn, enum sc_sql id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, id);
    return sc_stmt_run(&st, err);
}

void sc_conn_roll_back(struct sc_conn *conn)
{
    if (sqlite3_get_autocommit(conn->db) != 0)
        return;
    enum sc_code code = sc_conn_run(conn, SC_SQL_TX_ROLLBACK, NULL);
    (void)code; /* the failure that led here is the one to report */
}

static int on_wal_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct sc_conn *conn = ctx;
    conn->log_restarts += pages <= conn->wal_pages; /* a commit adds pages, at least one */
    conn->wal_pages = pages;
    conn->wrote = true;
    return SQLITE_OK;
}

static int first_text(void *ctx, int count, char **values, char **names)
{
    (void)names;
    char *out = ctx;
    if (count > 0 && values[0] != NULL)
        (void)snprintf(out, 16, "%s", values[0]);
    return 0;
}

static enum sc_code use_wal(struct sc_conn *conn, struct sc_error *err)
{
    char mode[16] = "";
    errno = 0;
    int rc = sqlite3_exec(conn->db, "PRAGMA journal_mode = WAL", first_text, mode, NULL);
    if (rc != SQLITE_OK)
        return sc_conn_fail(conn, rc, "turn on the write-ahead log", err);
    if (strcmp(mode, "wal") != 0)
        return sc_error_set(err, SC_E_STORE_ERROR,
                            "cannot turn on the write-ahead log: this file system lacks shared "
                            "memory, use a local disk");
    return SC_OK;
}

/* SQLite opens a file for reading only when opening it for writing failed, and forgets why. */
static enum sc_code fail_read_only(sqlite3 *db, struct sc_error *err)
{
    const char *path = sqlite3_db_filename(db, "main");
    if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0)
        return sc_error_set(err, SC_E_STORE_ERROR, "cannot open the store '%s' for writing", path);
    return sc_error_set(err, SC_E_STORE_READ_ONLY, "cannot write the store '%s': %s", path,
                        strerror(errno));
}

static enum sc_code configure(struct sc_conn *conn, int64_t busy_timeout_ms, struct sc_error *err)
{
    sqlite3 *db = conn->db;
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, (int)busy_timeout_ms);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);

    if (conn->is_writer && sqlite3_db_readonly(db, "main") == 1)
        return fail_read_only(db, err);
    enum sc_code code = sc_tokenizer_register(db, err);
    if (code == SC_OK)
        code = sc_conn_exec(conn, settings, err);
    /* Before anything of the file changes: it may be another program's. */
    bool empty;
    if (code == SC_OK)
        code = sc_store_identify(conn, &empty, err);
    if (code == SC_OK && conn->is_writer)
        code = use_wal(conn, err);
    if (code == SC_OK && !conn->is_writer)
        code = sc_conn_exec(conn, "PRAGMA query_only = ON", err);
    if (code == SC_OK && conn->is_writer)
        (void)sqlite3_wal_hook(db, on_wal_commit, conn);
    return code;
}

static void configure_library(void)
{
    /* Its count of bytes in use, which nobody reads, costs a lock for each allocation. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

enum sc_code sc_conn_open(const char *path, enum sc_conn_kind kind, bool create,
                          int64_t busy_timeout_ms, struct sc_conn **out, struct sc_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    sc_assert(pthread_once(&once, configure_library) == 0);
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = sc_alloc(sizeof(*conn));
    conn->is_writer = kind == SC_CONN_WRITER;
    conn->full_sync = -1;

    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (create ? SQLITE_OPEN_CREATE : 0);
    errno = 0;
    int rc = sqlite3_open_v2(path, &conn->db, flags, NULL);
    if (rc != SQLITE_OK)
        return sc_conn_fail(conn, rc, "open the store", err);
    enum sc_code code = configure(conn, busy_timeout_ms, err);
    /* Ending a transaction must not be what memory is missing for. */
    if (code == SC_OK && (rc = sc_slot_prepare(conn, SC_SQL_TX_ROLLBACK)) != SQLITE_OK)
        code = sc_conn_fail(conn, rc, "prepare the store", err);
    if (code == SC_OK)
        *out = SC_TAKE(conn);
    return code;
}

/* The text index does much work between two steps of SQLite's machine, a few of which it takes for
 * each page that it reads: so it looks often. */
#define STEPS_BETWEEN_LOOKS 100

static int look_at_clock(void *ctx)
{
    struct sc_conn *conn = ctx;
    conn->late = conn->late || sc_clock_mono_ms() >= conn->deadline_ms;
    return conn->late;
}

void sc_conn_set_deadline(struct sc_conn *reader, int64_t mono_ms)
{
    sc_assert(!reader->is_writer);
    reader->deadline_ms = mono_ms;
    reader->late = false;
    sqlite3_progress_handler(reader->db, STEPS_BETWEEN_LOOKS, mono_ms == 0 ? NULL : look_at_clock,
                             reader);
}

void sc_conn_after_commit(struct sc_conn *tx, sc_after_commit_fn fn, void *owner, const void *arg,
                          size_t size)
{
    sc_assert(tx->in_member);
    struct sc_after *a = sc_alloc(sizeof(*a) + size);
    a->fn = fn;
    a->owner = owner;
    a->size = size;
    if (size > 0)
        memcpy(a->arg, arg, size);
    if (tx->after_tail == NULL)
        tx->after_head = a;
    else
        tx->after_tail->next = a;
    tx->after_tail = a;
}

void sc_conn_after_drop(struct sc_conn *conn, struct sc_after *tail)
{
    struct sc_after **link = tail == NULL ? &conn->after_head : &tail->next;
    struct sc_after *a = *link;
    *link = NULL;
    conn->after_tail = tail;
    while (a != NULL) {
        struct sc_after *next = a->next;
        free(a);
        a = next;
    }
}

int64_t sc_conn_changes(struct sc_conn *tx)
{
    return sqlite3_changes64(tx->db);
}

int64_t sc_conn_last_id(struct sc_conn *tx)
{
    return sqlite3_last_insert_rowid(tx->db);
}

int64_t sc_conn_all_changes(struct sc_conn *tx)
{
    return sqlite3_total_changes64(tx->db);
}

void sc_conn_close(struct sc_conn *conn)
{
    if (conn == NULL)
        return;
    sc_conn_after_drop(conn, NULL);
    sc_figures_done(&conn->figures);
    for (size_t i = 0; i < SC_ARRAY_LEN(conn->slots); i++)
        sc_slot_free(&conn->slots[i]);
    if (conn->db != NULL)
        sc_assert(sqlite3_close(conn->db) == SQLITE_OK);
    free(conn);
}
