#include "library/edit-internal.h"

#include <inttypes.h>

#include "base/banned.h"

enum sc_code sc_edit_plan_rollback(struct sc_conn *conn, const struct sc_save *save, int version,
                                   struct sc_edit **edit, struct sc_saved *out,
                                   struct sc_error *err)
{
    SC_AUTO_SEGMENTS wanted = { 0 };
    struct sc_transcript t;
    *out = (struct sc_saved){ 0 };
    enum sc_code code = sc_transcript_find(conn, save->owner_id, save->transcript, &t, err);
    if (code == SC_OK)
        code = sc_edit_check_base(&t, save, out, err);
    if (code == SC_OK && version < 1)
        code = sc_error_set(err, SC_E_VERSION_NOT_FOUND, "transcript %" PRId64 " has no version %d",
                            t.id, version);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &t, version, &wanted, err);
    if (code != SC_OK)
        return code;
    struct sc_save as = *save;
    as.restored_from = version;
    return sc_edit_plan(conn, &as, &wanted, edit, out, err);
}

/* How a version came to be. */
struct made {
    bool there; /* false: it is not, or was pruned */
    int undid;  /* an undo made it equal to this version; 0: a change made it */
};

static enum sc_code how_made(struct sc_conn *conn, int64_t transcript, int version,
                             struct made *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_VERSION_RESTORED_FROM);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    sc_stmt_bind_int(&st, ":version", version);
    sc_stmt_bind_text(&st, ":undone", sc_change_name(SC_CHANGE_UNDONE));
    enum sc_code code = sc_stmt_one(&st, err);
    *out = (struct made){ .there = code == SC_OK };
    if (code == SC_OK && sc_stmt_int(&st, "undone") != 0)
        out->undid = (int)sc_stmt_int_or(&st, "restored_from", 0);
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_version_before(struct sc_conn *conn, const struct sc_transcript *t, int *version,
                               struct sc_error *err)
{
    int at = t->version;
    struct made made;
    enum sc_code code = how_made(conn, t->id, at, &made, err);
    while (code == SC_OK && made.undid != 0) { /* always an earlier one */
        at = made.undid;
        code = how_made(conn, t->id, at, &made, err);
    }
    if (code == SC_OK && at > 1)
        code = how_made(conn, t->id, at - 1, &made, err);
    if (code != SC_OK)
        return code;
    if (at <= 1)
        return sc_error_set(err, SC_E_CONFLICT, "there is nothing to undo");
    if (!made.there)
        return sc_error_set(err, SC_E_CONFLICT,
                            "the version before was pruned: there is nothing to undo");
    *version = at - 1;
    return SC_OK;
}
