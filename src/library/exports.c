#include "library/changes.h"
#include "library/transcripts.h"

#include "json/writer.h"

#include "base/banned.h"

#define FORGET_SLICE 100 /* rows that one record removes at most: a limit may have been lowered */

/* ---- formats ---- */

enum sc_code sc_formats_active(struct sc_conn *conn, struct sc_formats_active *out,
                               struct sc_error *err)
{
    struct sc_formats_active active = { { false } };
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FORMAT_LIST);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK)
            return code;
        if (!row)
            break;
        const struct sc_format *format = sc_format_find(sc_stmt_text(&st, "name"));
        if (format != NULL)
            active.is[sc_format_index(format)] = sc_stmt_int(&st, "is_active") != 0;
    }
    *out = active;
    return SC_OK;
}

enum sc_code sc_format_check(struct sc_conn *conn, const struct sc_format *format,
                             struct sc_error *err)
{
    struct sc_formats_active active;
    enum sc_code code = sc_formats_active(conn, &active, err);
    if (code != SC_OK || active.is[sc_format_index(format)])
        return code;
    return sc_error_field(err, SC_E_FORMAT_DISABLED, "format",
                          "exports as %s are switched off on this server; an admin switches them "
                          "on with scripta transcripts formats --enable %s",
                          format->name, format->name);
}

enum sc_code sc_format_switch(struct sc_conn *tx, const struct sc_format *format, bool active,
                              int64_t by, int64_t now_ms, struct sc_error *err)
{
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FORMAT_SWITCH);
        sc_stmt_bind_text(&st, ":name", format->name);
        sc_stmt_bind_int(&st, ":active", active ? 1 : 0);
        enum sc_code code = sc_stmt_run(&st, err);
        if (code != SC_OK || sc_conn_changes(tx) == 0)
            return code;
    }
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "format", format->name);
    sc_json_bool(&w, "active", active);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_FORMAT_SWITCHED,
        .owner_id = by,
        .by = by,
        .at_ms = now_ms,
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

/* ---- history ---- */

static enum sc_code forget_old(struct sc_conn *tx, const struct sc_export *export,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EXPORT_FORGET);
    sc_stmt_bind_int(&st, ":transcript_id", export->transcript_id);
    sc_stmt_bind_int(&st, ":keep", export->keep);
    sc_stmt_bind_int(&st, ":limit", FORGET_SLICE);
    return sc_stmt_run(&st, err);
}

static enum sc_code insert(struct sc_conn *tx, const struct sc_export *export, int64_t now_ms,
                           struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_EXPORT_INSERT);
    sc_stmt_bind_int(&st, ":transcript_id", export->transcript_id);
    sc_stmt_bind_int(&st, ":version", export->version);
    sc_stmt_bind_text(&st, ":format", export->format);
    sc_stmt_bind_text(&st, ":path", export->path);
    sc_stmt_bind_int(&st, ":by", export->by);
    sc_stmt_bind_int(&st, ":now", now_ms);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_export_record(struct sc_conn *tx, const struct sc_export *export, int64_t now_ms,
                              struct sc_error *err)
{
    enum sc_code code = insert(tx, export, now_ms, err);
    return code == SC_OK && export->keep > 0 ? forget_old(tx, export, err) : code;
}

enum sc_code sc_export_list(struct sc_conn *conn, int64_t transcript, int64_t before, int limit,
                            sc_export_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EXPORT_LIST);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    sc_stmt_bind_int(&st, ":before", before == 0 ? INT64_MAX : before);
    sc_stmt_bind_int(&st, ":limit", limit);
    for (;;) {
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        struct sc_export_row found = {
            .id = sc_stmt_int(&st, "id"),
            .exported_ms = sc_stmt_int(&st, "exported_ms"),
            .version = (int)sc_stmt_int(&st, "version"),
            .format = sc_stmt_text(&st, "format_name"),
            .path = sc_stmt_is_null(&st, "file_path") ? NULL : sc_stmt_text(&st, "file_path"),
            .by = sc_stmt_text(&st, "exported_by"),
        };
        code = fn(ctx, &found, err);
        if (code != SC_OK)
            return code;
    }
}

enum sc_code sc_export_owner_of(struct sc_conn *conn, const char *path, int64_t *transcript,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EXPORT_BY_PATH);
    sc_stmt_bind_text(&st, ":path", path);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK && code != SC_E_NOT_FOUND)
        return code;
    *transcript = code == SC_OK ? sc_stmt_int(&st, "transcript_id") : 0;
    return SC_OK;
}
