#pragma once
/* The description of the API, put together: openapi.c writes the document, the others its parts. */

#include "api/api-internal.h"

#define SC_DOC_REFS "#/components/schemas/"

/* A row of routes.def. */
struct sc_doc_row {
    const char *method, *pattern, *name, *summary;
    unsigned scope, flags;
    bool takes_body;
    const struct sc_route_doc *doc;
};

/* What follows from the method, beside enum sc_doc_flag. */
enum sc_doc_method {
    SC_DOC_READS = 1u << 30,
    SC_DOC_CHANGES = 1u << 31,
};
/* Both kinds of flags. */
unsigned sc_doc_flags(const struct sc_doc_row *row);

/* A header of requests or answers. */
struct sc_doc_header {
    const char *name, *help;
    unsigned flag; /* sc_doc_flag; 0: of every answer */
};

/* ---- openapi-asks.c: what goes in ---- */

void sc_doc_parameters(struct sc_json *w, const struct sc_doc_row *row);
void sc_doc_body(struct sc_json *w, const struct sc_route_doc *doc);

/* ---- openapi-answers.c: what comes out ---- */

extern const struct sc_json_shape sc_shape_error;
void sc_doc_answers(struct sc_json *w, const struct sc_doc_row *row);
/* Headers and responses that more than one route has, as members of the components. */
void sc_doc_shared_answers(struct sc_json *w);
