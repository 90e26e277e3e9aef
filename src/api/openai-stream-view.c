#include "api/openai.h"

#include "base/alloc.h"

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

static void put_text(const struct sc_segments *segments, size_t i, struct sc_buf *out)
{
    const char *text = segments->items[i].text;
    if (sc_segments_need_space(segments, i))
        sc_buf_putc(out, ' ');
    sc_buf_puts(out, text == NULL ? "" : text);
}

/* Of the segments from `from` to before `to`, where the form asks for it. */
static void put_logprobs(struct sc_json *w, const struct sc_openai_form *form,
                         const struct sc_segments *segments, size_t from, size_t to)
{
    if (!form->logprobs)
        return;
    sc_json_array(w, "logprobs");
    for (size_t i = from; i < to; i++)
        sc_openai_put_logprobs(w, &segments->items[i], i == 0);
    sc_json_end(w);
}

static void put_diarized(struct sc_json *w, const struct sc_openai_form *form,
                         const struct sc_segments *segments, size_t i)
{
    SC_AUTO(sc_openai_voices_done) struct sc_openai_voices voices = { .count = 0 };
    struct sc_openai_speaker speaker = { "" };
    for (size_t k = 0; k <= i; k++)
        speaker = sc_openai_speaker(form, &voices, &segments->items[k]);
    sc_openai_put_diarized(w, &segments->items[i], i, speaker.name);
}

void sc_openai_segment_event(const struct sc_openai_form *form, const struct sc_segments *segments,
                             size_t i, struct sc_buf *out)
{
    SC_AUTO_BUF delta = { 0 };
    struct sc_json w;
    begin(&w, out);
    if (form->format == SC_OPENAI_DIARIZED_JSON) {
        put_diarized(&w, form, segments, i);
    } else {
        put_text(segments, i, &delta);
        out->failed = out->failed || delta.failed;
        sc_json_text(&w, "type", "transcript.text.delta");
        sc_json_str(&w, "delta", sc_buf_str(&delta));
        put_logprobs(&w, form, segments, i, i + 1);
    }
    end(&w, out);
}

void sc_openai_done_event(const struct sc_openai_form *form, const struct sc_openai_result *result,
                          const struct sc_segments *segments, struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    int64_t ms = result->duration_ms;
    if (ms < 0)
        ms = segments->count == 0 ? 0 : segments->items[segments->count - 1].end_ms;
    for (size_t i = 0; i < segments->count; i++)
        put_text(segments, i, &text);
    out->failed = out->failed || text.failed;
    begin(&w, out);
    sc_json_text(&w, "type", "transcript.text.done");
    sc_json_str(&w, "text", sc_buf_str(&text));
    put_logprobs(&w, form, segments, 0, segments->count);
    sc_openai_put_usage(&w, ms);
    end(&w, out);
}

void sc_openai_error_event(const struct sc_openai_refusal *refusal, struct sc_buf *out)
{
    sc_buf_puts(out, "data: ");
    (void)sc_openai_error_view(refusal, out);
    sc_buf_puts(out, "\n\n");
}
