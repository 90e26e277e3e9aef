#pragma once
/* Following a job to its end: server-sent events with a cursor, polling where they fail, and a
 * server that is lost on the way is connected to, or started, again: the job is durable. */

#include "cli/progress.h"
#include "cli/session.h"

/* A job's last word. */
struct sc_job_end {
    bool completed;
    int64_t transcript_id; /* 0: none */
    struct sc_error error; /* when not completed: why */
    struct sc_buf reply;   /* the job as the API has it */
};
void sc_job_end_done(struct sc_job_end *end);
/* Of a job that completed: was there no word in it? */
bool sc_job_end_is_silent(struct sc_cli *cli, const struct sc_job_end *end);
/* What was lost on the way to a text that is there all the same: a line for each warning. */
void sc_job_end_tell(const struct sc_cli *cli, const char *label, const struct sc_job_end *end);

struct sc_follow {
    const char *job_id;
    const char *label;             /* for the progress line: "[1/3] name" */
    struct sc_progress_line *line; /* may be NULL */
    int64_t deadline_ms;           /* monotonic; 0: none */
};

/* SC_OK when the job has ended in any way. CANCELLED when interrupted, TIMEOUT at the deadline,
 * SERVER_UNREACHABLE when a server that is not ours stays away, JOB_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_follow_job(struct sc_cli *cli, const struct sc_follow *follow,
                                       struct sc_job_end *end, struct sc_error *err);
/* After Ctrl-C: the job goes on, and how to come back to it or end it. `again`: the same command
 * line would find it and give its text. */
void sc_follow_tell_left(const struct sc_cli *cli, const char *label, const char *job_id,
                         bool again);
