/* Fields of OpenAI's forms, as "name=value" lines. */

#include "fuzz.h"

#include "api/openai.h"
#include "base/utf8.h"

#include <stdlib.h>

#include "base/banned.h"

static void check_form(const struct sc_openai_form *form)
{
    struct sc_openai_model model = { 0 };
    if (form->model != NULL)
        model = sc_openai_model_parse(form->model);
    if (model.engine.len + model.model.len > 0 && model.engine.ptr != form->model)
        abort();
    if (sc_language_name(form->language)[0] == '\0')
        abort();
    /* The names are told in a header and in the log. */
    if (!sc_utf8_is_valid(sc_buf_str(&form->ignored)) ||
        !sc_utf8_is_valid(sc_buf_str(&form->unknown)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str text = { (const char *)data, size };
    SC_AUTO(sc_openai_form_done) struct sc_openai_form form = { 0 };

    while (text.len > 0) {
        struct sc_str value = sc_str_take_until(&text, '\n');
        struct sc_str name = sc_str_take_until(&value, '=');
        struct sc_error err = { 0 };
        if (value.ptr != NULL && sc_openai_form_take(&form, name, value, &err) != SC_OK &&
            (err.msg[0] == '\0' || err.field[0] == '\0'))
            abort();
    }
    struct sc_error err = { 0 };
    if (sc_openai_form_check(&form, &err) == SC_OK && form.model == NULL)
        abort();
    check_form(&form);
    return 0;
}
