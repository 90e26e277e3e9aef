/* The options of the writers. */

#include "transcript/writer.h"

#include "base/utf8.h"
#include "config/value.h"

#include <inttypes.h>

#include "base/banned.h"

#define HOUR_MS INT64_C(3600000)
#define AT(member) offsetof(struct sc_writer_options, member)

static const struct sc_writer_option table[] = {
    { "captions", SC_WRITER_BOOL, AT(captions), 0, 0, NULL, "srt|vtt",
      "Cut into cues that can be read; off makes each segment one cue, whatever its length" },
    { "max_line_length", SC_WRITER_INT, AT(max_line_length), 10, 250, NULL, "srt|vtt",
      "Widest line of a cue in columns; a sign of East Asia takes two" },
    { "max_lines", SC_WRITER_INT, AT(max_lines), 1, 10, NULL, "srt|vtt", "Most lines of a cue" },
    { "max_cue_seconds", SC_WRITER_SECONDS, AT(max_cue_ms), 1000, 60000, NULL, "srt|vtt",
      "Longest time that a cue stays" },
    { "max_cps", SC_WRITER_INT, AT(max_cps), 0, 100, NULL, "srt|vtt",
      "Columns a second that can be read: a cue stays longer where the next leaves room; 0: do "
      "not care" },
    { "words", SC_WRITER_BOOL, AT(words), 0, 0, NULL, "vtt|json|csv",
      "Times of words: inside the cues of vtt, as lists in json, a row for each word in csv" },
    { "speakers", SC_WRITER_BOOL, AT(speakers), 0, 0, NULL, "txt|srt|vtt|json|csv",
      "Say who speaks, where that is known" },
    { "offset", SC_WRITER_SECONDS, AT(offset_ms), -100 * HOUR_MS, 100 * HOUR_MS, NULL,
      "srt|vtt|json|csv",
      "Seconds added to every time, such as -1.5; what then ends in front of 0 is left out" },
    { "metadata", SC_WRITER_BOOL, AT(metadata), 0, 0, NULL, "vtt|json|csv",
      "Say what was transcribed by what: a note in vtt, members in json, lines with # in csv" },
    { "bom", SC_WRITER_BOOL, AT(bom), 0, 0, NULL, "txt|srt|vtt|csv",
      "Begin with a byte order mark, by which spreadsheets know UTF-8" },
    { "line_ends", SC_WRITER_CHOICE, AT(crlf), 0, 0, "lf|crlf", "txt|srt|vtt|csv",
      "How lines end" },
};

const struct sc_writer_option *sc_writer_option_all(size_t *count)
{
    *count = SC_ARRAY_LEN(table);
    return table;
}

void sc_writer_options_init(struct sc_writer_options *o, const struct sc_format *format)
{
    *o = (struct sc_writer_options){
        .captions = true,
        .max_line_length = 42,
        .max_lines = 2,
        .max_cue_ms = 7000,
        .max_cps = 20,
        .words = strcmp(format->name, "json") == 0,
        .speakers = true,
        .metadata = strcmp(format->name, "json") == 0,
        .crlf = strcmp(format->name, "csv") == 0, /* RFC 4180 */
    };
}

bool sc_writer_option_applies(const struct sc_writer_option *option, const struct sc_format *format)
{
    return sc_value_in_choices(sc_str_from(format->name), option->formats);
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
    case SC_WRITER_CHOICE: {
        struct sc_str rest = sc_str_from(option->choices);
        struct sc_str first = sc_str_take_until(&rest, '|');
        sc_buf_put_str(out, *(const bool *)at ? rest : first);
        break;
    }
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
    case SC_WRITER_CHOICE: {
        struct sc_str second = sc_str_from(option->choices);
        struct sc_str first = sc_str_take_until(&second, '|');
        if (!sc_str_equal(value, first) && !sc_str_equal(value, second))
            return false;
        *(bool *)at = sc_str_equal(value, second);
        return true;
    }
    }
    return false;
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
    case SC_WRITER_CHOICE:
        sc_value_put_choices(out, option->choices);
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
        sc_value_put_choices(&text, option->formats);
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "%s takes no %s; use it with %s", format->name, option->name,
                              sc_buf_text(&text));
    }
    if (set(option, value, (char *)o + option->offset))
        return SC_OK;
    put_allowed(option, &text);
    sc_utf8_append_printable(&shown, (struct sc_str){ value.ptr, SC_MIN(value.len, 40) });
    return sc_error_field(err, SC_E_INVALID_VALUE, option->name, "%s is '%.80s', must be %s",
                          option->name, sc_buf_text(&shown), sc_buf_text(&text));
}
