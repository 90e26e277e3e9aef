#pragma once
/* Verification: are the bytes of files there, and still those of their hash? Runs go one after
 * another on a thread of their own, which leaves CPU, disk and page cache to the others. What they
 * find stands in the files' rows; a run itself is forgotten with the server. Part of
 * pipeline/pipeline.h. */

#include "base/enum.h"
#include "library/files.h"

struct sc_pipelines;

enum sc_verify_state {
    SC_VERIFY_WAITING,
    SC_VERIFY_RUNNING,
    SC_VERIFY_COMPLETED,
    SC_VERIFY_CANCELLED,
    SC_VERIFY_FAILED, /* the store could not be read or written */
    SC_VERIFY_STATE_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_verify_state);

#define SC_VERIFY_IDS 500      /* files that a run may name */
#define SC_VERIFY_PROBLEMS 200 /* that a run tells one by one; the rows hold all */

struct sc_verify_problem {
    int64_t file_id;
    char name[512];
    const char *damage; /* static: missing, altered, checksum, unreadable */
    char why[160];
};
struct sc_verification {
    int64_t id, owner_id;
    enum sc_verify_state state;
    int64_t files_total, files_done, bytes_total, bytes_done;
    int64_t missing, altered, checksums, unreadable, purged;
    int64_t started_ms, ended_ms;       /* 0: not yet */
    struct sc_verify_problem *problems; /* owned by whoever has the value: sc_verification_done */
    size_t problem_count;
};
void sc_verification_done(struct sc_verification *v);

/* Queues a run over these files, or over all of the owner's (count 0). FILE_NOT_FOUND names the
 * first that is not the owner's; CONFLICT when too many runs wait. */
SC_MUST_USE enum sc_code sc_verify_start(struct sc_pipelines *p, int64_t owner_id,
                                         const int64_t *ids, size_t count, int64_t *run,
                                         struct sc_error *err);
/* How far it is; waits until it has ended, at most wait_ms. NOT_FOUND also for another owner's. */
SC_MUST_USE enum sc_code sc_verify_look(struct sc_pipelines *p, int64_t owner_id, int64_t run,
                                        int64_t wait_ms, struct sc_verification *out,
                                        struct sc_error *err);
SC_MUST_USE enum sc_code sc_verify_cancel(struct sc_pipelines *p, int64_t owner_id, int64_t run,
                                          struct sc_error *err);
/* Wakes whoever waits, ends what runs. */
void sc_verify_stop(struct sc_pipelines *p);
