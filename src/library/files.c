#include "library/library-internal.h"
#include "library/names.h"

#include "base/alloc.h"

#include <inttypes.h>

#include "base/banned.h"

/* Bytes of all blobs, each counted with the first row that names it. */
#define STORAGE_COUNTER "storage_bytes"

void sc_file_done(struct sc_file *file)
{
    sc_freep(&file->metadata);
    sc_marks_done(&file->marks);
}

struct sc_file sc_file_take(struct sc_file *file)
{
    struct sc_file taken = *file;
    file->metadata = NULL;
    file->marks = (struct sc_marks){ 0 };
    return taken;
}

SC_DEFINE_ENUM_STRINGS(sc_file_damage, SC_FILE_DAMAGE_COUNT_,
                       {
                           [SC_FILE_SOUND] = "none",
                           [SC_FILE_MISSING] = "missing",
                           [SC_FILE_ALTERED] = "altered",
                       });

void sc_file_from_row(struct sc_stmt *st, struct sc_file *out)
{
    *out = (struct sc_file){
        .id = sc_stmt_int(st, "id"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .size_bytes = sc_stmt_int(st, "size_bytes"),
        .duration_ms = sc_stmt_int_or(st, "duration_ms", -1),
        .duration_counted = sc_stmt_int(st, "duration_counted") != 0,
        .sample_rate = (int)sc_stmt_int(st, "sample_rate"),
        .channels = (int)sc_stmt_int(st, "channels"),
        .bit_rate = sc_stmt_int_or(st, "bit_rate", -1),
        .uploaded_ms = sc_stmt_int(st, "uploaded_ms"),
        .archived_ms = sc_stmt_int_or(st, "archived_ms", 0),
        .purged_ms = sc_stmt_int_or(st, "purged_ms", 0),
        .verified_ms = sc_stmt_int_or(st, "verified_ms", 0),
        .arrivals = sc_stmt_int(st, "arrivals"),
        .damage = (enum sc_file_damage)sc_stmt_int(st, "damage"),
    };
    SC_STMT_READ(st, out, file_hash);
    SC_STMT_READ(st, out, original_name);
    SC_STMT_READ(st, out, file_path);
    SC_STMT_READ(st, out, format);
    SC_STMT_READ(st, out, codec);
    out->metadata = sc_strdup(sc_stmt_text(st, "tags"));
}

/* The one row of a bound statement with its marks, or FILE_NOT_FOUND. */
static enum sc_code file_of(struct sc_conn *conn, struct sc_stmt *st, struct sc_file *out,
                            struct sc_error *err)
{
    SC_AUTO_FILE file = { 0 };
    enum sc_code code = sc_stmt_one(st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_FILE_NOT_FOUND, "no such file");
    if (code != SC_OK)
        return code;
    sc_file_from_row(st, &file);
    code = sc_marks_get(conn, SC_MARKED_FILE, file.id, &file.marks, err);
    if (code == SC_OK)
        *out = sc_file_take(&file);
    return code;
}

enum sc_code sc_file_find(struct sc_conn *conn, int64_t owner_id, int64_t id, struct sc_file *out,
                          struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_GET);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = file_of(conn, &st, out, err);
    if (code == SC_E_FILE_NOT_FOUND)
        return sc_error_set(err, code, "no such file: '%" PRId64 "'", id);
    return code;
}

enum sc_code sc_file_find_hash(struct sc_conn *conn, int64_t owner_id, const char *hash,
                               struct sc_file *out, struct sc_error *err)
{
    SC_AUTO_STMT st =
        sc_stmt_get(conn, owner_id == 0 ? SC_SQL_FILE_BY_HASH : SC_SQL_FILE_BY_OWNER_HASH);
    if (owner_id != 0)
        sc_stmt_bind_int(&st, ":owner_id", owner_id);
    sc_stmt_bind_text(&st, ":file_hash", hash);
    return file_of(conn, &st, out, err);
}

enum sc_code sc_file_hash_known(struct sc_conn *conn, const char *hash, bool *known,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_HASH_KNOWN);
    sc_stmt_bind_text(&st, ":file_hash", hash);
    return sc_stmt_step(&st, known, err);
}

enum sc_code sc_storage_count(struct sc_conn *tx, int64_t bytes, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_COUNTER_ADD);
    sc_stmt_bind_text(&st, ":name", STORAGE_COUNTER);
    sc_stmt_bind_int(&st, ":n", bytes);
    return sc_stmt_run(&st, err);
}

static enum sc_code insert_row(struct sc_conn *tx, const struct sc_file *file, int64_t now_ms,
                               int64_t *id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_INSERT);
    sc_stmt_bind_int(&st, ":owner_id", file->owner_id);
    sc_stmt_bind_text(&st, ":file_hash", file->file_hash);
    sc_stmt_bind_text(&st, ":original_name", file->original_name);
    sc_stmt_bind_text(&st, ":file_path", file->file_path);
    sc_stmt_bind_int(&st, ":size_bytes", file->size_bytes);
    sc_stmt_bind_text(&st, ":format", file->format);
    sc_stmt_bind_text(&st, ":codec", file->codec);
    sc_stmt_bind_opt(&st, ":duration_ms", file->duration_ms);
    sc_stmt_bind_int(&st, ":duration_counted", file->duration_counted ? 1 : 0);
    sc_stmt_bind_int(&st, ":sample_rate", file->sample_rate);
    sc_stmt_bind_int(&st, ":channels", file->channels);
    sc_stmt_bind_opt(&st, ":bit_rate", file->bit_rate);
    sc_stmt_bind_text(&st, ":tags", file->metadata == NULL ? "{}" : file->metadata);
    sc_stmt_bind_int(&st, ":now", now_ms);
    sc_stmt_bind_opt(&st, ":archived_ms", file->archived_ms == 0 ? -1 : file->archived_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *id = sc_conn_last_id(tx);
    return code;
}

/* A row of its own, counted when its bytes are new to everybody. */
static enum sc_code add_row(struct sc_conn *tx, const struct sc_file *file, int64_t now_ms,
                            struct sc_file *out, struct sc_error *err)
{
    bool known = false;
    int64_t id = 0;
    enum sc_code code = sc_file_hash_known(tx, file->file_hash, &known, err);
    if (code == SC_OK)
        code = insert_row(tx, file, now_ms, &id, err);
    if (code == SC_OK && !known)
        code = sc_storage_count(tx, file->size_bytes, err);
    if (code == SC_OK)
        code = sc_name_index(tx, SC_NAME_FILE, id, err);
    return code == SC_OK ? sc_file_find(tx, 0, id, out, err) : code;
}

static enum sc_code record_upload(struct sc_conn *tx, int64_t id, const struct sc_file *file,
                                  const char *source, int64_t now_ms, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_UPLOAD_INSERT);
    sc_stmt_bind_int(&st, ":file_id", id);
    sc_stmt_bind_int(&st, ":owner_id", file->owner_id);
    sc_stmt_bind_text(&st, ":name", file->original_name);
    sc_stmt_bind_text(&st, ":source", source);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return sc_stmt_run(&st, err);
}

/* Rows of bytes that were missing: now they are there. What the quota had forgotten counts again.
 */
static enum sc_code revive(struct sc_conn *tx, const struct sc_file *file, struct sc_error *err)
{
    bool purged = false;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_PURGED_HASH);
        sc_stmt_bind_text(&st, ":file_hash", file->file_hash);
        enum sc_code code = sc_stmt_one(&st, err);
        if (code != SC_OK)
            return code;
        purged = sc_stmt_int(&st, "yes") != 0;
    }
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_REVIVE);
    sc_stmt_bind_text(&st, ":file_hash", file->file_hash);
    sc_stmt_bind_text(&st, ":place", file->file_path);
    enum sc_code code = sc_stmt_run(&st, err);
    return code == SC_OK && purged ? sc_storage_count(tx, file->size_bytes, err) : code;
}

enum sc_code sc_file_add(struct sc_conn *tx, const struct sc_file *file, const char *source,
                         int64_t now_ms, struct sc_file *out, bool *duplicate, struct sc_error *err)
{
    SC_AUTO_FILE stored = { 0 };
    enum sc_code code = revive(tx, file, err);
    if (code == SC_OK)
        code = sc_file_find_hash(tx, file->owner_id, file->file_hash, &stored, err);
    bool there = code == SC_OK;
    if (code == SC_E_FILE_NOT_FOUND)
        code = add_row(tx, file, now_ms, &stored, err);
    if (code == SC_OK)
        code = record_upload(tx, stored.id, file, source, now_ms, err);
    if (code != SC_OK)
        return code;
    stored.arrivals++; /* the row was read before this one was recorded */
    *out = sc_file_take(&stored);
    *duplicate = there;
    return SC_OK;
}

enum sc_code sc_file_set_verified(struct sc_conn *tx, const char *hash, enum sc_file_damage damage,
                                  int64_t now_ms, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_SET_VERIFIED);
    sc_stmt_bind_text(&st, ":file_hash", hash);
    sc_stmt_bind_int(&st, ":damage", (int64_t)damage);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_file_set_duration(struct sc_conn *tx, int64_t id, int64_t duration_ms,
                                  struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_SET_DURATION);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":duration_ms", duration_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK && sc_conn_changes(tx) == 0)
        return sc_error_set(err, SC_E_FILE_NOT_FOUND, "no such file");
    return code;
}

enum sc_code sc_storage_used(struct sc_conn *conn, int64_t *bytes, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_COUNTER_GET);
    sc_stmt_bind_text(&st, ":name", STORAGE_COUNTER);
    bool row = false;
    enum sc_code code = sc_stmt_step(&st, &row, err);
    if (code == SC_OK)
        *bytes = row ? sc_stmt_int(&st, "value") : 0;
    return code;
}
