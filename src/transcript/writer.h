#pragma once
/* Transcript writers: one table of formats, each a streaming writer over segments. */

#include "transcript/segment.h"

struct sc_writer_meta {
    int64_t transcript_id, file_id;
    const char *job_id, *status, *language;
    int version;
};

/* Called with pieces of the output in order; anything but SC_OK stops the writer with that code. */
typedef enum sc_code (*sc_write_piece_fn)(void *ctx, const char *bytes, size_t len,
                                          struct sc_error *err);

struct sc_format {
    const char *name;      /* "srt" */
    const char *mime_type; /* with charset */
    const char *extension;
    enum sc_code (*write)(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                          sc_write_piece_fn piece, void *ctx, struct sc_error *err);
};

/* NULL: no such format. */
const struct sc_format *sc_format_find(const char *name);
const struct sc_format *sc_format_all(size_t *count);
/* Whole output into a buffer. */
SC_MUST_USE enum sc_code sc_format_to_buf(const struct sc_format *format,
                                          const struct sc_segments *segments,
                                          const struct sc_writer_meta *meta, struct sc_buf *out,
                                          struct sc_error *err);
