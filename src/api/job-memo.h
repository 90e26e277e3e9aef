#pragma once
/* The bodies of answers about single jobs, kept until the store has changed: who waits for a job
 * asks again and again. Only what follows from the store alone may be kept, so nothing of a job
 * that is being worked on, whose progress its workers tell. */

#include "base/buf.h"
#include "base/id.h"

struct sc_job_memo;

struct sc_job_memo *sc_job_memo_new(void);
void sc_job_memo_free(struct sc_job_memo *memo);
SC_DEFINE_FREEP(struct sc_job_memo, sc_job_memo_free);

/* What was read of the store, and when. */
struct sc_job_memo_key {
    const char *job_id; /* a UUID as text */
    int64_t owner_id;
    uint64_t version; /* sc_store_version, taken before the store was read */
};
/* Appends the body to out; false: it is not there. From any thread. */
bool sc_job_memo_find(struct sc_job_memo *memo, const struct sc_job_memo_key *key,
                      struct sc_buf *out);
/* Copies a body of moderate length in the place of another. From any thread. */
void sc_job_memo_keep(struct sc_job_memo *memo, const struct sc_job_memo_key *key,
                      struct sc_str body);
