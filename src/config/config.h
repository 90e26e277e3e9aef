#pragma once
/* Settings: one table (options.def) gives the struct, the parsers, `config show`, docs/config.md
 * and the example file. Later wins: defaults, one YAML file, a .env file, environment, flags. */

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"

struct sc_config {
#define SC_OPTION_TEXT(field, ...) char *field;
#define SC_OPTION_INT(field, ...) int64_t field;
#define SC_OPTION_BOOL(field, ...) bool field;
#define SC_OPTION_SIZE(field, ...) int64_t field;     /* bytes */
#define SC_OPTION_DURATION(field, ...) int64_t field; /* milliseconds */
#define SC_OPTION_ENUM(field, ...) char *field;
#define SC_OPTION_LIST(field, ...) char *field;
#include "config/options.def"

#include "config/options-undef.h"
};

/* A setting of the command line. */
struct sc_config_override {
    const char *flag;       /* as it was typed, for messages: "--set" */
    const char *assignment; /* "name=value"; NULL ends a list */
};

struct sc_config_sources {
    const char *file;     /* --config FILE; NULL: <data_dir>/scripta.yaml when it exists */
    const char *env_file; /* --env-file FILE; NULL: .env beside the config file, else in the data
                           * folder, when it exists */
    const struct sc_config_override *overrides; /* may be NULL */
    /* Told of each thing that is wrong, not only of the first; may be NULL. */
    void (*complain)(void *ctx, const struct sc_error *err);
    void *ctx;
};

/* Loads all sources. CONFIG_ERROR (of a flag: INVALID_VALUE) names option, value, allowed range and
 * where (file:line, variable, flag); where several are wrong, the first. An unknown key is an
 * error, in the environment only a wrong value is. Durations also take name_ms with a whole number
 * of milliseconds, secrets name_file with a file that holds the value. data_dir comes out absolute,
 * whether it exists or not. *out is the caller's: sc_config_free. Reads the environment: call
 * before threads that change it. */
SC_MUST_USE enum sc_code sc_config_load(const struct sc_config_sources *sources,
                                        struct sc_config **out, struct sc_error *err);
void sc_config_free(struct sc_config *config);
SC_DEFINE_FREEP(struct sc_config, sc_config_free);

/* Makes the data folder with the folder `name` in it, if they are missing; both survive a power
 * cut. The error tells that it is about the data folder, and how another is chosen. */
SC_MUST_USE enum sc_code sc_data_dir_make(const char *data_dir, const char *name,
                                          struct sc_error *err);

/* What the engines need, for a process that is given it through a descriptor: `name=value` pairs,
 * each ended by NUL, secrets in the clear. Never on a command line, nor in a log. */
void sc_config_hand_over(const struct sc_config *config, struct sc_buf *out);
/* The other end: defaults and these pairs, no file and no environment. CONFIG_ERROR. */
SC_MUST_USE enum sc_code sc_config_receive(struct sc_str pairs, struct sc_config **out,
                                           struct sc_error *err);

/* One row of the table, for `config show`, docs and completion. */
struct sc_option_info {
    const char *name; /* "queue.lease_ms" */
    const char *env;  /* "SCRIPTA_QUEUE_LEASE_MS" */
    const char *type; /* "text", "integer", "boolean", "size", "duration", "choice", "list" */
    const char *fallback;
    const char *range; /* "", "1 to 64", "at least 100 ms", "a|b|c" */
    const char *help;
    bool secret;  /* shown as *** */
    bool restart; /* a reload does not change it */
};
size_t sc_option_count(void);
const struct sc_option_info *sc_option_at(size_t index);
/* Value as text and where it came from ("default", "env SCRIPTA_X", "file:line", "--set"; for
 * name_file the file that held it, and that in brackets). */
void sc_config_show(const struct sc_config *config, size_t index, struct sc_buf *value,
                    struct sc_buf *source);
/* docs/config.md and the example YAML file. */
/* A variable SCRIPTA_… of the environment that no option has, for `config check`; NULL: none after
 * `after` (NULL: from the first). Borrowed from the environment, up to its '='. */
const char *sc_config_unknown_env(const char *after);
void sc_config_write_docs(struct sc_buf *out);
void sc_config_write_example(struct sc_buf *out);
