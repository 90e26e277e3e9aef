#include "api/query.h"

#include "api/request.h"

#include "base/clock.h"

#include <inttypes.h>

#include "base/banned.h"

/* ---- cursors ---- */

static const char cursor_letters[] = {
    [SC_CURSOR_JOB] = 'j',      [SC_CURSOR_UPLOAD] = 'u',    [SC_CURSOR_TRANSCRIPT] = 't',
    [SC_CURSOR_EVENT] = 'e',    [SC_CURSOR_EXPORT] = 'x',    [SC_CURSOR_VERSION] = 'v',
    [SC_CURSOR_TOKEN] = 'k',    [SC_CURSOR_RESUMABLE] = 'r', [SC_CURSOR_WEBHOOK] = 'w',
    [SC_CURSOR_DELIVERY] = 'd', [SC_CURSOR_SEARCH] = 's',    [SC_CURSOR_CHANGE] = 'h'
};

const char *sc_cursor_format(enum sc_cursor_kind kind, int64_t id, char out[SC_CURSOR_TEXT])
{
    sc_assert(id > 0);
    (void)snprintf(out, SC_CURSOR_TEXT, "%c%" PRIx64, cursor_letters[kind], (uint64_t)id);
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void sc_hex_text_put(struct sc_buf *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        sc_buf_printf(out, "%02x", (unsigned)(unsigned char)*p);
}

bool sc_hex_text_parse(struct sc_str digits, char *out, size_t size)
{
    if (digits.len % 2 != 0 || digits.len / 2 >= size)
        return false;
    for (size_t i = 0; i < digits.len / 2; i++) {
        int high = hex_digit(digits.ptr[2 * i]), low = hex_digit(digits.ptr[2 * i + 1]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
        out[i] = (char)(high << 4 | low);
    }
    out[digits.len / 2] = '\0';
    return true;
}

bool sc_hex_parse(struct sc_str digits, int64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len && i < 16; i++) {
        int digit = hex_digit(digits.ptr[i]);
        if (digit < 0)
            return false;
        value = value << 4 | (unsigned)digit;
    }
    if (digits.len == 0 || digits.len > 16 || value > INT64_MAX ||
        (digits.len > 1 && digits.ptr[0] == '0'))
        return false;
    *out = (int64_t)value;
    return true;
}

bool sc_cursor_parse(enum sc_cursor_kind kind, struct sc_str text, int64_t *id)
{
    if (text.len < 2 || text.ptr[0] != cursor_letters[kind] || text.ptr[1] == '0')
        return false;
    return sc_hex_parse((struct sc_str){ text.ptr + 1, text.len - 1 }, id);
}

/* ---- kinds of parameters ---- */

enum sc_code sc_query_refuse(const char *name, struct sc_str text, const char *allowed,
                             struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    return sc_error_field(err, SC_E_INVALID_VALUE, name, "%s '%s' is none of %s", name,
                          sc_quote(text, quoted), allowed);
}

enum sc_code sc_query_refuse_cursor(struct sc_str cursor, struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    return sc_error_field(err, SC_E_INVALID_VALUE, "cursor",
                          "cursor '%s' is no cursor of this list; send one that it answered, with "
                          "the same sort",
                          sc_quote(cursor, quoted));
}

static enum sc_code whole_number(const struct sc_query_field *field, struct sc_str text,
                                 int64_t *out, struct sc_error *err)
{
    bool limited = field->min != 0 || field->max != 0;
    int64_t least = limited ? field->min : 1, most = limited ? field->max : INT64_MAX;
    char quoted[SC_QUOTED_TEXT], range[64] = "up";
    int64_t value;
    if (sc_str_to_int64(text, &value) && value >= least && value <= most) {
        *out = value;
        return SC_OK;
    }
    if (most != INT64_MAX)
        (void)snprintf(range, sizeof(range), "to %" PRId64, most);
    return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                          "%s '%s' is not a whole number from %" PRId64 " %s", field->name,
                          sc_quote(text, quoted), least, range);
}

enum sc_code sc_query_number(const struct sc_query_field *field, struct sc_str text, void *at,
                             struct sc_error *err)
{
    return whole_number(field, text, at, err);
}

enum sc_code sc_query_limit(const struct sc_query_field *field, struct sc_str text, void *at,
                            struct sc_error *err)
{
    int64_t value = 0;
    enum sc_code code = whole_number(field, text, &value, err);
    if (code == SC_OK)
        *(int *)at = (int)value;
    return code;
}

enum sc_code sc_query_flag(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    if (sc_str_to_bool(text, at))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, field->name, "%s '%s' is neither true nor false",
                          field->name, sc_quote(text, quoted));
}

enum sc_code sc_query_time(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    if (sc_time_or_age_parse(text, sc_clock_wall_ms(), at))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                          "%s '%s' is no time; write 2026-11-20T14:30:00Z, 2026-11-20, or how long "
                          "ago, such as 7d",
                          field->name, sc_quote(text, quoted));
}

#define SECONDS_MAX 1e9

enum sc_code sc_query_seconds(const struct sc_query_field *field, struct sc_str text, void *at,
                              struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    double seconds;
    if (!sc_str_to_double(text, &seconds) || !(seconds >= 0 && seconds <= SECONDS_MAX))
        return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                              "%s '%s' is no number of seconds from 0 up", field->name,
                              sc_quote(text, quoted));
    *(int64_t *)at = (int64_t)(seconds * 1000 + 0.5);
    return SC_OK;
}

enum sc_code sc_query_word(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err)
{
    SC_AUTO_BUF known = { 0 };
    const char *word;
    for (int i = 0; (word = field->words(i)) != NULL; i++) {
        if (sc_str_equal(text, sc_str_from(word))) {
            *(int *)at = i;
            return SC_OK;
        }
        sc_buf_printf(&known, "%s%s", i == 0 ? "" : ", ", word);
    }
    return sc_query_refuse(field->name, text, sc_buf_text(&known), err);
}

enum sc_code sc_query_text(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err)
{
    (void)field;
    (void)err;
    *(struct sc_str *)at = text;
    return SC_OK;
}

enum sc_code sc_query_language(const struct sc_query_field *field, struct sc_str text, void *at,
                               struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    if (sc_language_tag(text, at))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, field->name, "no such language: '%s'",
                          sc_quote(text, quoted));
}

enum sc_code sc_query_cursor(const struct sc_query_field *field, struct sc_str text, void *at,
                             struct sc_error *err)
{
    char quoted[SC_QUOTED_TEXT];
    if (sc_cursor_parse(field->cursor, text, at))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, field->name,
                          "%s '%s' is no cursor of this list; send one that it answered",
                          field->name, sc_quote(text, quoted));
}

/* ---- a request ---- */

/* Empty text would let nothing through, or everything: it is a mistake. */
static enum sc_code read_value(const struct sc_query_field *f, struct sc_str text, void *into,
                               struct sc_error *err)
{
    if (text.ptr == NULL)
        return f->required
                   ? sc_error_field(err, SC_E_INVALID_VALUE, f->name, "%s is missing", f->name)
                   : SC_OK;
    if (text.len == 0 && !f->may_be_empty)
        return sc_error_field(err, SC_E_INVALID_VALUE, f->name, "%s is empty%s", f->name,
                              f->required ? "" : "; leave it out");
    return f->read(f, text, (char *)into + f->offset, err);
}

bool sc_query_at(const struct sc_query *query, size_t index, struct sc_query_field *out)
{
    if (index >= query->count)
        return query->more != NULL && query->more(index - query->count, out);
    *out = query->fields[index];
    return true;
}

enum sc_code sc_query_read(struct sc_request *req, const struct sc_query *query, void *into,
                           struct sc_error *err)
{
    const char *names[SC_QUERY_FIELDS + 1] = { NULL };
    struct sc_error all = { 0 };
    struct sc_query_field f;
    size_t count = 0;
    for (; sc_query_at(query, count, &f); count++) {
        sc_assert(count < SC_QUERY_FIELDS);
        names[count] = f.name;
    }
    struct sc_known_names known = { .names = names, .what = "query parameter", .err = &all };
    sc_request_each_query(req, sc_known_names_visit, &known);
    for (size_t i = 0; i < count; i++) {
        struct sc_error one = { 0 };
        (void)sc_query_at(query, i, &f);
        if (read_value(&f, sc_request_query(req, f.name), into, &one) != SC_OK)
            (void)sc_error_also(&all, &one);
    }
    return all.code == SC_OK ? SC_OK : sc_error_copy(err, &all);
}

enum sc_code sc_query_none(struct sc_request *req, struct sc_error *err)
{
    static const struct sc_query none = { .count = 0 };
    return sc_query_read(req, &none, NULL, err);
}
