#pragma once
/* Figures about jobs and files, from tables that are kept in the transaction that changes what they
 * count. Nothing here scans jobs or files. Days are UTC, of a job's creation. */

#include "queue/queue.h"

enum sc_dimension {
    SC_BY_NOTHING,
    SC_BY_STATUS,
    SC_BY_PIPELINE,
    SC_BY_ENGINE,
    SC_BY_MODEL,
    SC_BY_LANGUAGE, /* detected, else given */
    SC_BY_DAY,      /* "2026-11-20" */
    SC_BY_WEEK,     /* its Monday */
    SC_BY_MONTH,    /* "2026-11" */
    SC_DIMENSION_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_dimension);

struct sc_report_query {
    int64_t owner_id;
    enum sc_dimension by[2];    /* two different ones, or SC_BY_NOTHING */
    int64_t since_ms, until_ms; /* whole days that hold these moments; 0: open */
    int limit;                  /* rows at most */
};
struct sc_report_row {
    const char *by[2]; /* of the dimensions asked for; borrowed for the call; "": none */
    int64_t jobs, duration_ms;
    int64_t completed, processing_ms; /* completed jobs, and what they took */
    int64_t paced_audio_ms, paced_ms; /* of those of known length: the ratio is the speed */
};
typedef enum sc_code (*sc_report_fn)(void *ctx, const struct sc_report_row *row,
                                     struct sc_error *err);
/* In the order of the dimensions. */
SC_MUST_USE enum sc_code sc_report_jobs(struct sc_conn *conn, const struct sc_report_query *query,
                                        sc_report_fn fn, void *ctx, struct sc_error *err);

struct sc_report_files {
    int64_t files, bytes;
    int64_t timed, duration_ms; /* files of known length */
    int64_t arrivals;           /* of known bytes too */
    int64_t repeated;           /* files that arrived more than once */
    int64_t saved_bytes;        /* what their later arrivals would have taken */
};
SC_MUST_USE enum sc_code sc_report_files(struct sc_conn *conn, int64_t owner_id,
                                         struct sc_report_files *out, struct sc_error *err);

/* What ended, of everybody. */
struct sc_throughput {
    int64_t completed, failed, audio_ms;
};
/* In the last whole minute, and in the last 60 minutes with the one that runs. */
SC_MUST_USE enum sc_code sc_report_throughput(struct sc_conn *conn, struct sc_throughput *minute,
                                              struct sc_throughput *hour, struct sc_error *err);
