/* The engines of this host, as `scripta-media engines --json` tells them: asked at start, on a
 * thread of its own, so that the server listens before FFmpeg and the engines are even loaded; and
 * again once the models folder has changed. The table stays until there is another one; nobody asks
 * a program or a folder anything under the lock. */

#include "pipeline/pipeline-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/process.h"
#include "json/reader.h"

#include "base/banned.h"

#define ANSWER_WAIT_MS 20000
#define ASK_MS 60000      /* far beyond what loading FFmpeg takes */
#define ASK_AGAIN_MS 2000 /* after a failure */
#define PATIENCE_MS 5000

static void table_free(struct sc_engine_table *t)
{
    if (t == NULL)
        return;
    free(t->json);
    free(t);
}
SC_DEFINE_FREEP(struct sc_engine_table, table_free);

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

static enum sc_code parse_rows(struct sc_engine_table *t, struct sc_str text, struct sc_error *err)
{
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    enum sc_code code = sc_json_parse(text, &doc, err);
    if (code != SC_OK)
        return code;
    const struct sc_json_value *list = sc_json_member(sc_json_root(doc), "engines");
    size_t n = list == NULL ? 0 : sc_json_count(list);
    for (size_t i = 0; i < n && t->count < SC_ENGINES_MAX; i++) {
        const struct sc_json_value *v = sc_json_at(list, i);
        struct sc_engine_row *row = &t->rows[t->count++];
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
        int64_t window_s = sc_json_get_int(sc_json_member(v, "window_s"), 0);
        row->window_s = (int)SC_MAX(0, SC_MIN(window_s, SC_PACK_MAX_S));
    }
    return SC_OK;
}

static enum sc_code make_table(const struct sc_config *config, struct sc_engine_table **out,
                               struct sc_error *err)
{
    SC_AUTO(table_freep) struct sc_engine_table *made = sc_alloc(sizeof(*made));
    SC_AUTO_BUF answer = { 0 };
    /* Before: what changes meanwhile is found by whoever asks next. */
    made->stamp = sc_models_stamp(config);
    enum sc_code code = ask(config, &answer, err);
    if (code == SC_OK)
        code = parse_rows(made, sc_buf_str(&answer), err);
    if (code != SC_OK)
        return code;
    made->json = sc_buf_take(&answer);
    *out = SC_TAKE(made);
    return SC_OK;
}

static void *load(void *ctx)
{
    struct sc_engines *e = ctx;
    SC_AUTO(table_freep) struct sc_engine_table *table = NULL;
    struct sc_error err = { 0 };
    enum sc_code code = make_table(e->config, &table, &err);
    SC_LOCK(&e->lock);
    if (code == SC_OK) {
        struct sc_engine_table *before = e->table;
        e->table = table;
        table = before;
    }
    e->failure = err;
    e->asking = false;
    e->answered_ms = sc_clock_mono_ms();
    sc_assert(pthread_cond_broadcast(&e->changed) == 0);
    return NULL;
}

/* A thread that is not asking any more has let go of the lock for good, so that it may be joined
 * here. */
static void ask_locked(struct sc_engines *e)
{
    if (e->started)
        (void)pthread_join(e->thread, NULL);
    e->asking = true;
    e->round++;
    e->asked_ms = sc_clock_mono_ms();
    e->started = pthread_create(&e->thread, NULL, load, e) == 0;
    sc_assert(e->started);
}

void sc_engines_init(struct sc_engines *e, const struct sc_config *config)
{
    *e = (struct sc_engines){ .config = config, .patience_ms = PATIENCE_MS };
    sc_assert(pthread_mutex_init(&e->lock, NULL) == 0);
    sc_cond_init(&e->changed);
}

void sc_engines_start(struct sc_engines *e)
{
    SC_LOCK(&e->lock);
    ask_locked(e);
}

void sc_engines_done(struct sc_engines *e)
{
    if (e->started)
        (void)pthread_join(e->thread, NULL);
    table_free(e->table);
    (void)pthread_cond_destroy(&e->changed);
    (void)pthread_mutex_destroy(&e->lock);
}

static bool is_fresh_locked(const struct sc_engines *e, uint64_t stamp)
{
    return e->table != NULL && e->table->stamp == stamp;
}

/* Is it to be asked, for a folder of that stamp? */
static bool is_due_locked(const struct sc_engines *e, uint64_t stamp)
{
    if (e->asking)
        return false;
    if (e->failure.code != SC_OK)
        return sc_clock_mono_ms() - e->answered_ms >= ASK_AGAIN_MS;
    return !is_fresh_locked(e, stamp);
}

/* A table; of that stamp, if that can be had without a long wait. One that was asked for since is
 * not older, whatever its stamp: who has seen an earlier folder does not ask for ever. None that
 * could be had is the trouble of this machine, and of no job. */
static enum sc_code await_table_locked(struct sc_engines *e, uint64_t stamp, struct sc_error *err)
{
    int64_t deadline = 0;
    const uint64_t round = e->round;
    for (;;) {
        if (e->round == round && is_due_locked(e, stamp))
            ask_locked(e);
        if (!e->asking || is_fresh_locked(e, stamp))
            break;
        if (deadline == 0)
            deadline = e->table == NULL ? sc_clock_mono_ms() + ANSWER_WAIT_MS
                                        : e->asked_ms + e->patience_ms;
        if (!sc_cond_wait(&e->changed, &e->lock, deadline) && e->asking)
            break;
    }
    if (e->table != NULL)
        return SC_OK;
    if (e->asking)
        return sc_error_set(err, SC_E_IO_ERROR, "scripta-media does not list its engines");
    return sc_error_set(err, SC_E_IO_ERROR, "cannot list the engines: %s", e->failure.msg);
}

static void list_names(const struct sc_engine_table *t, bool usable, struct sc_buf *out)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->rows[i].usable == usable)
            sc_buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", t->rows[i].name);
    }
}

static const struct sc_engine_row *find_row(const struct sc_engine_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].name, name) == 0)
            return &t->rows[i];
    }
    return NULL;
}

/* The best that can run here; why better ones were passed over goes with it. */
static enum sc_code choose(const struct sc_engine_table *t, struct sc_engine_row *out,
                           struct sc_error *err)
{
    SC_AUTO_BUF why = { 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(candidates); i++) {
        const struct sc_engine_row *row = find_row(t, candidates[i]);
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
    uint64_t stamp = sc_models_stamp(e->config);
    SC_LOCK(&e->lock);
    enum sc_code code = await_table_locked(e, stamp, err);
    if (code != SC_OK)
        return code;
    if (strcmp(name, SC_ENGINE_AUTO) == 0)
        return choose(e->table, out, err);
    const struct sc_engine_row *row = find_row(e->table, name);
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
    list_names(e->table, true, &ready);
    list_names(e->table, false, &others);
    return sc_error_field(err, SC_E_ENGINE_UNAVAILABLE, "engine",
                          "no engine is called '%.40s'; there are: " SC_ENGINE_AUTO
                          "%s%.80s%s%.80s",
                          name, ready.len == 0 ? "" : ", ", sc_buf_text(&ready),
                          others.len == 0 ? "" : "; and, not set up here, ", sc_buf_text(&others));
}

bool sc_engines_are_known(struct sc_engines *e)
{
    SC_LOCK(&e->lock);
    return e->table != NULL;
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
    for (size_t i = 0; e->table != NULL && i < e->table->count; i++) {
        const struct sc_engine_row *row = &e->table->rows[i];
        if (row->usable && sc_engine_row_takes(row, option))
            sc_buf_printf(out, "%s%s", out->len == 0 ? "" : ", ", row->name);
    }
}

enum sc_code sc_engines_json(struct sc_engines *e, struct sc_buf *out, struct sc_error *err)
{
    uint64_t stamp = sc_models_stamp(e->config);
    SC_LOCK(&e->lock);
    enum sc_code code = await_table_locked(e, stamp, err);
    if (code == SC_OK)
        sc_buf_puts(out, e->table->json);
    return code;
}
