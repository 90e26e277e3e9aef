#include "library/intakes.h"

#include "base/alloc.h"

#include "base/banned.h"

SC_DEFINE_ENUM_STRINGS(sc_intake_state, SC_INTAKE_STATE_COUNT_,
                       {
                           [SC_INTAKE_OPEN] = "open",
                           [SC_INTAKE_COMPLETED] = "completed",
                           [SC_INTAKE_REFUSED] = "refused",
                       });

void sc_intake_row_done(struct sc_intake_row *row)
{
    free(row->name);
    free(row->options);
    free(row->metadata);
    *row = (struct sc_intake_row){ 0 };
}

static void from_row(struct sc_stmt *st, struct sc_intake_row *out)
{
    *out = (struct sc_intake_row){
        .id = sc_stmt_int(st, "id"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .state = (enum sc_intake_state)sc_stmt_int(st, "state"),
        .total = sc_stmt_int_or(st, "total_bytes", -1),
        .offset = sc_stmt_int(st, "offset_bytes"),
        .name = sc_strdup(sc_stmt_text(st, "name")),
        .options = sc_stmt_is_null(st, "options") ? NULL : sc_strdup(sc_stmt_text(st, "options")),
        .metadata = sc_strdup(sc_stmt_text(st, "metadata")),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .expires_ms = sc_stmt_int(st, "expires_ms"),
        .file_id = sc_stmt_int_or(st, "file_id", 0),
        .duplicate = sc_stmt_int(st, "duplicate") != 0,
        .existing_job = sc_stmt_int(st, "existing_job") != 0,
    };
    SC_STMT_READ(st, out, upload_id);
    SC_STMT_READ(st, out, job_id);
    SC_STMT_READ(st, out, error_code);
    SC_STMT_READ(st, out, error);
}

/* The one row of a bound statement, or NOT_FOUND. */
static enum sc_code row_of(struct sc_stmt *st, struct sc_intake_row *out, struct sc_error *err)
{
    enum sc_code code = sc_stmt_one(st, err);
    if (code == SC_OK)
        from_row(st, out);
    return code;
}

enum sc_code sc_intake_find(struct sc_conn *conn, int64_t owner_id, const char *upload_id,
                            int64_t now_ms, struct sc_intake_row *out, struct sc_error *err)
{
    SC_AUTO_INTAKE_ROW row = { 0 };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_GET);
    sc_stmt_bind_text(&st, ":upload_id", upload_id);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = row_of(&st, &row, err);
    if (code == SC_E_NOT_FOUND || (code == SC_OK && row.expires_ms <= now_ms))
        return sc_error_set(err, SC_E_UPLOAD_NOT_FOUND, "no such upload: '%s'", upload_id);
    if (code == SC_OK) {
        *out = row;
        row = (struct sc_intake_row){ 0 };
    }
    return code;
}

enum sc_code sc_intake_find_key(struct sc_conn *conn, int64_t owner_id, const char *key,
                                int64_t now_ms, struct sc_intake_row *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_BY_KEY);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    sc_stmt_bind_text(&st, ":key", key);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return row_of(&st, out, err);
}

static enum sc_code maybe_row(struct sc_stmt *st, struct sc_intake_row *out, bool *found,
                              struct sc_error *err)
{
    enum sc_code code = row_of(st, out, err);
    *found = code == SC_OK;
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_intake_next_open(struct sc_conn *conn, int64_t after, struct sc_intake_row *out,
                                 bool *found, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_NEXT_OPEN);
    sc_stmt_bind_int(&st, ":after", after);
    return maybe_row(&st, out, found, err);
}

enum sc_code sc_intake_next_expiry(struct sc_conn *conn, struct sc_intake_row *out, bool *found,
                                   struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_NEXT_EXPIRY);
    return maybe_row(&st, out, found, err);
}

enum sc_code sc_intake_list(struct sc_conn *conn, const struct sc_intake_filter *filter,
                            sc_intake_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_LIST);
    sc_stmt_bind_int(&st, ":owner_id", filter->owner_id);
    sc_stmt_bind_int(&st, ":before", filter->before_id == 0 ? INT64_MAX : filter->before_id);
    sc_stmt_bind_int(&st, ":now", filter->now_ms);
    sc_stmt_bind_int(&st, ":limit", filter->limit);
    for (;;) {
        bool found = false;
        enum sc_code code = sc_stmt_step(&st, &found, err);
        if (code != SC_OK || !found)
            return code;
        SC_AUTO_INTAKE_ROW row = { 0 };
        from_row(&st, &row);
        fn(ctx, &row);
    }
}

enum sc_code sc_intake_reserved(struct sc_conn *conn, int64_t but, int64_t *bytes,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_RESERVED);
    sc_stmt_bind_int(&st, ":but", but);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *bytes = sc_stmt_int(&st, "bytes");
    return code;
}

enum sc_code sc_intake_count(struct sc_conn *conn, int64_t owner_id, int64_t *count,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_INTAKE_COUNT);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *count = sc_stmt_int(&st, "open");
    return code;
}

enum sc_code sc_intake_insert(struct sc_conn *tx, const struct sc_intake_row *row, const char *key,
                              int64_t *id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_INTAKE_INSERT);
    sc_stmt_bind_text(&st, ":upload_id", row->upload_id);
    sc_stmt_bind_int(&st, ":owner_id", row->owner_id);
    sc_stmt_bind_opt(&st, ":total", row->total);
    sc_stmt_bind_int(&st, ":offset", row->offset);
    sc_stmt_bind_text(&st, ":name", row->name);
    sc_stmt_bind_text(&st, ":options", row->options);
    sc_stmt_bind_text(&st, ":metadata", row->metadata);
    sc_stmt_bind_text(&st, ":key", key);
    sc_stmt_bind_int(&st, ":now", row->created_ms);
    sc_stmt_bind_int(&st, ":expires", row->expires_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *id = sc_conn_last_id(tx);
    return code;
}

enum sc_code sc_intake_checkpoint(struct sc_conn *tx, int64_t id, int64_t offset,
                                  int64_t expires_ms, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_INTAKE_CHECKPOINT);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":offset", offset);
    sc_stmt_bind_int(&st, ":expires", expires_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_intake_keep(struct sc_conn *tx, const struct sc_intake_row *row,
                            struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_INTAKE_KEEP);
    sc_stmt_bind_int(&st, ":id", row->id);
    sc_stmt_bind_int(&st, ":offset", row->offset);
    sc_stmt_bind_opt(&st, ":total", row->total);
    sc_stmt_bind_int(&st, ":expires", row->expires_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_intake_settle(struct sc_conn *tx, const struct sc_intake_row *row,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_INTAKE_SETTLE);
    sc_stmt_bind_int(&st, ":id", row->id);
    sc_stmt_bind_int(&st, ":file_id", row->file_id);
    sc_stmt_bind_text(&st, ":job_id", row->job_id[0] == '\0' ? NULL : row->job_id);
    sc_stmt_bind_int(&st, ":duplicate", row->duplicate);
    sc_stmt_bind_int(&st, ":existing_job", row->existing_job);
    sc_stmt_bind_int(&st, ":expires", row->expires_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_intake_refuse(struct sc_conn *tx, const struct sc_intake_row *row,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_INTAKE_REFUSE);
    sc_stmt_bind_int(&st, ":id", row->id);
    sc_stmt_bind_text(&st, ":error_code", row->error_code);
    sc_stmt_bind_text(&st, ":error", row->error);
    sc_stmt_bind_int(&st, ":expires", row->expires_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_intake_delete(struct sc_conn *tx, int64_t id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_INTAKE_DELETE);
    sc_stmt_bind_int(&st, ":id", id);
    return sc_stmt_run(&st, err);
}
