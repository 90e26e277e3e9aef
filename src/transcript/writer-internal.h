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

/* A time with the offset of the options; never negative. */
int64_t sc_writer_time(const struct sc_writer_options *options, int64_t ms);
/* Does something that ends then lie in front of the beginning? */
bool sc_writer_is_cut(const struct sc_writer_options *options, int64_t end_ms);

#define SC_WRITER(name)                                                                            \
    enum sc_code name(const struct sc_segments *segments, const struct sc_writer_meta *meta,       \
                      const struct sc_writer_options *options, sc_write_piece_fn piece, void *ctx, \
                      struct sc_error *err)
SC_WRITER(sc_writer_csv);
SC_WRITER(sc_writer_json);
SC_WRITER(sc_writer_srt);
SC_WRITER(sc_writer_txt);
SC_WRITER(sc_writer_vtt);
