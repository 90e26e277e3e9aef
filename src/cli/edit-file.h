#pragma once
/* A transcript as a file for an editor: a mark for each segment, its text below. What was changed
 * is found by comparing what was written with what is there afterwards. */

#include "base/buf.h"
#include "base/error.h"
#include "json/reader.h"

struct sc_edit_file {
    char *path;              /* owned */
    struct sc_json_doc *doc; /* owned: what GET answered */
    struct sc_buf before;    /* as it was written */
    int64_t transcript, version;
    size_t steps;            /* found by reading */
    bool whole;              /* these are too many for an edit: the body is one to PUT */
    struct sc_buf conflicts; /* a line for each that sc_edit_file_compare refused */
};
void sc_edit_file_done(struct sc_edit_file *f);
/* Takes what GET answered over, for what the text is compared with. CONFLICT: it is still being
 * made. */
SC_MUST_USE enum sc_code sc_edit_file_base(struct sc_edit_file *f, struct sc_json_doc *doc,
                                           struct sc_error *err);
/* The same, and makes the file of it. */
SC_MUST_USE enum sc_code sc_edit_file_write(struct sc_edit_file *f, struct sc_json_doc *doc,
                                            struct sc_error *err);
/* Runs $VISUAL, $EDITOR or vi on it and waits. When that fails the file is removed, unless it holds
 * anything but what was written to it: then *kept is true. */
SC_MUST_USE enum sc_code sc_edit_file_open(struct sc_edit_file *f, bool *kept,
                                           struct sc_error *err);
/* Reads a text that somebody wrote, "-": standard input, without a byte order mark. NOT_FOUND;
 * INVALID_VALUE tells line and byte of what is no UTF-8. */
SC_MUST_USE enum sc_code sc_edit_text_read(const char *path, struct sc_buf *out,
                                           struct sc_error *err);
/* Is this text such a file? Then its first line says of which version of which transcript. */
bool sc_edit_file_head(struct sc_str text, int64_t *transcript, int64_t *version);
struct sc_edit_asks {
    /* What others made of the version that is compared with: the steps are for this one, and take
     * nothing of it back. NULL: nobody did. */
    const struct sc_edit_file *theirs;
    const char *note; /* NULL: none */
};
/* The steps that make of one the other, as the body of an edit; where they are more than one edit
 * takes, all of it as the body of a PUT, and f->whole is true: what was not changed is in it as GET
 * has it, since a line of the file is less than that. INVALID_VALUE names the line, or
 * tells that the text is of another version, or that it is empty: no steps would be many. CONFLICT
 * where the same words, times or names were changed on both sides: f->conflicts tells which. */
SC_MUST_USE enum sc_code sc_edit_file_compare(struct sc_edit_file *f, struct sc_str text,
                                              const struct sc_edit_asks *asks, struct sc_buf *body,
                                              struct sc_error *err);
/* Removes it. */
void sc_edit_file_forget(struct sc_edit_file *f);
/* "12.5", "1:02:03.4" in ms; false: no time. */
bool sc_edit_time_parse(struct sc_str text, int64_t *ms);
