#include "transcript/writer-internal.h"

#include <inttypes.h>

#include "base/banned.h"

/* CSV as RFC 4180 has it: a row for each segment or, with `words`, for each word. Times are
 * seconds. */

static void put_quoted(struct sc_buf *out, struct sc_str s)
{
    sc_buf_putc(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            sc_buf_putc(out, '"');
        sc_buf_putc(out, s.ptr[i]);
    }
    sc_buf_putc(out, '"');
}

/* A field of text on one line. */
static void put_text(struct sc_buf *out, const char *text)
{
    SC_AUTO_BUF cell = { 0 };
    sc_writer_put_cell(&cell, text);
    struct sc_str s = sc_buf_str(&cell);
    if (memchr(s.ptr, '"', s.len) != NULL || memchr(s.ptr, ',', s.len) != NULL)
        put_quoted(out, s);
    else
        sc_buf_put_str(out, s);
    out->failed = out->failed || cell.failed;
}

static void put_time(struct sc_buf *out, int64_t ms)
{
    sc_buf_printf(out, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

/* What segments and words have in common. */
struct row {
    int64_t segment, word; /* word 0: a row of a segment */
    int64_t start_ms, end_ms;
    const char *speaker, *text;
    float confidence;
};

static void put_row(struct sc_writer_out *w, const struct row *row)
{
    struct sc_buf *out = &w->buf;
    sc_buf_printf(out, "%" PRId64 ",", row->segment);
    if (row->word > 0)
        sc_buf_printf(out, "%" PRId64 ",", row->word);
    put_time(out, sc_writer_time(w->options, row->start_ms));
    sc_buf_putc(out, ',');
    put_time(out, sc_writer_time(w->options, row->end_ms));
    sc_buf_putc(out, ',');
    if (w->options->speakers) {
        put_text(out, row->speaker == NULL ? "" : row->speaker);
        sc_buf_putc(out, ',');
    }
    put_text(out, row->text == NULL ? "" : row->text);
    sc_buf_putc(out, ',');
    if (row->confidence >= 0)
        sc_buf_printf(out, "%.3f", (double)row->confidence);
    sc_buf_putc(out, '\n');
}

static void put_segment(struct sc_writer_out *w, const struct sc_segment *s, int64_t number)
{
    struct row row = { number, 0, s->start_ms, s->end_ms, s->speaker, s->text, s->confidence };
    if (sc_writer_is_cut(w->options, s->end_ms))
        return;
    if (!w->options->words) {
        put_row(w, &row);
        return;
    }
    if (s->word_count == 0) {
        row.word = 1; /* what has no words is one */
        put_row(w, &row);
    }
    for (size_t i = 0; i < s->word_count; i++) {
        const struct sc_word *word = &s->words[i];
        row = (struct row){ number,     (int64_t)i + 1, word->start_ms,  word->end_ms,
                            s->speaker, word->text,     word->confidence };
        if (!sc_writer_is_cut(w->options, word->end_ms))
            put_row(w, &row);
    }
}

SC_WRITER(sc_writer_csv)
{
    SC_AUTO_WRITER_OUT out;
    sc_writer_begin(&out, options, piece, ctx);
    if (options->metadata)
        sc_writer_put_meta(&out.buf, meta, "# ");
    sc_buf_printf(&out.buf, "segment,%sstart,end,%s%s,confidence\n", options->words ? "word," : "",
                  options->speakers ? "speaker," : "", "text");
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    for (int64_t number = 1; sc_source_take(source, &code, &s, err); number++) {
        put_segment(&out, s, number);
        code = sc_writer_flush(&out, false, err);
    }
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
