#include "transcript/template.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "transcript/text.h"
#include "json/writer.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/banned.h"

enum kind { TEXT, FIELD, EACH, END_EACH, IF, END_IF };

/* Those of a segment in front of COUNT, each in its place of the table. */
enum field {
    INDEX,
    START,
    END,
    DURATION,
    SPEAKER,
    SAID,
    CONFIDENCE,
    COUNT,
    META /* and what comes behind, by its name */
};

/* How a value is spelled. The first of its group is the default. */
enum style { CLOCK, COMMA, SHORT, SECONDS, MILLISECONDS, PLAIN, JSON, XML, CSV };

struct part {
    enum kind kind;
    struct sc_str text; /* of the template: what stands there, or the name of a field of META */
    enum field field;
    enum style style;
};

struct sc_template {
    char *text; /* owned; LF ends its lines */
    struct part *parts;
    size_t count, cap;
    size_t each, each_end; /* places of the parts around what each segment is written as */
};

void sc_template_free(struct sc_template *t)
{
    if (t == NULL)
        return;
    free(t->text);
    free(t->parts);
    free(t);
}

/* ---- names ---- */

static const struct {
    const char *name;
    enum field field;
} fields[] = {
    { "index", INDEX },
    { "start", START },
    { "end", END },
    { "duration", DURATION },
    { "speaker", SPEAKER },
    { "text", SAID },
    { "confidence", CONFIDENCE },
    { "count", COUNT },
    { "recording", META },
    { "language", META },
    { "engine", META },
    { "model", META },
    { "job", META },
    { "transcript", META },
    { "version", META },
    { "status", META },
};

static const struct {
    const char *name;
    enum style style;
} styles[] = {
    { "clock", CLOCK }, { "comma", COMMA },     { "short", SHORT },
    { "s", SECONDS },   { "ms", MILLISECONDS }, { "plain", PLAIN },
    { "json", JSON },   { "xml", XML },         { "csv", CSV },
};

static bool is_time(enum field field)
{
    return field == START || field == END || field == DURATION;
}

/* ---- reading ---- */

struct parser {
    struct sc_template *t;
    struct sc_str all, rest;
    bool inside;       /* of {each} */
    int ifs;           /* open ones */
    const char *place; /* of the brace that opened what is being read */
};

/* Behind "line 2, column 5: ". */
static enum sc_code refuse(const struct parser *p, struct sc_error *err, const char *fmt, ...)
    SC_PRINTF(3, 4);
static enum sc_code refuse(const struct parser *p, struct sc_error *err, const char *fmt, ...)
{
    int line = 1, column = 1;
    for (const char *c = p->all.ptr; c < p->place; c++) {
        bool continues = ((unsigned char)*c & 0xc0) == 0x80;
        column = *c == '\n' ? 1 : column + (continues ? 0 : 1);
        line += *c == '\n';
    }
    char says[400];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(says, sizeof(says), fmt, args);
    va_end(args);
    return sc_error_field(err, SC_E_INVALID_VALUE, "template", "template, line %d, column %d: %s",
                          line, column, says);
}

static void push(struct sc_template *t, struct part part)
{
    void *parts = t->parts;
    sc_grow(&parts, &t->cap, t->count + 1, sizeof(*t->parts));
    t->parts = parts;
    t->parts[t->count++] = part;
}

static enum sc_code unknown_field(const struct parser *p, struct sc_str name, struct sc_error *err)
{
    SC_AUTO_BUF shown = { 0 };
    SC_AUTO_BUF known = { 0 };
    sc_utf8_append_printable(&shown, (struct sc_str){ name.ptr, SC_MIN(name.len, 30) });
    for (size_t i = 0; i < SC_ARRAY_LEN(fields); i++)
        sc_buf_printf(&known, "%s%s", i > 0 ? ", " : "", fields[i].name);
    return refuse(p, err, "there is no field '%s'; there are %s; write {{ for the sign {",
                  sc_buf_text(&shown), sc_buf_text(&known));
}

static enum sc_code find_field(const struct parser *p, struct sc_str name, struct part *out,
                               struct sc_error *err)
{
    size_t i = 0;
    while (i < SC_ARRAY_LEN(fields) && !sc_str_equal(name, sc_str_from(fields[i].name)))
        i++;
    if (i == SC_ARRAY_LEN(fields))
        return unknown_field(p, name, err);
    *out = (struct part){ .text = name, .field = fields[i].field };
    out->style = is_time(out->field) ? CLOCK : PLAIN;
    return SC_OK;
}

static enum sc_code take_field(struct parser *p, struct sc_str inner, struct sc_error *err)
{
    struct part part;
    struct sc_str style = inner;
    struct sc_str name = sc_str_take_until(&style, ':');
    enum sc_code code = find_field(p, name, &part, err);
    part.kind = FIELD;
    if (code != SC_OK)
        return code;
    if (name.len < inner.len) {
        size_t i = 0;
        while (i < SC_ARRAY_LEN(styles) && !sc_str_equal(style, sc_str_from(styles[i].name)))
            i++;
        bool fits = i < SC_ARRAY_LEN(styles) && (styles[i].style < PLAIN) == is_time(part.field);
        if (!fits)
            return refuse(p, err, "'%s' can be written as %s", fields[part.field].name,
                          is_time(part.field) ? "clock, comma, short, s or ms"
                                              : "plain, json, xml or csv");
        part.style = styles[i].style;
    }
    push(p->t, part);
    return SC_OK;
}

static enum sc_code take_if(struct parser *p, struct sc_str name, struct sc_error *err)
{
    struct part part;
    enum sc_code code = find_field(p, sc_str_trim(name), &part, err);
    if (code != SC_OK)
        return code;
    if (p->ifs > 0)
        return refuse(p, err, "{if} does not stand inside another");
    p->ifs++;
    part.kind = IF;
    push(p->t, part);
    return SC_OK;
}

static enum sc_code take_each(struct parser *p, bool opens, struct sc_error *err)
{
    struct sc_template *t = p->t;
    if (p->ifs > 0)
        return refuse(p, err, "{if} has no {/if} in front of it");
    if (opens && (p->inside || t->each_end > 0))
        return refuse(p, err, "{each} stands there once");
    if (!opens && !p->inside)
        return refuse(p, err, "{/each} has no {each} in front of it");
    p->inside = opens;
    *(opens ? &t->each : &t->each_end) = t->count;
    push(t, (struct part){ .kind = opens ? EACH : END_EACH });
    /* A line end behind it belongs to it, so that it can stand on a line of its own. */
    if (p->rest.len > 0 && p->rest.ptr[0] == '\n') {
        p->rest.ptr++;
        p->rest.len--;
    }
    return SC_OK;
}

static enum sc_code take_end_if(struct parser *p, struct sc_error *err)
{
    if (p->ifs == 0)
        return refuse(p, err, "{/if} has no {if} in front of it");
    p->ifs--;
    push(p->t, (struct part){ .kind = END_IF });
    return SC_OK;
}

/* What stands between braces. */
static enum sc_code take_brace(struct parser *p, struct sc_error *err)
{
    p->place = p->rest.ptr;
    p->rest.ptr++;
    p->rest.len--;
    const char *end = memchr(p->rest.ptr, '}', p->rest.len);
    if (end == NULL)
        return refuse(p, err, "the brace is not closed; write {{ for the sign {");
    struct sc_str inner = { p->rest.ptr, (size_t)(end - p->rest.ptr) };
    p->rest.len -= inner.len + 1;
    p->rest.ptr = end + 1;
    if (sc_str_equal(inner, SC_STR("each")) || sc_str_equal(inner, SC_STR("/each")))
        return take_each(p, inner.ptr[0] == 'e', err);
    if (sc_str_equal(inner, SC_STR("/if")))
        return take_end_if(p, err);
    if (sc_str_starts(inner, SC_STR("if ")))
        return take_if(p, (struct sc_str){ inner.ptr + 3, inner.len - 3 }, err);
    return take_field(p, inner, err);
}

static enum sc_code take_part(struct parser *p, struct sc_error *err)
{
    char c = p->rest.ptr[0];
    size_t n = 1;
    bool doubled = p->rest.len > 1 && p->rest.ptr[1] == c;
    if (c == '{' && !doubled)
        return take_brace(p, err);
    if (c == '}' && !doubled) {
        p->place = p->rest.ptr;
        return refuse(p, err, "this } closes nothing; write }} for the sign");
    }
    if (c != '{' && c != '}') {
        while (n < p->rest.len && p->rest.ptr[n] != '{' && p->rest.ptr[n] != '}')
            n++;
        doubled = false;
    }
    push(p->t, (struct part){ .kind = TEXT, .text = { p->rest.ptr, n } });
    p->rest.ptr += n + (doubled ? 1 : 0);
    p->rest.len -= n + (doubled ? 1 : 0);
    return SC_OK;
}

/* Fields of a segment stand only where one is being written. */
static enum sc_code check_places(struct parser *p, struct sc_error *err)
{
    const struct sc_template *t = p->t;
    for (size_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        bool outside = t->each_end > 0 && (i < t->each || i > t->each_end);
        if ((part->kind == FIELD || part->kind == IF) && outside && part->field < COUNT) {
            p->place = part->text.ptr;
            return refuse(p, err, "'%s' is of a segment: it stands between {each} and {/each}",
                          fields[part->field].name);
        }
    }
    return SC_OK;
}

/* Line ends become LF. */
static char *normalised(struct sc_str text, size_t *len)
{
    char *out = sc_alloc(text.len + 2);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool crlf = text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n';
        if (!crlf)
            out[n++] = text.ptr[i] == '\r' ? '\n' : text.ptr[i];
    }
    *len = n;
    return out;
}

static enum sc_code parse_all(struct parser *p, struct sc_error *err)
{
    enum sc_code code = SC_OK;
    while (code == SC_OK && p->rest.len > 0)
        code = take_part(p, err);
    if (code != SC_OK)
        return code;
    p->place = p->all.ptr + p->all.len;
    if (p->ifs > 0)
        return refuse(p, err, "{if} has no {/if}");
    if (p->inside)
        return refuse(p, err, "{each} has no {/each}");
    return check_places(p, err);
}

enum sc_code sc_template_parse(struct sc_str text, struct sc_template **out, struct sc_error *err)
{
    if (text.len > SC_TEMPLATE_LIMIT)
        return sc_error_field(err, SC_E_INVALID_VALUE, "template",
                              "the template has %zu bytes, at most %d are taken", text.len,
                              SC_TEMPLATE_LIMIT);
    if (!sc_utf8_is_valid(text) || memchr(text.ptr, '\0', text.len) != NULL)
        return sc_error_field(err, SC_E_INVALID_VALUE, "template",
                              "the template is no text in UTF-8");
    SC_AUTO(sc_template_freep) struct sc_template *t = sc_alloc(sizeof(*t));
    size_t len;
    if (sc_str_starts(text, SC_STR("\xef\xbb\xbf")))
        text = (struct sc_str){ text.ptr + 3, text.len - 3 };
    t->text = normalised(text, &len);
    struct parser p = { .t = t, .all = { t->text, len }, .rest = { t->text, len } };
    enum sc_code code = parse_all(&p, err);
    if (code != SC_OK)
        return code;
    if (t->each_end == 0) { /* all of it is for each segment, on lines of its own */
        t->each_end = t->count;
        if (len == 0 || t->text[len - 1] != '\n') {
            t->text[len] = '\n';
            push(t, (struct part){ .kind = TEXT, .text = { t->text + len, 1 } });
            t->each_end++;
        }
    }
    *out = SC_TAKE(t);
    return SC_OK;
}

/* ---- writing ---- */

struct writing {
    const struct sc_template *t;
    struct sc_writer_out *out;
    struct sc_meta_room meta;
    const struct sc_segment *segment; /* NULL: outside of {each} */
    int64_t index, count;
    struct sc_buf value;
};

static int64_t time_of(const struct writing *w, enum field field)
{
    const struct sc_writer_options *o = w->out->options;
    sc_assert(w->segment != NULL); /* the reader of templates has seen to it */
    int64_t start = sc_writer_time(o, w->segment->start_ms);
    int64_t end = sc_writer_time(o, w->segment->end_ms);
    return field == START ? start : field == END ? end : end - start;
}

static void put_time(struct sc_buf *out, int64_t ms, enum style style)
{
    switch (style) {
    case COMMA:
        sc_writer_put_clock(out, ms, ',');
        return;
    case SHORT:
        sc_buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64, ms / 3600000, ms / 60000 % 60,
                      ms / 1000 % 60);
        return;
    case SECONDS:
        sc_buf_printf(out, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
        return;
    case MILLISECONDS:
        sc_buf_printf(out, "%" PRId64, ms);
        return;
    case CLOCK:
    case PLAIN:
    case JSON:
    case XML:
    case CSV:
        sc_writer_put_clock(out, ms, '.');
        return;
    }
}

static void read_meta(struct writing *w, struct sc_str name)
{
    for (const struct sc_meta_item *item = w->meta.items; item->name != NULL; item++) {
        if (sc_str_equal(name, sc_str_from(item->name)))
            sc_text_append_line(&w->value, sc_str_from(item->value));
    }
}

/* The plain value of a field that is no time; empty: it is not known. */
static void read_value(struct writing *w, const struct part *part)
{
    const struct sc_segment *s = w->segment;
    switch (part->field) {
    case INDEX:
        sc_buf_printf(&w->value, "%" PRId64, w->index);
        return;
    case COUNT:
        sc_buf_printf(&w->value, "%" PRId64, w->count);
        return;
    case CONFIDENCE:
        if (s->confidence >= 0)
            sc_buf_printf(&w->value, "%.3f", (double)s->confidence);
        return;
    case SPEAKER:
        if (w->out->options->speakers && s->speaker != NULL)
            sc_text_append_line(&w->value, sc_str_from(s->speaker));
        return;
    case SAID:
        sc_text_append_line(&w->value, sc_str_from(s->text == NULL ? "" : s->text));
        return;
    case META:
        read_meta(w, part->text);
        return;
    case START:
    case END:
    case DURATION:
        sc_buf_puts(&w->value, "0"); /* for {if}: it is always known */
        return;
    }
}

static void put_csv(struct sc_buf *out, struct sc_str s)
{
    sc_buf_putc(out, '"');
    if (sc_cell_is_guarded(s))
        sc_buf_putc(out, '\'');
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"')
            sc_buf_putc(out, '"');
        sc_buf_putc(out, s.ptr[i]);
    }
    sc_buf_putc(out, '"');
}

static void put_field(struct writing *w, const struct part *part)
{
    struct sc_buf *out = &w->out->buf;
    struct sc_json json;
    if (is_time(part->field)) {
        put_time(out, time_of(w, part->field), part->style);
        return;
    }
    sc_buf_reset(&w->value);
    read_value(w, part);
    struct sc_str value = sc_buf_str(&w->value);
    if (part->style == JSON) {
        sc_json_begin(&json, out);
        sc_json_str(&json, NULL, value);
    } else if (part->style == XML) {
        sc_writer_put_xml(out, value);
    } else if (part->style == CSV) {
        put_csv(out, value);
    } else {
        sc_buf_put_str(out, value);
    }
    out->failed = out->failed || w->value.failed;
}

static void put_parts(struct writing *w, size_t from, size_t to)
{
    bool silent = false;
    for (size_t i = from; i < to; i++) {
        const struct part *part = &w->t->parts[i];
        if (part->kind == END_IF)
            silent = false;
        if (silent)
            continue;
        if (part->kind == TEXT)
            sc_buf_put_str(&w->out->buf, part->text);
        else if (part->kind == FIELD)
            put_field(w, part);
        if (part->kind == IF) {
            sc_buf_reset(&w->value);
            read_value(w, part);
            silent = w->value.len == 0;
        }
    }
}

static bool is_written(const struct sc_writer_options *o, const struct sc_segment *s)
{
    return !sc_writer_is_cut(o, s->end_ms);
}

static enum sc_code put_all(struct writing *w, struct sc_source *source, struct sc_error *err)
{
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    put_parts(w, 0, w->t->each);
    while (sc_source_take(source, &code, &s, err)) {
        if (!is_written(w->out->options, s))
            continue;
        w->segment = s;
        w->index++;
        put_parts(w, w->t->each, w->t->each_end);
        code = sc_writer_flush(w->out, false, err);
    }
    w->segment = NULL;
    if (code != SC_OK)
        return code;
    put_parts(w, w->t->each_end, w->t->count);
    return sc_writer_flush(w->out, true, err);
}

/* Goes through the segments once. */
static enum sc_code count_written(struct writing *w, struct sc_source *source, struct sc_error *err)
{
    const struct sc_segment *s;
    enum sc_code code = SC_OK;
    while (sc_source_take(source, &code, &s, err))
        w->count += is_written(w->out->options, s);
    source->rewind(source);
    return code;
}

SC_WRITER(sc_template_write)
{
    SC_AUTO(sc_template_freep) struct sc_template *t = NULL;
    SC_AUTO_WRITER_OUT out;
    struct writing w = { .out = &out };
    enum sc_code code = sc_template_parse(sc_str_from(options->layout), &t, err);
    sc_writer_begin(&out, options, piece, ctx);
    if (code != SC_OK)
        return code;
    w.t = t;
    sc_writer_meta_items(meta, &w.meta);
    code = count_written(&w, source, err);
    if (code == SC_OK)
        code = put_all(&w, source, err);
    sc_buf_done(&w.value);
    return code;
}
