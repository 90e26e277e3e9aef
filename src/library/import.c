#include "library/import.h"

#include "library/changes.h"
#include "library/files.h"

#include <inttypes.h>

#include "base/banned.h"

static enum sc_code insert(struct sc_conn *tx, const struct sc_import *import, int64_t now_ms,
                           int64_t *id, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_IMPORT);
    sc_stmt_bind_int(&st, ":owner_id", import->owner_id);
    sc_stmt_bind_int(&st, ":file_id", import->file_id);
    sc_stmt_bind_text(&st, ":language", import->language);
    sc_stmt_bind_int(&st, ":now", now_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *id = sc_conn_last_id(tx);
    return code;
}

static enum sc_code record(struct sc_conn *tx, const struct sc_import *import, int64_t id,
                           int64_t now_ms, struct sc_error *err)
{
    const struct sc_change change = {
        .kind = SC_CHANGE_IMPORTED,
        .owner_id = import->owner_id,
        .by = import->by,
        .at_ms = now_ms,
        .transcript_id = id,
        .version = 1,
        .other_id = import->file_id,
    };
    return sc_change_record(tx, &change, err);
}

enum sc_code sc_transcript_import(struct sc_conn *tx, const struct sc_import *import,
                                  const struct sc_segments *segments, int64_t now_ms, int64_t *id,
                                  struct sc_error *err)
{
    const struct sc_origin origin = { .engine = "import", .model = import->format };
    SC_AUTO_FILE file = { 0 };
    int64_t made = 0;
    enum sc_code code = sc_file_find(tx, import->owner_id, import->file_id, &file, err);
    if (code == SC_OK)
        code = insert(tx, import, now_ms, &made, err);
    if (code == SC_OK)
        code = sc_transcript_put_chunk(tx, made, 0, segments, &origin, err);
    if (code == SC_OK)
        code = sc_transcript_finish(tx, made, import->language, segments, file.duration_ms, now_ms,
                                    err);
    if (code == SC_OK)
        code = record(tx, import, made, now_ms, err);
    if (code == SC_OK)
        *id = made;
    return code;
}
