/* Into the archive and back. The bytes get their second name first, then one write says that they
 * are there, then the first name goes: a kill leaves at most a name that no row has, which the next
 * start takes away (mend.c). Exports follow their job's row the other way round: the row says where
 * they belong, and the next start moves what is not there yet. */

#include "pipeline/archive.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "library/changes.h"
#include "pipeline/purge.h"
#include "sys/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define HOLD_WAIT_MS 10000
#define DEPTH_MAX 16 /* of folders that people make for their exports */

struct move {
    struct sc_pipelines *p;
    int64_t owner_id;
    const char *job_id; /* NULL: the file alone */
    bool archive;       /* else restore */
    int64_t job;
    bool was_archived;   /* the job */
    struct sc_file file; /* owned; id 0: the job has none */
    char *to;            /* where the bytes go; owned; NULL: they stay */
    int64_t now_ms;
};

static void move_done(struct move *m)
{
    sc_file_done(&m->file);
    free(m->to);
}

/* ---- what a row says ---- */

static enum sc_code refuse_open(const char *what, struct sc_error *err)
{
    return sc_error_set(err, SC_E_CONFLICT,
                        "%s has not ended: wait for it, or cancel it, then try again", what);
}

static enum sc_code find_job(struct move *m, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_job_find(conn, m->owner_id, m->job_id, &job, err);
    if (code != SC_OK)
        return code;
    if (job.admission != SC_ADMISSION_ENDED)
        return refuse_open("this job", err);
    m->job = job.id;
    m->was_archived = job.archived_ms != 0;
    m->file.id = job.file_id;
    return SC_OK;
}

static enum sc_code check_file(struct move *m, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_OPEN_JOB);
    sc_stmt_bind_int(&st, ":file_id", m->file.id);
    bool open = false;
    enum sc_code code = sc_stmt_step(&st, &open, err);
    if (code == SC_OK && open)
        return refuse_open("a job of this file", err);
    if (code == SC_OK && !m->archive && m->file.purged_ms != 0)
        return sc_error_set(err, SC_E_CONFLICT,
                            "the bytes of this file were cleaned out of the archive: upload it "
                            "again");
    return code;
}

static enum sc_code find_file(struct move *m, struct sc_conn *conn, struct sc_error *err)
{
    SC_AUTO_FILE found = { 0 };
    enum sc_code code = sc_file_find(conn, m->owner_id, m->file.id, &found, err);
    if (code != SC_OK)
        return code;
    sc_file_done(&m->file);
    m->file = sc_file_take(&found);
    return check_file(m, conn, err);
}

static enum sc_code look(struct move *m, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(m->p->o.store, &conn, err);
    if (code == SC_OK && m->job_id != NULL)
        code = find_job(m, conn, err);
    if (code == SC_OK && (m->job_id == NULL || m->file.id != 0))
        code = find_file(m, conn, err);
    return code;
}

/* Bytes that another owner has in use stay where they are. */
static enum sc_code choose_place(struct move *m, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(m->p->o.store, &conn, err);
    if (code == SC_OK)
        code = find_file(m, conn, err); /* again: now that nobody moves it */
    if (code != SC_OK || m->file.purged_ms != 0)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_FILE_OTHERS_IN_USE);
    sc_stmt_bind_text(&st, ":file_hash", m->file.file_hash);
    sc_stmt_bind_int(&st, ":file_id", m->file.id);
    code = sc_stmt_one(&st, err);
    if (code != SC_OK || (m->archive && sc_stmt_int(&st, "yes") != 0))
        return code;
    m->to = m->archive ? sc_blobs_archive_place(m->file.file_path)
                       : sc_blobs_upload_place(m->file.file_path);
    if (strcmp(m->to, m->file.file_path) == 0) {
        free(m->to);
        m->to = NULL;
    }
    return SC_OK;
}

/* ---- the write ---- */

static enum sc_code write_file(struct sc_conn *tx, struct move *m, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_ARCHIVE);
    sc_stmt_bind_int(&st, ":file_id", m->file.id);
    sc_stmt_bind_int(&st, ":archive", m->archive ? 1 : 0);
    sc_stmt_bind_int(&st, ":now", m->now_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code != SC_OK || m->to == NULL)
        return code;
    SC_AUTO_STMT place = sc_stmt_get(tx, SC_SQL_FILE_MOVE);
    sc_stmt_bind_text(&place, ":file_hash", m->file.file_hash);
    sc_stmt_bind_text(&place, ":place", m->to);
    return sc_stmt_run(&place, err);
}

enum sc_code sc_exports_record(struct sc_conn *tx, int64_t job, const char *job_id, bool archive,
                               struct sc_error *err)
{
    static const enum sc_sql steps[] = { SC_SQL_EXPORT_MOVE, SC_SQL_TRANSCRIPT_MOVE_SRT };
    SC_AUTO_FREE char *kept = sc_asprintf("transcripts/%s/", job_id);
    SC_AUTO_FREE char *archived = sc_asprintf(SC_ARCHIVED_EXPORTS "/%s/", job_id);
    enum sc_code code = SC_OK;
    for (size_t i = 0; code == SC_OK && i < SC_ARRAY_LEN(steps); i++) {
        SC_AUTO_STMT st = sc_stmt_get(tx, steps[i]);
        sc_stmt_bind_int(&st, ":job", job);
        sc_stmt_bind_text(&st, ":from", archive ? kept : archived);
        sc_stmt_bind_text(&st, ":to", archive ? archived : kept);
        code = sc_stmt_run(&st, err);
    }
    return code;
}

static enum sc_code write_job(struct sc_conn *tx, struct move *m, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_ARCHIVE);
    sc_stmt_bind_int(&st, ":job", m->job);
    sc_stmt_bind_int(&st, ":archive", m->archive ? 1 : 0);
    sc_stmt_bind_int(&st, ":now", m->now_ms);
    enum sc_code code = sc_stmt_run(&st, err);
    return code == SC_OK ? sc_exports_record(tx, m->job, m->job_id, m->archive, err) : code;
}

/* Of what is in its place already there is nothing to tell. */
static enum sc_code record_move(struct sc_conn *tx, const struct move *m, struct sc_error *err)
{
    struct sc_change change = { .owner_id = m->owner_id, .by = m->owner_id, .at_ms = m->now_ms };
    enum sc_code code = SC_OK;
    if (m->file.id != 0 && (m->file.archived_ms != 0) != m->archive) {
        change.kind = m->archive ? SC_CHANGE_FILE_ARCHIVED : SC_CHANGE_FILE_RESTORED;
        change.file_id = m->file.id;
        code = sc_change_record(tx, &change, err);
    }
    if (code != SC_OK || m->job_id == NULL || m->was_archived == m->archive)
        return code;
    change.kind = m->archive ? SC_CHANGE_JOB_ARCHIVED : SC_CHANGE_JOB_RESTORED;
    change.file_id = 0;
    change.job = m->job;
    return sc_change_record(tx, &change, err);
}

static enum sc_code write_move(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct move *m = ctx;
    enum sc_code code = m->job_id == NULL ? SC_OK : find_job(m, tx, err);
    if (code == SC_OK && m->file.id != 0)
        code = find_file(m, tx, err);
    if (code == SC_OK)
        code = record_move(tx, m, err);
    if (code == SC_OK && m->file.id != 0)
        code = write_file(tx, m, err);
    if (code == SC_OK && m->job_id != NULL)
        code = write_job(tx, m, err);
    return code;
}

/* ---- exports ---- */

static enum sc_code move_entry(const char *from, const char *to, int depth, struct sc_error *err);

/* Into a folder that is there already: entry by entry, a newer one in place of an older. */
static enum sc_code merge_folder(const char *from, const char *to, int depth, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    SC_AUTO_DIR *d = opendir(from);
    const struct dirent *entry;
    while (code == SC_OK && d != NULL && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        SC_AUTO_FREE char *below = sc_path_join(from, entry->d_name);
        SC_AUTO_FREE char *target = sc_path_join(to, entry->d_name);
        code = move_entry(below, target, depth + 1, err);
    }
    if (code == SC_OK && rmdir(from) != 0 && errno != ENOENT)
        return sc_error_errno(err, errno, "cannot remove '%.150s'", from);
    return code;
}

static enum sc_code move_entry(const char *from, const char *to, int depth, struct sc_error *err)
{
    struct stat st;
    if (depth > DEPTH_MAX)
        return sc_error_set(err, SC_E_IO_ERROR, "'%.150s' is too deep", from);
    if (rename(from, to) == 0)
        return SC_OK;
    int why = errno;
    if ((why == ENOTEMPTY || why == EEXIST) && stat(to, &st) == 0 && S_ISDIR(st.st_mode))
        return merge_folder(from, to, depth, err);
    if (why == ENOENT && access(from, F_OK) != 0)
        return SC_OK; /* the recovery pass was faster */
    return sc_error_errno(err, why, "cannot move '%.150s'", from);
}

enum sc_code sc_exports_move(struct sc_pipelines *p, const char *job_id, bool archive,
                             struct sc_error *err)
{
    SC_AUTO_FREE char *kept_root = sc_path_join(p->root, "transcripts");
    SC_AUTO_FREE char *archive_root = sc_path_join(p->root, SC_ARCHIVED_EXPORTS);
    SC_AUTO_FREE char *kept = sc_path_join(kept_root, job_id);
    SC_AUTO_FREE char *archived = sc_path_join(archive_root, job_id);
    const char *from = archive ? kept : archived;
    if (access(from, F_OK) != 0)
        return SC_OK;
    enum sc_code code = sc_dir_create_durable(archive ? archive_root : kept_root, err);
    if (code == SC_OK)
        code = move_entry(from, archive ? archived : kept, 0, err);
    /* First where they have come to: a power cut in between must not find them in neither place. */
    if (code == SC_OK)
        code = sc_dir_sync(archive ? archive_root : kept_root, err);
    return code == SC_OK ? sc_dir_sync(archive ? kept_root : archive_root, err) : code;
}

/* ---- all of it ---- */

static enum sc_code copy_and_record(struct move *m, struct sc_error *err)
{
    enum sc_code code = m->file.id == 0 ? SC_OK : choose_place(m, err);
    SC_AUTO_FREE char *from = sc_strdup(m->file.file_path);
    if (code == SC_OK && m->to != NULL)
        code = sc_blobs_copy(m->p->o.blobs, from, m->to, err);
    if (code != SC_OK)
        return code;
    (void)SC_FAULT("archive.copied");
    code = sc_store_write(m->p->o.store, SC_DURABLE, write_move, m, err);
    (void)SC_FAULT("archive.recorded");
    if (code == SC_OK && m->to != NULL && sc_blobs_remove(m->p->o.blobs, from, NULL) != SC_OK)
        SC_LOG(WARNING, "pipeline", "bytes have two names until the next start", SC_S("at", from));
    /* Refused, so no row names it. Of a failed commit one cannot know; the next start does. */
    bool refused =
        code == SC_E_CONFLICT || code == SC_E_FILE_NOT_FOUND || code == SC_E_JOB_NOT_FOUND;
    if (refused && m->to != NULL && sc_blobs_remove(m->p->o.blobs, m->to, NULL) != SC_OK)
        SC_LOG(WARNING, "pipeline", "bytes have two names until the next start", SC_S("at", m->to));
    return code;
}

enum sc_code sc_pipelines_archive(struct sc_pipelines *p, const struct sc_archiving *what,
                                  struct sc_error *err)
{
    SC_AUTO(move_done)
    struct move m = { .p = p,
                      .owner_id = what->owner_id,
                      .job_id = what->job_id,
                      .archive = what->archive,
                      .file = { .id = what->file_id },
                      .now_ms = sc_clock_wall_ms() };
    enum sc_code code = look(&m, err);
    if (code == SC_OK && m.job_id != NULL &&
        !sc_runners_wait_for(p, m.job, sc_clock_mono_ms() + HOLD_WAIT_MS))
        return refuse_open("writing the exports of this job", err);
    if (code != SC_OK)
        return code;
    char hash[SC_SHA256_TEXT];
    (void)snprintf(hash, sizeof(hash), "%s", m.file.file_hash);
    if (m.file.id != 0 && !sc_blobs_hold(p->o.blobs, hash, SC_HOLD_ALONE, HOLD_WAIT_MS))
        return sc_error_set(err, SC_E_TIMEOUT, "the same recording is being uploaded: try again");
    code = copy_and_record(&m, err);
    if (m.file.id != 0)
        sc_blobs_release(p->o.blobs, hash, SC_HOLD_ALONE);
    if (code == SC_OK && m.job_id != NULL)
        code = sc_exports_move(p, m.job_id, m.archive, err);
    return code;
}
