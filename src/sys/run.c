#include "sys/run.h"

#include "base/clock.h"
#include "sys/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/banned.h"

#define LOOK_MS 20 /* between two looks at stop */
/* For a program that wants to remove its own files when it is told to end. */
#define GRACE_MS 50
#define PIECE 65536
/* What a pipe can hold when its writers are gone; one that escaped could write for ever. */
#define DRAIN_MAX ((size_t)1 << 20)
#define SWEEPS_MAX 50
/* A killed process that is not gone by then hangs in the kernel: nobody waits for that. */
#define REAP_MS 3000

struct child {
    const struct sc_run *run;
    struct sc_run_result *out;
    pid_t pid;
    int pidfd;
    int fd_out, fd_err; /* -1: closed by the program */
};

static void child_done(struct child *c)
{
    sc_closep(&c->pidfd);
    sc_closep(&c->fd_out);
    sc_closep(&c->fd_err);
}

void sc_run_result_done(struct sc_run_result *r)
{
    sc_buf_done(&r->output);
    sc_buf_done(&r->log);
}

void sc_run_adopt(void)
{
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL);
}

/* ---- its output ---- */

/* Reads what is there; *fd becomes -1 at its end. The number of bytes; 0: none is there. */
static size_t read_piece(int *fd, struct sc_buf *into)
{
    if (*fd < 0)
        return 0;
    char *room = sc_buf_reserve(into, PIECE);
    if (room == NULL)
        return 0;
    ssize_t n = read(*fd, room, PIECE);
    if (n > 0) {
        into->len += (size_t)n;
        return (size_t)n;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        sc_closep(fd);
    return 0;
}

static size_t read_log(struct child *c)
{
    struct sc_buf *log = &c->out->log;
    size_t n = read_piece(&c->fd_err, log);
    if (log->len > c->run->log_max)
        sc_buf_consume(log, log->len - c->run->log_max);
    return n;
}

static bool too_much(const struct child *c)
{
    return c->out->output.failed || c->out->output.len > c->run->output_max;
}

/* What was written before the end. */
static void drain(struct child *c)
{
    for (size_t left = DRAIN_MAX, n = 1; n > 0 && left > 0; left -= SC_MIN(n, left))
        n = read_log(c);
    for (size_t n = 1; n > 0 && !too_much(c);)
        n = read_piece(&c->fd_out, &c->out->output);
}

/* ---- its end ---- */

/* Ended, but not reaped: its number stays its own until then. */
static bool has_ended(const struct child *c)
{
    siginfo_t info = { 0 };
    return waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == c->pid;
}

/* Waits for output, the end, or LOOK_MS. */
static void wait_for_news(const struct child *c, int64_t ms)
{
    struct pollfd polled[3] = {
        { .fd = c->fd_out, .events = POLLIN },
        { .fd = c->fd_err, .events = POLLIN },
        { .fd = c->pidfd, .events = POLLIN },
    };
    (void)poll(polled, SC_ARRAY_LEN(polled), (int)ms);
}

/* Until it ends or must. */
static enum sc_run_end watch(struct child *c)
{
    const struct sc_run *run = c->run;
    int64_t begun = sc_clock_mono_ms();
    while (!has_ended(c)) {
        int64_t left =
            run->timeout_ms <= 0 ? LOOK_MS : begun + run->timeout_ms - sc_clock_mono_ms();
        if (left <= 0)
            return SC_RUN_TIMEOUT;
        if (run->stop != NULL && run->stop(run->ctx))
            return SC_RUN_STOPPED;
        wait_for_news(c, SC_MIN(left, LOOK_MS));
        (void)read_log(c);
        (void)read_piece(&c->fd_out, &c->out->output);
        if (too_much(c))
            return SC_RUN_TOO_MUCH;
    }
    return SC_RUN_EXITED;
}

static void end_it(const struct child *c)
{
    (void)kill(-c->pid, SIGTERM);
    for (int64_t end = sc_clock_mono_ms() + GRACE_MS, left = GRACE_MS; left > 0 && !has_ended(c);
         left = end - sc_clock_mono_ms()) {
        struct pollfd polled = { .fd = c->pidfd, .events = POLLIN };
        (void)poll(&polled, 1, (int)SC_MIN(left, c->pidfd < 0 ? 5 : GRACE_MS));
    }
}

/* The parent of a process, 0: it has gone. */
static pid_t parent_of(const char *pid)
{
    char path[64];
    char text[512];
    if (snprintf(path, sizeof(path), "/proc/%s/stat", pid) >= (int)sizeof(path))
        return 0;
    SC_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* The name may hold anything, also parentheses: the last one ends it. */
    const char *behind = strrchr(text, ')');
    int parent = 0;
    if (behind == NULL || sscanf(behind + 1, " %*c %d", &parent) != 1)
        return 0;
    return parent;
}

/* Kills the children of this process that are of another session; how many there were. */
static int kill_strangers(void)
{
    int found = 0;
    pid_t session = getsid(0);
    DIR *dir = opendir("/proc");
    if (dir == NULL)
        return 0;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
        int64_t pid = 0;
        if (!sc_str_to_int64(sc_str_from(e->d_name), &pid) || parent_of(e->d_name) != getpid() ||
            getsid((pid_t)pid) == session)
            continue;
        found++;
        int status;
        (void)kill((pid_t)pid, SIGKILL);
        (void)sc_process_wait((pid_t)pid, REAP_MS, &status);
    }
    (void)closedir(dir);
    return found;
}

/* Each that dies leaves its children to us: again until there are none. */
void sc_run_sweep(void)
{
    for (int i = 0; i < SWEEPS_MAX && kill_strangers() > 0; i++) {
    }
}

static void finish(struct child *c, enum sc_run_end end)
{
    int status = SIGKILL;
    if (end != SC_RUN_EXITED)
        end_it(c);
    /* Not reaped yet, so that the group is still its own. */
    (void)kill(-c->pid, SIGKILL);
    (void)sc_process_wait(c->pid, REAP_MS, &status);
    if (c->run->sweep)
        sc_run_sweep();
    drain(c);
    if (end == SC_RUN_EXITED && too_much(c))
        end = SC_RUN_TOO_MUCH;
    if (end == SC_RUN_EXITED && !WIFEXITED(status))
        end = SC_RUN_KILLED;
    c->out->end = end;
    c->out->status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

/* ---- its start ---- */

static enum sc_code spawn(struct child *c, int writer_out, int writer_err, struct sc_error *err)
{
    const struct sc_run *run = c->run;
    const struct sc_spawn spec = {
        .program = run->program,
        .argv = run->argv,
        .env = run->env,
        .fds = { { .fd = writer_out, .as = 1 }, { .fd = writer_err, .as = 2 } },
        .fd_count = 2,
        .new_session = true,
        .dir = run->dir,
        .bound = true,
    };
    enum sc_code code = sc_process_spawn(&spec, &c->pid, err);
    if (code == SC_OK)
        c->pidfd = sc_process_open(c->pid);
    return code;
}

enum sc_code sc_run(const struct sc_run *run, struct sc_run_result *out, struct sc_error *err)
{
    SC_AUTO(child_done)
    struct child c = { .run = run, .out = out, .pidfd = -1, .fd_out = -1, .fd_err = -1 };
    SC_AUTO_CLOSE int writer_out = -1;
    SC_AUTO_CLOSE int writer_err = -1;
    int ends[2];
    enum sc_code code = sc_process_pipe(ends, err);
    if (code != SC_OK)
        return code;
    c.fd_out = ends[0];
    writer_out = ends[1];
    code = sc_process_pipe(ends, err);
    if (code != SC_OK)
        return code;
    c.fd_err = ends[0];
    writer_err = ends[1];
    if (fcntl(c.fd_out, F_SETFL, O_NONBLOCK) != 0 || fcntl(c.fd_err, F_SETFL, O_NONBLOCK) != 0)
        return sc_error_errno(err, errno, "cannot make a pipe");
    out->output.limit = run->output_max + 2 * (size_t)PIECE;
    out->log.limit = run->log_max + 2 * (size_t)PIECE;
    code = spawn(&c, writer_out, writer_err, err);
    if (code != SC_OK)
        return code;
    sc_closep(&writer_out);
    sc_closep(&writer_err);
    finish(&c, watch(&c));
    return SC_OK;
}
