#include "media/engine-cache.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "models/models.h"

#include <malloc.h>
#include <string.h>

#include "base/banned.h"

#define MB 1000000

static void close_row(struct engine_cache *c, size_t i)
{
    struct engine_open *row = &c->rows[i];
    SC_LOG(INFO, "worker", "model let go", SC_S("engine", row->engine->name),
           SC_S("model", row->model));
    row->engine->close(row->state);
    free(row->model);
    free(row->path);
    free(row->options);
    c->count--;
    memmove(row, row + 1, (c->count - i) * sizeof(*row));
    (void)malloc_trim(0); /* else its memory stays ours */
}

void engine_cache_close(struct engine_cache *c)
{
    while (c->count > 0)
        close_row(c, c->count - 1);
}

/* The file of a model, nothing for engines without such. One that was replaced under its name is
 * another model: of a job whose first chunks one has heard, the other hears none. Its time tells on
 * the machine of the server alone; of copies on two machines only sums are compared. */
static enum sc_code find_file(const struct sc_config *config, const struct engine_wanted *wanted,
                              struct sc_model *out, struct sc_error *err)
{
    struct sc_engine_caps caps;
    wanted->engine->caps(config, &caps);
    if (!caps.model_files)
        return SC_OK;
    enum sc_code code = sc_models_find(config, wanted->model, out, err);
    if (code != SC_OK)
        return code;
    bool same = wanted->is_local ? sc_model_is_still(out, wanted->hash)
                                 : sc_model_may_be(out, wanted->hash);
    return same ? SC_OK
                : sc_error_field(err, SC_E_MODEL_ERROR, "model",
                                 "the model '%.80s' was replaced after this job was made, or is "
                                 "another one on this worker's machine: submit the recording again",
                                 wanted->model);
}

static bool is_file(const struct engine_open *row, const struct sc_model *m)
{
    return strcmp(row->path, m->path == NULL ? "" : m->path) == 0 &&
           sc_model_is_still(m, row->identity.text);
}

static bool is_model(const struct engine_open *row, const struct sc_engine_ops *engine,
                     const char *model)
{
    return row->engine == engine && strcmp(row->model, model) == 0;
}

/* Takes the open one out of the list, into *out; one of other bytes goes. */
static void take_out(struct engine_cache *c, const struct engine_wanted *wanted,
                     const struct sc_model *m, struct engine_open *out)
{
    for (size_t i = 0; i < c->count; i++) {
        if (!is_model(&c->rows[i], wanted->engine, wanted->model))
            continue;
        if (!is_file(&c->rows[i], m)) {
            close_row(c, i);
            return;
        }
        *out = c->rows[i];
        c->count--;
        memmove(&c->rows[i], &c->rows[i + 1], (c->count - i) * sizeof(*c->rows));
        return;
    }
}

static int64_t bytes_of(const struct engine_cache *c)
{
    int64_t sum = 0;
    for (size_t i = 0; i < c->count; i++)
        sum += c->rows[i].bytes;
    return sum;
}

static void close_oldest(struct engine_cache *c)
{
    size_t oldest = 0;
    for (size_t i = 1; i < c->count; i++) {
        if (c->rows[i].used_ms < c->rows[oldest].used_ms)
            oldest = i;
    }
    close_row(c, oldest);
}

/* Bytes that it takes for all of these jobs, and took for others before. */
static enum sc_code needs_of(const struct engine_cache *c, const struct engine_wanted *wanted,
                             struct engine_open *row, int64_t *out, struct sc_error *err)
{
    *out = row->bytes;
    for (size_t i = 0; wanted->engine->memory != NULL && i < wanted->count; i++) {
        int64_t needs = 0;
        if (row->options != NULL && strcmp(row->options, wanted->options[i]) == 0)
            continue;
        enum sc_code code =
            wanted->engine->memory(c->config, wanted->model, wanted->options[i], &needs, err);
        if (code != SC_OK)
            return code;
        *out = SC_MAX(*out, needs);
        free(row->options);
        row->options = sc_strdup(wanted->options[i]);
    }
    return SC_OK;
}

static enum sc_code refuse(const struct engine_cache *c, const struct engine_wanted *wanted,
                           int64_t needs, struct sc_error *err)
{
    int64_t plain = 0, may = sc_models_budget(c->config);
    enum sc_code code = wanted->engine->memory(c->config, wanted->model, "", &plain, err);
    if (code != SC_OK)
        return code;
    return sc_error_field(err, SC_E_MODEL_ERROR, plain > may ? "model" : "beam_size",
                          "the model '%.80s' needs %lld MB of memory%s and a worker may spend "
                          "%lld MB: %s, or raise engine.memory",
                          wanted->model, (long long)(needs / MB),
                          plain > may ? "" : " with the job's beam_size, best_of and chunk_length",
                          (long long)(may / MB),
                          plain > may ? "choose a smaller one" : "take less of them");
}

/* Room for a model that takes `needs` bytes, and is not in the list. */
static enum sc_code make_room(struct engine_cache *c, const struct engine_wanted *wanted,
                              int64_t needs, struct sc_error *err)
{
    int64_t may = sc_models_budget(c->config);
    if (needs > may)
        return refuse(c, wanted, needs, err);
    while (c->count > 0 && (c->count == ENGINE_CACHE_MAX || bytes_of(c) > may - needs))
        close_oldest(c);
    return SC_OK;
}

static enum sc_code load(struct engine_cache *c, const struct engine_wanted *wanted,
                         const struct sc_engine_stop *stop, struct engine_open *row,
                         struct sc_error *err)
{
    SC_AUTO_MODEL loaded = { 0 };
    int64_t begun = sc_clock_mono_ms();
    enum sc_code code = wanted->engine->open(c->config, wanted->model, stop, &row->state, err);
    if (code != SC_OK)
        return code;
    code = find_file(c->config, wanted, &loaded, err);
    if (code == SC_OK && !is_file(row, &loaded))
        code = sc_error_field(err, SC_E_MODEL_ERROR, "model",
                              "the model '%.80s' was replaced while it was loaded: submit the "
                              "recording again",
                              wanted->model);
    if (code != SC_OK) {
        wanted->engine->close(SC_TAKE(row->state));
        return code;
    }
    row->engine = wanted->engine;
    row->used_ms = sc_clock_mono_ms();
    row->load_ms = row->used_ms - begun;
    row->model = sc_strdup(wanted->model);
    SC_LOG(INFO, "worker", "model loaded", SC_S("engine", row->engine->name),
           SC_S("model", row->model), SC_I("ms", row->load_ms), SC_I("expected_bytes", row->bytes));
    return SC_OK;
}

enum sc_code engine_cache_get(struct engine_cache *c, const struct engine_wanted *wanted,
                              const struct sc_engine_stop *stop, struct engine_open **out,
                              struct sc_error *err)
{
    struct engine_open row = { 0 };
    SC_AUTO_MODEL m = { 0 };
    int64_t needs = 0;
    enum sc_code code = find_file(c->config, wanted, &m, err);
    if (code != SC_OK)
        return code;
    take_out(c, wanted, &m, &row);
    if (row.state == NULL) {
        row.path = sc_strdup(m.path == NULL ? "" : m.path);
        row.identity = m.path == NULL ? (struct sc_model_identity){ 0 } : sc_model_identify(&m);
    }
    code = needs_of(c, wanted, &row, &needs, err);
    if (code == SC_OK)
        code = make_room(c, wanted, needs, err);
    if (code == SC_OK)
        row.bytes = needs;
    if (code == SC_OK && row.state == NULL)
        code = load(c, wanted, stop, &row, err);
    if (code != SC_OK) /* what was refused is counted again */
        free(SC_TAKE(row.options));
    if (row.state == NULL) {
        free(row.path);
        return code;
    }
    c->rows[c->count] = row;
    *out = &c->rows[c->count++];
    return code;
}

void engine_cache_used(struct engine_open *open)
{
    open->used_ms = sc_clock_mono_ms();
}

bool engine_cache_expire(struct engine_cache *c)
{
    size_t before = c->count;
    int64_t now = sc_clock_mono_ms();
    for (size_t i = c->count; i > 0; i--) {
        if (now - c->rows[i - 1].used_ms >= c->config->engine_keep)
            close_row(c, i - 1);
    }
    return c->count < before;
}

int64_t engine_cache_next_ms(const struct engine_cache *c)
{
    int64_t next = -1;
    for (size_t i = 0; i < c->count; i++) {
        int64_t end = c->rows[i].used_ms + c->config->engine_keep;
        next = next < 0 ? end : SC_MIN(next, end);
    }
    return next;
}
