#pragma once
/* A version of a transcript with its segments, as the handlers of transcripts and exports read it.
 */

#include "api/api-internal.h"
#include "transcript/writer.h"

struct sc_content {
    struct sc_transcript t; /* its marks are those below */
    struct sc_marks marks;
    int version; /* 0: what a partial one has */
    struct sc_segments segments;
    char content_hash[SC_SHA256_TEXT]; /* of the version, by sc_content_load; "": it has none */
};
#define SC_AUTO_CONTENT SC_AUTO(sc_content_done) struct sc_content

void sc_content_done(struct sc_content *c);
/* The transcript of the path, in `version` (0: the current one). TRANSCRIPT_NOT_FOUND,
 * VERSION_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_content_load(struct sc_request *req, struct sc_api *api,
                                         int64_t version, struct sc_content *out,
                                         struct sc_error *err);
/* The same without its segments, through a reader of the caller's. */
SC_MUST_USE enum sc_code sc_content_open(struct sc_request *req, struct sc_conn *conn,
                                         int64_t version, struct sc_content *out,
                                         struct sc_error *err);
/* A page of transcripts; filter->limit is that of the page. */
SC_MUST_USE enum sc_code sc_transcript_page(struct sc_conn *conn,
                                            struct sc_transcript_filter *filter,
                                            struct sc_buf *body, struct sc_error *err);
/* The {v} of the path: VERSION_NOT_FOUND when it is no number, since no version has such a name. */
SC_MUST_USE enum sc_code sc_path_version(struct sc_request *req, int64_t *out,
                                         struct sc_error *err);
/* The transcript of the path alone. */
SC_MUST_USE enum sc_code sc_content_find(struct sc_request *req, struct sc_conn *conn,
                                         struct sc_transcript *out, struct sc_error *err);
