#include "api/openai.h"

#include <math.h>

#include "base/banned.h"

#define LOGPROB_DIGITS 6
#define LEAST_CONFIDENCE 1e-6 /* a logarithm needs one above 0 */

/* ---- speakers ---- */

static bool same_speaker(const struct sc_segment *a, const struct sc_segment *b)
{
    if (a->speaker == NULL || b->speaker == NULL)
        return a->speaker == b->speaker;
    return strcmp(a->speaker, b->speaker) == 0;
}

/* NULL: it has none. Where each channel is a speaker, they are called after its number, from 1. */
static const char *given_name(const struct sc_openai_form *form, const struct sc_segment *s)
{
    int64_t channel = 0;
    if (s->speaker == NULL || !sc_str_to_int64(sc_str_from(s->speaker), &channel) || channel < 1 ||
        channel > (int64_t)form->speaker_count)
        return NULL;
    return form->speakers[channel - 1];
}

static struct sc_openai_speaker speaker_by_rank(const struct sc_segments *segments, size_t i)
{
    size_t firsts[26]; /* segments in which a speaker is heard first */
    size_t count = 0;
    for (size_t at = 0; at <= i && count < SC_ARRAY_LEN(firsts); at++) {
        size_t rank = 0;
        while (rank < count && !same_speaker(&segments->items[firsts[rank]], &segments->items[at]))
            rank++;
        if (rank == count)
            firsts[count++] = at;
        if (same_speaker(&segments->items[at], &segments->items[i]))
            return (struct sc_openai_speaker){ { (char)('A' + rank) } };
    }
    return (struct sc_openai_speaker){ "Z" };
}

struct sc_openai_speaker sc_openai_speaker(const struct sc_openai_form *form,
                                           const struct sc_segments *segments, size_t i)
{
    const char *given = given_name(form, &segments->items[i]);
    if (given == NULL)
        return speaker_by_rank(segments, i);
    struct sc_openai_speaker speaker;
    (void)snprintf(speaker.name, sizeof(speaker.name), "%s", given);
    return speaker;
}

void sc_openai_put_diarized(struct sc_json *w, const struct sc_openai_form *form,
                            const struct sc_segments *segments, size_t i)
{
    const struct sc_segment *s = &segments->items[i];
    char id[24];
    (void)snprintf(id, sizeof(id), "seg_%03zu", i + 1);
    sc_json_text(w, "type", "transcript.text.segment");
    sc_json_text(w, "id", id);
    sc_json_seconds(w, "start", s->start_ms);
    sc_json_seconds(w, "end", s->end_ms);
    sc_json_text(w, "text", s->text == NULL ? "" : s->text);
    sc_json_text(w, "speaker", sc_openai_speaker(form, segments, i).name);
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

void sc_openai_put_logprobs(struct sc_json *w, const struct sc_openai_form *form,
                            const struct sc_segments *segments, size_t from, size_t to)
{
    if (!form->logprobs)
        return;
    sc_json_array(w, "logprobs");
    for (size_t i = from; i < to; i++) {
        const struct sc_segment *s = &segments->items[i];
        for (size_t k = 0; k < s->word_count; k++) {
            bool first = i == 0 && k == 0;
            if (s->words[k].confidence >= 0)
                put_logprob(w, &s->words[k], !first);
        }
    }
    sc_json_end(w);
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

void sc_openai_segment_event(const struct sc_openai_form *form, const struct sc_segments *segments,
                             size_t i, struct sc_buf *out)
{
    SC_AUTO_BUF delta = { 0 };
    struct sc_json w;
    begin(&w, out);
    if (form->format == SC_OPENAI_DIARIZED_JSON) {
        sc_openai_put_diarized(&w, form, segments, i);
    } else {
        sc_openai_put_segment_text(segments, i, &delta);
        out->failed = out->failed || delta.failed;
        sc_json_text(&w, "type", "transcript.text.delta");
        sc_json_str(&w, "delta", sc_buf_str(&delta));
        sc_openai_put_logprobs(&w, form, segments, i, i + 1);
    }
    end(&w, out);
}

void sc_openai_done_event(const struct sc_openai_form *form, const struct sc_openai_result *result,
                          struct sc_buf *out)
{
    SC_AUTO_BUF text = { 0 };
    struct sc_json w;
    sc_openai_put_text(result->segments, &text);
    out->failed = out->failed || text.failed;
    begin(&w, out);
    sc_json_text(&w, "type", "transcript.text.done");
    sc_json_str(&w, "text", sc_buf_str(&text));
    sc_openai_put_logprobs(&w, form, result->segments, 0, result->segments->count);
    sc_openai_put_usage(&w, result);
    end(&w, out);
}

void sc_openai_error_event(const struct sc_openai_refusal *refusal, struct sc_buf *out)
{
    sc_buf_puts(out, "data: ");
    (void)sc_openai_error_view(refusal, out);
    sc_buf_puts(out, "\n\n");
}
