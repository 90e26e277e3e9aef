#pragma once
/* Handing work in: a file with the options of the command line, or a job without a file. */

#include "cli/args.h"
#include "cli/progress.h"
#include "cli/session.h"

struct sc_submitted {
    char *job_id;
    bool earlier;         /* the same work was handed in before: this is that job */
    int64_t run_after_ms; /* wall; 0: as soon as it can */
    struct sc_buf reply;  /* the job as the API has it */
};
void sc_submitted_done(struct sc_submitted *s);

struct sc_submission {
    const char *file;              /* "-": standard input; NULL: a job without a file */
    const char *label;             /* for the progress line */
    const char *priority;          /* class when the command line names none; NULL: the server's */
    struct sc_progress_line *line; /* may be NULL */
    bool waiting; /* its end is waited for: work that is scheduled for later comes at once */
    bool dry_run; /* only asks what it would cost: the answer is in `reply` */
};

/* Are the job options of the command line good, and does the pipeline take them? */
SC_MUST_USE enum sc_code sc_submit_check(const struct sc_args *args, struct sc_error *err);
/* Is there something to read? NOT_FOUND, IO_ERROR, INVALID_VALUE for a folder. */
SC_MUST_USE enum sc_code sc_submit_check_file(const char *file, struct sc_error *err);
/* Will the server take jobs with these options? Asked before the first recording is sent, in vain
 * when none of the files of the command line can be read. Its reasons, or why it cannot be asked.
 */
SC_MUST_USE enum sc_code sc_submit_ask(struct sc_cli *cli, const struct sc_args *args,
                                       struct sc_error *err);
/* Hands it in; a server that goes away meanwhile is tried again under the same idempotency key. */
SC_MUST_USE enum sc_code sc_submit(struct sc_cli *cli, const struct sc_args *args,
                                   const struct sc_submission *what, struct sc_submitted *out,
                                   struct sc_error *err);
/* Says when a job will start that is scheduled for later. */
void sc_submit_say_when(const struct sc_cli *cli, const struct sc_submitted *job);
/* Says once, on standard error, when the job's engine sends recordings to another host, and why the
 * engine that was chosen for it is not a better one. */
void sc_submit_say_engine(struct sc_cli *cli, const struct sc_submitted *job);
/* Of the classes of pending jobs (a bit for each reply's "priority", sc_submit_class): those that
 * are paused are told, since nothing else says why nothing happens. */
void sc_submit_tell_paused(struct sc_cli *cli, unsigned classes);
unsigned sc_submit_class(const struct sc_submitted *job);
/* Puts the file in front of a message that does not name it. */
void sc_submit_about(const char *file, struct sc_error *err);
/* The name that a file gets at the server: without folders; "stdin" for "-". Borrowed. */
const char *sc_submit_name(const char *file);
