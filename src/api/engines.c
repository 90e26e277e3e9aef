#include "api/api-internal.h"

#include "queue/report.h"

#include "base/banned.h"

#define ENGINES_MAX 32

/* What the caller's jobs have shown of each engine. */
struct speeds {
    struct {
        char engine[64];
        int64_t audio_ms, ms;
    } rows[ENGINES_MAX];
    size_t count;
};

static enum sc_code add_speed(void *ctx, const struct sc_report_row *row, struct sc_error *err)
{
    struct speeds *s = ctx;
    (void)err;
    if (s->count == ENGINES_MAX)
        return SC_OK;
    (void)snprintf(s->rows[s->count].engine, sizeof(s->rows[0].engine), "%s", row->by[0]);
    s->rows[s->count].audio_ms = row->paced_audio_ms;
    s->rows[s->count++].ms = row->paced_ms;
    return SC_OK;
}

static enum sc_code read_speeds(struct sc_api *api, int64_t owner_id, struct speeds *out,
                                struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    const struct sc_report_query query = { .owner_id = owner_id,
                                           .by = { SC_BY_ENGINE },
                                           .limit = ENGINES_MAX };
    enum sc_code code = sc_store_read(api->options.store, &conn, err);
    return code == SC_OK ? sc_report_jobs(conn, &query, add_speed, out, err) : code;
}

static void put_speed(struct sc_json *w, const struct speeds *speeds, const char *name)
{
    for (size_t i = 0; i < speeds->count; i++) {
        if (strcmp(speeds->rows[i].engine, name) == 0 && speeds->rows[i].ms > 0) {
            sc_json_real(w, "speed", (double)speeds->rows[i].audio_ms / (double)speeds->rows[i].ms,
                         2);
            return;
        }
    }
    sc_json_null(w, "speed");
}

/* Of "/", any full path, nobody can choose a name: it is told as such. */
static void put_models(struct sc_json *w, const struct sc_json_value *models)
{
    bool paths = false;
    sc_json_array(w, "models");
    for (size_t i = 0; i < sc_json_count(models); i++) {
        struct sc_str name = sc_json_get_str(sc_json_at(models, i), SC_STR(""));
        if (sc_str_equal(name, SC_STR("/")))
            paths = true;
        else
            sc_json_str(w, NULL, name);
    }
    sc_json_end(w);
    sc_json_bool(w, "model_paths", paths);
    sc_json_bool(w, "models_known", sc_json_count(models) > 0);
}

/* Can a job run on it that names nothing but the engine? */
static bool is_ready(const struct sc_json_value *engine)
{
    bool needs_model = sc_json_get_bool(sc_json_member(engine, "model_files"), false);
    bool has_model = sc_json_get_text(sc_json_member(engine, "default_model"), "")[0] != '\0';
    return sc_json_get_bool(sc_json_member(engine, "usable"), false) && (has_model || !needs_model);
}

/* What scripta-media says of the engine, and what only the server knows. */
static void put_engine(struct sc_json *w, const struct sc_json_value *engine,
                       const char *default_engine, const struct speeds *speeds)
{
    const char *name = sc_json_get_text(sc_json_member(engine, "name"), "");
    const char *key;
    const struct sc_json_value *value;
    sc_json_object(w, NULL);
    for (void *s = sc_json_next_member(engine, NULL, &key, &value); s != NULL;
         s = sc_json_next_member(engine, s, &key, &value)) {
        SC_AUTO_BUF text = { 0 };
        if (strcmp(key, "models") == 0) {
            put_models(w, value);
            continue;
        }
        sc_json_dump(value, &text);
        sc_json_raw(w, key, sc_buf_str(&text));
    }
    sc_json_bool(w, "ready", is_ready(engine));
    sc_json_bool(w, "default", strcmp(name, default_engine) == 0);
    put_speed(w, speeds, name);
    sc_json_end(w);
}

/* None when it cannot run here: why is told instead. */
static enum sc_code ask_default(struct sc_api *api, char name[SC_ENGINE_NAME], struct sc_buf *why,
                                struct sc_error *err)
{
    struct sc_error none = { 0 };
    name[0] = '\0';
    enum sc_code code = sc_pipelines_default_engine(api->options.pipelines, name, why, &none);
    if (code == SC_E_ENGINE_UNAVAILABLE)
        sc_buf_puts(why, none.msg);
    return code == SC_E_ENGINE_UNAVAILABLE ? SC_OK : sc_error_copy(err, &none);
}

static enum sc_code put_engines(struct sc_api *api, const struct speeds *speeds, struct sc_buf *out,
                                struct sc_error *err)
{
    char chosen[SC_ENGINE_NAME];
    SC_AUTO_BUF why = { 0 };
    SC_AUTO_BUF said = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    struct sc_json w;
    enum sc_code code = sc_pipelines_engines(api->options.pipelines, &said, err);
    if (code == SC_OK)
        code = ask_default(api, chosen, &why, err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&said), &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *list = sc_json_member(sc_json_root(doc), "engines");
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "engines");
    for (size_t i = 0; i < sc_json_count(list); i++)
        put_engine(&w, sc_json_at(list, i), chosen, speeds);
    sc_json_end(&w);
    sc_json_text(&w, "default_engine", chosen[0] == '\0' ? NULL : chosen);
    sc_json_text(&w, "default_reason", sc_buf_text(&why));
    sc_json_end(&w);
    return SC_OK;
}

struct sc_done *sc_api_engine_list(struct sc_request *req, struct sc_api *api)
{
    struct sc_error err = { 0 };
    struct speeds speeds = { 0 };
    SC_AUTO_BUF body = { 0 };
    enum sc_code code = sc_query_none(req, &err);
    if (code == SC_OK)
        code = read_speeds(api, sc_request_principal(req)->owner_id, &speeds, &err);
    if (code == SC_OK)
        code = put_engines(api, &speeds, &body, &err);
    return sc_api_answer(req, code, &err, 200, &body);
}

/* ---- described ---- */

static const struct sc_json_field engine_fields[] = {
    SC_SHOW(TEXT, "name", "As the option `engine` takes it", "pocketsphinx"),
    SC_SHOW(TEXT, "version", "Of the engine", "5.0"),
    SC_SHOW(BOOL, "usable", "It can run here", "true"),
    SC_SHOW(TEXT, "reason", "What to do when it cannot, or has no model", ""),
    SC_SHOW(INT, "max_chunk_s", "Longest piece that it takes, in seconds", "30"),
    SC_SHOW(INT, "window_s",
            "Seconds of sound that short stretches of speech are packed into; 0: they are not",
            "30"),
    SC_SHOW(INT, "aim_chunk_s", "The length that pieces are cut to where silence allows", "20"),
    SC_SHOW(INT, "batch", "Pieces that it takes at once", "1"),
    SC_SHOW(INT, "threads", "Threads that it uses", "1"),
    SC_SHOW(INT, "concurrency", "Pieces at work at once, at most; 0: no limit", "0"),
    SC_SHOW(BOOL, "word_times", "It tells the time of each word", "true"),
    SC_SHOW(TEXTS, "languages", "What it recognises; none: whatever its model does", "[\"en\"]"),
    SC_SHOW(TEXTS, "options", "Job options that it takes of those that not every engine does",
            "[]"),
    SC_SHOW(TEXT, "default_model", "The model unless one is given", "en-us"),
    SC_SHOW(TEXTS, "models",
            "The models that it can have, one that ends in `/` for all that begin so",
            "[\"en-us\"]"),
    SC_SHOW(BOOL, "model_paths", "It takes the full path of a model too", "true"),
    SC_SHOW(
        BOOL, "models_known",
        "false: only the program or server behind it knows its models, so that a job's model is "
        "not looked at before it runs",
        "true"),
    SC_SHOW(TEXT, "sends_to", "The address of another host that recordings are sent to", ""),
    SC_SHOW(TEXT, "note", "What else is to be known", ""),
    SC_SHOW(BOOL, "model_files", "Its models are those of `GET /api/models`", "false"),
    SC_SHOW(
        BOOL, "ready",
        "A job that names this engine and no model can run: it is usable and has the model that "
        "it needs",
        "true"),
    SC_SHOW(BOOL, "default", "Jobs that name no engine use it", "true"),
    SC_SHOW(REAL_OR_NULL, "speed", "Of your completed jobs, in times real time", "3.4"),
};
static const struct sc_json_shape engine_shape = { .name = "Engine",
                                                   SC_SHAPE_FIELDS(engine_fields) };
static const struct sc_json_field engines_fields[] = {
    SC_SHOW_OF(LIST, "engines", &engine_shape, "All of them"),
    SC_SHOW(TEXT_OR_NULL, "default_engine",
            "What the setting `engine.default` means now; null: that cannot run here",
            "pocketsphinx"),
    SC_SHOW(TEXT, "default_reason", "Why it is not a better one, or none", ""),
};
const struct sc_json_shape sc_shape_engines = { .name = "Engines",
                                                SC_SHAPE_FIELDS(engines_fields) };

SC_API_DOC(engine_list) = { .replies = { { 200, &sc_shape_engines } } };
