#pragma once
/* The option table inside the module: rows with what parsing needs, and a configuration that
 * remembers where each value came from. */

#include "config/config.h"

#include "base/str.h"

enum option_kind {
    OPTION_TEXT,
    OPTION_INT,
    OPTION_BOOL,
    OPTION_SIZE,
    OPTION_DURATION,
    OPTION_ENUM,
    OPTION_LIST, /* words of choices, separated by commas */
};

struct option_row {
    struct sc_option_info info;
    enum option_kind kind;
    size_t offset; /* in struct sc_config */
    int64_t min, max;
    const char *choices;
};

#define OPTION_COUNT ((size_t)OPTION_COUNT_)
enum {
#define SC_OPTION_TEXT(field, ...) OPTION_INDEX_##field,
#define SC_OPTION_INT(field, ...) OPTION_INDEX_##field,
#define SC_OPTION_BOOL(field, ...) OPTION_INDEX_##field,
#define SC_OPTION_SIZE(field, ...) OPTION_INDEX_##field,
#define SC_OPTION_DURATION(field, ...) OPTION_INDEX_##field,
#define SC_OPTION_ENUM(field, ...) OPTION_INDEX_##field,
#define SC_OPTION_LIST(field, ...) OPTION_INDEX_##field,
#include "config/options.def"

#include "config/options-undef.h"
    OPTION_COUNT_
};

struct loaded {
    struct sc_config values; /* first: what callers see is this */
    char *source[OPTION_COUNT_];
};

/* How a value is spelled: as itself, as a number of milliseconds, as a file that holds it. */
enum option_form { FORM_VALUE, FORM_MS, FORM_FILE };

const struct option_row *sc_option_row(size_t index);
/* "queue.lease", "queue.lease_ms", "token_file"; false: unknown. */
bool sc_option_find(struct sc_str name, size_t *index, enum option_form *form);
/* "SCRIPTA_QUEUE_LEASE" and its forms, and the short names of the table below it. */
bool sc_option_find_env(struct sc_str env, size_t *index, enum option_form *form);
/* Parses and keeps the value; CONFIG_ERROR names option, value, what is allowed, and source. */
SC_MUST_USE enum sc_code sc_option_assign(struct loaded *to, size_t index, enum option_form form,
                                          struct sc_str value, const char *source,
                                          struct sc_error *err);
/* The nth short variable name and the option behind it; NULL past the last. */
const char *sc_option_short_env(size_t n, size_t *index);
/* The value as the file takes it. Secrets are shown as *** unless empty. */
void sc_option_put_value(const struct sc_config *config, size_t index, struct sc_buf *out);
/* The same, secrets too. */
void sc_option_put_plain(const struct sc_config *config, size_t index, struct sc_buf *out);
