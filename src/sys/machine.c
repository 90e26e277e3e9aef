#include "sys/machine.h"

#include "base/clock.h"
#include "sys/file.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/banned.h"

/* Words of /proc/PID/stat. The first of the times is that in the process itself, then come that in
 * the kernel for it, and both of its children. */
#define STAT_TIMES 14
#define STAT_TIMES_END 18
#define STAT_START 22
#define PROC_LIMIT ((size_t)4 << 20) /* cpuinfo of a machine with many cores is long */

struct sc_str sc_proc_line(struct sc_str text, const char *name)
{
    struct sc_str wanted = sc_str_from(name);
    while (text.len > 0) {
        struct sc_str line = sc_str_take_until(&text, '\n');
        struct sc_str key = sc_str_trim(sc_str_take_until(&line, ':'));
        if (sc_str_equal(key, wanted))
            return sc_str_trim(line);
    }
    return SC_STR("");
}

int64_t sc_proc_number(struct sc_str text, const char *name)
{
    struct sc_str line = sc_proc_line(text, name);
    int64_t n = 0;
    return sc_str_to_int64(sc_str_take_until(&line, ' '), &n) ? n : -1;
}

int64_t sc_proc_stat(struct sc_str stat, int nth)
{
    int64_t n = -1;
    size_t end = stat.len;
    while (end > 0 && stat.ptr[end - 1] != ')')
        end--;
    struct sc_str rest = { stat.ptr + end, stat.len - end };
    rest = sc_str_trim(rest);
    for (int word = 3; word < nth; word++)
        (void)sc_str_take_until(&rest, ' ');
    return sc_str_to_int64(sc_str_take_until(&rest, ' '), &n) ? n : -1;
}

static int64_t kilobytes(struct sc_str text, const char *name)
{
    int64_t n = sc_proc_number(text, name);
    return n < 0 || n > INT64_MAX / 1024 ? -1 : n * 1024;
}

/* "" when it cannot be read. */
static struct sc_str read_proc(const char *path, struct sc_buf *out)
{
    return sc_file_read(path, PROC_LIMIT, out, NULL) == SC_OK ? sc_buf_str(out) : SC_STR("");
}

/* ---- this process ---- */

static int count_fds(void)
{
    SC_AUTO_DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    if (dir == NULL)
        return -1;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        n += entry->d_name[0] != '.';
    return n - 1; /* the one that reads the folder */
}

static int64_t since_boot_ms(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) != 0)
        return -1;
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static int64_t read_start(void)
{
    SC_AUTO_BUF stat = { 0 };
    int64_t hertz = sysconf(_SC_CLK_TCK);
    int64_t boot_ms = since_boot_ms();
    int64_t ticks = sc_proc_stat(read_proc("/proc/self/stat", &stat), STAT_START);
    return hertz <= 0 || boot_ms < 0 || ticks < 0
               ? -1
               : sc_clock_wall_ms() - boot_ms + ticks * 1000 / hertz;
}

static int64_t used_us(int who)
{
    struct rusage usage;
    if (getrusage(who, &usage) != 0)
        return -1;
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
           usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

void sc_usage_read(struct sc_usage *out)
{
    SC_AUTO_BUF status = { 0 };
    struct rlimit limit;
    *out = (struct sc_usage){ .max_fds = -1, .fds = count_fds() };
    struct sc_str text = read_proc("/proc/self/status", &status);
    out->resident_bytes = kilobytes(text, "VmRSS");
    out->threads = (int)sc_proc_number(text, "Threads");
    out->started_ms = read_start();
    out->cpu_us = used_us(RUSAGE_SELF);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= INT32_MAX)
        out->max_fds = (int)limit.rlim_cur;
}

int64_t sc_process_memory(int pid)
{
    SC_AUTO_BUF status = { 0 };
    char path[40];
    (void)snprintf(path, sizeof(path), "/proc/%d/status", pid);
    return kilobytes(read_proc(path, &status), "VmRSS");
}

int64_t sc_process_cpu(int pid)
{
    SC_AUTO_BUF stat = { 0 };
    char path[40];
    int64_t ticks = 0, hertz = sysconf(_SC_CLK_TCK);
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    struct sc_str text = read_proc(path, &stat);
    if (hertz <= 0 || sc_proc_stat(text, STAT_TIMES) < 0)
        return -1;
    for (int word = STAT_TIMES; word < STAT_TIMES_END; word++)
        ticks += SC_MAX(sc_proc_stat(text, word), 0);
    return ticks * (INT64_C(1000000) / hertz);
}

int64_t sc_children_cpu(void)
{
    return used_us(RUSAGE_CHILDREN);
}

/* ---- the machine ---- */

static void read_cpu(struct sc_machine *out)
{
    SC_AUTO_BUF text = { 0 };
    cpu_set_t set;
    struct sc_str model = sc_proc_line(read_proc("/proc/cpuinfo", &text), "model name");
    (void)snprintf(out->cpu, sizeof(out->cpu), "%.*s", (int)SC_MIN(model.len, sizeof(out->cpu)),
                   model.ptr);
    out->cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    out->usable = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : out->cores;
}

/* A unit of systemd may hide most of /proc, and this says the same, memory a little less well: what
 * caches could give back is missing. */
static void read_load(struct sc_machine *out)
{
    struct sysinfo info;
    if (sysinfo(&info) != 0)
        return;
    for (size_t i = 0; i < SC_ARRAY_LEN(out->load); i++)
        out->load[i] = (double)info.loads[i] / (1 << SI_LOAD_SHIFT);
    out->memory_total = (int64_t)info.totalram * info.mem_unit;
    out->memory_free = (int64_t)(info.freeram + info.bufferram) * info.mem_unit;
}

void sc_machine_read(struct sc_machine *out)
{
    SC_AUTO_BUF memory = { 0 };
    struct sc_str text = read_proc("/proc/meminfo", &memory);
    struct utsname name;
    *out = (struct sc_machine){ .load = { -1, -1, -1 }, .memory_total = -1 };
    read_cpu(out);
    read_load(out);
    int64_t available = kilobytes(text, "MemAvailable");
    if (available >= 0)
        out->memory_free = available;
    out->uptime_ms = since_boot_ms();
    if (uname(&name) != 0)
        return;
    (void)snprintf(out->kernel, sizeof(out->kernel), "%s %s", name.sysname, name.release);
    (void)snprintf(out->architecture, sizeof(out->architecture), "%s", name.machine);
}
