#pragma once
/* The command line: a client of a server, which it starts for itself when none runs. */

struct sc_buf;
struct sc_config;
struct sc_serve_options;

/* What the server does of the command line, given by main so that this module and its tests do
 * without the server. */
struct sc_cli_server {
    int (*serve)(const struct sc_config *config, const struct sc_serve_options *options);
    void (*describe_api)(struct sc_buf *out); /* as OpenAPI tells it */
};

/* Runs one command line; returns an exit status of base/exit.h. Call once, from the main thread. */
int sc_cli_main(int argc, char **argv, const struct sc_cli_server *server);
