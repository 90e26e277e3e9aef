#include "transcript/cues.h"

#include "transcript/text.h"

#include <inttypes.h>

#include "base/banned.h"

/* WebVTT: a block in front of which an empty line stands for each cue. Text is escaped, the speaker
 * is a voice of each cue, and with `words` the time of each word stands in front of it, by which
 * players colour the words while they are spoken. */

static void put_text(struct sc_buf *out, struct sc_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '&')
            sc_buf_puts(out, "&amp;");
        else if (s.ptr[i] == '<')
            sc_buf_puts(out, "&lt;");
        else if (s.ptr[i] == '>')
            sc_buf_puts(out, "&gt;");
        else
            sc_buf_putc(out, s.ptr[i]);
    }
}

static void put_voice(struct sc_buf *out, const char *speaker)
{
    SC_AUTO_BUF line = { 0 };
    sc_text_append_line(&line, sc_str_from(speaker));
    sc_buf_puts(out, "<v ");
    put_text(out, sc_buf_str(&line));
    sc_buf_putc(out, '>');
}

/* Times inside of a cue must lie between its ends and rise. */
static void put_tokens(struct sc_buf *out, const struct sc_cue *cue, bool words)
{
    int64_t last = cue->start_ms;
    for (size_t i = cue->first; i < cue->tokens.count; i++) {
        const struct sc_token *token = &cue->tokens.items[i];
        const char *joint = sc_cue_joint(cue, i);
        sc_buf_puts(out, joint);
        if (words && i > cue->first && token->start_ms > last && token->start_ms < cue->end_ms) {
            sc_buf_putc(out, '<');
            sc_writer_put_clock(out, token->start_ms, '.');
            sc_buf_putc(out, '>');
            last = token->start_ms;
        }
        put_text(out, sc_token_str(&cue->tokens, i));
    }
}

struct vtt {
    struct sc_writer_out *out;
    bool begun; /* a cue stands in it */
};

/* An empty line ends what stands before the cues and each of them. Of a file without cues readers
 * take one for the beginning of a cue. */
static enum sc_code put_cue(void *ctx, const struct sc_cue *cue, struct sc_error *err)
{
    struct vtt *vtt = ctx;
    struct sc_writer_out *w = vtt->out;
    struct sc_buf *out = &w->buf;
    if (!vtt->begun)
        sc_buf_putc(out, '\n');
    vtt->begun = true;
    sc_writer_put_clock(out, cue->start_ms, '.');
    sc_buf_puts(out, " --> ");
    sc_writer_put_clock(out, cue->end_ms, '.');
    sc_buf_putc(out, '\n');
    if (cue->speaker != NULL)
        put_voice(out, cue->speaker);
    put_tokens(out, cue, w->options->words);
    sc_buf_puts(out, "\n\n");
    return sc_writer_flush(w, false, err);
}

SC_WRITER(sc_writer_vtt)
{
    SC_AUTO_WRITER_OUT out;
    struct vtt vtt = { &out, false };
    sc_writer_begin(&out, options, piece, ctx);
    sc_buf_puts(&out.buf, "WEBVTT\n");
    if (options->metadata) {
        sc_buf_puts(&out.buf, "\nNOTE\n");
        sc_writer_put_meta(&out.buf, meta, "");
    }
    enum sc_code code = sc_cues_each(source, options, SC_CUES_PLAIN, put_cue, &vtt, err);
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
