#pragma once
/* Runs scripta-media, named by SCRIPTA_MEDIA, and collects what it says. */

#include "base/buf.h"
#include "sys/process.h"

#include "testing.h"

#include <fcntl.h>
#include <sys/wait.h>

struct run {
    pid_t pid;
    int out; /* read end of its standard output */
    int status;
    struct sc_buf text;
};

static inline void run_done(struct run *r)
{
    if (r->out >= 0)
        (void)close(r->out);
    sc_buf_done(&r->text);
}

/* input: descriptor that becomes 3, or -1. argv[0] included. */
static inline struct run run_start(const char *const *argv, int input)
{
    struct run r = { .pid = -1, .out = -1, .status = -1 };
    struct sc_error err = { 0 };
    int ends[2];
    assert_int_equal(sc_process_pipe(ends, &err), SC_OK);
    struct sc_spawn spec = {
        .program = "scripta-media",
        .argv = argv,
        .fds = { { ends[1], 1 }, { input, 3 } },
        .fd_count = input < 0 ? 1 : 2,
    };
    assert_int_equal(sc_process_spawn(&spec, &r.pid, &err), SC_OK);
    (void)close(ends[1]);
    r.out = ends[0];
    return r;
}

static inline void run_finish(struct run *r)
{
    char piece[65536];
    ssize_t n;
    while ((n = read(r->out, piece, sizeof(piece))) > 0)
        sc_buf_append(&r->text, piece, (size_t)n);
    assert_true(sc_process_wait(r->pid, -1, &r->status));
}
