/* Options of a job, as form fields ("name=value" lines) and as a JSON body. */

#include "fuzz.h"

#include "config/job-options.h"
#include "json/reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static void refused_for_a_reason(const struct sc_error *err)
{
    if (err->msg[0] == '\0')
        abort();
}

static void as_fields(struct sc_job_options *options, struct sc_str text)
{
    struct sc_error err = { 0 };

    while (text.len > 0) {
        struct sc_str value = sc_str_take_until(&text, '\n');
        struct sc_str name = sc_str_take_until(&value, '=');
        if (sc_job_options_set(options, name, value, &err) != SC_OK)
            refused_for_a_reason(&err);
    }
}

static void as_json(struct sc_job_options *options, struct sc_str text)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    const struct sc_json_value *value = NULL;
    const char *key = NULL;
    struct sc_error err = { 0 };

    if (sc_json_parse(text, &doc, &err) != SC_OK ||
        sc_json_type(sc_json_root(doc)) != SC_JSON_OBJECT)
        return;
    void *it = sc_json_next_member(sc_json_root(doc), NULL, &key, &value);
    while (it != NULL) {
        if (sc_job_options_set_json(options, key, value, &err) != SC_OK)
            refused_for_a_reason(&err);
        it = sc_json_next_member(sc_json_root(doc), it, &key, &value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *canonical = NULL;
    SC_AUTO(sc_buf_done) struct sc_buf out = { 0 };
    struct sc_error err = { 0 };

    if (size > 0 && data[0] == '{')
        as_json(options, text);
    else
        as_fields(options, text);
    if (sc_job_options_check(options, &err) != SC_OK)
        return 0;
    sc_job_options_canonical(options, &out);
    if (sc_json_parse(sc_buf_str(&out), &canonical, &err) != SC_OK)
        abort();
    return 0;
}
