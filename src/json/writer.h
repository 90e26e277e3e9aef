#pragma once
/* A streaming JSON writer over a buffer: escapes, keeps commas, asserts nesting, refuses NaN
 * (null). Text that is no valid UTF-8 is written with U+FFFD. */

#include "base/buf.h"

#define SC_JSON_DEPTH 32

struct sc_json {
    struct sc_buf *out; /* borrowed */
    int depth;
    char kind[SC_JSON_DEPTH]; /* '{' or '[' */
    bool some[SC_JSON_DEPTH]; /* something was written at this depth */
};

void sc_json_begin(struct sc_json *w, struct sc_buf *out);
/* key NULL: an element of an array, or the root. */
void sc_json_object(struct sc_json *w, const char *key);
void sc_json_array(struct sc_json *w, const char *key);
void sc_json_end(struct sc_json *w);
void sc_json_text(struct sc_json *w, const char *key, const char *value); /* NULL: null */
void sc_json_str(struct sc_json *w, const char *key, struct sc_str value);
/* A text in parts, each of them valid UTF-8: nothing else is written until it is closed. */
void sc_json_text_open(struct sc_json *w, const char *key);
void sc_json_text_part(struct sc_json *w, struct sc_str part);
void sc_json_text_close(struct sc_json *w);
void sc_json_int(struct sc_json *w, const char *key, int64_t value);
/* null when value < 0. */
void sc_json_opt(struct sc_json *w, const char *key, int64_t value);
/* With `digits` after the point. */
void sc_json_real(struct sc_json *w, const char *key, double value, int digits);
void sc_json_bool(struct sc_json *w, const char *key, bool value);
void sc_json_null(struct sc_json *w, const char *key);
/* Text that is JSON already. */
void sc_json_raw(struct sc_json *w, const char *key, struct sc_str json);
/* Milliseconds as seconds with 3 decimals; null when < 0. */
void sc_json_seconds(struct sc_json *w, const char *key, int64_t ms);
/* RFC 3339; null when <= 0. */
void sc_json_time(struct sc_json *w, const char *key, int64_t wall_ms);
