#pragma once
/* The command line: a client of a server, which it starts for itself when none runs. */

#include "base/error.h"

struct sc_buf;
struct sc_config;
struct sc_serve_options;
struct sc_tls_facts;

/* What the server does of the command line, given by main so that this module and its tests do
 * without the server. */
struct sc_cli_server {
    int (*serve)(const struct sc_config *config, const struct sc_serve_options *options);
    void (*describe_api)(struct sc_buf *out); /* as OpenAPI tells it */
    enum sc_code (*certificate)(const char *cert, const char *key, struct sc_tls_facts *out,
                                struct sc_error *err); /* what it would find in tls.cert */
};

/* Runs one command line; returns an exit status of base/exit.h. Call once, from the main thread. */
int sc_cli_main(int argc, char **argv, const struct sc_cli_server *server);
