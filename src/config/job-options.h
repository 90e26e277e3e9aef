#pragma once
/* The options of a job, one table: CLI flags, form fields, JSON bodies and the page are made from
 * it. The canonical form enters the dedupe key. */

#include "base/buf.h"
#include "base/error.h"

struct sc_json_value;
struct sc_job_options;

enum sc_job_option_type {
    SC_JOB_TEXT,
    SC_JOB_BOOL,
    SC_JOB_INT,
    SC_JOB_REAL, /* at most three digits behind the point */
    SC_JOB_ENUM,
    SC_JOB_TIME,     /* RFC 3339, or a duration from now */
    SC_JOB_DURATION, /* "90", "15m"; a JSON number is seconds */
};

struct sc_job_option {
    const char *name;           /* "vad" */
    const char *heading;        /* of the options from this one on; NULL: that of the one before */
    const char *const *aliases; /* older spellings ("model_size"), ends in NULL; may be NULL */
    char flag;                  /* CLI short flag or 0; the long one is --name with - for _ */
    enum sc_job_option_type type;
    const char *fallback; /* default as text; "" = decided later (engine, model) */
    /* Of whole numbers; of decimals in thousandths; of the length of text in bytes; of durations in
     * milliseconds. */
    int64_t min, max;
    const char *choices;         /* "high|normal|low" for enums */
    const char *const *synonyms; /* choice, the one that it means, …, NULL; may be NULL */
    const char *pipelines;       /* "transcribe|convert", "*" = all */
    bool identity;               /* enters the dedupe key */
    bool sparse;    /* … only when it is not the default: younger than the keys of kept jobs */
    bool needs_vad; /* only where vad is on */
    bool by_engine; /* only engines that say so take it */
    bool inert;     /* what is heard does not depend on it: of no account for the dedupe key */
    /* What our own engines take where it is not told, which is then the same; where a temperature
     * above 0 is told, and that is another: the second. NULL: none is the same. */
    const char *usual, *usual_warm;
    const char *remedy; /* behind what is allowed, when a value is refused; may be NULL */
    const char *help;
};
const struct sc_job_option *sc_job_option_all(size_t *count);
const struct sc_job_option *sc_job_option_find(struct sc_str name); /* aliases too; NULL: unknown */
/* Is it one of those that only some engines take, and was it given? The next after `after` (NULL:
 * the first) in the order of the table; NULL: no more. */
const struct sc_job_option *sc_job_options_next_by_engine(const struct sc_job_options *o,
                                                          const struct sc_job_option *after);
/* Is this what the option is when nobody gives it? */
bool sc_job_option_is_default(const struct sc_job_option *option, const char *text);
/* Does the pipeline take the option? */
bool sc_job_option_applies(const struct sc_job_option *option, const char *pipeline);

/* The options given with one request: validated, with defaults behind them. */
struct sc_job_options *sc_job_options_new(void);
void sc_job_options_free(struct sc_job_options *o);
SC_DEFINE_FREEP(struct sc_job_options, sc_job_options_free);
/* From text (form field, flag). INVALID_VALUE names the field, the value, what is allowed; an
 * unknown name lists the nearest known one. A second value for one option is refused. */
SC_MUST_USE enum sc_code sc_job_options_set(struct sc_job_options *o, struct sc_str name,
                                            struct sc_str value, struct sc_error *err);
/* From a JSON value. */
SC_MUST_USE enum sc_code sc_job_options_set_json(struct sc_job_options *o, const char *name,
                                                 const struct sc_json_value *value,
                                                 struct sc_error *err);
/* After all were set: options that the pipeline does not take, or that another option makes
 * meaningless, are refused by name. */
SC_MUST_USE enum sc_code sc_job_options_check(const struct sc_job_options *o, struct sc_error *err);
/* Value or default in its canonical spelling ("true", RFC 3339, "15m"); "" when neither. Borrowed.
 */
const char *sc_job_options_text(const struct sc_job_options *o, const char *name);
bool sc_job_options_bool(const struct sc_job_options *o, const char *name);
/* Integers as they are, times as wall milliseconds, durations as milliseconds; 0 when "". */
int64_t sc_job_options_int(const struct sc_job_options *o, const char *name);
bool sc_job_options_given(const struct sc_job_options *o, const char *name);
/* Replaces the default of an option that was not given (engine, model once resolved). */
void sc_job_options_resolve(struct sc_job_options *o, const char *name, const char *value);
/* The value in full of what was given short, or not given: "base.en" where "base.en-q5_1" was
 * found.
 */
void sc_job_options_settle(struct sc_job_options *o, const char *name, const char *value);
/* The canonical form has the option even at its default: for this job, which an earlier version
 * would have done otherwise, that means something. */
void sc_job_options_state(struct sc_job_options *o, const char *name);
bool sc_job_options_stated(const struct sc_job_options *o, const char *name);
/* Of changes: the option is to be at its default again. */
void sc_job_options_drop(struct sc_job_options *o, const char *name);
bool sc_job_options_dropped(const struct sc_job_options *o, const char *name);
/* The options that do not enter the canonical form and are not at their defaults, times as they
 * were given: two requests with equal wishes and equal canonical forms ask for the same. */
void sc_job_options_wishes(const struct sc_job_options *o, struct sc_buf *out);
/* Canonical JSON (sorted keys, defaults resolved, sparse defaults left out but those that are
 * stated) of the identity options of the pipeline. */
void sc_job_options_canonical(const struct sc_job_options *o, struct sc_buf *out);
/* The same as far as it tells which text comes of it: for the dedupe key. ours: the engine is one
 * of ours, and what it takes by itself is known. */
void sc_job_options_identity(const struct sc_job_options *o, bool ours, struct sc_buf *out);
/* A value of the canonical form as the text that the option takes. */
void sc_job_option_put_text(const struct sc_job_option *option, const struct sc_json_value *value,
                            struct sc_buf *out);
/* Do the settings of an earlier job, in their canonical form, have that identity? */
bool sc_job_settings_have_identity(const char *settings, bool ours, const char *identity);
/* Is a temperature above 0 told? */
bool sc_job_options_is_warm(const struct sc_job_options *o);
