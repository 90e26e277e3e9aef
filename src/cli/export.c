#include "cli/export.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "net/client.h"
#include "sys/file.h"

#include <inttypes.h>

#include "base/banned.h"

/* "Most lines of a cue (srt, vtt)". */
static void put_help(struct sc_buf *out, const struct sc_writer_option *option)
{
    sc_buf_printf(out, "%s (", option->help);
    if (option->formats == NULL)
        sc_buf_puts(out, "all");
    else
        sc_writer_option_put_formats(option, ", ", out);
    sc_buf_puts(out, ")");
}

static const char *value_name(const struct sc_writer_option *option)
{
    switch (option->type) {
    case SC_WRITER_BOOL:
        return "on|off";
    case SC_WRITER_INT:
        return "N";
    case SC_WRITER_SECONDS:
        return "SECONDS";
    case SC_WRITER_RATIO:
        return "FACTOR";
    case SC_WRITER_CHOICE:
        return option->choices;
    case SC_WRITER_LAYOUT:
        return "FILE";
    }
    return "";
}

/* The flag of an option: - for _. */
static void put_name(struct sc_buf *out, const char *name)
{
    for (; *name != '\0'; name++)
        sc_buf_putc(out, *name == '_' ? '-' : *name);
}

struct sc_flag *sc_export_flags_new(void)
{
    /* The strings stand behind the flags, in one piece. */
    SC_AUTO_BUF text = { 0 };
    size_t count;
    const struct sc_writer_option *all = sc_writer_option_all(&count);
    struct sc_writer_options defaults;
    sc_writer_options_init(&defaults, sc_format_find("srt"));
    for (size_t i = 0; i < count; i++) {
        put_name(&text, all[i].name);
        sc_buf_putc(&text, '\0');
        put_help(&text, &all[i]);
        sc_buf_putc(&text, '\0');
    }
    sc_assert(!text.failed);
    struct sc_flag *flags = sc_alloc((count + 1) * sizeof(*flags) + text.len);
    char *at = (char *)(flags + count + 1);
    memcpy(at, sc_buf_text(&text), text.len);
    for (size_t i = 0; i < count; i++) {
        SC_AUTO_BUF fallback = { 0 };
        sc_writer_option_put(&all[i], &defaults, &fallback);
        bool off = strcmp(sc_buf_text(&fallback), "false") == 0;
        flags[i] = (struct sc_flag){
            .name = at,
            .kind = off ? SC_FLAG_ON : SC_FLAG_VALUE, /* what is on is only given to turn it off */
            .value = value_name(&all[i]),
        };
        at += strlen(at) + 1;
        flags[i].help = at;
        at += strlen(at) + 1;
    }
    return flags;
}

static enum sc_code by_name(const char *name, const struct sc_format **out, struct sc_error *err)
{
    const struct sc_format *format = sc_format_find(name);
    if (format != NULL) {
        *out = format;
        return SC_OK;
    }
    SC_AUTO_BUF shown = { 0 };
    sc_utf8_append_printable(&shown, sc_str_from(name));
    return sc_error_field(err, SC_E_INVALID_VALUE, "format",
                          "--format is '%.60s', must be one of %s", sc_buf_text(&shown),
                          sc_format_names());
}

/* A name's ending, in small letters as formats have it; "": none. Longer ones are none of ours. */
static void ending_of(const char *path, char out[16])
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t n = 0;
    for (const char *c = dot == NULL || dot == name ? "" : dot + 1; *c != '\0' && n < 15; c++)
        out[n++] = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    out[n] = '\0';
}

enum sc_code sc_export_choose(const struct sc_args *args, const char *output,
                              const struct sc_format **out, struct sc_error *err)
{
    const char *name = sc_args_get(args, "format", NULL);
    char ending[16];
    ending_of(output == NULL ? "" : output, ending);
    const struct sc_format *ends_in = sc_format_find(ending);
    if (name != NULL) {
        enum sc_code code = by_name(name, out, err);
        if (code != SC_OK || ends_in == NULL || ends_in == *out)
            return code;
        return sc_error_field(err, SC_E_INVALID_VALUE, "output",
                              "--format %s and a name that ends in .%s contradict each other: "
                              "leave --format out, or choose another name",
                              (*out)->name, ending);
    }
    const struct sc_format *format = ending[0] == '\0' ? sc_format_find("txt") : ends_in;
    if (format == NULL) {
        SC_AUTO_BUF shown = { 0 };
        sc_utf8_append_printable(&shown, sc_str_from(output));
        return sc_error_field(err, SC_E_INVALID_VALUE, "output",
                              "no format ends in .%s as '%.120s' does; the formats are %s: end it "
                              "in one of them, or choose one with --format",
                              ending, sc_buf_text(&shown), sc_format_names());
    }
    *out = format;
    return SC_OK;
}

enum sc_code sc_export_check_stream(const struct sc_format *format, bool terminal, size_t files,
                                    struct sc_error *err)
{
    if (sc_format_is_text(format) || files == 0 || (files == 1 && !terminal))
        return SC_OK;
    return sc_error_field(err, SC_E_INVALID_VALUE, "output",
                          "%s is no text that can be shown; name a %s for it with -o", format->name,
                          files > 1 ? "folder" : "file");
}

static void put_parameter(struct sc_buf *out, const char *name, const char *value)
{
    bool some = out->len > 0 && memchr(out->ptr, '?', out->len) != NULL;
    sc_buf_printf(out, "%c%s=", some ? '&' : '?', name);
    sc_url_encode(out, sc_str_from(value));
}

/* Of a template the flag names the file, the server takes the text. */
static enum sc_code read_value(const struct sc_writer_option *option, const char *given,
                               struct sc_buf *out, struct sc_error *err)
{
    if (option->type != SC_WRITER_LAYOUT) {
        sc_buf_puts(out, given);
        return SC_OK;
    }
    enum sc_code code = sc_file_read_any(given, (size_t)option->max, out, err);
    if (code == SC_E_FILE_TOO_LARGE)
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "the template '%.200s' has more than %" PRId64 " bytes", given,
                              option->max);
    if (code == SC_OK && out->len == 0) /* to the server that is no template at all */
        return sc_error_field(err, SC_E_INVALID_VALUE, option->name,
                              "the template '%.120s' is empty; write what a segment becomes into "
                              "it, such as {text}, or leave it out",
                              given);
    return code;
}

enum sc_code sc_export_query(const struct sc_args *args, const struct sc_format *format,
                             int64_t revision, struct sc_buf *out, struct sc_error *err)
{
    SC_AUTO(sc_writer_options_done) struct sc_writer_options checked;
    size_t count;
    const struct sc_writer_option *all = sc_writer_option_all(&count);
    bool raw = sc_args_has(args, "raw");
    sc_writer_options_init(&checked, format);
    for (size_t i = 0; i < count; i++) {
        SC_AUTO_BUF flag = { 0 };
        put_name(&flag, all[i].name);
        const char *value = sc_args_get(args, sc_buf_text(&flag), NULL);
        if (raw && strcmp(all[i].name, "captions") == 0)
            value = "off";
        if (value == NULL)
            continue;
        SC_AUTO_BUF text = { 0 };
        enum sc_code code = read_value(&all[i], value, &text, err);
        if (code == SC_OK)
            code = sc_writer_options_set(&checked, format, sc_str_from(all[i].name),
                                         sc_buf_str(&text), err);
        if (code != SC_OK) {
            sc_args_as_typed(err);
            return code;
        }
        put_parameter(out, all[i].name, sc_buf_text(&text));
    }
    char number[24];
    (void)snprintf(number, sizeof(number), "%" PRId64, revision);
    if (revision > 0)
        put_parameter(out, "version", number);
    return out->failed ? sc_error_set(err, SC_E_INTERNAL, "the address is too long") : SC_OK;
}
