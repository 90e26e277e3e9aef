#pragma once
/* What the writers share. For files of this module only. */

#include "transcript/writer.h"

/* Where a writer's bytes go: gathered in a buffer, lines ended by LF, and handed on in pieces. */
struct sc_writer_out {
    struct sc_buf buf;
    const struct sc_writer_options *options;
    sc_write_piece_fn piece;
    void *ctx;
};
#define SC_AUTO_WRITER_OUT SC_AUTO(sc_writer_out_done) struct sc_writer_out

/* Begins with a byte order mark when the options say so. */
void sc_writer_begin(struct sc_writer_out *out, const struct sc_writer_options *options,
                     sc_write_piece_fn piece, void *ctx);
void sc_writer_out_done(struct sc_writer_out *out);
/* Hands on what has gathered when it is a good piece, or all of it. */
SC_MUST_USE enum sc_code sc_writer_flush(struct sc_writer_out *out, bool all, struct sc_error *err);
/* "name: value" of what is known of the transcript, each line with `lead` in front. */
void sc_writer_put_meta(struct sc_buf *out, const struct sc_writer_meta *meta, const char *lead);

/* Something that is known of the transcript; name and value NULL behind the last. */
struct sc_meta_item {
    const char *name, *value;
};
#define SC_META_ITEMS 9
/* Fills items with what is known and a last row without name; numbers stand in `room`. */
struct sc_meta_room {
    char transcript[24], version[16];
    struct sc_meta_item items[SC_META_ITEMS];
};
void sc_writer_meta_items(const struct sc_writer_meta *meta, struct sc_meta_room *room);

/* A time with the scale and the offset of the options. */
int64_t sc_writer_shift(const struct sc_writer_options *options, int64_t ms);
/* The same, never negative. */
int64_t sc_writer_time(const struct sc_writer_options *options, int64_t ms);
/* Does something that ends then lie in front of the beginning? */
bool sc_writer_is_cut(const struct sc_writer_options *options, int64_t end_ms);
/* Appends "01:02:03,456". */
void sc_writer_put_clock(struct sc_buf *out, int64_t ms, char point);
/* Appends the text as one line; what a spreadsheet would take for a formula gets an apostrophe in
 * front, and so does what would be taken for such a mark. */
void sc_writer_put_cell(struct sc_buf *out, const char *text);
/* Does a cell with this text get the apostrophe? What has it and is read loses it. */
bool sc_cell_is_guarded(struct sc_str cell);
/* Appends UTF-8 as XML's text: escaped, without signs that XML has not. */
void sc_writer_put_xml(struct sc_buf *out, struct sc_str text);

/* Appends UTF-8 text in another encoding. INVALID_VALUE (field "encoding") names the first sign
 * that it has not. */
enum sc_code sc_writer_encode(struct sc_str text, enum sc_writer_encoding encoding,
                              struct sc_buf *out, struct sc_error *err);

#define SC_WRITER(name)                                                                            \
    enum sc_code name(struct sc_source *source, const struct sc_writer_meta *meta,                 \
                      const struct sc_writer_options *options, sc_write_piece_fn piece, void *ctx, \
                      struct sc_error *err)
#define SC_FORMAT(name, ...) SC_WRITER(sc_writer_##name);
#include "config/formats.def"
#undef SC_FORMAT
