/* PATCH /api/jobs/{id}. Every bad field is told, not only the first. */

#include "api/api-internal.h"
#include "api/marks.h"

#include "http/answer.h"

#include "base/banned.h"

struct decoded {
    struct sc_job_edit edit;
    struct sc_job_options
        *options; /* owned: priority, run_after, … as they are when a job is made */
    struct sc_job_options *settings; /* owned; those that are to change */
    struct sc_marks_body marks;
    struct sc_error *err; /* all bad fields */
};

static void decoded_done(struct decoded *d)
{
    sc_job_options_free(d->options);
    sc_job_options_free(d->settings);
    sc_marks_body_done(&d->marks);
}

static void complain_of(struct decoded *d, const char *field, const char *why)
{
    struct sc_error one = { 0 };
    (void)sc_error_field(&one, SC_E_INVALID_VALUE, field, "%s %s", field, why);
    (void)sc_error_also(d->err, &one);
}

/* As when a job is made; null takes the value away. */
static void decode_option(struct decoded *d, enum sc_edit_field field, const char *name,
                          const struct sc_json_value *value)
{
    struct sc_error one = { 0 };
    bool none = sc_json_type(value) == SC_JSON_NULL;
    if (none && (field == SC_EDIT_CLASS || field == SC_EDIT_PRIORITY))
        complain_of(d, name, "cannot be null");
    else if (sc_job_options_set_json(d->options, name, value, &one) != SC_OK)
        (void)sc_error_also(d->err, &one);
    else
        d->edit.given |= field;
}

/* What makes a job another one; the rest stands beside it. */
static void decode_setting(struct decoded *d, const char *name, const struct sc_json_value *value)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    struct sc_error one = { 0 };
    if (option != NULL && (!option->identity || strcmp(option->name, "pipeline") == 0)) {
        complain_of(d, option->name, "is no setting that can be changed");
        return;
    }
    if (option != NULL && sc_json_type(value) == SC_JSON_NULL)
        sc_job_options_drop(d->settings, option->name);
    else if (sc_job_options_set_json(d->settings, name, value, &one) != SC_OK)
        (void)sc_error_also(d->err, &one);
}

static void decode_settings(struct decoded *d, const struct sc_json_value *value)
{
    const char *name;
    const struct sc_json_value *member;
    if (sc_json_type(value) != SC_JSON_OBJECT) {
        complain_of(d, "settings", "must be an object of job options");
        return;
    }
    d->settings = sc_job_options_new();
    for (void *it = sc_json_next_member(value, NULL, &name, &member); it != NULL;
         it = sc_json_next_member(value, it, &name, &member))
        decode_setting(d, name, member);
    d->edit.given |= SC_EDIT_SETTINGS;
}

static void decode_member(struct decoded *d, const char *name, const struct sc_json_value *value)
{
    static const struct {
        const char *name;
        enum sc_edit_field field;
    } options[] = {
        { "priority", SC_EDIT_CLASS },      { "priority_order", SC_EDIT_PRIORITY },
        { "run_after", SC_EDIT_RUN_AFTER }, { "timeout", SC_EDIT_TIMEOUT },
        { "name", SC_EDIT_NAME },
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(options); i++) {
        if (strcmp(name, options[i].name) == 0) {
            decode_option(d, options[i].field, name, value);
            return;
        }
    }
    if (sc_marks_member(&d->marks, name, value, d->err))
        return;
    if (strcmp(name, "settings") == 0) {
        decode_settings(d, value);
    } else {
        char quoted[SC_QUOTED_TEXT];
        complain_of(d, sc_quote(sc_str_from(name), quoted),
                    "cannot be changed; priority, priority_order, run_after, timeout, name, notes, "
                    "tags, add_tags, remove_tags and settings can");
    }
}

static void take_options(struct decoded *d)
{
    d->edit.class = SC_CLASS_NORMAL;
    (void)sc_class_from_string(sc_job_options_text(d->options, "priority"), &d->edit.class);
    d->edit.priority = (int)sc_job_options_int(d->options, "priority_order");
    d->edit.run_after_ms = sc_job_options_int(d->options, "run_after");
    d->edit.timeout_ms = sc_job_options_int(d->options, "timeout");
    d->edit.name = sc_job_options_text(d->options, "name");
    d->edit.notes = d->marks.notes;
    if (d->marks.notes != NULL)
        d->edit.given |= SC_EDIT_NOTES;
    if (d->marks.has_tags || d->marks.has_steps)
        d->edit.given |= SC_EDIT_TAGS;
}

static enum sc_code decode(const struct sc_json_value *body, struct decoded *d)
{
    const char *name;
    const struct sc_json_value *value;
    d->options = sc_job_options_new();
    for (void *it = sc_json_next_member(body, NULL, &name, &value); it != NULL;
         it = sc_json_next_member(body, it, &name, &value))
        decode_member(d, name, value);
    sc_marks_settle(&d->marks, d->err);
    if (d->err->code != SC_OK)
        return d->err->code;
    take_options(d);
    if (d->edit.given == 0)
        return sc_error_set(d->err, SC_E_INVALID_REQUEST, "the body names nothing to change");
    return SC_OK;
}

static enum sc_code edit(struct sc_api *api, struct sc_request *req, const char *id,
                         struct decoded *d, struct sc_job *out)
{
    struct sc_job_change change = {
        .edit = d->edit,
        .settings = d->settings,
        .marks = &d->marks.edit,
        .by = sc_request_principal(req)->owner_id,
    };
    return sc_pipelines_edit(api->options.pipelines, sc_api_owner(req), id, &change, out, d->err);
}

struct sc_done *sc_api_job_edit(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO_JOB job = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(decoded_done) struct decoded d = { .err = &err };
    char id[SC_UUID_TEXT];
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = sc_path_job_id(req, id, &err);
    if (code == SC_OK)
        code = sc_request_json(req, &doc, &err);
    if (code == SC_OK)
        code = decode(sc_json_root(doc), &d);
    if (code == SC_OK)
        code = edit(api, req, id, &d, &job);
    if (code != SC_OK)
        return sc_api_answer(req, code, &err, 200, &body);
    struct sc_json w;
    sc_json_begin(&w, &body);
    sc_json_object(&w, NULL);
    code = sc_api_job_fields(api, &job, &w, &err);
    sc_json_end(&w);
    sc_reply_is_as_get(req);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

static const struct sc_json_field edit_fields[] = {
    { .name = "priority",
      .type = SC_JSON_TEXT,
      .words = sc_words_class,
      .help = "The class of the queue, until it has ended",
      .example = "high" },
    { .name = "priority_order",
      .type = SC_JSON_INT,
      .min = -1000000,
      .max = 1000000,
      .help = "Its place within the class, until it has ended" },
    { .name = "run_after",
      .type = SC_JSON_TEXT,
      .help = "Not before this time, until its turn has come: RFC 3339, or a duration from now" },
    { .name = "timeout",
      .type = SC_JSON_TEXT,
      .also = SC_JSON_REAL,
      .help = "Longest time from its start, until it has ended: a duration, or seconds" },
    { .name = "name", .type = SC_JSON_TEXT, .help = "The name shown for it" },
    SC_MARKS_ROWS,
    { .name = "settings",
      .type = SC_JSON_OBJECT,
      .help =
          "Options of a job, such as `engine`, before work begins; null: as if it were not given" },
};
static const struct sc_json_shape edit_shape = {
    .name = "JobEdit",
    .help = "What is to change; null takes a value away",
    .request = true,
    SC_SHAPE_FIELDS(edit_fields),
};

SC_API_DOC(job_edit) = {
    .body = &edit_shape,
    .replies = { { 200, &sc_shape_job } },
    .errors = { SC_E_JOB_NOT_FOUND, SC_E_CONFLICT, SC_E_ENGINE_UNAVAILABLE, SC_E_MODEL_ERROR },
    .flags = SC_DOC_TAGGED,
};
