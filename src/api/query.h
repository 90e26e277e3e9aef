#pragma once
/* Query parameters, read through tables that also describe them in the API's own description.
 * Everything unknown is refused by name, and all that is bad is told at once. */

#include "base/language.h"
#include "http/http.h"
#include "json/reader.h"

/* ---- cursors: opaque to clients. The kind keeps a cursor of one list out of another. ---- */

enum sc_cursor_kind {
    SC_CURSOR_JOB,
    SC_CURSOR_UPLOAD,
    SC_CURSOR_TRANSCRIPT,
    SC_CURSOR_EVENT,
    SC_CURSOR_EXPORT,
    SC_CURSOR_VERSION,
    SC_CURSOR_TOKEN,
    SC_CURSOR_WEBHOOK,
    SC_CURSOR_DELIVERY,
    SC_CURSOR_RESUMABLE,
    SC_CURSOR_SEARCH,
    SC_CURSOR_CHANGE
};
#define SC_CURSOR_TEXT 24
/* The digits of a cursor: one to 16, lower case, at most INT64_MAX. A leading zero would make two
 * spellings of one cursor, so there is none but "0". */
bool sc_hex_parse(struct sc_str digits, int64_t *out);
/* Text as digits of two a byte, lower case; false: none, or more than fit with a NUL. */
void sc_hex_text_put(struct sc_buf *out, const char *text);
bool sc_hex_text_parse(struct sc_str digits, char *out, size_t size);
/* id > 0. Returns out. */
const char *sc_cursor_format(enum sc_cursor_kind kind, int64_t id, char out[SC_CURSOR_TEXT]);
/* False for anything that sc_cursor_format does not write. */
bool sc_cursor_parse(enum sc_cursor_kind kind, struct sc_str text, int64_t *id);

#define SC_LIMIT_DEFAULT 50
#define SC_LIMIT_MAX 500
/* A mix of filters that no index answers stops after so long, with a cursor that goes on. */
#define SC_LIST_WALK_MS 50

/* ---- the tables: static ---- */

struct sc_query_field;
/* Reads the value into *at; INVALID_VALUE names the field. Pure but for the clock. */
typedef enum sc_code (*sc_query_fn)(const struct sc_query_field *field, struct sc_str text,
                                    void *at, struct sc_error *err);
struct sc_query_field {
    const char *name;
    sc_query_fn read;
    size_t offset;
    int64_t min, max; /* of whole numbers; both 0: from 1 up */
    enum sc_cursor_kind cursor;
    bool required;
    bool may_be_empty; /* else `read` sees no empty text */
    enum sc_json_type type;
    const char *format;
    sc_json_words_fn words;
    const char *choices;        /* "a|b": words that `read` itself knows */
    const char *help, *example; /* the example as it stands in an address */
};
/* The parameters of a route, in the order in which they are read. */
struct sc_query {
    const struct sc_query_field *fields;
    size_t count;
    /* More of them, made of another table: fills *out; false: no more. NULL: none. */
    bool (*more)(size_t index, struct sc_query_field *out);
};
#define SC_QUERY(array)                                 \
    {                                                   \
        .fields = (array), .count = SC_ARRAY_LEN(array) \
    }
#define SC_QUERY_FIELDS 64 /* of one route, at most */
/* False: no more. */
bool sc_query_at(const struct sc_query *query, size_t index, struct sc_query_field *out);

/* Rows: SC_QUERY_ROW(TIME, struct sc_filter, since_ms, "since", .help = "…"). The kinds: */
#define SC_QUERY_ROW(kind_, struct_, member_, name_, ...)                                    \
    {                                                                                        \
        .name = (name_), SC_QUERY_##kind_, .offset = offsetof(struct_, member_), __VA_ARGS__ \
    }
/* int64_t, from min to max. */
#define SC_QUERY_NUMBER .type = SC_JSON_INT, .read = sc_query_number
/* bool: on or off, in any spelling of the job options. */
#define SC_QUERY_FLAG .type = SC_JSON_BOOL, .read = sc_query_flag
/* int64_t, in ms: RFC 3339, a date, or how long ago ("7d"). */
#define SC_QUERY_TIME .type = SC_JSON_TEXT, .read = sc_query_time
/* int64_t, in ms: seconds as a decimal from 0 up. */
#define SC_QUERY_SECONDS .type = SC_JSON_REAL, .read = sc_query_seconds
/* int: the index of one of `words`. */
#define SC_QUERY_WORD .type = SC_JSON_TEXT, .read = sc_query_word
/* struct sc_str, borrowed from the request. */
#define SC_QUERY_TEXT .type = SC_JSON_TEXT, .read = sc_query_text
/* The same of other programs' dialects, whose clients send what they have no value for. */
#define SC_QUERY_RAW .type = SC_JSON_TEXT, .read = sc_query_text, .may_be_empty = true
/* char[SC_LANGUAGE_TEXT]: the code of a language that is named by it, or by its English name. */
#define SC_QUERY_LANGUAGE .type = SC_JSON_TEXT, .read = sc_query_language
/* Text that a `.read` of the row's own takes. */
#define SC_QUERY_OWN .type = SC_JSON_TEXT
/* int, from 1 to SC_LIMIT_MAX. */
#define SC_QUERY_LIMIT .type = SC_JSON_INT, .read = sc_query_limit
/* int64_t: the id in a cursor of the kind `cursor`. */
#define SC_QUERY_CURSOR .type = SC_JSON_TEXT, .read = sc_query_cursor
#define SC_QUERY_LIMIT_ROW(struct_, member_)                                      \
    SC_QUERY_ROW(LIMIT, struct_, member_, "limit", .min = 1, .max = SC_LIMIT_MAX, \
                 .help = "How many rows; 50 unless given", .example = "20")
#define SC_QUERY_CURSOR_HELP "Where to go on: the `next_cursor` of an answer"
/* limit and cursor of a plain list, into a struct sc_query_page. */
#define SC_QUERY_PAGE_ROWS(kind_)                                                       \
    SC_QUERY_LIMIT_ROW(struct sc_query_page, limit),                                    \
        SC_QUERY_ROW(CURSOR, struct sc_query_page, before, "cursor", .cursor = (kind_), \
                     .help = SC_QUERY_CURSOR_HELP)
struct sc_query_page {
    int limit;      /* SC_LIMIT_DEFAULT before it is read */
    int64_t before; /* 0: from the first one */
};

enum sc_code sc_query_number(const struct sc_query_field *field, struct sc_str text, void *at,
                             struct sc_error *err);
enum sc_code sc_query_flag(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err);
enum sc_code sc_query_time(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err);
enum sc_code sc_query_seconds(const struct sc_query_field *field, struct sc_str text, void *at,
                              struct sc_error *err);
enum sc_code sc_query_word(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err);
enum sc_code sc_query_text(const struct sc_query_field *field, struct sc_str text, void *at,
                           struct sc_error *err);
enum sc_code sc_query_language(const struct sc_query_field *field, struct sc_str text, void *at,
                               struct sc_error *err);
enum sc_code sc_query_limit(const struct sc_query_field *field, struct sc_str text, void *at,
                            struct sc_error *err);
enum sc_code sc_query_cursor(const struct sc_query_field *field, struct sc_str text, void *at,
                             struct sc_error *err);
/* INVALID_VALUE: none of the words that are allowed, which are named. */
enum sc_code sc_query_refuse(const char *name, struct sc_str text, const char *allowed,
                             struct sc_error *err);
/* What a list whose order the client chooses says to a cursor that is none of its own. */
enum sc_code sc_query_refuse_cursor(struct sc_str cursor, struct sc_error *err);

/* ---- of a request ---- */

/* Reads the query into the struct at `into`, of which what is absent stays as it is. *err names
 * every parameter that is unknown, given twice, missing or bad. */
SC_MUST_USE enum sc_code sc_query_read(struct sc_request *req, const struct sc_query *query,
                                       void *into, struct sc_error *err);
/* There must be no parameters. */
SC_MUST_USE enum sc_code sc_query_none(struct sc_request *req, struct sc_error *err);
