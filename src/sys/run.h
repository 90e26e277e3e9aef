#pragma once
/* Runs another program to its end: what it writes is bounded, so is its time, and nothing that it
 * started outlives it. */

#include "base/buf.h"
#include "base/error.h"

struct sc_run {
    const char *program;     /* absolute path */
    const char *const *argv; /* ends in NULL; argv[0] included */
    const char *const *env;  /* the whole environment; ends in NULL */
    const char *dir;         /* where it starts */
    int64_t timeout_ms;      /* <= 0: none */
    size_t output_max;       /* bytes of standard output; more of them end the program */
    size_t log_max;          /* of standard error; the last ones are kept */
    bool sweep;              /* sc_run_sweep at its end; for processes that run one at a time */
    bool (*stop)(void *ctx); /* true: end it now */
    void *ctx;               /* the caller's */
};

enum sc_run_end {
    SC_RUN_EXITED,   /* status: its exit status */
    SC_RUN_KILLED,   /* status: the signal that it died of */
    SC_RUN_TIMEOUT,  /* these three: ended by us */
    SC_RUN_TOO_MUCH, /* output_max was passed */
    SC_RUN_STOPPED,
};

struct sc_run_result {
    enum sc_run_end end;
    int status;
    struct sc_buf output; /* standard output */
    struct sc_buf log;    /* the end of standard error */
};
void sc_run_result_done(struct sc_run_result *r);

/* The program gets a session of its own, /dev/null as standard input and no other descriptor. When
 * it has ended, or must, its whole process group is killed; what it had written by then counts,
 * nobody waits for more. It dies with the thread that called this. SC_OK whenever it was started,
 * else the reason as sc_process_spawn has it. *out is the caller's; it must be empty. */
SC_MUST_USE enum sc_code sc_run(const struct sc_run *run, struct sc_run_result *out,
                                struct sc_error *err);
/* From now on the orphans of our children, and of theirs, become children of this process. */
void sc_run_adopt(void);
/* Kills the children of this process that belong to another session, and what they leave behind:
 * programs that sc_run started, here or in a process that has died, and what left their session. */
void sc_run_sweep(void);
