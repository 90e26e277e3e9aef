/* The options of the writers. */

#include "transcript/writer.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "config/value.h"
#include "transcript/template.h"

#include <inttypes.h>

#include "base/banned.h"

#define HOUR_MS INT64_C(3600000)
#define AT(member) offsetof(struct sc_writer_options, member)

#define CUES "srt|vtt|lrc|ass"
#define LINES "txt|srt|vtt|csv|tsv|lrc|md|ass"

static const struct sc_writer_option table[] = {
    { "captions", SC_WRITER_BOOL, AT(captions), 0, 0, NULL, CUES,
      "Cut into cues that can be read; off makes each segment one cue, whatever its length" },
    { "max_line_length", SC_WRITER_INT, AT(max_line_length), 10, 250, NULL, CUES,
      "Widest line of a cue in columns; a sign of East Asia takes two" },
    { "max_lines", SC_WRITER_INT, AT(max_lines), 1, 10, NULL, "srt|vtt|ass",
      "Most lines of a cue" },
    { "max_cue_seconds", SC_WRITER_SECONDS, AT(max_cue_ms), 1000, 60000, NULL, CUES,
      "Longest time that a cue stays" },
    { "max_cps", SC_WRITER_INT, AT(max_cps), 0, 100, NULL, "srt|vtt|ass",
      "Columns a second that can be read: a cue stays longer where the next leaves room; 0: do "
      "not care" },
    { "words", SC_WRITER_BOOL, AT(words), 0, 0, NULL, "vtt|json|csv|tsv|lrc|ass",
      "Times of words: inside the cues of vtt, lrc and ass, as lists in json, a row for each word "
      "in csv and tsv" },
    { "speakers", SC_WRITER_BOOL, AT(speakers), 0, 0, NULL, NULL,
      "Say who speaks, where that is known" },
    { "times", SC_WRITER_BOOL, AT(times), 0, 0, NULL, "md|docx",
      "Say in front of each paragraph when it begins" },
    { "offset", SC_WRITER_SECONDS, AT(offset_ms), -100 * HOUR_MS, 100 * HOUR_MS, NULL, NULL,
      "Seconds added to every time, such as -1.5; what then ends in front of 0 is left out" },
    { "scale", SC_WRITER_RATIO, AT(scale), 10, 100000, NULL, NULL,
      "What every time is multiplied by, before the offset: 25/23.976 is for a film that was "
      "slowed down from 25 pictures a second" },
    { "metadata", SC_WRITER_BOOL, AT(metadata), 0, 0, NULL, "vtt|json|csv|lrc|md|docx|ass",
      "Say what was transcribed by what: a note in vtt, members in json, lines with # in csv, "
      "tags in lrc, front matter in md, properties in docx, comments in ass" },
    { "bom", SC_WRITER_BOOL, AT(bom), 0, 0, NULL, LINES,
      "Begin with a byte order mark, by which spreadsheets know UTF-8" },
    { "encoding", SC_WRITER_CHOICE, AT(encoding), 0, 0, "utf-8|utf-16le|windows-1252",
      "txt|srt|csv|tsv|lrc|ass",
      "How signs are written; utf-16le has its mark in front. Signs that windows-1252 has not are "
      "refused" },
    { "line_ends", SC_WRITER_CHOICE, AT(line_ends), 0, 0, "lf|crlf", LINES, "How lines end" },
    { "template", SC_WRITER_LAYOUT, AT(layout), 0, SC_TEMPLATE_LIMIT, NULL, "txt",
      "How each segment is written, such as '{start} {text}'" },
};

const struct sc_writer_option *sc_writer_option_all(size_t *count)
{
    *count = SC_ARRAY_LEN(table);
    return table;
}

void sc_writer_options_init(struct sc_writer_options *o, const struct sc_format *format)
{
    struct sc_str name = sc_str_from(format->name);
    *o = (struct sc_writer_options){
        .captions = true,
        .max_line_length = 42,
        .max_lines = sc_value_in_choices(name, "lrc") ? 1 : 2,
        .max_cue_ms = 7000,
        .max_cps = 20,
        .words = sc_value_in_choices(name, "json"),
        .speakers = !sc_value_in_choices(name, "tsv"), /* tools expect its three columns */
        .times = true,
        .metadata = sc_value_in_choices(name, "json|lrc|md|docx"),
        .line_ends = sc_value_in_choices(name, "csv") ? SC_LINES_CRLF : SC_LINES_LF, /* RFC 4180 */
        .scale = 1,
    };
}

void sc_writer_options_done(struct sc_writer_options *o)
{
    free(o->layout);
    o->layout = NULL;
}

bool sc_writer_option_applies(const struct sc_writer_option *option, const struct sc_format *format)
{
    return option->formats == NULL ||
           sc_value_in_choices(sc_str_from(format->name), option->formats);
}

void sc_writer_option_put_formats(const struct sc_writer_option *option, const char *sep,
                                  struct sc_buf *out)
{
    size_t count, some = 0;
    const struct sc_format *all = sc_format_all(&count);
    for (size_t i = 0; i < count; i++) {
        if (sc_writer_option_applies(option, &all[i]))
            sc_buf_printf(out, "%s%s", some++ > 0 ? sep : "", all[i].name);
    }
}

static const void *place(const struct sc_writer_option *option, const struct sc_writer_options *o)
{
    return (const char *)o + option->offset;
}

void sc_writer_option_put(const struct sc_writer_option *option,
                          const struct sc_writer_options *options, struct sc_buf *out)
{
    const void *at = place(option, options);
    switch (option->type) {
    case SC_WRITER_BOOL:
        sc_buf_puts(out, *(const bool *)at ? "true" : "false");
        break;
    case SC_WRITER_INT:
        sc_buf_printf(out, "%d", *(const int *)at);
        break;
    case SC_WRITER_SECONDS:
        sc_value_put_thousandths(out, *(const int64_t *)at);
        break;
    case SC_WRITER_RATIO:
        sc_buf_printf(out, "%.9g", *(const double *)at);
        break;
    case SC_WRITER_CHOICE: {
        struct sc_str rest = sc_str_from(option->choices);
        for (int i = *(const int *)at; i > 0; i--)
            (void)sc_str_take_until(&rest, '|');
        sc_buf_put_str(out, sc_str_take_until(&rest, '|'));
        break;
    }
    case SC_WRITER_LAYOUT:
        if (*(char *const *)at != NULL)
            sc_buf_puts(out, *(char *const *)at);
        break;
    }
}

/* Seconds with up to three decimals, exactly. */
static bool parse_seconds(struct sc_str text, int64_t *ms)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    int64_t whole, part = 0;
    if (negative) {
        text.ptr++;
        text.len--;
    }
    struct sc_str fraction = text, digits = sc_str_take_until(&fraction, '.');
    bool has_point = digits.len < text.len;
    if (digits.len == 0 || digits.ptr[0] < '0' || digits.ptr[0] > '9' ||
        !sc_str_to_int64(digits, &whole) || whole > SC_SEGMENT_TIME_MAX / 1000)
        return false;
    if (has_point && (fraction.len == 0 || fraction.len > 3 || fraction.ptr[0] < '0' ||
                      fraction.ptr[0] > '9' || !sc_str_to_int64(fraction, &part)))
        return false;
    for (size_t i = fraction.len; has_point && i < 3; i++)
        part *= 10;
    *ms = (negative ? -1 : 1) * (whole * 1000 + part);
    return true;
}

/* Digits and a point, above 0. */
static bool parse_decimal(struct sc_str text, double *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((text.ptr[i] < '0' || text.ptr[i] > '9') && text.ptr[i] != '.')
            return false;
    }
    return text.len <= 16 && sc_str_to_double(text, out) && *out > 0;
}

static bool parse_ratio(const struct sc_writer_option *option, struct sc_str text, double *out)
{
    double above, below = 1;
    struct sc_str rest = text;
    struct sc_str first = sc_str_take_until(&rest, '/');
    if (!parse_decimal(first, &above) || (first.len < text.len && !parse_decimal(rest, &below)))
        return false;
    double ratio = above / below;
    if (!(ratio * 1000 >= (double)option->min && ratio * 1000 <= (double)option->max))
        return false;
    *out = ratio;
    return true;
}

static bool parse_choice(const char *choices, struct sc_str value, int *out)
{
    struct sc_str rest = sc_str_from(choices);
    for (int i = 0; rest.len > 0; i++) {
        if (sc_str_equal(value, sc_str_take_until(&rest, '|'))) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool set(const struct sc_writer_option *option, struct sc_str value, void *at)
{
    int64_t number;
    switch (option->type) {
    case SC_WRITER_BOOL:
        return sc_str_to_bool(value, at);
    case SC_WRITER_INT:
        if (!sc_str_to_int64(value, &number) || number < option->min || number > option->max)
            return false;
        *(int *)at = (int)number;
        return true;
    case SC_WRITER_SECONDS:
        if (!parse_seconds(value, &number) || number < option->min || number > option->max)
            return false;
        *(int64_t *)at = number;
        return true;
    case SC_WRITER_RATIO:
        return parse_ratio(option, value, at);
    case SC_WRITER_CHOICE:
        return parse_choice(option->choices, value, at);
    case SC_WRITER_LAYOUT:
        break; /* set_layout */
    }
    return false;
}

static enum sc_code set_layout(struct sc_str value, char **at, struct sc_error *err)
{
    SC_AUTO(sc_template_freep) struct sc_template *parsed = NULL;
    enum sc_code code = value.len == 0 ? SC_OK : sc_template_parse(value, &parsed, err);
    if (code != SC_OK)
        return code;
    free(*at);
    *at = value.len == 0 ? NULL : sc_strndup(value.ptr, value.len);
    return SC_OK;
}

static void put_allowed(const struct sc_writer_option *option, struct sc_buf *out)
{
    switch (option->type) {
    case SC_WRITER_BOOL:
        sc_buf_puts(out, "on or off");
        break;
    case SC_WRITER_INT:
        sc_buf_printf(out, "a whole number from %" PRId64 " to %" PRId64, option->min, option->max);
        break;
    case SC_WRITER_SECONDS:
        sc_buf_puts(out, "seconds from ");
        sc_value_put_thousandths(out, option->min);
        sc_buf_puts(out, " to ");
        sc_value_put_thousandths(out, option->max);
        break;
    case SC_WRITER_RATIO:
        sc_buf_puts(out, "a factor from ");
        sc_value_put_thousandths(out, option->min);
        sc_buf_puts(out, " to ");
        sc_value_put_thousandths(out, option->max);
        sc_buf_puts(out, ", such as 1.001 or 25/23.976");
        break;
    case SC_WRITER_CHOICE:
        sc_value_put_choices(out, option->choices);
        break;
    case SC_WRITER_LAYOUT:
        break;
    }
}

static enum sc_code unknown(const struct sc_format *format, struct sc_str name,
                            struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO_BUF known = { 0 };
    sc_utf8_append_printable(&shown, (struct sc_str){ name.ptr, SC_MIN(name.len, 40) });
    for (size_t i = 0; i < SC_ARRAY_LEN(table); i++) {
        if (sc_writer_option_applies(&table[i], format))
            sc_buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", table[i].name);
    }
    return sc_error_field(err, SC_E_INVALID_VALUE, sc_buf_text(&shown),
                          "there is no export option '%.40s'; %s takes %s", sc_buf_text(&shown),
                          format->name, sc_buf_text(&known));
}

enum sc_code sc_writer_options_set(struct sc_writer_options *o, const struct sc_format *format,
                                   struct sc_str name, struct sc_str value, struct sc_error *err)
{
    const struct sc_writer_option *option = NULL;
    SC_AUTO_BUF text = { 0 };
    SC_AUTO_BUF shown = { 0 };
    for (size_t i = 0; i < SC_ARRAY_LEN(table) && option == NULL; i++) {
        if (sc_str_equal(name, sc_str_from(table[i].name)))
            option = &table[i];
    }
    if (option == NULL)
        return unknown(format, name, err);
    if (!sc_writer_option_applies(option, format)) {
        sc_writer_option_put_formats(option, ", ", &text);
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "%s takes no %s; use it with %s", format->name, option->name,
                              sc_buf_text(&text));
    }
    if (option->type == SC_WRITER_LAYOUT)
        return set_layout(value, (char **)(void *)((char *)o + option->offset), err);
    if (set(option, value, (char *)o + option->offset))
        return SC_OK;
    put_allowed(option, &text);
    sc_utf8_append_printable(&shown, (struct sc_str){ value.ptr, SC_MIN(value.len, 40) });
    return sc_error_field(err, SC_E_INVALID_VALUE, option->name, "%s is '%.80s', must be %s",
                          option->name, sc_buf_text(&shown), sc_buf_text(&text));
}
