/* What a decoder that has been taken over would try. Each attempt runs alone, inside the jail; a
 * refusal is EACCES or death by SIGSYS, and anything else is a hole: exit code 0 and the word
 * "escaped". */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "base/banned.h"

#define EXIT_REFUSED 40

/* Each returns what the system call returned. */
static long try_open(void)
{
    return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}
static long try_openat(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long try_openat2(void)
{
    const uint64_t how[3] = { O_RDONLY, 0, 0 };
    return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof(how));
}
static long try_write_file(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/tmp/scripta-jail-test", O_WRONLY | O_CREAT, 0600);
}
static long try_unlink(void)
{
    return syscall(SYS_unlink, "/tmp/scripta-jail-test");
}
static long try_stat(void)
{
    struct stat st;
    return syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &st, 0);
}
static long try_socket(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static long try_connect(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "/run/x" };
    return syscall(SYS_connect, 0, &a, sizeof(a));
}
static long try_bind(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    return syscall(SYS_bind, 0, &a, sizeof(a));
}
static long try_sendmsg(void)
{
    struct msghdr m = { 0 };
    return syscall(SYS_sendmsg, 1, &m, 0);
}
static long try_exec(void)
{
    char *const argv[] = { (char[]){ "true" }, NULL };
    return execve("/bin/true", argv, NULL);
}
static long try_execveat(void)
{
    char *const argv[] = { (char[]){ "true" }, NULL };
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, NULL, 0);
}
static long try_fork(void)
{
    return syscall(SYS_fork);
}
static long try_clone(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static long try_clone3(void)
{
    uint64_t args[8] = { 0 };
    return syscall(SYS_clone3, args, sizeof(args));
}
static long try_ptrace(void)
{
    return syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0);
}
static long try_read_memory(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0);
}
static long try_mmap_exec(void)
{
    return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1
               ? -1
               : 0;
}
static long try_mprotect_exec(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : syscall(SYS_mprotect, p, 4096, PROT_READ | PROT_EXEC);
}
static long try_memfd(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}
static long try_io_uring(void)
{
    char params[120] = { 0 };
    return syscall(SYS_io_uring_setup, 1, params);
}
static long try_kill_parent(void)
{
    return syscall(SYS_kill, getppid(), 0);
}
static long try_tgkill_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static long try_prctl(void)
{
    return syscall(SYS_prctl, 4, 1, 0, 0, 0);
}
static long try_setrlimit(void)
{
    const uint64_t more[2] = { 64, 64 };
    return syscall(SYS_prlimit64, getppid(), 7, more, NULL);
}
static long try_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}
static long try_keyctl(void)
{
    return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}
static long try_mount(void)
{
    return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}
static long try_unshare(void)
{
    return syscall(SYS_unshare, 0x10000000);
}
/* The 32-bit entry would have other numbers: x32 calls carry this bit. */
static long try_x32(void)
{
    return syscall(0x40000000 + SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}
/* Proves that the test can see a hole. */
static long try_nothing(void)
{
    return 0;
}

static const struct {
    const char *name;
    long (*attempt)(void);
} attempts[] = {
    { "open", try_open },
    { "openat", try_openat },
    { "openat2", try_openat2 },
    { "write-file", try_write_file },
    { "unlink", try_unlink },
    { "stat", try_stat },
    { "socket", try_socket },
    { "connect", try_connect },
    { "bind", try_bind },
    { "sendmsg", try_sendmsg },
    { "exec", try_exec },
    { "execveat", try_execveat },
    { "fork", try_fork },
    { "clone", try_clone },
    { "clone3", try_clone3 },
    { "ptrace", try_ptrace },
    { "read-memory", try_read_memory },
    { "mmap-exec", try_mmap_exec },
    { "mprotect-exec", try_mprotect_exec },
    { "memfd", try_memfd },
    { "io_uring", try_io_uring },
    { "kill-parent", try_kill_parent },
    { "tgkill-parent", try_tgkill_parent },
    { "prctl", try_prctl },
    { "setrlimit", try_setrlimit },
    { "bpf", try_bpf },
    { "keyctl", try_keyctl },
    { "mount", try_mount },
    { "unshare", try_unshare },
    { "x32", try_x32 },
    { "nothing", try_nothing },
};

static int list(void)
{
    for (size_t i = 0; i < SC_ARRAY_LEN(attempts); i++)
        (void)puts(attempts[i].name);
    return SC_EXIT_OK;
}

static void say(const char *text)
{
    (void)!write(STDOUT_FILENO, text, strlen(text));
}

/* Inside the jail; _exit because what runs at exit may want what the jail forbids. */
SC_NORETURN static void attempt(long (*fn)(void))
{
    if (fn() == -1) {
        say(errno == EACCES ? "refused\n" : "failed otherwise\n");
        _exit(errno == EACCES ? EXIT_REFUSED : SC_EXIT_FAILED);
    }
    say("escaped\n");
    _exit(SC_EXIT_OK);
}

int media_jail_test(int argc, char **argv)
{
    struct sc_jail_options options = { .cpu_seconds = 10 };
    struct sc_error err = { 0 };
    bool landlock = false;
    if (argc != 2)
        return list();
    for (size_t i = 0; i < SC_ARRAY_LEN(attempts); i++) {
        if (strcmp(attempts[i].name, argv[1]) != 0)
            continue;
        if (sc_jail_enter(&options, &landlock, &err) != SC_OK)
            return media_fail(&err);
        attempt(attempts[i].attempt);
    }
    return media_usage("jail-test", "no such attempt");
}
