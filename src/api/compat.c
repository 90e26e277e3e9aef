/* Calls of other servers whose clients are many: whisper.cpp's /inference, and /asr and
 * /detect-language of whisper-asr-webservice. Their fields become those of OpenAI's dialect; jobs,
 * waiting and answers are its own. */

#include "api/call.h"

#include "base/alloc.h"
#include "json/writer.h"

#include "base/banned.h"

static enum sc_code take(struct sc_call *call, const char *name, struct sc_str value,
                         struct sc_error *err)
{
    return sc_openai_form_take(&call->form, sc_str_from(name), value, err);
}

/* The one that the server was set up for. */
static enum sc_code take_default_model(struct sc_call *call, struct sc_error *err)
{
    if (call->form.model != NULL)
        return SC_OK;
    return take(call, "model", SC_STR("whisper-1"), err);
}

/* ---- /inference ---- */

struct walk {
    struct sc_call *call;
    enum sc_code code;
    struct sc_error *err;
};

static void take_inference_field(void *ctx, struct sc_str name, struct sc_str value)
{
    static const char *const shared[] = { "response_format", "temperature", "language", "prompt",
                                          "model" };
    struct walk *walk = ctx;
    struct sc_call *call = walk->call;
    if (walk->code != SC_OK)
        return;
    struct sc_str said = sc_str_trim(value);
    if (sc_str_equal(name, SC_STR("translate")) && said.len > 0 &&
        !sc_str_to_bool(said, &call->translate)) {
        walk->code = sc_error_field(walk->err, SC_E_INVALID_VALUE, "translate",
                                    "translate is neither true nor false");
        return;
    }
    for (size_t i = 0; i < SC_ARRAY_LEN(shared); i++) {
        if (sc_str_equal(name, sc_str_from(shared[i])))
            walk->code = take(call, shared[i], value, walk->err);
    }
}

static enum sc_code read_inference(struct sc_call *call, struct sc_error *err)
{
    static const char *const none[] = { NULL };
    struct walk walk = { .call = call, .err = err };
    enum sc_code code = sc_query_only(call->req, none, err);
    if (code == SC_OK) {
        sc_request_each_field(call->req, take_inference_field, &walk);
        code = walk.code;
    }
    call->form.words = call->form.words_inside = true;
    if (code == SC_OK)
        code = take_default_model(call, err);
    return code == SC_OK ? sc_openai_form_check(&call->form, err) : code;
}

struct sc_done *sc_api_compat_inference(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_call_dialect dialect = { read_inference, "file", false };
    return sc_call_run(req, api, &dialect);
}

/* ---- /asr ---- */

static enum sc_code take_output(struct sc_call *call, struct sc_str value, struct sc_error *err)
{
    static const struct {
        const char *name;
        enum sc_openai_format format;
    } outputs[] = {
        { "txt", SC_OPENAI_LINES }, { "vtt", SC_OPENAI_VTT },      { "srt", SC_OPENAI_SRT },
        { "tsv", SC_OPENAI_TSV },   { "json", SC_OPENAI_WHISPER },
    };
    if (value.len == 0)
        value = SC_STR("txt");
    for (size_t i = 0; i < SC_ARRAY_LEN(outputs); i++) {
        if (sc_str_equal(value, sc_str_from(outputs[i].name))) {
            call->form.format = outputs[i].format;
            return SC_OK;
        }
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, "output",
                          "output is none of txt, vtt, srt, tsv and json");
}

static enum sc_code take_task(struct sc_call *call, struct sc_str value, struct sc_error *err)
{
    call->translate = sc_str_equal(value, SC_STR("translate"));
    if (value.len == 0 || call->translate || sc_str_equal(value, SC_STR("transcribe")))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "task",
                          "task is neither transcribe nor translate");
}

static enum sc_code take_words(struct sc_call *call, struct sc_str value, struct sc_error *err)
{
    call->form.words_inside = true;
    if (value.len == 0 || sc_str_to_bool(value, &call->form.words))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "word_timestamps",
                          "word_timestamps is neither true nor false");
}

static enum sc_code read_asr(struct sc_call *call, struct sc_error *err)
{
    /* What follows initial_prompt is decided by our own settings. */
    static const char *const names[] = { "task",         "language", "word_timestamps",
                                         "output",       "encode",   "initial_prompt",
                                         "vad_filter",   "diarize",  "min_speakers",
                                         "max_speakers", NULL };
    struct sc_request *req = call->req;
    enum sc_code code = sc_query_only(req, names, err);
    if (code == SC_OK)
        code = take_default_model(call, err);
    if (code == SC_OK)
        code = take_task(call, sc_request_query(req, "task"), err);
    if (code == SC_OK)
        code = take(call, "language", sc_request_query(req, "language"), err);
    if (code == SC_OK)
        code = take(call, "prompt", sc_request_query(req, "initial_prompt"), err);
    if (code == SC_OK)
        code = take_words(call, sc_request_query(req, "word_timestamps"), err);
    return code == SC_OK ? take_output(call, sc_request_query(req, "output"), err) : code;
}

struct sc_done *sc_api_compat_asr(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_call_dialect dialect = { read_asr, "audio_file", false };
    return sc_call_run(req, api, &dialect);
}

static enum sc_code read_detection(struct sc_call *call, struct sc_error *err)
{
    static const char *const names[] = { "encode", "detect_lang_length", "detect_lang_offset",
                                         NULL };
    enum sc_code code = sc_query_only(call->req, names, err);
    call->form.format = SC_OPENAI_LANGUAGE;
    return code == SC_OK ? take_default_model(call, err) : code;
}

struct sc_done *sc_api_compat_detect_language(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_call_dialect dialect = { read_detection, "audio_file", false };
    return sc_call_run(req, api, &dialect);
}

/* ---- errors ---- */

const char *sc_compat_error_key(const char *path)
{
    static const struct {
        const char *path, *key;
    } rows[] = { { "/inference", "error" },
                 { "/asr", "detail" },
                 { "/detect-language", "detail" } };
    for (size_t i = 0; i < SC_ARRAY_LEN(rows); i++) {
        if (strcmp(path, rows[i].path) == 0)
            return rows[i].key;
    }
    return NULL;
}

int sc_compat_error_view(const char *key, const struct sc_openai_refusal *refusal,
                         struct sc_buf *out)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    const char *message = refusal->err->msg;
    sc_json_text(&w, key, message[0] == '\0' ? sc_code_text(refusal->err->code) : message);
    sc_json_end(&w);
    return sc_openai_status(refusal->err->code);
}
