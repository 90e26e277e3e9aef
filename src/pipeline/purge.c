/* Cleaning jobs away. They are marked first, from when on nobody finds them, then their rows go in
 * slices, so that no write takes long; files go before the last row, so that a kill leaves nothing
 * that is not marked. Upkeep goes on with what a kill interrupted. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/fault.h"
#include "base/log.h"
#include "sys/file.h"

#include "base/banned.h"

#define SLICE 100 /* rows per write */
#define KEEP_TRANSCRIPTS 1
#define WITH_TRANSCRIPTS 2

struct purge {
    struct sc_pipelines *p;
    int64_t job;
    char job_id[SC_UUID_TEXT];
    int64_t mark;
    bool found;
    bool bare;    /* only the job's own row is left */
    int64_t left; /* rows that this write may still remove */
};

/* Runs a statement about a row; takes what it changed off what is left. */
static enum sc_code remove_rows(struct purge *u, struct sc_conn *tx, enum sc_sql sql,
                                const char *name, int64_t id, struct sc_error *err)
{
    if (u->left <= 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, name, id);
    sc_stmt_bind_int(&st, ":limit", u->left);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        u->left -= sc_conn_changes(tx);
    return code;
}

static enum sc_code run_with(struct sc_conn *tx, enum sc_sql sql, const char *name, int64_t id,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, name, id);
    return sc_stmt_run(&st, err);
}

static enum sc_code remove_current(struct purge *u, struct sc_conn *tx, int64_t transcript,
                                   struct sc_error *err)
{
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_UNINDEX);
        sc_stmt_bind_int(&st, ":transcript_id", transcript);
        sc_stmt_bind_int(&st, ":limit", u->left);
        enum sc_code code = sc_stmt_run(&st, err);
        if (code != SC_OK)
            return code;
    }
    return remove_rows(u, tx, SC_SQL_PURGE_SEGMENTS, ":transcript_id", transcript, err);
}

static enum sc_code remove_transcript(struct purge *u, struct sc_conn *tx, int64_t transcript,
                                      struct sc_error *err)
{
    static const enum sc_sql rest[] = { SC_SQL_PURGE_OLD_SEGMENTS, SC_SQL_PURGE_VERSIONS,
                                        SC_SQL_PURGE_EXPORTS };
    enum sc_code code = remove_current(u, tx, transcript, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(rest); i++)
        code = remove_rows(u, tx, rest[i], ":transcript_id", transcript, err);
    if (code == SC_OK && u->left > 0)
        code = run_with(tx, SC_SQL_PURGE_TRANSCRIPT_ROW, ":transcript_id", transcript, err);
    return code;
}

static enum sc_code remove_transcripts(struct purge *u, struct sc_conn *tx, struct sc_error *err)
{
    if (u->mark == KEEP_TRANSCRIPTS)
        return run_with(tx, SC_SQL_PURGE_DETACH, ":job", u->job, err);
    while (u->left > 0) {
        int64_t transcript = 0;
        {
            SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_TRANSCRIPT);
            sc_stmt_bind_int(&st, ":job", u->job);
            enum sc_code code = sc_stmt_one(&st, err);
            if (code == SC_E_NOT_FOUND)
                return SC_OK;
            if (code != SC_OK)
                return code;
            transcript = sc_stmt_int(&st, "id");
        }
        enum sc_code code = remove_transcript(u, tx, transcript, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code find_marked(struct purge *u, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_NEXT);
    enum sc_code code = sc_stmt_one(&st, err);
    u->found = code == SC_OK;
    if (u->found) {
        u->job = sc_stmt_int(&st, "id");
        u->mark = sc_stmt_int(&st, "purge");
        SC_STMT_READ(&st, u, job_id);
    }
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

static enum sc_code write_slice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    static const enum sc_sql rows[] = { SC_SQL_PURGE_TASKS, SC_SQL_PURGE_CHUNKS,
                                        SC_SQL_PURGE_EVENTS };
    struct purge *u = ctx;
    u->left = SLICE;
    u->bare = false;
    enum sc_code code = find_marked(u, tx, err);
    if (code != SC_OK || !u->found)
        return code;
    code = remove_transcripts(u, tx, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(rows); i++)
        code = remove_rows(u, tx, rows[i], ":job", u->job, err);
    u->bare = u->left > 0;
    return code;
}

static enum sc_code write_last(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct purge *u = ctx;
    return run_with(tx, SC_SQL_PURGE_JOB, ":job", u->job, err);
}

static bool remove_folder(const struct purge *u, const char *below)
{
    struct sc_error err = { 0 };
    SC_AUTO_FREE char *path = sc_asprintf("%s/%s/%s", u->p->root, below, u->job_id);
    if (sc_dir_remove(path, &err) == SC_OK)
        return true;
    SC_LOG(WARNING, "pipeline", "cannot remove a folder", SC_S("why", err.msg));
    return false;
}

enum sc_code sc_pipelines_purge(struct sc_pipelines *p, bool *more, struct sc_error *err)
{
    struct purge u = { .p = p };
    (void)SC_FAULT("clean.slice");
    enum sc_code code = sc_store_write(p->o.store, SC_RELAXED, write_slice, &u, err);
    if (code != SC_OK || !u.found) {
        *more = false;
        return code;
    }
    *more = true;
    if (!u.bare)
        return SC_OK;
    /* A folder that will not go keeps its job marked; the next start tries again. */
    *more = remove_folder(&u, "work") && remove_folder(&u, "logs/jobs") &&
            (u.mark == KEEP_TRANSCRIPTS || remove_folder(&u, "transcripts"));
    return *more ? sc_store_write(p->o.store, SC_RELAXED, write_last, &u, err) : SC_OK;
}

/* ---- marking ---- */

struct marking {
    const struct sc_clean *what;
    int64_t marked;
};

static void bind_clean(struct sc_stmt *st, const struct sc_clean *what)
{
    sc_stmt_bind_int(st, ":owner_id", what->owner_id);
    sc_stmt_bind_int(st, ":before", what->before_ms);
    sc_stmt_bind_int(st, ":state", what->state);
}

static enum sc_code write_marks(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct marking *m = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CLEAN_MARK);
    bind_clean(&st, m->what);
    sc_stmt_bind_int(&st, ":purge",
                     m->what->with_transcripts ? WITH_TRANSCRIPTS : KEEP_TRANSCRIPTS);
    sc_stmt_bind_int(&st, ":limit", SLICE);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        m->marked = sc_conn_changes(tx);
    return code;
}

static enum sc_code count(struct sc_pipelines *p, const struct sc_clean *what, int64_t *jobs,
                          struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CLEAN_COUNT);
    bind_clean(&st, what);
    code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *jobs = sc_stmt_int(&st, "n");
    return code;
}

enum sc_code sc_pipelines_clean(struct sc_pipelines *p, const struct sc_clean *what, int64_t *jobs,
                                struct sc_error *err)
{
    if (what->dry_run)
        return count(p, what, jobs, err);
    struct marking m = { what, SLICE };
    int64_t all = 0;
    while (m.marked == SLICE) {
        enum sc_code code = sc_store_write(p->o.store, SC_DURABLE, write_marks, &m, err);
        if (code != SC_OK)
            return code;
        all += m.marked;
    }
    for (bool more = all > 0; more;) {
        enum sc_code code = sc_pipelines_purge(p, &more, err);
        if (code != SC_OK)
            return code;
    }
    *jobs = all;
    return SC_OK;
}
