#include "library/changes.h"

#include "base/clock.h"

#include "base/banned.h"

static const char *const names[SC_CHANGE_COUNT_] = {
#define SC_CHANGE(name, text) [SC_CHANGE_##name] = (text),
#include "library/changes.def"
#undef SC_CHANGE
};

const char *sc_change_name(enum sc_change_kind kind)
{
    sc_assert((unsigned)kind < SC_CHANGE_COUNT_);
    return names[kind];
}

static bool kind_from(const char *text, enum sc_change_kind *out)
{
    for (unsigned i = 0; i < SC_CHANGE_COUNT_; i++) {
        if (strcmp(names[i], text) == 0) {
            *out = (enum sc_change_kind)i;
            return true;
        }
    }
    return false;
}

/* An id, or NULL for 0. */
static void bind_id(struct sc_stmt *st, const char *name, int64_t id)
{
    sc_stmt_bind_opt(st, name, id == 0 ? -1 : id);
}

enum sc_code sc_change_record(struct sc_conn *tx, const struct sc_change *change,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHANGE_INSERT);
    sc_stmt_bind_int(&st, ":owner_id", change->owner_id);
    sc_stmt_bind_int(&st, ":now", change->at_ms);
    sc_stmt_bind_int(&st, ":by", change->by);
    sc_stmt_bind_text(&st, ":kind", sc_change_name(change->kind));
    bind_id(&st, ":file_id", change->file_id);
    bind_id(&st, ":job", change->job);
    bind_id(&st, ":transcript_id", change->transcript_id);
    bind_id(&st, ":version", change->version);
    bind_id(&st, ":other_id", change->other_id);
    bind_id(&st, ":gone_file_id", change->gone_file_id);
    sc_stmt_bind_text(&st, ":detail", change->detail == NULL ? "{}" : change->detail);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_change_record_other(struct sc_conn *tx, enum sc_change_kind kind, int64_t owner_id,
                                    int64_t by, int64_t other_id, struct sc_error *err)
{
    const struct sc_change change = {
        .kind = kind,
        .owner_id = owner_id,
        .by = by,
        .at_ms = sc_clock_wall_ms(),
        .other_id = other_id,
    };
    return sc_change_record(tx, &change, err);
}

enum sc_code sc_change_last(struct sc_conn *conn, int64_t transcript, int64_t *id,
                            struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHANGE_LAST);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *id = sc_stmt_int(&st, "id");
    return code;
}

enum sc_code sc_changes_forget(struct sc_conn *tx, int64_t before_ms, int limit, int64_t *removed,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHANGE_FORGET);
    sc_stmt_bind_int(&st, ":before", before_ms);
    sc_stmt_bind_int(&st, ":limit", limit);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *removed = sc_conn_changes(tx);
    return code;
}

static enum sc_sql list_statement(const struct sc_change_filter *filter)
{
    if (filter->transcript_id != 0)
        return SC_SQL_CHANGE_LIST_TRANSCRIPT;
    if (filter->file_id != 0)
        return SC_SQL_CHANGE_LIST_FILE;
    if (filter->job != 0)
        return SC_SQL_CHANGE_LIST_JOB;
    if (filter->owner_id != 0 && filter->kind != NULL)
        return SC_SQL_CHANGE_LIST_KIND;
    return filter->owner_id != 0 ? SC_SQL_CHANGE_LIST_OWNER : SC_SQL_CHANGE_LIST_ALL;
}

/* False: a kind of a newer release, which this one has no name for. */
static bool change_from_row(struct sc_stmt *st, struct sc_change *out)
{
    *out = (struct sc_change){
        .id = sc_stmt_int(st, "id"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .by = sc_stmt_int(st, "changed_by"),
        .at_ms = sc_stmt_int(st, "changed_ms"),
        .file_id = sc_stmt_int_or(st, "file_id", 0),
        .job = sc_stmt_int_or(st, "job", 0),
        .transcript_id = sc_stmt_int_or(st, "transcript_id", 0),
        .version = (int)sc_stmt_int_or(st, "version", 0),
        .other_id = sc_stmt_int_or(st, "other_id", 0),
    };
    SC_STMT_READ(st, out, by_name);
    SC_STMT_READ(st, out, job_id);
    bool known = kind_from(sc_stmt_text(st, "kind"), &out->kind);
    out->detail = sc_stmt_text(st, "detail");
    return known;
}

enum sc_code sc_change_list(struct sc_conn *conn, const struct sc_change_filter *filter,
                            sc_change_fn fn, void *ctx, struct sc_error *err)
{
    enum sc_sql id = list_statement(filter);
    SC_AUTO_STMT st = sc_stmt_get(conn, id);
    if (id != SC_SQL_CHANGE_LIST_ALL)
        sc_stmt_bind_int(&st, ":owner_id", filter->owner_id);
    if (id == SC_SQL_CHANGE_LIST_TRANSCRIPT)
        sc_stmt_bind_int(&st, ":transcript_id", filter->transcript_id);
    if (id == SC_SQL_CHANGE_LIST_FILE)
        sc_stmt_bind_int(&st, ":file_id", filter->file_id);
    if (id == SC_SQL_CHANGE_LIST_JOB)
        sc_stmt_bind_int(&st, ":job", filter->job);
    if (id != SC_SQL_CHANGE_LIST_OWNER)
        sc_stmt_bind_text(&st, ":kind", filter->kind); /* NULL: all */
    sc_stmt_bind_int(&st, ":before", filter->before_id == 0 ? INT64_MAX : filter->before_id);
    sc_stmt_bind_int(&st, ":limit", filter->limit);
    for (;;) {
        bool row = false;
        struct sc_change change;
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        if (!change_from_row(&st, &change))
            continue;
        code = fn(ctx, &change, err);
        if (code != SC_OK)
            return code;
    }
}
