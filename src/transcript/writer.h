#pragma once
/* Transcript writers: one table of formats, each a streaming writer over segments, and one table of
 * their options, from which the API's parameters, the flags of the command line and the docs are
 * made. */

#include "transcript/source.h"

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
    bool words, speakers, times, metadata, bom;
    int line_ends;     /* enum sc_writer_line_ends */
    int encoding;      /* enum sc_writer_encoding */
    double scale;      /* every time is multiplied by it, before the offset */
    int64_t offset_ms; /* added to every time; what then ends in front of 0 is left out */
    char *layout;      /* owned; NULL: none (transcript/template.h) */
};

enum sc_writer_line_ends { SC_LINES_LF, SC_LINES_CRLF };
enum sc_writer_encoding { SC_ENCODING_UTF8, SC_ENCODING_UTF16LE, SC_ENCODING_WINDOWS1252 };

/* Called with pieces of the output in order; anything but SC_OK stops the writer with that code. */
typedef enum sc_code (*sc_write_piece_fn)(void *ctx, const char *bytes, size_t len,
                                          struct sc_error *err);

struct sc_format {
    const char *name;      /* "srt" */
    const char *mime_type; /* with charset, of the encoding that there is unless asked otherwise */
    const char *extension;
    const char *description;
    /* Holds no more than a piece and some segments at a time, however many there are; some go
     * through them twice. */
    enum sc_code (*write)(struct sc_source *source, const struct sc_writer_meta *meta,
                          const struct sc_writer_options *options, sc_write_piece_fn piece,
                          void *ctx, struct sc_error *err);
};

/* NULL: no such format. */
const struct sc_format *sc_format_find(const char *name);
const struct sc_format *sc_format_all(size_t *count);
/* Its place among them. */
size_t sc_format_index(const struct sc_format *format);
/* Appends the media type of what is written with these options. */
void sc_format_put_type(const struct sc_format *format, const struct sc_writer_options *options,
                        struct sc_buf *out);
/* Is what it writes for a person's eyes (and terminal)? */
bool sc_format_is_text(const struct sc_format *format);
/* "txt, srt, vtt, …". Static. */
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
    SC_WRITER_RATIO,   /* "1.001", "25/23.976": a double */
    SC_WRITER_CHOICE,  /* an int: the place of the word among the choices */
    SC_WRITER_LAYOUT   /* a template: text, a file on the command line */
};

struct sc_writer_option {
    const char *name; /* "max_line_length" */
    enum sc_writer_option_type type;
    size_t offset;       /* in struct sc_writer_options */
    int64_t min, max;    /* of numbers; of seconds and ratios in thousandths; of text in bytes */
    const char *choices; /* "lf|crlf" */
    const char *formats; /* that take it: "srt|vtt"; NULL: all */
    const char *help;
};
const struct sc_writer_option *sc_writer_option_all(size_t *count);
bool sc_writer_option_applies(const struct sc_writer_option *option,
                              const struct sc_format *format);
/* Appends the formats that take it, between `sep`. */
void sc_writer_option_put_formats(const struct sc_writer_option *option, const char *sep,
                                  struct sc_buf *out);
/* The value in its canonical spelling: "42", "true", "7", "lf"; nothing for no template. */
void sc_writer_option_put(const struct sc_writer_option *option,
                          const struct sc_writer_options *options, struct sc_buf *out);

/* The defaults of a format. They own nothing yet; sc_writer_options_done frees what was set. */
void sc_writer_options_init(struct sc_writer_options *o, const struct sc_format *format);
void sc_writer_options_done(struct sc_writer_options *o);
/* From text (query parameter, flag). INVALID_VALUE names the option, the value and what is allowed;
 * an unknown option, and one that the format does not take, are refused by name. */
SC_MUST_USE enum sc_code sc_writer_options_set(struct sc_writer_options *o,
                                               const struct sc_format *format, struct sc_str name,
                                               struct sc_str value, struct sc_error *err);
