#pragma once
/* What this process takes, and the machine that it runs on. Thread-safe; nothing here waits for
 * anything but the kernel. What cannot be found out is -1, or "". */

#include "base/str.h"

#include <stdint.h>

/* Of this process. */
struct sc_usage {
    int64_t resident_bytes, cpu_us;
    int64_t started_ms; /* wall time */
    int fds, max_fds, threads;
};
void sc_usage_read(struct sc_usage *out);

/* Memory of a process of ours. */
int64_t sc_process_memory(int pid);
/* Processor time that it took in microseconds, with the children that it has waited for. */
int64_t sc_process_cpu(int pid);
/* The same of all children of this process that have been waited for. */
int64_t sc_children_cpu(void);

struct sc_machine {
    char cpu[128]; /* its model */
    int cores;     /* that there are */
    int usable;    /* that we may use */
    double load[3];
    int64_t memory_total, memory_free; /* bytes; free: to be had without swapping */
    int64_t uptime_ms;                 /* since it was started */
    char kernel[160], architecture[72];
};
void sc_machine_read(struct sc_machine *out);

/* A number behind `name` at the start of a line, as /proc has them; -1: none. Pure. */
int64_t sc_proc_number(struct sc_str text, const char *name);
/* The nth word of a /proc/PID/stat, counted from 1, of those behind the name in brackets, which may
 * hold anything; -1: none. Pure. */
int64_t sc_proc_stat(struct sc_str stat, int nth);
/* The rest of that line behind its colon, trimmed; empty: there is none. Pure. */
struct sc_str sc_proc_line(struct sc_str text, const char *name);
