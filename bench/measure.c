#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double read_ms(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

double measure_wall_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

double measure_cpu_ms(void)
{
    return read_ms(CLOCK_PROCESS_CPUTIME_ID);
}

long measure_memory_kb(const char *name)
{
    char line[128];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name) + 1, NULL, 10);
    }
    if (f != NULL)
        (void)fclose(f);
    return kb;
}

void measure_must(enum sc_code code, const struct sc_error *err)
{
    if (code == SC_OK)
        return;
    (void)fprintf(stderr, "bench: %s\n", err->msg);
    exit(1);
}
