/* Named statements: prepared when first asked for, kept for the life of the connection. */
#include "store/store-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metric.h"

#include <errno.h>

#include "base/banned.h"

struct statement {
    const char *name;
    const char *text;
};

static const struct statement statements[] = {
#define SC_SQL(name, text) [SC_SQL_##name] = { #name, text },
#include "store/sql-table.h"
#undef SC_SQL
};

static struct sc_latency latencies[SC_SQL_COUNT_];
static atomic_bool log_statements;

const char *sc_sql_name(enum sc_sql id)
{
    return statements[id].name;
}

const char *sc_sql_text(enum sc_sql id)
{
    return statements[id].text;
}

/* A bug in a statement or in its use: says which, and stops. */
#define misuse(id, ...) misuse_((id), __LINE__, __VA_ARGS__)

SC_NORETURN static void misuse_(enum sc_sql id, int line, const char *fmt, const char *detail)
{
    char text[400];
    (void)snprintf(text, sizeof(text), "statement %s: %s '%s'", sc_sql_name(id), fmt, detail);
    sc_assert_failed(text, __FILE__, line, "sc_stmt");
}

static void copy_parameters(struct sc_slot *slot)
{
    slot->param_count = sqlite3_bind_parameter_count(slot->handle);
    slot->params = sc_alloc_array((size_t)slot->param_count + 1, sizeof(char *));
    for (int i = 0; i < slot->param_count; i++) {
        const char *name = sqlite3_bind_parameter_name(slot->handle, i + 1);
        slot->params[i] = sc_strdup(name == NULL ? "" : name);
    }
}

static void copy_columns(struct sc_slot *slot)
{
    slot->column_count = sqlite3_column_count(slot->handle);
    slot->columns = sc_alloc_array((size_t)slot->column_count + 1, sizeof(char *));
    slot->asked = sc_alloc_array((size_t)slot->column_count + 1, sizeof(int));
    for (int i = 0; i < slot->column_count; i++) {
        const char *name = sqlite3_column_name(slot->handle, i);
        slot->columns[i] = sc_strdup(name == NULL ? "" : name);
    }
}

int sc_slot_prepare(struct sc_conn *conn, enum sc_sql id)
{
    struct sc_slot *slot = &conn->slots[id];
    if (slot->handle != NULL)
        return SQLITE_OK;
    int rc = sqlite3_prepare_v3(conn->db, sc_sql_text(id), -1, SQLITE_PREPARE_PERSISTENT,
                                &slot->handle, NULL);
    if ((rc & 0xff) == SQLITE_ERROR)
        misuse(id, "cannot be prepared", sqlite3_errmsg(conn->db));
    if (rc == SQLITE_OK) {
        copy_columns(slot);
        copy_parameters(slot);
    }
    return rc;
}

void sc_slot_free(struct sc_slot *slot)
{
    (void)sqlite3_finalize(slot->handle); /* the error of the last step was reported then */
    for (int i = 0; i < slot->column_count; i++)
        free(slot->columns[i]);
    free(slot->columns);
    free(slot->asked);
    for (int i = 0; i < slot->param_count; i++)
        free(slot->params[i]);
    free(slot->params);
    *slot = (struct sc_slot){ 0 };
}

struct sc_stmt sc_stmt_get(struct sc_conn *conn, enum sc_sql id)
{
    struct sc_slot *slot = &conn->slots[id];
    if (slot->in_use)
        misuse(id, "is in use already", "");
    slot->prepare_rc = sc_slot_prepare(conn, id);
    slot->in_use = true;
    conn->in_use++;
    return (struct sc_stmt){ .conn = conn, .handle = slot, .id = id };
}

void sc_store_log_statements(bool on)
{
    atomic_store_explicit(&log_statements, on, memory_order_relaxed);
}

static void reset(struct sc_slot *slot, enum sc_sql id)
{
    slot->has_row = false;
    if (slot->handle == NULL)
        return;
    (void)sqlite3_reset(slot->handle); /* repeats the error of the last step */
    (void)sqlite3_clear_bindings(slot->handle);
    if (slot->begun_us == 0)
        return;
    int64_t took_us = sc_clock_mono_us() - slot->begun_us;
    sc_latency_observe(&latencies[id], took_us);
    sc_store_waited_us += took_us;
    slot->begun_us = 0;
    if (atomic_load_explicit(&log_statements, memory_order_relaxed))
        SC_LOG(DEBUG, "store", "statement", SC_S("name", sc_sql_name(id)), SC_I("us", took_us));
}

void sc_stmt_reset(struct sc_stmt *st)
{
    reset(st->handle, st->id);
}

void sc_stmt_done(struct sc_stmt *st)
{
    struct sc_slot *slot = st->handle;
    if (slot == NULL)
        return;
    reset(slot, st->id);
    slot->in_use = false;
    st->conn->in_use--;
    st->handle = NULL;
}

/* ---- parameters ---- */

/* Index of the parameter, or 0 when the statement could not be prepared (its step will say so). */
static int parameter(struct sc_stmt *st, const char *name)
{
    struct sc_slot *slot = st->handle;
    if (slot->handle == NULL)
        return 0;
    for (int n = 0, i = slot->param_hint; n < slot->param_count; n++, i++) {
        if (i >= slot->param_count)
            i = 0;
        if (strcmp(slot->params[i], name) == 0) {
            slot->param_hint = i + 1;
            return i + 1;
        }
    }
    misuse(st->id, "has no parameter", name);
}

static sqlite3_stmt *handle_of(struct sc_stmt *st)
{
    const struct sc_slot *slot = st->handle;
    return slot->handle;
}

/* SQLITE_TOOBIG and out of memory aside, a refused binding is one on a running statement. */
static void check_bound(struct sc_stmt *st, const char *name, int rc)
{
    if (rc != SQLITE_OK)
        misuse(st->id, sqlite3_errstr(rc), name);
}

void sc_stmt_bind_int(struct sc_stmt *st, const char *name, int64_t value)
{
    int i = parameter(st, name);
    if (i > 0)
        check_bound(st, name, sqlite3_bind_int64(handle_of(st), i, value));
}

void sc_stmt_bind_double(struct sc_stmt *st, const char *name, double value)
{
    int i = parameter(st, name);
    if (i > 0)
        check_bound(st, name, sqlite3_bind_double(handle_of(st), i, value));
}

void sc_stmt_bind_null(struct sc_stmt *st, const char *name)
{
    int i = parameter(st, name);
    if (i > 0)
        check_bound(st, name, sqlite3_bind_null(handle_of(st), i));
}

void sc_stmt_bind_text(struct sc_stmt *st, const char *name, const char *value)
{
    sc_stmt_bind_str(st, name, sc_str_from(value));
}

void sc_stmt_bind_str(struct sc_stmt *st, const char *name, struct sc_str value)
{
    int i = parameter(st, name);
    if (i > 0)
        check_bound(st, name,
                    sqlite3_bind_text64(handle_of(st), i, value.ptr, value.len, SQLITE_STATIC,
                                        SQLITE_UTF8));
}

void sc_stmt_bind_blob(struct sc_stmt *st, const char *name, const void *bytes, size_t len)
{
    int i = parameter(st, name);
    if (i > 0)
        check_bound(st, name, sqlite3_bind_blob64(handle_of(st), i, bytes, len, SQLITE_STATIC));
}

void sc_stmt_bind_opt(struct sc_stmt *st, const char *name, int64_t value)
{
    if (value < 0)
        sc_stmt_bind_null(st, name);
    else
        sc_stmt_bind_int(st, name, value);
}

/* ---- running ---- */

/* After these SQLite may have rolled the whole transaction back, or advises to do so: what the
 * other members saw and wrote cannot be trusted any more. */
static bool spoils_transaction(const struct sc_conn *conn, int rc)
{
    if (rc == SQLITE_CORRUPT_VTAB) /* the text index alone: it can be made anew */
        return conn->in_member && sqlite3_get_autocommit(conn->db) != 0;
    switch (rc & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PROTOCOL:
        return true;
    default:
        return conn->in_member && sqlite3_get_autocommit(conn->db) != 0;
    }
}

static enum sc_code fail(struct sc_stmt *st, int rc, struct sc_error *err)
{
    struct sc_conn *conn = st->conn;
    int errnum = sc_conn_errno(conn);
    if (conn->late) /* whatever the text index has made of being interrupted */
        return sc_error_set(err, SC_E_TIMEOUT, "the time for the statement %s is over",
                            sc_sql_name(st->id));
    if (conn->in_member && conn->fatal == 0 && spoils_transaction(conn, rc)) {
        conn->fatal = rc;
        conn->fatal_errno = errnum;
    }
    char what[80];
    (void)snprintf(what, sizeof(what), "run the statement %s", sc_sql_name(st->id));
    errno = errnum;
    return sc_conn_fail(conn, rc, what, err);
}

/* What frames each read waits for nothing. */
static bool is_timed(enum sc_sql id)
{
    return id != SC_SQL_TX_READ && id != SC_SQL_TX_ROLLBACK;
}

enum sc_code sc_stmt_step(struct sc_stmt *st, bool *row, struct sc_error *err)
{
    struct sc_conn *conn = st->conn;
    struct sc_slot *slot = st->handle;
    slot->has_row = false;
    /* Once the transaction is gone, a further statement would commit by itself. */
    if (conn->in_member && conn->fatal != 0) {
        errno = conn->fatal_errno;
        return fail(st, conn->fatal, err);
    }
    errno = 0;
    if (slot->handle == NULL)
        return fail(st, slot->prepare_rc, err);

    /* The first statements of the list frame transactions and members: a fault of its own. */
    if (SC_FAULT(st->id <= SC_SQL_MEMBER_ROLLBACK ? "store.frame" : "store.step"))
        return sc_error_set(err, SC_E_STORE_ERROR, "cannot run the statement %s: fault store.step",
                            sc_sql_name(st->id));

    if (slot->begun_us == 0 && is_timed(st->id))
        slot->begun_us = sc_clock_mono_us();
    int rc = sqlite3_step(slot->handle);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return fail(st, rc, err);
    slot->has_row = rc == SQLITE_ROW;
    slot->turn = 0;
    *row = slot->has_row;
    return SC_OK;
}

enum sc_code sc_stmt_one(struct sc_stmt *st, struct sc_error *err)
{
    bool row = false;
    enum sc_code code = sc_stmt_step(st, &row, err);
    if (code == SC_OK && !row)
        code = SC_E_NOT_FOUND;
    return code;
}

enum sc_code sc_stmt_run(struct sc_stmt *st, struct sc_error *err)
{
    bool row = true;
    enum sc_code code = SC_OK;
    while (code == SC_OK && row)
        code = sc_stmt_step(st, &row, err);
    return code;
}

/* ---- columns ---- */

static int search_column(struct sc_stmt *st, const char *name)
{
    const struct sc_slot *slot = st->handle;
    for (int i = 0; i < slot->column_count; i++) {
        if (strcmp(slot->columns[i], name) == 0)
            return i;
    }
    misuse(st->id, "has no column", name);
}

static int column(struct sc_stmt *st, const char *name)
{
    struct sc_slot *slot = st->handle;
    if (!slot->has_row)
        misuse(st->id, "has no row when asked for", name);
    int *guess = &slot->asked[SC_MIN(slot->turn, slot->column_count)];
    slot->turn++;
    if (*guess >= slot->column_count || strcmp(slot->columns[*guess], name) != 0)
        *guess = search_column(st, name);
    return *guess;
}

int64_t sc_stmt_int(struct sc_stmt *st, const char *name)
{
    int i = column(st, name);
    return sqlite3_column_int64(handle_of(st), i);
}

int64_t sc_stmt_int_or(struct sc_stmt *st, const char *name, int64_t absent)
{
    int i = column(st, name);
    return sqlite3_column_type(handle_of(st), i) == SQLITE_NULL
               ? absent
               : sqlite3_column_int64(handle_of(st), i);
}

double sc_stmt_double_or(struct sc_stmt *st, const char *name, double absent)
{
    int i = column(st, name);
    return sqlite3_column_type(handle_of(st), i) == SQLITE_NULL
               ? absent
               : sqlite3_column_double(handle_of(st), i);
}

bool sc_stmt_is_null(struct sc_stmt *st, const char *name)
{
    int i = column(st, name);
    return sqlite3_column_type(handle_of(st), i) == SQLITE_NULL;
}

/* No value is the answer for NULL, but also where SQLite had no memory to finish a text. Its
 * callers would store or show that as an empty one, and the step that tells of it may never come.
 */
static void check_value(const struct sc_stmt *st)
{
    if (sqlite3_errcode(st->conn->db) == SQLITE_NOMEM)
        sc_out_of_memory();
}

/* A blob's bytes as they are; anything else as text. */
struct sc_str sc_stmt_str(struct sc_stmt *st, const char *name)
{
    int i = column(st, name);
    sqlite3_stmt *handle = handle_of(st);
    const char *ptr = sqlite3_column_type(handle, i) == SQLITE_BLOB
                          ? sqlite3_column_blob(handle, i)
                          : (const char *)sqlite3_column_text(handle, i);
    int len = sqlite3_column_bytes(handle, i);
    if (ptr == NULL)
        check_value(st);
    return ptr == NULL ? SC_STR("") : (struct sc_str){ ptr, (size_t)len };
}

const char *sc_stmt_text(struct sc_stmt *st, const char *name)
{
    int i = column(st, name);
    const unsigned char *text = sqlite3_column_text(handle_of(st), i);
    if (text == NULL)
        check_value(st);
    return text == NULL ? "" : (const char *)text;
}

void sc_stmt_copy(struct sc_stmt *st, const char *name, char *out, size_t size)
{
    struct sc_str text = sc_stmt_str(st, name);
    size_t len = SC_MIN(text.len, size - 1);
    memcpy(out, text.ptr, len);
    out[len] = '\0';
}

/* ---- figures ---- */

/* Puts a statement into the list, the longest first, when it belongs there. */
static void rank(struct sc_statement_figures *list, size_t most, size_t *count,
                 const struct sc_statement_figures *one)
{
    size_t at = *count;
    while (at > 0 && list[at - 1].latency.sum_us < one->latency.sum_us)
        at--;
    if (at == most)
        return;
    size_t kept = SC_MIN(*count, most - 1);
    memmove(&list[at + 1], &list[at], (kept - at) * sizeof(*list));
    list[at] = *one;
    *count = kept + 1;
}

size_t sc_store_statements(struct sc_statement_figures *out, size_t most, uint64_t *runs)
{
    size_t count = 0;
    *runs = 0;
    for (int i = 0; i < SC_SQL_COUNT_; i++) {
        struct sc_statement_figures one = { .name = sc_sql_name((enum sc_sql)i) };
        sc_latency_read(&latencies[i], &one.latency);
        *runs += one.latency.count;
        if (one.latency.count > 0)
            rank(out, most, &count, &one);
    }
    return count;
}
