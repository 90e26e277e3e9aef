#pragma once
/* Tags and notes as bodies give them: the same members, within the same limits, of files, jobs and
 * transcripts. */

#include "library/marks.h"
#include "json/reader.h"
#include "json/shape.h"

struct sc_marks_body {
    struct sc_marks_edit edit;
    char *notes;              /* that of `edit`; owned */
    bool has_tags, has_steps; /* the whole list came; tags to add or to remove did */
};
void sc_marks_body_done(struct sc_marks_body *body);
/* Takes tags, add_tags, remove_tags and notes; false: another member. What is bad is added to
 * *err. */
bool sc_marks_member(struct sc_marks_body *body, const char *name,
                     const struct sc_json_value *value, struct sc_error *err);
/* Once all members were taken: adds to *err what does not go together. */
void sc_marks_settle(struct sc_marks_body *body, struct sc_error *err);

/* Rows of a body that may change marks. */
#define SC_MARKS_ROWS                                                                   \
    { .name = "tags",                                                                   \
      .type = SC_JSON_ARRAY,                                                            \
      .items = SC_JSON_TEXT,                                                            \
      .help = "The whole list: at most 32 of 1 to 64 bytes",                            \
      .example = "[\"interview\"]" },                                                   \
        { .name = "add_tags",                                                           \
          .type = SC_JSON_ARRAY,                                                        \
          .items = SC_JSON_TEXT,                                                        \
          .help = "Instead of `tags`: what is put to those that are there" },           \
        { .name = "remove_tags",                                                        \
          .type = SC_JSON_ARRAY,                                                        \
          .items = SC_JSON_TEXT,                                                        \
          .help = "Instead of `tags`: what is taken away, where it is there" },         \
    {                                                                                   \
        .name = "notes", .type = SC_JSON_TEXT, .help = "Notes, of at most 10,000 bytes" \
    }
/* Rows of what shows marks, and their members. */
#define SC_SHOW_MARKS                                                                    \
    SC_SHOW(TEXTS, "tags", "What its owner has put on it, in order", "[\"interview\"]"), \
        SC_SHOW(TEXT_OR_NULL, "notes", "Notes of its owner", NULL)
/* NULL where nobody read them. */
void sc_marks_fields(struct sc_json *w, const struct sc_marks *marks);
