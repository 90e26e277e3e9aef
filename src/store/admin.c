#include "store/admin.h"

#include "base/alloc.h"
#include "base/lock.h"
#include "store/store-internal.h"
#include "sys/file.h"

#include <sys/stat.h>

#include "base/banned.h"

enum sc_code sc_store_info(struct sc_store *store, struct sc_store_info *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_PAGES);
    code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    *out = (struct sc_store_info){
        .schema_version = (int)sc_stmt_int(&st, "schema_version"),
        .size_bytes = SC_MAX(0, sc_file_size(store->path)),
        .wal_bytes = SC_MAX(0, sc_file_size(store->wal_path)),
        .pages = sc_stmt_int(&st, "pages"),
        .free_pages = sc_stmt_int(&st, "free_pages"),
        .page_size = sc_stmt_int(&st, "page_size"),
    };
    return SC_OK;
}

void sc_store_use(struct sc_store *store, struct sc_store_use *out)
{
    *out = (struct sc_store_use){
        .size_bytes = SC_MAX(0, sc_file_size(store->path)),
        .wal_bytes = SC_MAX(0, sc_file_size(store->wal_path)),
    };
    SC_LOCK(&store->lock);
    out->readers = store->readers_total;
    out->lent = store->readers_lent;
}

/* ---- tables ---- */

/* A table's name cannot be a parameter, so this one statement is made here. */
static enum sc_code count_rows(struct sc_conn *conn, const char *table, int64_t *rows,
                               struct sc_error *err)
{
    char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", table);
    sc_assert(sql != NULL);
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &st, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    enum sc_code code = SC_OK;
    if (rc == SQLITE_ROW)
        *rows = sqlite3_column_int64(st, 0);
    else
        code = sc_conn_fail(conn, rc, "count the rows of a table", err);
    (void)sqlite3_finalize(st); /* its error is that of the step */
    return code;
}

enum sc_code sc_store_tables(struct sc_store *store, sc_table_fn fn, void *ctx,
                             struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_TABLES);
    for (;;) {
        bool row;
        int64_t rows = 0;
        code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        code = count_rows(conn, sc_stmt_text(&st, "name"), &rows, err);
        if (code != SC_OK)
            return code;
        fn(ctx, sc_stmt_text(&st, "name"), rows);
    }
}

/* ---- checking ---- */

struct check {
    sc_problem_fn fn;
    void *ctx;
    int problems;
};

static void report(struct check *check, const char *problem)
{
    check->problems++;
    if (check->fn != NULL)
        check->fn(check->ctx, problem);
}

static enum sc_code check_pages(struct sc_conn *conn, struct check *check, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_INTEGRITY);
    for (;;) {
        bool row;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        if (strcmp(sc_stmt_text(&st, "problem"), "ok") != 0)
            report(check, sc_stmt_text(&st, "problem"));
    }
}

static enum sc_code check_references(struct sc_conn *conn, struct check *check,
                                     struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SCHEMA_FOREIGN_KEY_FAULTS);
    for (;;) {
        bool row;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        SC_AUTO_FREE char *text =
            sc_asprintf("%lld rows of table %s refer to rows that do not exist",
                        (long long)sc_stmt_int(&st, "rows"), sc_stmt_text(&st, "name"));
        report(check, text);
    }
}

/* The text index checks itself through an INSERT, which only the writer may run. */
static enum sc_code check_text_index(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    enum sc_code code = sc_conn_run(tx, SC_SQL_FTS_INTEGRITY, err);
    return code == SC_OK ? sc_conn_run(tx, SC_SQL_PARTS_INTEGRITY, err) : code;
}

enum sc_code sc_store_check(struct sc_store *store, sc_problem_fn fn, void *ctx,
                            struct sc_error *err)
{
    struct check check = { .fn = fn, .ctx = ctx };
    enum sc_code code;
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        code = sc_store_read(store, &conn, err);
        if (code == SC_OK)
            code = check_pages(conn, &check, err);
        if (code == SC_OK)
            code = check_references(conn, &check, err);
    }
    /* A damage that stops the check itself is a problem found, not a failure to check. */
    if (code == SC_E_STORE_DAMAGED)
        report(&check, "the database disk image is malformed");
    else if (code != SC_OK)
        return code;
    if (check.problems == 0 && sc_store_is_writable(store, NULL)) {
        code = sc_store_write(store, SC_RELAXED, check_text_index, NULL, err);
        if (code == SC_E_STORE_DAMAGED)
            report(&check, "the text index is damaged");
        else if (code != SC_OK)
            return code;
    }
    if (check.problems > 0)
        return sc_error_set(err, SC_E_STORE_DAMAGED, "the check found %d problem%s", check.problems,
                            check.problems == 1 ? "" : "s");
    return SC_OK;
}

/* ---- without a store that is open ---- */

static enum sc_code check_quickly(struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_QUICK_CHECK);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK || strcmp(sc_stmt_text(&st, "problem"), "ok") == 0)
        return code;
    return sc_error_set(err, SC_E_STORE_DAMAGED, "the store is damaged: %.160s",
                        sc_stmt_text(&st, "problem"));
}

enum sc_code sc_store_peek(const char *path, bool check, struct sc_store_peek *out,
                           struct sc_error *err)
{
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    struct sc_store_peek found = { 0 };
    bool empty = false;
    struct stat st;
    enum sc_code code = SC_OK;
    if (stat(path, &st) == 0 && st.st_size > 0)
        code = sc_store_check_header(path, err);
    if (code == SC_OK)
        code = sc_conn_open(path, SC_CONN_READER, false, 1000, &conn, err);
    if (code == SC_OK)
        code = sc_store_identify(conn, &empty, err);
    if (code == SC_OK && !empty) {
        SC_AUTO_STMT pages = sc_stmt_get(conn, SC_SQL_STORE_PAGES);
        code = sc_stmt_one(&pages, err);
        if (code == SC_OK)
            found.schema_version = (int)sc_stmt_int(&pages, "schema_version");
    }
    if (code == SC_OK && check)
        code = check_quickly(conn, err);
    if (code == SC_OK)
        *out = found;
    return code;
}

/* ---- statements ---- */

enum sc_code sc_store_explain(struct sc_conn *conn, enum sc_sql id, struct sc_buf *out,
                              struct sc_error *err)
{
    SC_AUTO_FREE char *sql = sc_asprintf("EXPLAIN QUERY PLAN %s", sc_sql_text(id));
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &st, NULL);
    int depth_of[64] = { 0 };
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(st);
        if (rc != SQLITE_ROW)
            break;
        int node = sqlite3_column_int(st, 0), parent = sqlite3_column_int(st, 1);
        int depth = parent > 0 ? depth_of[parent % 64] + 1 : 0;
        depth_of[node % 64] = depth;
        sc_buf_printf(out, "%*s%s\n", depth * 2, "", (const char *)sqlite3_column_text(st, 3));
    }
    enum sc_code code = rc == SQLITE_DONE ? SC_OK : sc_conn_fail(conn, rc, "explain", err);
    (void)sqlite3_finalize(st); /* its error is that of the step */
    return code;
}

enum sc_code sc_store_prepare_all(struct sc_conn *conn, struct sc_error *err)
{
    for (int id = 0; id < SC_SQL_COUNT_; id++) {
        int rc = sc_slot_prepare(conn, (enum sc_sql)id);
        if (rc != SQLITE_OK)
            return sc_conn_fail(conn, rc, sc_sql_name((enum sc_sql)id), err);
    }
    return SC_OK;
}
