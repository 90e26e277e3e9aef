#pragma once
/* Chunks for workers: claimed, fetched, handed in. Part of pipeline/pipeline.h. */

#include "base/buf.h"
#include "pipeline/stretches.h"
#include "queue/queue.h"
#include "transcript/segment.h"

struct sc_pipelines;

struct sc_chunk_work { /* a claimed task with what an engine needs */
    struct sc_task task;
    struct sc_job_order order;          /* owned */
    int64_t start_samples, end_samples; /* 0, 0 for tasks without a chunk */
    int64_t samples;                    /* of its sound; fewer where pauses were shortened */
    int64_t until_samples; /* of a chain: the next chunk takes over there; 0: it is in none */
    char *carry;           /* owned; what the chunk before hands on; NULL: nothing */
};
void sc_chunk_work_done(struct sc_chunk_work *w);
struct sc_claimed {
    struct sc_claim claim;      /* lanes borrowed */
    struct sc_chunk_work *work; /* owned, room for claim.max; each is some kilobytes */
    size_t count;
    int64_t as_of_ms; /* the queue's clock; what this worker claims later is no older */
};
void sc_claimed_done(struct sc_claimed *c);
/* Claims what the claim says (sc_task_claim); `claimed` holds nothing yet, and nothing on failure.
 */
SC_MUST_USE enum sc_code sc_chunk_claim(struct sc_pipelines *p, struct sc_claimed *claimed,
                                        struct sc_error *err);
/* The chunk's PCM file, opened; LEASE_LOST when the fence does not match. Sound that has gone, or
 * is not what was cut, is cut out of the recording again, which may take a while. */
SC_MUST_USE enum sc_code sc_chunk_input(struct sc_pipelines *p, const struct sc_fence *fence,
                                        int *fd, int64_t *size, struct sc_error *err);
/* Bytes of what an engine said about a chunk at most, and of what it hands on to the next. */
#define SC_CHUNK_LOG_MAX 16384
#define SC_CHUNK_CARRY_MAX 16384
struct sc_chunk_result {
    struct sc_fence fence;
    struct sc_segments segments; /* times from the start of the chunk; shifted in place */
    char language[24];
    int64_t processing_ms;
    int64_t load_ms;     /* of the model; 0: the worker had it */
    struct sc_buf log;   /* what the engine said, lines for the job's log */
    struct sc_buf carry; /* of a chain: what it hands on to the next chunk */
};
/* One transaction: the task is done, the segments are stored and indexed, the job's counts and,
 * after the last chunk, its merge task; and what the worker claims next (NULL: nothing), also when
 * the result was accepted before, *repeated. LEASE_LOST: nothing is claimed. */
SC_MUST_USE enum sc_code sc_chunk_complete(struct sc_pipelines *p, struct sc_chunk_result *result,
                                           struct sc_claimed *next, bool *repeated,
                                           struct sc_error *err);

/* What the worker has said of the chunk so far, which it goes on with (sc_task_say). Times count
 * from the start of the chunk; the list is used up. INVALID_VALUE. */
SC_MUST_USE enum sc_code sc_chunk_say(struct sc_pipelines *p, const struct sc_fence *fence,
                                      struct sc_saying *what, struct sc_error *err);

/* The worker reports why it failed (sc_task_fail); what the engine said goes to the job's log. */
SC_MUST_USE enum sc_code sc_chunk_fail(struct sc_pipelines *p, const struct sc_fence *fence,
                                       const struct sc_error *why, struct sc_str log,
                                       struct sc_error *err);

struct sc_chunk {
    int chunk;
    int channel; /* counted from 0, as chunks.channel; -1: all mixed */
    int64_t start_ms, end_ms;
    struct sc_stretches stretches;
    char status[12]; /* task's state */
    int attempts;
    enum sc_code error_code;
    char error_message[240];
    int64_t processed_ms;
    const char *language; /* heard in it, or told; "": neither; borrowed during the call */
    struct sc_str text;   /* borrowed during the call; ptr NULL: none yet */
};
typedef enum sc_code (*sc_chunk_fn)(void *ctx, const struct sc_chunk *chunk, struct sc_error *err);
SC_MUST_USE enum sc_code sc_chunk_list(struct sc_conn *conn, int64_t job, sc_chunk_fn fn, void *ctx,
                                       struct sc_error *err);
