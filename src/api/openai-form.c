/* The fields of OpenAI's forms. Clients differ in how they spell a list (`name[]` repeated, `name`
 * once, a Python list as text) and send fields that a server need not know: what is meant is taken,
 * what is wrong is refused by name, what has no effect is noted. */

#include "api/openai.h"

#include "api/describe.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include "base/banned.h"

#define NOTE_LIMIT 400 /* bytes kept of a list of names */

void sc_openai_form_done(struct sc_openai_form *form)
{
    free(form->model);
    free(form->prompt);
    for (size_t i = 0; i < form->speaker_count; i++)
        free(form->speakers[i]);
    sc_buf_done(&form->keywords);
    sc_buf_done(&form->ignored);
    sc_buf_done(&form->unknown);
    *form = (struct sc_openai_form){ 0 };
}

/* Appends a name to a list, once. */
static void note(struct sc_buf *list, struct sc_str name)
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, (struct sc_str){ name.ptr, SC_MIN(name.len, 60) });
    struct sc_str rest = sc_buf_str(list);
    while (rest.len > 0) {
        if (sc_str_equal(sc_str_trim(sc_str_take_until(&rest, ',')), sc_buf_str(&shown)))
            return;
    }
    if (list->len + shown.len > NOTE_LIMIT)
        return;
    if (list->len > 0)
        sc_buf_puts(list, ", ");
    sc_buf_put_str(list, sc_buf_str(&shown));
}

void sc_openai_form_ignore(struct sc_openai_form *form, const char *name)
{
    note(&form->ignored, sc_str_from(name));
}

static void replace(char **text, struct sc_str value)
{
    free(*text);
    *text = sc_strndup(value.ptr, value.len);
}

static enum sc_code refuse(const char *field, struct sc_str value, const char *allowed,
                           struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, (struct sc_str){ value.ptr, SC_MIN(value.len, 40) });
    return sc_error_field(err, SC_E_INVALID_VALUE, field, "%s is '%s', must be %s", field,
                          sc_buf_text(&shown), allowed);
}

static enum sc_code take_model(struct sc_openai_form *form, struct sc_str value,
                               struct sc_error *err)
{
    (void)err;
    replace(&form->model, value);
    return SC_OK;
}

static enum sc_code take_prompt(struct sc_openai_form *form, struct sc_str value,
                                struct sc_error *err)
{
    (void)err;
    replace(&form->prompt, value);
    return SC_OK;
}

static enum sc_code take_language(struct sc_openai_form *form, struct sc_str value,
                                  struct sc_error *err)
{
    if (sc_language_code(value, form->language))
        return SC_OK;
    return refuse("language", value, "an ISO 639-1 code such as en, or an English name", err);
}

/* A hint of several languages is one only when it names one. */
static enum sc_code take_languages(struct sc_openai_form *form, struct sc_str value,
                                   struct sc_error *err)
{
    char code[SC_LANGUAGE_TEXT];
    if (!sc_language_code(value, code))
        return refuse("languages", value, "ISO 639-1 codes such as en", err);
    note(&form->ignored, SC_STR("languages"));
    return SC_OK;
}

static enum sc_code take_format(struct sc_openai_form *form, struct sc_str value,
                                struct sc_error *err)
{
    static const char *const names[] = {
        [SC_OPENAI_JSON] = "json", [SC_OPENAI_TEXT] = "text",
        [SC_OPENAI_SRT] = "srt",   [SC_OPENAI_VERBOSE_JSON] = "verbose_json",
        [SC_OPENAI_VTT] = "vtt",   [SC_OPENAI_DIARIZED_JSON] = "diarized_json",
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(names); i++) {
        if (sc_str_equal(value, sc_str_from(names[i]))) {
            form->format = (enum sc_openai_format)i;
            return SC_OK;
        }
    }
    return refuse("response_format", value, "json, text, srt, verbose_json, vtt or diarized_json",
                  err);
}

static enum sc_code take_temperature(struct sc_openai_form *form, struct sc_str value,
                                     struct sc_error *err)
{
    double number;
    if (!sc_str_to_double(value, &number) || !(number >= 0 && number <= 1))
        return refuse("temperature", value, "a number from 0 to 1", err);
    form->temperature = number;
    return SC_OK;
}

/* One name, or several with commas between them. */
static enum sc_code take_granularities(struct sc_openai_form *form, struct sc_str value,
                                       struct sc_error *err)
{
    do {
        struct sc_str word = sc_str_trim(sc_str_take_until(&value, ','));
        if (sc_str_equal(word, SC_STR("word")))
            form->words = true;
        else if (sc_str_equal(word, SC_STR("segment")))
            form->segments = true;
        else
            return refuse("timestamp_granularities", word, "word or segment", err);
    } while (value.len > 0);
    return SC_OK;
}

static enum sc_code take_stream(struct sc_openai_form *form, struct sc_str value,
                                struct sc_error *err)
{
    if (sc_str_to_bool(value, &form->stream))
        return SC_OK;
    return refuse("stream", value, "true or false", err);
}

static enum sc_code take_include(struct sc_openai_form *form, struct sc_str value,
                                 struct sc_error *err)
{
    form->logprobs = true;
    return sc_str_equal(value, SC_STR("logprobs")) ? SC_OK
                                                   : refuse("include", value, "logprobs", err);
}

/* A field of ours: OpenAI's models find speakers by their voice. */
static enum sc_code take_channels(struct sc_openai_form *form, struct sc_str value,
                                  struct sc_error *err)
{
    form->split_channels = sc_str_equal(value, SC_STR("split"));
    if (form->split_channels || sc_str_equal(value, SC_STR("mix")))
        return SC_OK;
    return refuse("channels", value, "split or mix", err);
}

/* A field of ours too. */
static enum sc_code take_multilingual(struct sc_openai_form *form, struct sc_str value,
                                      struct sc_error *err)
{
    if (sc_str_to_bool(value, &form->multilingual))
        return SC_OK;
    return refuse("multilingual", value, "true or false", err);
}

static enum sc_code take_keyword(struct sc_openai_form *form, struct sc_str value,
                                 struct sc_error *err)
{
    (void)err;
    if (form->keywords.len > 0 && value.len > 0)
        sc_buf_puts(&form->keywords, ", ");
    sc_buf_put_str(&form->keywords, value);
    return SC_OK;
}

/* Names stand in lines: "A: good morning". */
static bool is_line(struct sc_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ')
            return false;
    }
    return true;
}

static enum sc_code take_speaker(struct sc_openai_form *form, struct sc_str name,
                                 struct sc_error *err)
{
    if (name.len == 0 || name.len > SC_OPENAI_SPEAKER_MAX || !is_line(name))
        return refuse("known_speaker_names", name, "names of 1 to 64 bytes", err);
    if (form->speaker_count == SC_OPENAI_SPEAKERS)
        return sc_error_field(err, SC_E_INVALID_VALUE, "known_speaker_names",
                              "known_speaker_names holds more than %d names", SC_OPENAI_SPEAKERS);
    form->speakers[form->speaker_count++] = sc_strndup(name.ptr, name.len);
    return SC_OK;
}

/* Only the head of a sample comes this far (http/spool.c). */
static enum sc_code take_sample(struct sc_openai_form *form, struct sc_str value,
                                struct sc_error *err)
{
    if (!sc_str_starts(value, SC_STR("data:")))
        return refuse("known_speaker_references", value, "data: URLs of 2 to 10 seconds of speech",
                      err);
    if (form->sample_count == SC_OPENAI_SPEAKERS)
        return sc_error_field(err, SC_E_INVALID_VALUE, "known_speaker_references",
                              "known_speaker_references holds more than %d samples",
                              SC_OPENAI_SPEAKERS);
    form->sample_count++;
    return SC_OK;
}

static const struct {
    const char *name;
    sc_openai_take_fn take;
    const char *help, *example;
    bool is_list;
} fields[] = {
    { "model", take_model, "One of `GET /v1/models`", "whisper-1" },
    { "language", take_language, "ISO 639-1, or an English name", "en" },
    { "languages", take_languages, "A hint of several; no effect", NULL, true },
    { "prompt", take_prompt, "What to expect, for engines that take it", NULL },
    { "response_format", take_format,
      "json, text, srt, verbose_json, vtt or diarized_json; json unless given", "json" },
    { "temperature", take_temperature, "0 to 1, for engines that take it", NULL },
    { "timestamp_granularities", take_granularities,
      "`word` and `segment`, also as `timestamp_granularities[]`", NULL, true },
    { "stream", take_stream, "Events instead of one answer; no effect for whisper-1", NULL },
    { "keywords", take_keyword, "Words to prefer, for engines that take them", NULL, true },
    { "include", take_include, "`logprobs`, in json", NULL, true },
    { "channels", take_channels, "`split`: a speaker on each channel; mix unless given", NULL },
    { "multilingual", take_multilingual,
      "`true`: several languages are spoken, for engines that hear which; false unless given",
      NULL },
    { "known_speaker_names", take_speaker,
      "Up to four, in diarized_json with `channels=split`: who speaks on the first channel, the "
      "second, …",
      NULL, true },
    { "known_speaker_references", take_sample,
      "Samples of voices as data: URLs; diarized_json refuses them, for no engine here knows "
      "voices",
      NULL },
    /* Known, and without effect on what our engines do. */
    { "chunking_strategy", NULL, NULL, NULL },
};

/* "name" of "name[]" and "name[key]". */
static struct sc_str base_name(struct sc_str name)
{
    struct sc_str rest = name;
    return sc_str_take_until(&rest, '[');
}

enum sc_code sc_openai_form_take(struct sc_openai_form *form, struct sc_str name,
                                 struct sc_str value, struct sc_error *err)
{
    struct sc_str base = base_name(name);
    value = sc_str_trim(value);
    for (size_t i = 0; i < SC_ARRAY_LEN(fields); i++) {
        if (!sc_str_equal(base, sc_str_from(fields[i].name)))
            continue;
        if (value.len == 0)
            return SC_OK;
        if (fields[i].is_list)
            return sc_openai_each_item(form, fields[i].name, value, fields[i].take, err);
        if (fields[i].take != NULL)
            return fields[i].take(form, value, err);
        note(&form->ignored, base);
        return SC_OK;
    }
    note(&form->unknown, name);
    return SC_OK;
}

/* Speakers are told apart by their channels alone. */
static enum sc_code check_speakers(const struct sc_openai_form *form, struct sc_error *err)
{
    if (form->format != SC_OPENAI_DIARIZED_JSON || form->split_channels)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "response_format",
                          "response_format 'diarized_json' needs the field channels=split and a "
                          "recording with a speaker on each channel: no engine here tells speakers "
                          "apart by their voice; use json or verbose_json for others");
}

/* As OpenAI has it, a sample belongs to each name; nobody here could tell whose voice it is. */
static enum sc_code check_names(struct sc_openai_form *form, struct sc_error *err)
{
    if (form->sample_count > 0 && form->sample_count != form->speaker_count)
        return sc_error_field(
            err, SC_E_INVALID_VALUE, "known_speaker_references",
            "%zu known_speaker_references came with %zu known_speaker_names: each "
            "is of one",
            form->sample_count, form->speaker_count);
    if (form->format != SC_OPENAI_DIARIZED_JSON) {
        if (form->speaker_count > 0)
            sc_openai_form_ignore(form, "known_speaker_names");
        if (form->sample_count > 0)
            sc_openai_form_ignore(form, "known_speaker_references");
        return SC_OK;
    }
    if (form->sample_count == 0)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "known_speaker_references",
                          "no engine here knows voices: leave known_speaker_references out; with "
                          "channels=split known_speaker_names name the channels in their order");
}

static enum sc_code check_stream(const struct sc_openai_form *form, struct sc_error *err)
{
    if (!form->stream || form->format == SC_OPENAI_JSON || form->format == SC_OPENAI_TEXT ||
        form->format == SC_OPENAI_DIARIZED_JSON)
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "stream",
                          "stream=true goes with response_format json, text or diarized_json: "
                          "leave one of the two out");
}

enum sc_code sc_openai_form_check(struct sc_openai_form *form, struct sc_error *err)
{
    if (form->model == NULL) {
        return sc_error_field(err, SC_E_INVALID_VALUE, "model",
                              "you must provide a model parameter, such as whisper-1");
    }
    /* OpenAI's own whisper-1 answers whole: clients that are used to it expect that. */
    if (form->stream && strcmp(form->model, "whisper-1") == 0) {
        sc_openai_form_ignore(form, "stream");
        form->stream = false;
    }
    if (form->logprobs && form->format != SC_OPENAI_JSON) {
        sc_openai_form_ignore(form, "include");
        form->logprobs = false;
    }
    enum sc_code code = check_speakers(form, err);
    if (code == SC_OK)
        code = check_names(form, err);
    if (code == SC_OK)
        code = check_stream(form, err);
    if (code == SC_OK && (form->keywords.failed || form->ignored.failed || form->unknown.failed))
        code = sc_error_set(err, SC_E_INTERNAL, "no memory for the fields of the form");
    return code;
}

/* ---- described ---- */

static bool form_row(size_t index, struct sc_json_field *out)
{
    if (index >= SC_ARRAY_LEN(fields))
        return false;
    *out = (struct sc_json_field){
        .name = fields[index].name,
        .type = SC_JSON_TEXT,
        .required = index == 0, /* the model */
        .help = fields[index].help == NULL ? "Known, without effect" : fields[index].help,
        .example = fields[index].example,
    };
    return true;
}

const struct sc_json_shape sc_shape_openai_form = {
    .name = "OpenAIForm",
    .help = "The recording, and OpenAI's fields",
    .request = true,
    .base = &sc_shape_recording,
    .more = form_row,
};
