/* Changes that a user makes to a job that is there. */

#include "queue/queue-internal.h"

#include "base/buf.h"

#include "base/banned.h"

static const struct {
    enum sc_edit_field field;
    const char *name;
} fields[] = {
    { SC_EDIT_CLASS, "priority" },      { SC_EDIT_PRIORITY, "priority_order" },
    { SC_EDIT_RUN_AFTER, "run_after" }, { SC_EDIT_TIMEOUT, "timeout" },
    { SC_EDIT_NAME, "name" },           { SC_EDIT_NOTES, "notes" },
    { SC_EDIT_TAGS, "tags" },           { SC_EDIT_SETTINGS, "settings" },
};

static bool given(const struct sc_job_edit *edit, enum sc_edit_field field)
{
    return (edit->given & field) != 0;
}

static enum sc_code refuse(const struct sc_job_brief *job, const char *field, const char *why,
                           struct sc_error *err)
{
    return sc_error_field(err, SC_E_CONFLICT, field, "job %s is %s: %s", job->job_id,
                          sc_job_state_to_string(job->state), why);
}

/* What can still make a difference. */
static enum sc_code check_time(const struct sc_job_brief *job, const struct sc_job_edit *edit,
                               struct sc_error *err)
{
    bool ended = job->admission == SC_ADMISSION_ENDED;
    if (ended && given(edit, SC_EDIT_CLASS))
        return refuse(job, "priority", "priority has no effect any more", err);
    if (ended && given(edit, SC_EDIT_PRIORITY))
        return refuse(job, "priority_order", "priority_order has no effect any more", err);
    if (ended && given(edit, SC_EDIT_TIMEOUT))
        return refuse(job, "timeout", "timeout has no effect any more", err);
    if (given(edit, SC_EDIT_RUN_AFTER) && job->admission >= SC_ADMISSION_ADMITTED)
        return refuse(job, "run_after",
                      "its turn has come, run_after has no effect any more; cancel it to stop it",
                      err);
    bool begun = job->state != SC_JOB_PENDING || job->split_done || job->chunks_total > 0;
    if (given(edit, SC_EDIT_SETTINGS) && begun)
        return refuse(job, "settings",
                      "settings can be changed before work begins only; make a new job instead",
                      err);
    return SC_OK;
}

static enum sc_code write_row(struct sc_conn *tx, int64_t job, const struct sc_job_edit *e,
                              struct sc_error *err)
{
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_EDIT);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_opt(&st, ":class", given(e, SC_EDIT_CLASS) ? (int64_t)e->class : -1);
    if (given(e, SC_EDIT_PRIORITY))
        sc_stmt_bind_int(&st, ":priority", e->priority);
    sc_stmt_bind_int(&st, ":set_run_after", given(e, SC_EDIT_RUN_AFTER));
    sc_stmt_bind_opt(&st, ":run_after_ms", e->run_after_ms > 0 ? e->run_after_ms : -1);
    sc_stmt_bind_int(&st, ":set_timeout", given(e, SC_EDIT_TIMEOUT));
    sc_stmt_bind_opt(&st, ":timeout_ms", e->timeout_ms > 0 ? e->timeout_ms : -1);
    sc_stmt_bind_text(&st, ":name", given(e, SC_EDIT_NAME) ? e->name : NULL);
    sc_stmt_bind_text(&st, ":notes", given(e, SC_EDIT_NOTES) ? e->notes : NULL);
    sc_stmt_bind_int(&st, ":now", sc_clock_wall_ms());
    return sc_stmt_run(&st, err);
}

static enum sc_code write_tags(struct sc_conn *tx, int64_t job, const struct sc_job_edit *e,
                               struct sc_error *err)
{
    SC_AUTO_STMT drop = sc_stmt_get(tx, SC_SQL_JOB_DROP_TAGS);
    sc_stmt_bind_int(&drop, ":job", job);
    enum sc_code code = sc_stmt_run(&drop, err);
    SC_AUTO_STMT add = sc_stmt_get(tx, SC_SQL_JOB_ADD_TAG);
    for (size_t i = 0; code == SC_OK && i < e->tag_count; i++) {
        sc_stmt_bind_int(&add, ":job", job);
        sc_stmt_bind_str(&add, ":tag", e->tags[i]);
        code = sc_stmt_run(&add, err);
        sc_stmt_reset(&add);
    }
    return code;
}

/* Another job may do this work already. */
static enum sc_code check_same(struct sc_conn *tx, int64_t job, const struct sc_job_spec *spec,
                               struct sc_error *err)
{
    int64_t same = 0;
    struct sc_job_brief other;
    enum sc_code code = sc_job_same(tx, spec, &same, err);
    if (code != SC_OK || same == 0 || same == job)
        return code;
    code = sc_job_brief_get(tx, same, &other, err);
    if (code != SC_OK)
        return code;
    return sc_error_field(err, SC_E_CONFLICT, "settings",
                          "job %s does this work with these settings", other.job_id);
}

static enum sc_code write_settings(struct sc_conn *tx, int64_t job, const struct sc_job_spec *spec,
                                   struct sc_error *err)
{
    enum sc_code code = check_same(tx, job, spec, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_JOB_EDIT_SETTINGS);
    sc_stmt_bind_int(&st, ":id", job);
    sc_stmt_bind_text(&st, ":engine", spec->engine);
    sc_stmt_bind_text(&st, ":engine_version", spec->engine_version);
    sc_stmt_bind_text(&st, ":model", spec->model);
    sc_stmt_bind_text(&st, ":model_hash", spec->model_hash == NULL ? "" : spec->model_hash);
    sc_stmt_bind_text(&st, ":task", spec->task);
    sc_stmt_bind_text(&st, ":language", spec->language);
    sc_stmt_bind_text(&st, ":settings", spec->settings);
    sc_stmt_bind_text(&st, ":dedupe_key", spec->dedupe_key);
    return sc_stmt_run(&st, err);
}

/* Its tasks carry its place, and the classes their numbers of admitted jobs. */
static enum sc_code move_in_line(struct sc_queue *queue, struct sc_conn *tx,
                                 const struct sc_job_brief *before, struct sc_error *err)
{
    struct sc_job_brief job;
    {
        SC_AUTO_STMT st = sc_stmt_get(tx, SC_SQL_TASK_FOLLOW_JOB);
        sc_stmt_bind_int(&st, ":job", before->id);
        enum sc_code code = sc_stmt_run(&st, err);
        if (code != SC_OK)
            return code;
    }
    enum sc_code code = sc_job_brief_get(tx, before->id, &job, err);
    if (code == SC_OK && job.class != before->class)
        code = sc_admission_fill(queue, tx, before->class, err);
    if (code == SC_OK && job.class != before->class)
        code = sc_admission_fill(queue, tx, job.class, err);
    return code;
}

/* A waiting job is put off, or a scheduled one comes due. */
static enum sc_code move_in_time(struct sc_queue *queue, struct sc_conn *tx,
                                 const struct sc_job_brief *before, int64_t run_after_ms,
                                 struct sc_error *err)
{
    bool later = run_after_ms > sc_clock_wall_ms();
    if (later && before->admission == SC_ADMISSION_WAITING) {
        enum sc_code code =
            sc_admission_move(tx, before->id, SC_ADMISSION_WAITING, SC_ADMISSION_SCHEDULED, err);
        if (code == SC_OK)
            code = sc_task_move_all(tx, before->id, SC_TASK_WAITING, SC_TASK_SCHEDULED, NULL, err);
        if (code != SC_OK)
            return code;
    }
    if (later)
        sc_queue_note_due(queue, tx, run_after_ms - sc_clock_wall_ms());
    else if (before->admission == SC_ADMISSION_SCHEDULED)
        return sc_admission_due(queue, tx, before->id, err);
    return SC_OK;
}

static enum sc_code log_edit(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                             const struct sc_job_edit *edit, struct sc_error *err)
{
    struct sc_job_brief brief;
    enum sc_code code = sc_job_brief_get(tx, job, &brief, err);
    if (code != SC_OK)
        return code;
    struct sc_event event = sc_queue_event(SC_EVENT_JOB_CHANGED, &brief);
    for (size_t i = 0; i < SC_ARRAY_LEN(fields); i++) {
        size_t used = strlen(event.message);
        if (given(edit, fields[i].field))
            (void)snprintf(event.message + used, sizeof(event.message) - used, "%s%s",
                           used == 0 ? "" : ", ", fields[i].name);
    }
    size_t used = strlen(event.message);
    if (edit->asked_by != NULL)
        (void)snprintf(event.message + used, sizeof(event.message) - used, ": asked for by %s",
                       edit->asked_by);
    return sc_queue_emit(queue, tx, &event, err);
}

enum sc_code sc_job_edit(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                         const struct sc_job_edit *edit, struct sc_error *err)
{
    struct sc_job_brief before;
    enum sc_code code = sc_job_brief_get(tx, job, &before, err);
    if (code == SC_OK)
        code = check_time(&before, edit, err);
    if (code == SC_OK && given(edit, SC_EDIT_SETTINGS))
        code = write_settings(tx, job, edit->settings, err);
    if (code == SC_OK)
        code = write_row(tx, job, edit, err);
    if (code == SC_OK && given(edit, SC_EDIT_TAGS))
        code = write_tags(tx, job, edit, err);
    if (code == SC_OK && given(edit, SC_EDIT_RUN_AFTER))
        code = move_in_time(queue, tx, &before, edit->run_after_ms, err);
    if (code == SC_OK && (given(edit, SC_EDIT_CLASS) || given(edit, SC_EDIT_PRIORITY)))
        code = move_in_line(queue, tx, &before, err);
    if (code == SC_OK && given(edit, SC_EDIT_TIMEOUT))
        sc_queue_note_due(queue, tx, 0); /* the sweep finds out */
    return code == SC_OK ? log_edit(queue, tx, job, edit, err) : code;
}
