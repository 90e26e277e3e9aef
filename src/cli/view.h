#pragma once
/* The API's JSON as a person reads it. */

#include "cli/table.h"
#include "json/reader.h"

/* One "name: value" line a member, names aligned; times relative, a list of objects with a message
 * as these messages, an object as "name=value" lines
 * (of "settings" those that are not told already and not at their defaults), other nested values as
 * JSON; nothing for null and what is empty. `skip` ends in NULL and may be NULL. */
void sc_view_object(const struct sc_json_value *object, const char *const *skip, int64_t now_ms,
                    struct sc_buf *out);

enum sc_view_kind {
    SC_VIEW_TEXT,
    SC_VIEW_NUMBER,  /* at the right */
    SC_VIEW_TIME,    /* RFC 3339 */
    SC_VIEW_SECONDS, /* a duration */
    SC_VIEW_SIZE,    /* bytes */
    SC_VIEW_PERCENT,
    SC_VIEW_SPEED, /* times real time */
    SC_VIEW_YES_NO,
    SC_VIEW_SETTING, /* what an option is set to, as it is typed: "on", "42" */
    SC_VIEW_LIST,    /* an array of texts */
};
struct sc_view_column {
    const char *title;
    const char *member; /* NULL ends a table of columns */
    enum sc_view_kind kind;
    const char *otherwise; /* member shown when the first is empty; may be NULL */
    const char *below;     /* the member stands in this object of the row; NULL: in the row */
    bool flexible;
    bool wraps; /* flexible, and broken at words; only for the last */
    int minor;  /* left out where the line would be too long: 1 first; 0: never */
};
/* A table of an array's objects. */
void sc_view_table(const struct sc_json_value *array, const struct sc_view_column *columns,
                   int64_t now_ms, int width, struct sc_buf *out);

/* ---- figures: a line each, "label   value" ---- */

#define SC_VIEW_LABEL "%-22s "
void sc_view_count(struct sc_buf *out, const char *label, const struct sc_json_value *value);
/* "-" for null. */
void sc_view_size(struct sc_buf *out, const char *label, const struct sc_json_value *value);
