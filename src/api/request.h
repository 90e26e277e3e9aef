#pragma once
/* Decoding of what clients send: query parameters, cursors, filters, bodies. Everything unknown is
 * refused by name. The functions on plain text are pure; the others read the request. */

#include "api/query.h"
#include "config/job-options.h"
#include "library/files.h"
#include "pipeline/pipeline.h"
#include "queue/queue.h"
#include "json/reader.h"

/* ---- cursors of lists whose order the client chooses ---- */

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

/* RFC 3339, a date, or how long ago ("7d"); in ms. Never below 1: nothing here is older, and to
 * filters 0 is no limit. */
bool sc_time_or_age_parse(struct sc_str text, int64_t now_ms, int64_t *out);

/* A walk over query parameters or form fields: `names` (ends in NULL) are the known ones. */
struct sc_known_names {
    const char *const *names;
    const char *what; /* "query parameter" */
    uint64_t seen;    /* bit per name */
    enum sc_code code;
    struct sc_error *err;
};
/* A sc_pair_fn over struct sc_known_names: INVALID_VALUE names all that are unknown or given
 * twice. */
void sc_known_names_visit(void *ctx, struct sc_str name, struct sc_str value);

/* 1 to 255 printable ASCII signs. */
SC_MUST_USE enum sc_code sc_idempotency_key_check(struct sc_str key, struct sc_error *err);
/* "name", copied and cut to what prints safely, for messages. */
#define SC_QUOTED_TEXT 80
const char *sc_quote(struct sc_str text, char out[SC_QUOTED_TEXT]);

/* ---- of a request ---- */

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
/* The body read through its table; there must be no query. */
SC_MUST_USE enum sc_code sc_request_read(struct sc_request *req, const struct sc_json_shape *shape,
                                         void *into, struct sc_json_doc **doc,
                                         struct sc_error *err);
/* An element of the list `field` read through its table. */
SC_MUST_USE enum sc_code sc_request_object(const struct sc_json_value *value, const char *field,
                                           const struct sc_json_shape *shape, void *into,
                                           struct sc_error *err);
/* No query parameters, and no body but {}. */
SC_MUST_USE enum sc_code sc_request_empty(struct sc_request *req, struct sc_error *err);

/* ---- what a worker claims (lanes.c) ---- */

#define SC_LANES_MAX 16
#define SC_LANE_TEXT 48

struct sc_lanes {
    char text[SC_LANES_MAX][SC_LANE_TEXT];
    const char *at[SC_LANES_MAX]; /* into text: not to be copied */
    size_t count;
    int max;                 /* tasks that may be taken; 0: none are wanted */
    int batch[SC_LANES_MAX]; /* of each lane in one call; 0 in the first: not said */
};
/* A list of at most SC_LANES_MAX names of 1 to `longest` bytes, else INVALID_VALUE. */
SC_MUST_USE enum sc_code sc_names_check(const struct sc_json_value *array, const char *field,
                                        size_t longest, struct sc_error *err);
/* The names of the list, and what is said of each (NULL: nothing), into an empty struct;
 * INVALID_VALUE. */
SC_MUST_USE enum sc_code sc_lanes_read(const struct sc_json_value *array,
                                       const struct sc_json_value *batch, struct sc_lanes *out,
                                       struct sc_error *err);
/* An empty claim for the worker; it borrows the lanes. sc_claimed_done. */
void sc_claimed_begin(struct sc_claimed *claimed, int64_t worker_id, const struct sc_lanes *lanes);

/* ---- what a worker hands in (results.c) ---- */

/* Into an empty result, of which only the task's id is left open, and what is claimed with it;
 * sc_result_done also on failure. Its language is a code, or "" where that was none that is told.
 * INVALID_VALUE names the segment. */
SC_MUST_USE enum sc_code sc_result_read(const struct sc_json_value *root,
                                        struct sc_chunk_result *out, struct sc_lanes *next,
                                        struct sc_error *err);
void sc_result_done(struct sc_chunk_result *r);
/* What a worker tells before the result: fence and segments of an empty result, and how many it
 * told of before. As above. */
SC_MUST_USE enum sc_code sc_so_far_read(const struct sc_json_value *root,
                                        struct sc_chunk_result *out, int64_t *first,
                                        struct sc_error *err);
