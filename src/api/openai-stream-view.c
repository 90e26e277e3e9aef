#include "api/openai.h"

#include "base/alloc.h"
#include "transcript/text.h"

#include <math.h>

#include "base/banned.h"

#define LOGPROB_DIGITS 6
#define LEAST_CONFIDENCE 1e-6 /* a logarithm needs one above 0 */

/* ---- speakers ---- */

/* NULL: it has none. Where each channel is a speaker, they are called after its number, from 1. */
static const char *given_name(const struct sc_openai_form *form, const struct sc_segment *s)
{
    int64_t channel = 0;
    if (s->speaker == NULL || !sc_str_to_int64(sc_str_from(s->speaker), &channel) || channel < 1 ||
        channel > (int64_t)form->speaker_count)
        return NULL;
    return form->speakers[channel - 1];
}

void sc_openai_voices_done(struct sc_openai_voices *voices)
{
    for (size_t i = 0; i < voices->count; i++)
        free(voices->heard[i]);
    voices->count = 0;
}

static char letter_of(struct sc_openai_voices *voices, const char *speaker)
{
    size_t rank = 0;
    while (rank < voices->count && strcmp(voices->heard[rank], speaker) != 0)
        rank++;
    if (rank == SC_OPENAI_LETTERS)
        return 'Z';
    if (rank == voices->count)
        voices->heard[voices->count++] = sc_strdup(speaker);
    return (char)('A' + rank);
}

struct sc_openai_speaker sc_openai_speaker(const struct sc_openai_form *form,
                                           struct sc_openai_voices *voices,
                                           const struct sc_segment *s)
{
    struct sc_openai_speaker speaker = { "" };
    const char *given = given_name(form, s);
    /* Also one that has a name takes a letter: the others keep theirs. */
    speaker.name[0] = letter_of(voices, s->speaker == NULL ? "" : s->speaker);
    if (given != NULL)
        (void)snprintf(speaker.name, sizeof(speaker.name), "%s", given);
    return speaker;
}

void sc_openai_pass_done(struct sc_openai_pass *pass)
{
    sc_buf_done(&pass->before);
    sc_openai_voices_done(&pass->voices);
    *pass = (struct sc_openai_pass){ .count = 0 };
}

static const char *text_of(const struct sc_segment *s)
{
    return s->text == NULL ? "" : s->text;
}

void sc_openai_pass_to(struct sc_openai_pass *pass, const struct sc_segment *s)
{
    struct sc_str text = sc_str_from(text_of(s));
    pass->count++;
    pass->space = sc_text_needs_space(sc_buf_str(&pass->before), text);
    if (text.len == 0)
        return;
    sc_buf_reset(&pass->before);
    sc_buf_put_str(&pass->before, text);
}

void sc_openai_put_diarized(struct sc_json *w, const struct sc_segment *s, size_t index,
                            const char *speaker)
{
    char id[24];
    (void)snprintf(id, sizeof(id), "seg_%03zu", index + 1);
    sc_json_text(w, "type", "transcript.text.segment");
    sc_json_text(w, "id", id);
    sc_json_seconds(w, "start", s->start_ms);
    sc_json_seconds(w, "end", s->end_ms);
    sc_json_text(w, "text", s->text == NULL ? "" : s->text);
    sc_json_text(w, "speaker", speaker);
}

/* ---- logarithms of probabilities ---- */

static void put_logprob(struct sc_json *w, const struct sc_word *word, bool space)
{
    SC_AUTO_BUF token = { 0 };
    sc_buf_printf(&token, "%s%s", space ? " " : "", word->text);
    w->out->failed = w->out->failed || token.failed;
    sc_json_object(w, NULL);
    sc_json_str(w, "token", sc_buf_str(&token));
    sc_json_real(w, "logprob", log(SC_MAX((double)word->confidence, LEAST_CONFIDENCE)),
                 LOGPROB_DIGITS);
    sc_json_array(w, "bytes");
    for (size_t i = 0; i < token.len; i++)
        sc_json_int(w, NULL, (unsigned char)token.ptr[i]);
    sc_json_end(w);
    sc_json_end(w);
}

void sc_openai_put_logprobs(struct sc_json *w, const struct sc_segment *s, bool first)
{
    for (size_t k = 0; k < s->word_count; k++) {
        if (s->words[k].confidence >= 0)
            put_logprob(w, &s->words[k], !first || k > 0);
    }
}

/* ---- events ---- */

static void begin(struct sc_json *w, struct sc_buf *out)
{
    sc_buf_puts(out, "data: ");
    sc_json_begin(w, out);
    sc_json_object(w, NULL);
}

static void end(struct sc_json *w, struct sc_buf *out)
{
    sc_json_end(w);
    sc_buf_puts(out, "\n\n");
}

static void put_delta(struct sc_json *w, const struct sc_openai_form *form,
                      const struct sc_openai_pass *pass, const struct sc_segment *s)
{
    sc_json_text(w, "type", "transcript.text.delta");
    sc_json_text_open(w, "delta");
    sc_json_text_part(w, sc_str_from(pass->space ? " " : ""));
    sc_json_text_part(w, sc_str_from(text_of(s)));
    sc_json_text_close(w);
    if (!form->logprobs)
        return;
    sc_json_array(w, "logprobs");
    sc_openai_put_logprobs(w, s, pass->count == 1);
    sc_json_end(w);
}

void sc_openai_segment_event(const struct sc_openai_form *form, struct sc_openai_pass *pass,
                             const struct sc_segment *s, struct sc_buf *out)
{
    struct sc_json w;
    sc_openai_pass_to(pass, s);
    begin(&w, out);
    if (form->format == SC_OPENAI_DIARIZED_JSON) {
        struct sc_openai_speaker speaker = sc_openai_speaker(form, &pass->voices, s);
        sc_openai_put_diarized(&w, s, pass->count - 1, speaker.name);
    } else {
        put_delta(&w, form, pass, s);
    }
    out->failed = out->failed || pass->before.failed;
    end(&w, out);
}

enum sc_code sc_openai_stream_end(const struct sc_openai_form *form,
                                  const struct sc_openai_result *result,
                                  struct sc_openai_pass *pass, struct sc_source *source,
                                  sc_write_piece_fn piece, void *ctx, struct sc_error *err)
{
    SC_AUTO_BUF out = { 0 };
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    for (size_t i = 0, told = pass->count; sc_source_take(source, &code, &s, err); i++) {
        if (i < told)
            continue;
        sc_buf_reset(&out);
        sc_openai_segment_event(form, pass, s, &out);
        code = out.failed ? sc_error_set(err, SC_E_INTERNAL, "memory is exhausted")
                          : piece(ctx, out.ptr, out.len, err);
    }
    source->rewind(source);
    return code == SC_OK ? sc_openai_done_view(form, result, source, piece, ctx, err) : code;
}

void sc_openai_error_event(const struct sc_openai_refusal *refusal, struct sc_buf *out)
{
    sc_buf_puts(out, "data: ");
    (void)sc_openai_error_view(refusal, out);
    sc_buf_puts(out, "\n\n");
}
