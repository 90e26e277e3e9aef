#include "cli/view.h"

#include "base/utf8.h"
#include "cli/format.h"
#include "cli/session.h"
#include "config/job-options.h"
#include "config/value.h"

#include <inttypes.h>

#include "base/banned.h"

static bool is_skipped(const char *const *skip, const char *name)
{
    for (; skip != NULL && *skip != NULL; skip++) {
        if (strcmp(*skip, name) == 0)
            return true;
    }
    return false;
}

/* To a thousandth, without zeros that say nothing. */
static void put_real(double value, struct sc_buf *out)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%.3f", value);
    size_t len = strlen(text);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    sc_buf_append(out, text, len);
}

static void put_scalar(const struct sc_json_value *value, struct sc_buf *out)
{
    switch (sc_json_type(value)) {
    case SC_JSON_NULL:
        return;
    case SC_JSON_TEXT:
        sc_buf_put_str(out, sc_json_get_str(value, SC_STR("")));
        return;
    case SC_JSON_BOOL:
        sc_buf_puts(out, sc_json_get_bool(value, false) ? "yes" : "no");
        return;
    case SC_JSON_REAL:
        put_real(sc_json_get_real(value, 0), out);
        return;
    case SC_JSON_INT:
    case SC_JSON_ARRAY:
    case SC_JSON_OBJECT:
        sc_json_dump(value, out);
        return;
    }
}

/* What tells people something: each message a line of its own, below the first. */
static bool put_messages(const struct sc_json_value *value, int indent, struct sc_buf *out)
{
    size_t n = sc_json_type(value) == SC_JSON_ARRAY ? sc_json_count(value) : 0;
    if (n == 0 || sc_json_member(sc_json_at(value, 0), "message") == NULL)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct sc_json_value *message = sc_json_member(sc_json_at(value, i), "message");
        sc_buf_printf(out, "%s%*s", i == 0 ? "" : "\n", i == 0 ? 0 : indent, "");
        SC_AUTO_BUF text = { 0 };
        sc_cli_put_message(&text, sc_json_get_text(message, ""));
        sc_utf8_append_printable(out, sc_buf_str(&text));
    }
    return true;
}

/* Of the options of a job those need no line that are at their defaults, or told by the job itself:
 * its engine, its language. */
static bool is_known_option(const struct sc_json_value *job, const char *name,
                            const struct sc_json_value *value)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF told = { 0 };
    sc_json_dump(value, &text);
    if (sc_json_member(job, name) != NULL)
        sc_json_dump(sc_json_member(job, name), &told);
    if (told.len > 0 && sc_str_equal(sc_buf_str(&text), sc_buf_str(&told)))
        return true;
    sc_buf_reset(&text);
    if (sc_json_type(value) == SC_JSON_BOOL)
        sc_buf_puts(&text, sc_json_get_bool(value, false) ? "true" : "false");
    else
        put_scalar(value, &text);
    return option != NULL && sc_str_equal(sc_buf_str(&text), sc_str_from(option->fallback));
}

static void put_option(const char *name, const struct sc_json_value *value, struct sc_buf *out)
{
    const struct sc_job_option *option = sc_job_option_find(sc_str_from(name));
    if (sc_json_type(value) == SC_JSON_BOOL)
        sc_buf_puts(out, sc_json_get_bool(value, false) ? "on" : "off");
    else if (option != NULL && option->type == SC_JOB_DURATION)
        sc_value_put_duration(out, sc_json_get_int(value, 0));
    else
        put_scalar(value, out);
}

/* An object within the object: each member a line of its own, as an option is typed. */
static void put_members(const struct sc_json_value *object, const char *key, int indent,
                        struct sc_buf *out)
{
    const char *name;
    const struct sc_json_value *value;
    const struct sc_json_value *members = sc_json_member(object, key);
    bool first = true;
    for (void *s = sc_json_next_member(members, NULL, &name, &value); s != NULL;
         s = sc_json_next_member(members, s, &name, &value)) {
        SC_AUTO_BUF text = { 0 };
        if (strcmp(key, "settings") == 0 && is_known_option(object, name, value))
            continue;
        put_option(name, value, &text);
        sc_buf_printf(out, "%s%*s", first ? "" : "\n", first ? 0 : indent, "");
        sc_utf8_append_printable(out, sc_str_from(name));
        sc_buf_putc(out, '=');
        sc_utf8_append_printable(out, sc_buf_str(&text));
        first = false;
    }
    if (first)
        sc_buf_puts(out, "the defaults");
}

/* Null, a list of nothing, an object without members. */
static bool is_nothing(const struct sc_json_value *value)
{
    const char *key;
    const struct sc_json_value *member;
    switch (sc_json_type(value)) {
    case SC_JSON_NULL:
        return true;
    case SC_JSON_ARRAY:
        return sc_json_count(value) == 0;
    case SC_JSON_OBJECT:
        return sc_json_next_member(value, NULL, &key, &member) == NULL;
    case SC_JSON_TEXT:
    case SC_JSON_BOOL:
    case SC_JSON_INT:
    case SC_JSON_REAL:
        return false;
    }
    return false;
}

void sc_view_object(const struct sc_json_value *object, const char *const *skip, int64_t now_ms,
                    struct sc_buf *out)
{
    const char *key;
    const struct sc_json_value *value;
    int width = 0;

    for (void *s = sc_json_next_member(object, NULL, &key, &value); s != NULL;
         s = sc_json_next_member(object, s, &key, &value)) {
        if (!is_skipped(skip, key) && !is_nothing(value))
            width = SC_MAX(width, (int)strlen(key));
    }
    for (void *s = sc_json_next_member(object, NULL, &key, &value); s != NULL;
         s = sc_json_next_member(object, s, &key, &value)) {
        SC_AUTO_BUF text = { 0 };
        if (is_skipped(skip, key) || is_nothing(value))
            continue;
        if (sc_json_type(value) == SC_JSON_TEXT &&
            (sc_str_ends(sc_str_from(key), SC_STR("_at")) ||
             sc_str_ends(sc_str_from(key), SC_STR("_after"))))
            sc_format_time(&text, sc_json_get_text(value, ""), now_ms);
        else
            put_scalar(value, &text);
        sc_utf8_append_printable(out, sc_str_from(key));
        sc_buf_printf(out, ":%*s ", width - (int)SC_MIN(strlen(key), (size_t)width), "");
        if (sc_json_type(value) == SC_JSON_OBJECT)
            put_members(object, key, width + 2, out);
        else if (!put_messages(value, width + 2, out))
            sc_utf8_append_printable(out, sc_buf_str(&text));
        sc_buf_putc(out, '\n');
    }
}

static void put_list(const struct sc_json_value *value, struct sc_buf *out)
{
    if (value == NULL || sc_json_type(value) != SC_JSON_ARRAY)
        return;
    for (size_t i = 0; i < sc_json_count(value); i++) {
        if (i > 0)
            sc_buf_puts(out, ", ");
        put_scalar(sc_json_at(value, i), out);
    }
}

static void put_kind(const struct sc_json_value *value, enum sc_view_kind kind, int64_t now_ms,
                     struct sc_buf *out)
{
    switch (kind) {
    case SC_VIEW_TEXT:
    case SC_VIEW_NUMBER:
        if (value != NULL)
            put_scalar(value, out);
        return;
    case SC_VIEW_TIME:
        sc_format_time(out, sc_json_get_text(value, ""), now_ms);
        return;
    case SC_VIEW_SECONDS:
        sc_format_clock(out, sc_json_get_real(value, -1));
        return;
    case SC_VIEW_SIZE:
        sc_format_size(out, sc_json_get_int(value, -1));
        return;
    case SC_VIEW_PERCENT:
        sc_buf_printf(out, "%.0f%%", sc_json_get_real(value, 0));
        return;
    case SC_VIEW_SPEED:
        if (sc_json_get_real(value, -1) >= 0)
            sc_buf_printf(out, "%.3gx", sc_json_get_real(value, 0));
        return;
    case SC_VIEW_SETTING:
        if (sc_json_type(value) == SC_JSON_BOOL)
            sc_buf_puts(out, sc_json_get_bool(value, false) ? "on" : "off");
        else if (value != NULL)
            put_scalar(value, out);
        return;
    case SC_VIEW_YES_NO:
        sc_buf_puts(out, sc_json_get_bool(value, false) ? "yes" : "no");
        return;
    case SC_VIEW_LIST:
        put_list(value, out);
        return;
    }
}

void sc_view_table(const struct sc_json_value *array, const struct sc_view_column *columns,
                   int64_t now_ms, int width, struct sc_buf *out)
{
    SC_AUTO_TABLE table = { .flexible = -1 };

    for (const struct sc_view_column *c = columns; c->member != NULL; c++) {
        sc_assert(table.columns < SC_TABLE_COLUMNS);
        if (c->flexible || c->wraps)
            table.flexible = table.columns;
        table.wraps = table.wraps || c->wraps;
        table.minor[table.columns] = c->minor;
        table.right[table.columns] = c->kind == SC_VIEW_NUMBER || c->kind == SC_VIEW_SECONDS ||
                                     c->kind == SC_VIEW_SIZE || c->kind == SC_VIEW_PERCENT ||
                                     c->kind == SC_VIEW_SPEED;
        table.titles[table.columns++] = c->title;
    }
    size_t rows = array == NULL || sc_json_type(array) != SC_JSON_ARRAY ? 0 : sc_json_count(array);
    for (size_t i = 0; i < rows; i++) {
        const struct sc_json_value *row = sc_json_at(array, i);
        for (const struct sc_view_column *c = columns; c->member != NULL; c++) {
            SC_AUTO_BUF text = { 0 };
            const struct sc_json_value *in = c->below == NULL ? row : sc_json_member(row, c->below);
            put_kind(in == NULL ? NULL : sc_json_member(in, c->member), c->kind, now_ms, &text);
            if (text.len == 0 && c->otherwise != NULL)
                put_kind(sc_json_member(row, c->otherwise), c->kind, now_ms, &text);
            sc_table_take(&table, &text);
        }
    }
    sc_table_render(&table, width, out);
}

void sc_view_count(struct sc_buf *out, const char *label, const struct sc_json_value *value)
{
    sc_buf_printf(out, SC_VIEW_LABEL "%" PRId64 "\n", label, sc_json_get_int(value, 0));
}

void sc_view_size(struct sc_buf *out, const char *label, const struct sc_json_value *value)
{
    sc_buf_printf(out, SC_VIEW_LABEL, label);
    sc_format_size(out, sc_json_get_int(value, -1));
    sc_buf_putc(out, '\n');
}
