/* Opening, closing and the parts that the stages share. */

#include "pipeline/mend.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "pipeline/verify.h"
#include "sys/file.h"

#include "base/banned.h"

static const struct sc_pipeline_info pipelines[] = {
    { "transcribe", true, true, SC_STAGE_SPLIT, SC_LANE_SPLIT },
    { "noop", false, false, SC_STAGE_NOOP, SC_LANE_NOOP },
};

const struct sc_pipeline_info *sc_pipeline_find(const char *name)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(pipelines); i++) {
        if (strcmp(pipelines[i].name, name) == 0)
            return &pipelines[i];
    }
    return NULL;
}

bool sc_folder_remove(const char *path)
{
    struct sc_error err = { 0 };
    if (sc_dir_remove(path, &err) == SC_OK)
        return true;
    SC_LOG(WARNING, "pipeline", "cannot remove a folder", SC_S("why", err.msg));
    return false;
}

bool sc_pipelines_is_stopping(void *ctx)
{
    const struct sc_pipelines *p = ctx;
    return atomic_load(&p->stopping);
}

char *sc_work_dir(struct sc_pipelines *p, const char *job_id)
{
    SC_AUTO_FREE char *work = sc_path_join(p->root, "work");
    return sc_path_join(work, job_id);
}

char *sc_chunk_path(struct sc_pipelines *p, const char *job_id, int chunk)
{
    SC_AUTO_FREE char *dir = sc_work_dir(p, job_id);
    return sc_asprintf("%s/chunks/%06d.pcm", dir, chunk);
}

enum sc_code sc_merge_when_ready(struct sc_pipelines *p, struct sc_conn *tx, int64_t job,
                                 struct sc_error *err)
{
    SC_AUTO_JOB j = { 0 };
    enum sc_code code = sc_job_get(tx, job, &j, err);
    if (code != SC_OK)
        return code;
    if (!j.split_done || j.chunks_completed < j.chunks_total)
        return SC_OK;
    struct sc_task_spec spec = { SC_STAGE_MERGE, -1, SC_LANE_MERGE };
    return sc_task_add(p->o.queue, tx, job, &spec, err);
}

enum sc_code sc_pipelines_open(const struct sc_pipelines_options *options,
                               struct sc_pipelines **out, struct sc_error *err)
{
    SC_AUTO(sc_pipelines_closep) struct sc_pipelines *p = sc_alloc(sizeof(*p));
    p->o = *options;
    p->root = sc_config_now(options->config)->data_dir;
    atomic_init(&p->stopping, false);
    sc_assert(pthread_mutex_init(&p->lock, NULL) == 0);
    sc_cond_init(&p->wake);
    sc_cond_init(&p->beat_wake);
    sc_cond_init(&p->turns);
    sc_engines_init(&p->engines, sc_config_now(options->config));
    sc_ready_init(&p->ready);
    sc_intakes_init(&p->intakes);
    SC_AUTO_FREE char *work = sc_path_join(p->root, "work");
    enum sc_code code = sc_dir_create(work, err);
    if (code != SC_OK)
        return code;
    p->verifier = sc_verifier_new(p);
    sc_engines_start(&p->engines);
    *out = SC_TAKE(p);
    return SC_OK;
}

static void tasks_ready(void *ctx)
{
    sc_pipelines_wake(ctx);
}

/* A task that one of our threads holds may have been cancelled: the next heartbeat tells which. */
static void task_cancelled(void *ctx)
{
    struct sc_pipelines *p = ctx;
    SC_LOCK(&p->lock);
    p->beat_now = true;
    sc_assert(pthread_cond_signal(&p->beat_wake) == 0);
}

enum sc_code sc_pipelines_start(struct sc_pipelines *p, struct sc_error *err)
{
    sc_recover_work(p);
    sc_queue_on_ready(p->o.queue, tasks_ready, p);
    sc_queue_on_cancel(p->o.queue, task_cancelled, p);
    enum sc_code code = sc_runners_start(p, err);
    if (code == SC_OK)
        code = sc_intakes_start(p, err);
    if (code == SC_OK)
        sc_mend_start(p);
    return code;
}

void sc_pipelines_stop(struct sc_pipelines *p)
{
    sc_queue_on_ready(p->o.queue, NULL, p);
    sc_queue_on_cancel(p->o.queue, NULL, p);
    {
        SC_LOCK(&p->lock);
        atomic_store(&p->stopping, true);
        p->wakes++;
        sc_assert(pthread_cond_broadcast(&p->wake) == 0);
        sc_assert(pthread_cond_broadcast(&p->beat_wake) == 0);
        sc_assert(pthread_cond_broadcast(&p->turns) == 0);
    }
    if (p->verifier != NULL)
        sc_verify_stop(p);
    sc_runners_stop(p);
    sc_intakes_stop(p);
    sc_mend_stop(p);
    sc_ready_stop(&p->ready);
}

void sc_pipelines_close(struct sc_pipelines *p)
{
    if (p == NULL)
        return;
    sc_pipelines_stop(p);
    sc_verifier_free(p->verifier);
    sc_engines_done(&p->engines);
    sc_ready_done(&p->ready);
    sc_intakes_done(&p->intakes);
    (void)pthread_cond_destroy(&p->wake);
    (void)pthread_cond_destroy(&p->beat_wake);
    (void)pthread_cond_destroy(&p->turns);
    (void)pthread_mutex_destroy(&p->lock);
    free(p->runners);
    free(p);
}

enum sc_code sc_turn_take(struct sc_pipelines *p, struct sc_turn *turn, int64_t wait_ms, int most,
                          struct sc_error *err)
{
    int64_t deadline = sc_clock_mono_ms() + wait_ms;
    SC_LOCK(&p->lock);
    bool in_time = !turn->taken || turn->waiting < most;
    turn->waiting++;
    while (in_time && turn->taken && !atomic_load(&p->stopping))
        in_time = sc_cond_wait(&p->turns, &p->lock, deadline);
    turn->waiting--;
    if (atomic_load(&p->stopping))
        return sc_error_set(err, SC_E_SHUTTING_DOWN, "the server is stopping");
    if (turn->taken)
        return sc_error_set(err, SC_E_TIMEOUT,
                            "other recordings are being decoded: ask again in a while");
    turn->taken = true;
    return SC_OK;
}

void sc_turn_leave(struct sc_pipelines *p, struct sc_turn *turn)
{
    SC_LOCK(&p->lock);
    turn->taken = false;
    sc_assert(pthread_cond_broadcast(&p->turns) == 0);
}

uint64_t sc_pipelines_wakes(struct sc_pipelines *p)
{
    SC_LOCK(&p->lock);
    return p->wakes;
}

void sc_pipelines_wake(struct sc_pipelines *p)
{
    SC_LOCK(&p->lock);
    p->wakes++;
    sc_assert(pthread_cond_broadcast(&p->wake) == 0);
}

enum sc_code sc_pipelines_engines(struct sc_pipelines *p, struct sc_buf *out, struct sc_error *err)
{
    return sc_engines_json(&p->engines, out, err);
}

enum sc_code sc_pipelines_default_engine(struct sc_pipelines *p, char name[SC_ENGINE_NAME],
                                         struct sc_buf *why, struct sc_error *err)
{
    struct sc_engine_row row;
    enum sc_code code =
        sc_engines_get(&p->engines, sc_config_now(p->o.config)->engine_default, &row, err);
    if (code != SC_OK)
        return code;
    (void)snprintf(name, SC_ENGINE_NAME, "%s", row.name);
    sc_buf_puts(why, row.passed_over);
    return SC_OK;
}

bool sc_pipelines_know_engines(struct sc_pipelines *p)
{
    return sc_engines_are_known(&p->engines);
}

bool sc_pipelines_engine_takes(struct sc_pipelines *p, const char *engine, const char *option)
{
    struct sc_engine_row row;
    const char *name = engine[0] == '\0' ? sc_config_now(p->o.config)->engine_default : engine;
    return sc_engines_get(&p->engines, name, &row, NULL) == SC_OK &&
           sc_engine_row_takes(&row, option);
}

void sc_arrived_done(struct sc_arrived *a)
{
    sc_file_done(&a->file);
    sc_job_done(&a->job);
}
