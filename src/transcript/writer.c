#include "transcript/writer.h"

#include "transcript/text.h"
#include "transcript/writer-internal.h"

#include "base/banned.h"

#define PIECE_BYTES ((size_t)16 << 10)

/* The rows of the table export_formats are the same (a test compares them). */
static const struct sc_format formats[] = {
    { "txt", "text/plain; charset=utf-8", "txt", "Plain text", sc_writer_txt },
    { "srt", "application/x-subrip; charset=utf-8", "srt", "SubRip captions", sc_writer_srt },
    { "vtt", "text/vtt; charset=utf-8", "vtt", "WebVTT captions", sc_writer_vtt },
    { "json", "application/json; charset=utf-8", "json", "Segments and words with times",
      sc_writer_json },
    { "csv", "text/csv; charset=utf-8", "csv", "A row for each segment or word", sc_writer_csv },
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

size_t sc_format_index(const struct sc_format *format)
{
    return (size_t)(format - formats);
}

const char *sc_format_names(void)
{
    return "txt, srt, vtt, json or csv";
}

/* ---- output ---- */

static enum sc_code too_large(struct sc_error *err)
{
    return sc_error_set(err, SC_E_FILE_TOO_LARGE, "the transcript is too large to be written");
}

void sc_writer_begin(struct sc_writer_out *out, const struct sc_writer_options *options,
                     sc_write_piece_fn piece, void *ctx)
{
    *out = (struct sc_writer_out){ .options = options, .piece = piece, .ctx = ctx };
    if (options->bom)
        sc_buf_puts(&out->buf, "\xef\xbb\xbf");
}

void sc_writer_out_done(struct sc_writer_out *out)
{
    sc_buf_done(&out->buf);
}

/* No text holds a line feed of its own: the writers fold it. */
static enum sc_code hand_on_crlf(struct sc_writer_out *out, struct sc_error *err)
{
    SC_AUTO_BUF lines = { 0 };
    struct sc_str rest = sc_buf_str(&out->buf);
    while (rest.len > 0) {
        bool feed = memchr(rest.ptr, '\n', rest.len) != NULL;
        sc_buf_put_str(&lines, sc_str_take_until(&rest, '\n'));
        if (feed)
            sc_buf_puts(&lines, "\r\n");
    }
    return lines.failed ? too_large(err) : out->piece(out->ctx, lines.ptr, lines.len, err);
}

enum sc_code sc_writer_flush(struct sc_writer_out *out, bool all, struct sc_error *err)
{
    if (out->buf.failed)
        return too_large(err);
    if (out->buf.len == 0 || (!all && out->buf.len < PIECE_BYTES))
        return SC_OK;
    enum sc_code code = out->options->crlf ? hand_on_crlf(out, err)
                                           : out->piece(out->ctx, out->buf.ptr, out->buf.len, err);
    sc_buf_reset(&out->buf);
    return code;
}

static enum sc_code append_piece(void *ctx, const char *bytes, size_t len, struct sc_error *err)
{
    struct sc_buf *out = ctx;
    sc_buf_append(out, bytes, len);
    return out->failed ? too_large(err) : SC_OK;
}

enum sc_code sc_format_to_buf(const struct sc_format *format, const struct sc_segments *segments,
                              const struct sc_writer_meta *meta,
                              const struct sc_writer_options *options, struct sc_buf *out,
                              struct sc_error *err)
{
    struct sc_writer_options defaults;
    sc_writer_options_init(&defaults, format);
    return format->write(segments, meta, options == NULL ? &defaults : options, append_piece, out,
                         err);
}

/* ---- what writers share ---- */

int64_t sc_writer_time(const struct sc_writer_options *options, int64_t ms)
{
    return SC_MAX(ms + options->offset_ms, 0);
}

bool sc_writer_is_cut(const struct sc_writer_options *options, int64_t end_ms)
{
    return options->offset_ms < 0 && end_ms + options->offset_ms <= 0;
}

static void put_pair(struct sc_buf *out, const char *lead, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    sc_buf_printf(out, "%s%s: ", lead, name);
    size_t at = out->len;
    sc_text_append_line(out, sc_str_from(value));
    /* An arrow would end a comment of WebVTT. */
    for (char *p; !out->failed && (p = memmem(out->ptr + at, out->len - at, "-->", 3)) != NULL;)
        p[2] = ' ';
    sc_buf_putc(out, '\n');
}

void sc_writer_put_meta(struct sc_buf *out, const struct sc_writer_meta *meta, const char *lead)
{
    char number[24];
    put_pair(out, lead, "recording", meta->file_name);
    put_pair(out, lead, "language", meta->language);
    put_pair(out, lead, "engine", meta->engine);
    put_pair(out, lead, "model", meta->model);
    put_pair(out, lead, "job", meta->job_id);
    if (meta->transcript_id > 0) {
        (void)snprintf(number, sizeof(number), "%lld", (long long)meta->transcript_id);
        put_pair(out, lead, "transcript", number);
    }
    (void)snprintf(number, sizeof(number), "%d", meta->version);
    put_pair(out, lead, "version", number);
    put_pair(out, lead, "status", meta->status);
}
