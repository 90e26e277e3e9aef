/* What a job would cost, for somebody who asks before making it. Nothing is kept; what is told of
 * time rests on the jobs of the same engine and model that have completed here. */

#include "pipeline/plan.h"

#include "vad/chain.h"

#include "base/banned.h"

#define BYTES_PER_S (SC_PCM_RATE * (int64_t)sizeof(int16_t))

static int64_t streams_of(const struct sc_sound *sound, const struct sc_file *file)
{
    return sc_sound_is_split(sound) ? SC_MAX(1, file->channels) : 1;
}

/* As many as fixed windows give: silence only makes them fewer, but for pauses that end one early.
 */
static int64_t count_chunks(const struct sc_sound *sound, int64_t chunk_ms, int64_t duration_ms)
{
    int64_t step = sound->vad ? chunk_ms : chunk_ms - SC_CUT_OVERLAP_MS;
    if (duration_ms <= chunk_ms)
        return duration_ms > 0 ? 1 : 0;
    return 1 + (duration_ms - chunk_ms + step - 1) / step;
}

static enum sc_code find_job(struct sc_conn *conn, const struct sc_plan *plan, struct sc_cost *out,
                             struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    int64_t same = 0;
    enum sc_code code = plan->spec.force ? SC_OK : sc_job_same(conn, &plan->spec, &same, err);
    if (code != SC_OK || same == 0)
        return code;
    code = sc_job_get(conn, same, &job, err);
    if (code == SC_OK)
        (void)snprintf(out->job_id, sizeof(out->job_id), "%s", job.job_id);
    return code;
}

/* How long this would take, at the pace of the owner's last jobs of the engine and model. */
static enum sc_code estimate(struct sc_conn *conn, const struct sc_plan *plan, struct sc_cost *out,
                             struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_PACE);
    sc_stmt_bind_int(&st, ":owner_id", plan->spec.owner_id);
    sc_stmt_bind_text(&st, ":engine", plan->spec.engine);
    sc_stmt_bind_text(&st, ":model", plan->spec.model);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code != SC_OK)
        return code;
    int64_t took = sc_stmt_int_or(&st, "took", 0), heard = sc_stmt_int_or(&st, "heard", 0);
    if (heard > 0 && out->duration_ms >= 0)
        out->estimate_ms =
            (int64_t)((double)out->duration_ms * (double)took / (double)heard) * out->streams;
    return SC_OK;
}

static enum sc_code count_sound(struct sc_pipelines *p, const struct sc_plan *plan,
                                const struct sc_file *file, struct sc_cost *out,
                                struct sc_error *err)
{
    struct sc_engine_row engine;
    struct sc_sound sound;
    enum sc_code code = sc_engines_get(&p->engines, plan->spec.engine, &engine, err);
    if (code != SC_OK)
        return code;
    /* Of a file that is none of the models folders nobody has seen that it is a model. */
    bool stranger = plan->spec.model[0] == '/' && plan->model.kind != SC_MODEL_BY_SUM;
    out->model_unchecked =
        engine.model_files
            ? stranger
            : engine.models[0] == '\0' && strcmp(plan->spec.model, engine.default_model) != 0;
    sc_sound_read(plan->spec.settings, &sound);
    int pack_s = sc_sound_pack_s(&sound, engine.window_s);
    int longest_s = pack_s > 0 ? pack_s : engine.max_chunk_s;
    int64_t chunk_s = sc_sound_chunk_s(&sound, longest_s, (int)streams_of(&sound, file));
    int64_t part_s = sc_sound_part_s(&sound, (int)streams_of(&sound, file));
    int64_t aim_s = sc_sound_aim_s(&sound, engine.aim_chunk_s);
    if (aim_s > 0)
        chunk_s = SC_MIN(chunk_s, aim_s);
    out->streams = streams_of(&sound, file);
    out->duration_ms = file->duration_ms;
    out->chunks = -1;
    if (file->duration_ms < 0)
        return SC_OK;
    out->chunks =
        out->streams * (sound.sequential ? sc_chain_count((int)part_s, file->duration_ms)
                                         : count_chunks(&sound, chunk_s * 1000, file->duration_ms));
    if (sound.sequential)
        chunk_s = part_s + SC_CHAIN_BEHIND_MS / 1000 + 1;
    /* Chunks wait on the disk, so many at most. */
    int64_t waiting =
        SC_MIN(out->chunks, (int64_t)sc_config_now(p->o.config)->split_ahead) * chunk_s;
    int64_t twice = sound.sequential ? SC_CHAIN_BEHIND_MS / 1000 + 1 : 1;
    int64_t all = out->streams * ((file->duration_ms + 999) / 1000 + out->chunks * twice);
    out->work_bytes = SC_MIN(waiting, all) * BYTES_PER_S;
    return SC_OK;
}

enum sc_code sc_plan_cost(struct sc_pipelines *p, const struct sc_plan *plan,
                          const struct sc_file *file, struct sc_cost *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    *out = (struct sc_cost){ .file_id = file->id, .duration_ms = -1, .estimate_ms = -1 };
    (void)snprintf(out->pipeline, sizeof(out->pipeline), "%s", plan->spec.pipeline);
    (void)snprintf(out->engine, sizeof(out->engine), "%s", plan->spec.engine);
    (void)snprintf(out->model, sizeof(out->model), "%s", plan->spec.model);
    enum sc_code code = SC_OK;
    if (plan->spec.engine[0] != '\0')
        code = count_sound(p, plan, file, out, err);
    if (code == SC_OK)
        code = sc_store_read(p->o.store, &conn, err);
    if (code == SC_OK)
        code = find_job(conn, plan, out, err);
    return code == SC_OK ? estimate(conn, plan, out, err) : code;
}
