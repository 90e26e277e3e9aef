#include "api/formats.h"

#include "api/views.h"

#include "base/banned.h"

static const char *type_of(const struct sc_writer_option *option)
{
    switch (option->type) {
    case SC_WRITER_BOOL:
        return "boolean";
    case SC_WRITER_INT:
        return "integer";
    case SC_WRITER_SECONDS:
        return "seconds";
    case SC_WRITER_RATIO:
        return "ratio";
    case SC_WRITER_CHOICE:
        return "choice";
    case SC_WRITER_LAYOUT:
        return "template";
    }
    return "";
}

static void put_option(struct sc_json *w, const struct sc_writer_option *option,
                       const struct sc_writer_options *defaults)
{
    SC_AUTO_BUF fallback = { 0 };
    sc_writer_option_put(option, defaults, &fallback);
    sc_json_object(w, NULL);
    sc_json_text(w, "name", option->name);
    sc_json_text(w, "type", type_of(option));
    if (option->type == SC_WRITER_CHOICE || option->type == SC_WRITER_LAYOUT)
        sc_json_str(w, "default", sc_buf_str(&fallback));
    else
        sc_json_raw(w, "default", sc_buf_str(&fallback)); /* a number, true or false */
    if (option->type == SC_WRITER_INT) {
        sc_json_int(w, "min", option->min);
        sc_json_int(w, "max", option->max);
    } else if (option->type == SC_WRITER_SECONDS || option->type == SC_WRITER_RATIO) {
        sc_json_real(w, "min", (double)option->min / 1000, 3);
        sc_json_real(w, "max", (double)option->max / 1000, 3);
    } else if (option->type == SC_WRITER_CHOICE) {
        struct sc_str rest = sc_str_from(option->choices);
        sc_json_array(w, "choices");
        while (rest.len > 0)
            sc_json_str(w, NULL, sc_str_take_until(&rest, '|'));
        sc_json_end(w);
    }
    sc_json_text(w, "help", option->help);
    sc_json_end(w);
}

static void put_format(struct sc_json *w, const struct sc_format *format, bool active)
{
    size_t count;
    const struct sc_writer_option *table = sc_writer_option_all(&count);
    struct sc_writer_options defaults;
    sc_writer_options_init(&defaults, format);
    sc_json_object(w, NULL);
    sc_json_text(w, "format_name", format->name);
    sc_json_text(w, "description", format->description);
    sc_json_text(w, "mime_type", format->mime_type);
    sc_json_text(w, "file_extension", format->extension);
    sc_json_bool(w, "is_active", active);
    sc_json_array(w, "options");
    for (size_t i = 0; i < count; i++) {
        if (sc_writer_option_applies(&table[i], format))
            put_option(w, &table[i], &defaults);
    }
    sc_json_end(w);
    sc_json_end(w);
}

void sc_format_view(struct sc_buf *out, const struct sc_format *format, bool active)
{
    struct sc_json w;
    sc_json_begin(&w, out);
    put_format(&w, format, active);
}

void sc_formats_view(struct sc_buf *out, const struct sc_formats_active *active)
{
    struct sc_json w;
    size_t count;
    const struct sc_format *all = sc_format_all(&count);
    sc_json_begin(&w, out);
    sc_json_object(&w, NULL);
    sc_json_array(&w, "formats");
    for (size_t f = 0; f < count; f++)
        put_format(&w, &all[f], active->is[f]);
    sc_json_end(&w);
    sc_json_end(&w);
}

/* ---- what the views write ---- */

static const struct sc_json_field option_fields[] = {
    SC_SHOW(TEXT, "name", "Of the query parameter", "max_line_length"),
    { .name = "type",
      SC_SHOW_TEXT,
      .choices = "boolean|integer|seconds|ratio|choice|template",
      .help = "What it takes",
      .example = "integer" },
    SC_SHOW(ANY, "default", "Unless given", "42"),
    { .name = "min", SC_SHOW_REAL, .optional = true, .help = "Of numbers", .example = "10" },
    { .name = "max", SC_SHOW_REAL, .optional = true, .help = "Of numbers", .example = "200" },
    { .name = "choices", SC_SHOW_TEXTS, .optional = true, .help = "Of a choice" },
    SC_SHOW(TEXT, "help", "What it does", "Longest line of a caption"),
};
static const struct sc_json_shape option_shape = { .name = "FormatOption",
                                                   SC_SHAPE_FIELDS(option_fields) };
static const struct sc_json_field format_fields[] = {
    SC_SHOW(TEXT, "format_name", "As it is called in addresses", "srt"),
    SC_SHOW(TEXT, "description", "What it is", "SubRip captions"),
    SC_SHOW(TEXT, "mime_type", "What the answer is sent as", "application/x-subrip"),
    SC_SHOW(TEXT, "file_extension", "Of its files", "srt"),
    SC_SHOW(BOOL, "is_active", "Exports may be made in it", "true"),
    SC_SHOW_OF(LIST, "options", &option_shape, "What it takes"),
};
const struct sc_json_shape sc_shape_format = {
    .name = "Format",
    SC_SHAPE_FIELDS(format_fields),
};
static const struct sc_json_field formats_fields[] = {
    SC_SHOW_OF(LIST, "formats", &sc_shape_format, "All of them"),
};
const struct sc_json_shape sc_shape_formats = {
    .name = "Formats",
    SC_SHAPE_FIELDS(formats_fields),
};
