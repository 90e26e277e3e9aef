#pragma once
/* A store in a scratch folder, and SQL in a test's own words. */

#include "store/store-internal.h"
#include "store/tokenizer.h"
#include "testing.h"

struct fixture {
    struct test_dir dir;
    char path[PATH_MAX];
    struct sc_store *store;
};

static inline struct sc_store_options options_for(const char *path, bool create)
{
    return (struct sc_store_options){
        .path = path,
        .readers = 2,
        .busy_timeout_ms = PATIENCE_MS,
        .open_attempts = 1,
        .create = create,
    };
}

/* Empty, migrated, open. */
static inline struct fixture fixture_new(void)
{
    struct fixture f = { .dir = test_dir_new() };
    struct sc_error err = { 0 };
    test_path(&f.dir, "scripta.db", f.path);
    struct sc_store_options o = options_for(f.path, true);
    if (sc_store_open(&o, &f.store, &err) != SC_OK)
        fail_msg("%s: %s", sc_code_name(err.code), err.msg);
    return f;
}

static inline void fixture_done(struct fixture *f)
{
    sc_store_close(f->store);
    test_dir_done(&f->dir);
}

/* Runs SQL on a connection of its own, the way an outsider would; an SQLite code. */
static inline int outside(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    struct sc_error err = { 0 };
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sc_tokenizer_register(db, &err), SC_OK);
    int rc = sqlite3_exec(db, "PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 120000;", NULL, NULL,
                          NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    (void)sqlite3_close(db);
    return rc;
}

static inline int first_int_(void *ctx, int n, char **values, char **names)
{
    (void)names;
    if (n > 0 && values[0] != NULL)
        *(int64_t *)ctx = strtoll(values[0], NULL, 10);
    return 0;
}

/* The first value of a query on a connection; -1 for NULL or no row. */
static inline int64_t number_on(struct sc_conn *conn, const char *sql)
{
    int64_t out = -1;
    char *why = NULL;
    if (sqlite3_exec(conn->db, sql, first_int_, &out, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    return out;
}

/* The same, read through the store. */
static inline int64_t number(struct sc_store *store, const char *sql)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    assert_int_equal(sc_store_read(store, &conn, NULL), SC_OK);
    return number_on(conn, sql);
}

/* A write that runs SQL text; ctx is the text. */
static inline enum sc_code run_sql(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    return sc_conn_exec(tx, ctx, err);
}

static inline enum sc_code write_sql(struct sc_store *store, const char *sql)
{
    return sc_store_write(store, SC_DURABLE, run_sql, (void *)(uintptr_t)sql, NULL);
}

/* A write that sets a key of `meta` through the named statement. */
struct setting {
    const char *key;
    const char *value;
    enum sc_code answer; /* returned after writing */
};

static inline enum sc_code run_setting(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct setting *s = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_META_SET);
    sc_stmt_bind_text(&st, ":key", s->key);
    sc_stmt_bind_text(&st, ":value", s->value);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK && s->answer != SC_OK)
        code = sc_error_set(err, s->answer, "refused by the test");
    return code;
}
