#include "json/reader.h"

#include "base/alloc.h"

#include <jansson.h>

#include "base/banned.h"

/* jansson's parser recurses up to 2048 levels; ours stops long before. */
#define MAX_DEPTH 64
/* Significant digits of a double that always survive text: more would print 0.1 as
 * 0.10000000000000001. */
#define DIGITS 15

struct sc_json_doc {
    json_t *root;
};

/* A value is jansson's own object under an opaque name. */
static const json_t *inner(const struct sc_json_value *v)
{
    return (const json_t *)v;
}

/* For calls of jansson that only read but take no const. */
static json_t *unconst(const struct sc_json_value *v)
{
    return (json_t *)(uintptr_t)v;
}

static const struct sc_json_value *outer(const json_t *j)
{
    return (const struct sc_json_value *)j;
}

/* Deepest nesting of brackets outside of strings, whether or not the text is valid otherwise. */
static int nesting(struct sc_str text)
{
    int depth = 0, deepest = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = SC_MAX(deepest, depth);
            if (deepest > MAX_DEPTH)
                break;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return deepest;
}

enum sc_code sc_json_parse(struct sc_str text, struct sc_json_doc **out, struct sc_error *err)
{
    if (nesting(text) > MAX_DEPTH)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "the JSON is nested more than %d deep",
                            MAX_DEPTH);
    if (sc_str_trim(text).len == 0)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "no valid JSON: it is empty");
    /* jansson passes over those that stand behind a value. */
    if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "no valid JSON: it holds NUL");

    json_error_t why = { 0 };
    json_t *root = json_loadb(text.ptr == NULL ? "" : text.ptr, text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
    if (root == NULL) {
        /* jansson mostly says nothing at all when memory is exhausted. */
        if (why.text[0] == '\0' || json_error_code(&why) == json_error_out_of_memory)
            return sc_error_set(err, SC_E_INTERNAL, "no memory for the JSON");
        /* What stands behind "near" is a piece of the body: not for logs and terminals. */
        const char *near = strstr(why.text, " near ");
        int len = near == NULL ? (int)strlen(why.text) : (int)(near - why.text);
        return sc_error_set(err, SC_E_INVALID_REQUEST, "no valid JSON at line %d, column %d: %.*s",
                            why.line, why.column, len, why.text);
    }
    struct sc_json_doc *doc = sc_alloc(sizeof(*doc));
    doc->root = root;
    *out = doc;
    return SC_OK;
}

void sc_json_doc_free(struct sc_json_doc *doc)
{
    if (doc == NULL)
        return;
    json_decref(doc->root);
    free(doc);
}

const struct sc_json_value *sc_json_root(const struct sc_json_doc *doc)
{
    return outer(doc->root);
}

enum sc_json_type sc_json_type(const struct sc_json_value *v)
{
    switch (json_typeof(inner(v))) {
    case JSON_OBJECT:
        return SC_JSON_OBJECT;
    case JSON_ARRAY:
        return SC_JSON_ARRAY;
    case JSON_STRING:
        return SC_JSON_TEXT;
    case JSON_INTEGER:
        return SC_JSON_INT;
    case JSON_REAL:
        return SC_JSON_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return SC_JSON_BOOL;
    case JSON_NULL:
        break;
    }
    return SC_JSON_NULL;
}

const struct sc_json_value *sc_json_member(const struct sc_json_value *object, const char *key)
{
    return outer(json_object_get(inner(object), key));
}

size_t sc_json_count(const struct sc_json_value *v)
{
    return json_is_object(inner(v)) ? json_object_size(inner(v)) : json_array_size(inner(v));
}

const struct sc_json_value *sc_json_at(const struct sc_json_value *array, size_t index)
{
    return outer(json_array_get(inner(array), index));
}

void *sc_json_next_member(const struct sc_json_value *object, void *state, const char **key,
                          const struct sc_json_value **value)
{
    json_t *j = unconst(object);
    void *at = state == NULL ? json_object_iter(j) : json_object_iter_next(j, state);
    if (at != NULL) {
        *key = json_object_iter_key(at);
        *value = outer(json_object_iter_value(at));
    }
    return at;
}

struct sc_str sc_json_get_str(const struct sc_json_value *v, struct sc_str fallback)
{
    if (!json_is_string(inner(v)))
        return fallback;
    return (struct sc_str){ json_string_value(inner(v)), json_string_length(inner(v)) };
}

static bool has_nul(struct sc_str s)
{
    return s.len > 0 && memchr(s.ptr, '\0', s.len) != NULL;
}

const char *sc_json_get_text(const struct sc_json_value *v, const char *fallback)
{
    struct sc_str s = sc_json_get_str(v, (struct sc_str){ 0 });
    return s.ptr == NULL || has_nul(s) ? fallback : s.ptr;
}

int64_t sc_json_get_int(const struct sc_json_value *v, int64_t fallback)
{
    return json_is_integer(inner(v)) ? json_integer_value(inner(v)) : fallback;
}

double sc_json_get_real(const struct sc_json_value *v, double fallback)
{
    return json_is_number(inner(v)) ? json_number_value(inner(v)) : fallback;
}

bool sc_json_get_bool(const struct sc_json_value *v, bool fallback)
{
    return json_is_boolean(inner(v)) ? json_is_true(inner(v)) : fallback;
}

/* ---- field tables ---- */

static void complain(struct sc_error *all, const char *field, const char *fmt, ...) SC_PRINTF(3, 4);
static void complain(struct sc_error *all, const char *field, const char *fmt, ...)
{
    struct sc_error one = { 0 };
    char what[160];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    (void)sc_error_field(&one, SC_E_INVALID_VALUE, field, "'%.40s' %s", field, what);
    (void)sc_error_also(all, &one);
}

static const char *type_text(enum sc_json_type type)
{
    static const char *const texts[] = {
        [SC_JSON_NULL] = "any value",     [SC_JSON_BOOL] = "true or false",
        [SC_JSON_INT] = "a whole number", [SC_JSON_REAL] = "a number",
        [SC_JSON_TEXT] = "text",          [SC_JSON_ARRAY] = "an array",
        [SC_JSON_OBJECT] = "an object",
    };
    return texts[type];
}

static bool type_fits(const struct sc_json_field *f, const struct sc_json_value *v)
{
    enum sc_json_type have = sc_json_type(v);
    return f->type == SC_JSON_NULL || f->type == have ||
           (f->type == SC_JSON_REAL && have == SC_JSON_INT);
}

static bool is_word_of(const struct sc_json_field *f, struct sc_str text)
{
    const char *word;
    for (int i = 0; (word = f->words(i)) != NULL; i++) {
        if (sc_str_equal(text, sc_str_from(word)))
            return true;
    }
    return false;
}

/* "kind must be orphans, temp or work": without quotes, as the command line turns it into a flag.
 */
static void complain_of_word(const struct sc_json_field *f, struct sc_error *c)
{
    SC_AUTO_BUF known = { 0 };
    struct sc_error one = { 0 };
    const char *word;
    for (int i = 0; (word = f->words(i)) != NULL; i++)
        sc_buf_printf(&known, "%s%s", i == 0 ? "" : f->words(i + 1) == NULL ? " or " : ", ", word);
    (void)sc_error_field(&one, SC_E_INVALID_VALUE, f->name, "%s must be %s", f->name,
                         sc_buf_text(&known));
    (void)sc_error_also(c, &one);
}

static void check_range(const struct sc_json_field *f, const struct sc_json_value *v,
                        struct sc_error *c)
{
    if (f->type == SC_JSON_TEXT && has_nul(sc_json_get_str(v, SC_STR("")))) {
        complain(c, f->name, "must not contain NUL");
        return;
    }
    if (f->type == SC_JSON_TEXT && f->words != NULL) {
        if (!is_word_of(f, sc_json_get_str(v, SC_STR(""))))
            complain_of_word(f, c);
        return;
    }
    if (f->min == 0 && f->max == 0)
        return;
    double have;
    const char *what = "";
    if (f->type == SC_JSON_TEXT) {
        have = (double)json_string_length(inner(v));
        what = " bytes long";
    } else if (f->type == SC_JSON_INT) {
        int64_t n = sc_json_get_int(v, 0);
        have = n < f->min ? -1.0 : n > f->max ? 1.0 : 0.0; /* exact beyond 2^53 */
        if (have != 0.0)
            complain(c, f->name, "must be from %lld to %lld", (long long)f->min, (long long)f->max);
        return;
    } else if (f->type == SC_JSON_REAL) {
        have = sc_json_get_real(v, 0);
    } else {
        return;
    }
    if (have < (double)f->min || have > (double)f->max)
        complain(c, f->name, "must be from %lld to %lld%s", (long long)f->min, (long long)f->max,
                 what);
}

static const struct sc_json_field *find_field(const struct sc_json_field *fields, size_t count,
                                              const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

static void check_members(const struct sc_json_value *object, const struct sc_json_field *fields,
                          size_t count, struct sc_error *c)
{
    const char *key;
    const struct sc_json_value *v;
    void *at = NULL;

    while ((at = sc_json_next_member(object, at, &key, &v)) != NULL) {
        const struct sc_json_field *f = find_field(fields, count, key);
        if (f == NULL)
            complain(c, key, "is not known here");
        else if (sc_json_type(v) == SC_JSON_NULL)
            continue;
        else if (!type_fits(f, v))
            complain(c, key, "must be %s", type_text(f->type));
        else
            check_range(f, v, c);
    }
}

/* The member, or NULL when it is absent or null. */
static const struct sc_json_value *present(const struct sc_json_value *object, const char *name)
{
    const struct sc_json_value *v = sc_json_member(object, name);
    return v == NULL || sc_json_type(v) == SC_JSON_NULL ? NULL : v;
}

static void store_field(const struct sc_json_field *f, const struct sc_json_value *v, void *into)
{
    char *at = (char *)into + f->offset;
    switch (f->type) {
    case SC_JSON_TEXT:
        *(struct sc_str *)(void *)at = sc_json_get_str(v, SC_STR(""));
        break;
    case SC_JSON_INT:
        *(int64_t *)(void *)at = sc_json_get_int(v, 0);
        break;
    case SC_JSON_REAL:
        *(double *)(void *)at = sc_json_get_real(v, 0);
        break;
    case SC_JSON_BOOL:
        *(bool *)at = sc_json_get_bool(v, false);
        break;
    case SC_JSON_NULL:
    case SC_JSON_ARRAY:
    case SC_JSON_OBJECT:
        *(const struct sc_json_value **)(void *)at = v;
        break;
    }
    if (f->given != NULL)
        *f->given = true;
}

enum sc_code sc_json_read(const struct sc_json_value *object, const struct sc_json_field *fields,
                          size_t count, void *into, struct sc_error *err)
{
    if (object == NULL || sc_json_type(object) != SC_JSON_OBJECT)
        return sc_error_set(err, SC_E_INVALID_REQUEST, "a JSON object is needed");

    struct sc_error bad = { 0 };
    check_members(object, fields, count, &bad);
    for (size_t i = 0; i < count; i++) {
        if (fields[i].required && present(object, fields[i].name) == NULL)
            complain(&bad, fields[i].name, "is missing");
    }
    if (bad.code != SC_OK)
        return sc_error_copy(err, &bad);

    for (size_t i = 0; i < count; i++) {
        const struct sc_json_value *v = present(object, fields[i].name);
        if (v != NULL)
            store_field(&fields[i], v, into);
    }
    return SC_OK;
}

static int dump_piece(const char *bytes, size_t len, void *ctx)
{
    struct sc_buf *out = ctx;
    sc_buf_append(out, bytes, len);
    return out->failed ? -1 : 0;
}

void sc_json_dump(const struct sc_json_value *v, struct sc_buf *out)
{
    if (json_dump_callback(inner(v), dump_piece, out,
                           JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                               JSON_REAL_PRECISION(DIGITS)) != 0)
        out->failed = true;
}
