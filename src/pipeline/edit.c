/* Changing a job that is there: its settings are resolved anew, as if it were handed in now. */

#include "pipeline/plan.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "json/reader.h"

#include "base/banned.h"

static bool is_changed(const struct sc_job_options *changes, const char *name)
{
    return sc_job_options_given(changes, name) || sc_job_options_dropped(changes, name);
}

/* What the job was made with, for the options that are not to change. */
static enum sc_code keep_earlier(const struct sc_json_value *earlier,
                                 const struct sc_job_options *changes,
                                 struct sc_job_options *merged, struct sc_error *err)
{
    const char *name;
    const struct sc_json_value *value;
    bool other_engine = is_changed(changes, "engine");
    for (void *it = sc_json_next_member(earlier, NULL, &name, &value); it != NULL;
         it = sc_json_next_member(earlier, it, &name, &value)) {
        const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
        SC_AUTO_BUF text = { 0 };
        if (option == NULL || is_changed(changes, option->name) ||
            (other_engine && strcmp(option->name, "model") == 0))
            continue;
        sc_job_option_put_text(option, value, &text);
        /* Defaults are left out: another engine has others, or no such option. */
        if (sc_job_option_is_default(option, sc_buf_text(&text)))
            continue;
        enum sc_code code =
            sc_job_options_set(merged, sc_str_from(option->name), sc_buf_str(&text), err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code take_changes(const struct sc_job_options *changes,
                                 struct sc_job_options *merged, struct sc_error *err)
{
    size_t count;
    const struct sc_job_option *all = sc_job_option_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (!sc_job_options_given(changes, all[i].name))
            continue;
        enum sc_code code =
            sc_job_options_set(merged, sc_str_from(all[i].name),
                               sc_str_from(sc_job_options_text(changes, all[i].name)), err);
        if (code != SC_OK)
            return code;
    }
    return SC_OK;
}

static enum sc_code merge(const struct sc_job *job, const struct sc_job_options *changes,
                          struct sc_job_options *merged, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(sc_str_from(job->settings), &doc, err);
    if (code == SC_OK)
        code = keep_earlier(sc_json_root(doc), changes, merged, err);
    if (code == SC_OK)
        code = take_changes(changes, merged, err);
    return code == SC_OK ? sc_job_options_check(merged, err) : code;
}

struct change {
    struct sc_pipelines *p;
    int64_t owner_id;
    const char *job_id;
    struct sc_job_edit *edit;
    const struct sc_marks_edit *marks;
    int64_t by;
    struct sc_job_options *options; /* owned; NULL: settings stay */
    struct sc_plan plan;
    char *planned_from; /* the settings that it rests on; owned */
    struct sc_job *out;
};

static void change_done(struct change *c)
{
    sc_plan_done(&c->plan);
    sc_job_options_free(c->options);
    free(c->planned_from);
}

/* Engines are asked and the file is looked up before the write: it must not wait. */
static enum sc_code plan_settings(struct change *c, const struct sc_job_options *settings,
                                  struct sc_error *err)
{
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_file_done) struct sc_file file = { 0 };
    c->options = sc_job_options_new();
    {
        SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
        enum sc_code code = sc_store_read(c->p->o.store, &conn, err);
        if (code == SC_OK)
            code = sc_job_find(conn, c->owner_id, c->job_id, &job, err);
        if (code == SC_OK && job.file_id != 0)
            code = sc_file_find(conn, c->owner_id, job.file_id, &file, err);
        if (code == SC_OK)
            code = merge(&job, settings, c->options, err);
        if (code != SC_OK)
            return code;
    }
    enum sc_code code = sc_plan_make(c->p, c->owner_id, c->options, NULL, &c->plan, err);
    if (code == SC_OK && job.file_id != 0)
        code = sc_plan_check_sound(c->options, file.channels, err);
    if (code != SC_OK)
        return code;
    sc_plan_set_file(&c->plan, c->options, job.file_id, file.file_hash, job.file_name,
                     job.duration_ms);
    c->planned_from = SC_TAKE(job.settings);
    c->edit->settings = &c->plan.spec;
    return SC_OK;
}

/* With the tags that the job then has. */
static enum sc_code edit_in(struct sc_conn *tx, struct change *c, int64_t job, struct sc_error *err)
{
    struct sc_tags tags = { .count = 0 };
    struct sc_str list[SC_TAGS_MAX];
    bool changed = false;
    struct sc_job_edit edit = *c->edit;
    if ((edit.given & SC_EDIT_TAGS) != 0) {
        enum sc_code code = sc_tags_after(tx, SC_MARKED_JOB, job, c->marks, &tags, &changed, err);
        if (code != SC_OK)
            return code;
    }
    for (size_t i = 0; i < tags.count; i++)
        list[i] = sc_str_from(tags.tag[i]);
    edit.tags = list;
    edit.tag_count = tags.count;
    enum sc_code code = sc_job_edit(c->p->o.queue, tx, job, &edit, err);
    if (code != SC_OK || (edit.given & (SC_EDIT_TAGS | SC_EDIT_NOTES)) == 0)
        return code;
    const struct sc_marks_target target = { SC_MARKED_JOB, c->owner_id, job, c->by };
    return sc_marks_record(tx, &target, (edit.given & SC_EDIT_TAGS) != 0 ? &tags : NULL,
                           (edit.given & SC_EDIT_NOTES) != 0 ? edit.notes : NULL,
                           sc_clock_wall_ms(), err);
}

static enum sc_code write_change(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct change *c = ctx;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_job_find(tx, c->owner_id, c->job_id, &job, err);
    if (code != SC_OK)
        return code;
    if (c->planned_from != NULL && strcmp(c->planned_from, job.settings) != 0)
        return sc_error_set(err, SC_E_CONFLICT,
                            "the settings of job %s were changed by somebody else; try again",
                            job.job_id);
    code = edit_in(tx, c, job.id, err);
    if (code != SC_OK)
        return code;
    sc_job_done(c->out); /* a write may run twice */
    return sc_job_get(tx, job.id, c->out, err);
}

enum sc_code sc_pipelines_edit(struct sc_pipelines *p, int64_t owner_id, const char *job_id,
                               struct sc_job_change *change, struct sc_job *out,
                               struct sc_error *err)
{
    SC_AUTO(change_done)
    struct change c = {
        .p = p,
        .owner_id = owner_id,
        .job_id = job_id,
        .edit = &change->edit,
        .marks = change->marks,
        .by = change->by,
        .out = out,
    };
    enum sc_code code = change->settings == NULL ? SC_OK : plan_settings(&c, change->settings, err);
    if (code == SC_OK)
        code = sc_store_write(p->o.store, SC_DURABLE, write_change, &c, err);
    change->edit.settings = NULL; /* was the plan's */
    return code;
}
