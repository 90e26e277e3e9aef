/* auto_export: formats written to transcripts/<job_id>/ once a job has completed. That they are
 * owed stands in the job's row from the transaction that completed it until the one that records
 * them, so a kill in between only delays them. A job is as complete without them: what cannot be
 * written fails nothing, and is tried again at the next start. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/metric.h"
#include "sys/file.h"
#include "transcript/writer.h"

#include "base/banned.h"

#define FORMATS_MAX 16

struct export
{
    struct sc_pipelines *p;
    int64_t job;       /* jobs.id */
    struct sc_job row; /* owned */
    struct sc_transcript transcript;
    struct sc_segments segments; /* owned */
    struct sc_formats_active active;
    char *written[FORMATS_MAX]; /* relative paths; owned */
    const struct sc_format *formats[FORMATS_MAX];
    size_t count;
    bool owed; /* something could not be written that may be another time */
};

static void export_done(struct export *e)
{
    sc_job_done(&e->row);
    sc_segments_done(&e->segments);
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
    if (code == SC_OK)
        code = sc_formats_active(conn, &e->active, err);
    if (code == SC_OK)
        code =
            sc_transcript_segments(conn, &e->transcript, e->transcript.version, &e->segments, err);
    return code;
}

static enum sc_code write_format(struct export *e, const struct sc_format *format,
                                 struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_writer_meta meta = {
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
    SC_AUTO_FREE char *name =
        sc_asprintf("transcripts/%s/transcript.%s", e->row.job_id, format->extension);
    SC_AUTO_FREE char *path = sc_path_join(e->p->root, name);
    SC_AUTO_FREE char *dir = sc_asprintf("%s/transcripts/%s", e->p->root, e->row.job_id);
    enum sc_code code = sc_format_to_buf(format, &e->segments, &meta, NULL, &out, err);
    if (code == SC_OK)
        code = sc_dir_create_durable(dir, err);
    if (code == SC_OK)
        code = sc_file_write_atomic(path, out.ptr, out.len, err);
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
    };
    enum sc_code code = sc_export_record(tx, &export, sc_clock_wall_ms(), err);
    if (code != SC_OK || strcmp(export.format, "srt") != 0)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TRANSCRIPT_SET_SRT_PATH);
    sc_stmt_bind_int(&st, ":id", e->transcript.id);
    sc_stmt_bind_text(&st, ":path", e->written[i]);
    return sc_stmt_run(&st, err);
}

enum sc_code sc_export_owe(struct sc_conn *tx, int64_t job, bool owed, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_EXPORTS_DUE);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_int(&st, ":due", owed ? 1 : 0);
    return sc_stmt_run(&st, err);
}

static enum sc_code write_records(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct export *e = ctx;
    enum sc_code code = sc_export_owe(tx, e->job, e->owed, err);
    for (size_t i = 0; code == SC_OK && i < e->count; i++)
        code = record_one(tx, e, i, err);
    return code;
}

void sc_export_job(struct sc_pipelines *p, int64_t job)
{
    SC_AUTO(export_done) struct export e = { .p = p, .job = job };
    struct sc_error err = { 0 };
    (void)SC_FAULT("export.before"); /* a place to die between completion and export */
    enum sc_code code = load(&e, &err);
    if (code == SC_OK)
        write_formats(&e);
    if (code == SC_OK)
        code = sc_store_write(p->o.store, SC_DURABLE, write_records, &e, &err);
    if (code != SC_OK)
        SC_LOG(WARNING, "pipeline", "automatic export failed", SC_I("job", job),
               SC_S("why", err.msg));
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

void sc_export_owed(struct sc_pipelines *p)
{
    for (int64_t job = next_owed(p, 0); job != 0 && !atomic_load(&p->stopping);
         job = next_owed(p, job))
        sc_export_job(p, job);
}
