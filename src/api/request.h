#pragma once
/* Decoding of what clients send: query parameters, cursors, filters, bodies. Everything unknown is
 * refused by name. The functions on plain text are pure; the others read the request. */

#include "config/job-options.h"
#include "http/http.h"
#include "library/files.h"
#include "pipeline/pipeline.h"
#include "queue/queue.h"
#include "json/reader.h"

/* ---- cursors: opaque to clients. The kind keeps a cursor of one list out of another. ---- */

enum sc_cursor_kind {
    SC_CURSOR_JOB,
    SC_CURSOR_UPLOAD,
    SC_CURSOR_TRANSCRIPT,
    SC_CURSOR_EVENT,
    SC_CURSOR_EXPORT,
    SC_CURSOR_VERSION,
    SC_CURSOR_TOKEN
};
#define SC_CURSOR_TEXT 24
/* The digits of a cursor: one to 16, lower case, at most INT64_MAX. A leading zero would make two
 * spellings of one cursor, so there is none but "0". */
bool sc_hex_parse(struct sc_str digits, int64_t *out);
/* id > 0. Returns out. */
const char *sc_cursor_format(enum sc_cursor_kind kind, int64_t id, char out[SC_CURSOR_TEXT]);
/* False for anything that sc_cursor_format does not write. */
bool sc_cursor_parse(enum sc_cursor_kind kind, struct sc_str text, int64_t *id);

/* Of the list of jobs, whose order the client chooses (job-list.c). */
#define SC_JOB_CURSOR_TEXT 48
const char *sc_job_cursor_format(enum sc_job_sort sort, const struct sc_job_place *place,
                                 char out[SC_JOB_CURSOR_TEXT]);
bool sc_job_cursor_parse(enum sc_job_sort sort, struct sc_str text, struct sc_job_place *out);

/* Of the list of files (files.c): of any length, for it may hold a name. */
void sc_file_cursor_put(struct sc_buf *out, enum sc_file_sort sort,
                        const struct sc_file_place *place);
bool sc_file_cursor_parse(enum sc_file_sort sort, struct sc_str text, struct sc_file_place *out);

/* ---- filters ---- */

/* The five states in lower case, or an older system's name in capitals; false: neither. */
bool sc_status_parse(struct sc_str text, struct sc_status_filter *out);

/* A walk over query parameters or form fields: `names` (ends in NULL) are the known ones. */
struct sc_known_names {
    const char *const *names;
    const char *what; /* "query parameter" */
    uint64_t seen;    /* bit per name */
    enum sc_code code;
    struct sc_error *err;
};
/* A sc_pair_fn over struct sc_known_names: keeps the first unknown or repeated name as
 * INVALID_VALUE. */
void sc_known_names_visit(void *ctx, struct sc_str name, struct sc_str value);

SC_MUST_USE enum sc_code sc_limit_parse(struct sc_str text, int *out, struct sc_error *err);
#define SC_LIMIT_DEFAULT 50
#define SC_LIMIT_MAX 500
/* 1 to 255 printable ASCII signs. */
SC_MUST_USE enum sc_code sc_idempotency_key_check(struct sc_str key, struct sc_error *err);
/* "name", copied and cut to what prints safely, for messages. */
#define SC_QUOTED_TEXT 80
const char *sc_quote(struct sc_str text, char out[SC_QUOTED_TEXT]);

/* ---- of a request ---- */

SC_MUST_USE enum sc_code sc_query_only(struct sc_request *req, const char *const *names,
                                       struct sc_error *err);
/* Sets *out when there is a limit. */
SC_MUST_USE enum sc_code sc_query_limit(struct sc_request *req, int *out, struct sc_error *err);
/* What a list whose order the client chooses says to a cursor that is none of its own. */
enum sc_code sc_refuse_sorted_cursor(struct sc_str cursor, struct sc_error *err);
/* A mix of filters that no index answers stops after so long, with a cursor that goes on. */
#define SC_LIST_WALK_MS 50
/* limit and cursor; *before is 0 when there is no cursor. */
SC_MUST_USE enum sc_code sc_query_page(struct sc_request *req, enum sc_cursor_kind kind, int *limit,
                                       int64_t *before, struct sc_error *err);
/* A whole number from 1 up; *out stays as it is when the parameter is absent. */
SC_MUST_USE enum sc_code sc_query_number(struct sc_request *req, const char *name, int64_t *out,
                                         struct sc_error *err);
/* A time: RFC 3339, a date, or how long ago ("7d"); in ms. *out stays as it is when the parameter
 * is absent. */
SC_MUST_USE enum sc_code sc_query_time(struct sc_request *req, const char *name, int64_t *out,
                                       struct sc_error *err);
/* The name of a stage; *out stays as it is when the parameter `stage` is absent. */
SC_MUST_USE enum sc_code sc_query_stage(struct sc_request *req, int *out, struct sc_error *err);
bool sc_time_or_age_parse(struct sc_str text, int64_t now_ms, int64_t *out);
/* on or off, in any spelling of the job options; *out stays as it is when it is absent. */
SC_MUST_USE enum sc_code sc_query_flag(struct sc_request *req, const char *name, bool *out,
                                       struct sc_error *err);
/* A cursor; *out stays as it is when the parameter is absent. */
SC_MUST_USE enum sc_code sc_query_cursor(struct sc_request *req, const char *name,
                                         enum sc_cursor_kind kind, int64_t *out,
                                         struct sc_error *err);
/* The {id} of the path as a number: `missing` when it is none, since nothing has such an id. */
SC_MUST_USE enum sc_code sc_path_number(struct sc_request *req, enum sc_code missing, int64_t *out,
                                        struct sc_error *err);
/* The {id} of the path as a job's: JOB_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_path_job_id(struct sc_request *req, char out[SC_UUID_TEXT],
                                        struct sc_error *err);
SC_MUST_USE enum sc_code sc_job_id_parse(struct sc_str text, char out[SC_UUID_TEXT],
                                         struct sc_error *err);
/* The Idempotency-Key as owned text; *out stays NULL when there is none. */
SC_MUST_USE enum sc_code sc_request_idempotency_key(struct sc_request *req, char **out,
                                                    struct sc_error *err);
/* The body as a JSON object; UNSUPPORTED_TYPE unless it comes as application/json. */
SC_MUST_USE enum sc_code sc_request_json(struct sc_request *req, struct sc_json_doc **out,
                                         struct sc_error *err);
/* The body read through a field table. */
SC_MUST_USE enum sc_code sc_request_read(struct sc_request *req, const struct sc_json_field *fields,
                                         size_t count, void *into, struct sc_json_doc **doc,
                                         struct sc_error *err);
/* An element of the list `field` read through a field table. */
SC_MUST_USE enum sc_code sc_request_object(const struct sc_json_value *value, const char *field,
                                           const struct sc_json_field *fields, size_t count,
                                           void *into, struct sc_error *err);
/* No query parameters, and no body but {}. */
SC_MUST_USE enum sc_code sc_request_empty(struct sc_request *req, struct sc_error *err);

/* ---- what a worker claims (lanes.c) ---- */

#define SC_LANES_MAX 16
#define SC_LANE_TEXT 48

struct sc_lanes {
    char text[SC_LANES_MAX][SC_LANE_TEXT];
    const char *at[SC_LANES_MAX]; /* into text: not to be copied */
    size_t count;
    int max; /* tasks that may be taken; 0: none are wanted */
};
/* A list of at most SC_LANES_MAX names of 1 to `longest` bytes, else INVALID_VALUE. */
SC_MUST_USE enum sc_code sc_names_check(const struct sc_json_value *array, const char *field,
                                        size_t longest, struct sc_error *err);
/* The names of the list into an empty struct; INVALID_VALUE. */
SC_MUST_USE enum sc_code sc_lanes_read(const struct sc_json_value *array, struct sc_lanes *out,
                                       struct sc_error *err);
/* An empty claim for the worker; it borrows the lanes. sc_claimed_done. */
void sc_claimed_begin(struct sc_claimed *claimed, int64_t worker_id, const struct sc_lanes *lanes);

/* ---- what a worker hands in (results.c) ---- */

/* Into an empty result, of which only the task's id is left open, and what is claimed with it;
 * sc_result_done also on failure. INVALID_VALUE names the segment. */
SC_MUST_USE enum sc_code sc_result_read(const struct sc_json_value *root,
                                        struct sc_chunk_result *out, struct sc_lanes *next,
                                        struct sc_error *err);
void sc_result_done(struct sc_chunk_result *r);
