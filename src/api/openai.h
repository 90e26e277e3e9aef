#pragma once
/* OpenAI's dialect of the API, below /v1: the fields of its forms, its model names, its bodies and
 * its errors. Everything here is pure; api/openai.c has the handlers. */

#include "base/language.h"
#include "transcript/writer.h"
#include "json/reader.h"
#include "json/writer.h"

/* ---- openai-form.c ---- */

enum sc_openai_format {
    SC_OPENAI_JSON,
    SC_OPENAI_TEXT,
    SC_OPENAI_SRT,
    SC_OPENAI_VERBOSE_JSON,
    SC_OPENAI_VTT,
    SC_OPENAI_DIARIZED_JSON,
    /* Of other servers' calls (api/compat.c) only. */
    SC_OPENAI_LINES,   /* text, a line for each segment */
    SC_OPENAI_TSV,     /* start and end in milliseconds, text */
    SC_OPENAI_WHISPER, /* text, segments with their words, language as a code */
    SC_OPENAI_LANGUAGE /* the language alone */
};

#define SC_OPENAI_SPEAKERS 4     /* that OpenAI lets a caller name */
#define SC_OPENAI_SPEAKER_MAX 64 /* bytes of a name */

struct sc_openai_form {
    enum sc_openai_format format;
    char *model;                     /* owned; NULL: none came */
    char *prompt;                    /* owned; NULL: none */
    char language[SC_LANGUAGE_TEXT]; /* ISO 639 code; "": none */
    double temperature;
    bool words, segments; /* timestamp_granularities that were named */
    bool words_inside;    /* words stand in their segments, not beside them */
    bool stream, logprobs;
    bool split_channels;                /* a speaker on each channel */
    bool multilingual;                  /* each chunk in a language of its own */
    char *speakers[SC_OPENAI_SPEAKERS]; /* owned: who they are, of the first channel on */
    size_t speaker_count, sample_count; /* names, and samples of voices, that came */
    struct sc_buf keywords;             /* separated by ", " */
    struct sc_buf ignored;              /* fields that have no effect here, separated by ", " */
    struct sc_buf unknown;              /* fields that nobody knows, the same; in printable form */
};
void sc_openai_form_done(struct sc_openai_form *form);
/* Takes a field of the form, in any of its spellings: `name[]`, `name`, `name[key]`. What OpenAI
 * does not allow either is INVALID_VALUE and names the field; an empty value is as good as none. */
SC_MUST_USE enum sc_code sc_openai_form_take(struct sc_openai_form *form, struct sc_str name,
                                             struct sc_str value, struct sc_error *err);
/* Notes a field that the engine cannot heed. */
void sc_openai_form_ignore(struct sc_openai_form *form, const char *name);
/* After all were taken: what must be there is, and what goes together. Notes what has no effect. */
SC_MUST_USE enum sc_code sc_openai_form_check(struct sc_openai_form *form, struct sc_error *err);

/* ---- openai-list.c ---- */

typedef enum sc_code (*sc_openai_take_fn)(struct sc_openai_form *form, struct sc_str value,
                                          struct sc_error *err);
/* Hands each item of a list in JSON or Python to take, and what is no list as it is. What begins as
 * a list and is none of texts is INVALID_VALUE of the field. */
SC_MUST_USE enum sc_code sc_openai_each_item(struct sc_openai_form *form, const char *field,
                                             struct sc_str value, sc_openai_take_fn take,
                                             struct sc_error *err);

/* ---- openai-models.c ---- */

/* What a model's name asks for; "": the default one. Slices of `name`. */
struct sc_openai_model {
    struct sc_str engine, model;
};
/* OpenAI's own names are the default engine; others are ENGINE or ENGINE/MODEL. */
struct sc_openai_model sc_openai_model_parse(const char *name);
/* The list of models, or with `id` (.ptr not NULL) the one object: false when there is none.
 * engines: what `GET /api/engines` answers. */
bool sc_openai_models_view(const struct sc_json_value *engines, const char *default_engine,
                           struct sc_str id, struct sc_buf *out);

/* ---- openai-view.c ---- */

struct sc_openai_result {
    int64_t duration_ms;  /* negative: not known, so the last segment tells */
    const char *language; /* code; "": unknown */
    bool translated;
};
/* The body of any format but srt and vtt, in pieces: no more than some segments are held. */
SC_MUST_USE enum sc_code sc_openai_result_view(const struct sc_openai_form *form,
                                               const struct sc_openai_result *result,
                                               struct sc_source *source, sc_write_piece_fn piece,
                                               void *ctx, struct sc_error *err);
struct sc_openai_refusal {
    const struct sc_error *err;
    const char *method, *path; /* the request's */
    int64_t limit, length;     /* bytes: the largest upload, and what came */
};
/* The status under which OpenAI would tell of it: never 409. */
int sc_openai_status(enum sc_code code);
/* {"error": {message, type, param, code}}; returns the status. */
int sc_openai_error_view(const struct sc_openai_refusal *refusal, struct sc_buf *out);

/* The last event of a stream, with all of the text: a line `data: {…}`. */
SC_MUST_USE enum sc_code sc_openai_done_view(const struct sc_openai_form *form,
                                             const struct sc_openai_result *result,
                                             struct sc_source *source, sc_write_piece_fn piece,
                                             void *ctx, struct sc_error *err);

/* ---- openai-stream-view.c: lines `data: {…}` of a stream ---- */

struct sc_openai_pass;
/* The next segment of a pass: a delta, or for diarized_json the segment itself. */
void sc_openai_segment_event(const struct sc_openai_form *form, struct sc_openai_pass *pass,
                             const struct sc_segment *s, struct sc_buf *out);
/* The segments that the pass has not come to yet, and the last event. */
SC_MUST_USE enum sc_code sc_openai_stream_end(const struct sc_openai_form *form,
                                              const struct sc_openai_result *result,
                                              struct sc_openai_pass *pass, struct sc_source *source,
                                              sc_write_piece_fn piece, void *ctx,
                                              struct sc_error *err);
void sc_openai_error_event(const struct sc_openai_refusal *refusal, struct sc_buf *out);

/* ---- what the views share ---- */

/* {"type": "duration", "seconds": whole ones} */
void sc_openai_put_usage(struct sc_json *w, int64_t duration_ms);
/* The name that the form gives the channel of a segment; else "A" for the first speaker that is
 * heard, "B" for the second, …; all behind the 25th are "Z". Segments are given in order, from the
 * first on. */
#define SC_OPENAI_LETTERS 25
struct sc_openai_voices {
    char *heard[SC_OPENAI_LETTERS]; /* owned; "": nobody's */
    size_t count;
};
struct sc_openai_speaker {
    char name[SC_OPENAI_SPEAKER_MAX + 1];
};
void sc_openai_voices_done(struct sc_openai_voices *voices);
struct sc_openai_speaker sc_openai_speaker(const struct sc_openai_form *form,
                                           struct sc_openai_voices *voices,
                                           const struct sc_segment *s);
/* Where a pass over segments stands: what the next one depends on of those before it. */
struct sc_openai_pass {
    struct sc_openai_voices voices;
    struct sc_buf before; /* what was said last */
    size_t count;         /* segments so far, with the one at hand */
    bool space;           /* one parts the one at hand from what was said before */
};
/* Also to begin anew. */
void sc_openai_pass_done(struct sc_openai_pass *pass);
/* Comes to the next segment. */
void sc_openai_pass_to(struct sc_openai_pass *pass, const struct sc_segment *s);
/* Segment `index` of diarized_json in an open object. */
void sc_openai_put_diarized(struct sc_json *w, const struct sc_segment *s, size_t index,
                            const char *speaker);
/* Rows of `logprobs`, [{token, logprob, bytes}], of the words of a segment; none whose confidence
 * is not known. first: nothing is said before it. */
void sc_openai_put_logprobs(struct sc_json *w, const struct sc_segment *s, bool first);
/* What the description of the API says of them. */
extern const struct sc_json_shape sc_shape_openai_form, sc_shape_openai_text,
    sc_shape_openai_verbose, sc_shape_openai_diarized, sc_shape_whisper, sc_shape_language,
    sc_shape_openai_models, sc_shape_openai_model, sc_shape_openai_error;
