/* The recovery pass: a thread goes once over the data folder after the server is ready, and brings
 * bytes and rows together again where a kill parted them. What it cannot know it reports and
 * leaves: bytes without a row (files clean removes them), and rows whose bytes have gone. */

#include "pipeline/mend.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "blob/peaks-file.h"
#include "pipeline/archive.h"
#include "pipeline/purge.h"
#include "sys/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

struct mending {
    struct sc_pipelines *p;
    struct sc_mended out;
    int64_t started_ms;
};

/* ---- bytes ---- */

/* A mark is a link that anything may have put there: what it points to must be a recording of that
 * hash. */
static bool is_place_of(const char *place, const char *sha256)
{
    char hash[SC_SHA256_TEXT];
    const char *slash = strrchr(place, '/');
    return strncmp(place, "audio/", 6) == 0 && sc_blob_name_hash(slash + 1, hash) &&
           strcmp(hash, sha256) == 0;
}

/* Bytes that came while an earlier server ended: their row was written, or it was not. */
static void settle_mark(void *ctx, const char *sha256, const char *place)
{
    struct mending *m = ctx;
    if (!sc_blobs_hold(m->p->o.blobs, sha256, SC_HOLD_ALONE, 0))
        return; /* they come again just now, and settle it */
    sc_blobs_release(m->p->o.blobs, sha256, SC_HOLD_ALONE);
    if (is_place_of(place, sha256) && sc_blobs_exists(m->p->o.blobs, place) &&
        sc_orphan_remove(m->p, sha256, place, false))
        m->out.arrivals++;
    sc_blobs_unmark(m->p->o.blobs, sha256);
}

static enum sc_code find_row(struct sc_pipelines *p, const char *hash, struct sc_file *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, NULL);
    return code == SC_OK ? sc_file_find_hash(conn, 0, hash, out, NULL) : code;
}

/* By a row whose hash is damaged. */
static bool is_place_named(struct sc_pipelines *p, const char *place)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    bool named = true;
    return sc_store_read(p->o.store, &conn, NULL) != SC_OK ||
           sc_file_place_named(conn, place, &named, NULL) != SC_OK || named;
}

/* A second name of bytes that a row has elsewhere, or that were cleaned out of the archive. */
static bool visit_blob(void *ctx, const struct sc_blob_entry *entry)
{
    struct mending *m = ctx;
    char hash[SC_SHA256_TEXT];
    SC_AUTO_FILE row = { 0 };
    if (atomic_load(&m->p->stopping))
        return false;
    if (entry->exported || !sc_blob_name_hash(entry->name, hash)) {
        SC_AUTO_FREE char *path = sc_path_join(m->p->root, entry->place);
        if (sc_str_starts(sc_str_from(entry->name), SC_STR(".tmp-")) &&
            entry->changed_ms < m->started_ms && unlink(path) == 0)
            m->out.temp++;
        return true;
    }
    enum sc_code code = find_row(m->p, hash, &row);
    if (code == SC_E_FILE_NOT_FOUND && !is_place_named(m->p, entry->place)) {
        m->out.orphans++;
        m->out.orphan_bytes += entry->size;
    } else if (code == SC_OK &&
               (row.purged_ms != 0 || (strcmp(row.file_path, entry->place) != 0 &&
                                       sc_blobs_exists(m->p->o.blobs, row.file_path))) &&
               sc_orphan_remove(m->p, hash, entry->place, false)) {
        m->out.half_moved++;
    }
    return true;
}

struct damage {
    int64_t id;
    bool missing;
};

static enum sc_code write_damage(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct damage *d = ctx;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_SET_MISSING);
    sc_stmt_bind_int(&st, ":file_id", d->id);
    sc_stmt_bind_int(&st, ":missing", d->missing ? 1 : 0);
    return sc_stmt_run(&st, err);
}

/* Under the hold nobody moves the bytes between the look at the row and the look at the disk. */
static void check_bytes(struct mending *m, const struct sc_file *seen)
{
    SC_AUTO_FILE row = { 0 };
    if (!sc_blobs_hold(m->p->o.blobs, seen->file_hash, SC_HOLD_SHARED, 0))
        return;
    if (find_row(m->p, seen->file_hash, &row) == SC_OK && row.purged_ms == 0) {
        struct damage d = { seen->id, !sc_blobs_exists(m->p->o.blobs, row.file_path) };
        m->out.missing += d.missing ? 1 : 0;
        if (d.missing && seen->damage != SC_FILE_MISSING)
            SC_LOG(WARNING, "pipeline", "the bytes of a file are gone", SC_I("file", seen->id),
                   SC_S("at", row.file_path));
        if (d.missing != (seen->damage == SC_FILE_MISSING) &&
            sc_store_write(m->p->o.store, SC_RELAXED, write_damage, &d, NULL) != SC_OK)
            SC_LOG(WARNING, "pipeline", "cannot note the damage of a file", SC_I("file", seen->id));
    }
    sc_blobs_release(m->p->o.blobs, seen->file_hash, SC_HOLD_SHARED);
}

static bool next_file(struct mending *m, int64_t after, struct sc_file *out)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    bool found = false;
    return sc_store_read(m->p->o.store, &conn, NULL) == SC_OK &&
           sc_file_next(conn, after, out, &found, NULL) == SC_OK && found;
}

static void check_rows(struct mending *m)
{
    int64_t after = 0;
    char name[SC_SHA256_TEXT];
    for (bool found = true; found && !atomic_load(&m->p->stopping);) {
        SC_AUTO_FILE file = { 0 };
        found = next_file(m, after, &file);
        after = file.id;
        m->out.checksums += found && sc_file_hash_differs(&file, name) ? 1 : 0;
        /* The common case needs no hold. */
        if (found &&
            (file.damage != SC_FILE_SOUND || !sc_blobs_exists(m->p->o.blobs, file.file_path)))
            check_bytes(m, &file);
    }
}

static void visit_peaks(void *ctx, const char *name, const char *path)
{
    struct mending *m = ctx;
    char hash[SC_SHA256_TEXT];
    SC_AUTO_FILE row = { 0 };
    (void)path;
    if (sc_blob_name_hash(name, hash) && find_row(m->p, hash, &row) == SC_E_FILE_NOT_FOUND) {
        sc_peaks_remove(m->p->root, hash);
        m->out.folders++;
    }
}

/* ---- folders of jobs ---- */

struct job_place {
    int64_t id; /* 0: it has gone */
    bool archived, sure;
};

static struct job_place look_for_job(struct sc_pipelines *p, const char *job_id)
{
    struct job_place place = { 0 };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(p->o.store, &conn, NULL) != SC_OK)
        return place;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_ARCHIVED);
    sc_stmt_bind_text(&st, ":job_id", job_id);
    enum sc_code code = sc_stmt_one(&st, NULL);
    place.sure = code == SC_OK || code == SC_E_NOT_FOUND;
    if (code == SC_OK) {
        place.id = sc_stmt_int(&st, "id");
        place.archived = sc_stmt_int(&st, "archived") != 0;
    }
    return place;
}

/* Exports outlive their job when its transcripts were kept. */
static bool holds_exports(struct sc_pipelines *p, const char *below, const char *job_id)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_FREE char *from = sc_asprintf("%s/%s/", below, job_id);
    SC_AUTO_FREE char *until = sc_asprintf("%s/%s0", below, job_id); /* '0' follows '/' */
    if (sc_store_read(p->o.store, &conn, NULL) != SC_OK)
        return true;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_EXPORTS_BELOW);
    sc_stmt_bind_text(&st, ":from", from);
    sc_stmt_bind_text(&st, ":until", until);
    return sc_stmt_one(&st, NULL) != SC_OK || sc_stmt_int(&st, "yes") != 0;
}

struct exports_move {
    int64_t job;
    const char *job_id;
    bool archive;
};

static enum sc_code write_exports(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct exports_move *x = ctx;
    return sc_exports_record(tx, x->job, x->job_id, x->archive, err);
}

static void move_exports(struct mending *m, const struct exports_move *x)
{
    struct sc_error err = { 0 };
    struct exports_move copy = *x;
    if (sc_exports_move(m->p, x->job_id, x->archive, &err) == SC_OK &&
        sc_store_write(m->p->o.store, SC_DURABLE, write_exports, &copy, &err) == SC_OK)
        m->out.exports++;
    else
        SC_LOG(WARNING, "pipeline", "cannot move exports", SC_S("why", err.msg));
}

static void visit_job_folder(struct mending *m, const char *below, const char *name,
                             const char *path)
{
    bool exports = strcmp(below, "logs/jobs") != 0;
    bool in_archive = strcmp(below, SC_ARCHIVED_EXPORTS) == 0;
    if (!sc_uuid_is_valid(sc_str_from(name)))
        return;
    struct job_place job = look_for_job(m->p, name);
    if (!job.sure)
        return;
    if (job.id != 0 && exports && job.archived != in_archive)
        move_exports(m, &(struct exports_move){ job.id, name, job.archived });
    if (job.id == 0 && !(exports && holds_exports(m->p, below, name)) &&
        sc_dir_remove(path, NULL) == SC_OK)
        m->out.folders++;
}

static void visit_exports(void *ctx, const char *name, const char *path)
{
    visit_job_folder(ctx, "transcripts", name, path);
}

static void visit_archived(void *ctx, const char *name, const char *path)
{
    visit_job_folder(ctx, SC_ARCHIVED_EXPORTS, name, path);
}

static void visit_logs(void *ctx, const char *name, const char *path)
{
    visit_job_folder(ctx, "logs/jobs", name, path);
}

/* ---- the pass ---- */

static void *mend_main(void *ctx)
{
    struct sc_pipelines *p = ctx;
    struct mending m = { .p = p, .started_ms = sc_clock_wall_ms() };
    int64_t began = sc_clock_mono_ms();
    sc_blobs_each_mark(p->o.blobs, settle_mark, &m);
    sc_blobs_each(p->o.blobs, visit_blob, &m);
    check_rows(&m);
    sc_each_entry(p, "audio/peaks", visit_peaks, &m);
    sc_each_entry(p, "transcripts", visit_exports, &m);
    sc_each_entry(p, SC_ARCHIVED_EXPORTS, visit_archived, &m);
    sc_each_entry(p, "logs/jobs", visit_logs, &m);
    if (atomic_load(&p->stopping))
        return NULL;
    m.out.finished_ms = sc_clock_wall_ms();
    m.out.took_ms = sc_clock_mono_ms() - began;
    const struct sc_mended *o = &m.out;
    if (o->arrivals + o->half_moved + o->temp + o->folders + o->exports + o->missing +
            o->checksums + o->orphans >
        0)
        SC_LOG(INFO, "pipeline", "the data folder was looked over", SC_I("arrivals", o->arrivals),
               SC_I("half_moved", o->half_moved), SC_I("temp", o->temp),
               SC_I("folders", o->folders), SC_I("exports", o->exports),
               SC_I("missing", o->missing), SC_I("checksums", o->checksums),
               SC_I("orphans", o->orphans), SC_I("orphan_bytes", o->orphan_bytes));
    SC_LOCK(&p->lock);
    p->mended = m.out;
    return NULL;
}

void sc_mend_start(struct sc_pipelines *p)
{
    p->mending = pthread_create(&p->mend_thread, NULL, mend_main, p) == 0;
    sc_assert(p->mending);
    (void)pthread_setname_np(p->mend_thread, "mend");
}

void sc_mend_stop(struct sc_pipelines *p)
{
    if (p->mending)
        (void)pthread_join(p->mend_thread, NULL);
    p->mending = false;
}

void sc_pipelines_mended(struct sc_pipelines *p, struct sc_mended *out)
{
    SC_LOCK(&p->lock);
    *out = p->mended;
}
