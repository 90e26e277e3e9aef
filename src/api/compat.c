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

static enum sc_code take_inference_field(struct sc_call *call, struct sc_str name,
                                         struct sc_str value, struct sc_error *err)
{
    static const char *const shared[] = { "response_format", "temperature", "language", "prompt",
                                          "model" };
    struct sc_str said = sc_str_trim(value);
    if (sc_str_equal(name, SC_STR("translate")) && said.len > 0 &&
        !sc_str_to_bool(said, &call->translate))
        return sc_error_field(err, SC_E_INVALID_VALUE, "translate",
                              "translate is neither true nor false");
    for (size_t i = 0; i < SC_ARRAY_LEN(shared); i++) {
        if (sc_str_equal(name, sc_str_from(shared[i])))
            return take(call, shared[i], value, err);
    }
    return SC_OK;
}

static enum sc_code read_inference(struct sc_call *call, struct sc_error *err)
{
    enum sc_code code = sc_call_each_field(call, take_inference_field, err);
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

struct asr_query {
    struct sc_str task, language, initial_prompt, word_timestamps, output;
    struct sc_str ignored;
};

#define IGNORED(name_) \
    SC_QUERY_ROW(RAW, struct asr_query, ignored, name_, .help = "Known, without effect")
static const struct sc_query_field asr_fields[] = {
    SC_QUERY_ROW(RAW, struct asr_query, task, "task", .choices = "transcribe|translate",
                 .help = "Text in the language spoken (the default), or in English"),
    SC_QUERY_ROW(RAW, struct asr_query, language, "language",
                 .help = "ISO 639-1, or an English name", .example = "en"),
    SC_QUERY_ROW(RAW, struct asr_query, initial_prompt, "initial_prompt",
                 .help = "What to expect, for engines that take it"),
    SC_QUERY_ROW(RAW, struct asr_query, word_timestamps, "word_timestamps",
                 .help = "Words with their times, in json", .example = "true"),
    SC_QUERY_ROW(RAW, struct asr_query, output, "output", .choices = "txt|vtt|srt|tsv|json",
                 .help = "The format; txt unless given", .example = "srt"),
    /* What these mean is decided by our own settings. */
    IGNORED("encode"),
    IGNORED("vad_filter"),
    IGNORED("diarize"),
    IGNORED("min_speakers"),
    IGNORED("max_speakers"),
};
static const struct sc_query asr_query = SC_QUERY(asr_fields);

static enum sc_code read_asr(struct sc_call *call, struct sc_error *err)
{
    struct asr_query asked = { 0 };
    enum sc_code code = sc_query_read(call->req, &asr_query, &asked, err);
    if (code == SC_OK)
        code = take_default_model(call, err);
    if (code == SC_OK)
        code = take_task(call, asked.task, err);
    if (code == SC_OK)
        code = take(call, "language", asked.language, err);
    if (code == SC_OK)
        code = take(call, "prompt", asked.initial_prompt, err);
    if (code == SC_OK)
        code = take_words(call, asked.word_timestamps, err);
    return code == SC_OK ? take_output(call, asked.output, err) : code;
}

struct sc_done *sc_api_compat_asr(struct sc_request *req, struct sc_api *api)
{
    static const struct sc_call_dialect dialect = { read_asr, "audio_file", false };
    return sc_call_run(req, api, &dialect);
}

static const struct sc_query_field detection_fields[] = {
    IGNORED("encode"),
    IGNORED("detect_lang_length"),
    IGNORED("detect_lang_offset"),
};
static const struct sc_query detection_query = SC_QUERY(detection_fields);

static enum sc_code read_detection(struct sc_call *call, struct sc_error *err)
{
    struct asr_query asked = { 0 };
    enum sc_code code = sc_query_read(call->req, &detection_query, &asked, err);
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

/* ---- described ---- */

static const struct sc_json_field inference_fields[] = {
    { .name = "response_format",
      .type = SC_JSON_TEXT,
      .choices = "json|text|srt|vtt|verbose_json",
      .help = "The format; json unless given",
      .example = "json" },
    { .name = "language", .type = SC_JSON_TEXT, .help = "ISO 639-1, or an English name" },
    { .name = "translate",
      .type = SC_JSON_BOOL,
      .also = SC_JSON_TEXT,
      .help = "Text in English, from engines that can" },
    { .name = "prompt", .type = SC_JSON_TEXT, .help = "What to expect" },
    { .name = "temperature", .type = SC_JSON_REAL, .also = SC_JSON_TEXT, .help = "0 to 1" },
    { .name = "model", .type = SC_JSON_TEXT, .help = "One of `GET /v1/models`" },
};
static const struct sc_json_shape inference_form = {
    .name = "InferenceForm",
    .help = "The recording; other fields of whisper.cpp's server have no effect",
    .request = true,
    .base = &sc_shape_recording,
    SC_SHAPE_FIELDS(inference_fields),
};
static const struct sc_json_field asr_form_fields[] = {
    { .name = "audio_file",
      .type = SC_JSON_TEXT,
      .format = "binary",
      .required = true,
      .help = "The bytes of the recording, with its name" },
};
static const struct sc_json_shape asr_form = {
    .name = "AsrForm",
    .request = true,
    SC_SHAPE_FIELDS(asr_form_fields),
};
static const struct sc_json_field error_fields[] = {
    SC_SHOW(TEXT, "error", "What is wrong", "no recording came"),
};
static const struct sc_json_shape error_shape = { .name = "InferenceError",
                                                  SC_SHAPE_FIELDS(error_fields) };
static const struct sc_json_field detail_fields[] = {
    SC_SHOW(TEXT, "detail", "What is wrong", "no recording came"),
};
static const struct sc_json_shape detail_shape = { .name = "AsrError",
                                                   SC_SHAPE_FIELDS(detail_fields) };

SC_API_DOC(compat_inference) = {
    .form = &inference_form,
    .replies = { { 200, &sc_shape_openai_text, &sc_shape_openai_verbose,
                   .help = "The text, in the `response_format` asked for" },
                 { 200, .types = "text/plain" } },
    .error = &error_shape,
    .flags = SC_DOC_IDEMPOTENT,
};
SC_API_DOC(compat_asr) = {
    .query = &asr_query,
    .form = &asr_form,
    .replies = { { 200, &sc_shape_whisper, .help = "The text, as the `output` asked for" },
                 { 200, .types = "text/plain" } },
    .error = &detail_shape,
    .flags = SC_DOC_IDEMPOTENT,
};
SC_API_DOC(compat_detect_language) = {
    .query = &detection_query,
    .form = &asr_form,
    .replies = { { 200, &sc_shape_language } },
    .error = &detail_shape,
    .flags = SC_DOC_IDEMPOTENT,
};
