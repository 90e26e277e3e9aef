#pragma once
/* `scripta serve`: owns the data folder, runs the store, queue, pipelines, HTTP and local workers.
 */

#include "config/config.h"

#include <stdbool.h>

struct sc_serve_options {
    bool ephemeral; /* ends ephemeral.linger after the last client and the last task */
    int ready_fd;   /* -1, or where "ready\n" or one line of error JSON is written, then closed */
};

/* Runs until SIGTERM or SIGINT (or idle, when ephemeral); returns an exit status of base/exit.h. */
int sc_daemon_serve(const struct sc_config *config, const struct sc_serve_options *options);
