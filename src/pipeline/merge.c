/* The last stage: settles the seams, one transaction each, and makes version 1 current in a final
 * one that also ends the job. A kill in between leaves settled seams marked, so none is settled
 * twice. */

#include "pipeline/export.h"
#include "pipeline/spoken.h"

#include "base/clock.h"
#include "base/log.h"
#include "sys/file.h"
#include "transcript/reader.h"

#include "base/banned.h"

#define SAMPLES_PER_MS 16

struct merge {
    struct sc_runner *r;
    struct sc_pipelines *p;
    struct sc_job job; /* owned */
    int64_t transcript;
    int seam;         /* left chunk of the seam at hand, -1: none left */
    int next;         /* its right chunk, the next of the same channel */
    int64_t seam_end; /* samples */
    struct sc_segments left, right, all;
    struct sc_seam_changes changed;
};

static void merge_done(struct merge *m)
{
    sc_job_done(&m->job);
    sc_segments_done(&m->left);
    sc_segments_done(&m->right);
    sc_segments_done(&m->all);
}

static enum sc_code write_begin(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct merge *m = ctx;
    struct sc_task task;
    struct sc_fence fence = sc_runner_fence(m->r);
    enum sc_code code = sc_task_check(tx, &fence, &task, err);
    if (code == SC_OK)
        code = sc_job_enter_stage(m->p->o.queue, tx, m->r->task.job, SC_STAGE_MERGE, err);
    if (code != SC_OK)
        return code;
    return sc_transcript_begin(tx, m->r->task.job, sc_clock_wall_ms(), &m->transcript, err);
}

static enum sc_code find_seam(struct merge *m, struct sc_conn *conn, int after,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_CHUNK_NEXT_SEAM);
    sc_stmt_bind_int(&st, ":job", m->r->task.job);
    sc_stmt_bind_int(&st, ":after", after);
    enum sc_code code = sc_stmt_one(&st, err);
    m->seam = -1;
    if (code == SC_E_NOT_FOUND)
        return SC_OK;
    if (code == SC_OK) {
        m->seam = (int)sc_stmt_int(&st, "chunk");
        m->next = (int)sc_stmt_int_or(&st, "next", -1);
        m->seam_end = sc_stmt_int(&st, "end_samples");
    }
    if (code == SC_OK && m->next < 0)
        return sc_error_set(err, SC_E_INTERNAL, "chunk %d overlaps none", m->seam);
    return code;
}

/* The next seam with both sides' segments. */
static enum sc_code read_seam(struct merge *m, int after, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(m->p->o.store, &conn, err);
    if (code == SC_OK)
        code = find_seam(m, conn, after, err);
    if (code != SC_OK || m->seam < 0)
        return code;
    sc_segments_done(&m->left);
    sc_segments_done(&m->right);
    code = sc_transcript_chunk(conn, m->transcript, m->seam, &m->left, err);
    if (code == SC_OK)
        code = sc_transcript_chunk(conn, m->transcript, m->next, &m->right, err);
    return code;
}

static enum sc_code write_seam(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct merge *m = ctx;
    struct sc_origin origin = { m->job.engine, m->job.engine_version, m->job.model,
                                m->job.model_hash };
    struct sc_task task;
    struct sc_fence fence = sc_runner_fence(m->r);
    enum sc_code code = sc_task_check(tx, &fence, &task, err);
    if (code == SC_OK && m->changed.left)
        code = sc_transcript_put_chunk(tx, m->transcript, m->seam, &m->left, &origin, err);
    if (code == SC_OK && m->changed.right)
        code = sc_transcript_put_chunk(tx, m->transcript, m->next, &m->right, &origin, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_CHUNK_SEAM_SETTLED);
    sc_stmt_bind_int(&st, ":job", m->r->task.job);
    sc_stmt_bind_int(&st, ":chunk", m->seam);
    return sc_stmt_run(&st, err);
}

/* Engines that tell no times of words leave segments that reach out of the overlap: kept whole on
 * both sides they would say it twice. Their words get times by their length, as good as that is;
 * those of a side that the seam does not change are not stored. */
static enum sc_code give_words(struct sc_segments *side, int64_t from_ms, int64_t to_ms,
                               struct sc_error *err)
{
    for (size_t i = 0; i < side->count; i++) {
        struct sc_segments one = { .items = &side->items[i], .count = 1 };
        bool reaches = one.items->end_ms >= from_ms && one.items->start_ms <= to_ms;
        if (reaches && one.items->word_count == 0 && !sc_segments_estimate_words(&one))
            return sc_error_set(err, SC_E_INTERNAL, "no memory for the words of a seam");
    }
    return SC_OK;
}

enum sc_code sc_merge_seam(struct sc_segments *left, struct sc_segments *right, int64_t end_samples,
                           struct sc_seam_changes *changes, struct sc_error *err)
{
    int64_t end_ms = end_samples / SAMPLES_PER_MS;
    int64_t from_ms = end_ms - SC_CUT_OVERLAP_MS;
    enum sc_code code = give_words(left, from_ms, end_ms, err);
    if (code == SC_OK)
        code = give_words(right, from_ms, end_ms, err);
    return code == SC_OK ? sc_seam_settle(left, right, from_ms, end_ms, changes, err) : code;
}

static enum sc_code settle_seams(struct merge *m, struct sc_error *err)
{
    enum sc_code code = read_seam(m, -1, err);
    while (code == SC_OK && m->seam >= 0) {
        if (sc_runner_should_stop(m->r))
            return sc_error_set(err, SC_E_CANCELLED, "stopped while merging");
        code = sc_merge_seam(&m->left, &m->right, m->seam_end, &m->changed, err);
        if (code == SC_OK)
            code = sc_store_write(m->p->o.store, SC_DURABLE, write_seam, m, err);
        if (code == SC_OK)
            SC_JOB_LOG(m->p, m->job.job_id, SC_STAGE_MERGE, "seam", SC_I("chunk", m->seam),
                       SC_I("changed_left", m->changed.left),
                       SC_I("changed_right", m->changed.right));
        if (code == SC_OK)
            code = read_seam(m, m->seam, err);
    }
    return code;
}

static enum sc_code read_all(struct merge *m, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    struct sc_transcript t;
    enum sc_code code = sc_store_read(m->p->o.store, &conn, err);
    if (code == SC_OK)
        code = sc_transcript_find(conn, 0, m->transcript, &t, err);
    return code == SC_OK ? sc_transcript_segments(conn, &t, 0, &m->all, err) : code;
}

/* Says how much was left out of the job's text as no speech. */
static enum sc_code warn_no_speech(struct merge *m, struct sc_conn *tx, struct sc_error *err)
{
    SC_AUTO_STMT sum = sc_stmt_get(tx, SC_SQL_CHUNK_NO_SPEECH);
    SC_AUTO_BUF warnings = { 0 };
    sc_stmt_bind_int(&sum, ":job", m->r->task.job);
    enum sc_code code = sc_stmt_one(&sum, err);
    if (code != SC_OK || sc_stmt_int_or(&sum, "ms", 0) == 0)
        return code;
    sc_sound_warn_no_speech(&warnings, m->job.warnings, sc_stmt_int(&sum, "ms"),
                            sc_stmt_int(&sum, "start_samples") / SAMPLES_PER_MS,
                            sc_stmt_int(&sum, "end_samples") / SAMPLES_PER_MS);
    if (warnings.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the warnings of a job");
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_WARNINGS);
    sc_stmt_bind_int(&st, ":id", m->r->task.job);
    sc_stmt_bind_str(&st, ":warnings", sc_buf_str(&warnings));
    return sc_stmt_run(&st, err);
}

static enum sc_code write_finish(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct merge *m = ctx;
    struct sc_task task;
    bool repeated = false;
    struct sc_fence fence = sc_runner_fence(m->r);
    enum sc_code code = sc_task_complete(m->p->o.queue, tx, &fence, &task, &repeated, err);
    if (code != SC_OK || repeated)
        return code;
    char language[SC_LANGUAGE_TEXT];
    memcpy(language, m->job.detected_language, sizeof(language));
    code = sc_spoken_settle(tx, m->r->task.job, language, err);
    if (code == SC_OK)
        code = sc_transcript_finish(tx, m->transcript, language, &m->all, m->job.duration_ms,
                                    sc_clock_wall_ms(), err);
    if (code == SC_OK)
        code = warn_no_speech(m, tx, err);
    if (code == SC_OK && sc_config_now(m->p->o.config)->auto_export[0] != '\0')
        code = sc_export_owe(tx, m->r->task.job, err);
    return code == SC_OK ? sc_job_complete(m->p->o.queue, tx, m->r->task.job, err) : code;
}

static void drop_work(struct merge *m)
{
    SC_AUTO_FREE char *dir = sc_work_dir(m->p, m->job.job_id);
    if (!sc_config_now(m->p->o.config)->keep_chunks)
        (void)sc_folder_remove(dir); /* said in the log */
}

static enum sc_code read_job(struct merge *m, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(m->p->o.store, &conn, err);
    return code == SC_OK ? sc_job_get(conn, m->r->task.job, &m->job, err) : code;
}

enum sc_code sc_merge_run(struct sc_runner *r, struct sc_error *err)
{
    SC_AUTO(merge_done) struct merge m = { .r = r, .p = r->p, .seam = -1 };
    enum sc_code code = read_job(&m, err);
    if (code == SC_OK)
        code = sc_store_write(r->p->o.store, SC_DURABLE, write_begin, &m, err);
    if (code == SC_OK)
        code = settle_seams(&m, err);
    if (code == SC_OK)
        code = read_all(&m, err);
    if (code == SC_OK)
        code = sc_store_write(r->p->o.store, SC_DURABLE, write_finish, &m, err);
    if (code != SC_OK)
        return code;
    SC_JOB_LOG(r->p, m.job.job_id, SC_STAGE_MERGE, "version 1", SC_I("segments", m.all.count),
               SC_I("attempt", r->task.epoch));
    drop_work(&m);
    (void)sc_export_job(r->p, r->task.job); /* what is owed still is tried again */
    return SC_OK;
}
