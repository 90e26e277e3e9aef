#include "transcript/template.h"
#include "transcript/text.h"
#include "transcript/writer-internal.h"

#include "base/banned.h"

/* Plain text: a line for each segment, so that line tools and diffs see what was said together. A
 * new speaker is named in front of the first segment. With a template, what that says. */
SC_WRITER(sc_writer_txt)
{
    if (options->layout != NULL)
        return sc_template_write(source, meta, options, piece, ctx, err);
    SC_AUTO_BUF line = { 0 };
    SC_AUTO_BUF speaker = { 0 };
    SC_AUTO_WRITER_OUT out;
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    sc_writer_begin(&out, options, piece, ctx);
    while (sc_source_take(source, &code, &s, err)) {
        const char *who = s->speaker == NULL || !options->speakers ? "" : s->speaker;
        if (sc_writer_is_cut(options, s->end_ms))
            continue;
        sc_buf_reset(&line);
        sc_text_append_line(&line, sc_str_from(s->text));
        if (line.len == 0 && !line.failed)
            continue;
        if (strcmp(who, sc_buf_text(&speaker)) != 0 && who[0] != '\0') {
            sc_text_append_line(&out.buf, sc_str_from(who));
            sc_buf_puts(&out.buf, ": ");
        }
        sc_buf_reset(&speaker);
        sc_buf_puts(&speaker, who);
        sc_buf_put_str(&out.buf, sc_buf_str(&line));
        sc_buf_putc(&out.buf, '\n');
        out.buf.failed = out.buf.failed || line.failed || speaker.failed;
        code = sc_writer_flush(&out, false, err);
    }
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
