#include "transcript/writer.h"

#include "config/formats.h"
#include "transcript/text.h"
#include "transcript/writer-internal.h"

#include <inttypes.h>
#include <math.h>

#include "base/banned.h"

#define PIECE_BYTES ((size_t)16 << 10)

#define CHARSET_true "; charset=utf-8"
#define CHARSET_false ""
#define SC_FORMAT(name, type, is_text, description) \
    { #name, type CHARSET_##is_text, #name, description, sc_writer_##name },
static const struct sc_format formats[] = {
#include "config/formats.def"
};
#undef SC_FORMAT

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
    return SC_FORMAT_LIST;
}

bool sc_format_is_text(const struct sc_format *format)
{
    return strchr(format->mime_type, ';') != NULL;
}

void sc_format_put_type(const struct sc_format *format, const struct sc_writer_options *options,
                        struct sc_buf *out)
{
    static const char *const charsets[] = { "utf-8", "utf-16le", "windows-1252" };
    struct sc_str rest = sc_str_from(format->mime_type);
    sc_buf_put_str(out, sc_str_take_until(&rest, ';'));
    if (sc_format_is_text(format))
        sc_buf_printf(out, "; charset=%s", charsets[options->encoding]);
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
    /* Without its mark nobody knows UTF-16. */
    if (options->bom || options->encoding == SC_ENCODING_UTF16LE)
        sc_buf_puts(&out->buf, "\xef\xbb\xbf");
}

void sc_writer_out_done(struct sc_writer_out *out)
{
    sc_buf_done(&out->buf);
}

/* No text holds a line feed of its own: the writers fold it. */
static void put_crlf(struct sc_buf *lines, struct sc_str rest)
{
    while (rest.len > 0) {
        bool feed = memchr(rest.ptr, '\n', rest.len) != NULL;
        sc_buf_put_str(lines, sc_str_take_until(&rest, '\n'));
        if (feed)
            sc_buf_puts(lines, "\r\n");
    }
}

/* Lines and signs as they are asked for. */
static enum sc_code hand_on(struct sc_writer_out *out, struct sc_error *err)
{
    SC_AUTO_BUF lines = { 0 };
    SC_AUTO_BUF signs = { 0 };
    struct sc_str bytes = sc_buf_str(&out->buf);
    if (out->options->line_ends == SC_LINES_CRLF) {
        put_crlf(&lines, bytes);
        bytes = sc_buf_str(&lines);
    }
    if (out->options->encoding != SC_ENCODING_UTF8) {
        enum sc_code code =
            sc_writer_encode(bytes, (enum sc_writer_encoding)out->options->encoding, &signs, err);
        if (code != SC_OK)
            return code;
        bytes = sc_buf_str(&signs);
    }
    return lines.failed || signs.failed ? too_large(err)
                                        : out->piece(out->ctx, bytes.ptr, bytes.len, err);
}

enum sc_code sc_writer_flush(struct sc_writer_out *out, bool all, struct sc_error *err)
{
    if (out->buf.failed)
        return too_large(err);
    if (out->buf.len == 0 || (!all && out->buf.len < PIECE_BYTES))
        return SC_OK;
    enum sc_code code = hand_on(out, err);
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
    struct sc_list_source list = sc_list_source_of(segments);
    return format->write(&list.source, meta, options == NULL ? &defaults : options, append_piece,
                         out, err);
}

/* ---- what writers share ---- */

int64_t sc_writer_shift(const struct sc_writer_options *options, int64_t ms)
{
    double scaled = (double)ms * options->scale;
    return (options->scale == 1.0 ? ms : llround(scaled)) + options->offset_ms;
}

int64_t sc_writer_time(const struct sc_writer_options *options, int64_t ms)
{
    return SC_MAX(sc_writer_shift(options, ms), 0);
}

bool sc_writer_is_cut(const struct sc_writer_options *options, int64_t end_ms)
{
    return options->offset_ms < 0 && sc_writer_shift(options, end_ms) <= 0;
}

void sc_writer_put_clock(struct sc_buf *out, int64_t ms, char point)
{
    sc_buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 "%c%03" PRId64, ms / 3600000,
                  ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

static void put_pair(struct sc_buf *out, const char *lead, const char *name, const char *value)
{
    sc_buf_printf(out, "%s%s: ", lead, name);
    size_t at = out->len;
    sc_text_append_line(out, sc_str_from(value));
    /* An arrow would end a comment of WebVTT. */
    for (char *p; !out->failed && (p = memmem(out->ptr + at, out->len - at, "-->", 3)) != NULL;)
        p[2] = ' ';
    sc_buf_putc(out, '\n');
}

void sc_writer_meta_items(const struct sc_writer_meta *meta, struct sc_meta_room *room)
{
    room->transcript[0] = '\0';
    if (meta->transcript_id > 0)
        (void)snprintf(room->transcript, sizeof(room->transcript), "%" PRId64, meta->transcript_id);
    (void)snprintf(room->version, sizeof(room->version), "%d", meta->version);
    const struct sc_meta_item known[] = {
        { "recording", meta->file_name }, { "language", meta->language },
        { "engine", meta->engine },       { "model", meta->model },
        { "job", meta->job_id },          { "transcript", room->transcript },
        { "version", room->version },     { "status", meta->status },
    };
    size_t n = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(known); i++) {
        if (known[i].value != NULL && known[i].value[0] != '\0')
            room->items[n++] = known[i];
    }
    room->items[n] = (struct sc_meta_item){ 0 };
}

void sc_writer_put_meta(struct sc_buf *out, const struct sc_writer_meta *meta, const char *lead)
{
    struct sc_meta_room room;
    sc_writer_meta_items(meta, &room);
    for (const struct sc_meta_item *item = room.items; item->name != NULL; item++)
        put_pair(out, lead, item->name, item->value);
}
