#include "engine/engine.h"
#include "media/media.h"
#include "models/models.h"
#include "json/writer.h"

#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static void write_list(struct sc_json *w, const char *key, const char *list)
{
    struct sc_str rest = sc_str_from(list);
    sc_json_array(w, key);
    while (rest.len > 0)
        sc_json_str(w, NULL, sc_str_trim(sc_str_take_until(&rest, ',')));
    sc_json_end(w);
}

/* The names in the models folder, and that a full path is one too. `reason` is why there is no
 * default, where the engine can run. */
static void write_models(struct sc_json *w, const struct sc_config *config, bool usable)
{
    SC_AUTO_MODELS all = { 0 };
    SC_AUTO_BUF lack = { 0 };
    struct sc_error err = { 0 };
    bool listed = sc_models_list(config, &all, &err) == SC_OK;
    const struct sc_model *best = sc_models_default(config, &all);
    if (!listed)
        sc_buf_printf(&lack, "has no model: %s", err.msg);
    else if (best == NULL)
        sc_models_lack(config, &all, &lack);
    if (usable)
        sc_json_text(w, "reason", sc_buf_text(&lack));
    sc_json_text(w, "default_model", best == NULL ? "" : best->name);
    sc_json_array(w, "models");
    for (size_t i = 0; i < all.count; i++) {
        if (!all.rows[i].is_damaged)
            sc_json_text(w, NULL, all.rows[i].name);
    }
    sc_json_text(w, NULL, "/");
    sc_json_end(w);
}

static void write_engine(struct sc_json *w, const struct sc_engine_ops *engine,
                         const struct sc_config *config)
{
    struct sc_engine_caps caps;
    struct sc_error why = { 0 };
    bool usable = engine->usable(config, &why) == SC_OK;
    engine->caps(config, &caps);
    sc_json_object(w, NULL);
    sc_json_text(w, "name", engine->name);
    sc_json_text(w, "version", caps.version);
    sc_json_bool(w, "usable", usable);
    if (!usable || !caps.model_files)
        sc_json_text(w, "reason", why.msg);
    sc_json_int(w, "max_chunk_s", caps.max_chunk_s);
    sc_json_int(w, "aim_chunk_s", caps.aim_chunk_s);
    sc_json_int(w, "window_s", caps.window_s);
    sc_json_int(w, "batch", caps.batch);
    sc_json_int(w, "threads", caps.threads);
    sc_json_int(w, "concurrency", caps.concurrency);
    sc_json_bool(w, "word_times", caps.word_times);
    write_list(w, "languages", caps.languages);
    write_list(w, "options", caps.options);
    sc_json_bool(w, "model_files", caps.model_files);
    if (caps.model_files) {
        write_models(w, config, usable);
    } else {
        sc_json_text(w, "default_model", caps.default_model);
        write_list(w, "models", caps.models);
    }
    sc_json_text(w, "sends_to", caps.sends_to);
    sc_json_text(w, "note", caps.note);
    sc_json_end(w);
}

static int print_engines(const struct sc_config *config)
{
    SC_AUTO_BUF out = { 0 };
    struct sc_json w;
    size_t count = 0;
    const struct sc_engine_ops *const *engines = sc_engine_all(&count);
    sc_json_begin(&w, &out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "engines");
    for (size_t i = 0; i < count; i++)
        write_engine(&w, engines[i], config);
    sc_json_end(&w);
    sc_json_end(&w);
    sc_buf_putc(&out, '\n');
    if (out.failed || fputs(sc_buf_text(&out), stdout) == EOF || fflush(stdout) != 0)
        return SC_EXIT_IO;
    return SC_EXIT_OK;
}

int media_engines(int argc, char **argv)
{
    SC_AUTO(sc_config_freep) struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    int64_t fd = -1;
    bool good = argc >= 2 && strcmp(argv[1], "--json") == 0;
    if (good && argc == 4)
        good = strcmp(argv[2], "--settings") == 0 && media_number(argv[3], 0, 1 << 20, &fd);
    if (!good || (argc != 2 && argc != 4))
        return media_usage("engines", "--json [--settings FD]");
    if (media_settings((int)fd, &config, &err) != SC_OK)
        return media_fail(&err);
    return print_engines(config);
}
