#include "api/openai.h"

#include "transcript/text.h"

#include <ctype.h>
#include <math.h>

#include "base/banned.h"

#define RATE_DIGITS 4
#define CONFIDENCE_DIGITS 3

#define PIECE ((size_t)64 << 10)

/* ---- results ---- */

/* An answer that is being written: segments come one at a time, as often from the first one on as
 * the format needs, and what has gathered goes on in pieces. */
struct view {
    const struct sc_openai_form *form;
    const struct sc_openai_result *result;
    struct sc_source *source;
    sc_write_piece_fn piece;
    void *ctx;
    enum sc_code code;
    struct sc_error *err;
    struct sc_buf out;
    struct sc_json w;
    int64_t duration_ms;
    struct sc_openai_pass pass;
};

static void view_done(struct view *v)
{
    sc_buf_done(&v->out);
    sc_openai_pass_done(&v->pass);
}

static void flush(struct view *v, bool all)
{
    if (v->code == SC_OK && v->out.failed)
        v->code = sc_error_set(v->err, SC_E_INTERNAL, "memory is exhausted");
    if (v->code != SC_OK || v->out.len == 0 || (!all && v->out.len < PIECE))
        return;
    v->code = v->piece(v->ctx, v->out.ptr, v->out.len, v->err);
    sc_buf_reset(&v->out);
}

/* The next segment; false ends the pass, and the next call begins another. */
static bool take(struct view *v, const struct sc_segment **s)
{
    flush(v, false);
    if (!sc_source_take(v->source, &v->code, s, v->err)) {
        v->source->rewind(v->source);
        sc_openai_pass_done(&v->pass);
        return false;
    }
    sc_openai_pass_to(&v->pass, *s);
    return true;
}

static const char *text_of(const struct sc_segment *s)
{
    return s->text == NULL ? "" : s->text;
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
static void put_segment(struct view *v, const struct sc_segment *s)
{
    struct sc_json *w = &v->w;
    sc_json_object(w, NULL);
    sc_json_int(w, "id", (int64_t)v->pass.count - 1);
    sc_json_int(w, "seek",
                s->heard != NULL && s->heard->seek >= 0 ? s->heard->seek : s->start_ms / 10);
    sc_json_seconds(w, "start", s->start_ms);
    sc_json_seconds(w, "end", s->end_ms);
    sc_json_text_open(w, "text");
    sc_json_text_part(w, sc_str_from(v->pass.space ? " " : ""));
    sc_json_text_part(w, sc_str_from(text_of(s)));
    sc_json_text_close(w);
    put_heard(w, s->heard);
    if (s->speaker != NULL)
        sc_json_text(w, "speaker", s->speaker);
    if (v->form->words && v->form->words_inside) {
        sc_json_array(w, "words");
        put_words_of(w, s, true);
        sc_json_end(w);
    }
    sc_json_end(w);
}

static void put_words(struct view *v)
{
    const struct sc_segment *s;
    sc_json_array(&v->w, "words");
    while (take(v, &s))
        put_words_of(&v->w, s, false);
    sc_json_end(&v->w);
}

static void put_segments(struct view *v)
{
    const struct sc_segment *s;
    sc_json_array(&v->w, "segments");
    while (take(v, &s))
        put_segment(v, s);
    sc_json_end(&v->w);
}

static void put_text(struct view *v)
{
    const struct sc_segment *s;
    sc_json_text_open(&v->w, "text");
    while (take(v, &s)) {
        sc_json_text_part(&v->w, sc_str_from(v->pass.space ? " " : ""));
        sc_json_text_part(&v->w, sc_str_from(text_of(s)));
    }
    sc_json_text_close(&v->w);
}

static void put_logprobs(struct view *v)
{
    const struct sc_segment *s;
    if (!v->form->logprobs)
        return;
    sc_json_array(&v->w, "logprobs");
    while (take(v, &s))
        sc_openai_put_logprobs(&v->w, s, v->pass.count == 1);
    sc_json_end(&v->w);
}

static void put_verbose(struct view *v)
{
    const struct sc_openai_form *form = v->form;
    const struct sc_openai_result *r = v->result;
    sc_json_text(&v->w, "task", r->translated ? "translate" : "transcribe");
    sc_json_text(&v->w, "language", r->translated ? "english" : sc_language_name(r->language));
    sc_json_seconds(&v->w, "duration", v->duration_ms);
    /* Segments are what comes when nothing was asked for. */
    if (form->segments || form->words_inside || !form->words)
        put_segments(v);
    if (form->words && !form->words_inside)
        put_words(v);
}

void sc_openai_put_usage(struct sc_json *w, int64_t duration_ms)
{
    sc_json_object(w, "usage");
    sc_json_text(w, "type", "duration");
    sc_json_int(w, "seconds", (duration_ms + 999) / 1000);
    sc_json_end(w);
}

static void view_json(struct view *v)
{
    if (v->form->format == SC_OPENAI_VERBOSE_JSON)
        put_verbose(v);
    put_text(v);
    put_logprobs(v);
    sc_openai_put_usage(&v->w, v->duration_ms);
}

static void view_text(struct view *v)
{
    const struct sc_segment *s;
    while (take(v, &s)) {
        sc_buf_puts(&v->out, v->pass.space ? " " : "");
        sc_buf_puts(&v->out, text_of(s));
    }
    sc_buf_putc(&v->out, '\n');
}

static void put_diarized_text(struct view *v)
{
    const struct sc_segment *s;
    sc_json_text_open(&v->w, "text");
    while (take(v, &s)) {
        struct sc_openai_speaker speaker = sc_openai_speaker(v->form, &v->pass.voices, s);
        sc_json_text_part(&v->w, sc_str_from(v->pass.count == 1 ? "" : "\n"));
        sc_json_text_part(&v->w, sc_str_from(speaker.name));
        sc_json_text_part(&v->w, SC_STR(": "));
        sc_json_text_part(&v->w, sc_str_from(text_of(s)));
    }
    sc_json_text_close(&v->w);
}

static void view_diarized(struct view *v)
{
    struct sc_json *w = &v->w;
    const struct sc_segment *s;
    sc_json_text(w, "task", "transcribe");
    sc_json_seconds(w, "duration", v->duration_ms);
    sc_json_array(w, "segments");
    while (take(v, &s)) {
        struct sc_openai_speaker speaker = sc_openai_speaker(v->form, &v->pass.voices, s);
        sc_json_object(w, NULL);
        sc_openai_put_diarized(w, s, v->pass.count - 1, speaker.name);
        sc_json_end(w);
    }
    sc_json_end(w);
    put_diarized_text(v);
    sc_openai_put_usage(w, v->duration_ms);
}

static void view_lines(struct view *v)
{
    const struct sc_segment *s;
    while (take(v, &s))
        sc_buf_printf(&v->out, "%s\n", text_of(s));
}

static void view_tsv(struct view *v)
{
    const struct sc_segment *s;
    sc_buf_puts(&v->out, "start\tend\ttext\n");
    while (take(v, &s)) {
        sc_buf_printf(&v->out, "%lld\t%lld\t", (long long)s->start_ms, (long long)s->end_ms);
        for (const char *c = text_of(s); *c != '\0'; c++)
            sc_buf_putc(&v->out, *c == '\t' || *c == '\n' || *c == '\r' ? ' ' : *c);
        sc_buf_putc(&v->out, '\n');
    }
}

static void view_whisper(struct view *v)
{
    put_text(v);
    put_segments(v);
    sc_json_text(&v->w, "language", v->result->translated ? "en" : v->result->language);
}

/* No engine says how sure it is. */
static void view_language(struct view *v)
{
    const struct sc_openai_result *r = v->result;
    sc_json_text(&v->w, "detected_language", sc_language_name(r->language));
    sc_json_text(&v->w, "language_code", r->language);
    sc_json_null(&v->w, "confidence");
}

/* Where nobody knows how long the recording is, its last segment tells. */
static void measure(struct view *v)
{
    const struct sc_segment *s;
    v->duration_ms = SC_MAX(v->result->duration_ms, 0);
    while (v->result->duration_ms < 0 && take(v, &s))
        v->duration_ms = s->end_ms;
}

enum sc_code sc_openai_result_view(const struct sc_openai_form *form,
                                   const struct sc_openai_result *result, struct sc_source *source,
                                   sc_write_piece_fn piece, void *ctx, struct sc_error *err)
{
    static const struct {
        void (*put)(struct view *v);
        bool is_object; /* of JSON, whose members it puts */
    } views[] = {
        [SC_OPENAI_JSON] = { view_json, true },
        [SC_OPENAI_TEXT] = { view_text, false },
        [SC_OPENAI_VERBOSE_JSON] = { view_json, true },
        [SC_OPENAI_DIARIZED_JSON] = { view_diarized, true },
        [SC_OPENAI_LINES] = { view_lines, false },
        [SC_OPENAI_TSV] = { view_tsv, false },
        [SC_OPENAI_WHISPER] = { view_whisper, true },
        [SC_OPENAI_LANGUAGE] = { view_language, true },
    };
    SC_AUTO(view_done)
    struct view v = {
        .form = form, .result = result, .source = source, .piece = piece, .ctx = ctx, .err = err
    };
    sc_assert(views[form->format].put != NULL);
    measure(&v);
    sc_json_begin(&v.w, &v.out);
    if (views[form->format].is_object)
        sc_json_object(&v.w, NULL);
    views[form->format].put(&v);
    if (views[form->format].is_object && v.code == SC_OK)
        sc_json_end(&v.w);
    flush(&v, true);
    return v.code;
}

enum sc_code sc_openai_done_view(const struct sc_openai_form *form,
                                 const struct sc_openai_result *result, struct sc_source *source,
                                 sc_write_piece_fn piece, void *ctx, struct sc_error *err)
{
    SC_AUTO(view_done)
    struct view v = {
        .form = form, .result = result, .source = source, .piece = piece, .ctx = ctx, .err = err
    };
    measure(&v);
    sc_buf_puts(&v.out, "data: ");
    sc_json_begin(&v.w, &v.out);
    sc_json_object(&v.w, NULL);
    sc_json_text(&v.w, "type", "transcript.text.done");
    view_json(&v);
    if (v.code == SC_OK)
        sc_json_end(&v.w);
    sc_buf_puts(&v.out, "\n\n");
    flush(&v, true);
    return v.code;
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
    { SC_E_TRANSCRIPT_BUSY, 503, "transcript_busy" },
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
