#pragma once
/* Child processes by posix_spawn (the parent has threads: never fork without exec). */

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sc_spawn {
    const char *program;     /* absolute path, or a name beside our own executable */
    const char *const *argv; /* ends in NULL; argv[0] included */
    const char *const *env;  /* NULL: our environment */
    struct {
        int fd; /* ours, kept open here */
        int as; /* number in the child, below 64 */
    } fds[8];
    int fd_count;     /* 0, 1, 2 not listed are /dev/null (2: ours) */
    bool new_session; /* setsid */
    const char *dir;  /* where it starts; NULL: where we are */
    bool bound;       /* SIGKILL to it when the thread that starts it ends, however that comes */
};

/* Status of a child that exec, or the dynamic linker, could not start; as shells have it. */
#define SC_EXIT_NOT_STARTED 127

/* All other descriptors are closed in the child; signals are set to default and unblocked. */
SC_MUST_USE enum sc_code sc_process_spawn(const struct sc_spawn *spec, pid_t *pid,
                                          struct sc_error *err);
/* Waits up to timeout_ms (negative: for ever); false while it runs. *status as waitpid has it, -1
 * when pid is no child of ours (any more). */
bool sc_process_wait(pid_t pid, int64_t timeout_ms, int *status);
/* Runs scripta-media with these arguments to its end and takes what it writes to standard output,
 * 1 MiB at most. It finds `input` (borrowed; -1: none) as its descriptor 3. TIMEOUT, and it is
 * killed, after timeout_ms; *status as sc_process_wait has it. */
SC_MUST_USE enum sc_code sc_process_ask(const char *const *argv, int input, int64_t timeout_ms,
                                        struct sc_buf *out, int *status, struct sc_error *err);
/* A recording of a tenth of a second of silence, for trying a decoder. */
void sc_silence_wav(struct sc_buf *out);
/* How many threads this process has; -1 where /proc does not say. */
int sc_process_threads(void);
/* A pidfd that polls readable when the process has ended; -1: none. */
int sc_process_open(pid_t pid);
/* Path of a program beside our own executable (e.g. "scripta-media"); SCRIPTA_MEDIA overrides it
 * for that name. Owned by the caller. */
char *sc_process_sibling(const char *name);
/* A descriptor from which these bytes can be read once, close-on-exec; for a child that is given
 * it. No other user can read it, and nothing lies on a disk. */
SC_MUST_USE enum sc_code sc_process_bytes(const void *bytes, size_t len, int *out,
                                          struct sc_error *err);
/* Pipe with close-on-exec on both ends. */
SC_MUST_USE enum sc_code sc_process_pipe(int out[2], struct sc_error *err);
