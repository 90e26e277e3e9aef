#include "json/shape.h"

#include "base/error.h"

#include <string.h>

#include "base/banned.h"

bool sc_json_shape_next(const struct sc_json_shape *shape, size_t *at, struct sc_json_field *out)
{
    size_t i = *at;
    const struct sc_json_shape *base = shape->base;
    sc_assert(base == NULL || (base->base == NULL && base->more == NULL));
    size_t before = base == NULL ? 0 : base->count;
    bool found = true;
    if (i < before)
        *out = base->fields[i];
    else if (i - before < shape->count)
        *out = shape->fields[i - before];
    else
        found = shape->more != NULL && shape->more(i - before - shape->count, out);
    *at += found;
    return found;
}

/* ---- schemas ---- */

static const char *type_name(enum sc_json_type type)
{
    static const char *const names[] = {
        [SC_JSON_NULL] = "null",     [SC_JSON_BOOL] = "boolean", [SC_JSON_INT] = "integer",
        [SC_JSON_REAL] = "number",   [SC_JSON_TEXT] = "string",  [SC_JSON_ARRAY] = "array",
        [SC_JSON_OBJECT] = "object",
    };
    return names[type];
}

static void put_types(struct sc_json *w, const struct sc_json_field *f, bool nullable)
{
    if (!nullable && f->also == SC_JSON_NULL) {
        sc_json_text(w, "type", type_name(f->type));
        return;
    }
    sc_json_array(w, "type");
    sc_json_text(w, NULL, type_name(f->type));
    if (f->also != SC_JSON_NULL)
        sc_json_text(w, NULL, type_name(f->also));
    if (nullable)
        sc_json_text(w, NULL, type_name(SC_JSON_NULL));
    sc_json_end(w);
}

static void put_words(struct sc_json *w, const struct sc_json_field *f, bool nullable)
{
    const char *word;
    if (f->words == NULL && f->choices == NULL)
        return;
    sc_json_array(w, "enum");
    for (int i = 0; f->words != NULL && (word = f->words(i)) != NULL; i++)
        sc_json_text(w, NULL, word);
    for (struct sc_str rest = sc_str_from(f->choices == NULL ? "" : f->choices); rest.len > 0;)
        sc_json_str(w, NULL, sc_str_take_until(&rest, '|'));
    if (nullable)
        sc_json_null(w, NULL);
    sc_json_end(w);
}

static void put_limits(struct sc_json *w, const struct sc_json_field *f)
{
    bool text = f->type == SC_JSON_TEXT;
    if (f->min == 0 && f->max == 0)
        return;
    /* Texts are limited in bytes, of which a sign has one at least. */
    sc_json_int(w, text ? "minLength" : "minimum", text ? SC_MIN(f->min, 1) : f->min);
    if (f->max > f->min && f->max < INT64_MAX)
        sc_json_int(w, text ? "maxLength" : "maximum", f->max);
}

/* Whose names are known before, or only the type of what stands under them. */
static void put_object(struct sc_json *w, const struct sc_json_field *f)
{
    if (f->items == SC_JSON_NULL)
        return;
    sc_json_object(w, "additionalProperties");
    sc_json_text(w, "type", type_name(f->items));
    sc_json_end(w);
}

static void put_items(struct sc_json *w, const struct sc_json_field *f, const char *refs)
{
    if (f->of != NULL) {
        sc_json_shape_use(w, "items", f->of, refs);
        return;
    }
    sc_json_object(w, "items");
    sc_json_text(w, "type", type_name(f->items));
    put_words(w, f, false);
    sc_json_end(w);
}

/* Examples of texts are the texts, others JSON. */
static void put_example_of(struct sc_json *w, const char *key, const struct sc_json_field *f)
{
    if (f->type == SC_JSON_TEXT)
        sc_json_text(w, key, f->example);
    else
        sc_json_raw(w, key, sc_str_from(f->example));
}

static void put_note(struct sc_json *w, const struct sc_json_field *f)
{
    if (f->help != NULL)
        sc_json_text(w, "description", f->help);
    if (f->example != NULL) {
        sc_json_array(w, "examples");
        put_example_of(w, NULL, f);
        sc_json_end(w);
    }
}

static bool may_be_null(const struct sc_json_field *f, bool request)
{
    return request ? !f->required : f->nullable;
}

/* An object that may be null is one of two. */
static void put_maybe(struct sc_json *w, const struct sc_json_field *f, const char *refs)
{
    sc_json_array(w, "anyOf");
    sc_json_shape_use(w, NULL, f->of, refs);
    sc_json_object(w, NULL);
    sc_json_text(w, "type", type_name(SC_JSON_NULL));
    sc_json_end(w);
    sc_json_end(w);
}

void sc_json_field_schema(struct sc_json *w, const char *key, const struct sc_json_field *f,
                          bool request, const char *refs)
{
    bool nullable = may_be_null(f, request);
    if (f->of != NULL && f->type == SC_JSON_OBJECT && !nullable && f->help == NULL) {
        sc_json_shape_use(w, key, f->of, refs);
        return;
    }
    sc_json_object(w, key);
    if (f->of != NULL && f->type == SC_JSON_OBJECT && nullable) {
        put_maybe(w, f, refs);
    } else if (f->of != NULL && f->type == SC_JSON_OBJECT) {
        sc_json_array(w, "allOf");
        sc_json_shape_use(w, NULL, f->of, refs);
        sc_json_end(w);
    } else if (f->type != SC_JSON_NULL) {
        put_types(w, f, nullable);
        if (f->format != NULL)
            sc_json_text(w, "format", f->format);
        if (f->type == SC_JSON_ARRAY)
            put_items(w, f, refs);
        else if (f->type == SC_JSON_OBJECT)
            put_object(w, f);
        else
            put_words(w, f, nullable);
        put_limits(w, f);
    }
    put_note(w, f);
    sc_json_end(w);
}

void sc_json_shape_schema(struct sc_json *w, const char *key, const struct sc_json_shape *shape,
                          const char *refs)
{
    struct sc_json_field f;
    sc_json_object(w, key);
    sc_json_text(w, "type", type_name(SC_JSON_OBJECT));
    if (shape->help != NULL)
        sc_json_text(w, "description", shape->help);
    sc_json_object(w, "properties");
    for (size_t at = 0; sc_json_shape_next(shape, &at, &f);)
        sc_json_field_schema(w, f.name, &f, shape->request, refs);
    sc_json_end(w);
    sc_json_array(w, "required");
    for (size_t at = 0; sc_json_shape_next(shape, &at, &f);) {
        if (shape->request ? f.required : !f.optional)
            sc_json_text(w, NULL, f.name);
    }
    sc_json_end(w);
    sc_json_bool(w, "additionalProperties", false);
    sc_json_end(w);
}

void sc_json_shape_use(struct sc_json *w, const char *key, const struct sc_json_shape *shape,
                       const char *refs)
{
    if (shape->name == NULL) {
        sc_json_shape_schema(w, key, shape, refs);
        return;
    }
    SC_AUTO_BUF ref = { 0 };
    sc_buf_printf(&ref, "%s%s", refs, shape->name);
    sc_json_object(w, key);
    sc_json_str(w, "$ref", sc_buf_str(&ref));
    sc_json_end(w);
}

/* ---- examples ---- */

static void put_example(struct sc_json *w, const struct sc_json_field *f)
{
    if (f->example != NULL) {
        put_example_of(w, f->name, f);
    } else if (f->type == SC_JSON_ARRAY) {
        sc_json_array(w, f->name);
        if (f->of != NULL)
            sc_json_shape_example(w, NULL, f->of);
        sc_json_end(w);
    } else if (f->type == SC_JSON_OBJECT && f->of != NULL) {
        sc_json_shape_example(w, f->name, f->of);
    } else {
        sc_json_null(w, f->name);
    }
}

/* What need not be there is in an example only when it has one of its own. */
void sc_json_shape_example(struct sc_json *w, const char *key, const struct sc_json_shape *shape)
{
    struct sc_json_field f;
    sc_json_object(w, key);
    for (size_t at = 0; sc_json_shape_next(shape, &at, &f);) {
        bool may_lack = shape->request ? !f.required : f.optional;
        if (f.example != NULL || !may_lack)
            put_example(w, &f);
    }
    sc_json_end(w);
}
