/* Deleting files, jobs and transcripts. One write marks: what is deleted is found by nobody from
 * then on, and a running job is cancelled, which fences its workers. The sweeper (purge.c) then
 * removes rows and bytes in slices; what a kill interrupts upkeep goes on with. */

#include "pipeline/removal.h"
#include "pipeline/purge.h"

#include "base/clock.h"
#include "base/fault.h"
#include "library/changes.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

#define SWEEP_MS 5000 /* of a request; upkeep does the rest */

struct deletion {
    struct sc_pipelines *p;
    int64_t owner_id;
    const char *job_id; /* NULL: the file */
    int64_t file_id;
    int64_t transcript_id;
    bool force;
    struct sc_file_uses uses;
};

static enum sc_code cancel_if_open(struct sc_pipelines *p, struct sc_conn *tx,
                                   const struct sc_job *job, struct sc_error *err)
{
    return job->admission == SC_ADMISSION_ENDED ? SC_OK
                                                : sc_job_cancel(p->o.queue, tx, job->id, err);
}

/* The row of a deletion stays when what it tells of has gone. */
static enum sc_code record_job(struct sc_conn *tx, const struct deletion *d, int64_t job,
                               struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_DELETE_JOB_RECORD);
    sc_stmt_bind_int(&st, ":job", job);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    sc_stmt_bind_int(&st, ":by", d->owner_id);
    sc_stmt_bind_text(&st, ":kind", sc_change_name(SC_CHANGE_JOB_DELETED));
    return sc_stmt_run(&st, err);
}

static enum sc_code record_file(struct sc_conn *tx, const struct deletion *d,
                                const struct sc_file *file, struct sc_error *err)
{
    SC_AUTO_BUF detail = { 0 };
    struct sc_json w;
    sc_json_begin(&w, &detail);
    sc_json_object(&w, NULL);
    sc_json_int(&w, "file_id", file->id);
    sc_json_int(&w, "jobs", d->uses.jobs);
    sc_json_int(&w, "kept_transcripts", d->uses.transcripts);
    sc_json_end(&w);
    const struct sc_change change = {
        .kind = SC_CHANGE_FILE_DELETED,
        .owner_id = file->owner_id,
        .by = d->owner_id,
        .at_ms = sc_clock_wall_ms(),
        .gone_file_id = file->id,
        .detail = sc_buf_text(&detail),
    };
    return sc_change_record(tx, &change, err);
}

static enum sc_code write_job_marks(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct deletion *d = ctx;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_job_find(tx, d->owner_id, d->job_id, &job, err);
    if (code != SC_OK)
        return code;
    if (job.admission != SC_ADMISSION_ENDED && !d->force) {
        return sc_error_set(err, SC_E_CONFLICT,
                            "the job is %s: cancel it first, or delete it with force",
                            sc_job_state_to_string(job.state));
    }
    sc_queue_note_due(d->p->o.queue, tx, SWEEP_MS);
    code = cancel_if_open(d->p, tx, &job, err);
    if (code == SC_OK)
        code = record_job(tx, d, job.id, err);
    return code == SC_OK ? sc_job_mark_deleted(tx, job.id, err) : code;
}

/* The next job of the file that has not ended; 0: none. */
static enum sc_code find_open(struct sc_conn *tx, int64_t file_id, int64_t *job,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_FILE_OPEN_JOB);
    sc_stmt_bind_int(&st, ":file_id", file_id);
    bool row = false;
    enum sc_code code = sc_stmt_step(&st, &row, err);
    *job = code == SC_OK && row ? sc_stmt_int(&st, "id") : 0;
    return code;
}

static enum sc_code cancel_all(struct sc_pipelines *p, struct sc_conn *tx, int64_t file_id,
                               struct sc_error *err)
{
    for (;;) {
        int64_t job = 0;
        enum sc_code code = find_open(tx, file_id, &job, err);
        if (code == SC_OK && job != 0)
            code = sc_job_cancel(p->o.queue, tx, job, err);
        if (code != SC_OK || job == 0)
            return code;
    }
}

static enum sc_code refuse_used(const struct sc_file_uses *uses, struct sc_error *err)
{
    char kept[64] = "";
    if (uses->transcripts > 0)
        (void)snprintf(kept, sizeof(kept), " and %" PRId64 " %s without a job", uses->transcripts,
                       uses->transcripts == 1 ? "transcript" : "transcripts");
    return sc_error_set(err, SC_E_CONFLICT,
                        "%" PRId64 " %s%s of this file would go with it: delete %s first, or the "
                        "file with force",
                        uses->jobs, uses->jobs == 1 ? "job" : "jobs", kept,
                        uses->jobs + uses->transcripts == 1 ? "that" : "those");
}

static enum sc_code write_file_marks(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct deletion *d = ctx;
    SC_AUTO_FILE file = { 0 };
    enum sc_code code = sc_file_find(tx, d->owner_id, d->file_id, &file, err);
    if (code == SC_OK)
        code = sc_file_uses(tx, file.id, &d->uses, err);
    if (code != SC_OK)
        return code;
    if (d->uses.jobs + d->uses.transcripts > 0 && !d->force)
        return refuse_used(&d->uses, err);
    sc_queue_note_due(d->p->o.queue, tx, SWEEP_MS);
    code = cancel_all(d->p, tx, file.id, err);
    if (code == SC_OK)
        code = record_file(tx, d, &file, err);
    return code == SC_OK ? sc_file_mark_deleted(tx, &file, err) : code;
}

/* A job without its transcript would answer those who ask for its result with nothing, now and when
 * the same work is asked for again. */
static enum sc_code refuse_jobs(const struct sc_transcript *t, const struct sc_job *job,
                                struct sc_error *err)
{
    if (job->admission != SC_ADMISSION_ENDED)
        return sc_error_set(err, SC_E_CONFLICT,
                            "job %s is at work on transcript %" PRId64 ": cancel the job and "
                            "delete it, the transcript goes with it",
                            job->job_id, t->id);
    return sc_error_set(err, SC_E_CONFLICT,
                        "transcript %" PRId64 " is the result of job %s: delete the job, the "
                        "transcript goes with it",
                        t->id, job->job_id);
}

static enum sc_code write_transcript_mark(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    const struct deletion *d = ctx;
    struct sc_transcript t;
    enum sc_code code = sc_transcript_find(tx, d->owner_id, d->transcript_id, &t, err);
    if (code != SC_OK)
        return code;
    if (t.job != 0) {
        SC_AUTO_JOB job = { 0 };
        code = sc_job_find(tx, d->owner_id, t.job_id, &job, err);
        if (code == SC_OK)
            return refuse_jobs(&t, &job, err);
        if (code != SC_E_JOB_NOT_FOUND) /* it is being cleaned away */
            return code;
    }
    sc_queue_note_due(d->p->o.queue, tx, SWEEP_MS);
    return sc_transcript_mark_deleted(tx, &t, d->owner_id, sc_clock_wall_ms(), err);
}

/* What cannot be removed now is no failure of the deletion, which has taken place. */
static void sweep(struct sc_pipelines *p)
{
    int64_t end = sc_clock_mono_ms() + SWEEP_MS;
    enum sc_purge_state state = SC_PURGE_MORE;
    (void)SC_FAULT("delete.marked");
    while (state != SC_PURGE_NOTHING && sc_clock_mono_ms() < end) {
        struct sc_error err = { 0 };
        if (sc_purge_step(p, &state, &err) != SC_OK) {
            SC_LOG(WARNING, "pipeline", "cannot remove what was deleted", SC_S("why", err.msg));
            return;
        }
        if (state == SC_PURGE_HELD)
            sc_runners_wait_turn(p, end);
    }
}

enum sc_code sc_pipelines_delete_job(struct sc_pipelines *p, int64_t owner_id, const char *job_id,
                                     bool force, struct sc_error *err)
{
    struct deletion d = { .p = p, .owner_id = owner_id, .job_id = job_id, .force = force };
    enum sc_code code = sc_store_write(p->o.store, SC_DURABLE, write_job_marks, &d, err);
    if (code == SC_OK)
        sweep(p);
    return code;
}

enum sc_code sc_pipelines_delete_file(struct sc_pipelines *p, int64_t owner_id, int64_t file_id,
                                      bool force, struct sc_file_uses *gone, struct sc_error *err)
{
    struct deletion d = { .p = p, .owner_id = owner_id, .file_id = file_id, .force = force };
    enum sc_code code = sc_store_write(p->o.store, SC_DURABLE, write_file_marks, &d, err);
    if (code != SC_OK)
        return code;
    *gone = d.uses;
    sweep(p);
    return SC_OK;
}

enum sc_code sc_pipelines_delete_transcript(struct sc_pipelines *p, int64_t owner_id,
                                            int64_t transcript_id, struct sc_error *err)
{
    struct deletion d = { .p = p, .owner_id = owner_id, .transcript_id = transcript_id };
    enum sc_code code = sc_store_write(p->o.store, SC_DURABLE, write_transcript_mark, &d, err);
    if (code == SC_OK)
        sweep(p);
    return code;
}
