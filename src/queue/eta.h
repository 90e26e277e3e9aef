#pragma once
/* When jobs will be done that are not far enough to tell it themselves. */

#include "queue/queue.h"

/* sc_job_eta_ms of a pending job. */
int64_t sc_job_wait_eta_ms(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job);
/* Of one that has run for so long without a chunk to be told of. */
int64_t sc_job_start_eta_ms(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job,
                            int64_t elapsed_ms);
