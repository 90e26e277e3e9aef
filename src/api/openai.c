/* OpenAI's calls, below /v1. A transcription is a job like any other, of class high; the request
 * is parked, without a thread, until the job's last event. Whoever goes away or is told to wait no
 * longer finds the job and its transcript under /api, and the same request again finds the job by
 * its content: clients repeat what has failed. */

#include "api/call.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "http/spill.h"
#include "transcript/writer.h"

#include "base/banned.h"

#define MIN_DURATION_MS 100 /* as api.openai.com has it */

void sc_call_free(struct sc_call *call)
{
    if (call == NULL)
        return;
    sc_subscriber_close(call->subscriber);
    atomic_fetch_sub(&call->api->openai_calls, 1);
    sc_api_count(call->api, -1);
    sc_openai_form_done(&call->form);
    free(call);
}

static struct sc_call *call_new(struct sc_request *req, struct sc_api *api)
{
    struct sc_call *call = sc_alloc(sizeof(*call));
    *call = (struct sc_call){
        .api = api,
        .req = req,
        .deadline_ms = sc_clock_mono_ms() + sc_config_now(api->options.config)->openai_timeout,
    };
    atomic_fetch_add(&api->openai_calls, 1);
    sc_api_count(api, 1);
    return call;
}

/* ---- the form ---- */

struct walk {
    struct sc_call *call;
    sc_call_field_fn take;
    enum sc_code code;
    struct sc_error *err;
};

static void visit_field(void *ctx, struct sc_str name, struct sc_str value)
{
    struct walk *walk = ctx;
    if (walk->code == SC_OK)
        walk->code = walk->take(walk->call, name, value, walk->err);
}

enum sc_code sc_call_each_field(struct sc_call *call, sc_call_field_fn take, struct sc_error *err)
{
    struct walk walk = { .call = call, .take = take, .err = err };
    walk.code = sc_query_none(call->req, err);
    sc_request_each_field(call->req, visit_field, &walk);
    return walk.code;
}

static enum sc_code take_field(struct sc_call *call, struct sc_str name, struct sc_str value,
                               struct sc_error *err)
{
    return sc_openai_form_take(&call->form, name, value, err);
}

static enum sc_code read_form(struct sc_call *call, struct sc_error *err)
{
    enum sc_code code = sc_call_each_field(call, take_field, err);
    return code == SC_OK ? sc_openai_form_check(&call->form, err) : code;
}

static enum sc_code find_writer(struct sc_call *call, struct sc_error *err)
{
    bool srt = call->form.format == SC_OPENAI_SRT;
    if (!srt && call->form.format != SC_OPENAI_VTT)
        return SC_OK;
    const char *name = srt ? "srt" : "vtt";
    call->writer = sc_format_find(name);
    if (call->writer != NULL)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "response_format",
                          "response_format '%s' is not written here", name);
}

static enum sc_code set_option(struct sc_job_options *options, const char *name,
                               struct sc_str value, struct sc_error *err)
{
    return value.len == 0 ? SC_OK : sc_job_options_set(options, sc_str_from(name), value, err);
}

/* A name that no engine can have is as good as one that none has. */
static enum sc_code set_model(struct sc_job_options *options, const char *name,
                              struct sc_error *err)
{
    struct sc_openai_model model = sc_openai_model_parse(name);
    enum sc_code code = set_option(options, "engine", model.engine, err);
    if (code == SC_OK)
        code = set_option(options, "model", model.model, err);
    if (code == SC_E_INVALID_VALUE) {
        char quoted[SC_QUOTED_TEXT];
        code = sc_error_field(err, SC_E_ENGINE_UNAVAILABLE, "model",
                              "the model '%s' does not exist", sc_quote(sc_str_from(name), quoted));
    }
    return code;
}

/* Whisper listens to the end of a long prompt only; so may we. */
static struct sc_str end_of(struct sc_str text, size_t max)
{
    size_t from = text.len > max ? text.len - max : 0;
    while (from < text.len && ((unsigned char)text.ptr[from] & 0xc0) == 0x80)
        from++;
    return (struct sc_str){ text.ptr + from, text.len - from };
}

/* Clients send these to every model: where the engine does not take one, it has no effect. */
static enum sc_code set_hint(struct sc_call *call, struct sc_job_options *options, const char *name,
                             struct sc_str value, struct sc_error *err)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    const char *engine = sc_job_options_text(options, "engine");
    bool taken = sc_pipelines_engine_takes(call->api->options.pipelines, engine, name);
    if (value.len == 0)
        return SC_OK;
    if (taken && option->type == SC_JOB_TEXT)
        value = end_of(value, (size_t)option->max);
    if (taken)
        return set_option(options, name, value, err);
    sc_openai_form_ignore(&call->form, strcmp(name, "hotwords") == 0 ? "keywords" : name);
    return SC_OK;
}

static enum sc_code set_hints(struct sc_call *call, struct sc_job_options *options,
                              struct sc_error *err)
{
    const struct sc_openai_form *form = &call->form;
    char temperature[16] = "";
    if (form->temperature > 0)
        (void)snprintf(temperature, sizeof(temperature), "%.3f", form->temperature);
    enum sc_code code = set_hint(call, options, "prompt", sc_str_from(form->prompt), err);
    if (code == SC_OK)
        code = set_hint(call, options, "hotwords", sc_buf_str(&form->keywords), err);
    if (code == SC_OK)
        code = set_hint(call, options, "temperature", sc_str_from(temperature), err);
    return code;
}

static enum sc_code set_options(struct sc_call *call, struct sc_job_options *options,
                                struct sc_error *err)
{
    const struct sc_openai_form *form = &call->form;
    enum sc_code code = set_option(options, "priority", SC_STR("high"), err);
    if (code == SC_OK)
        code = set_model(options, form->model, err);
    if (code == SC_OK)
        code = set_option(options, "language", sc_str_from(form->language), err);
    if (code == SC_OK && call->translate)
        code = set_option(options, "task", SC_STR("translate"), err);
    if (code == SC_OK && form->split_channels)
        code = set_option(options, "channels", SC_STR("split"), err);
    if (code == SC_OK && form->multilingual)
        code = set_option(options, "multilingual", SC_STR("true"), err);
    return code == SC_OK ? set_hints(call, options, err) : code;
}

/* What is not heeded is told to the caller where it does not hurt, and to the log. */
static void tell_ignored(struct sc_request *req, struct sc_openai_form *form)
{
    if (form->ignored.len > 0)
        sc_reply_header(req, "X-Scripta-Ignored", sc_buf_text(&form->ignored));
    if (form->ignored.len + form->unknown.len > 0)
        SC_LOG(INFO, "openai", "fields without effect", SC_S("id", sc_request_id(req)),
               SC_S("known", sc_buf_text(&form->ignored)),
               SC_S("unknown", sc_buf_text(&form->unknown)));
}

static enum sc_code decode(struct sc_call *call, struct sc_job_options *options,
                           struct sc_error *err)
{
    enum sc_code code = call->dialect->read(call, err);
    if (code == SC_OK)
        code = find_writer(call, err);
    if (code == SC_OK)
        code = set_options(call, options, err);
    if (code == SC_OK && sc_request_file(call->req) == NULL)
        code = sc_error_field(err, SC_E_INVALID_VALUE, call->dialect->file,
                              "no recording came: send it as the form's part '%s'",
                              call->dialect->file);
    return code;
}

/* ---- the answer ---- */

static struct sc_done *refuse(struct sc_request *req, enum sc_code code, struct sc_error *err)
{
    SC_AUTO_BUF none = { 0 };
    sc_assert(code != SC_OK);
    return sc_api_answer(req, code, err, 200, &none);
}

/* Which job, and what ran. */
static void tell_job(struct sc_request *req, const struct sc_job *job)
{
    char ran[sizeof(job->engine) + sizeof(job->model) + 1];
    (void)snprintf(ran, sizeof(ran), "%s%s%s", job->engine, job->model[0] == '\0' ? "" : "/",
                   job->model);
    sc_reply_header(req, "X-Scripta-Engine", ran);
    sc_reply_header(req, "X-Scripta-Job", job->job_id);
}

static const char *language_of(const struct sc_job *job, const struct sc_transcript *t)
{
    if (t->language[0] != '\0')
        return t->language;
    if (job->detected_language[0] != '\0')
        return job->detected_language;
    return strcmp(job->language, "auto") == 0 ? "" : job->language;
}

static enum sc_code put_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    return sc_spill_put(ctx, bytes, len, err);
}

static enum sc_code write_captions(const struct sc_call *call, const struct sc_transcript *t,
                                   struct sc_source *source, struct sc_spill *body,
                                   struct sc_error *err)
{
    const struct sc_writer_meta meta = {
        .transcript_id = t->id,
        .file_id = t->file_id,
        .job_id = t->job_id,
        .status = "complete",
        .language = t->language,
        .version = t->version,
    };
    struct sc_writer_options options;
    sc_writer_options_init(&options, call->writer);
    return call->writer->write(source, &meta, &options, put_piece, body, err);
}

struct sc_openai_result sc_call_result(const struct sc_call *call, const struct sc_job *job,
                                       const struct sc_transcript *t)
{
    return (struct sc_openai_result){
        .duration_ms = t->duration_ms >= 0 ? t->duration_ms : job->duration_ms,
        .language = language_of(job, t),
        .translated = call->translate,
    };
}

static enum sc_code write_result(const struct sc_call *call, struct sc_conn *conn,
                                 const struct sc_job *job, struct sc_spill *body,
                                 struct sc_error *err)
{
    struct sc_transcript t = { 0 };
    SC_AUTO_TRANSCRIPT_SOURCE from = { .begun = false };
    enum sc_code code = sc_transcript_of_job(conn, job->id, &t, err);
    if (code == SC_OK)
        code = sc_transcript_source_open(conn, &t, t.version, &from, err);
    if (code != SC_OK)
        return code;
    if (call->writer != NULL)
        return write_captions(call, &t, &from.source, body, err);
    const struct sc_openai_result result = sc_call_result(call, job, &t);
    if (call->form.format == SC_OPENAI_LANGUAGE && result.language[0] == '\0')
        return sc_error_field(err, SC_E_ENGINE_UNAVAILABLE, "engine",
                              "the engine %s does not tell the language of a recording: name "
                              "another in the setting engine.default",
                              job->engine);
    return sc_openai_result_view(&call->form, &result, &from.source, put_piece, body, err);
}

static bool is_json(enum sc_openai_format format)
{
    return format == SC_OPENAI_JSON || format == SC_OPENAI_VERBOSE_JSON ||
           format == SC_OPENAI_DIARIZED_JSON || format == SC_OPENAI_WHISPER ||
           format == SC_OPENAI_LANGUAGE;
}

static struct sc_done *answer_completed(const struct sc_call *call, struct sc_conn *conn,
                                        const struct sc_job *job)
{
    struct sc_request *req = call->req;
    struct sc_error err = { 0 };
    SC_AUTO_SPILL body;
    sc_spill_init(&body, req);
    enum sc_code code = write_result(call, conn, job, &body, &err);
    if (code != SC_OK)
        return refuse(req, code, &err);
    tell_job(req, job);
    return sc_reply_spill(
        req, is_json(call->form.format) ? "application/json" : "text/plain; charset=utf-8", &body);
}

enum sc_code sc_call_failure(const struct sc_job *job, struct sc_error *err)
{
    if (job->error_code == SC_OK)
        return sc_error_set(err, SC_E_CANCELLED, "job %s was cancelled", job->job_id);
    return sc_error_set(err, job->error_code, "%s", job->error_message);
}

/* The queue has tried again already: a client that does so too would only do the work anew. */
static struct sc_done *answer_failed(struct sc_request *req, const struct sc_job *job)
{
    struct sc_error err = { 0 };
    tell_job(req, job);
    sc_reply_header(req, "x-should-retry", "false");
    return refuse(req, sc_call_failure(job, &err), &err);
}

static struct sc_done *answer_timeout(struct sc_request *req, const struct sc_job *job)
{
    struct sc_error err = { 0 };
    tell_job(req, job);
    (void)sc_error_set(&err, SC_E_TIMEOUT,
                       "job %s takes longer than the setting openai.timeout and goes on: send the "
                       "same request again to wait for it, or read /api/jobs/%s",
                       job->job_id, job->job_id);
    return refuse(req, SC_E_TIMEOUT, &err);
}

/* ---- waiting ---- */

bool sc_call_ends(const struct sc_event *event)
{
    return event->kind == SC_EVENT_JOB_COMPLETED || event->kind == SC_EVENT_JOB_FAILED ||
           event->kind == SC_EVENT_JOB_CANCELLED;
}

/* Under the hub's lock: only the end is worth a thread. What comes before the subscriber is known
 * is left in its ring for the handler, which looks next. */
static void on_event(void *ctx)
{
    struct sc_call *call = ctx;
    struct sc_subscriber *subscriber = atomic_load(&call->subscriber);
    struct sc_event event;
    bool wanted = false;
    while (subscriber != NULL && sc_subscriber_next(subscriber, &event))
        wanted = wanted || sc_call_ends(&event) || event.kind == SC_EVENT_GAP;
    if (wanted)
        (void)sc_request_resume(call->req); /* false: it runs already, and looks again */
}

static void call_gone(void *ctx)
{
    sc_call_free(ctx);
}

static struct sc_done *call_again(struct sc_request *req, void *app);

/* Answers, or parks until there is an answer. Owns call. */
static struct sc_done *look(struct sc_call *owned)
{
    SC_AUTO(sc_call_freep) struct sc_call *call = owned;
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    struct sc_error err = { 0 };
    struct sc_event event;
    while (sc_subscriber_next(call->subscriber, &event)) /* what is read next is newer */
        ;
    enum sc_code code = SC_OK;
    if (!sc_api_token_lives(call->api, sc_request_principal(call->req)->token_id))
        code = sc_error_set(&err, SC_E_UNAUTHENTICATED, "the token has ended");
    if (code == SC_OK)
        code = sc_store_read(call->api->options.store, &conn, &err);
    if (code == SC_OK)
        code = sc_job_get(conn, call->job, &job, &err);
    if (code != SC_OK)
        return refuse(call->req, code, &err);
    if (job.state == SC_JOB_COMPLETED)
        return answer_completed(call, conn, &job);
    if (job.admission == SC_ADMISSION_ENDED)
        return answer_failed(call->req, &job);
    if (sc_clock_mono_ms() >= call->deadline_ms)
        return answer_timeout(call->req, &job);
    struct sc_call *parked = SC_TAKE(call);
    return sc_reply_later(parked->req, parked->deadline_ms, call_again, call_gone, parked);
}

static struct sc_done *call_again(struct sc_request *req, void *app)
{
    (void)app;
    return look(sc_request_later_ctx(req));
}

/* Headers of the answer before there is one. */
static enum sc_code tell_job_early(const struct sc_call *call, struct sc_error *err)
{
    SC_AUTO(sc_conn_releasep) struct sc_conn *conn = NULL;
    SC_AUTO_JOB job = { 0 };
    enum sc_code code = sc_store_read(call->api->options.store, &conn, err);
    if (code == SC_OK)
        code = sc_job_get(conn, call->job, &job, err);
    if (code == SC_OK)
        tell_job(call->req, &job);
    return code;
}

static struct sc_done *stream(struct sc_call *owned)
{
    SC_AUTO(sc_call_freep) struct sc_call *call = owned;
    struct sc_error err = { 0 };
    enum sc_code code = tell_job_early(call, &err);
    if (code != SC_OK)
        return refuse(call->req, code, &err);
    return sc_openai_stream(SC_TAKE(call));
}

/* ---- handlers ---- */

static enum sc_code submit(struct sc_call *call, struct sc_error *err)
{
    struct sc_request *req = call->req;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    SC_AUTO(sc_arrived_done) struct sc_arrived arrived = { 0 };
    SC_AUTO_FREE char *key = NULL;
    enum sc_code code = sc_request_idempotency_key(req, &key, err);
    if (code == SC_OK)
        code = decode(call, options, err);
    if (code != SC_OK)
        return code;
    tell_ignored(req, &call->form);
    const struct sc_api_arrival how = { options, key, MIN_DURATION_MS, true };
    code = sc_api_arrive(req, call->api, &how, &arrived, err);
    if (code == SC_OK)
        call->job = arrived.job.id;
    if (code == SC_OK && arrived.replayed)
        sc_reply_header(req, "Idempotent-Replayed", "true");
    return code;
}

struct sc_done *sc_call_run(struct sc_request *req, struct sc_api *api,
                            const struct sc_call_dialect *dialect)
{
    struct sc_error err = { 0 };
    SC_AUTO(sc_call_freep) struct sc_call *call = call_new(req, api);
    call->dialect = dialect;
    call->translate = dialect->translate;
    if (atomic_load(&api->openai_calls) > sc_config_now(api->options.config)->openai_max_waiting) {
        sc_reply_header(req, "Retry-After", "1");
        return refuse(
            req,
            sc_error_set(&err, SC_E_RATE_LIMITED,
                         "%lld calls wait for their text already: try again later",
                         (long long)sc_config_now(api->options.config)->openai_max_waiting),
            &err);
    }
    enum sc_code code = submit(call, &err);
    if (code != SC_OK)
        return refuse(req, code, &err);
    if (call->form.stream)
        return stream(SC_TAKE(call));
    atomic_store(&call->subscriber,
                 sc_subscriber_open(api->options.hub, 0, call->job, 1, on_event, call));
    return look(SC_TAKE(call));
}

struct sc_done *sc_api_openai_transcribe(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_call_dialect dialect = { read_form, "file", false };
    return sc_call_run(req, api, &dialect);
}

struct sc_done *sc_api_openai_translate(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_call_dialect dialect = { read_form, "file", true };
    return sc_call_run(req, api, &dialect);
}

/* ---- before the recording comes ---- */

static void find_model_field(void *ctx, struct sc_str name, struct sc_str value)
{
    struct sc_str *model = ctx;
    if (sc_str_equal(name, SC_STR("model")))
        *model = sc_str_trim(value);
}

/* The model names its engine, so no field that may follow makes it another. While the engines are
 * not known yet, right after the start, the handler judges it: here others would wait as well. */
enum sc_code sc_api_judge_form(void *ctx, struct sc_request *req, struct sc_error *err)
{
    struct sc_api *api = ctx;
    struct sc_str model = { 0 };
    const char *path = sc_request_path(req);
    if (strncmp(path, "/v1/", 4) != 0 && strcmp(path, "/inference") != 0)
        return SC_OK;
    sc_request_each_field(req, find_model_field, &model);
    if (model.len == 0 || !sc_utf8_is_valid(model) ||
        !sc_pipelines_know_engines(api->options.pipelines))
        return SC_OK;
    SC_AUTO_FREE char *name = sc_strndup(model.ptr, model.len);
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    enum sc_code code = set_model(options, name, err);
    return code == SC_OK
               ? sc_pipelines_check(api->options.pipelines, sc_api_owner(req), options, err)
               : code;
}

/* id.ptr NULL: the list. */
static struct sc_done *show_models(struct sc_request *req, struct sc_api *api, struct sc_str id)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF engines = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    char quoted[SC_QUOTED_TEXT];
    char name[SC_ENGINE_NAME] = "";
    SC_AUTO_BUF why = { 0 };
    enum sc_code code = sc_pipelines_engines(api->options.pipelines, &engines, &err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&engines), &doc, &err);
    if (code == SC_OK)
        code = sc_pipelines_default_engine(api->options.pipelines, name, &why, &err);
    /* Without a default that can run here its aliases are missing, and nothing else. */
    if (code == SC_E_ENGINE_UNAVAILABLE)
        code = SC_OK;
    if (code == SC_OK && !sc_openai_models_view(sc_json_root(doc), name, id, &body))
        code = sc_error_field(&err, SC_E_MODEL_ERROR, "model", "the model '%s' does not exist",
                              sc_quote(id, quoted));
    return sc_api_answer(req, code, &err, 200, &body);
}

struct sc_done *sc_api_openai_models(struct sc_request *req, struct sc_api *api)
{
    return show_models(req, api, (struct sc_str){ 0 });
}

struct sc_done *sc_api_openai_model(struct sc_request *req, struct sc_api *api)
{
    return show_models(req, api, sc_request_param(req, "id"));
}

/* ENGINE/MODEL whose slash was not encoded. */
struct sc_done *sc_api_openai_engine_model(struct sc_request *req, struct sc_api *api)
{
    struct sc_str engine = sc_request_param(req, "engine");
    struct sc_str model = sc_request_param(req, "model");
    SC_AUTO_BUF id = { 0 };
    sc_buf_printf(&id, "%.*s/%.*s", (int)engine.len, engine.ptr, (int)model.len, model.ptr);
    return show_models(req, api, sc_buf_str(&id));
}

/* ---- errors ---- */

void sc_call_refusal(const struct sc_api *api, struct sc_request *req, const struct sc_error *err,
                     struct sc_openai_refusal *out)
{
    *out = (struct sc_openai_refusal){
        .err = err,
        .method = sc_request_method(req),
        .path = sc_request_path(req),
        .limit = sc_config_now(api->options.config)->upload_max_size,
        .length = sc_request_length(req),
    };
}

int sc_api_error_body(void *ctx, struct sc_request *req, const struct sc_error *err,
                      struct sc_buf *out)
{
    const struct sc_api *api = ctx;
    const char *path = sc_request_path(req);
    struct sc_openai_refusal refusal;
    const char *key = sc_compat_error_key(path);
    if (key == NULL && strncmp(path, "/v1/", 4) != 0 && strcmp(path, "/v1") != 0)
        return sc_http_error_body(req, err, out);
    sc_call_refusal(api, req, err, &refusal);
    return key == NULL ? sc_openai_error_view(&refusal, out)
                       : sc_compat_error_view(key, &refusal, out);
}

/* ---- described ---- */

#define TEXTS                                                                                      \
    { 200, &sc_shape_openai_text, &sc_shape_openai_verbose, .or_third = &sc_shape_openai_diarized, \
      .help = "The text, in the `response_format` asked for" },                                    \
    {                                                                                              \
        200, .types = "text/plain|text/event-stream"                                               \
    }
SC_API_DOC(openai_transcribe) = {
    .form = &sc_shape_openai_form,
    .replies = { TEXTS },
    .error = &sc_shape_openai_error,
    .flags = SC_DOC_IDEMPOTENT,
};
SC_API_DOC(openai_translate) = {
    .form = &sc_shape_openai_form,
    .replies = { TEXTS },
    .error = &sc_shape_openai_error,
    .flags = SC_DOC_IDEMPOTENT,
};
SC_API_DOC(openai_models) = {
    .replies = { { 200, &sc_shape_openai_models } },
    .error = &sc_shape_openai_error,
};
SC_API_DOC(openai_model) = {
    .replies = { { 200, &sc_shape_openai_model } },
    .error = &sc_shape_openai_error,
};
SC_API_DOC(openai_engine_model) = {
    .replies = { { 200, &sc_shape_openai_model } },
    .error = &sc_shape_openai_error,
};
