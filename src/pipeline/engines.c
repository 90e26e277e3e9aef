/* The engines of this host, as `scripta-media engines --json` tells them: asked at start, on a
 * thread of its own, so that the server listens before FFmpeg and the engines are even loaded; and
 * again once the models folder has changed. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/process.h"
#include "json/reader.h"

#include "base/banned.h"

#define ANSWER_WAIT_MS 20000
#define ASK_MS 60000      /* far beyond what loading FFmpeg takes */
#define ASK_AGAIN_MS 2000 /* after a failure */

/* What `auto` may mean, best first: those that hear on this machine and need nobody's settings. */
static const char *const candidates[] = { "whisper", "pocketsphinx" };

static enum sc_code ask(const struct sc_config *config, struct sc_buf *out, struct sc_error *err)
{
    static const char *const argv[] = { "scripta-media", "engines", "--json",
                                        "--settings",    "3",       NULL };
    SC_AUTO_BUF pairs = { 0 };
    SC_AUTO_CLOSE int settings = -1;
    int status = 0;
    sc_config_hand_over(config, &pairs);
    enum sc_code code = sc_process_bytes(pairs.ptr, pairs.len, &settings, err);
    if (code == SC_OK)
        code = sc_process_ask(argv, settings, ASK_MS, out, &status, err);
    if (code == SC_OK && (status != 0 || out->failed)) {
        return sc_error_set(err, SC_E_ENGINE_UNAVAILABLE,
                            "scripta-media cannot list its engines (status %d)", status);
    }
    return code;
}

static void copy_member(char *out, size_t size, const struct sc_json_value *row, const char *key)
{
    (void)snprintf(out, size, "%s", sc_json_get_text(sc_json_member(row, key), ""));
}

static void copy_list(char *out, size_t size, const struct sc_json_value *list)
{
    size_t used = 0;
    for (size_t i = 0; list != NULL && i < sc_json_count(list); i++) {
        int n = snprintf(out + used, size - used, "%s%s,", used == 0 ? "," : "",
                         sc_json_get_text(sc_json_at(list, i), ""));
        used = SC_MIN(used + (size_t)n, size - 1);
    }
}

static enum sc_code parse_rows(struct sc_engines *e, struct sc_str text, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(text, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *list = sc_json_member(sc_json_root(doc), "engines");
    size_t n = list == NULL ? 0 : sc_json_count(list);
    for (size_t i = 0; i < n && e->count < SC_ENGINES_MAX; i++) {
        const struct sc_json_value *v = sc_json_at(list, i);
        struct sc_engine_row *row = &e->rows[e->count++];
        copy_member(row->name, sizeof(row->name), v, "name");
        copy_member(row->version, sizeof(row->version), v, "version");
        copy_member(row->default_model, sizeof(row->default_model), v, "default_model");
        copy_member(row->reason, sizeof(row->reason), v, "reason");
        copy_member(row->sends_to, sizeof(row->sends_to), v, "sends_to");
        copy_list(row->languages, sizeof(row->languages), sc_json_member(v, "languages"));
        copy_list(row->options, sizeof(row->options), sc_json_member(v, "options"));
        copy_list(row->models, sizeof(row->models), sc_json_member(v, "models"));
        row->usable = sc_json_get_bool(sc_json_member(v, "usable"), false);
        row->model_files = sc_json_get_bool(sc_json_member(v, "model_files"), false);
        row->max_chunk_s = (int)sc_json_get_int(sc_json_member(v, "max_chunk_s"), 30);
        row->aim_chunk_s = (int)sc_json_get_int(sc_json_member(v, "aim_chunk_s"), 0);
    }
    return SC_OK;
}

static void *load(void *ctx)
{
    struct sc_engines *e = ctx;
    SC_AUTO_BUF answer = { 0 };
    struct sc_error err = { 0 };
    /* Before: what changes meanwhile is found by whoever asks next. */
    uint64_t stamp = sc_models_stamp(e->config);
    enum sc_code code = ask(e->config, &answer, &err);
    SC_LOCK(&e->lock);
    e->stamp = stamp;
    if (code == SC_OK)
        code = parse_rows(e, sc_buf_str(&answer), &err);
    if (code == SC_OK)
        e->json = sc_buf_take(&answer);
    else
        e->failure = err;
    e->loaded = true;
    e->loaded_ms = sc_clock_mono_ms();
    sc_assert(pthread_cond_broadcast(&e->changed) == 0);
    return NULL;
}

void sc_engines_start(struct sc_engines *e)
{
    e->started = pthread_create(&e->thread, NULL, load, e) == 0;
    sc_assert(e->started);
}

void sc_engines_done(struct sc_engines *e)
{
    if (e->started)
        (void)pthread_join(e->thread, NULL);
    free(e->json);
    (void)pthread_cond_destroy(&e->changed);
    (void)pthread_mutex_destroy(&e->lock);
}

/* Its thread has let go of the lock for good once `loaded` is set, so that it may be joined here.
 */
static void ask_again_locked(struct sc_engines *e)
{
    (void)pthread_join(e->thread, NULL);
    e->loaded = false;
    e->failure = (struct sc_error){ 0 };
    e->count = 0;
    free(SC_TAKE(e->json));
    sc_engines_start(e);
}

/* A list that could not be had is the trouble of this machine, and of no job. */
static enum sc_code wait_loaded_locked(struct sc_engines *e, struct sc_error *err)
{
    bool failed = e->loaded && e->failure.code != SC_OK;
    bool stale = failed ? sc_clock_mono_ms() - e->loaded_ms >= ASK_AGAIN_MS
                        : e->loaded && e->stamp != sc_models_stamp(e->config);
    if (stale)
        ask_again_locked(e);
    int64_t deadline = sc_clock_mono_ms() + ANSWER_WAIT_MS;
    while (!e->loaded) {
        if (!sc_cond_wait(&e->changed, &e->lock, deadline) && !e->loaded)
            return sc_error_set(err, SC_E_IO_ERROR, "scripta-media does not list its engines");
    }
    if (e->failure.code == SC_OK)
        return SC_OK;
    return sc_error_set(err, SC_E_IO_ERROR, "cannot list the engines: %s", e->failure.msg);
}

static void list_names(const struct sc_engines *e, bool usable, struct sc_buf *out)
{
    for (size_t i = 0; i < e->count; i++) {
        if (e->rows[i].usable == usable)
            sc_buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", e->rows[i].name);
    }
}

static const struct sc_engine_row *find_row(const struct sc_engines *e, const char *name)
{
    for (size_t i = 0; i < e->count; i++) {
        if (strcmp(e->rows[i].name, name) == 0)
            return &e->rows[i];
    }
    return NULL;
}

/* The best that can run here; why better ones were passed over goes with it. */
static enum sc_code choose(const struct sc_engines *e, struct sc_engine_row *out,
                           struct sc_error *err)
{
    SC_AUTO_BUF why = { 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(candidates); i++) {
        const struct sc_engine_row *row = find_row(e, candidates[i]);
        bool lacks_model = row != NULL && row->default_model[0] == '\0';
        if (row != NULL && row->usable && !lacks_model) {
            *out = *row;
            (void)snprintf(out->passed_over, sizeof(out->passed_over), "%s", sc_buf_text(&why));
            return SC_OK;
        }
        if (row != NULL)
            sc_buf_printf(&why, "%s%s %s%s", why.len == 0 ? "" : "; ", row->name,
                          row->usable ? "" : "cannot run here: ", row->reason);
    }
    return sc_error_field(err, SC_E_ENGINE_UNAVAILABLE, "engine", "%s", sc_buf_text(&why));
}

enum sc_code sc_engines_get(struct sc_engines *e, const char *name, struct sc_engine_row *out,
                            struct sc_error *err)
{
    SC_LOCK(&e->lock);
    enum sc_code code = wait_loaded_locked(e, err);
    if (code != SC_OK)
        return code;
    if (strcmp(name, SC_ENGINE_AUTO) == 0)
        return choose(e, out, err);
    const struct sc_engine_row *row = find_row(e, name);
    if (row != NULL && !row->usable) {
        return sc_error_field(err, SC_E_ENGINE_UNAVAILABLE, "engine",
                              "engine '%s' cannot run here: %s", name, row->reason);
    }
    if (row != NULL) {
        *out = *row;
        return SC_OK;
    }
    SC_AUTO_BUF ready = { 0 };
    SC_AUTO_BUF others = { 0 };
    list_names(e, true, &ready);
    list_names(e, false, &others);
    return sc_error_field(err, SC_E_ENGINE_UNAVAILABLE, "engine",
                          "no engine is called '%.40s'; there are: " SC_ENGINE_AUTO
                          "%s%.80s%s%.80s",
                          name, ready.len == 0 ? "" : ", ", sc_buf_text(&ready),
                          others.len == 0 ? "" : "; and, not set up here, ", sc_buf_text(&others));
}

bool sc_engines_are_known(struct sc_engines *e)
{
    SC_LOCK(&e->lock);
    return e->loaded && e->failure.code == SC_OK;
}

bool sc_engine_row_takes(const struct sc_engine_row *row, const char *option)
{
    char wanted[40];
    (void)snprintf(wanted, sizeof(wanted), ",%s,", option);
    return strstr(row->options, wanted) != NULL;
}

void sc_engines_taking(struct sc_engines *e, const char *option, struct sc_buf *out)
{
    SC_LOCK(&e->lock);
    for (size_t i = 0; i < e->count; i++) {
        if (e->rows[i].usable && sc_engine_row_takes(&e->rows[i], option))
            sc_buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", e->rows[i].name);
    }
}

enum sc_code sc_engines_json(struct sc_engines *e, struct sc_buf *out, struct sc_error *err)
{
    SC_LOCK(&e->lock);
    enum sc_code code = wait_loaded_locked(e, err);
    if (code == SC_OK)
        sc_buf_puts(out, e->json);
    return code;
}
