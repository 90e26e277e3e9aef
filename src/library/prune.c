/* Pruning: old versions go, and the rows that no other version has. */
#include "library/edit-internal.h"

#include "library/erase.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define SLICE 400 /* rows of a write, which take some milliseconds */

struct prune {
    struct sc_store *store;
    const struct sc_prune *what;
    int64_t now_ms;
    struct sc_transcript t;
    int64_t removed;
    bool more, erased; /* rows were deleted */
};

static enum sc_code run_slice(struct sc_conn *tx, enum sc_sql sql, struct prune *p,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, ":transcript_id", p->t.id);
    if (sql == SC_SQL_PRUNE_VERSIONS)
        sc_stmt_bind_int(&st, ":keep", p->what->keep);
    sc_stmt_bind_int(&st, ":limit", SLICE);
    enum sc_code code = sc_stmt_run(&st, err);
    p->more = code == SC_OK && sc_conn_changes(tx) == SLICE;
    return code;
}

static enum sc_code record(struct sc_conn *tx, const struct prune *p, int64_t removed,
                           struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "keep", p->what->keep);
    sc_json_int(&w, "removed", removed);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_PRUNED,
        .owner_id = p->t.owner_id,
        .by = p->what->by,
        .at_ms = p->now_ms,
        .transcript_id = p->t.id,
        .version = p->t.version,
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

/* From here on they are nobody's: a version goes whole. */
static enum sc_code prune_versions(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct prune *p = ctx;
    const struct sc_save save = { .by = p->what->by };
    struct sc_saved saved;
    enum sc_code code = sc_transcript_find(tx, p->what->owner_id, p->what->transcript, &p->t, err);
    if (code == SC_OK)
        code = sc_edit_check_base(&p->t, &save, &saved, err);
    if (code == SC_OK)
        code = run_slice(tx, SC_SQL_PRUNE_VERSIONS, p, err);
    int64_t removed = code == SC_OK ? sc_conn_changes(tx) : 0;
    p->removed += removed;
    return removed > 0 ? record(tx, p, removed, err) : code;
}

/* With what chunks keep of the words that go. */
static enum sc_code prune_rows(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct prune *p = ctx;
    enum sc_code code = run_slice(tx, SC_SQL_PRUNE_CHUNKS, p, err);
    if (code == SC_OK)
        code = run_slice(tx, SC_SQL_PRUNE_SEGMENTS, p, err);
    if (code != SC_OK || sc_conn_changes(tx) == 0)
        return code;
    p->erased = true;
    return sc_erase_owe(tx, err);
}

static enum sc_code sync_rows(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    (void)ctx;
    return sc_erase_owe(tx, err);
}

static enum sc_code prune_settled(void *ctx, struct sc_error *err)
{
    struct prune *p = ctx;
    enum sc_code code = SC_OK;
    do
        code = sc_store_write(p->store, SC_DURABLE, prune_versions, p, err);
    while (code == SC_OK && p->more);
    /* Also what a kill has left of an earlier time. Nobody has these rows any more, so they are
     * synced once, at the end: by themselves thousands of slices would wait for the disk. */
    p->more = true;
    while (code == SC_OK && p->more)
        code = sc_store_write(p->store, SC_RELAXED, prune_rows, p, err);
    return code == SC_OK && p->erased ? sc_store_write(p->store, SC_DURABLE, sync_rows, NULL, err)
                                      : code;
}

/* Whose it is not waits for nobody who saves it, and keeps nobody waiting. */
static enum sc_code find_own(const struct prune *p, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    enum sc_code code = sc_store_read(p->store, &conn, err);
    return code == SC_OK ? sc_transcript_find(conn, p->what->owner_id, p->what->transcript, &t, err)
                         : code;
}

enum sc_code sc_versions_prune(struct sc_store *store, const struct sc_prune *what, int64_t now_ms,
                               int64_t *removed, struct sc_error *err)
{
    struct prune p = { .store = store, .what = what, .now_ms = now_ms };
    if (what->keep < 1)
        return sc_error_field(err, SC_E_INVALID_VALUE, "keep",
                              "keep must be 1 or more: the current version always stays");
    enum sc_code code = find_own(&p, err);
    if (code != SC_OK)
        return code;
    /* Rows that a long edit has still to end would be in no version afterwards, and stay. */
    code = sc_edit_settled(store, what->transcript, prune_settled, &p, err);
    if (code == SC_OK)
        *removed = p.removed;
    return code;
}
