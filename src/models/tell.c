/* All that there is to tell of the folders: models, what is unfinished, and which settings name
 * what is not there. */
#include "models/models-internal.h"

#include "base/alloc.h"

#include <stdarg.h>

#include "base/banned.h"

static void say(struct sc_models_problems *all, const char *field, const char *fmt, ...)
    SC_PRINTF(3, 4);

static void say(struct sc_models_problems *all, const char *field, const char *fmt, ...)
{
    char text[sizeof(all->rows->msg)];
    va_list args;
    sc_assert(all->count < SC_ARRAY_LEN(all->rows));
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    (void)sc_error_field(&all->rows[all->count++], SC_E_CONFIG_ERROR, field, "%s", text);
}

static void judge(const struct sc_config *config, const struct sc_models *all,
                  struct sc_models_problems *out)
{
    SC_AUTO_BUF why = { 0 };
    bool lacks = sc_models_default(config, all) == NULL;
    sc_models_lack(config, all, &why);
    if (lacks && config->engine_whisper_model[0] != '\0')
        say(out, "engine.whisper.model", "whisper %s", sc_buf_text(&why));
    else if (lacks && strcmp(config->engine_default, "whisper") == 0)
        say(out, "engine.default", "engine.default is whisper, which %s", sc_buf_text(&why));
    else if (lacks && sc_models_are_too_large(config, all))
        say(out, "engine.memory", "whisper %s", sc_buf_text(&why));
}

void sc_models_judge(const struct sc_config *config, struct sc_models_problems *out)
{
    SC_AUTO_MODELS all = { 0 };
    struct sc_error err = { 0 };
    *out = (struct sc_models_problems){ 0 };
    if (sc_models_list(config, &all, &err) == SC_OK)
        judge(config, &all, out);
    else
        say(out, err.field[0] == '\0' ? "models.dir" : err.field, "%s", err.msg);
}

static void put_rest(struct sc_json *w, const struct sc_models_rest *rest)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "name", rest->name);
    sc_json_text(w, "state", rest->is_at_work ? "running" : "unfinished");
    sc_json_text(w, "kind", rest->is_pull ? "pull" : "add");
    sc_json_int(w, "size_bytes", rest->size_bytes);
    sc_json_opt(w, "total_bytes", rest->note.whole);
    sc_json_time(w, "changed", rest->changed_ms);
    sc_json_text(w, "source", rest->is_pull && rest->note.url[0] != '\0' ? rest->note.url : NULL);
    sc_json_bool(w, "resumable", rest->note.etag[0] != '\0');
    sc_json_end(w);
}

static void put_problems(struct sc_json *w, const struct sc_models_problems *problems)
{
    sc_json_array(w, "problems");
    for (size_t i = 0; i < problems->count; i++) {
        sc_json_object(w, NULL);
        sc_json_text(w, "field", problems->rows[i].field);
        sc_json_text(w, "message", problems->rows[i].msg);
        sc_json_end(w);
    }
    sc_json_end(w);
}

static void put_warnings(struct sc_json *w, const struct sc_models *all)
{
    SC_AUTO_BUF text = { 0 };
    sc_models_warn(all, &text);
    sc_json_array(w, "warnings");
    if (text.len > 0)
        sc_json_str(w, NULL, sc_buf_str(&text));
    sc_json_end(w);
}

enum sc_code sc_models_json(const struct sc_config *config, struct sc_buf *out,
                            struct sc_error *err)
{
    SC_AUTO_MODELS all = { 0 };
    SC_AUTO(sc_models_rests_done) struct sc_models_rests rests = { 0 };
    struct sc_models_problems problems = { 0 };
    struct sc_json w;
    enum sc_code code = sc_models_list(config, &all, err);
    if (code == SC_OK)
        code = sc_models_unfinished(config, &rests, err);
    if (code != SC_OK)
        return code;
    judge(config, &all, &problems);
    const struct sc_model *best = sc_models_default(config, &all);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "models");
    for (size_t i = 0; i < all.count; i++)
        sc_model_write(&w, NULL, &all.rows[i], best == &all.rows[i]);
    sc_json_end(&w);
    sc_json_array(&w, "unfinished");
    for (size_t i = 0; i < rests.count; i++)
        put_rest(&w, &rests.rows[i]);
    sc_json_end(&w);
    put_problems(&w, &problems);
    put_warnings(&w, &all);
    sc_json_int(&w, "memory_limit_bytes", sc_models_budget(config));
    sc_json_end(&w);
    return SC_OK;
}
