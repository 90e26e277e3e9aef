#pragma once
/* What workers have said of chunks that they still hear: provisional, in memory alone. It is gone
 * when the task leaves its worker in whatever way, and nothing is lost with it: what counts is the
 * result that is handed in. Part of queue/queue.h. */

#include "queue/task.h"
#include "transcript/segment.h"

struct sc_saying {
    int64_t first;                /* how many segments of the chunk the worker told of before */
    size_t given;                 /* how many it tells of now, with those that were left out … */
    struct sc_segments *segments; /* … of these, which are in times of the recording; taken */
};
/* LEASE_LOST unless the fence matches. Listeners are told after the commit, by an event that is not
 * in the log; of what was told before nothing happens. */
SC_MUST_USE enum sc_code sc_task_say(struct sc_queue *queue, struct sc_conn *tx,
                                     const struct sc_fence *fence, struct sc_saying *what,
                                     struct sc_error *err);
/* The number (sc_event.said) of the newest that was told: what is said later has a higher one. Any
 * thread. */
int64_t sc_said_newest(struct sc_queue *queue);
/* The first that is known of a job behind event->said, into an event and an empty list. False:
 * there is none, or no memory. Any thread. */
bool sc_said_next(struct sc_queue *queue, int64_t job, struct sc_event *event,
                  struct sc_segments *out);
