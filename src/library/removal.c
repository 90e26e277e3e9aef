#include "blob/blob.h"
#include "library/changes.h"
#include "library/erase.h"
#include "library/library-internal.h"
#include "library/names.h"
#include "json/writer.h"

#include "base/banned.h"

static enum sc_code run_on(struct sc_conn *tx, enum sc_sql sql, const char *name, int64_t id,
                           struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, name, id);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_file_uses(struct sc_conn *conn, int64_t id, struct sc_file_uses *out,
                          struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_USES);
    sc_stmt_bind_int(&st, ":file_id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *out = (struct sc_file_uses){ sc_stmt_int(&st, "jobs"), sc_stmt_int(&st, "transcripts") };
    return code;
}

enum sc_code sc_file_mark_deleted(struct sc_conn *tx, const struct sc_file *file,
                                  struct sc_error *err)
{
    static const enum sc_sql steps[] = { SC_SQL_NAMES_FORGET_FILE, SC_SQL_DELETE_FILE_KEYS,
                                         SC_SQL_DELETE_FILE_TRANSCRIPTS, SC_SQL_DELETE_FILE_JOBS,
                                         SC_SQL_DELETE_FILE };
    enum sc_code code = sc_erase_owe(tx, err); /* its name */
    bool known = true;
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(steps); i++)
        code = run_on(tx, steps[i], ":file_id", file->id, err);
    /* Asked now that this row has given its hash away. */
    if (code == SC_OK)
        code = sc_file_hash_known(tx, file->file_hash, &known, err);
    if (code == SC_OK && !known && file->purged_ms == 0)
        code = sc_storage_count(tx, -file->size_bytes, err);
    return code;
}

enum sc_code sc_job_mark_deleted(struct sc_conn *tx, int64_t job, struct sc_error *err)
{
    static const enum sc_sql steps[] = { SC_SQL_NAMES_FORGET_JOB, SC_SQL_DELETE_JOB_KEYS,
                                         SC_SQL_DELETE_JOB_TRANSCRIPTS, SC_SQL_DELETE_JOB };
    enum sc_code code = sc_erase_owe(tx, err); /* its notes */
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(steps); i++)
        code = run_on(tx, steps[i], ":job", job, err);
    return code;
}

enum sc_code sc_transcript_mark_deleted(struct sc_conn *tx, const struct sc_transcript *t,
                                        int64_t by, int64_t now_ms, struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "transcript_id", t->id);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_DELETED,
        .owner_id = t->owner_id,
        .by = by,
        .at_ms = now_ms,
        .file_id = t->file_id,
        .version = t->version,
        .other_id = t->id,
        .detail = sc_buf_text(&detail),
    };
    enum sc_code code = sc_change_record(tx, &change, err);
    if (code == SC_OK)
        code = sc_name_forget(tx, SC_NAME_TRANSCRIPT_NOTES, t->id, err);
    return code == SC_OK ? run_on(tx, SC_SQL_DELETE_TRANSCRIPT, ":transcript_id", t->id, err)
                         : code;
}

enum sc_code sc_file_next_deleted(struct sc_conn *conn, int64_t after, struct sc_file *out,
                                  bool *found, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_PURGE_FILE);
    sc_stmt_bind_int(&st, ":after", after);
    enum sc_code code = sc_stmt_step(&st, found, err);
    /* "<hash>:<id>": the field has room for the hash alone. */
    if (code == SC_OK && *found)
        sc_file_from_row(&st, out);
    return code;
}

enum sc_code sc_file_bytes_used(struct sc_store *store, const struct sc_file *file, bool *used,
                                bool *known, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(store, &conn, err);
    if (code == SC_OK)
        code = sc_file_hash_known(conn, file->file_hash, known, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_PLACE_USED);
    sc_stmt_bind_text(&st, ":file_hash", file->file_hash);
    sc_stmt_bind_text(&st, ":place", file->file_path);
    sc_stmt_bind_int(&st, ":size_bytes", file->size_bytes);
    code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *used = sc_stmt_int(&st, "yes") != 0;
    return code;
}

enum sc_code sc_file_place_named(struct sc_conn *conn, const char *place, bool *named,
                                 struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_PLACE_NAMED);
    sc_stmt_bind_text(&st, ":place", place);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *named = sc_stmt_int(&st, "yes") != 0;
    return code;
}

bool sc_file_hash_differs(const struct sc_file *file, char name[SC_SHA256_TEXT])
{
    const char *slash = strrchr(file->file_path, '/');
    return slash != NULL && sc_blob_name_hash(slash + 1, name) &&
           strcmp(name, file->file_hash) != 0;
}

static enum sc_code record_purge(struct sc_conn *tx, const struct sc_file *file, int64_t by,
                                 int64_t now_ms, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_ARCHIVE_PURGE_RECORD);
    sc_stmt_bind_text(&st, ":file_hash", file->file_hash);
    sc_stmt_bind_text(&st, ":kind", sc_change_name(SC_CHANGE_FILE_PURGED));
    sc_stmt_bind_int(&st, ":by", by);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_file_purge(struct sc_conn *tx, const struct sc_file *file, int64_t by,
                           int64_t now_ms, struct sc_error *err)
{
    enum sc_code code = record_purge(tx, file, by, now_ms, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_ARCHIVE_PURGE);
        sc_stmt_bind_text(&st, ":file_hash", file->file_hash);
        sc_stmt_bind_int(&st, ":now", now_ms);
        code = sc_stmt_run(&st, err);
        if (code != SC_OK || sc_conn_changes(tx) == 0)
            return code;
    }
    return sc_storage_count(tx, -file->size_bytes, err);
}

/* A bound statement's row replaces *out. */
static enum sc_code next_row(struct sc_stmt *st, struct sc_file *out, bool *found,
                             struct sc_error *err)
{
    enum sc_code code = sc_stmt_step(st, found, err);
    if (code == SC_OK && *found) {
        sc_file_done(out);
        sc_file_from_row(st, out);
    }
    return code;
}

enum sc_code sc_file_next_archived(struct sc_conn *conn, int64_t before_ms, struct sc_file *file,
                                   bool *found, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_ARCHIVE_DUE);
    sc_stmt_bind_int(&st, ":key", file->archived_ms);
    sc_stmt_bind_int(&st, ":id", file->id);
    sc_stmt_bind_int(&st, ":before", before_ms);
    return next_row(&st, file, found, err);
}

enum sc_code sc_file_next(struct sc_conn *conn, int64_t after, struct sc_file *out, bool *found,
                          struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_NEXT);
    sc_stmt_bind_int(&st, ":after", after);
    return next_row(&st, out, found, err);
}
