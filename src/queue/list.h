#pragma once
/* Lists of jobs: any mix of filters, in six orders. Part of queue/queue.h. */

#include "queue/job.h"

/* How far a job is with a stage: states of older systems are those of one stage. */
enum sc_stage_part {
    SC_PART_ANY,
    SC_PART_PENDING,    /* what comes before it is done */
    SC_PART_PROCESSING, /* begun */
    SC_PART_COMPLETED,  /* done, and nothing of the next one has */
};
struct sc_status_filter {
    int state; /* sc_job_state, -1: all */
    int stage; /* sc_stage that `part` is about; -1: none */
    enum sc_stage_part part;
};

enum sc_job_sort {
    SC_JOB_NEWEST,
    SC_JOB_OLDEST,
    SC_JOB_ENDED_LAST, /* ended jobs only, the one that ended last first */
    SC_JOB_ENDED_FIRST,
    SC_JOB_LONGEST, /* jobs of recordings of known length only */
    SC_JOB_SHORTEST,
    SC_JOB_SORT_COUNT_
};
/* A row's place in a sorted list: a page goes on behind it. id 0: from the start. */
struct sc_job_place {
    int64_t value; /* what the list is sorted by */
    int64_t id;
};

struct sc_job_filter {
    int64_t owner_id; /* required */
    struct sc_status_filter status;
    int stage;           /* the one that runs or ran last; -1: all */
    int class;           /* -1: all */
    int64_t file_id;     /* 0: all */
    int64_t campaign_id; /* 0: all */
    /* ptr NULL: all. Compared as they are; a language is the given or the detected one, a name that
     * of the job or of its file. */
    struct sc_str pipeline, engine, model, language, name, error_code, tag;
    struct sc_str search;                 /* in the names; letter case of ASCII counts nothing */
    int64_t created_since, created_until; /* ms, inclusive and exclusive; 0: open */
    int64_t updated_since, updated_until;
    enum sc_job_sort sort;
    struct sc_job_place after;
    int limit;
    /* Asked before each further row; true stops the walk. NULL: never. */
    bool (*spent)(void *ctx);
    void *spent_ctx;
};
struct sc_job_page_end {
    bool more;                /* there is, or may be, another page */
    bool partial;             /* `spent` stopped the walk before the page was full */
    struct sc_job_place next; /* where it goes on */
};
typedef enum sc_code (*sc_job_fn)(void *ctx, const struct sc_job *job, struct sc_error *err);
/* At most `limit` jobs to fn. The index of the tag, the file or the state is walked, or the owner's
 * all; each row is tried against the rest of the filter. */
SC_MUST_USE enum sc_code sc_job_list(struct sc_conn *conn, const struct sc_job_filter *filter,
                                     sc_job_fn fn, void *ctx, struct sc_job_page_end *end,
                                     struct sc_error *err);
/* A filter that lets everything of the owner through. */
struct sc_job_filter sc_job_filter_all(int64_t owner_id, int limit);
