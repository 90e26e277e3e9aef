#pragma once
/* A transcript as a file for an editor: a mark for each segment, its text below. What was changed
 * is found by comparing what was written with what is there afterwards. */

#include "base/buf.h"
#include "base/error.h"
#include "json/reader.h"

struct sc_edit_file {
    char *path;           /* owned */
    struct sc_buf before; /* as it was written */
    int64_t version;
    size_t steps; /* found by reading */
};
void sc_edit_file_done(struct sc_edit_file *f);
/* Makes the file of what GET answered. */
SC_MUST_USE enum sc_code sc_edit_file_write(struct sc_edit_file *f,
                                            const struct sc_json_value *transcript,
                                            struct sc_error *err);
/* Runs $VISUAL, $EDITOR or vi on it and waits. */
SC_MUST_USE enum sc_code sc_edit_file_open(struct sc_edit_file *f, struct sc_error *err);
/* The steps that make of one the other, as the body of an edit. INVALID_VALUE names the line. */
SC_MUST_USE enum sc_code sc_edit_file_read(struct sc_edit_file *f, const char *note,
                                           struct sc_buf *body, struct sc_error *err);
/* Removes it. */
void sc_edit_file_forget(struct sc_edit_file *f);
/* "12.5", "1:02:03.4" in ms; false: no time. */
bool sc_edit_time_parse(struct sc_str text, int64_t *ms);
