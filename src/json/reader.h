#pragma once
/* Reading JSON: parsed by jansson with limits, then checked against field tables that report every
 * bad field at once. Values are borrowed from the document. */

#include "base/buf.h"
#include "base/error.h"
#include "json/shape.h"

struct sc_json_doc;
struct sc_json_value; /* borrowed from a document */

/* At most 64 deep, no duplicate keys, valid UTF-8, nothing behind it: INVALID_REQUEST says where.
 */
SC_MUST_USE enum sc_code sc_json_parse(struct sc_str text, struct sc_json_doc **out,
                                       struct sc_error *err);
void sc_json_doc_free(struct sc_json_doc *doc);
SC_DEFINE_FREEP(struct sc_json_doc, sc_json_doc_free);
const struct sc_json_value *sc_json_root(const struct sc_json_doc *doc);

enum sc_json_type sc_json_type(const struct sc_json_value *v);
/* Members and elements; NULL when absent. */
const struct sc_json_value *sc_json_member(const struct sc_json_value *object, const char *key);
size_t sc_json_count(const struct sc_json_value *array_or_object);
const struct sc_json_value *sc_json_at(const struct sc_json_value *array, size_t index);
/* Iterates an object's members in order of the document; NULL state starts and ends. */
void *sc_json_next_member(const struct sc_json_value *object, void *state, const char **key,
                          const struct sc_json_value **value);
/* The value, or the fallback when it is absent (v may be NULL) or of another type. Text that holds
 * NUL is no value for _text. */
struct sc_str sc_json_get_str(const struct sc_json_value *v, struct sc_str fallback);
const char *sc_json_get_text(const struct sc_json_value *v, const char *fallback);
int64_t sc_json_get_int(const struct sc_json_value *v, int64_t fallback);
double sc_json_get_real(const struct sc_json_value *v, double fallback); /* integers too */
bool sc_json_get_bool(const struct sc_json_value *v, bool fallback);

/* Of a body's fields (json/shape.h) text lands in a struct sc_str (borrowed from the document),
 * integers in int64_t, numbers in double, booleans in bool, arrays, objects and SC_JSON_NULL (any
 * type) in const struct sc_json_value *. Text with NUL is refused. */

/* Fills the struct at `into`; an unknown field, a wrong type, a missing or out-of-range one is
 * INVALID_VALUE; *err names every bad field (sc_error_next_field), err->field is the first. null =
 * absent. `into` and `given` are untouched on failure and where a field is absent. */
SC_MUST_USE enum sc_code sc_json_read(const struct sc_json_value *object,
                                      const struct sc_json_field *fields, size_t count, void *into,
                                      struct sc_error *err);
/* Appends the value as compact JSON with sorted keys (canonical form),
 * numbers with 15 significant digits. */
void sc_json_dump(const struct sc_json_value *v, struct sc_buf *out);
