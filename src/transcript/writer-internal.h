#pragma once
/* What the writers share. For files of this module only. */

#include "transcript/writer.h"

/* Where a writer's bytes go: gathered in a buffer and handed on in pieces. */
struct sc_writer_out {
    struct sc_buf buf;
    sc_write_piece_fn piece;
    void *ctx;
};
/* Hands on what has gathered when it is a good piece, or all of it. */
SC_MUST_USE enum sc_code sc_writer_flush(struct sc_writer_out *out, bool all, struct sc_error *err);

enum sc_code sc_writer_json(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                            sc_write_piece_fn piece, void *ctx, struct sc_error *err);
enum sc_code sc_writer_srt(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                           sc_write_piece_fn piece, void *ctx, struct sc_error *err);
enum sc_code sc_writer_txt(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                           sc_write_piece_fn piece, void *ctx, struct sc_error *err);
