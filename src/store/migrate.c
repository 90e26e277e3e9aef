/* Numbered migrations, each applied once, whole, and recorded with the checksum of its text. */
#include "store/store-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/hash.h"
#include "base/language.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/banned.h"

/* "SCPT": marks the file as ours, and tells `file` so. */
#define APPLICATION_ID 0x53435054

const struct sc_migration sc_migrations[] = {
#define SC_MIGRATION(version, name, checksum, sql) { version, name, checksum, sql },
#include "store/migrations-table.h"
#undef SC_MIGRATION
};
const size_t sc_migration_count = SC_ARRAY_LEN(sc_migrations);

int sc_store_schema_version(void)
{
    return sc_migrations[sc_migration_count - 1].version;
}

/* ---- what the store holds ---- */

enum sc_code sc_store_identify(struct sc_conn *conn, bool *empty, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SCHEMA_IDENTITY);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    int64_t objects = sc_stmt_int(&st, "objects"), id = sc_stmt_int(&st, "application_id");
    if (id != APPLICATION_ID && (objects > 0 || id != 0))
        return sc_error_set(err, SC_E_STORE_DAMAGED,
                            "'%s' is a database of another program, not a store",
                            sqlite3_db_filename(conn->db, "main"));
    *empty = objects == 0;
    return SC_OK;
}

/* Compares what was applied with the list; *applied is the version reached. */
static enum sc_code check_applied(struct sc_conn *conn, const struct sc_migration *list,
                                  size_t count, int *applied, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_MIGRATIONS_LIST);
    int version = 0;
    for (;;) {
        bool row;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row)
            break;
        int64_t found = sc_stmt_int(&st, "version");
        if (found > (int64_t)count)
            return sc_error_set(err, SC_E_STORE_TOO_NEW,
                                "the store has schema %lld, this program knows up to %zu: use a "
                                "newer Scripta",
                                (long long)found, count);
        if (found != version + 1)
            return sc_error_set(err, SC_E_STORE_DAMAGED,
                                "the store's list of migrations lacks number %d", version + 1);
        version++;
        if (strcmp(sc_stmt_text(&st, "checksum"), list[version - 1].checksum) != 0)
            return sc_error_set(err, SC_E_STORE_DAMAGED,
                                "migration %s was applied with another text than this program "
                                "has: its checksum differs",
                                list[version - 1].name);
    }
    *applied = version;
    return SC_OK;
}

/* ---- the seal ---- */

/* A number over the words of the schema, kept in the header of the file (user_version): one bit
 * that turns there would give a column or an index another name, which no checksum of a row covers.
 */
static enum sc_code compute_seal(struct sc_conn *conn, int64_t *seal, struct sc_error *err)
{
    static const char *const parts[] = { "type", "name", "sql" };
    unsigned char sum[SC_HASH_BYTES_MAX];
    SC_AUTO(sc_hash_freep) struct sc_hash *h = sc_hash_new();
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SCHEMA_OBJECTS);
    bool row = true;
    enum sc_code code = SC_OK;
    while ((code = sc_stmt_step(&st, &row, err)) == SC_OK && row) {
        for (size_t i = 0; i < SC_ARRAY_LEN(parts); i++) {
            const char *text = sc_stmt_text(&st, parts[i]);
            sc_hash_update(h, text, strlen(text) + 1);
        }
    }
    (void)sc_hash_take(h, sum);
    /* Never 0, which is what a file without a seal has. */
    *seal = (int64_t)(sum[0] & 0x7F) << 24 | sum[1] << 16 | sum[2] << 8 | sum[3] | 1;
    return code;
}

static enum sc_code put_seal(struct sc_conn *conn, struct sc_error *err)
{
    char sql[64];
    int64_t seal = 0;
    enum sc_code code = compute_seal(conn, &seal, err);
    if (code != SC_OK)
        return code;
    (void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld", (long long)seal);
    return sc_conn_exec(conn, sql, err);
}

/* Stores of versions before the seal have none until they are next migrated. */
static enum sc_code check_seal(struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SCHEMA_SEAL_GET);
    int64_t seal = 0;
    enum sc_code code = sc_stmt_one(&st, err);
    int64_t kept = code == SC_OK ? sc_stmt_int(&st, "seal") : 0;
    if (code == SC_OK && kept != 0)
        code = compute_seal(conn, &seal, err);
    if (code != SC_OK || kept == 0 || kept == seal)
        return code;
    return sc_error_set(err, SC_E_STORE_DAMAGED,
                        "the schema of the store is not the one that was made: it is damaged, or "
                        "another program has changed it; put a copy of the store in its place");
}

/* ---- the copy before a migration ---- */

static enum sc_code sync_path(const char *path, int flags, struct sc_error *err)
{
    SC_AUTO_CLOSE int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot open '%s'", path);
    if (fsync(fd) != 0)
        return sc_error_errno(err, errno, "cannot flush '%s'", path);
    return SC_OK;
}

/* A new name beside the store must survive a power cut as its content does. */
static enum sc_code sync_folder(const char *path, struct sc_error *err)
{
    const char *slash = strrchr(path, '/');
    SC_AUTO_FREE char *folder = slash == NULL   ? sc_strdup(".")
                                : slash == path ? sc_strdup("/")
                                                : sc_strndup(path, (size_t)(slash - path));
    return sync_path(folder, O_RDONLY | O_DIRECTORY, err);
}

/* Copies conn's database to path in one step. */
static enum sc_code copy_to(struct sc_conn *conn, const char *path, struct sc_error *err)
{
    sqlite3 *db = NULL;
    errno = 0;
    int rc = sqlite3_open_v2(
        path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_backup *b = sqlite3_backup_init(db, "main", conn->db, "main");
        if (b == NULL) {
            rc = sqlite3_errcode(db);
        } else {
            (void)sqlite3_backup_step(b, -1); /* finish repeats its error */
            rc = sqlite3_backup_finish(b);
        }
    }
    enum sc_code code = SC_OK;
    if (rc != SQLITE_OK)
        code = sc_error_set(err, sc_code_from_sqlite(rc, errno),
                            "cannot copy the store to '%s': %s", path, sqlite3_errstr(rc));
    (void)sqlite3_close(db);
    return code;
}

/* Opens the copy as a store and checks all of it. */
static enum sc_code verify_copy(const char *path, struct sc_error *err)
{
    SC_AUTO(sc_conn_closep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_conn_open(path, SC_CONN_READER, false, 0, &conn, err);
    if (code != SC_OK)
        return code;
    /* Nobody else reads the copy: let SQLite put the log away when it closes. */
    (void)sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_STORE_INTEGRITY);
    code = sc_stmt_one(&st, err);
    if (code == SC_OK && strcmp(sc_stmt_text(&st, "problem"), "ok") != 0)
        code =
            sc_error_set(err, SC_E_STORE_DAMAGED, "the store is damaged, so it is not migrated: %s",
                         sc_stmt_text(&st, "problem"));
    return code;
}

/* Copies that a kill left unfinished: each is as large as the store. Their like stays only when the
 * folder cannot be read, which the copy itself will then say. */
static void remove_parts(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (strncmp(entry->d_name, "schema-", 7) == 0 && strstr(entry->d_name, ".db.part") != NULL)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
}

static enum sc_code back_up(struct sc_conn *conn, const char *path, int version,
                            struct sc_error *err)
{
    const char *slash = strrchr(path, '/');
    SC_AUTO_FREE char *folder = slash == NULL
                                    ? sc_strdup("backups")
                                    : sc_asprintf("%.*s/backups", (int)(slash - path), path);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return sc_error_errno(err, errno, "cannot make the folder '%s'", folder);
    enum sc_code code = sync_folder(path, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_FREE char *target =
        sc_asprintf("%s/schema-%04d-%lld.db", folder, version, (long long)sc_clock_wall_ms());
    SC_AUTO_FREE char *part = sc_asprintf("%s.part", target);
    remove_parts(folder);

    code = sc_store_make_file(part, err);
    if (code == SC_OK)
        code = copy_to(conn, part, err);
    if (code == SC_OK)
        code = verify_copy(part, err);
    if (code == SC_OK)
        code = sync_path(part, O_RDONLY, err);
    if (code == SC_OK && rename(part, target) != 0)
        code = sc_error_errno(err, errno, "cannot rename '%s'", part);
    if (code == SC_OK)
        code = sync_path(folder, O_RDONLY | O_DIRECTORY, err);
    if (code != SC_OK)
        (void)unlink(part);
    return code;
}

/* ---- applying ---- */

static enum sc_code record(struct sc_conn *conn, const struct sc_migration *m, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_MIGRATIONS_ADD);
    sc_stmt_bind_int(&st, ":version", m->version);
    sc_stmt_bind_text(&st, ":name", m->name);
    sc_stmt_bind_text(&st, ":checksum", m->checksum);
    sc_stmt_bind_int(&st, ":now_ms", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

/* Foreign keys are off meanwhile, as rebuilding a table demands, so they are checked at the end. */
static enum sc_code check_references(struct sc_conn *conn, const struct sc_migration *m,
                                     struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SCHEMA_FOREIGN_KEY_FAULTS);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code != SC_OK)
        return code;
    return sc_error_set(err, SC_E_STORE_INTEGRITY,
                        "migration %s would leave %lld dangling rows in table %s", m->name,
                        (long long)sc_stmt_int(&st, "rows"), sc_stmt_text(&st, "name"));
}

/* scripta_language(text), for migrations alone: the form that a language has by now; what is none
 * stays. */
static void put_language(sqlite3_context *ctx, int count, sqlite3_value **values)
{
    (void)count;
    char tag[SC_LANGUAGE_TEXT];
    const char *text = (const char *)sqlite3_value_text(values[0]);
    if (text != NULL && sc_language_tag(sc_str_from(text), tag))
        sqlite3_result_text(ctx, tag, -1, SQLITE_TRANSIENT);
    else
        sqlite3_result_value(ctx, values[0]);
}

static enum sc_code run_text(struct sc_conn *conn, const struct sc_migration *m,
                             struct sc_error *err)
{
    errno = 0;
    int rc = sqlite3_create_function(conn->db, "scripta_language", 1, SQLITE_UTF8, NULL,
                                     put_language, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(conn->db, m->sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        return SC_OK;
    char what[120];
    (void)snprintf(what, sizeof(what), "apply migration %s", m->name);
    return sc_conn_fail(conn, rc, what, err);
}

static enum sc_code mark_as_ours(struct sc_conn *conn, struct sc_error *err)
{
    char sql[64];
    (void)snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", APPLICATION_ID);
    return sc_conn_exec(conn, sql, err);
}

static enum sc_code apply(struct sc_conn *conn, const struct sc_migration *m, struct sc_error *err)
{
    enum sc_code code = sc_conn_run(conn, SC_SQL_TX_WRITE, err);
    if (code != SC_OK)
        return code;
    if (m->version == 1)
        code = mark_as_ours(conn, err);
    if (code == SC_OK)
        code = sc_conn_run(conn, SC_SQL_MIGRATIONS_CREATE, err);
    if (code == SC_OK)
        code = run_text(conn, m, err);
    if (code == SC_OK)
        code = record(conn, m, err);
    if (code == SC_OK)
        code = check_references(conn, m, err);
    if (code == SC_OK)
        code = put_seal(conn, err);
    if (code == SC_OK && SC_FAULT("store.migrate"))
        code = sc_error_set(err, SC_E_STORE_ERROR, "cannot migrate: fault store.migrate");
    if (code == SC_OK)
        code = sc_conn_run(conn, SC_SQL_TX_COMMIT, err);
    if (code != SC_OK)
        sc_conn_roll_back(conn);
    return code;
}

static enum sc_code apply_all(struct sc_conn *conn, const struct sc_migration *list, size_t from,
                              size_t count, struct sc_error *err)
{
    enum sc_code code = sc_conn_exec(conn,
                                     "PRAGMA synchronous = FULL;"
                                     "PRAGMA foreign_keys = OFF",
                                     err);
    for (size_t i = from; code == SC_OK && i < count; i++)
        code = apply(conn, &list[i], err);
    conn->full_sync = -1;
    enum sc_code on = sc_conn_exec(conn, "PRAGMA foreign_keys = ON", code == SC_OK ? err : NULL);
    return code == SC_OK ? on : code;
}

enum sc_code sc_migrate(struct sc_conn *conn, const char *path, const struct sc_migration *list,
                        size_t count, struct sc_error *err)
{
    bool empty;
    int applied = 0;
    enum sc_code code = sc_store_identify(conn, &empty, err);
    if (code == SC_OK && !empty)
        code = check_applied(conn, list, count, &applied, err);
    if (code == SC_OK && applied > 0)
        code = check_seal(conn, err);
    if (code != SC_OK || (size_t)applied == count)
        return code;
    if (!empty)
        code = back_up(conn, path, applied, err);
    if (code == SC_OK)
        code = apply_all(conn, list, (size_t)applied, count, err);
    if (code == SC_OK && empty)
        code = sync_folder(path, err);
    return code;
}
