#pragma once
/* Tables that describe JSON objects: request bodies are read through them (json/reader.h), answers
 * are held against them, and their JSON Schema is made of them. Everything in a table is static. */

#include "json/writer.h"

enum sc_json_type {
    SC_JSON_NULL,
    SC_JSON_BOOL,
    SC_JSON_INT,
    SC_JSON_REAL,
    SC_JSON_TEXT,
    SC_JSON_ARRAY,
    SC_JSON_OBJECT
};

struct sc_json_shape;
/* The words that a text may be, from 0 on; NULL: no more. */
typedef const char *(*sc_json_words_fn)(int index);

/* One member of an object. */
struct sc_json_field {
    const char *name;
    enum sc_json_type type; /* SC_JSON_NULL: any value */
    /* Of bodies: where the value goes, and what it may be. */
    size_t offset;
    bool required;
    int64_t min, max; /* of numbers; of text in bytes; both 0: no limit */
    bool *given;      /* NULL, or set when the field came */
    /* Of answers. */
    bool nullable; /* null when it is not known */
    bool optional; /* not always there */
    /* Of both; nothing of it is needed to read. */
    enum sc_json_type also;         /* another type that it may have; SC_JSON_NULL: none */
    enum sc_json_type items;        /* of an array; of an object whose names are not known before */
    const struct sc_json_shape *of; /* of an object, or of each element of an array */
    sc_json_words_fn words;         /* of text, or of each element of an array */
    const char *choices;            /* the same as "a|b" */
    const char *format;             /* of text: "date-time", "uuid" */
    const char *help,
        *example; /* a sentence; the value (of text as it is, else JSON). NULL: none */
};

struct sc_json_shape {
    const char *name; /* under components/schemas; NULL: described where it is used */
    const char *help;
    bool request;                     /* null is as good as absent; `required` says what is not */
    const struct sc_json_shape *base; /* whose members come first; may be NULL */
    const struct sc_json_field *fields;
    size_t count;
    /* More of them, made of another table: fills *out; false: no more. NULL: none. */
    bool (*more)(size_t index, struct sc_json_field *out);
};

/* Of rows of answers: SC_SHOW(INT, "id", "What it is", "7"). _WORDS takes what the text may be
 * before the help, _OF has a shape and therefore no example. */
#define SC_SHOW(kind, name_, help_, example_)                                   \
    {                                                                           \
        .name = (name_), SC_SHOW_##kind, .help = (help_), .example = (example_) \
    }
#define SC_SHOW_WORDS(kind, name_, words_, help_, example_)                                        \
    {                                                                                              \
        .name = (name_), SC_SHOW_##kind, .words = (words_), .help = (help_), .example = (example_) \
    }
#define SC_SHOW_OF(kind, name_, shape_, help_)                           \
    {                                                                    \
        .name = (name_), SC_SHOW_##kind, .of = (shape_), .help = (help_) \
    }
#define SC_SHOW_ANY .type = SC_JSON_NULL
#define SC_SHOW_BOOL .type = SC_JSON_BOOL
#define SC_SHOW_INT .type = SC_JSON_INT
#define SC_SHOW_REAL .type = SC_JSON_REAL
#define SC_SHOW_TEXT .type = SC_JSON_TEXT
#define SC_SHOW_UUID .type = SC_JSON_TEXT, .format = "uuid"
#define SC_SHOW_TIME .type = SC_JSON_TEXT, .format = "date-time"
#define SC_SHOW_OBJECT .type = SC_JSON_OBJECT
#define SC_SHOW_LIST .type = SC_JSON_ARRAY, .items = SC_JSON_OBJECT
#define SC_SHOW_TEXTS .type = SC_JSON_ARRAY, .items = SC_JSON_TEXT
#define SC_SHOW_REALS .type = SC_JSON_ARRAY, .items = SC_JSON_REAL
#define SC_SHOW_INTS .type = SC_JSON_ARRAY, .items = SC_JSON_INT
#define SC_SHOW_INT_OR_NULL SC_SHOW_INT, .nullable = true
#define SC_SHOW_REAL_OR_NULL SC_SHOW_REAL, .nullable = true
#define SC_SHOW_TEXT_OR_NULL SC_SHOW_TEXT, .nullable = true
#define SC_SHOW_UUID_OR_NULL SC_SHOW_UUID, .nullable = true
#define SC_SHOW_TIME_OR_NULL SC_SHOW_TIME, .nullable = true

/* A row of a body: SC_BODY(struct clean_body, dry_run, BOOL, .help = "…"), named as the member. */
#define SC_BODY(struct_, member_, kind_, ...)                                            \
    {                                                                                    \
        .name = #member_, .type = SC_JSON_##kind_, .offset = offsetof(struct_, member_), \
        __VA_ARGS__                                                                      \
    }

/* An array and what it is counted by. */
#define SC_SHAPE_FIELDS(array) .fields = (array), .count = SC_ARRAY_LEN(array)

/* Every field of the shape, its base's first; *at is 0 at first. False: no more. */
bool sc_json_shape_next(const struct sc_json_shape *shape, size_t *at, struct sc_json_field *out);
/* The JSON Schema (2020-12) of the shape itself; named ones within it are referred to below `refs`,
 * such as "#/components/schemas/". */
void sc_json_shape_schema(struct sc_json *w, const char *key, const struct sc_json_shape *shape,
                          const char *refs);
/* A reference to a named shape, the schema of another. */
void sc_json_shape_use(struct sc_json *w, const char *key, const struct sc_json_shape *shape,
                       const char *refs);
/* Of the field alone. */
void sc_json_field_schema(struct sc_json *w, const char *key, const struct sc_json_field *field,
                          bool request, const char *refs);
/* An object of all examples. */
void sc_json_shape_example(struct sc_json *w, const char *key, const struct sc_json_shape *shape);
