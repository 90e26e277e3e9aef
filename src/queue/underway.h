#pragma once
/* How far workers are with the chunks that they hold, and what was said in them so far. For the
 * files of the queue; from any thread. */

#include <stddef.h>
#include <stdint.h>

struct sc_job_brief;
struct sc_queue;

#define SC_UNDER_WAY 256 /* tasks whose progress is known */
struct sc_under_way {
    int64_t task, job; /* task 0: an empty place */
    int64_t at_ms;     /* monotonic */
    int percent;
    int counted; /* it is done, and the job's chunks_completed counts it from this number on; 0: no
                  */
};

void sc_queue_note_under_way(struct sc_queue *queue, const struct sc_under_way *what);
/* With what was said of it (said.c), as the next one does. */
void sc_queue_forget_under_way(struct sc_queue *queue, int64_t task);
/* It is done, in a transaction that makes the job's chunks_completed `counted`. */
void sc_queue_count_under_way(struct sc_queue *queue, int64_t task, int counted);
/* The sum of what is known of the chunks of a job, in hundredths of a chunk, beside those that its
 * row counts: `completed` of them when it was read. */
int sc_queue_under_way(struct sc_queue *queue, int64_t job, int completed);
/* In percent, with what is under way (jobs.c). */
int sc_job_brief_progress_now(struct sc_queue *queue, const struct sc_job_brief *job);

/* ---- said.c ---- */

struct sc_said_list {
    struct sc_said *first; /* owned, oldest first */
    int64_t last;          /* sc_event.said of the newest */
    size_t bytes;
};
void sc_said_forget_locked(struct sc_queue *queue, int64_t task);
/* 0: of all jobs. */
void sc_said_forget_job(struct sc_queue *queue, int64_t job);
