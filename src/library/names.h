#pragma once
/* The index of names and notes: of files, jobs and transcripts. Whoever changes one writes it here
 * in the same transaction; what is deleted is forgotten when it is marked. */

#include "library/search.h"

/* The number of a row is 16 times its thing's id and this. */
enum sc_name_kind {
    SC_NAME_FILE,
    SC_NAME_FILE_NOTES,
    SC_NAME_JOB_NOTES,
    SC_NAME_TRANSCRIPT_NOTES,
    SC_NAME_KIND_COUNT_
};

/* Indexes it as it is now, or forgets it: it is empty, gone, or nobody's any more. */
SC_MUST_USE enum sc_code sc_name_index(struct sc_conn *tx, enum sc_name_kind kind, int64_t id,
                                       struct sc_error *err);

SC_MUST_USE enum sc_code sc_name_forget(struct sc_conn *tx, enum sc_name_kind kind, int64_t id,
                                        struct sc_error *err);

struct sc_name_hit {
    enum sc_name_kind kind;
    int64_t id;                      /* of the file or transcript; of a job its row */
    int64_t file_id;                 /* 0: a job without one */
    char job_id[SC_UUID_TEXT];       /* of notes of a job; else "" */
    const char *file_name;           /* "": none */
    const struct sc_search_hit *hit; /* snippet and marks; no times */
};
/* Everything is borrowed until it returns. */
typedef void (*sc_name_fn)(void *ctx, const struct sc_name_hit *hit);
/* Of `search` owner_id, match, filter, limit, context, deadline_ms and after.top count; the newest
 * first. A file or job fits what is asked of jobs and transcripts when one of its own fits all of
 * that; nobody speaks in names, so filter.speaker is not looked at. *end is as that of
 * sc_search_run, with things in place of transcripts. */
SC_MUST_USE enum sc_code sc_name_search(struct sc_conn *conn, const struct sc_search *search,
                                        sc_name_fn fn, void *ctx, struct sc_search_end *end,
                                        struct sc_error *err);
