#pragma once
/* How far workers are with the chunks that they hold. For the files of the queue; from any thread.
 */

#include <stdint.h>

struct sc_queue;

#define SC_UNDER_WAY 256 /* tasks whose progress is known */
struct sc_under_way {
    int64_t task, job; /* task 0: an empty place */
    int64_t at_ms;     /* monotonic */
    int percent;
};

void sc_queue_note_under_way(struct sc_queue *queue, const struct sc_under_way *what);
void sc_queue_forget_under_way(struct sc_queue *queue, int64_t task);
/* The sum of what is known of the job's chunks, in hundredths of a chunk. */
int sc_queue_under_way(struct sc_queue *queue, int64_t job);
