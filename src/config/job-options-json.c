/* The job options' JSON side: values of request bodies, and the canonical form. */
#include "config/job-options.h"

#include "base/alloc.h"
#include "json/reader.h"
#include "json/writer.h"

#include <inttypes.h>

#include "base/banned.h"

/* The value as the text that a form field would hold; false: a type that the option does not take.
 */
static bool to_text(const struct sc_job_option *option, const struct sc_json_value *value,
                    struct sc_buf *out)
{
    switch (sc_json_type(value)) {
    case SC_JSON_TEXT:
        sc_buf_put_str(out, sc_json_get_str(value, SC_STR("")));
        return true;
    case SC_JSON_BOOL:
        sc_buf_puts(out, sc_json_get_bool(value, false) ? "true" : "false");
        return option->type == SC_JOB_BOOL;
    case SC_JSON_INT:
        sc_json_dump(value, out);
        return option->type == SC_JOB_INT || option->type == SC_JOB_REAL ||
               option->type == SC_JOB_DURATION ||
               option->type == SC_JOB_ENUM; /* a choice may be a number */
    case SC_JSON_REAL:
        sc_json_dump(value, out);
        return option->type == SC_JOB_REAL;
    case SC_JSON_NULL:
    case SC_JSON_ARRAY:
    case SC_JSON_OBJECT:
        return false;
    }
    return false;
}

enum sc_code sc_job_options_set_json(struct sc_job_options *o, const char *name,
                                     const struct sc_json_value *value, struct sc_error *err)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    SC_AUTO_BUF text = { 0 };

    if (option != NULL && sc_json_type(value) == SC_JSON_NULL)
        return SC_OK;
    if (option != NULL && !to_text(option, value, &text))
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "%s has a JSON value of the wrong type", option->name);
    if (text.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the value of %s", name);
    return sc_job_options_set(o, sc_str_from(name), sc_buf_str(&text), err);
}

static int by_name(const void *a, const void *b)
{
    const struct sc_job_option *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static void put_member(struct sc_json *w, const struct sc_job_options *o,
                       const struct sc_job_option *option)
{
    const char *name = option->name;

    switch (option->type) {
    case SC_JOB_BOOL:
        sc_json_bool(w, name, sc_job_options_bool(o, name));
        return;
    case SC_JOB_INT:
    case SC_JOB_TIME:
    case SC_JOB_DURATION:
        sc_json_int(w, name, sc_job_options_int(o, name));
        return;
    case SC_JOB_REAL:
        sc_json_raw(w, name, sc_str_from(sc_job_options_text(o, name)));
        return;
    case SC_JOB_TEXT:
    case SC_JOB_ENUM:
        sc_json_text(w, name, sc_job_options_text(o, name));
        return;
    }
}

static bool is_written(const struct sc_job_options *o, const struct sc_job_option *option,
                       const char *pipeline)
{
    if (!option->identity || !sc_job_option_applies(option, pipeline))
        return false;
    return !option->sparse || sc_job_options_stated(o, option->name) ||
           !sc_job_option_is_default(option, sc_job_options_text(o, option->name));
}

/* Nothing would be heard otherwise without it. */
static bool is_idle(const struct sc_job_options *o, const struct sc_job_option *option, bool ours)
{
    bool warm = option->usual_warm != NULL && sc_job_options_is_warm(o);
    const char *usual = warm ? option->usual_warm : option->usual;
    return option->inert ||
           (ours && usual != NULL && strcmp(sc_job_options_text(o, option->name), usual) == 0);
}

enum form { FORM_WHOLE, FORM_IDENTITY, FORM_IDENTITY_OF_OURS };

static void write_form(const struct sc_job_options *o, enum form form, struct sc_buf *out)
{
    size_t count;
    const struct sc_job_option *all = sc_job_option_all(&count);
    const char *pipeline = sc_job_options_text(o, "pipeline");
    SC_AUTO_FREE const struct sc_job_option **sorted = sc_alloc_array(count, sizeof(*sorted));
    struct sc_json w;

    for (size_t i = 0; i < count; i++)
        sorted[i] = &all[i];
    qsort(sorted, count, sizeof(*sorted), by_name);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    for (size_t i = 0; i < count; i++) {
        bool idle = form != FORM_WHOLE && is_idle(o, sorted[i], form == FORM_IDENTITY_OF_OURS);
        if (!idle && is_written(o, sorted[i], pipeline))
            put_member(&w, o, sorted[i]);
    }
    sc_json_end(&w);
}

void sc_job_option_put_text(const struct sc_job_option *option, const struct sc_json_value *value,
                            struct sc_buf *out)
{
    if (option->type == SC_JOB_DURATION && sc_json_type(value) == SC_JSON_INT)
        sc_buf_printf(out, "%" PRId64 "ms", sc_json_get_int(value, 0));
    else if (sc_json_type(value) == SC_JSON_TEXT)
        sc_buf_put_str(out, sc_json_get_str(value, SC_STR("")));
    else
        sc_json_dump(value, out);
}

/* What stands there counts, also where it is the default. False: no option of today, or no value
 * of it. */
static bool take_member(struct sc_job_options *o, const char *name,
                        const struct sc_json_value *value)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    SC_AUTO_BUF text = { 0 };
    if (option == NULL)
        return false;
    sc_job_option_put_text(option, value, &text);
    sc_job_options_state(o, option->name);
    return sc_job_option_is_default(option, sc_buf_text(&text)) ||
           sc_job_options_set(o, sc_str_from(name), sc_buf_str(&text), NULL) == SC_OK;
}

bool sc_job_settings_have_identity(const char *settings, bool ours, const char *identity)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *o = sc_job_options_new();
    SC_AUTO_BUF is = { 0 };
    const char *name;
    const struct sc_json_value *value;
    if (sc_json_parse(sc_str_from(settings), &doc, NULL) != SC_OK)
        return false;
    for (void *at = sc_json_next_member(sc_json_root(doc), NULL, &name, &value); at != NULL;
         at = sc_json_next_member(sc_json_root(doc), at, &name, &value)) {
        if (!take_member(o, name, value))
            return false;
    }
    sc_job_options_identity(o, ours, &is);
    return !is.failed && strcmp(sc_buf_text(&is), identity) == 0;
}

void sc_job_options_canonical(const struct sc_job_options *o, struct sc_buf *out)
{
    write_form(o, FORM_WHOLE, out);
}

void sc_job_options_identity(const struct sc_job_options *o, bool ours, struct sc_buf *out)
{
    write_form(o, ours ? FORM_IDENTITY_OF_OURS : FORM_IDENTITY, out);
}
