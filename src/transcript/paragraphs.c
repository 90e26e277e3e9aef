#include "transcript/paragraphs.h"

#include "transcript/text.h"
#include "transcript/tokens.h"

#include "base/banned.h"

#define PAUSE_MS 2000
/* Bytes behind which a sentence ends a paragraph, and behind which anything does. */
#define LONG_BYTES 500
#define MOST_BYTES 2000

struct paragraphs {
    const struct sc_writer_options *options;
    sc_paragraph_fn fn;
    void *ctx;
    struct sc_buf text, line;
    struct sc_buf speaker, named; /* of this paragraph; of the one that was named last */
    int64_t start_ms, end_ms;
};

static void paragraphs_done(struct paragraphs *p)
{
    sc_buf_done(&p->text);
    sc_buf_done(&p->line);
    sc_buf_done(&p->speaker);
    sc_buf_done(&p->named);
}

static bool any_failed(const struct paragraphs *p)
{
    return p->text.failed || p->line.failed || p->speaker.failed || p->named.failed;
}

static enum sc_code hand_out(struct paragraphs *p, struct sc_error *err)
{
    if (any_failed(p))
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
    if (p->text.len == 0)
        return SC_OK;
    bool same = sc_str_equal(sc_buf_str(&p->speaker), sc_buf_str(&p->named));
    struct sc_paragraph paragraph = {
        .start_ms = p->start_ms,
        .speaker = same ? "" : sc_buf_text(&p->speaker),
        .text = sc_buf_str(&p->text),
    };
    enum sc_code code = p->fn(p->ctx, &paragraph, err);
    sc_buf_reset(&p->text);
    sc_buf_reset(&p->named);
    sc_buf_put_str(&p->named, sc_buf_str(&p->speaker));
    return code;
}

/* The last word of a text says whether a sentence ends there. */
static bool ends_sentence(struct sc_str text)
{
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != ' ')
        at--;
    return sc_token_ends_phrase((struct sc_str){ text.ptr + at, text.len - at }) == 2;
}

/* Does the segment begin another paragraph than the one that there is? */
static bool parts(const struct paragraphs *p, const struct sc_segment *s, struct sc_str speaker)
{
    if (!sc_str_equal(speaker, sc_buf_str(&p->speaker)))
        return true;
    if (s->start_ms - p->end_ms >= PAUSE_MS || p->text.len >= MOST_BYTES)
        return true;
    return p->text.len >= LONG_BYTES && ends_sentence(sc_buf_str(&p->text));
}

static enum sc_code add(struct paragraphs *p, const struct sc_segment *s, struct sc_error *err)
{
    SC_AUTO_BUF speaker = { 0 };
    enum sc_code code = SC_OK;
    if (p->options->speakers && s->speaker != NULL)
        sc_text_append_line(&speaker, sc_str_from(s->speaker));
    sc_buf_reset(&p->line);
    sc_text_append_line(&p->line, sc_str_from(s->text));
    if (p->line.len == 0 || sc_writer_is_cut(p->options, s->end_ms))
        return SC_OK;
    if (p->text.len > 0 && parts(p, s, sc_buf_str(&speaker)))
        code = hand_out(p, err);
    if (p->text.len == 0) {
        p->start_ms = sc_writer_time(p->options, s->start_ms);
        sc_buf_reset(&p->speaker);
        sc_buf_put_str(&p->speaker, sc_buf_str(&speaker));
    }
    if (sc_text_needs_space(sc_buf_str(&p->text), sc_buf_str(&p->line)))
        sc_buf_putc(&p->text, ' ');
    sc_buf_put_str(&p->text, sc_buf_str(&p->line));
    p->text.failed = p->text.failed || speaker.failed;
    p->end_ms = s->end_ms;
    return code;
}

enum sc_code sc_paragraphs_each(struct sc_source *source, const struct sc_writer_options *options,
                                sc_paragraph_fn fn, void *ctx, struct sc_error *err)
{
    SC_AUTO(paragraphs_done)
    struct paragraphs p = { .options = options, .fn = fn, .ctx = ctx };
    enum sc_code code = SC_OK;
    const struct sc_segment *s;
    while (sc_source_take(source, &code, &s, err))
        code = add(&p, s, err);
    return code == SC_OK ? hand_out(&p, err) : code;
}
