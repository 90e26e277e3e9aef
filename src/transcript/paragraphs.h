#pragma once
/* Segments joined into paragraphs that can be read: what the documents share. For files of this
 * module only. */

#include "transcript/writer-internal.h"

struct sc_paragraph {
    int64_t start_ms;    /* with the scale and the offset of the options */
    const char *speaker; /* one line; "": none, not asked for, or who spoke in the one before */
    struct sc_str text;  /* one line, not empty */
};

typedef enum sc_code (*sc_paragraph_fn)(void *ctx, const struct sc_paragraph *paragraph,
                                        struct sc_error *err);

/* Calls fn for each paragraph in order: one ends where another speaks, at a long pause, and behind
 * a sentence when it is long. */
enum sc_code sc_paragraphs_each(struct sc_source *source, const struct sc_writer_options *options,
                                sc_paragraph_fn fn, void *ctx, struct sc_error *err);
