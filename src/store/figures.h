#pragma once
/* The figures of jobs, which are added up before each COMMIT (figures.c). */

#include "store/store.h"

/* A job's state as job_stats counts it. Whoever changes the state of a job, or its processing_ms,
 * takes it off as it was and adds it as it is; the rest triggers see. Written before the COMMIT,
 * dropped when the write is rolled back. */
struct sc_job_figure {
    int64_t owner_id, created_ms;
    int class, state; /* sc_class, sc_job_state */
    char pipeline[24], engine[24], model[120];
    char language[24];                  /* the detected one, if any */
    int64_t duration_ms, processing_ms; /* 0: not known */
};
/* Days of job_stats that are none: all together, and the n-th period since 1970 of so many days. */
#define SC_ALL_DAYS INT64_C(-1)
#define SC_PERIOD_DAYS 28
#define SC_PERIOD(n) (INT64_C(-2) - (n))
/* sign: 1 adds it, -1 takes it off. */
void sc_conn_count_job(struct sc_conn *tx, const struct sc_job_figure *job, int sign);
/* A job was completed, or failed, at that time of the wall clock. */
void sc_conn_count_end(struct sc_conn *tx, bool completed, int64_t now_ms, int64_t audio_ms);
/* The rows of counters that this adds to: totals since the store was made. */
#define SC_COUNTER_COMPLETED "jobs.completed"
#define SC_COUNTER_FAILED "jobs.failed"
