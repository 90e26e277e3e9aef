#include "sys/jail.h"

#include "sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/banned.h"

/* Landlock by its system calls: Debian 12's header knows only the first version. The numbers are
 * the same on every architecture. */
#define LANDLOCK_CREATE 444
#define LANDLOCK_RESTRICT 446
#define LANDLOCK_VERSION_QUERY 1u

struct landlock_rules {
    uint64_t fs;
    uint64_t net;    /* from version 4 */
    uint64_t scoped; /* from version 6 */
};

#define FS_RIGHTS_V1 ((UINT64_C(1) << 13) - 1) /* execute … make_sym */
#define FS_RIGHT_REFER (UINT64_C(1) << 13)     /* from version 2 */
#define FS_RIGHT_TRUNCATE (UINT64_C(1) << 14)  /* from version 3 */
#define FS_RIGHT_IOCTL (UINT64_C(1) << 15)     /* from version 5 */
#define NET_BIND_CONNECT_TCP UINT64_C(3)
#define SCOPE_SOCKET_SIGNAL UINT64_C(3)

static long landlock_version(void)
{
    return syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_QUERY);
}

bool sc_jail_has_landlock(void)
{
    return landlock_version() >= 1;
}

/* A rule set that handles every right and grants none; where the kernel has none, seccomp alone. */
static bool landlock_enter(void)
{
    long version = landlock_version();
    if (version < 1)
        return true;
    struct landlock_rules rules = { .fs = FS_RIGHTS_V1 };
    size_t size = sizeof(rules.fs);
    if (version >= 2)
        rules.fs |= FS_RIGHT_REFER;
    if (version >= 3)
        rules.fs |= FS_RIGHT_TRUNCATE;
    if (version >= 4) {
        rules.net = NET_BIND_CONNECT_TCP;
        size += sizeof(rules.net);
    }
    if (version >= 5)
        rules.fs |= FS_RIGHT_IOCTL;
    if (version >= 6) {
        rules.scoped = SCOPE_SOCKET_SIGNAL;
        size += sizeof(rules.scoped);
    }
    SC_AUTO_CLOSE int fd = (int)syscall(LANDLOCK_CREATE, &rules, size, 0u);
    return fd >= 0 && syscall(LANDLOCK_RESTRICT, fd, 0u) == 0;
}

/* SIGXCPU at the soft limit says why it died; SIGKILL, which may come from anybody, at the hard one
 * ends a decoder that was taken over and ignores the former. */
#define CPU_GRACE_S 5

/* `grace`: of the hard limit over the soft one, where the two do different things. */
static bool limit(int resource, int64_t value, int64_t grace)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)resource, &now) != 0)
        return false;
    rlim_t most = now.rlim_max; /* RLIM_INFINITY is the largest number */
    struct rlimit set = { .rlim_cur = SC_MIN((rlim_t)value, most),
                          .rlim_max = SC_MIN((rlim_t)(value + grace), most) };
    return setrlimit((__rlimit_resource_t)resource, &set) == 0;
}

static enum sc_code limits_enter(const struct sc_jail_options *options, struct sc_error *err)
{
    bool ok = limit(RLIMIT_CORE, 0, 0) && limit(RLIMIT_FSIZE, 0, 0) && limit(RLIMIT_NPROC, 0, 0) &&
              limit(RLIMIT_NOFILE, 0, 0);
    if (ok && options->memory_bytes > 0)
        ok = limit(RLIMIT_AS, options->memory_bytes, 0);
    if (ok && options->cpu_seconds > 0)
        ok = limit(RLIMIT_CPU, options->cpu_seconds, CPU_GRACE_S);
    if (!ok)
        return sc_error_set(err, SC_E_JAIL_UNAVAILABLE, "cannot set the decoder's limits: %s",
                            strerrordesc_np(errno));
    return SC_OK;
}

/* No descriptor but standard output, standard error and the input. */
static bool descriptors_enter(int input)
{
    if (input > 3 && close_range(3, (unsigned)input - 1, 0) != 0)
        return false;
    if (close_range((unsigned)input + 1, ~0u, 0) != 0 || (close(0) != 0 && errno != EBADF))
        return false;
    if (SC_JAIL_SANITIZED)
        return true;
    SC_AUTO_CLOSE int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    return nowhere >= 0 && dup2(nowhere, STDERR_FILENO) == STDERR_FILENO;
}

/* What decoding needs, found with strace over every format that we accept. */
static const int allowed[] = {
    SCMP_SYS(close),          SCMP_SYS(brk),
    SCMP_SYS(munmap),         SCMP_SYS(mremap),
    SCMP_SYS(madvise),        SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),  SCMP_SYS(gettimeofday),
    SCMP_SYS(time),           SCMP_SYS(getrandom),
    SCMP_SYS(getpid),         SCMP_SYS(gettid),
    SCMP_SYS(sched_yield),    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),   SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),           SCMP_SYS(exit_group),
};

/* What the runtime of a sanitizer adds: test builds only. */
static const int allowed_sanitized[] = {
    SCMP_SYS(sigaltstack),
};

/* Asked for by library code that copes with a refusal (iconv tables, locale, terminals). */
static const int refused[] = {
    SCMP_SYS(open),       SCMP_SYS(openat),     SCMP_SYS(openat2),   SCMP_SYS(creat),
    SCMP_SYS(stat),       SCMP_SYS(lstat),      SCMP_SYS(fstat),     SCMP_SYS(newfstatat),
    SCMP_SYS(statx),      SCMP_SYS(access),     SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
    SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(getcwd),    SCMP_SYS(socket),
    SCMP_SYS(socketpair), SCMP_SYS(connect),    SCMP_SYS(ioctl),
};

/* Calls that take a descriptor first, and those that they may be used on: the kernel looks at its
 * low half alone, so does the filter. */
static int descriptor_rules_add(scmp_filter_ctx filter, int input)
{
    const struct {
        int call, fd;
    } rows[] = {
        { SCMP_SYS(read), input },           { SCMP_SYS(pread64), input },
        { SCMP_SYS(lseek), input },          { SCMP_SYS(write), STDOUT_FILENO },
        { SCMP_SYS(write), STDERR_FILENO },  { SCMP_SYS(writev), STDOUT_FILENO },
        { SCMP_SYS(writev), STDERR_FILENO },
    };
    int rc = 0;
    for (size_t i = 0; i < SC_ARRAY_LEN(rows) && rc == 0; i++) {
        const struct scmp_arg_cmp fd =
            SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)rows[i].fd);
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, rows[i].call, 1, fd);
    }
    return rc;
}

static int rules_add(scmp_filter_ctx filter, int input)
{
    int rc = descriptor_rules_add(filter, input);
    for (size_t i = 0; i < SC_ARRAY_LEN(allowed) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; SC_JAIL_SANITIZED && i < SC_ARRAY_LEN(allowed_sanitized) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_sanitized[i], 0);
    for (size_t i = 0; i < SC_ARRAY_LEN(refused) && rc == 0; i++)
        rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0);

    /* Memory may be had, never made executable, and never a file's: a mapping of the input could be
     * written to, whatever descriptor it came by. */
    const struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp no_file = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, no_exec, no_file);
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);

    /* abort() signals the process itself; nobody else may be signalled. */
    const struct scmp_arg_cmp self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
    if (rc == 0)
        rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, self);
    return rc;
}

static enum sc_code seccomp_enter(int input, struct sc_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL)
        return sc_error_set(err, SC_E_JAIL_UNAVAILABLE, "cannot make the decoder's seccomp filter");
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = rules_add(filter, input);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc != 0)
        return sc_error_set(err, SC_E_JAIL_UNAVAILABLE,
                            "this kernel or container refuses seccomp filters (%s), so untrusted "
                            "files cannot be decoded safely; allow seccomp for Scripta",
                            strerrordesc_np(-rc));
    return SC_OK;
}

enum sc_code sc_jail_enter(const struct sc_jail_options *options, struct sc_error *err)
{
    sc_assert(options->input_fd > STDERR_FILENO);
    /* The walls hold for the thread that raises them. Sanitizers have threads of their own. */
    if (!SC_JAIL_SANITIZED && sc_process_threads() != 1)
        return sc_error_set(
            err, SC_E_JAIL_UNAVAILABLE,
            "a library of the decoder has started threads, for which its jail would "
            "not hold");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return sc_error_set(
            err, SC_E_JAIL_UNAVAILABLE,
            "cannot give up new privileges (%s), so untrusted files cannot be decoded safely",
            strerrordesc_np(errno));
    if (!descriptors_enter(options->input_fd))
        return sc_error_set(err, SC_E_JAIL_UNAVAILABLE,
                            "cannot close the decoder's descriptors: %s", strerrordesc_np(errno));
    if (!landlock_enter())
        return sc_error_set(err, SC_E_JAIL_UNAVAILABLE, "cannot enter the decoder's Landlock: %s",
                            strerrordesc_np(errno));
    enum sc_code code = limits_enter(options, err);
    return code == SC_OK ? seccomp_enter(options->input_fd, err) : code;
}
