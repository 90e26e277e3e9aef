/* auto_export: formats written to transcripts/<job_id>/ once a job has completed, and again
 * whenever its transcript has another version. That they are owed stands in the job's row from the
 * transaction that completed it, or made the version, until the one that records them, so a kill in
 * between only delays them. A job is as complete without them: what cannot be written fails
 * nothing, and is tried again a minute later and at the next start. */

#include "pipeline/export.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/metric.h"
#include "pipeline/purge.h"
#include "sys/file.h"
#include "transcript/writer.h"

#include <unistd.h>

#include "base/banned.h"

#define FORMATS_MAX 16
#define AFTER_TROUBLE_MS 60000 /* then what could not be written is tried again */

struct export
{
    struct sc_pipelines *p;
    int64_t job;       /* jobs.id */
    struct sc_job row; /* owned */
    struct sc_transcript transcript;
    struct sc_formats_active active;
    char *written[FORMATS_MAX]; /* relative paths; owned */
    const struct sc_format *formats[FORMATS_MAX];
    size_t count;
    bool owed; /* something could not be written that may be another time */
    bool paid; /* the job's row says so */
};

static void export_done(struct export *e)
{
    sc_job_done(&e->row);
    for (size_t i = 0; i < e->count; i++)
        free(e->written[i]);
}

static enum sc_code load(struct export *e, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(e->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, e->job, &e->row, err);
    if (code == SC_OK)
        code = sc_transcript_of_job(conn, e->job, &e->transcript, err);
    return code == SC_OK ? sc_formats_active(conn, &e->active, err) : code;
}

/* One file that is being written, a piece at a time. */
struct writing {
    const struct export *e;
    const struct sc_format *format;
    int fd;
};

static enum sc_code write_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    const struct writing *w = ctx;
    return sc_file_write_all(w->fd, bytes, len, err);
}

/* The version that was loaded, also where another is current by now. */
static enum sc_code write_version(void *ctx, int fd, struct sc_error *err)
{
    struct writing *w = ctx;
    const struct export *e = w->e;
    const struct sc_writer_meta meta = {
        .transcript_id = e->transcript.id,
        .file_id = e->row.file_id,
        .job_id = e->row.job_id,
        .status = "complete",
        .language = e->transcript.language,
        .version = e->transcript.version,
        .file_name = e->row.file_name,
        .engine = e->row.engine,
        .model = e->row.model,
    };
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_TRANSCRIPT_SOURCE from = { .begun = false };
    struct sc_writer_options options;
    struct sc_transcript now;
    sc_writer_options_init(&options, w->format);
    w->fd = fd;
    enum sc_code code = sc_store_read(e->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_transcript_of_job(conn, e->job, &now, err);
    if (code == SC_OK)
        code = sc_transcript_source_open(conn, &now, e->transcript.version, &from, err);
    return code == SC_OK ? w->format->write(&from.source, &meta, &options, write_piece, w, err)
                         : code;
}

static enum sc_code write_format(struct export *e, const struct sc_format *format,
                                 struct sc_error *err)
{
    struct writing w = { .e = e, .format = format };
    SC_AUTO_FREE char *folder = sc_asprintf(
        "%s/%s", e->row.archived_ms != 0 ? SC_ARCHIVED_EXPORTS : "transcripts", e->row.job_id);
    SC_AUTO_FREE char *name = sc_asprintf("%s/transcript.%s", folder, format->extension);
    SC_AUTO_FREE char *path = sc_path_join(e->p->root, name);
    SC_AUTO_FREE char *dir = sc_path_join(e->p->root, folder);
    enum sc_code code = sc_dir_create_durable(dir, err);
    if (code == SC_OK)
        code = sc_file_fill_atomic(path, write_version, &w, err);
    if (code != SC_OK)
        return code;
    SC_COUNT(exports, sc_format_index(format), 1);
    e->formats[e->count] = format;
    e->written[e->count++] = SC_TAKE(name);
    return SC_OK;
}

static void write_formats(struct export *e)
{
    struct sc_str rest = sc_str_from(sc_config_now(e->p->o.config)->auto_export);
    while (rest.len > 0 && e->count < FORMATS_MAX) {
        struct sc_error err = { 0 };
        struct sc_str one = sc_str_trim(sc_str_take_until(&rest, ','));
        SC_AUTO_FREE char *name = sc_strndup(one.ptr, one.len);
        const struct sc_format *format = sc_format_find(name);
        if (format == NULL)
            (void)sc_error_set(&err, SC_E_INVALID_VALUE, "auto_export names no format: '%s'", name);
        else if (!e->active.is[sc_format_index(format)])
            (void)sc_error_set(&err, SC_E_FORMAT_DISABLED, "exports as %s are switched off", name);
        else if (write_format(e, format, &err) != SC_OK)
            e->owed = true;
        if (err.code != SC_OK)
            SC_LOG(WARNING, "pipeline", "automatic export failed", SC_S("job", e->row.job_id),
                   SC_S("why", err.msg));
    }
}

static enum sc_code record_one(struct sc_conn *tx, const struct export *e, size_t i,
                               struct sc_error *err)
{
    const struct sc_export export = {
        .transcript_id = e->transcript.id,
        .version = e->transcript.version,
        .format = e->formats[i]->name,
        .path = e->written[i],
        .by = e->row.owner_id,
        .keep = (int)sc_config_now(e->p->o.config)->history_max_exports,
    };
    enum sc_code code = sc_export_record(tx, &export, sc_clock_wall_ms(), err);
    if (code != SC_OK || strcmp(export.format, "srt") != 0)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_SET_SRT_PATH);
    sc_stmt_bind_int(&st, ":id", e->transcript.id);
    sc_stmt_bind_text(&st, ":path", e->written[i]);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_export_owe(struct sc_conn *tx, int64_t job, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_EXPORTS_DUE);
    sc_stmt_bind_int(&st, ":id", job);
    return sc_stmt_run(&st, err);
}

/* *paid false: the job was deleted, or moved to another place, while they were written. */
static enum sc_code write_paid(struct sc_conn *tx, const struct export *e, bool *paid,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_EXPORTS_PAID);
    sc_stmt_bind_int(&st, ":id", e->job);
    sc_stmt_bind_int(&st, ":owed", e->owed ? 1 : 0);
    sc_stmt_bind_int(&st, ":version", e->transcript.version);
    sc_stmt_bind_int(&st, ":archived", e->row.archived_ms != 0 ? 1 : 0);
    enum sc_code code = sc_stmt_run(&st, err);
    *paid = code == SC_OK && sc_conn_changes(tx) == 1;
    return code;
}

static enum sc_code write_records(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct export *e = ctx;
    enum sc_code code = write_paid(tx, e, &e->paid, err);
    for (size_t i = 0; code == SC_OK && e->paid && i < e->count; i++)
        code = record_one(tx, e, i, err);
    return code;
}

static void take_back(const struct export *e)
{
    for (size_t i = 0; i < e->count; i++) {
        SC_AUTO_FREE char *path = sc_path_join(e->p->root, e->written[i]);
        (void)unlink(path); /* a move of the folder may have taken it along */
    }
}

bool sc_export_job(struct sc_pipelines *p, int64_t job)
{
    SC_AUTO(export_done) struct export e = { .p = p, .job = job };
    struct sc_error err = { 0 };
    (void)SC_FAULT("export.before"); /* a place to die between what is owed and its payment */
    enum sc_code code = load(&e, &err);
    if (code == SC_OK)
        write_formats(&e);
    if (code == SC_OK)
        code = sc_store_write(p->o.store, SC_DURABLE, write_records, &e, &err);
    if (code == SC_OK && !e.paid)
        take_back(&e);
    if (code != SC_OK)
        SC_LOG(WARNING, "pipeline", "automatic export failed", SC_I("job", job),
               SC_S("why", err.msg));
    return code == SC_OK && !e.owed;
}

/* The next job after `after` that is owed its exports; 0: none. */
static int64_t next_owed(struct sc_pipelines *p, int64_t after)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    if (sc_store_read(p->o.store, &conn, NULL) != SC_OK)
        return 0;
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_NEXT_EXPORT_DUE);
    sc_stmt_bind_int(&st, ":after", after);
    return sc_stmt_one(&st, NULL) == SC_OK ? sc_stmt_int(&st, "id") : 0;
}

enum sc_code sc_pipelines_owe_exports(struct sc_conn *tx, int64_t transcript, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_OWES_EXPORTS);
    sc_stmt_bind_int(&st, ":transcript_id", transcript);
    return sc_stmt_run(&st, err);
}

/* Who removes or moves the job's files waits while this thread is at work on it. */
static void hold(struct sc_runner *r, int64_t job)
{
    SC_LOCK(&r->p->lock);
    r->exporting = job;
    sc_assert(pthread_cond_broadcast(&r->p->turns) == 0);
}

bool sc_export_next_owed(struct sc_runner *r)
{
    if (sc_clock_mono_ms() < r->owed_from_ms)
        return false;
    int64_t job = next_owed(r->p, r->owed_after);
    if (job == 0 && r->owed_after != 0) {
        r->owed_after = 0;
        r->owed_from_ms = sc_clock_mono_ms() + AFTER_TROUBLE_MS;
    }
    if (job == 0)
        return false;
    hold(r, job);
    /* A deletion that came before it was held has taken the debt away. */
    if (next_owed(r->p, job - 1) == job && !sc_export_job(r->p, job))
        r->owed_after = job;
    hold(r, 0);
    return true;
}
