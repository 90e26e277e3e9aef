/* From options to a job: engine and model are resolved, the dedupe key is made, the row is written.
 */

#include "pipeline/archive.h"
#include "pipeline/plan.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/language.h"
#include "vad/chain.h"

#include "base/banned.h"

#define LANGUAGES_TOLD 60 /* bytes of a sentence */

void sc_plan_done(struct sc_plan *plan)
{
    sc_buf_done(&plan->settings);
    sc_buf_done(&plan->identity);
}

/* "en" and "en-US" for an engine that knows en; anything for one that tells no languages. */
static bool knows_language(const struct sc_engine_row *row, const char *language)
{
    char spelt[SC_LANGUAGE_TEXT];
    return row->languages[0] == '\0' || language[0] == '\0' || strcmp(language, "auto") == 0 ||
           sc_language_as(row->languages, language, spelt);
}

/* Whether some worker has the folder of a full path shows when it is opened. */
static bool may_have_model(const struct sc_engine_row *row, struct sc_str model)
{
    struct sc_str rest = sc_str_from(row->models);
    if (rest.len == 0 || model.len == 0)
        return true;
    while (rest.len > 0) {
        struct sc_str one = sc_str_take_until(&rest, ',');
        bool begins = sc_str_ends(one, SC_STR("/")) && sc_str_starts(model, one);
        if (begins || sc_str_equal(model, one))
            return true;
    }
    return false;
}

static enum sc_code check_model(const struct sc_engine_row *row,
                                const struct sc_job_options *options, struct sc_error *err)
{
    SC_AUTO_BUF models = { 0 };
    const char *model = sc_job_options_text(options, "model");
    struct sc_str rest = sc_str_from(row->models);
    if (may_have_model(row, sc_str_from(model)))
        return SC_OK;
    while (rest.len > 0) {
        struct sc_str one = sc_str_take_until(&rest, ',');
        if (one.len == 0)
            continue;
        sc_buf_puts(&models, models.len == 0 ? "" : ", or ");
        sc_buf_put_str(&models, sc_str_equal(one, SC_STR("/")) ? SC_STR("a full path") : one);
    }
    return sc_error_field(err, SC_E_MODEL_ERROR, "model",
                          "engine '%s' has no model '%.80s': say %s, or choose another engine",
                          row->name, model, sc_buf_text(&models));
}

/* Says so by name, and which engines would take it. */
static enum sc_code refuse_option(struct sc_engines *engines, const struct sc_engine_row *row,
                                  const char *option, struct sc_error *err)
{
    SC_AUTO_BUF others = { 0 };
    sc_engines_taking(engines, option, &others);
    if (others.len == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, option,
                              "engine '%s' takes no %s, nor does any that can run here: leave it "
                              "out",
                              row->name, option);
    return sc_error_field(err, SC_E_INVALID_VALUE, option,
                          "engine '%s' takes no %s: leave it out, or use %.100s", row->name, option,
                          sc_buf_text(&others));
}

static enum sc_code check_abilities(struct sc_engines *engines,
                                    const struct sc_job_options *options,
                                    const struct sc_engine_row *row, struct sc_error *err)
{
    const char *language = sc_job_options_text(options, "language");
    if (!knows_language(row, language)) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "language",
                              "engine '%s' does not know language '%s', only %.*s: choose another "
                              "engine, or leave language out",
                              row->name, language, (int)SC_MIN(strlen(row->languages) - 2, 100),
                              row->languages + 1);
    }
    bool wants_language = strcmp(language, "auto") != 0 && row->languages[0] == '\0';
    if (wants_language && !sc_engine_row_takes(row, "language"))
        return refuse_option(engines, row, "language", err);
    if (sc_job_options_given(options, "model") && !sc_engine_row_takes(row, "model"))
        return refuse_option(engines, row, "model", err);
    if (strcmp(sc_job_options_text(options, "task"), "translate") == 0 &&
        !sc_engine_row_takes(row, "translate"))
        return sc_error_field(err, SC_E_INVALID_VALUE, "task",
                              "engine '%s' cannot translate: use task transcribe", row->name);
    const struct sc_job_option *option = sc_job_options_next_by_engine(options, NULL);
    for (; option != NULL; option = sc_job_options_next_by_engine(options, option)) {
        if (!sc_engine_row_takes(row, option->name))
            return refuse_option(engines, row, option->name, err);
    }
    return SC_OK;
}

/* Chunks are whole seconds, as long as the engine takes them at most. */
static enum sc_code check_length(const struct sc_job_options *options,
                                 const struct sc_engine_row *row, struct sc_error *err)
{
    int64_t ms = sc_job_options_int(options, "chunk_length");
    if (ms % 1000 != 0) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "chunk_length",
                              "chunk_length must be whole seconds");
    }
    if (sc_job_options_bool(options, "sequential")) {
        if (ms / 1000 <= SC_CHAIN_PART_MAX_S)
            return SC_OK;
        return sc_error_field(err, SC_E_INVALID_VALUE, "chunk_length",
                              "the parts of a sequential job are at most %d s long: leave "
                              "chunk_length out, or make it shorter",
                              SC_CHAIN_PART_MAX_S);
    }
    if (ms / 1000 > row->max_chunk_s) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "chunk_length",
                              "engine '%s' takes at most %d s at once: leave chunk_length out, or "
                              "make it shorter",
                              row->name, row->max_chunk_s);
    }
    return SC_OK;
}

enum sc_code sc_plan_check_sound(const struct sc_job_options *options, int channels,
                                 struct sc_error *err)
{
    const char *text = sc_job_options_text(options, "channels");
    int wanted = text[0] >= '1' && text[0] <= '8' ? text[0] - '0' : 0;
    bool split = strcmp(text, "split") == 0;
    if (channels <= 0 || (wanted <= channels && !(split && channels > SC_STREAMS_MAX)))
        return SC_OK;
    if (split) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "channels",
                              "the recording has %d channels and at most %d can be split: choose "
                              "mix, or one of the first %d",
                              channels, SC_STREAMS_MAX, SC_STREAMS_MAX);
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, "channels",
                          "channel %d is asked for and the recording has %s: choose mix, split, or "
                          "a channel that is there",
                          wanted,
                          channels == 1   ? "only one"
                          : channels == 2 ? "two"
                                          : "fewer");
}

/* As the worker will count. What the job's own options cost is told apart from the model. */
static enum sc_code check_memory(const struct sc_config *config, const struct sc_model *m,
                                 const struct sc_job_options *options, struct sc_error *err)
{
    SC_AUTO_BUF settings = { 0 };
    struct sc_whisper_use use, plain;
    sc_job_options_canonical(options, &settings);
    sc_models_use(config, sc_buf_text(&settings), &use);
    sc_models_use(config, "", &plain);
    int64_t needs = sc_model_memory(m, &use), may = sc_models_budget(config);
    if (needs <= may)
        return SC_OK;
    if (sc_model_memory(m, &plain) > may)
        return sc_error_field(err, SC_E_MODEL_ERROR, "model",
                              "the model '%.80s' needs %lld MB of memory and a worker may spend "
                              "%lld MB: choose a smaller one, or raise engine.memory",
                              m->name, (long long)(needs / 1000000), (long long)(may / 1000000));
    int clip_s = use.clip_s;
    use.clip_s = plain.clip_s;
    if (sc_model_memory(m, &use) <= may)
        return sc_error_field(err, SC_E_INVALID_VALUE, "chunk_length",
                              "for %d s of sound at a time the model '%.80s' needs %lld MB of "
                              "memory and a worker may spend %lld MB: make chunk_length shorter, "
                              "or raise engine.memory",
                              clip_s, m->name, (long long)(needs / 1000000),
                              (long long)(may / 1000000));
    const char *field = use.beam > use.best_of ? "beam_size" : "best_of";
    return sc_error_field(err, SC_E_INVALID_VALUE, field,
                          "with %s %d the model '%.80s' needs %lld MB of memory and a worker may "
                          "spend %lld MB: take less, or raise engine.memory",
                          field, SC_MAX(use.beam, use.best_of), m->name,
                          (long long)(needs / 1000000), (long long)(may / 1000000));
}

static bool is_english(const struct sc_model *m)
{
    return m->is_known && m->facts.languages == 1;
}

/* What can be seen of a model file before anything is opened. */
static enum sc_code check_file(const struct sc_config *config, const struct sc_model *m,
                               const struct sc_job_options *options, struct sc_error *err)
{
    const char *language = sc_job_options_text(options, "language");
    bool english = is_english(m);
    if (!sc_model_knows(m, language)) {
        SC_AUTO_BUF known = { 0 };
        sc_model_languages(m, LANGUAGES_TOLD, &known);
        return sc_error_field(err, SC_E_INVALID_VALUE, "language",
                              "the model '%.60s' knows %s, not '%s': name another with model, or "
                              "leave language out",
                              m->name, english ? "English alone" : sc_buf_text(&known), language);
    }
    if (english && sc_job_options_bool(options, "multilingual"))
        return sc_error_field(err, SC_E_INVALID_VALUE, "multilingual",
                              "the model '%.60s' knows English alone: leave multilingual out, or "
                              "name another with model",
                              m->name);
    if (english && strcmp(sc_job_options_text(options, "task"), "translate") == 0)
        return sc_error_field(err, SC_E_INVALID_VALUE, "task",
                              "the model '%.80s' knows English alone and cannot translate: name "
                              "another with model",
                              m->name);
    return check_memory(config, m, options, err);
}

/* Whether some worker has what is not here shows when it is opened. */
static bool may_lie_elsewhere(const struct sc_config *config, const char *name)
{
    SC_AUTO_MODEL m = { 0 };
    return name[0] == '/' && sc_models_get(config, name, &m, NULL) == SC_E_NOT_FOUND;
}

static enum sc_code resolve_model(struct sc_pipelines *p, struct sc_job_options *options,
                                  const struct sc_engine_row *row, struct sc_plan *plan,
                                  struct sc_error *err)
{
    const struct sc_config *config = p->engines.config;
    SC_AUTO_MODEL m = { 0 };
    if (!row->model_files) {
        sc_job_options_resolve(options, "model", row->default_model);
        return check_model(row, options, err);
    }
    bool given = sc_job_options_given(options, "model");
    const char *name = given ? sc_job_options_text(options, "model") : "";
    bool many = strcmp(sc_job_options_text(options, "task"), "translate") == 0 ||
                sc_job_options_bool(options, "multilingual");
    enum sc_code code =
        given ? sc_models_find(config, name, &m, err)
              : sc_models_find_for(config, sc_job_options_text(options, "language"), many, &m, err);
    if (code == SC_E_MODEL_ERROR && may_lie_elsewhere(config, name))
        return SC_OK;
    if (code == SC_OK)
        code = check_file(config, &m, options, err);
    if (code != SC_OK)
        return code;
    if (name[0] != '/')
        sc_job_options_settle(options, "model", m.name);
    plan->model = sc_model_identify(&m);
    plan->is_english = is_english(&m);
    return SC_OK;
}

/* Where chunks are heard by themselves in a language that is not told, it is heard once for all of
 * them. Jobs of before do not say so: each of their chunks has its own. */
static void state_hearing(const struct sc_plan *plan, const struct sc_engine_row *row,
                          struct sc_job_options *options)
{
    bool hears = sc_engine_row_takes(row, "multilingual") && !plan->is_english &&
                 strcmp(sc_job_options_text(options, "language"), "auto") == 0;
    if (hears && !sc_job_options_bool(options, "sequential"))
        sc_job_options_state(options, "multilingual");
}

static enum sc_code resolve_engine(struct sc_pipelines *p, struct sc_job_options *options,
                                   struct sc_plan *plan, struct sc_error *err)
{
    struct sc_engine_row row;
    sc_job_options_resolve(options, "engine", sc_config_now(p->o.config)->engine_default);
    enum sc_code code =
        sc_engines_get(&p->engines, sc_job_options_text(options, "engine"), &row, err);
    if (code != SC_OK)
        return code;
    sc_job_options_settle(options, "engine", row.name);
    (void)snprintf(plan->version, sizeof(plan->version), "%s", row.version);
    plan->is_ours = row.model_files;
    code = check_abilities(&p->engines, options, &row, err);
    if (code == SC_OK)
        code = resolve_model(p, options, &row, plan, err);
    if (code == SC_OK)
        state_hearing(plan, &row, options);
    return code == SC_OK ? check_length(options, &row, err) : code;
}

enum sc_code sc_plan_make(struct sc_pipelines *p, int64_t owner_id, struct sc_job_options *options,
                          const char *key, struct sc_plan *plan, struct sc_error *err)
{
    const char *name = sc_job_options_text(options, "pipeline");
    const struct sc_pipeline_info *info = sc_pipeline_find(name);
    if (info == NULL) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "pipeline",
                              "no pipeline is called '%.40s'; there are: transcribe, noop", name);
    }
    if (info->needs_file) {
        enum sc_code code = resolve_engine(p, options, plan, err);
        if (code != SC_OK)
            return code;
    }
    sc_job_options_canonical(options, &plan->settings);
    sc_job_options_identity(options, plan->is_ours, &plan->identity);
    if (plan->settings.failed || plan->identity.failed)
        return sc_error_set(err, SC_E_INTERNAL, "no memory for the options");
    enum sc_class class = SC_CLASS_NORMAL;
    (void)sc_class_from_string(sc_job_options_text(options, "priority"), &class);
    plan->idempotency_key = key;
    plan->spec = (struct sc_job_spec){
        .owner_id = owner_id,
        .pipeline = info->name,
        .engine = info->needs_file ? sc_job_options_text(options, "engine") : "",
        .engine_version = plan->version,
        .model = info->needs_file ? sc_job_options_text(options, "model") : "",
        .model_hash = plan->model.text,
        .task = sc_job_options_text(options, "task"),
        .language = sc_job_options_text(options, "language"),
        .name = sc_job_options_text(options, "name"),
        .file_name = "",
        .settings = sc_buf_text(&plan->settings),
        .identity = sc_buf_text(&plan->identity),
        .is_ours = plan->is_ours,
        .force = sc_job_options_bool(options, "force"),
        .counted = info->counted,
        .class = class,
        .priority = (int)sc_job_options_int(options, "priority_order"),
        .run_after_ms = sc_job_options_int(options, "run_after"),
        .timeout_ms = sc_job_options_int(options, "timeout"),
        .max_failures = sc_job_options_given(options, "max_retries")
                            ? (int)sc_job_options_int(options, "max_retries") + 1
                            : 0,
        .first_stage = info->first_stage,
        .first_lane = info->first_lane,
    };
    return SC_OK;
}

enum sc_code sc_pipelines_check(struct sc_pipelines *p, int64_t owner_id,
                                struct sc_job_options *options, struct sc_error *err)
{
    SC_AUTO(sc_plan_done) struct sc_plan plan = { 0 };
    return sc_plan_make_for_file(p, owner_id, options, NULL, &plan, err);
}

/* A hash over parts, each behind its length, so that no two lists of parts look alike. */
static void hash_parts(const char *const *parts, size_t count, char out[SC_SHA256_TEXT])
{
    SC_AUTO(sc_hash_freep) struct sc_hash *sum = sc_hash_new();
    for (size_t i = 0; i < count; i++) {
        char length[24];
        int n = snprintf(length, sizeof(length), "%zu:", strlen(parts[i]));
        sc_hash_update(sum, length, (size_t)n);
        sc_hash_update(sum, parts[i], strlen(parts[i]));
        sc_hash_update(sum, "\n", 1);
    }
    sc_hash_hex(sum, out);
}

static void make_key(const struct sc_plan *plan, const char *hash, const char *settings,
                     char out[SC_SHA256_TEXT])
{
    char owner[24];
    (void)snprintf(owner, sizeof(owner), "%lld", (long long)plan->spec.owner_id);
    const char *identity[] = { owner,         hash,     plan->spec.pipeline,
                               plan->version, settings, plan->model.text };
    /* Without a model file the key is what it was before there were any. */
    hash_parts(identity, SC_ARRAY_LEN(identity) - (plan->model.kind == SC_MODEL_NO_FILE ? 1 : 0),
               out);
}

void sc_plan_set_file(struct sc_plan *plan, const struct sc_job_options *options, int64_t file_id,
                      const char *hash, const char *name, int64_t duration_ms)
{
    make_key(plan, hash, sc_buf_text(&plan->identity), plan->dedupe);
    make_key(plan, hash, sc_buf_text(&plan->settings), plan->dedupe_before);
    SC_AUTO_BUF wishes = { 0 };
    sc_job_options_wishes(options, &wishes);
    if (wishes.failed) /* of a few options, and no fingerprint may be that of another request */
        sc_out_of_memory();
    const char *request[] = { plan->dedupe_before, sc_buf_text(&wishes) };
    hash_parts(request, SC_ARRAY_LEN(request), plan->fingerprint);
    plan->spec.file_id = file_id;
    plan->spec.file_name = name;
    plan->spec.duration_ms = file_id != 0 ? duration_ms : -1;
    if (hash[0] == '\0')
        return;
    plan->spec.dedupe_key = plan->dedupe;
    bool same = strcmp(plan->dedupe, plan->dedupe_before) == 0;
    plan->spec.dedupe_before = same ? NULL : plan->dedupe_before;
}

void sc_plan_set_bytes(struct sc_plan *plan, int64_t owner_id, const char *key, const char *hash)
{
    const char *request[] = { "file", hash };
    hash_parts(request, SC_ARRAY_LEN(request), plan->fingerprint);
    plan->spec.owner_id = owner_id;
    plan->idempotency_key = key;
}

static struct sc_idempotency key_of(const struct sc_plan *plan)
{
    return (struct sc_idempotency){
        .owner_id = plan->spec.owner_id,
        .key = plan->idempotency_key,
        .fingerprint = plan->fingerprint,
    };
}

enum sc_code sc_plan_check_key(const struct sc_plan *plan, struct sc_conn *conn,
                               struct sc_error *err)
{
    struct sc_idempotency key = key_of(plan);
    return key.key == NULL ? SC_OK : sc_idempotency_find(conn, &key, err);
}

enum sc_code sc_plan_write_file(struct sc_conn *tx, const struct sc_plan *plan,
                                struct sc_arrived *out, struct sc_error *err)
{
    struct sc_idempotency key = key_of(plan);
    out->replayed = false;
    if (key.key == NULL)
        return SC_OK;
    enum sc_code code = sc_idempotency_find(tx, &key, err);
    if (code != SC_OK)
        return code;
    out->replayed = key.file_id != 0;
    key.file_id = out->file.id;
    return out->replayed ? SC_OK : sc_idempotency_put(tx, &key, err);
}

enum sc_code sc_plan_write(struct sc_pipelines *p, struct sc_conn *tx, const struct sc_plan *plan,
                           struct sc_arrived *out, struct sc_error *err)
{
    struct sc_idempotency key = key_of(plan);
    enum sc_code code = SC_OK;
    out->replayed = out->existing_job = false;
    if (key.key != NULL)
        code = sc_idempotency_find(tx, &key, err);
    if (code == SC_OK && key.job != 0) {
        out->replayed = true;
        return sc_job_get(tx, key.job, &out->job, err);
    }
    if (code == SC_OK)
        code = sc_job_create(p->o.queue, tx, &plan->spec, &out->job, &out->existing_job, err);
    if (code != SC_OK || key.key == NULL)
        return code;
    key.job = out->job.id;
    key.file_id = plan->spec.file_id;
    return sc_idempotency_put(tx, &key, err);
}

struct submission {
    struct sc_pipelines *p;
    struct sc_plan plan;
    struct sc_arrived arrived;
};

static void submission_done(struct submission *s)
{
    sc_plan_done(&s->plan);
    sc_arrived_done(&s->arrived);
}

static enum sc_code write_submission(struct sc_conn *tx, void *ctx, struct sc_error *err)
{
    struct submission *s = ctx;
    sc_job_done(&s->arrived.job);    /* the write may run twice */
    if (s->plan.spec.file_id != 0) { /* it may have been deleted since it was looked for */
        SC_AUTO_FILE file = { 0 };
        enum sc_code code =
            sc_file_find(tx, s->plan.spec.owner_id, s->plan.spec.file_id, &file, err);
        if (code != SC_OK)
            return code;
    }
    return sc_plan_write(s->p, tx, &s->plan, &s->arrived, err);
}

static enum sc_code find_file(struct sc_pipelines *p, int64_t owner_id, int64_t file_id,
                              struct sc_file *out, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    enum sc_code code = sc_store_read(p->o.store, &conn, err);
    return code == SC_OK ? sc_file_find(conn, owner_id, file_id, out, err) : code;
}

static enum sc_code check_file_id(const struct sc_plan *plan, int64_t file_id, struct sc_error *err)
{
    bool needed = sc_pipeline_find(plan->spec.pipeline)->needs_file;
    if (needed && file_id == 0) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "file_id",
                              "pipeline '%s' needs file_id, the number of a file that was uploaded",
                              plan->spec.pipeline);
    }
    if (!needed && file_id != 0) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "file_id", "pipeline '%s' takes no file",
                              plan->spec.pipeline);
    }
    return SC_OK;
}

/* All that can be refused is refused here: nothing is written yet. */
static enum sc_code prepare(struct submission *s, int64_t owner_id, int64_t file_id,
                            struct sc_job_options *options, struct sc_error *err)
{
    enum sc_code code = sc_plan_make(s->p, owner_id, options, NULL, &s->plan, err);
    if (code == SC_OK)
        code = check_file_id(&s->plan, file_id, err);
    if (code == SC_OK && file_id != 0)
        code = find_file(s->p, owner_id, file_id, &s->arrived.file, err);
    if (code == SC_OK && file_id != 0)
        code = sc_file_check_bytes(&s->arrived.file, err);
    if (code == SC_OK && file_id != 0)
        code = sc_plan_check_sound(options, s->arrived.file.channels, err);
    if (code != SC_OK)
        return code;
    const struct sc_file *file = &s->arrived.file;
    sc_plan_set_file(&s->plan, options, file_id, file->file_hash, file->original_name,
                     file->duration_ms);
    return SC_OK;
}

enum sc_code sc_pipelines_submit(struct sc_pipelines *p, int64_t owner_id, int64_t file_id,
                                 struct sc_job_options *options, const char *idempotency_key,
                                 struct sc_arrived *out, struct sc_error *err)
{
    SC_AUTO(submission_done) struct submission s = { .p = p };
    enum sc_code code = prepare(&s, owner_id, file_id, options, err);
    if (code != SC_OK)
        return code;
    s.plan.idempotency_key = idempotency_key;
    s.plan.spec.asked_by = "a later request of the same work";
    code = sc_store_write_again(p->o.store, SC_DURABLE, write_submission, &s, err);
    if (code == SC_OK) {
        *out = s.arrived;
        s.arrived = (struct sc_arrived){ 0 };
    }
    return code;
}

enum sc_code sc_pipelines_submit_cost(struct sc_pipelines *p, int64_t owner_id, int64_t file_id,
                                      struct sc_job_options *options, struct sc_cost *out,
                                      struct sc_error *err)
{
    SC_AUTO(submission_done) struct submission s = { .p = p };
    enum sc_code code = prepare(&s, owner_id, file_id, options, err);
    return code == SC_OK ? sc_plan_cost(p, &s.plan, &s.arrived.file, out, err) : code;
}
