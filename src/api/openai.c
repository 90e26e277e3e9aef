/* OpenAI's calls, below /v1. A transcription is a job like any other, of class high; the request
 * is parked, without a thread, until the job's last event. Whoever goes away or is told to wait no
 * longer finds the job and its transcript under /api, and the same request again finds the job by
 * its content: clients repeat what has failed. */

#include "api/openai.h"

#include "api/api-internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "transcript/writer.h"

#include "base/banned.h"

#define MIN_DURATION_MS 100 /* as api.openai.com has it */

/* A call from its form to its answer. */
struct call {
    struct sc_api *api;
    struct sc_openai_form form;
    const struct sc_format *writer; /* of srt and vtt; NULL: another format */
    bool translate;
    int64_t deadline_ms;
    int64_t job;
    struct sc_request *req;
    /* Its wake resumes the request, and is not called any more once it has been closed. NULL until
     * it has been opened, though a wake may come then already. */
    struct sc_subscriber *_Atomic subscriber;
};

static void call_free(struct call *call)
{
    if (call == NULL)
        return;
    sc_subscriber_close(call->subscriber);
    atomic_fetch_sub(&call->api->openai_calls, 1);
    sc_api_count(call->api, -1);
    sc_openai_form_done(&call->form);
    free(call);
}
SC_DEFINE_FREEP(struct call, call_free);

static struct call *call_new(struct sc_request *req, struct sc_api *api, bool translate)
{
    struct call *call = sc_alloc(sizeof(*call));
    *call = (struct call){
        .api = api,
        .req = req,
        .translate = translate,
        .deadline_ms = sc_clock_mono_ms() + sc_config_now(api->options.config)->openai_timeout,
    };
    atomic_fetch_add(&api->openai_calls, 1);
    sc_api_count(api, 1);
    return call;
}

/* ---- the form ---- */

struct walk {
    struct call *call;
    enum sc_code code;
    struct sc_error *err;
};

static void take_field(void *ctx, struct sc_str name, struct sc_str value)
{
    struct walk *walk = ctx;
    if (walk->code == SC_OK)
        walk->code = sc_openai_form_take(&walk->call->form, name, value, walk->err);
}

static enum sc_code find_writer(struct call *call, struct sc_error *err)
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
static enum sc_code set_hint(struct call *call, struct sc_job_options *options, const char *name,
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

static enum sc_code set_hints(struct call *call, struct sc_job_options *options,
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

static enum sc_code set_options(struct call *call, struct sc_job_options *options,
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

static enum sc_code decode(struct call *call, struct sc_job_options *options, struct sc_error *err)
{
    struct walk walk = { .call = call, .err = err };
    sc_request_each_field(call->req, take_field, &walk);
    enum sc_code code = walk.code;
    if (code == SC_OK)
        code = sc_openai_form_check(&call->form, err);
    if (code == SC_OK)
        code = find_writer(call, err);
    if (code == SC_OK)
        code = set_options(call, options, err);
    if (code == SC_OK && sc_request_file(call->req) == NULL)
        code = sc_error_field(err, SC_E_INVALID_VALUE, "file",
                              "no recording came: send it as the form's part 'file'");
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

static enum sc_code write_captions(const struct call *call, const struct sc_transcript *t,
                                   const struct sc_segments *segments, struct sc_buf *body,
                                   struct sc_error *err)
{
    struct sc_writer_meta meta = {
        .transcript_id = t->id,
        .file_id = t->file_id,
        .job_id = t->job_id,
        .status = "complete",
        .language = t->language,
        .version = t->version,
    };
    return sc_format_to_buf(call->writer, segments, &meta, NULL, body, err);
}

static enum sc_code write_result(const struct call *call, struct sc_conn *conn,
                                 const struct sc_job *job, struct sc_buf *body,
                                 struct sc_error *err)
{
    struct sc_transcript t = { 0 };
    SC_AUTO_SEGMENTS segments = { 0 };
    enum sc_code code = sc_transcript_of_job(conn, job->id, &t, err);
    if (code == SC_OK)
        code = sc_transcript_segments(conn, &t, t.version, &segments, err);
    if (code != SC_OK)
        return code;
    if (call->writer != NULL)
        return write_captions(call, &t, &segments, body, err);
    const struct sc_openai_result result = {
        .segments = &segments,
        .duration_ms = t.duration_ms >= 0 ? t.duration_ms : job->duration_ms,
        .language = language_of(job, &t),
        .translated = call->translate,
    };
    sc_openai_result_view(&call->form, &result, body);
    return SC_OK;
}

static struct sc_done *answer_completed(const struct call *call, struct sc_conn *conn,
                                        const struct sc_job *job)
{
    struct sc_request *req = call->req;
    struct sc_error err = { 0 };
    SC_AUTO_BUF body = { 0 };
    enum sc_code code = write_result(call, conn, job, &body, &err);
    if (code != SC_OK)
        return refuse(req, code, &err);
    tell_job(req, job);
    bool json = call->form.format == SC_OPENAI_JSON || call->form.format == SC_OPENAI_VERBOSE_JSON;
    return json ? sc_reply_json(req, 200, &body)
                : sc_reply_bytes(req, 200, "text/plain; charset=utf-8", &body);
}

/* The queue has tried again already: a client that does so too would only do the work anew. */
static struct sc_done *answer_failed(struct sc_request *req, const struct sc_job *job)
{
    struct sc_error err = { 0 };
    enum sc_code code = job->error_code == SC_OK ? SC_E_CANCELLED : job->error_code;
    if (job->error_code == SC_OK)
        (void)sc_error_set(&err, code, "job %s was cancelled", job->job_id);
    else
        (void)sc_error_set(&err, code, "%s", job->error_message);
    tell_job(req, job);
    sc_reply_header(req, "x-should-retry", "false");
    return refuse(req, code, &err);
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

static bool is_end(enum sc_event_kind kind)
{
    return kind == SC_EVENT_JOB_COMPLETED || kind == SC_EVENT_JOB_FAILED ||
           kind == SC_EVENT_JOB_CANCELLED;
}

/* Under the hub's lock: only the end is worth a thread. What comes before the subscriber is known
 * is left in its ring for the handler, which looks next. */
static void on_event(void *ctx)
{
    struct call *call = ctx;
    struct sc_subscriber *subscriber = atomic_load(&call->subscriber);
    struct sc_event event;
    bool wanted = false;
    while (subscriber != NULL && sc_subscriber_next(subscriber, &event))
        wanted = wanted || is_end(event.kind) || event.kind == SC_EVENT_GAP;
    if (wanted)
        (void)sc_request_resume(call->req); /* false: it runs already, and looks again */
}

static void call_gone(void *ctx)
{
    call_free(ctx);
}

static struct sc_done *call_again(struct sc_request *req, void *app);

/* Answers, or parks until there is an answer. Owns call. */
static struct sc_done *look(struct call *owned)
{
    SC_AUTO(call_freep) struct call *call = owned;
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
    struct call *parked = SC_TAKE(call);
    return sc_reply_later(parked->req, parked->deadline_ms, call_again, call_gone, parked);
}

static struct sc_done *call_again(struct sc_request *req, void *app)
{
    (void)app;
    return look(sc_request_later_ctx(req));
}

/* ---- handlers ---- */

static enum sc_code submit(struct call *call, struct sc_error *err)
{
    static const char *const none[] = { NULL };
    struct sc_request *req = call->req;
    SC_AUTO(sc_job_options_freep) struct sc_job_options *options = sc_job_options_new();
    SC_AUTO(sc_arrived_done) struct sc_arrived arrived = { 0 };
    SC_AUTO_FREE char *key = NULL;
    enum sc_code code = sc_query_only(req, none, err);
    if (code == SC_OK)
        code = sc_request_idempotency_key(req, &key, err);
    if (code == SC_OK)
        code = decode(call, options, err);
    if (code != SC_OK)
        return code;
    tell_ignored(req, &call->form);
    const struct sc_api_arrival how = { options, key, MIN_DURATION_MS, true };
    code = sc_api_arrive(req, call->api, &how, &arrived, err);
    if (code == SC_OK)
        call->job = arrived.job.id;
    return code;
}

static struct sc_done *transcribe(struct sc_request *req, struct sc_api *api, bool translate)
{
    struct sc_error err = { 0 };
    SC_AUTO(call_freep) struct call *call = call_new(req, api, translate);
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
    atomic_store(&call->subscriber,
                 sc_subscriber_open(api->options.hub, 0, call->job, 1, on_event, call));
    return look(SC_TAKE(call));
}

struct sc_done *sc_api_openai_transcribe(struct sc_request *req, struct sc_api *api)
{
    return transcribe(req, api, false);
}

struct sc_done *sc_api_openai_translate(struct sc_request *req, struct sc_api *api)
{
    return transcribe(req, api, true);
}

/* id.ptr NULL: the list. */
static struct sc_done *show_models(struct sc_request *req, struct sc_api *api, struct sc_str id)
{
    struct sc_error err = { 0 };
    SC_AUTO_BUF engines = { 0 };
    SC_AUTO_BUF body = { 0 };
    SC_AUTO(sc_json_doc_freep) struct sc_json_doc *doc = NULL;
    char quoted[SC_QUOTED_TEXT];
    enum sc_code code = sc_pipelines_engines(api->options.pipelines, &engines, &err);
    if (code == SC_OK)
        code = sc_json_parse(sc_buf_str(&engines), &doc, &err);
    if (code == SC_OK &&
        !sc_openai_models_view(sc_json_root(doc),
                               sc_config_now(api->options.config)->engine_default, id, &body))
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

int sc_api_error_body(void *ctx, struct sc_request *req, const struct sc_error *err,
                      struct sc_buf *out)
{
    const struct sc_api *api = ctx;
    const char *path = sc_request_path(req);
    if (strncmp(path, "/v1/", 4) != 0 && strcmp(path, "/v1") != 0)
        return sc_http_error_body(req, err, out);
    const struct sc_openai_refusal refusal = {
        .err = err,
        .method = sc_request_method(req),
        .path = path,
        .limit = sc_config_now(api->options.config)->upload_max_size,
        .length = sc_request_length(req),
    };
    return sc_openai_error_view(&refusal, out);
}
