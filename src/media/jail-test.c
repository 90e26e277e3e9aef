/* What a decoder that has been taken over would try. Each attempt runs in a process of its own,
 * inside the jail, and its outcome is told on standard output: "killed" (SIGSYS), "refused"
 * (EACCES), or what else became of it, which is a hole. */
#include "media/media.h"
#include "sys/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/banned.h"

#define EXIT_REFUSED 40
#define EXIT_OTHER 41

/* Descriptors that the test holds before the jail closes. The input could be written to, the other
 * one read: an upload is spooled through a descriptor that can do both. */
#define INPUT_FD 3
#define OTHER_FD 5

enum outcome { KILLED, REFUSED, ESCAPED, CPU_LIMIT };
static const char *const outcome_names[] = { "killed", "refused", "escaped", "cpu-limit" };

#define FILE_NAME "/tmp/scripta-jail-test"
#define P(x) ((uintptr_t)(x))

static const struct sockaddr_un unix_address = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
static const struct sockaddr_in inet_address = { .sin_family = AF_INET };
static const struct msghdr message;
static const uint64_t zeros[32];
static const uint64_t open_how[3] = { O_RDONLY };
static const uint64_t many_files[2] = { 64, 64 };
static char *const arguments[] = { NULL };
static char buffer[256];

/* One call each; nothing here changes anything should the jail have a hole. */
static const struct {
    const char *name;
    enum outcome expected;
    long call;
    uintptr_t args[6];
} calls[] = {
    /* files */
    { "openat", REFUSED, SYS_openat, { P(AT_FDCWD), P("/etc/passwd"), O_RDONLY } },
    { "openat2", REFUSED, SYS_openat2, { P(AT_FDCWD), P("/etc/passwd"), P(open_how), 24 } },
    { "open-to-write", REFUSED, SYS_openat, { P(AT_FDCWD), P(FILE_NAME), O_WRONLY | O_CREAT } },
    { "open-proc", REFUSED, SYS_openat, { P(AT_FDCWD), P("/proc/self/environ"), O_RDONLY } },
    { "stat", REFUSED, SYS_newfstatat, { P(AT_FDCWD), P("/etc/passwd"), P(buffer), 0 } },
    { "open-by-handle", KILLED, SYS_open_by_handle_at, { P(AT_FDCWD), P(zeros), O_RDONLY } },
    { "getdents", KILLED, SYS_getdents64, { INPUT_FD, P(buffer), 255 } },
    { "unlinkat", KILLED, SYS_unlinkat, { P(AT_FDCWD), P(FILE_NAME) } },
    { "renameat2", KILLED, SYS_renameat2, { P(AT_FDCWD), P(FILE_NAME), P(AT_FDCWD), P("x") } },
    { "truncate", KILLED, SYS_truncate, { P(FILE_NAME), 0 } },
    { "chdir", KILLED, SYS_chdir, { P("/") } },
    { "chroot", KILLED, SYS_chroot, { P("/") } },
    { "inotify", KILLED, SYS_inotify_init1 },
    { "fanotify", KILLED, SYS_fanotify_init },
    /* descriptors that it holds, or held */
    { "write-input", KILLED, SYS_write, { INPUT_FD, P("x"), 1 } },
    { "pwrite-input", KILLED, SYS_pwrite64, { INPUT_FD, P("x"), 1, 0 } },
    { "writev-input", KILLED, SYS_writev, { INPUT_FD, P(zeros), 1 } },
    { "ftruncate-input", KILLED, SYS_ftruncate, { INPUT_FD, 0 } },
    { "fallocate-input", KILLED, SYS_fallocate, { INPUT_FD, 0, 0, 1 } },
    { "fchmod-input", KILLED, SYS_fchmod, { INPUT_FD, 0600 } },
    { "map-input", KILLED, SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, INPUT_FD, 0 } },
    { "dup-input", KILLED, SYS_dup, { INPUT_FD } },
    { "fcntl-input", KILLED, SYS_fcntl, { INPUT_FD, F_GETFL } },
    { "read-other", KILLED, SYS_read, { OTHER_FD, P(buffer), 1 } },
    { "write-other", KILLED, SYS_write, { OTHER_FD, P("x"), 1 } },
    { "read-stdin", KILLED, SYS_read, { 0, P(buffer), 1 } },
    { "read-stdout", KILLED, SYS_read, { 1, P(buffer), 1 } },
    { "sendfile", KILLED, SYS_sendfile, { 1, INPUT_FD, 0, 1 } },
    { "splice", KILLED, SYS_splice, { INPUT_FD, 0, 1, 0, 1, 0 } },
    { "copy-file-range", KILLED, SYS_copy_file_range, { INPUT_FD, 0, 1, 0, 1, 0 } },
    { "ioctl", REFUSED, SYS_ioctl, { 1, 0x5412, P("x") } }, /* TIOCSTI: types on the terminal */
    /* the network */
    { "socket", REFUSED, SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
    { "socket-unix", REFUSED, SYS_socket, { AF_UNIX, SOCK_STREAM, 0 } },
    { "socketpair", REFUSED, SYS_socketpair, { AF_UNIX, SOCK_STREAM, 0, P(buffer) } },
    { "connect", REFUSED, SYS_connect, { 1, P(&unix_address), sizeof(unix_address) } },
    { "bind", KILLED, SYS_bind, { 1, P(&inet_address), sizeof(inet_address) } },
    { "listen", KILLED, SYS_listen, { 1, 1 } },
    { "accept", KILLED, SYS_accept4, { 1, 0, 0, 0 } },
    { "sendto", KILLED, SYS_sendto, { 1, P("x"), 1, 0, 0, 0 } },
    { "sendmsg", KILLED, SYS_sendmsg, { 1, P(&message), 0 } },
    { "recvmsg", KILLED, SYS_recvmsg, { 1, P(&message), 0 } },
    /* processes */
    { "exec", KILLED, SYS_execve, { P("/bin/true"), P(arguments), P(arguments) } },
    { "execveat", KILLED, SYS_execveat, { P(AT_FDCWD), P("/bin/true"), P(arguments), 0, 0 } },
    { "clone", KILLED, SYS_clone, { SIGCHLD } },
    { "clone3", KILLED, SYS_clone3, { P(zeros), 64 } },
    { "ptrace", KILLED, SYS_ptrace, { PTRACE_TRACEME } },
    { "read-memory", KILLED, SYS_process_vm_readv, { 1 } },
    { "write-memory", KILLED, SYS_process_vm_writev, { 1 } },
    { "kill", KILLED, SYS_kill, { 1, 0 } },
    { "kill-self", KILLED, SYS_kill, { 0, 0 } },
    { "tkill", KILLED, SYS_tkill, { 1, 0 } },
    { "tgkill", KILLED, SYS_tgkill, { 1, 1, 0 } },
    { "sigqueue", KILLED, SYS_rt_sigqueueinfo, { 1, 0, P(zeros) } },
    { "pidfd-open", KILLED, SYS_pidfd_open, { 1, 0 } },
    { "pidfd-getfd", KILLED, SYS_pidfd_getfd, { INPUT_FD, 0, 0 } },
    { "pidfd-signal", KILLED, SYS_pidfd_send_signal, { INPUT_FD, 0, 0, 0 } },
    { "wait", KILLED, SYS_wait4, { P(-1), 0, WNOHANG, 0 } },
    { "setsid", KILLED, SYS_setsid },
    /* memory */
    { "map-executable",
      KILLED,
      SYS_mmap,
      { 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, P(-1), 0 } },
    { "pkey-mprotect", KILLED, SYS_pkey_mprotect, { P(buffer), 1, PROT_READ | PROT_EXEC, P(-1) } },
    { "memfd", KILLED, SYS_memfd_create, { P("x"), 0 } },
    { "memfd-secret", KILLED, SYS_memfd_secret, { 0 } },
    { "userfaultfd", KILLED, SYS_userfaultfd, { 0 } },
    { "shmget", KILLED, SYS_shmget, { 0, 4096, 0600 } },
    { "mlock", KILLED, SYS_mlock, { P(buffer), 1 } },
    { "remap-file-pages", KILLED, SYS_remap_file_pages, { P(buffer), 1, 0, 0, 0 } },
    { "set-mempolicy", KILLED, SYS_set_mempolicy, { 0, 0, 0 } },
    /* privileges and limits */
    { "prctl", KILLED, SYS_prctl, { 4, 1 } }, /* PR_SET_DUMPABLE */
    { "prctl-seccomp", KILLED, SYS_prctl, { 22, 0 } },
    { "seccomp", KILLED, SYS_seccomp, { 0, 0, 0 } },
    { "setrlimit", KILLED, SYS_setrlimit, { RLIMIT_NOFILE, P(many_files) } },
    { "prlimit", KILLED, SYS_prlimit64, { 0, RLIMIT_NOFILE, P(many_files), 0 } },
    { "setuid", KILLED, SYS_setuid, { 0 } },
    { "setresuid", KILLED, SYS_setresuid, { 0, 0, 0 } },
    { "setgid", KILLED, SYS_setgid, { 0 } },
    { "setgroups", KILLED, SYS_setgroups, { 0, 0 } },
    { "capset", KILLED, SYS_capset, { P(zeros), P(zeros) } },
    { "personality", KILLED, SYS_personality, { 0 } },
    { "unshare", KILLED, SYS_unshare, { 0x10000000 } },
    { "setns", KILLED, SYS_setns, { INPUT_FD, 0 } },
    { "setpriority", KILLED, SYS_setpriority, { 0, 0, 0 } },
    { "ioprio-set", KILLED, SYS_ioprio_set, { 0, 0, 0 } },
    { "sched-setscheduler", KILLED, SYS_sched_setscheduler, { 0, 0, P(zeros) } },
    { "sched-setattr", KILLED, SYS_sched_setattr, { 0, P(zeros), 0 } },
    { "sched-setaffinity", KILLED, SYS_sched_setaffinity, { 0, 8, P(zeros) } },
    /* the kernel */
    { "mount", KILLED, SYS_mount, { P("none"), P("/nowhere"), P("tmpfs"), 0, 0 } },
    { "umount", KILLED, SYS_umount2, { P("/nowhere"), 0 } },
    { "pivot-root", KILLED, SYS_pivot_root, { P("/nowhere"), P("/nowhere") } },
    { "open-tree", KILLED, SYS_open_tree, { P(AT_FDCWD), P("/nowhere"), 0 } },
    { "fsopen", KILLED, SYS_fsopen, { P("x"), 0 } },
    { "bpf", KILLED, SYS_bpf, { 0, 0, 0 } },
    { "perf-event", KILLED, SYS_perf_event_open, { P(zeros), 0, P(-1), P(-1), 0 } },
    { "io-uring", KILLED, SYS_io_uring_setup, { 1, P(buffer) } },
    { "io-uring-enter", KILLED, SYS_io_uring_enter, { INPUT_FD, 0, 0, 0, 0, 0 } },
    { "aio", KILLED, SYS_io_setup, { 0, P(zeros) } },
    { "keyctl", KILLED, SYS_keyctl, { 0 } },
    { "add-key", KILLED, SYS_add_key, { P("user"), P("x"), 0, 0, 0 } },
    { "request-key", KILLED, SYS_request_key, { P("user"), P("x"), 0, 0 } },
    { "init-module", KILLED, SYS_init_module, { 0, 0, 0 } },
    { "finit-module", KILLED, SYS_finit_module, { INPUT_FD, 0, 0 } },
    { "kexec", KILLED, SYS_kexec_load, { 0, 0, 0, 0 } },
    { "reboot", KILLED, SYS_reboot, { 0, 0, 0 } },
    { "swapon", KILLED, SYS_swapon, { P("/nowhere"), 0 } },
    { "quotactl", KILLED, SYS_quotactl, { 0, 0, 0, 0 } },
    { "syslog", KILLED, SYS_syslog, { 3, P(buffer), 0 } },
    { "sysinfo", KILLED, SYS_sysinfo, { P(zeros) } },
    { "uname", KILLED, SYS_uname, { P(buffer) } },
    { "clock-settime", KILLED, SYS_clock_settime, { 0, P(zeros) } },
    { "settimeofday", KILLED, SYS_settimeofday, { 0, 0 } },
    { "adjtimex", KILLED, SYS_adjtimex, { P(zeros) } },
    { "sethostname", KILLED, SYS_sethostname, { P("x"), 0 } },
    { "msgget", KILLED, SYS_msgget, { 0, 0600 } },
    { "semget", KILLED, SYS_semget, { 0, 1, 0600 } },
    { "mq-open", KILLED, SYS_mq_open, { P("x"), 0 } },
    { "timer-create", KILLED, SYS_timer_create, { 0, 0, P(buffer) } },
    { "epoll", KILLED, SYS_epoll_create1, { 0 } },
    { "eventfd", KILLED, SYS_eventfd2, { 0, 0 } },
    { "landlock", KILLED, 444, { 0, 0, 1 } },
    { "no-such-call", KILLED, 1000 },
#ifdef __x86_64__
    /* calls that younger architectures never had, or that are its own */
    { "open", REFUSED, SYS_open, { P("/etc/passwd"), O_RDONLY } },
    { "creat", REFUSED, SYS_creat, { P(FILE_NAME), 0600 } },
    { "access", REFUSED, SYS_access, { P("/etc/passwd"), R_OK } },
    { "readlink", REFUSED, SYS_readlink, { P("/proc/self/exe"), P(buffer), 255 } },
    { "unlink", KILLED, SYS_unlink, { P(FILE_NAME) } },
    { "rename", KILLED, SYS_rename, { P(FILE_NAME), P(FILE_NAME "2") } },
    { "mkdir", KILLED, SYS_mkdir, { P(FILE_NAME), 0700 } },
    { "rmdir", KILLED, SYS_rmdir, { P(FILE_NAME) } },
    { "link", KILLED, SYS_link, { P("/etc/passwd"), P(FILE_NAME) } },
    { "symlink", KILLED, SYS_symlink, { P("/etc/passwd"), P(FILE_NAME) } },
    { "mknod", KILLED, SYS_mknod, { P(FILE_NAME), S_IFIFO | 0600 } },
    { "chmod", KILLED, SYS_chmod, { P(FILE_NAME), 0600 } },
    { "chown", KILLED, SYS_chown, { P(FILE_NAME), 0, 0 } },
    { "dup2-input", KILLED, SYS_dup2, { INPUT_FD, 1 } },
    { "fork", KILLED, SYS_fork },
    { "vfork", KILLED, SYS_vfork },
    { "modify-ldt", KILLED, SYS_modify_ldt, { 0, 0, 0 } },
    { "arch-prctl", KILLED, SYS_arch_prctl, { 0x1003, P(buffer) } },
    { "iopl", KILLED, SYS_iopl, { 0 } },
    { "ioperm", KILLED, SYS_ioperm, { 0, 0, 0 } },
    /* x32 calls have numbers of their own, and so would pass a list that does not look. */
    { "x32", KILLED, 0x40000000 + SYS_openat, { P(AT_FDCWD), P("/etc/passwd"), O_RDONLY } },
#endif
    /* Prove that the test sees a hole, and that what decoding needs goes through. */
    { "allowed-read", ESCAPED, SYS_read, { INPUT_FD, P(buffer), 1 } },
    { "allowed-seek", ESCAPED, SYS_lseek, { INPUT_FD, 0, SEEK_SET } },
    { "allowed-write", ESCAPED, SYS_write, { 1, P(""), 0 } },
    { "allowed-memory",
      ESCAPED,
      SYS_mmap,
      { 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, P(-1), 0 } },
    { "allowed-time", ESCAPED, SYS_clock_gettime, { 0, P(buffer) } },
};

static long try_mprotect_exec(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? -1 : syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC);
}

static long try_signal_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

#ifdef __x86_64__
/* The 32-bit entry: 5 is open there and fstat here. */
static long try_i386(void)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(5), "b"(0), "c"(0), "d"(0) : "memory");
    errno = (int)-result;
    return result < 0 ? -1 : result;
}
#endif

static long try_loop(void)
{
    for (volatile unsigned long n = 0;; n++)
        ;
    return 0;
}

static const struct {
    const char *name;
    enum outcome expected;
    long (*attempt)(void);
} functions[] = {
    { "mprotect-executable", KILLED, try_mprotect_exec },
    { "signal-parent", KILLED, try_signal_parent },
#ifdef __x86_64__
    { "i386", KILLED, try_i386 },
#endif
    { "endless", CPU_LIMIT, try_loop },
};

#if !SC_JAIL_SANITIZED
/* Sanitizers need memory without limit. */
static bool memory_is_bounded(void)
{
    char *whole =
        mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return whole == MAP_FAILED && errno == ENOMEM;
}
#endif

static bool prepare(struct sc_error *err)
{
    char name[] = "/tmp/scripta-jail-XXXXXX";
    int file = mkostemp(name, O_CLOEXEC);
    bool ok = file >= 0 && unlink(name) == 0 && write(file, "input", 5) == 5 &&
              dup2(file, INPUT_FD) == INPUT_FD && dup2(file, OTHER_FD) == OTHER_FD;
    if (file >= 0 && file != INPUT_FD && file != OTHER_FD)
        (void)close(file);
    if (!ok)
        (void)sc_error_errno(err, errno, "cannot make the files of the test");
    return ok;
}

/* In the child; _exit because what runs at exit may want what the jail forbids. */
SC_NORETURN static void attempt(size_t index)
{
    const struct sc_jail_options options = {
        .input_fd = INPUT_FD,
        .memory_bytes = SC_JAIL_SANITIZED ? 0 : (int64_t)512 << 20,
        .cpu_seconds = 1,
    };
    struct sc_error err = { 0 };
    if (sc_jail_enter(&options, &err) != SC_OK)
        _exit(EXIT_OTHER);
    long result;
    if (index < SC_ARRAY_LEN(calls)) {
        const uintptr_t *a = calls[index].args;
        result = syscall(calls[index].call, a[0], a[1], a[2], a[3], a[4], a[5]);
    } else {
        result = functions[index - SC_ARRAY_LEN(calls)].attempt();
    }
    if (result == -1)
        _exit(errno == EACCES ? EXIT_REFUSED : EXIT_OTHER);
#if !SC_JAIL_SANITIZED
    if (!memory_is_bounded())
        _exit(EXIT_OTHER);
#endif
    _exit(SC_EXIT_OK);
}

static const char *describe(int status, char text[64])
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return outcome_names[KILLED];
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return outcome_names[CPU_LIMIT];
    if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_REFUSED)
        return outcome_names[REFUSED];
    if (WIFEXITED(status) && WEXITSTATUS(status) == SC_EXIT_OK)
        return outcome_names[ESCAPED];
    (void)snprintf(text, 64, "ended-otherwise-%d", status);
    return text;
}

/* A line "NAME OUTCOME EXPECTED" for each; fails when one is not as expected. */
int media_jail_test(int argc, char **argv)
{
    struct sc_error err = { 0 };
    size_t count = SC_ARRAY_LEN(calls) + SC_ARRAY_LEN(functions);
    int wrong = 0;
    (void)argv;
    if (argc != 1)
        return media_usage("jail-test", "it takes no arguments");
    if (!prepare(&err))
        return media_fail(&err);
    for (size_t i = 0; i < count; i++) {
        bool plain = i < SC_ARRAY_LEN(calls);
        size_t j = plain ? i : i - SC_ARRAY_LEN(calls);
        const char *name = plain ? calls[j].name : functions[j].name;
        const char *expected = outcome_names[plain ? calls[j].expected : functions[j].expected];
        char text[64];
        int status = 0;
        (void)fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            attempt(i);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            return SC_EXIT_INTERNAL;
        const char *outcome = describe(status, text);
        (void)printf("%s %s %s\n", name, outcome, expected);
        wrong += strcmp(outcome, expected) != 0;
    }
    return wrong == 0 ? SC_EXIT_OK : SC_EXIT_FAILED;
}
