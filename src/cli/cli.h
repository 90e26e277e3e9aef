#pragma once
/* The command line: a client of a server, which it starts for itself when none runs. */

struct sc_config;
struct sc_serve_options;

/* `scripta serve`, given by main so that this module and its tests do without the server. */
typedef int (*sc_cli_serve_fn)(const struct sc_config *config,
                               const struct sc_serve_options *options);

/* Runs one command line; returns an exit status of base/exit.h. Call once, from the main thread. */
int sc_cli_main(int argc, char **argv, sc_cli_serve_fn serve);
