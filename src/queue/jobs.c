#include "queue/eta.h"
#include "queue/queue-internal.h"

#include "base/alloc.h"
#include "base/id.h"
#include "config/job-options.h"

#include "base/banned.h"

SC_DEFINE_ENUM_STRINGS(sc_class, SC_CLASS_COUNT_,
                       {
                           [SC_CLASS_HIGH] = "high",
                           [SC_CLASS_NORMAL] = "normal",
                           [SC_CLASS_LOW] = "low",
                       });

SC_DEFINE_ENUM_STRINGS(sc_job_state, SC_JOB_STATE_COUNT_,
                       {
                           [SC_JOB_PENDING] = "pending",
                           [SC_JOB_PROCESSING] = "processing",
                           [SC_JOB_COMPLETED] = "completed",
                           [SC_JOB_FAILED] = "failed",
                           [SC_JOB_CANCELLED] = "cancelled",
                       });

void sc_job_done(struct sc_job *job)
{
    sc_freep(&job->settings);
    sc_freep(&job->notes);
    sc_freep(&job->tags);
    sc_freep(&job->warnings);
}

/* *out then owns its texts. */
static void job_from_row(struct sc_stmt *st, struct sc_job *out)
{
    *out = (struct sc_job){
        .id = sc_stmt_int(st, "id"),
        .owner_id = sc_stmt_int(st, "owner_id"),
        .file_id = sc_stmt_int_or(st, "file_id", 0),
        .transcript_id = sc_stmt_int_or(st, "transcript_id", 0),
        .campaign_id = sc_stmt_int_or(st, "campaign_id", 0),
        .worker_id = sc_stmt_int_or(st, "worker_id", 0),
        .class = (enum sc_class)sc_stmt_int(st, "class"),
        .priority = (int)sc_stmt_int(st, "priority"),
        .state = (enum sc_job_state)sc_stmt_int(st, "state"),
        .stage = (int)sc_stmt_int_or(st, "stage", -1),
        .admission = (enum sc_admission)sc_stmt_int(st, "admission"),
        .counted = sc_stmt_int(st, "counted") != 0,
        .split_done = sc_stmt_int(st, "split_done") != 0,
        .dead_letter = sc_stmt_int(st, "dead_letter") != 0,
        .chunks_total = (int)sc_stmt_int(st, "chunks_total"),
        .chunks_completed = (int)sc_stmt_int(st, "chunks_completed"),
        .retry_count = (int)sc_stmt_int(st, "retry_count"),
        .error_chunk = (int)sc_stmt_int_or(st, "error_chunk", -1),
        .error_stage = (int)sc_stmt_int_or(st, "error_stage", -1),
        .split_samples = sc_stmt_int(st, "split_samples"),
        .run_after_ms = sc_stmt_int_or(st, "run_after_ms", 0),
        .timeout_ms = sc_stmt_int_or(st, "timeout_ms", 0),
        .duration_ms = sc_stmt_int_or(st, "duration_ms", -1),
        .processing_ms = sc_stmt_int_or(st, "processing_ms", 0),
        .created_ms = sc_stmt_int(st, "created_ms"),
        .started_ms = sc_stmt_int_or(st, "started_ms", 0),
        .completed_ms = sc_stmt_int_or(st, "completed_ms", 0),
        .updated_ms = sc_stmt_int(st, "updated_ms"),
        .archived_ms = sc_stmt_int_or(st, "archived_ms", 0),
    };
    SC_STMT_READ(st, out, job_id);
    SC_STMT_READ(st, out, pipeline);
    SC_STMT_READ(st, out, engine);
    SC_STMT_READ(st, out, engine_version);
    SC_STMT_READ(st, out, model);
    SC_STMT_READ(st, out, model_hash);
    SC_STMT_READ(st, out, task);
    SC_STMT_READ(st, out, language);
    SC_STMT_READ(st, out, detected_language);
    SC_STMT_READ(st, out, file_name);
    SC_STMT_READ(st, out, name);
    SC_STMT_READ(st, out, compute_type);
    SC_STMT_READ(st, out, device);
    SC_STMT_READ(st, out, input_file_path);
    SC_STMT_READ(st, out, output_file_path);
    SC_STMT_READ(st, out, error_message);
    (void)sc_code_parse(sc_stmt_text(st, "error_code"), &out->error_code); /* "": SC_OK stays */
    out->settings = sc_strdup(sc_stmt_text(st, "settings"));
    out->warnings = sc_strdup(sc_stmt_text(st, "warnings"));
    out->notes = sc_strdup(sc_stmt_text(st, "notes"));
    out->tags = sc_strdup(sc_stmt_text(st, "tags"));
}

enum sc_code sc_job_get(struct sc_conn *conn, int64_t id, struct sc_job *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_GET);
    sc_stmt_bind_int(&st, ":id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_JOB_NOT_FOUND, "no such job");
    if (code == SC_OK)
        job_from_row(&st, out);
    return code;
}

void sc_job_order_done(struct sc_job_order *order)
{
    sc_freep(&order->settings);
}

enum sc_code sc_job_order_get(struct sc_conn *conn, int64_t id, struct sc_job_order *out,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_ORDER);
    sc_stmt_bind_int(&st, ":id", id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_JOB_NOT_FOUND, "no such job");
    if (code != SC_OK)
        return code;
    SC_STMT_READ(&st, out, engine);
    SC_STMT_READ(&st, out, model);
    SC_STMT_READ(&st, out, model_hash);
    SC_STMT_READ(&st, out, task);
    SC_STMT_READ(&st, out, language);
    out->timeout_ms = sc_stmt_int_or(&st, "timeout_ms", 0);
    out->settings = sc_strdup(sc_stmt_text(&st, "settings"));
    return SC_OK;
}

enum sc_code sc_job_find(struct sc_conn *conn, int64_t owner_id, const char *job_id,
                         struct sc_job *out, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_FIND);
    sc_stmt_bind_text(&st, ":job_id", job_id);
    sc_stmt_bind_int(&st, ":owner_id", owner_id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_JOB_NOT_FOUND, "no such job: '%.40s'", job_id);
    if (code == SC_OK)
        job_from_row(&st, out);
    return code;
}

/* The columns of v_job_stats_of. */
static void figure_from_row(struct sc_stmt *st, struct sc_job_brief *out)
{
    struct sc_job_figure *figure = &out->figure;
    figure->owner_id = out->owner_id;
    figure->class = (int)out->class;
    figure->state = (int)out->state;
    figure->duration_ms = SC_MAX(out->duration_ms, 0);
    figure->created_ms = sc_stmt_int(st, "created_ms");
    figure->processing_ms = sc_stmt_int_or(st, "processing_ms", 0);
    SC_STMT_READ(st, figure, pipeline);
    SC_STMT_READ(st, figure, engine);
    SC_STMT_READ(st, figure, model);
    SC_STMT_COPY(st, "spoken", figure->language);
}

enum sc_code sc_job_brief_get(struct sc_conn *conn, int64_t job, struct sc_job_brief *out,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_BRIEF);
    sc_stmt_bind_int(&st, ":id", job);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_E_NOT_FOUND)
        return sc_error_set(err, SC_E_JOB_NOT_FOUND, "no such job");
    if (code != SC_OK)
        return code;
    *out = (struct sc_job_brief){
        .id = job,
        .owner_id = sc_stmt_int(&st, "owner_id"),
        .class = (enum sc_class)sc_stmt_int(&st, "class"),
        .state = (enum sc_job_state)sc_stmt_int(&st, "state"),
        .stage = (int)sc_stmt_int_or(&st, "stage", -1),
        .admission = (enum sc_admission)sc_stmt_int(&st, "admission"),
        .counted = sc_stmt_int(&st, "counted") != 0,
        .split_done = sc_stmt_int(&st, "split_done") != 0,
        .chunks_total = (int)sc_stmt_int(&st, "chunks_total"),
        .chunks_completed = (int)sc_stmt_int(&st, "chunks_completed"),
        .split_samples = sc_stmt_int(&st, "split_samples"),
        .duration_ms = sc_stmt_int_or(&st, "duration_ms", -1),
        .timeout_ms = sc_stmt_int_or(&st, "timeout_ms", -1),
        .started_clock_ms = sc_stmt_int_or(&st, "started_clock_ms", -1),
        .stage_clock_ms = sc_stmt_int_or(&st, "stage_clock_ms", -1),
    };
    SC_STMT_READ(&st, out, job_id);
    figure_from_row(&st, out);
    return SC_OK;
}

static struct sc_job_brief brief_of(const struct sc_job *job)
{
    return (struct sc_job_brief){
        .id = job->id,
        .state = job->state,
        .stage = job->stage,
        .split_done = job->split_done,
        .chunks_total = job->chunks_total,
        .chunks_completed = job->chunks_completed,
        .split_samples = job->split_samples,
        .duration_ms = job->duration_ms,
    };
}

/* How many chunks there will be: while split runs, as many as the part cut so far lets expect. */
static int64_t expected_chunks(const struct sc_job_brief *job)
{
    int64_t total = job->chunks_total;
    int64_t cut_ms = job->split_samples / 16;
    if (job->split_done || cut_ms <= 0 || job->duration_ms <= cut_ms)
        return total;
    return (total * job->duration_ms + cut_ms - 1) / cut_ms;
}

/* The chunks are the first 95 of 100, what puts them together is the rest. */
static int progress_of(const struct sc_job_brief *job, int64_t under_way)
{
    if (job->state == SC_JOB_COMPLETED)
        return 100;
    int64_t total = expected_chunks(job);
    if (total <= 0)
        return 0;
    return (int)SC_MIN(95, 95 * (100 * (int64_t)job->chunks_completed + under_way) / (100 * total));
}

int sc_job_brief_progress(const struct sc_job_brief *job)
{
    return progress_of(job, 0);
}

int sc_job_brief_progress_now(struct sc_queue *queue, const struct sc_job_brief *job)
{
    return progress_of(job, job->state == SC_JOB_PROCESSING
                                ? sc_queue_under_way(queue, job->id, job->chunks_completed)
                                : 0);
}

int sc_job_progress(struct sc_queue *queue, const struct sc_job *job)
{
    struct sc_job_brief brief = brief_of(job);
    return sc_job_brief_progress_now(queue, &brief);
}

static int64_t scalar_of_chunks(struct sc_conn *conn, enum sc_sql sql, const struct sc_job *job,
                                enum sc_stage stage, const char *column)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, sql);
    sc_stmt_bind_int(&st, ":job", job->id);
    sc_stmt_bind_int(&st, ":stage", (int64_t)stage);
    if (sc_stmt_one(&st, NULL) != SC_OK)
        return -1;
    return (int64_t)sc_stmt_double_or(&st, column, -1);
}

/* No chunk is done: as far as they are, so fast it goes on. */
static int64_t eta_of_first(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job,
                            int64_t left, int64_t under_way)
{
    struct sc_job_brief brief;
    if (sc_job_brief_get(conn, job->id, &brief, NULL) != SC_OK)
        return -1;
    int64_t now = sc_queue_clock_ms(queue);
    if (under_way <= 0 || brief.stage_clock_ms < 0)
        return brief.started_clock_ms < 0
                   ? -1
                   : sc_job_start_eta_ms(queue, conn, job, SC_MAX(0, now - brief.started_clock_ms));
    return SC_MAX(0, now - brief.stage_clock_ms) * left / under_way;
}

int64_t sc_job_eta_ms(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job)
{
    if (job->state == SC_JOB_COMPLETED)
        return 0;
    if (job->state == SC_JOB_PENDING)
        return sc_job_wait_eta_ms(queue, conn, job);
    if (job->state != SC_JOB_PROCESSING)
        return -1;
    enum sc_stage stage =
        strcmp(job->pipeline, "convert") == 0 ? SC_STAGE_CONVERT : SC_STAGE_TRANSCRIBE;
    struct sc_job_brief brief = brief_of(job);
    int64_t under_way = sc_queue_under_way(queue, job->id, job->chunks_completed);
    int64_t done = 100 * (int64_t)job->chunks_completed + under_way;
    int64_t left = SC_MAX(0, 100 * expected_chunks(&brief) - done); /* hundredths of a chunk */
    if (job->chunks_completed == 0)
        return eta_of_first(queue, conn, job, left, under_way);
    int64_t took = scalar_of_chunks(conn, SC_SQL_JOB_CHUNK_TIME, job, stage, "took");
    if (took < 0)
        return -1;
    int64_t lanes = scalar_of_chunks(conn, SC_SQL_JOB_CHUNKS_RUNNING, job, stage, "n");
    return took * left / 100 / SC_MAX(1, lanes);
}

enum sc_code sc_job_position(struct sc_conn *conn, const struct sc_job *job, int *position,
                             struct sc_error *err)
{
    if (job->admission != SC_ADMISSION_WAITING) {
        *position = -1;
        return SC_OK;
    }
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_POSITION);
    sc_stmt_bind_int(&st, ":class", (int64_t)job->class);
    sc_stmt_bind_int(&st, ":priority", job->priority);
    sc_stmt_bind_int(&st, ":id", job->id);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *position = (int)sc_stmt_int(&st, "n");
    return code;
}

static enum sc_code find_by_key(struct sc_conn *conn, const char *key, int64_t *job,
                                struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(conn, SC_SQL_JOB_BY_DEDUPE_KEY);
    sc_stmt_bind_text(&st, ":dedupe_key", key);
    enum sc_code code = sc_stmt_one(&st, err);
    if (code == SC_OK)
        *job = sc_stmt_int(&st, "id");
    return code == SC_E_NOT_FOUND ? SC_OK : code;
}

enum sc_code sc_job_same(struct sc_conn *conn, const struct sc_job_spec *spec, int64_t *job,
                         struct sc_error *err)
{
    const char *const keys[] = { spec->dedupe_key, spec->dedupe_before };
    enum sc_code code = SC_OK;
    *job = 0;
    for (size_t i = 0; code == SC_OK && *job == 0 && i < SC_ARRAY_LEN(keys); i++) {
        if (keys[i] != NULL)
            code = find_by_key(conn, keys[i], job, err);
    }
    return code;
}

static enum sc_code drop_key(struct sc_conn *tx, int64_t job, struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_DROP_DEDUPE_KEY);
    sc_stmt_bind_int(&st, ":id", job);
    return sc_stmt_run(&st, err);
}

static const char *text_or(const char *text, const char *absent)
{
    return text == NULL ? absent : text;
}

/* Would the text be the same by these? */
static bool has_settings(const struct sc_job_spec *spec, const char *settings)
{
    if (strcmp(settings, text_or(spec->settings, "{}")) == 0)
        return true;
    return spec->identity != NULL &&
           sc_job_settings_have_identity(settings, spec->is_ours, spec->identity);
}

/* *job stays when there is none. */
static enum sc_code find_completed(struct sc_conn *tx, const struct sc_job_spec *spec, int64_t *job,
                                   struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_COMPLETED_TWIN);
    sc_stmt_bind_int(&st, ":file_id", spec->file_id);
    sc_stmt_bind_int(&st, ":owner_id", spec->owner_id);
    sc_stmt_bind_text(&st, ":pipeline", spec->pipeline);
    sc_stmt_bind_text(&st, ":engine_version", text_or(spec->engine_version, ""));
    sc_stmt_bind_text(&st, ":model_hash", text_or(spec->model_hash, ""));
    bool row = true;
    for (;;) {
        enum sc_code code = sc_stmt_step(&st, &row, err);
        if (code != SC_OK || !row)
            return code;
        if (has_settings(spec, sc_stmt_text(&st, "settings"))) {
            *job = sc_stmt_int(&st, "id");
            return SC_OK;
        }
    }
}

/* An earlier job is to do for this spec too: *id, or one that has done it already. */
static enum sc_code join(struct sc_queue *queue, struct sc_conn *tx, const struct sc_job_spec *spec,
                         int64_t *id, struct sc_error *err)
{
    struct sc_job_brief job;
    enum sc_code code = sc_job_brief_get(tx, *id, &job, err);
    if (code != SC_OK || job.admission == SC_ADMISSION_ENDED)
        return code;
    bool now = spec->waiting && spec->run_after_ms == 0 && job.admission == SC_ADMISSION_SCHEDULED;
    int64_t twin = 0;
    if (now)
        code = find_completed(tx, spec, &twin, err);
    if (twin != 0)
        *id = twin;
    struct sc_job_edit edit = { .class = spec->class, .asked_by = spec->asked_by };
    if (now)
        edit.given |= SC_EDIT_RUN_AFTER;
    if (spec->class < job.class)
        edit.given |= SC_EDIT_CLASS;
    if (code != SC_OK || twin != 0 || edit.given == 0)
        return code;
    return sc_job_edit(queue, tx, *id, &edit, err);
}

static enum sc_code insert(struct sc_queue *queue, struct sc_conn *tx,
                           const struct sc_job_spec *spec, int64_t *id, struct sc_error *err)
{
    int64_t now = sc_clock_wall_ms();
    bool later = spec->run_after_ms > now;
    int64_t timeout = spec->timeout_ms > 0 ? spec->timeout_ms : queue->config.job_timeout_ms;
    char job_id[SC_UUID_TEXT];
    sc_uuid7(job_id);

    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_INSERT);
    sc_stmt_bind_text(&st, ":job_id", job_id);
    sc_stmt_bind_int(&st, ":owner_id", spec->owner_id);
    sc_stmt_bind_opt(&st, ":file_id", spec->file_id == 0 ? -1 : spec->file_id);
    sc_stmt_bind_text(&st, ":name", text_or(spec->name, ""));
    sc_stmt_bind_text(&st, ":file_name", text_or(spec->file_name, ""));
    sc_stmt_bind_text(&st, ":pipeline", spec->pipeline);
    sc_stmt_bind_text(&st, ":engine", text_or(spec->engine, ""));
    sc_stmt_bind_text(&st, ":engine_version", text_or(spec->engine_version, ""));
    sc_stmt_bind_text(&st, ":model", text_or(spec->model, ""));
    sc_stmt_bind_text(&st, ":model_hash", text_or(spec->model_hash, ""));
    sc_stmt_bind_text(&st, ":task", text_or(spec->task, "transcribe"));
    sc_stmt_bind_text(&st, ":language", text_or(spec->language, ""));
    sc_stmt_bind_int(&st, ":class", (int64_t)spec->class);
    sc_stmt_bind_int(&st, ":priority", spec->priority);
    sc_stmt_bind_text(&st, ":settings", text_or(spec->settings, "{}"));
    sc_stmt_bind_int(&st, ":admission", later ? SC_ADMISSION_SCHEDULED : SC_ADMISSION_WAITING);
    sc_stmt_bind_int(&st, ":counted", spec->counted ? 1 : 0);
    sc_stmt_bind_text(&st, ":dedupe_key", spec->dedupe_key);
    sc_stmt_bind_opt(&st, ":run_after_ms", spec->run_after_ms > 0 ? spec->run_after_ms : -1);
    sc_stmt_bind_opt(&st, ":timeout_ms", timeout > 0 ? timeout : -1);
    sc_stmt_bind_opt(&st, ":max_failures", spec->max_failures > 0 ? spec->max_failures : -1);
    sc_stmt_bind_opt(&st, ":duration_ms", spec->duration_ms);
    sc_stmt_bind_int(&st, ":now", now);
    enum sc_code code = sc_stmt_run(&st, err);
    if (code == SC_OK)
        *id = sc_conn_last_id(tx);
    return code;
}

/* The event comes before the admission, so that the log starts with it. */
static enum sc_code announce(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                             int64_t run_after_ms, struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK)
        return code;
    struct sc_event event = sc_queue_event(SC_EVENT_JOB_CREATED, &brief);
    code = sc_queue_emit(queue, tx, &event, err);
    if (brief.admission == SC_ADMISSION_SCHEDULED)
        sc_queue_note_due(queue, tx, run_after_ms - sc_clock_wall_ms());
    if (code != SC_OK || brief.admission != SC_ADMISSION_WAITING)
        return code;
    return sc_admission_enter(queue, tx, &brief, err);
}

enum sc_code sc_job_create(struct sc_queue *queue, struct sc_conn *tx,
                           const struct sc_job_spec *spec, struct sc_job *out, bool *existing,
                           struct sc_error *err)
{
    int64_t same = 0;
    enum sc_code code = sc_job_same(tx, spec, &same, err);
    while (code == SC_OK && same != 0 && spec->force) {
        code = drop_key(tx, same, err);
        if (code == SC_OK)
            code = sc_job_same(tx, spec, &same, err);
    }
    if (code != SC_OK)
        return code;
    bool found = same != 0 && !spec->force;

    int64_t id = same;
    if (found) {
        code = join(queue, tx, spec, &id, err);
    } else {
        struct sc_task_spec first = { spec->first_stage, -1, spec->first_lane };
        code = insert(queue, tx, spec, &id, err);
        if (code == SC_OK)
            code = sc_task_add(queue, tx, id, &first, err);
        if (code == SC_OK)
            code = announce(queue, tx, id, spec->run_after_ms, err);
    }
    if (code == SC_OK)
        code = sc_job_get(tx, id, out, err);
    if (code == SC_OK)
        *existing = found;
    return code;
}
