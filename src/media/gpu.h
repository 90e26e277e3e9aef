#pragma once
/* The graphics processors of this machine, as the driver's own library tells them. It is opened
 * when it is asked for: a machine without one needs nothing of it. */

#include "base/error.h"

struct sc_gpu {
    int index;
    char name[96];
    int64_t memory_total, memory_free; /* bytes; -1: not told, as below */
    int utilisation;                   /* percent */
    int temperature;                   /* degrees Celsius */
};
struct sc_gpus {
    struct sc_gpu rows[16];
    size_t count;
    char driver[80]; /* "": not told */
    char note[240];  /* why there is none; "": there is one */
};
/* Waits for the driver, which may take a second, and for ever where it hangs: not for the server's
 * own process. */
void sc_gpus_read(struct sc_gpus *out);
