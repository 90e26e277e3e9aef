/* Removing jobs. They are marked first, from when on nobody finds them, then their rows go in
 * slices, so that no write takes long; files go before the last row, so that a kill leaves nothing
 * that is not marked. Upkeep goes on with what a kill interrupted. */

#include "pipeline/purge.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "library/changes.h"
#include "library/erase.h"
#include "library/names.h"
#include "library/text-index.h"
#include "sys/file.h"

#include <errno.h>
#include <unistd.h>

#include "base/banned.h"

#define BARE_MAX 50 /* jobs whose folders and last rows go together */
#define PATIENCE_MS 2000
#define HELD_MS 1000 /* before what somebody holds is looked at again */
#define KEEP_TRANSCRIPTS 1
#define WITH_TRANSCRIPTS 2

/* A job of which only its own row is left. */
struct bare_job {
    int64_t id, mark;
    char job_id[SC_UUID_TEXT];
};

struct purge {
    struct sc_pipelines *p;
    int64_t after;      /* jobs up to it are left alone */
    struct bare_job at; /* the job at hand */
    bool found;
    struct bare_job bare[BARE_MAX];
    size_t bare_count;
    int64_t left;  /* rows that this write may still remove */
    int64_t *held; /* jobs that one of our own threads is still at work on; owned */
    size_t held_count;
    bool passed_over; /* some of those */
};

enum sc_code sc_purge_rows(struct sc_conn *tx, enum sc_sql sql, const char *name, int64_t id,
                           int64_t *left, struct sc_error *err)
{
    if (*left <= 0)
        return SC_OK;
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, name, id);
    sc_stmt_bind_int(&st, ":limit", *left);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *left -= sc_conn_changes(tx);
    return code;
}

static enum sc_code run_with(struct sc_conn *tx, enum sc_sql sql, const char *name, int64_t id,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, sql);
    sc_stmt_bind_int(&st, name, id);
    return sc_stmt_run(&st, err);
}

static enum sc_code remove_current(struct sc_conn *tx, int64_t transcript, int64_t *left,
                                   struct sc_error *err)
{
    enum sc_code code = sc_erase_owe(tx, err);
    if (code == SC_OK)
        code = sc_text_unindex_next(tx, transcript, *left, err);
    if (code != SC_OK)
        return code;
    return sc_purge_rows(tx, SC_SQL_PURGE_SEGMENTS, ":transcript_id", transcript, left, err);
}

/* Where exports are: the length of that folder's name, 0 for a path that damage has made of one. */
static size_t root_of(const char *file_path)
{
    static const char *const roots[] = { "transcripts/", SC_ARCHIVED_EXPORTS "/" };
    for (size_t i = 0; i < SC_ARRAY_LEN(roots); i++) {
        if (strncmp(file_path, roots[i], strlen(roots[i])) == 0)
            return strlen(roots[i]) - 1;
    }
    return 0;
}

/* With the folders that were made for it, where nothing else is in them. */
static void remove_export(const struct sc_pipelines *p, const char *file_path)
{
    SC_AUTO_FREE char *path = sc_path_join(p->root, file_path);
    const size_t root = root_of(file_path);
    const size_t least = strlen(path) - strlen(file_path) + root;
    bool removed = root > 0 && (unlink(path) == 0 || errno == ENOENT);
    while (removed) {
        *strrchr(path, '/') = '\0';
        removed = strlen(path) > least && rmdir(path) == 0;
    }
}

/* Of the rows that go next. Inside their write, so that no file stays behind its row; a write
 * that is undone finds its files gone the next time. */
static enum sc_code remove_exports(const struct sc_pipelines *p, struct sc_conn *tx,
                                   int64_t transcript, int64_t limit, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_EXPORT_PATHS);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    sc_stmt_bind_int(&st, ":limit", limit);
    bool row = false;
    enum sc_code code = sc_stmt_step(&st, &row, err);
    while (code == SC_OK && row) {
        if (!sc_stmt_is_null(&st, "path") && sc_stmt_int(&st, "taken") == 0)
            remove_export(p, sc_stmt_text(&st, "path"));
        code = sc_stmt_step(&st, &row, err);
    }
    return code;
}

enum sc_code sc_purge_keep_id(struct sc_conn *tx, const char *counter, int64_t id,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_KEEP_ID);
    sc_stmt_bind_text(&st, ":name", counter);
    sc_stmt_bind_int(&st, ":id", id);
    return sc_stmt_run(&st, err);
}

/* With all that hangs on it, also the files that it was exported to, as far as *left goes. */
static enum sc_code purge_transcript(struct sc_pipelines *p, struct sc_conn *tx, int64_t transcript,
                                     int64_t *left, struct sc_error *err)
{
    static const enum sc_sql rest[] = { SC_SQL_PURGE_OLD_SEGMENTS, SC_SQL_PURGE_ORIGINS,
                                        SC_SQL_PURGE_VERSIONS, SC_SQL_PURGE_CHANGES_TRANSCRIPT };
    enum sc_code code = remove_current(tx, transcript, left, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(rest); i++)
        code = sc_purge_rows(tx, rest[i], ":transcript_id", transcript, left, err);
    if (code == SC_OK && *left > 0)
        code = remove_exports(p, tx, transcript, *left, err);
    if (code == SC_OK)
        code = sc_purge_rows(tx, SC_SQL_PURGE_EXPORTS, ":transcript_id", transcript, left, err);
    if (code != SC_OK || *left <= 0)
        return code;
    code = sc_purge_keep_id(tx, "transcripts.last_id", transcript, err);
    if (code == SC_OK)
        code = sc_name_forget(tx, SC_NAME_TRANSCRIPT_NOTES, transcript, err);
    if (code == SC_OK)
        code = run_with(tx, SC_SQL_PURGE_TRANSCRIPT_ROW, ":transcript_id", transcript, err);
    return code;
}

enum sc_code sc_purge_transcripts(struct sc_pipelines *p, struct sc_conn *tx,
                                  const struct sc_purge_of *of, int64_t *left, struct sc_error *err)
{
    while (*left > 0) {
        int64_t transcript = 0;
        {
            SC_AUTO_STMT st = sc_stmt_get(tx, of->next);
            sc_stmt_bind_int(&st, of->name, of->id);
            enum sc_code code = sc_stmt_one(&st, err);
            if (code != SC_OK)
                return code == SC_E_NOT_FOUND ? SC_OK : code;
            transcript = sc_stmt_int(&st, "id");
        }
        enum sc_code code = purge_transcript(p, tx, transcript, left, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code remove_transcripts(struct purge *u, struct sc_conn *tx, struct sc_error *err)
{
    if (u->at.mark == KEEP_TRANSCRIPTS)
        return run_with(tx, SC_SQL_PURGE_DETACH, ":job", u->at.id, err);
    const struct sc_purge_of of = { SC_SQL_PURGE_TRANSCRIPT, ":job", u->at.id };
    return sc_purge_transcripts(u->p, tx, &of, &u->left, err);
}

/* The next marked job behind the one at hand. */
static enum sc_code find_marked(struct purge *u, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_PURGE_NEXT);
    sc_stmt_bind_int(&st, ":after", u->at.id);
    enum sc_code code = sc_stmt_one(&st, err);
    u->found = code == SC_OK;
    if (u->found) {
        u->at.id = sc_stmt_int(&st, "id");
        u->at.mark = sc_stmt_int(&st, "purge");
        SC_STMT_READ(&st, &u->at, job_id);
    }
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

static enum sc_code remove_rows_of_job(struct purge *u, struct sc_conn *tx, struct sc_error *err)
{
    static const enum sc_sql rows[] = { SC_SQL_PURGE_TASKS, SC_SQL_PURGE_CHUNKS,
                                        SC_SQL_PURGE_EVENTS, SC_SQL_PURGE_CHANGES_JOB };
    enum sc_code code = remove_transcripts(u, tx, err);
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(rows); i++)
        code = sc_purge_rows(tx, rows[i], ":job", u->at.id, &u->left, err);
    if (code == SC_OK && u->left > 0)
        u->bare[u->bare_count++] = u->at;
    return code;
}

static bool is_held(const struct purge *u)
{
    for (size_t i = 0; i < u->held_count; i++) {
        if (u->held[i] == u->at.id)
            return true;
    }
    return false;
}

/* Small jobs many at a time, a large one over several writes. */
static enum sc_code write_slice(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct purge *u = ctx;
    u->left = SC_PURGE_SLICE;
    u->bare_count = 0;
    u->at.id = u->after;
    enum sc_code code = find_marked(u, tx, err);
    while (code == SC_OK && u->found) {
        if (is_held(u))
            u->passed_over = true;
        else
            code = remove_rows_of_job(u, tx, err);
        if (u->left <= 0 || u->bare_count == BARE_MAX)
            return code;
        if (code == SC_OK)
            code = find_marked(u, tx, err);
    }
    return code;
}

static enum sc_code write_last(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct purge *u = ctx;
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < u->bare_count; i++) {
        code = sc_name_forget(tx, SC_NAME_JOB_NOTES, u->bare[i].id, err);
        if (code == SC_OK)
            code = run_with(tx, SC_SQL_PURGE_JOB, ":job", u->bare[i].id, err);
    }
    return code;
}

static bool remove_folder(const struct purge *u, const char *below, const char *job_id)
{
    SC_AUTO_FREE char *path = sc_asprintf("%s/%s/%s", u->p->root, below, job_id);
    return sc_folder_remove(path);
}

static bool remove_folders(const struct purge *u, const struct bare_job *job)
{
    return remove_folder(u, "work", job->job_id) && remove_folder(u, "logs/jobs", job->job_id) &&
           (job->mark == KEEP_TRANSCRIPTS || (remove_folder(u, "transcripts", job->job_id) &&
                                              remove_folder(u, SC_ARCHIVED_EXPORTS, job->job_id)));
}

static void list_held(struct purge *u)
{
    SC_LOCK(&u->p->lock);
    u->held = sc_alloc_array(2 * u->p->runner_count + 1, sizeof(*u->held));
    for (size_t i = 0; i < u->p->runner_count; i++) {
        const struct sc_runner *r = &u->p->runners[i];
        if (r->task.id != 0)
            u->held[u->held_count++] = r->task.job;
        if (r->exporting != 0)
            u->held[u->held_count++] = r->exporting;
    }
}

/* Is there anything to write for? */
static bool is_any(struct sc_pipelines *p, const struct sc_purge_of *of)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(p->o.store, &conn, NULL) != SC_OK)
        return true;
    SC_AUTO_STMT st = sc_stmt_get(conn, of->next);
    sc_stmt_bind_int(&st, of->name, of->id);
    return sc_stmt_one(&st, NULL) != SC_E_NOT_FOUND;
}

/* A folder that will not go keeps its job marked, until a later call succeeds. How many went. */
static size_t remove_all_folders(struct purge *u)
{
    size_t gone = 0;
    for (size_t i = 0; i < u->bare_count; i++) {
        u->after = u->bare[i].id;
        if (remove_folders(u, &u->bare[i]))
            u->bare[gone++] = u->bare[i];
    }
    return gone;
}

static enum sc_code purge_jobs(struct purge *u, enum sc_purge_state *state, struct sc_error *err)
{
    size_t gone = 0;
    bool behind = true;
    (void)SC_FAULT("clean.slice");
    /* As many folders that will not go as fit into a slice must not hide the jobs behind them. */
    while (gone == 0 && behind) {
        enum sc_code code = sc_store_write(u->p->o.store, SC_RELAXED, write_slice, u, err);
        if (code != SC_OK)
            return code;
        behind = u->bare_count == BARE_MAX;
        gone = remove_all_folders(u);
    }
    bool more = gone > 0 || u->left <= 0;
    *state = more ? SC_PURGE_MORE : u->passed_over ? SC_PURGE_HELD : SC_PURGE_NOTHING;
    u->bare_count = gone;
    (void)SC_FAULT("purge.folders");
    return gone == 0 ? SC_OK : sc_store_write(u->p->o.store, SC_RELAXED, write_last, u, err);
}

/* ---- transcripts that were deleted by themselves ---- */

static const struct sc_purge_of deleted_transcripts = { SC_SQL_PURGE_DELETED_TRANSCRIPT,
                                                        ":owner_id", SC_DELETED_OWNER };

static enum sc_code write_transcripts(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct purge *u = ctx;
    u->left = SC_PURGE_SLICE;
    return sc_purge_transcripts(u->p, tx, &deleted_transcripts, &u->left, err);
}

static enum sc_code purge_deleted_transcripts(struct purge *u, enum sc_purge_state *state,
                                              struct sc_error *err)
{
    (void)SC_FAULT("clean.slice");
    enum sc_code code = sc_store_write(u->p->o.store, SC_RELAXED, write_transcripts, u, err);
    if (code == SC_OK && u->left <= 0)
        *state = SC_PURGE_MORE;
    return code;
}

enum sc_code sc_purge_step(struct sc_pipelines *p, enum sc_purge_state *state, struct sc_error *err)
{
    struct purge u = { .p = p };
    enum sc_code code = SC_OK;
    *state = SC_PURGE_NOTHING;
    const struct sc_purge_of jobs = { SC_SQL_PURGE_NEXT, ":after", 0 };
    if (is_any(p, &jobs)) {
        list_held(&u);
        code = purge_jobs(&u, state, err);
        free(u.held);
    }
    if (code == SC_OK && *state != SC_PURGE_MORE && is_any(p, &deleted_transcripts))
        code = purge_deleted_transcripts(&u, state, err);
    if (code == SC_OK && *state != SC_PURGE_MORE)
        code = sc_purge_files(p, state, err);
    return code;
}

enum sc_code sc_pipelines_purge(struct sc_pipelines *p, int64_t *next_ms, struct sc_error *err)
{
    static const int64_t waits_ms[] = {
        [SC_PURGE_MORE] = 0, [SC_PURGE_HELD] = HELD_MS, [SC_PURGE_NOTHING] = -1
    };
    enum sc_purge_state state;
    enum sc_code code = sc_purge_step(p, &state, err);
    if (code == SC_OK)
        *next_ms = waits_ms[state];
    return code;
}

/* ---- marking ---- */

struct marking {
    struct sc_queue *queue;
    const struct sc_clean *what;
    int64_t marked;
};

static void bind_clean(struct sc_stmt *st, const struct sc_clean *what)
{
    sc_stmt_bind_int(st, ":owner_id", what->owner_id);
    sc_stmt_bind_int(st, ":before", what->before_ms);
    sc_stmt_bind_int(st, ":state", what->state);
}

static enum sc_code record_cleaned(struct sc_conn *tx, const struct sc_clean *what,
                                   struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CLEAN_RECORD);
    bind_clean(&st, what);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    sc_stmt_bind_int(&st, ":by", what->owner_id);
    sc_stmt_bind_text(&st, ":kind", sc_change_name(SC_CHANGE_JOB_DELETED));
    sc_stmt_bind_int(&st, ":kept", what->with_transcripts ? 0 : 1);
    sc_stmt_bind_int(&st, ":limit", SC_PURGE_SLICE);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_marks(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct marking *m = ctx;
    enum sc_code code = record_cleaned(tx, m->what, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CLEAN_MARK);
    bind_clean(&st, m->what);
    sc_stmt_bind_int(&st, ":purge",
                     m->what->with_transcripts ? WITH_TRANSCRIPTS : KEEP_TRANSCRIPTS);
    sc_stmt_bind_int(&st, ":limit", SC_PURGE_SLICE);
    code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        m->marked = sc_conn_changes(tx);
    if (code == SC_OK && m->marked > 0)
        sc_queue_note_due(m->queue, tx, PATIENCE_MS);
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

/* Few jobs are gone when the answer comes; of many, upkeep removes the rest. */
static enum sc_code purge_for_a_while(struct sc_pipelines *p, struct sc_error *err)
{
    int64_t end = sc_clock_mono_ms() + PATIENCE_MS;
    for (int64_t next_ms = 0; next_ms == 0 && sc_clock_mono_ms() < end;) {
        enum sc_code code = sc_pipelines_purge(p, &next_ms, err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

enum sc_code sc_pipelines_clean(struct sc_pipelines *p, const struct sc_clean *what, int64_t *jobs,
                                struct sc_error *err)
{
    if (what->dry_run)
        return count(p, what, jobs, err);
    struct marking m = { p->o.queue, what, SC_PURGE_SLICE };
    int64_t all = 0;
    while (m.marked == SC_PURGE_SLICE) {
        enum sc_code code = sc_store_write(p->o.store, SC_DURABLE, write_marks, &m, err);
        if (code != SC_OK)
            return code;
        all += m.marked;
    }
    *jobs = all;
    return all > 0 ? purge_for_a_while(p, err) : SC_OK;
}
