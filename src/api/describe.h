#pragma once
/* What the description of the API (GET /api/openapi.json) says of each route. Beside its handler
 * every row of routes.def has one SC_API_DOC, or the program does not link; bodies, parameters and
 * answers are described by the tables that read and check them. */

#include "api/query.h"
#include "json/shape.h"

/* An answer that is no error. */
struct sc_api_reply {
    int status;                           /* 0: no more */
    const struct sc_json_shape *shape;    /* NULL: no JSON */
    const struct sc_json_shape *or_shape; /* another that it may have; may be NULL */
    const char *types;                    /* media types with '|' between; NULL: application/json */
    const char *help;
    const struct sc_json_shape *or_third; /* and one more */
};

enum sc_doc_flag {
    SC_DOC_LOCATION = 1u << 0,   /* says where what was made is */
    SC_DOC_IDEMPOTENT = 1u << 1, /* takes an Idempotency-Key */
    SC_DOC_RANGES = 1u << 2,     /* ETag, If-None-Match, Range, If-Range */
    SC_DOC_DOWNLOAD = 1u << 3,   /* Content-Disposition */
    SC_DOC_LAST_EVENT = 1u << 4, /* takes a Last-Event-ID */
    SC_DOC_BODY_OPTIONAL = 1u << 5,
    SC_DOC_RAW = 1u << 6,         /* beside the form: a body that is the file */
    SC_DOC_PIECE = 1u << 7,       /* a body that is a piece of a file */
    SC_DOC_TUS = 1u << 8,         /* speaks the tus protocol */
    SC_DOC_TUS_CREATE = 1u << 9,  /* … begins an upload */
    SC_DOC_TUS_LENGTH = 1u << 10, /* … may tell its length */
    SC_DOC_TUS_PIECE = 1u << 11,  /* … goes on with one */
    SC_DOC_TAGGED = 1u << 12,     /* what changes answers as GET would, with its ETag */
    SC_DOC_TEXT = 1u << 13,       /* a body that is a file of text */
};
#define SC_DOC_REPLIES 4
#define SC_DOC_ERRORS 12

struct sc_route_doc {
    const struct sc_query *query;     /* NULL: takes none */
    const struct sc_json_shape *body; /* JSON; NULL: none */
    const struct sc_json_shape *form; /* multipart/form-data beside the part `file` */
    struct sc_api_reply replies[SC_DOC_REPLIES];
    /* Beside those that follow from the route itself (api/openapi.c). */
    enum sc_code errors[SC_DOC_ERRORS];
    /* NULL: errors have our own shape. Else each status may come, with this one. */
    const struct sc_json_shape *error;
    unsigned flags; /* sc_doc_flag */
};
#define SC_API_DOC(handler) const struct sc_route_doc sc_doc_##handler

/* A list, page by page: {"rows": […], "next_cursor": …}. */
#define SC_PAGE_SHAPE(symbol, name_, rows_, of_)                                                  \
    static const struct sc_json_field symbol##_fields[] = {                                       \
        SC_SHOW_OF(LIST, rows_, of_, "The rows of this page"),                                    \
        SC_SHOW(TEXT_OR_NULL, "next_cursor", "To send as `cursor` for the next page; null: none", \
                NULL),                                                                            \
    };                                                                                            \
    const struct sc_json_shape symbol = { .name = (name_), SC_SHAPE_FIELDS(symbol##_fields) }
/* The same of a list that stops when it would take long. */
#define SC_WALK_SHAPE(symbol, name_, rows_, of_)                                                  \
    static const struct sc_json_field symbol##_fields[] = {                                       \
        SC_SHOW_OF(LIST, rows_, of_, "The rows of this page"),                                    \
        SC_SHOW(TEXT_OR_NULL, "next_cursor", "To send as `cursor` for the next page; null: none", \
                NULL),                                                                            \
        SC_SHOW(BOOL, "partial", "The search took long: the next page goes on where it stopped",  \
                "false"),                                                                         \
    };                                                                                            \
    const struct sc_json_shape symbol = { .name = (name_), SC_SHAPE_FIELDS(symbol##_fields) }

/* The part `file` of a form. */
extern const struct sc_json_shape sc_shape_recording;
/* The rows of job options as members of a body or fields of a form. */
bool sc_doc_job_option(size_t index, struct sc_json_field *out);
/* The options of the export format with this name as query parameters. */
bool sc_doc_format_option(const char *format, size_t index, struct sc_query_field *out);

/* Writes the whole document. */
void sc_openapi_write(struct sc_buf *out);
