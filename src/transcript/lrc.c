#include "transcript/cues.h"

#include "transcript/text.h"

#include <inttypes.h>

#include "base/banned.h"

/* LRC: a line of text behind its time. A line stands until the next; where nobody speaks, an empty
 * one ends it. With `words` the time of each word stands in front of it and the end of the last one
 * behind it, as enhanced LRC has it. */

/* A pause that an empty line says. */
#define PAUSE_MS 1500

struct lrc {
    struct sc_writer_out *out;
    int64_t end_ms; /* of the line before; -1: none */
};

/* Minutes go on behind 99: the format has no hours. */
static void put_time(struct sc_buf *out, char open, int64_t ms, char close)
{
    sc_buf_printf(out, "%c%02" PRId64 ":%02" PRId64 ".%02" PRId64 "%c", open, ms / 60000,
                  ms / 1000 % 60, ms / 10 % 100, close);
}

/* ---- tags ---- */

static void put_tag(struct sc_buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(value));
    sc_buf_printf(out, "[%s:", name);
    for (size_t i = 0; i < line.len; i++)
        sc_buf_putc(out, line.ptr[i] == '[' ? '(' : line.ptr[i] == ']' ? ')' : line.ptr[i]);
    sc_buf_puts(out, "]\n");
    out->failed = out->failed || line.failed;
}

/* Goes through the segments once, for the length of all. */
static enum sc_code find_end(struct sc_source *source, const struct sc_writer_options *options,
                             int64_t *end, struct sc_error *err)
{
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    *end = 0;
    while (sc_source_take(source, &code, &s, err))
        *end = SC_MAX(*end, sc_writer_time(options, s->end_ms));
    source->rewind(source);
    return code;
}

static void put_tags(struct sc_buf *out, const struct sc_writer_meta *meta, int64_t end)
{
    put_tag(out, "ti", meta->file_name);
    put_tag(out, "la", meta->language);
    put_tag(out, "re", "Scripta");
    sc_buf_printf(out, "[length:%02" PRId64 ":%02" PRId64 "]\n", end / 60000, end / 1000 % 60);
}

/* ---- lines ---- */

/* A bracket that a time, or a tag with a colon, could stand in. */
static bool opens_tag(struct sc_str s, size_t i)
{
    if (s.ptr[i] != '[' && s.ptr[i] != '<')
        return false;
    char close = s.ptr[i] == '[' ? ']' : '>';
    const char *end = memchr(s.ptr + i, close, s.len - i);
    size_t len = end == NULL ? s.len - i : (size_t)(end - s.ptr) - i;
    return memchr(s.ptr + i, ':', len) != NULL;
}

/* The format has no escapes: a space parts what would be taken for a time. */
static void put_safe(struct sc_buf *out, struct sc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        sc_buf_putc(out, s.ptr[i]);
        if (opens_tag(s, i))
            sc_buf_putc(out, ' ');
    }
}

static void append_text(struct sc_buf *out, const struct sc_cue *cue, size_t i)
{
    for (const char *joint = sc_cue_joint(cue, i); *joint != '\0'; joint++) {
        if (*joint != '\n')
            sc_buf_putc(out, *joint);
        else if (out->len > 0 && out->ptr[out->len - 1] != ' ')
            sc_buf_putc(out, ' ');
    }
    sc_buf_put_str(out, sc_token_str(&cue->tokens, i));
}

/* Words, each behind its time: what stands between two times is made safe together. */
static void put_words(struct sc_buf *out, const struct sc_cue *cue)
{
    int64_t at = cue->start_ms;
    SC_AUTO_BUF word = { 0 };
    for (size_t i = cue->first; i < cue->tokens.count; i++) {
        at = SC_MIN(SC_MAX(at, cue->tokens.items[i].start_ms), cue->end_ms);
        sc_buf_reset(&word);
        append_text(&word, cue, i);
        struct sc_str s = sc_buf_str(&word);
        bool space = s.len > 0 && s.ptr[0] == ' ';
        sc_buf_puts(out, space ? " " : "");
        put_time(out, '<', at, '>');
        put_safe(out, sc_str_trim(s));
        out->failed = out->failed || word.failed;
        at = SC_MIN(SC_MAX(at, cue->tokens.items[i].end_ms), cue->end_ms);
    }
    put_time(out, '<', at, '>');
}

static enum sc_code put_cue(void *ctx, const struct sc_cue *cue, struct sc_error *err)
{
    struct lrc *w = ctx;
    struct sc_buf *out = &w->out->buf;
    SC_AUTO_BUF text = { 0 };
    if (w->end_ms >= 0 && cue->start_ms - w->end_ms >= PAUSE_MS) {
        put_time(out, '[', w->end_ms, ']');
        sc_buf_putc(out, '\n');
    }
    w->end_ms = cue->end_ms;
    put_time(out, '[', cue->start_ms, ']');
    if (w->out->options->words) {
        put_words(out, cue);
    } else {
        for (size_t i = cue->first; i < cue->tokens.count; i++)
            append_text(&text, cue, i);
        put_safe(out, sc_buf_str(&text));
    }
    sc_buf_putc(out, '\n');
    out->failed = out->failed || text.failed;
    return sc_writer_flush(w->out, false, err);
}

SC_WRITER(sc_writer_lrc)
{
    SC_AUTO_WRITER_OUT out;
    struct lrc w = { .out = &out, .end_ms = -1 };
    sc_writer_begin(&out, options, piece, ctx);
    int64_t end;
    enum sc_code code = options->metadata ? find_end(source, options, &end, err) : SC_OK;
    if (code != SC_OK)
        return code;
    if (options->metadata)
        put_tags(&out.buf, meta, end);
    code = sc_cues_each(source, options, SC_CUES_NAMED, put_cue, &w, err);
    if (code != SC_OK)
        return code;
    if (w.end_ms >= 0) {
        put_time(&out.buf, '[', w.end_ms, ']');
        sc_buf_putc(&out.buf, '\n');
    }
    return sc_writer_flush(&out, true, err);
}
