#pragma once
/* Transcript writers: one table of formats, each a streaming writer over segments, and one table of
 * their options, from which the API's parameters, the flags of the command line and the docs are
 * made. */

#include "transcript/segment.h"

struct sc_writer_meta {
    int64_t transcript_id, file_id;
    const char *job_id, *status, *language;
    int version;
    const char *file_name, *engine, *model; /* NULL: not known */
};

struct sc_writer_options {
    bool captions;       /* cut into cues that can be read; false: each segment is a cue */
    int max_line_length; /* columns */
    int max_lines;
    int64_t max_cue_ms;
    int max_cps; /* columns a second; a cue stays longer where there is room. 0: does not matter */
    bool words, speakers, metadata, bom, crlf;
    int64_t offset_ms; /* added to every time; what then ends in front of 0 is left out */
};

/* Called with pieces of the output in order; anything but SC_OK stops the writer with that code. */
typedef enum sc_code (*sc_write_piece_fn)(void *ctx, const char *bytes, size_t len,
                                          struct sc_error *err);

struct sc_format {
    const char *name;      /* "srt" */
    const char *mime_type; /* with charset */
    const char *extension;
    const char *description;
    enum sc_code (*write)(const struct sc_segments *segments, const struct sc_writer_meta *meta,
                          const struct sc_writer_options *options, sc_write_piece_fn piece,
                          void *ctx, struct sc_error *err);
};

/* NULL: no such format. */
const struct sc_format *sc_format_find(const char *name);
const struct sc_format *sc_format_all(size_t *count);
/* Its place among them. */
size_t sc_format_index(const struct sc_format *format);
/* "txt, srt, vtt, json or csv". Static. */
const char *sc_format_names(void);
/* Whole output into a buffer. options NULL: the format's defaults. */
SC_MUST_USE enum sc_code sc_format_to_buf(const struct sc_format *format,
                                          const struct sc_segments *segments,
                                          const struct sc_writer_meta *meta,
                                          const struct sc_writer_options *options,
                                          struct sc_buf *out, struct sc_error *err);

/* ---- options ---- */

enum sc_writer_option_type {
    SC_WRITER_BOOL,
    SC_WRITER_INT,
    SC_WRITER_SECONDS, /* "7", "-1.25": milliseconds in int64_t */
    SC_WRITER_CHOICE   /* a bool: the second of two choices */
};

struct sc_writer_option {
    const char *name; /* "max_line_length" */
    enum sc_writer_option_type type;
    size_t offset;       /* in struct sc_writer_options */
    int64_t min, max;    /* of numbers; of seconds in ms */
    const char *choices; /* "lf|crlf" */
    const char *formats; /* that take it: "srt|vtt" */
    const char *help;
};
const struct sc_writer_option *sc_writer_option_all(size_t *count);
bool sc_writer_option_applies(const struct sc_writer_option *option,
                              const struct sc_format *format);
/* The value in its canonical spelling: "42", "true", "7", "lf". */
void sc_writer_option_put(const struct sc_writer_option *option,
                          const struct sc_writer_options *options, struct sc_buf *out);

/* The defaults of a format. */
void sc_writer_options_init(struct sc_writer_options *o, const struct sc_format *format);
/* From text (query parameter, flag). INVALID_VALUE names the option, the value and what is allowed;
 * an unknown option, and one that the format does not take, are refused by name. */
SC_MUST_USE enum sc_code sc_writer_options_set(struct sc_writer_options *o,
                                               const struct sc_format *format, struct sc_str name,
                                               struct sc_str value, struct sc_error *err);
