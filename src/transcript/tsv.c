#include "transcript/writer-internal.h"

#include "base/utf8.h"

#include <inttypes.h>

#include "base/banned.h"

/* Rows between tabs as whisper's tools write and read them: start and end in whole milliseconds,
 * then the text; the speaker in a fourth column when asked for. Tabs, line ends and backslashes in
 * the text are named (\t \n \r \\), nothing is quoted. A row is a segment or, with `words`, a word.
 */

static void put_sign(struct sc_buf *out, uint32_t cp)
{
    bool breaks = cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029;
    if (cp == '\t')
        sc_buf_puts(out, "\\t");
    else if (cp == '\n')
        sc_buf_puts(out, "\\n");
    else if (cp == '\r')
        sc_buf_puts(out, "\\r");
    else if (cp == '\\')
        sc_buf_puts(out, "\\\\");
    else if (breaks)
        sc_buf_putc(out, ' ');
    else if (cp != 0xfeff)
        sc_utf8_append(out, cp);
}

static void put_named(struct sc_buf *out, struct sc_str s)
{
    while (s.len > 0) {
        uint32_t cp;
        size_t n = sc_utf8_decode(s, &cp);
        put_sign(out, n == 0 ? 0xfffd : cp);
        s.ptr += SC_MAX(n, (size_t)1);
        s.len -= SC_MAX(n, (size_t)1);
    }
}

static void put_cell(struct sc_buf *out, const char *text)
{
    struct sc_str s = sc_str_trim(sc_str_from(text == NULL ? "" : text));
    if (sc_cell_is_guarded(s))
        sc_buf_putc(out, '\'');
    put_named(out, s);
}

static void put_row(struct sc_writer_out *w, const struct sc_segment *s, int64_t start_ms,
                    int64_t end_ms, const char *text)
{
    struct sc_buf *out = &w->buf;
    if (sc_writer_is_cut(w->options, end_ms))
        return;
    sc_buf_printf(out, "%" PRId64 "\t%" PRId64 "\t", sc_writer_time(w->options, start_ms),
                  sc_writer_time(w->options, end_ms));
    put_cell(out, text);
    if (w->options->speakers) {
        sc_buf_putc(out, '\t');
        put_cell(out, s->speaker);
    }
    sc_buf_putc(out, '\n');
}

SC_WRITER(sc_writer_tsv)
{
    (void)meta;
    SC_AUTO_WRITER_OUT out;
    sc_writer_begin(&out, options, piece, ctx);
    sc_buf_printf(&out.buf, "start\tend\ttext%s\n", options->speakers ? "\tspeaker" : "");
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    while (sc_source_take(source, &code, &s, err)) {
        if (!options->words || s->word_count == 0)
            put_row(&out, s, s->start_ms, s->end_ms, s->text);
        for (size_t k = 0; options->words && k < s->word_count; k++)
            put_row(&out, s, s->words[k].start_ms, s->words[k].end_ms, s->words[k].text);
        code = sc_writer_flush(&out, false, err);
    }
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
