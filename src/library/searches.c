#include "library/searches.h"

#include "base/alloc.h"
#include "library/changes.h"

#include <inttypes.h>

#include "base/banned.h"

void sc_saved_search_done(struct sc_saved_search *s)
{
    free(s->name);
    free(s->query);
    s->name = s->query = NULL;
}

static void from_row(struct sc_stmt *st, struct sc_saved_search *out)
{
    sc_saved_search_done(out);
    out->id = sc_stmt_int(st, "id");
    out->owner_id = sc_stmt_int(st, "owner_id");
    out->name = sc_strdup(sc_stmt_text(st, "name"));
    out->query = sc_strdup(sc_stmt_text(st, "query"));
    out->created_ms = sc_stmt_int(st, "created_ms");
    out->updated_ms = sc_stmt_int(st, "updated_ms");
}

enum sc_code sc_saved_search_get(struct sc_conn *conn, int64_t owner_id, int64_t id,
                                 struct sc_saved_search *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SAVED_SEARCH_GET);
    sc_stmt_bind_int(&st, ":id", id);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_NOT_FOUND, "no such saved search: '%" PRId64 "'", id);
    if (code == SC_OK)
        from_row(&st, out);
    return code;
}

enum sc_code sc_saved_search_list(struct sc_conn *conn, int64_t owner_id, int64_t before, int limit,
                                  sc_saved_search_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_SAVED_SEARCH_LIST);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    sc_stmt_bind_int(&st, ":before", before == 0 ? INT64_MAX : before);
    sc_stmt_bind_int(&st, ":limit", limit);
    for (;;) {
        SC_AUTO_SAVED_SEARCH s = { .id = 0 };
        bool row = false;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        from_row(&st, &s);
        fn(ctx, &s);
    }
}

/* ---- changes ---- */

static enum sc_code record(struct sc_conn *tx, enum sc_change_kind kind, int64_t by, int64_t now_ms,
                           const struct sc_saved_search *s, struct sc_error *err)
{
    const struct sc_change change = {
        .kind = kind,
        .owner_id = s->owner_id,
        .by = by,
        .at_ms = now_ms,
        .other_id = s->id,
    };
    return sc_change_record(tx, &change, err);
}

/* Another one of that name, or too many to add one. */
static enum sc_code check_room(struct sc_conn *tx, const struct sc_saved_search *s,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SAVED_SEARCH_ROOM);
    sc_stmt_bind_int(&st, ":owner_id", s->owner_id);
    sc_stmt_bind_int(&st, ":id", s->id);
    sc_stmt_bind_text(&st, ":name", s->name);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    if (sc_stmt_int(&st, "same") > 0)
        return sc_error_field(err, SC_E_CONFLICT, "name",
                              "there is a saved search of this name: choose another, or change it");
    if (s->id == 0 && sc_stmt_int(&st, "n") >= SC_SEARCHES_MAX)
        return sc_error_field(err, SC_E_CONFLICT, "name",
                              "there are %d saved searches, the most that one owner may have: "
                              "forget one first",
                              SC_SEARCHES_MAX);
    return SC_OK;
}

enum sc_code sc_saved_search_add(struct sc_conn *tx, int64_t by, int64_t now_ms,
                                 struct sc_saved_search *s, struct sc_error *err)
{
    s->id = 0; /* a write may run twice */
    enum sc_code code = check_room(tx, s, err);
    if (code != SC_OK)
        return code;
    s->created_ms = s->updated_ms = now_ms;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SAVED_SEARCH_INSERT);
        sc_stmt_bind_int(&st, ":owner_id", s->owner_id);
        sc_stmt_bind_text(&st, ":name", s->name);
        sc_stmt_bind_text(&st, ":query", s->query);
        sc_stmt_bind_int(&st, ":now", now_ms);
        code = sc_stmt_run(&st, err);
    }
    if (code != SC_OK)
        return code;
    s->id = sc_conn_last_id(tx);
    return record(tx, SC_CHANGE_SEARCH_SAVED, by, now_ms, s, err);
}

enum sc_code sc_saved_search_edit(struct sc_conn *tx, int64_t by, int64_t now_ms,
                                  const struct sc_saved_search *changes,
                                  struct sc_saved_search *out, struct sc_error *err)
{
    enum sc_code code = sc_saved_search_get(tx, changes->owner_id, changes->id, out, err);
    if (code != SC_OK)
        return code;
    if (changes->name != NULL) {
        char *name = sc_strdup(changes->name);
        free(out->name);
        out->name = name;
    }
    if (changes->query != NULL) {
        char *query = sc_strdup(changes->query);
        free(out->query);
        out->query = query;
    }
    out->updated_ms = now_ms;
    code = check_room(tx, out, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SAVED_SEARCH_UPDATE);
        sc_stmt_bind_int(&st, ":id", out->id);
        sc_stmt_bind_text(&st, ":name", out->name);
        sc_stmt_bind_text(&st, ":query", out->query);
        sc_stmt_bind_int(&st, ":now", now_ms);
        code = sc_stmt_run(&st, err);
    }
    return code == SC_OK ? record(tx, SC_CHANGE_SEARCH_CHANGED, by, now_ms, out, err) : code;
}

enum sc_code sc_saved_search_remove(struct sc_conn *tx, int64_t by, int64_t now_ms,
                                    int64_t owner_id, int64_t id, struct sc_saved_search *out,
                                    struct sc_error *err)
{
    enum sc_code code = sc_saved_search_get(tx, owner_id, id, out, err);
    if (code != SC_OK)
        return code;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_SAVED_SEARCH_DELETE);
        sc_stmt_bind_int(&st, ":id", id);
        code = sc_stmt_run(&st, err);
    }
    return code == SC_OK ? record(tx, SC_CHANGE_SEARCH_FORGOTTEN, by, now_ms, out, err) : code;
}
