#pragma once
/* `scripta serve`: owns the data folder, runs the store, queue, pipelines, HTTP and local workers.
 */

#include "config/config.h"

#include <stdbool.h>

/* Reads all sources of the settings again. Errors name the source with its line. */
typedef enum sc_code (*sc_reload_fn)(void *ctx, struct sc_config **out, struct sc_error *err);

struct sc_serve_options {
    bool ephemeral;      /* ends ephemeral.linger after the last client and the last task */
    sc_reload_fn reload; /* asked on SIGHUP, by the main thread; NULL: nobody knows the sources */
    void *reload_ctx;
    int ready_fd; /* -1, or where "ready\n" or one line of error JSON is written, then closed */
};

/* Runs until SIGTERM or SIGINT (or idle, when ephemeral); returns an exit status of base/exit.h. */
int sc_daemon_serve(const struct sc_config *config, const struct sc_serve_options *options);
