#include "json/writer.h"

#include "transcript/paragraphs.h"
#include "transcript/text.h"

#include <inttypes.h>

#include "base/banned.h"

/* Markdown: front matter in YAML, the name of the recording as title, then paragraphs, each with
 * its time and, where it is another, its speaker in front. */

/* Signs of markup have a backslash in front, which CommonMark takes off again. */
static void put_text(struct sc_buf *out, struct sc_str s)
{
    static const char always[] = "\\`*_[]<>&~|$";
    size_t digits = 0;
    while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
        digits++;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool heads = i == 0 && strchr("#+-=!:", c) != NULL;
        bool numbers = digits > 0 && i == digits && (c == '.' || c == ')');
        if (c != '\0' && (strchr(always, c) != NULL || heads || numbers))
            sc_buf_putc(out, '\\');
        sc_buf_putc(out, c);
    }
}

/* A text of JSON is one of YAML too. */
static void put_front(struct sc_buf *out, const struct sc_writer_meta *meta)
{
    struct sc_meta_room room;
    sc_writer_meta_items(meta, &room);
    sc_buf_puts(out, "---\n");
    for (const struct sc_meta_item *item = room.items; item->name != NULL; item++) {
        struct sc_json w;
        bool number = strcmp(item->name, "transcript") == 0 || strcmp(item->name, "version") == 0;
        sc_buf_printf(out, "%s: ", item->name);
        if (number) {
            sc_buf_puts(out, item->value);
        } else {
            sc_json_begin(&w, out);
            sc_json_text(&w, NULL, item->value);
        }
        sc_buf_putc(out, '\n');
    }
    sc_buf_puts(out, "---\n\n");
    if (meta->file_name == NULL || meta->file_name[0] == '\0')
        return;
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(meta->file_name));
    sc_buf_puts(out, "# ");
    put_text(out, sc_buf_str(&line));
    sc_buf_puts(out, "\n\n");
}

static enum sc_code put_paragraph(void *ctx, const struct sc_paragraph *p, struct sc_error *err)
{
    struct sc_writer_out *w = ctx;
    struct sc_buf *out = &w->buf;
    if (w->options->times)
        sc_buf_printf(out, "`%02" PRId64 ":%02" PRId64 ":%02" PRId64 "` ", p->start_ms / 3600000,
                      p->start_ms / 60000 % 60, p->start_ms / 1000 % 60);
    if (p->speaker[0] != '\0') {
        sc_buf_puts(out, "**");
        put_text(out, sc_str_from(p->speaker));
        sc_buf_puts(out, ":** ");
    }
    put_text(out, p->text);
    sc_buf_puts(out, "\n\n");
    return sc_writer_flush(w, false, err);
}

SC_WRITER(sc_writer_md)
{
    SC_AUTO_WRITER_OUT out;
    sc_writer_begin(&out, options, piece, ctx);
    if (options->metadata)
        put_front(&out.buf, meta);
    enum sc_code code = sc_paragraphs_each(source, options, put_paragraph, &out, err);
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
