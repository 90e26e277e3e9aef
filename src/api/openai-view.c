#include "api/openai.h"

#include <ctype.h>
#include <math.h>

#include "base/banned.h"

#define RATE_DIGITS 4
#define CONFIDENCE_DIGITS 3

/* ---- results ---- */

void sc_openai_put_segment_text(const struct sc_segments *segments, size_t i, struct sc_buf *out)
{
    const char *text = segments->items[i].text;
    if (sc_segments_need_space(segments, i))
        sc_buf_putc(out, ' ');
    sc_buf_puts(out, text == NULL ? "" : text);
}

void sc_openai_put_text(const struct sc_segments *segments, struct sc_buf *out)
{
    for (size_t i = 0; i < segments->count; i++)
        sc_openai_put_segment_text(segments, i, out);
}

static void put_word(struct sc_json *w, const struct sc_word *word, bool inside)
{
    sc_json_object(w, NULL);
    sc_json_text(w, "word", word->text);
    sc_json_seconds(w, "start", word->start_ms);
    sc_json_seconds(w, "end", word->end_ms);
    if (inside)
        sc_json_real(w, "probability", SC_MAX((double)word->confidence, 0), CONFIDENCE_DIGITS);
    sc_json_end(w);
}

static void put_words_of(struct sc_json *w, const struct sc_segment *s, bool inside)
{
    for (size_t k = 0; k < s->word_count; k++)
        put_word(w, &s->words[k], inside);
}

static void put_rate(struct sc_json *w, const char *key, double rate)
{
    sc_json_real(w, key, isnan(rate) ? 0 : rate, RATE_DIGITS);
}

/* What the engine does not tell is 0, never null: typed clients need it. */
static void put_heard(struct sc_json *w, const struct sc_heard *h)
{
    sc_json_array(w, "tokens");
    for (size_t i = 0; h != NULL && i < h->token_count; i++)
        sc_json_int(w, NULL, h->tokens[i]);
    sc_json_end(w);
    put_rate(w, "temperature", h == NULL ? 0 : h->temperature);
    put_rate(w, "avg_logprob", h == NULL ? 0 : h->avg_logprob);
    put_rate(w, "compression_ratio", h == NULL ? 0 : h->compression_ratio);
    put_rate(w, "no_speech_prob", h == NULL ? 0 : h->no_speech_prob);
}

/* Clients of the whisper models join the texts of segments as they are: the space between two
 * belongs to the second. */
static void put_segment(struct sc_json *w, const struct sc_openai_form *form,
                        const struct sc_segments *segments, size_t i)
{
    const struct sc_segment *s = &segments->items[i];
    SC_AUTO_BUF text = { 0 };
    sc_openai_put_segment_text(segments, i, &text);
    w->out->failed = w->out->failed || text.failed;
    sc_json_object(w, NULL);
    sc_json_int(w, "id", (int64_t)i);
    sc_json_int(w, "seek",
                s->heard != NULL && s->heard->seek >= 0 ? s->heard->seek : s->start_ms / 10);
    sc_json_seconds(w, "start", s->start_ms);
    sc_json_seconds(w, "end", s->end_ms);
    sc_json_str(w, "text", sc_buf_str(&text));
    put_heard(w, s->heard);
    if (s->speaker != NULL)
        sc_json_text(w, "speaker", s->speaker);
    if (form->words && form->words_inside) {
        sc_json_array(w, "words");
        put_words_of(w, s, true);
        sc_json_end(w);
    }
    sc_json_end(w);
}

static void put_words(struct sc_json *w, const struct sc_segments *segments)
{
    sc_json_array(w, "words");
    for (size_t i = 0; i < segments->count; i++)
        put_words_of(w, &segments->items[i], false);
    sc_json_end(w);
}

static int64_t duration_of(const struct sc_openai_result *r)
{
    int64_t ms = SC_MAX(r->duration_ms, 0);
    if (r->duration_ms < 0 && r->segments->count > 0)
        ms = r->segments->items[r->segments->count - 1].end_ms;
    return ms;
}

static void put_segments(struct sc_json *w, const struct sc_openai_form *form,
                         const struct sc_openai_result *r)
{
    sc_json_array(w, "segments");
    for (size_t i = 0; i < r->segments->count; i++)
        put_segment(w, form, r->segments, i);
    sc_json_end(w);
}

static void put_verbose(struct sc_json *w, const struct sc_openai_form *form,
                        const struct sc_openai_result *r)
{
    sc_json_text(w, "task", r->translated ? "translate" : "transcribe");
    sc_json_text(w, "language", r->translated ? "english" : sc_language_name(r->language));
    sc_json_seconds(w, "duration", duration_of(r));
    /* Segments are what comes when nothing was asked for. */
    if (form->segments || form->words_inside || !form->words)
        put_segments(w, form, r);
    if (form->words && !form->words_inside)
        put_words(w, r->segments);
}

void sc_openai_put_usage(struct sc_json *w, const struct sc_openai_result *r)
{
    sc_json_object(w, "usage");
    sc_json_text(w, "type", "duration");
    sc_json_int(w, "seconds", (duration_of(r) + 999) / 1000);
    sc_json_end(w);
}

static void view_json(const struct sc_openai_form *form, const struct sc_openai_result *r,
                      struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_openai_put_text(r->segments, &text);
    out->failed = out->failed || text.failed;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    if (form->format == SC_OPENAI_VERBOSE_JSON)
        put_verbose(&w, form, r);
    sc_json_str(&w, "text", sc_buf_str(&text));
    sc_openai_put_logprobs(&w, form, r->segments, 0, r->segments->count);
    sc_openai_put_usage(&w, r);
    sc_json_end(&w);
}

static void view_text(const struct sc_openai_form *form, const struct sc_openai_result *r,
                      struct sc_buf *out)
{
    (void)form;
    sc_openai_put_text(r->segments, out);
    sc_buf_putc(out, '\n');
}

static void view_diarized(const struct sc_openai_form *form, const struct sc_openai_result *r,
                          struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "task", "transcribe");
    sc_json_seconds(&w, "duration", duration_of(r));
    sc_json_array(&w, "segments");
    for (size_t i = 0; i < r->segments->count; i++) {
        const char *said = r->segments->items[i].text;
        sc_buf_printf(&text, "%s%s: %s", i == 0 ? "" : "\n",
                      sc_openai_speaker(form, r->segments, i).name, said == NULL ? "" : said);
        sc_json_object(&w, NULL);
        sc_openai_put_diarized(&w, form, r->segments, i);
        sc_json_end(&w);
    }
    sc_json_end(&w);
    sc_json_str(&w, "text", sc_buf_str(&text));
    sc_openai_put_usage(&w, r);
    sc_json_end(&w);
    out->failed = out->failed || text.failed;
}

static void view_lines(const struct sc_openai_form *form, const struct sc_openai_result *r,
                       struct sc_buf *out)
{
    (void)form;
    for (size_t i = 0; i < r->segments->count; i++)
        sc_buf_printf(out, "%s\n",
                      r->segments->items[i].text == NULL ? "" : r->segments->items[i].text);
}

static void view_tsv(const struct sc_openai_form *form, const struct sc_openai_result *r,
                     struct sc_buf *out)
{
    (void)form;
    sc_buf_puts(out, "start\tend\ttext\n");
    for (size_t i = 0; i < r->segments->count; i++) {
        const struct sc_segment *s = &r->segments->items[i];
        sc_buf_printf(out, "%lld\t%lld\t", (long long)s->start_ms, (long long)s->end_ms);
        for (const char *c = s->text == NULL ? "" : s->text; *c != '\0'; c++)
            sc_buf_putc(out, *c == '\t' || *c == '\n' || *c == '\r' ? ' ' : *c);
        sc_buf_putc(out, '\n');
    }
}

static void view_whisper(const struct sc_openai_form *form, const struct sc_openai_result *r,
                         struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_openai_put_text(r->segments, &text);
    out->failed = out->failed || text.failed;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_str(&w, "text", sc_buf_str(&text));
    put_segments(&w, form, r);
    sc_json_text(&w, "language", r->translated ? "en" : r->language);
    sc_json_end(&w);
}

/* No engine says how sure it is. */
static void view_language(const struct sc_openai_form *form, const struct sc_openai_result *r,
                          struct sc_buf *out)
{
    (void)form;
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_text(&w, "detected_language", sc_language_name(r->language));
    sc_json_text(&w, "language_code", r->language);
    sc_json_null(&w, "confidence");
    sc_json_end(&w);
}

void sc_openai_result_view(const struct sc_openai_form *form, const struct sc_openai_result *result,
                           struct sc_buf *out)
{
    static void (*const views[])(const struct sc_openai_form *form,
                                 const struct sc_openai_result *r, struct sc_buf *out) = {
        [SC_OPENAI_JSON] = view_json,         [SC_OPENAI_TEXT] = view_text,
        [SC_OPENAI_VERBOSE_JSON] = view_json, [SC_OPENAI_DIARIZED_JSON] = view_diarized,
        [SC_OPENAI_LINES] = view_lines,       [SC_OPENAI_TSV] = view_tsv,
        [SC_OPENAI_WHISPER] = view_whisper,   [SC_OPENAI_LANGUAGE] = view_language,
    };
    sc_assert(views[form->format] != NULL);
    views[form->format](form, result, out);
}

/* ---- errors ---- */

/* Where OpenAI's status or code is another than ours. 409 is never answered: clients take it for a
 * collision and send the recording again. */
static const struct {
    enum sc_code code;
    int status;
    const char *openai; /* NULL: null */
} kinds[] = {
    { SC_E_INVALID_VALUE, 400, "invalid_value" },
    { SC_E_INVALID_REQUEST, 400, NULL },
    { SC_E_FILE_FORMAT, 400, NULL },
    { SC_E_AUDIO_TOO_SHORT, 400, "audio_too_short" },
    { SC_E_AUDIO_ERROR, 400, "audio_error" },
    { SC_E_UNAUTHENTICATED, 401, "invalid_api_key" },
    { SC_E_NOT_FOUND, 404, "unknown_url" },
    { SC_E_METHOD_NOT_ALLOWED, 405, "method_not_supported" },
    { SC_E_ENGINE_UNAVAILABLE, 404, "model_not_found" },
    { SC_E_MODEL_ERROR, 404, "model_not_found" },
    { SC_E_FILE_TOO_LARGE, 413, NULL },
    { SC_E_RATE_LIMITED, 429, "rate_limit_exceeded" },
    { SC_E_CANCELLED, 400, "cancelled" },
    { SC_E_CONFLICT, 400, "conflict" },
    { SC_E_FORMAT_DISABLED, 400, "format_disabled" },
    { SC_E_UPLOAD_OFFSET, 400, "conflict" },
    { SC_E_IDEMPOTENCY_CONFLICT, 400, "idempotency_conflict" },
    { SC_E_IDEMPOTENCY_OPEN, 503, "idempotency_open" },
    { SC_E_IDEMPOTENCY_SECRET, 400, "idempotency_secret" },
    { SC_E_LEASE_LOST, 500, "lease_lost" },
    { SC_E_STORE_INTEGRITY, 500, "store_integrity" },
};

struct kind {
    int status;
    char code[48]; /* "": null */
};

/* Codes that OpenAI has no word for are ours in its spelling. */
static struct kind kind_of(enum sc_code code)
{
    struct kind kind = { .status = sc_code_http_status(code) };
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        if (kinds[i].code == code) {
            const char *name = kinds[i].openai == NULL ? "" : kinds[i].openai;
            kind.status = kinds[i].status;
            (void)snprintf(kind.code, sizeof(kind.code), "%s", name);
            return kind;
        }
    }
    (void)snprintf(kind.code, sizeof(kind.code), "%s", sc_code_name(code));
    for (char *c = kind.code; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return kind;
}

int sc_openai_status(enum sc_code code)
{
    return kind_of(code).status;
}

static void put_message(const struct sc_openai_refusal *r, struct sc_buf *out)
{
    const char *own = r->err->msg[0] == '\0' ? sc_code_text(r->err->code) : r->err->msg;
    if (r->err->code == SC_E_FILE_FORMAT)
        sc_buf_printf(out,
                      "Invalid file format. Supported formats: ['flac', 'm4a', 'mp3', 'mp4', "
                      "'mpeg', 'mpga', 'oga', 'ogg', 'wav', 'webm'] and whatever else FFmpeg "
                      "decodes: %s",
                      own);
    else if (r->err->code == SC_E_FILE_TOO_LARGE)
        sc_buf_printf(out, "Maximum content size limit (%lld) exceeded (%lld bytes read)",
                      (long long)r->limit, (long long)r->length);
    else if (r->err->code == SC_E_NOT_FOUND)
        sc_buf_printf(out, "Invalid URL (%s %s)", r->method, r->path);
    else
        sc_buf_puts(out, own);
}

/* The field as OpenAI calls it; NULL: none of its own. */
static const char *param_of(const struct sc_error *err)
{
    if (err->code == SC_E_ENGINE_UNAVAILABLE || err->code == SC_E_MODEL_ERROR ||
        strcmp(err->field, "engine") == 0 || strcmp(err->field, "task") == 0)
        return "model";
    if (strcmp(err->field, "hotwords") == 0)
        return "keywords";
    return err->field[0] == '\0' || err->code == SC_E_FILE_FORMAT ? NULL : err->field;
}

static const char *type_of(const struct sc_error *err, int status)
{
    if (err->code == SC_E_RATE_LIMITED)
        return "requests";
    bool server = status >= 500 || err->code == SC_E_FILE_TOO_LARGE;
    return server ? "server_error" : "invalid_request_error";
}

int sc_openai_error_view(const struct sc_openai_refusal *refusal, struct sc_buf *out)
{
    struct kind kind = kind_of(refusal->err->code);
    SC_AUTO_BUF message = { 0 };
    put_message(refusal, &message);
    struct sc_json w;
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_object(&w, "error");
    sc_json_str(&w, "message", sc_buf_str(&message));
    sc_json_text(&w, "type", type_of(refusal->err, kind.status));
    sc_json_text(&w, "param", param_of(refusal->err));
    sc_json_text(&w, "code", kind.code[0] == '\0' ? NULL : kind.code);
    sc_json_end(&w);
    sc_json_end(&w);
    return kind.status;
}

/* ---- what is written ---- */

static const struct sc_json_field usage_fields[] = {
    SC_SHOW(TEXT, "type", "Always `duration`", "duration"),
    SC_SHOW(INT, "seconds", "Of the recording, rounded up", "3"),
};
static const struct sc_json_shape usage_shape = { .name = "OpenAIUsage",
                                                  SC_SHAPE_FIELDS(usage_fields) };
static const struct sc_json_field logprob_fields[] = {
    SC_SHOW(TEXT, "token", "A word, with the space before it", " morning"),
    SC_SHOW(REAL, "logprob", "The logarithm of its confidence", "-0.094311"),
    SC_SHOW(INTS, "bytes", "The same in UTF-8", "[32, 109]"),
};
static const struct sc_json_shape logprob_shape = { .name = "OpenAILogprob",
                                                    SC_SHAPE_FIELDS(logprob_fields) };
static const struct sc_json_field text_fields[] = {
    SC_SHOW(TEXT, "text", "What was said", "good morning"),
    { .name = "logprobs",
      SC_SHOW_LIST,
      .of = &logprob_shape,
      .optional = true,
      .help = "With `include=logprobs`" },
    SC_SHOW_OF(OBJECT, "usage", &usage_shape, NULL),
};
const struct sc_json_shape sc_shape_openai_text = {
    .name = "OpenAIText",
    .help = "The format json",
    SC_SHAPE_FIELDS(text_fields),
};
static const struct sc_json_field inner_word_fields[] = {
    SC_SHOW(TEXT, "word", "The word", "good"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "0.58"),
    SC_SHOW(REAL, "probability", "0 to 1", "0.91"),
};
static const struct sc_json_shape inner_word_shape = { .name = "SegmentWord",
                                                       SC_SHAPE_FIELDS(inner_word_fields) };
static const struct sc_json_field segment_fields[] = {
    SC_SHOW(INT, "id", "From 0 on", "0"),
    SC_SHOW(INT, "seek",
            "Where the window begins that it was heard in, in hundredths of "
            "seconds; its own start where the engine does not tell",
            "0"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "1.2"),
    SC_SHOW(TEXT, "text", "What was said", "good morning"),
    SC_SHOW(INTS, "tokens", "The numbers of the model's tokens; empty where the engine tells none",
            "[]"),
    SC_SHOW(REAL, "temperature", "Of the attempt that was taken; 0 where the engine does not tell",
            "0.0"),
    SC_SHOW(
        REAL, "avg_logprob",
        "The mean of the logarithms of its tokens' probabilities; 0 where the engine does not tell",
        "0.0"),
    SC_SHOW(REAL, "compression_ratio",
            "How much shorter its text becomes when packed; 0 where the engine does not tell",
            "0.0"),
    SC_SHOW(REAL, "no_speech_prob",
            "How likely the model finds that nobody speaks; 0 where it does not tell", "0.0"),
    { .name = "speaker",
      SC_SHOW_TEXT,
      .optional = true,
      .help = "Who said it, where that is known" },
    { .name = "words",
      SC_SHOW_LIST,
      .of = &inner_word_shape,
      .optional = true,
      .help = "In answers of other servers' calls" },
};
static const struct sc_json_shape segment_shape = { .name = "OpenAISegment",
                                                    SC_SHAPE_FIELDS(segment_fields) };
static const struct sc_json_field word_fields[] = {
    SC_SHOW(TEXT, "word", "The word", "good"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "0.58"),
};
static const struct sc_json_shape word_shape = { .name = "OpenAIWord",
                                                 SC_SHAPE_FIELDS(word_fields) };
static const struct sc_json_field verbose_fields[] = {
    { .name = "task",
      SC_SHOW_TEXT,
      .choices = "transcribe|translate",
      .help = "What was done",
      .example = "transcribe" },
    SC_SHOW(TEXT, "language", "What is spoken, as an English name", "english"),
    SC_SHOW(REAL, "duration", "Of the recording, in seconds", "2.4"),
    { .name = "segments",
      SC_SHOW_LIST,
      .of = &segment_shape,
      .optional = true,
      .help = "With the granularity `segment`" },
    { .name = "words",
      SC_SHOW_LIST,
      .of = &word_shape,
      .optional = true,
      .help = "With the granularity `word`" },
    SC_SHOW(TEXT, "text", "What was said", "good morning"),
    SC_SHOW_OF(OBJECT, "usage", &usage_shape, NULL),
};
const struct sc_json_shape sc_shape_openai_verbose = {
    .name = "OpenAIVerbose",
    .help = "The format verbose_json",
    SC_SHAPE_FIELDS(verbose_fields),
};
static const struct sc_json_field diarized_segment_fields[] = {
    SC_SHOW(TEXT, "type", "Always `transcript.text.segment`", "transcript.text.segment"),
    SC_SHOW(TEXT, "id", "From `seg_001` on", "seg_001"),
    SC_SHOW(REAL, "start", "In seconds", "0.32"),
    SC_SHOW(REAL, "end", "In seconds", "1.2"),
    SC_SHOW(TEXT, "text", "What was said", "good morning"),
    SC_SHOW(TEXT, "speaker", "`A`, `B`, … in the order of their first words", "A"),
};
static const struct sc_json_shape diarized_segment_shape = {
    .name = "OpenAISpeakerSegment",
    SC_SHAPE_FIELDS(diarized_segment_fields),
};
static const struct sc_json_field diarized_fields[] = {
    SC_SHOW(TEXT, "task", "Always `transcribe`", "transcribe"),
    SC_SHOW(REAL, "duration", "Of the recording, in seconds", "2.4"),
    SC_SHOW_OF(LIST, "segments", &diarized_segment_shape, "In the order of time"),
    SC_SHOW(TEXT, "text", "A line for each segment", "A: good morning"),
    SC_SHOW_OF(OBJECT, "usage", &usage_shape, NULL),
};
const struct sc_json_shape sc_shape_openai_diarized = {
    .name = "OpenAIDiarized",
    .help = "The format diarized_json",
    SC_SHAPE_FIELDS(diarized_fields),
};
static const struct sc_json_field whisper_fields[] = {
    SC_SHOW(TEXT, "text", "What was said", "good morning"),
    SC_SHOW_OF(LIST, "segments", &segment_shape, "In the order of time"),
    SC_SHOW(TEXT, "language", "As a code", "en"),
};
const struct sc_json_shape sc_shape_whisper = {
    .name = "WhisperText",
    .help = "What whisper-asr-webservice writes as json",
    SC_SHAPE_FIELDS(whisper_fields),
};
static const struct sc_json_field language_fields[] = {
    SC_SHOW(TEXT, "detected_language", "As an English name", "german"),
    SC_SHOW(TEXT, "language_code", "The same as a code", "de"),
    SC_SHOW(REAL_OR_NULL, "confidence", "Always null: no engine tells it", "null"),
};
const struct sc_json_shape sc_shape_language = {
    .name = "DetectedLanguage",
    SC_SHAPE_FIELDS(language_fields),
};
static const struct sc_json_field failure_fields[] = {
    SC_SHOW(TEXT, "message", "What is wrong", "Invalid URL (GET /v1/x)"),
    SC_SHOW(TEXT, "type", "The kind of error", "invalid_request_error"),
    SC_SHOW(TEXT_OR_NULL, "param", "The field at fault", NULL),
    SC_SHOW(TEXT_OR_NULL, "code", "What is wrong, as a word", "unknown_url"),
};
static const struct sc_json_shape failure_shape = { .name = "OpenAIFailure",
                                                    SC_SHAPE_FIELDS(failure_fields) };
static const struct sc_json_field error_fields[] = {
    SC_SHOW_OF(OBJECT, "error", &failure_shape, NULL),
};
const struct sc_json_shape sc_shape_openai_error = {
    .name = "OpenAIError",
    SC_SHAPE_FIELDS(error_fields),
};
