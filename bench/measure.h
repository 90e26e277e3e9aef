#pragma once
/* What the programs of this folder measure by. */

#include "base/error.h"

/* Milliseconds of the clock on the wall, and of processor time of all threads. */
double measure_wall_ms(void);
double measure_cpu_ms(void);
/* A line of /proc/self/status, in KiB: "VmRSS" is resident, "VmHWM" the most that ever was. */
long measure_memory_kb(const char *name);
/* Ends the program with the error's sentence, unless code is OK. */
void measure_must(enum sc_code code, const struct sc_error *err);
