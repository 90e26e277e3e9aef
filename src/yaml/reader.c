/* libyaml's event interface, driven by a small stack: one frame for each open mapping, which knows
 * its path and whether a key or a value comes next. Nothing recurses, so depth costs no C stack. */
#include "yaml/reader.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <yaml.h>

#include <limits.h>

#include "base/banned.h"

#define PATH_LIMIT 512

struct frame {
    size_t path_len; /* of the path in front of this mapping's keys */
    bool want_value;
};

struct state {
    const char *name;
    struct sc_yaml yaml;
    struct sc_buf path; /* of the key whose value comes next, or of the open mapping */
    struct frame frames[SC_YAML_DEPTH];
    int depth;
    int key_line;
};

static void event_delete(yaml_event_t *event)
{
    yaml_event_delete(event);
}

static enum sc_code refuse(const struct state *s, size_t line, const char *what,
                           struct sc_error *err)
{
    return sc_error_set(err, SC_E_INVALID_VALUE, "%s:%zu: %s", s->name, line + 1, what);
}

/* Duplicates come out as neighbours, the later line second. */
static int by_path(const void *a, const void *b)
{
    const struct sc_yaml_entry *const *x = a, *const *y = b;
    int order = strcmp((*x)->path, (*y)->path);
    return order != 0 ? order : (*x)->line - (*y)->line;
}

static enum sc_code check_duplicates(const struct state *s, struct sc_error *err)
{
    const struct sc_yaml *yaml = &s->yaml;
    if (yaml->count < 2)
        return SC_OK;
    SC_AUTO_FREE const struct sc_yaml_entry **sorted = sc_alloc_array(yaml->count, sizeof(*sorted));
    for (size_t i = 0; i < yaml->count; i++)
        sorted[i] = &yaml->entries[i];
    qsort(sorted, yaml->count, sizeof(*sorted), by_path);
    for (size_t i = 1; i < yaml->count; i++) {
        if (strcmp(sorted[i - 1]->path, sorted[i]->path) == 0) {
            SC_AUTO_BUF shown = { 0 };
            sc_utf8_append_printable(&shown, sc_str_from(sorted[i]->path));
            return sc_error_set(err, SC_E_INVALID_VALUE,
                                "%s:%d: '%.80s' stands in line %d already; keep one of them",
                                s->name, sorted[i]->line, sc_buf_text(&shown), sorted[i - 1]->line);
        }
    }
    return SC_OK;
}

/* Takes over value. */
static enum sc_code add_entry(struct state *s, char *value, bool mapping, struct sc_error *err)
{
    void *items = s->yaml.entries;
    if (!sc_try_grow(&items, &s->yaml.cap, s->yaml.count + 1, sizeof(*s->yaml.entries))) {
        free(value);
        return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    }
    s->yaml.entries = items;
    s->yaml.entries[s->yaml.count++] = (struct sc_yaml_entry){
        .path = sc_strdup(sc_buf_text(&s->path)),
        .value = value,
        .line = s->key_line,
        .mapping = mapping,
    };
    return SC_OK;
}

static bool is_null(const yaml_event_t *event)
{
    static const char *const words[] = { "", "~", "null", "Null", "NULL" };
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < SC_ARRAY_LEN(words); i++) {
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0)
            return true;
    }
    return false;
}

static enum sc_code on_key(struct state *s, const yaml_event_t *event, struct sc_error *err)
{
    struct frame *top = &s->frames[s->depth - 1];
    const char *key = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;

    if (len == 0)
        return refuse(s, event->start_mark.line, "a key is empty", err);
    if (top->path_len + 1 + len > PATH_LIMIT)
        return refuse(s, event->start_mark.line, "a key is too long", err);
    s->path.len = top->path_len;
    if (s->path.len > 0)
        sc_buf_putc(&s->path, '.');
    sc_buf_append(&s->path, key, len);
    if (event->start_mark.line >= INT_MAX)
        return refuse(s, event->start_mark.line, "too many lines", err);
    s->key_line = (int)event->start_mark.line + 1;
    top->want_value = true;
    return SC_OK;
}

static enum sc_code on_scalar(struct state *s, const yaml_event_t *event, struct sc_error *err)
{
    if (event->data.scalar.anchor != NULL)
        return refuse(s, event->start_mark.line, "anchors are not accepted", err);
    if (event->data.scalar.tag != NULL)
        return refuse(s, event->start_mark.line, "tags are not accepted", err);
    if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL)
        return refuse(s, event->start_mark.line, "a NUL is not accepted", err);
    if (s->depth == 0) {
        /* A document of comments and nothing else is one null scalar. */
        if (is_null(event))
            return SC_OK;
        return refuse(s, event->start_mark.line, "expected 'name: value' lines", err);
    }

    struct frame *top = &s->frames[s->depth - 1];
    if (!top->want_value)
        return on_key(s, event, err);
    top->want_value = false;
    const bool none = is_null(event);
    const size_t len = event->data.scalar.length;
    char *value = none ? NULL : sc_strndup((const char *)event->data.scalar.value, len);
    enum sc_code code = add_entry(s, value, false, err);
    if (code == SC_OK)
        s->yaml.entries[s->yaml.count - 1].says_null = none && len > 1;
    return code;
}

static enum sc_code on_mapping(struct state *s, const yaml_event_t *event, struct sc_error *err)
{
    if (event->data.mapping_start.anchor != NULL)
        return refuse(s, event->start_mark.line, "anchors are not accepted", err);
    if (event->data.mapping_start.tag != NULL)
        return refuse(s, event->start_mark.line, "tags are not accepted", err);
    if (s->depth == SC_YAML_DEPTH)
        return refuse(s, event->start_mark.line, "nested too deeply", err);
    if (s->depth > 0) {
        struct frame *top = &s->frames[s->depth - 1];
        if (!top->want_value)
            return refuse(s, event->start_mark.line, "a key must be plain text", err);
        top->want_value = false;
        enum sc_code code = add_entry(s, NULL, true, err);
        if (code != SC_OK)
            return code;
    }
    s->frames[s->depth++] = (struct frame){ .path_len = s->path.len };
    return SC_OK;
}

static enum sc_code on_event(struct state *s, const yaml_event_t *event, bool *done,
                             struct sc_error *err)
{
    size_t line = event->start_mark.line;

    switch (event->type) {
    case YAML_STREAM_END_EVENT:
        *done = true;
        return SC_OK;
    case YAML_ALIAS_EVENT:
        return refuse(s, line, "aliases are not accepted", err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return refuse(s, line, "a list is not accepted here; write one value", err);
    case YAML_SCALAR_EVENT:
        return on_scalar(s, event, err);
    case YAML_MAPPING_START_EVENT:
        return on_mapping(s, event, err);
    case YAML_MAPPING_END_EVENT:
        s->depth--;
        s->path.len = s->frames[s->depth].path_len;
        return SC_OK;
    case YAML_DOCUMENT_START_EVENT:
        if (s->yaml.count > 0)
            return refuse(s, line, "a second document is not accepted", err);
        return SC_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return SC_OK;
    }
    return refuse(s, line, "unknown kind of content", err);
}

static enum sc_code run(struct state *s, yaml_parser_t *parser, struct sc_error *err)
{
    for (bool done = false; !done;) {
        SC_AUTO(event_delete) yaml_event_t event = { 0 };
        if (!yaml_parser_parse(parser, &event)) {
            const char *what = parser->problem == NULL ? "not valid YAML" : parser->problem;
            return refuse(s, parser->problem_mark.line, what, err);
        }
        enum sc_code code = on_event(s, &event, &done, err);
        if (code != SC_OK)
            return code;
    }
    return check_duplicates(s, err);
}

enum sc_code sc_yaml_parse(struct sc_str text, const char *name, struct sc_yaml *out,
                           struct sc_error *err)
{
    struct state s = { .name = name, .path = { .limit = 2 * PATH_LIMIT } };
    SC_AUTO(yaml_parser_delete) yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser)) {
        memset(&parser, 0, sizeof(parser));
        return sc_error_set(err, SC_E_INTERNAL, "out of memory");
    }
    if (text.len > SC_YAML_SIZE)
        return sc_error_set(err, SC_E_INVALID_VALUE, "%s: larger than %zu bytes", name,
                            SC_YAML_SIZE);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.ptr, text.len);

    enum sc_code code = run(&s, &parser, err);
    sc_buf_done(&s.path);
    if (code != SC_OK) {
        sc_yaml_done(&s.yaml);
        return code;
    }
    *out = s.yaml;
    return SC_OK;
}

void sc_yaml_done(struct sc_yaml *yaml)
{
    for (size_t i = 0; i < yaml->count; i++) {
        free(yaml->entries[i].path);
        free(yaml->entries[i].value);
    }
    free(yaml->entries);
    *yaml = (struct sc_yaml){ 0 };
}
