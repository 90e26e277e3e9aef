#include "transcript/cues.h"

#include <inttypes.h>

#include "base/banned.h"

/* SubRip: a number, the times, the text, an empty line. */
struct srt {
    struct sc_writer_out *out;
    int64_t index;
};

static enum sc_code put_cue(void *ctx, const struct sc_cue *cue, struct sc_error *err)
{
    struct srt *w = ctx;
    struct sc_buf *out = &w->out->buf;
    sc_buf_printf(out, "%" PRId64 "\n", ++w->index);
    sc_writer_put_clock(out, cue->start_ms, ',');
    sc_buf_puts(out, " --> ");
    sc_writer_put_clock(out, cue->end_ms, ',');
    sc_buf_putc(out, '\n');
    for (size_t i = cue->first; i < cue->tokens.count; i++) {
        sc_buf_puts(out, sc_cue_joint(cue, i));
        sc_buf_put_str(out, sc_token_str(&cue->tokens, i));
    }
    sc_buf_puts(out, "\n\n");
    return sc_writer_flush(w->out, false, err);
}

SC_WRITER(sc_writer_srt)
{
    (void)meta;
    SC_AUTO_WRITER_OUT out;
    struct srt w = { .out = &out };
    sc_writer_begin(&out, options, piece, ctx);
    enum sc_code code = sc_cues_each(source, options, SC_CUES_SUBRIP, put_cue, &w, err);
    return code == SC_OK ? sc_writer_flush(&out, true, err) : code;
}
