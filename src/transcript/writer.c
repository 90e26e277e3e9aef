#include "transcript/writer.h"

#include "transcript/writer-internal.h"

#include "base/banned.h"

#define PIECE_BYTES ((size_t)16 << 10)

static const struct sc_format formats[] = {
    { "txt", "text/plain; charset=utf-8", "txt", sc_writer_txt },
    { "srt", "application/x-subrip; charset=utf-8", "srt", sc_writer_srt },
    { "json", "application/json; charset=utf-8", "json", sc_writer_json },
};

const struct sc_format *sc_format_find(const char *name)
{
    for (size_t i = 0; name != NULL && i < SC_ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    }
    return NULL;
}

const struct sc_format *sc_format_all(size_t *count)
{
    *count = SC_ARRAY_LEN(formats);
    return formats;
}

enum sc_code sc_writer_flush(struct sc_writer_out *out, bool all, struct sc_error *err)
{
    if (out->buf.failed)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
    if (out->buf.len == 0 || (!all && out->buf.len < PIECE_BYTES))
        return SC_OK;
    enum sc_code code = out->piece(out->ctx, out->buf.ptr, out->buf.len, err);
    sc_buf_reset(&out->buf);
    return code;
}

static enum sc_code append_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct sc_buf *out = ctx;
    sc_buf_append(out, bytes, len);
    if (out->failed)
        return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
    return SC_OK;
}

enum sc_code sc_format_to_buf(const struct sc_format *format, const struct sc_segments *segments,
                              const struct sc_writer_meta *meta, struct sc_buf *out,
                              struct sc_error *err)
{
    return format->write(segments, meta, append_piece, out, err);
}
