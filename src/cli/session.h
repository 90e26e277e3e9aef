#pragma once
/* What a command works with: settings, the connection to a server, standard output and error. */

#include "base/buf.h"
#include "base/error.h"
#include "cli/cli.h"
#include "config/config.h"
#include "net/client.h"
#include "json/reader.h"

/* What is wrong with the settings: each value of each source. Owned by cli.c. */
struct sc_complaints {
    struct sc_error *rows;
    size_t count, cap;
};

struct sc_args;

struct sc_cli {
    const struct sc_config *config;          /* NULL for commands that need none */
    const struct sc_config_sources *sources; /* that it was loaded from; NULL with it */
    const struct sc_cli_server *server;
    const struct sc_args *args; /* the command line */
    bool json;                  /* print the API's JSON */
    bool quiet;                 /* results and errors only */
    int verbose;
    bool out_is_terminal;
    bool err_is_terminal;           /* one that a line can be redrawn on */
    bool colour;                    /* on standard error */
    bool said_engine;               /* where it hears, and why it is not a better one */
    bool said_settings;             /* that a server which runs has its own */
    bool data_given;                /* --data or its variable named the folder */
    const char *const *server_args; /* flags that a server we start must get too; ends in NULL */
    struct sc_client *client;       /* NULL: not connected */
    const struct sc_complaints *bad_settings; /* for a command that runs all the same; else NULL */
};

/* ---- output ---------------------------------------------------------------------------------- */

/* Reports on standard error, as JSON with --json; returns the exit status of the code. */
int sc_cli_fail(const struct sc_cli *cli, const struct sc_error *err);
/* The same with what a person can do about it, where that is not what it is elsewhere; or NULL. */
int sc_cli_fail_hint(const struct sc_cli *cli, const struct sc_error *err, const char *hint);
/* A line for a person on standard error, made printable; nothing with --quiet. */
void sc_cli_note(const struct sc_cli *cli, const char *fmt, ...) SC_PRINTF(2, 3);
/* A message of the server, which names members and parameters ("music=keep", "with force"), in the
 * words of the command line ("--music keep"), and large sizes in bytes as people read them. */
void sc_cli_put_message(struct sc_buf *out, const char *message);
/* Writes to standard output and flushes; IO_ERROR when that fails (a closed pipe, a full disk). */
SC_MUST_USE enum sc_code sc_cli_print(struct sc_str text, struct sc_error *err);
/* A file that the user asked for: whole or not at all, with the mode that it had or that the umask
 * gives. What is no regular file (a pipe, a terminal) is written to; a folder is refused. */
SC_MUST_USE enum sc_code sc_cli_write_file(const char *path, const struct sc_buf *text,
                                           struct sc_error *err);
/* Not while other threads make files. */
mode_t sc_cli_umask(void);
/* Prints, and turns the outcome into an exit status. */
int sc_cli_done(const struct sc_cli *cli, const struct sc_buf *text);
/* The reply as it came, with a line feed. */
int sc_cli_done_json(const struct sc_cli *cli, const struct sc_buf *reply);

/* ---- interruption ---------------------------------------------------------------------------- */

/* From now on SIGINT and SIGTERM set a mark instead of ending the process; a second one ends it. */
void sc_cli_catch_signals(void);
bool sc_cli_interrupted(void);

/* ---- the server ------------------------------------------------------------------------------ */

/* Connects to the server that the command line means, and starts one when it is ours to start. */
SC_MUST_USE enum sc_code sc_cli_connect(struct sc_cli *cli, struct sc_error *err);
void sc_cli_disconnect(struct sc_cli *cli);
/* Starts a server of our data folder, in a session of its own, with these flags (ends in NULL) and
 * the settings of this command line; SC_OK once it is ready. Its standard error goes to `log_name`
 * in logs/. Errors are the server's own: STORE_LOCKED when there is one already. */
SC_MUST_USE enum sc_code sc_cli_start_server(const struct sc_cli *cli, const char *const *flags,
                                             const char *log_name, int *out_pid,
                                             struct sc_error *err);
/* Does a server answer that owns the data folder of this command line? Starts none. */
bool sc_cli_server_runs(const struct sc_cli *cli);
/* Is the server one that we would start ourselves? */
bool sc_cli_server_is_local(const struct sc_cli *cli);
/* One call; connects first. A server that went away before answering is connected to again, and
 * started again when it is ours; so only calls that may run twice belong here. */
SC_MUST_USE enum sc_code sc_cli_call(struct sc_cli *cli, const char *method, const char *path,
                                     const char *body, struct sc_buf *reply, struct sc_error *err);
/* The same, and the reply parsed. Values are borrowed from *doc. */
SC_MUST_USE enum sc_code sc_cli_fetch(struct sc_cli *cli, const char *method, const char *path,
                                      struct sc_buf *reply, struct sc_json_doc **doc,
                                      struct sc_error *err);
/* "/api/jobs/<id>/cancel", with id percent-encoded. Owned by the caller. */
char *sc_cli_path(const char *before, const char *id, const char *after);
