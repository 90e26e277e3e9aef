#include "sys/process.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

/* Sources are first moved here, out of the way of every target, so that {3→4, 4→3} works. */
#define FD_PARK 64

struct file_actions {
    posix_spawn_file_actions_t actions;
    int parked[SC_ARRAY_LEN(((struct sc_spawn *)0)->fds)];
    int count;
    bool made;
};

static void file_actions_done(struct file_actions *a)
{
    for (int i = 0; i < a->count; i++)
        (void)close(a->parked[i]);
    if (a->made)
        (void)posix_spawn_file_actions_destroy(&a->actions);
}

static bool is_target(const struct sc_spawn *spec, int fd)
{
    for (int i = 0; i < spec->fd_count; i++) {
        if (spec->fds[i].as == fd)
            return true;
    }
    return false;
}

/* What the child does with its descriptors before exec; an errno. */
static int file_actions_init(struct file_actions *a, const struct sc_spawn *spec)
{
    int last = 2;
    int rc = posix_spawn_file_actions_init(&a->actions);
    if (rc != 0)
        return rc;
    a->made = true;
    for (int i = 0; i < spec->fd_count; i++) {
        int as = spec->fds[i].as;
        sc_assert(as >= 0 && as < FD_PARK);
        int parked = fcntl(spec->fds[i].fd, F_DUPFD_CLOEXEC, FD_PARK);
        if (parked < 0)
            return errno;
        a->parked[a->count++] = parked;
        last = SC_MAX(last, as);
        rc = posix_spawn_file_actions_adddup2(&a->actions, parked, as);
        if (rc != 0)
            return rc;
    }
    for (int fd = 0; fd <= last && rc == 0; fd++) {
        if (is_target(spec, fd) || fd == 2)
            continue;
        rc = fd < 2 ? posix_spawn_file_actions_addopen(&a->actions, fd, "/dev/null", O_RDWR, 0)
                    : posix_spawn_file_actions_addclose(&a->actions, fd);
    }
    if (rc == 0 && spec->dir != NULL)
        rc = posix_spawn_file_actions_addchdir_np(&a->actions, spec->dir);
    return rc != 0 ? rc : posix_spawn_file_actions_addclosefrom_np(&a->actions, last + 1);
}

static int attributes_set(posix_spawnattr_t *attr, bool new_session)
{
    sigset_t all;
    sigset_t none;
    int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    if (new_session)
        flags |= POSIX_SPAWN_SETSID;
    int rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attr, &none);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attr, (short)flags);
    return rc;
}

static int spawn(const struct sc_spawn *spec, const char *path, pid_t *pid)
{
    SC_AUTO(file_actions_done) struct file_actions files = { 0 };
    posix_spawnattr_t attr;
    int rc = file_actions_init(&files, spec);
    if (rc == 0)
        rc = posix_spawnattr_init(&attr);
    if (rc != 0)
        return rc;
    rc = attributes_set(&attr, spec->new_session);
    if (rc == 0) {
        /* posix_spawn takes pointers to non-const strings and does not write through them. */
        char *const *argv = (char *const *)(uintptr_t)spec->argv;
        char *const *env = spec->env == NULL ? environ : (char *const *)(uintptr_t)spec->env;
        rc = posix_spawn(pid, path, &files.actions, &attr, argv, env);
    }
    (void)posix_spawnattr_destroy(&attr);
    return rc;
}

/* ---- bound children ----
 *
 * posix_spawn cannot ask for a signal at the parent's death, so this does what it does inside: a
 * child that shares our memory, on a stack of its own, while this thread waits until it has
 * executed the program or failed. Only system calls are made there. */

#define CHILD_STACK ((size_t)64 << 10)

struct bound {
    const struct sc_spawn *spec;
    const char *path;
    char *const *argv, *const *env;
    const int *parked; /* one for each of spec->fds */
    int null;          /* /dev/null */
    pid_t parent;
    int error;
};

static bool move_descriptors(const struct bound *b)
{
    int last = 2;
    for (int fd = 0; fd < 2; fd++) {
        if (!is_target(b->spec, fd) && dup2(b->null, fd) < 0)
            return false;
    }
    for (int i = 0; i < b->spec->fd_count; i++) {
        last = SC_MAX(last, b->spec->fds[i].as);
        if (dup2(b->parked[i], b->spec->fds[i].as) < 0)
            return false;
    }
    for (int fd = 3; fd <= last; fd++) {
        if (!is_target(b->spec, fd))
            (void)close(fd);
    }
    return close_range((unsigned)last + 1, ~0u, 0) == 0;
}

static int bound_main(void *ctx)
{
    struct bound *b = ctx;
    const struct sigaction plain = { .sa_handler = SIG_DFL };
    sigset_t none;
    (void)sigemptyset(&none);
    for (int number = 1; number < _NSIG; number++)
        (void)sigaction(number, &plain, NULL);
    if ((!b->spec->new_session || setsid() >= 0) &&
        prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0UL, 0UL, 0UL) == 0 &&
        getppid() == b->parent && move_descriptors(b) &&
        (b->spec->dir == NULL || chdir(b->spec->dir) == 0) &&
        sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        (void)execve(b->path, b->argv, b->env);
    b->error = errno == 0 ? ECANCELED : errno;
    _exit(SC_EXIT_NOT_STARTED);
}

static int clone_bound(struct bound *b, pid_t *pid)
{
    sigset_t all;
    sigset_t before;
    char *stack = mmap(NULL, CHILD_STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (stack == MAP_FAILED)
        return errno;
    /* No handler of ours may run in the child, whose memory is this one. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = clone(bound_main, stack + CHILD_STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, b);
    int rc = child < 0 ? errno : b->error;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)munmap(stack, CHILD_STACK);
    if (child >= 0 && rc != 0)
        (void)waitpid(child, NULL, 0);
    *pid = child;
    return rc;
}

static int spawn_bound(const struct sc_spawn *spec, const char *path, pid_t *pid)
{
    SC_AUTO(file_actions_done) struct file_actions files = { 0 };
    SC_AUTO_CLOSE int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int rc = null < 0 ? errno : file_actions_init(&files, spec); /* for its parked descriptors */
    if (rc != 0)
        return rc;
    struct bound b = {
        .spec = spec,
        .path = path,
        .argv = (char *const *)(uintptr_t)spec->argv,
        .env = spec->env == NULL ? environ : (char *const *)(uintptr_t)spec->env,
        .parked = files.parked,
        .null = null,
        .parent = getpid(),
    };
    return clone_bound(&b, pid);
}

enum sc_code sc_process_spawn(const struct sc_spawn *spec, pid_t *pid, struct sc_error *err)
{
    SC_AUTO_FREE char *path = strchr(spec->program, '/') == NULL ? sc_process_sibling(spec->program)
                                                                 : sc_strdup(spec->program);
    pid_t child = -1;
    int rc = spec->bound ? spawn_bound(spec, path, &child) : spawn(spec, path, &child);
    if (rc == ENOENT)
        return sc_error_set(err, SC_E_CONFIG_ERROR, "cannot start '%s': it is not there", path);
    if (rc != 0)
        return sc_error_errno(err, rc, "cannot start '%s'", path);
    *pid = child;
    return SC_OK;
}

/* waitpid without waiting; false while the process runs. */
static bool reap(pid_t pid, int flags, int *status)
{
    int got = 0;
    pid_t rc;
    do {
        rc = waitpid(pid, &got, flags);
    } while (rc < 0 && errno == EINTR);
    if (rc == 0)
        return false;
    *status = rc == pid ? got : -1;
    return true;
}

bool sc_process_wait(pid_t pid, int64_t timeout_ms, int *status)
{
    if (timeout_ms < 0)
        return reap(pid, 0, status);

    /* The real clock, not the one that tests set: a child lives in real time. */
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + timeout_ms;
    SC_AUTO_CLOSE int fd = sc_process_open(pid);
    for (;;) {
        if (reap(pid, WNOHANG, status))
            return true;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        int64_t left = end - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
        if (left <= 0)
            return false;
        /* Without a pidfd (no descriptor left) look again every 10 ms. */
        struct pollfd p = { .fd = fd, .events = POLLIN };
        (void)poll(&p, 1, (int)SC_MIN(left, fd < 0 ? 10 : INT_MAX));
    }
}

int sc_process_threads(void)
{
    struct stat st;
    /* A folder has two links, and one for each folder in it. */
    return stat("/proc/self/task", &st) == 0 ? (int)st.st_nlink - 2 : -1;
}

int sc_process_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

char *sc_process_sibling(const char *name)
{
    char self[PATH_MAX];
    const char *named = strcmp(name, "scripta-media") == 0 ? getenv("SCRIPTA_MEDIA") : NULL;
    if (named != NULL && named[0] != '\0')
        return sc_strdup(named);

    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return sc_strdup(name);
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    sc_assert(slash != NULL);
    return sc_asprintf("%.*s/%s", (int)(slash - self), self, name);
}

enum sc_code sc_process_bytes(const void *bytes, size_t len, int *out, struct sc_error *err)
{
    /* Not a pipe: what does not fit one would be waited for before anybody reads. */
    SC_AUTO_CLOSE int fd = memfd_create("scripta", MFD_CLOEXEC);
    if (fd < 0)
        return sc_error_errno(err, errno, "cannot make a descriptor");
    enum sc_code code = sc_file_write_all(fd, bytes, len, err);
    if (code == SC_OK && lseek(fd, 0, SEEK_SET) != 0)
        code = sc_error_errno(err, errno, "cannot make a descriptor");
    if (code == SC_OK)
        *out = SC_TAKE_FD(fd);
    return code;
}

enum sc_code sc_process_pipe(int out[2], struct sc_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sc_error_errno(err, errno, "cannot make a pipe");
    out[0] = ends[0];
    out[1] = ends[1];
    return SC_OK;
}

/* ---- asking scripta-media ---- */

#define ANSWER_LIMIT ((size_t)1 << 20)

/* Until it ends or the time has come; false: the time has. */
static bool read_answer(int fd, int64_t deadline_ms, struct sc_buf *out)
{
    out->limit = ANSWER_LIMIT;
    for (;;) {
        char bytes[4096];
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int64_t left = deadline_ms - sc_clock_mono_ms();
        int ready = left <= 0 ? 0 : poll(&p, 1, (int)left);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return true;
        sc_buf_append(out, bytes, (size_t)n);
    }
}

enum sc_code sc_process_ask(const char *const *argv, int input, int64_t timeout_ms,
                            struct sc_buf *out, int *status, struct sc_error *err)
{
    int64_t deadline = sc_clock_mono_ms() + timeout_ms;
    int ends[2];
    pid_t pid;
    enum sc_code code = sc_process_pipe(ends, err);
    if (code != SC_OK)
        return code;
    SC_AUTO_CLOSE int reader = ends[0];
    SC_AUTO_CLOSE int writer = ends[1];
    struct sc_spawn spawn = {
        .program = "scripta-media",
        .argv = argv,
        .fds = { { .fd = writer, .as = 1 }, { .fd = input, .as = 3 } },
        .fd_count = input < 0 ? 1 : 2,
    };
    code = sc_process_spawn(&spawn, &pid, err);
    if (code != SC_OK)
        return code;
    sc_closep(&writer);
    bool ended = read_answer(reader, deadline, out) &&
                 sc_process_wait(pid, SC_MAX(0, deadline - sc_clock_mono_ms()), status);
    if (!ended) {
        (void)kill(pid, SIGKILL);
        (void)sc_process_wait(pid, -1, status);
    }
    return ended ? SC_OK : sc_error_set(err, SC_E_TIMEOUT, "scripta-media does not answer");
}

void sc_silence_wav(struct sc_buf *out)
{
    static const char header[] = "RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0"
                                 "\0\x7d\0\0\2\0\x10\0data\x80\x0c\0\0";
    static const char silence[3200];
    sc_buf_append(out, header, sizeof(header) - 1);
    sc_buf_append(out, silence, sizeof(silence));
}
