#pragma once
/* Reading a command line against tables of flags. Nothing is printed here. */

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

enum sc_flag_kind {
    SC_FLAG_SWITCH, /* --quiet */
    SC_FLAG_VALUE,  /* --format srt, --format=srt, -f srt, -fsrt */
    SC_FLAG_ON,     /* --words, --words=off, --words off: a switch that may name its state */
};

struct sc_flag {
    const char *name; /* without the dashes; NULL ends a table */
    char letter;      /* 0: none */
    enum sc_flag_kind kind;
    const char *value; /* name of the value in help: "FILE" */
    const char *help;
    const char *heading; /* over this one and those behind it; NULL: none */
};

struct sc_command;

#define SC_ARGS_GIVEN 64

struct sc_args {
    const struct sc_command *command; /* NULL: none was named */
    const char *group; /* "db" when only the first of two words was given; from argv */
    struct {
        const struct sc_flag *flag;
        const char *value; /* borrowed from argv; "on" for a switch */
    } given[SC_ARGS_GIVEN];
    size_t given_count;
    const char **words; /* what is left: files, ids; owned, the strings are argv's */
    size_t word_count;
    struct sc_flag *job_flags;    /* made from the job options; owned */
    struct sc_flag *export_flags; /* made from the options of exports; owned */
};

/* argv[0] is the program; the commands are those of cli/command.h. INVALID_VALUE names what is
 * wrong and the nearest known word; *out is filled as far as it went also then (the caller learns
 * of --json before the error), and is the caller's: sc_args_done. */
SC_MUST_USE enum sc_code sc_args_parse(int argc, char **argv, struct sc_args *out,
                                       struct sc_error *err);
void sc_args_done(struct sc_args *args);

bool sc_args_has(const struct sc_args *args, const char *flag);
/* Does its command take an option that the API calls `field` ("group_by")? */
bool sc_args_knows(const struct sc_args *args, const char *field);
/* The last value given, or fallback. */
const char *sc_args_get(const struct sc_args *args, const char *flag, const char *fallback);
/* err->field is an option by its name in the API, "max_lines": from now on the message and the
 * field name it as it is typed, "--max-lines" and "max-lines". NULL allowed. */
void sc_args_as_typed(struct sc_error *err);
/* A whole number; INVALID_VALUE outside [min, max]. *out stays when the flag was not given. */
SC_MUST_USE enum sc_code sc_args_int(const struct sc_args *args, const char *flag, int64_t min,
                                     int64_t max, int64_t *out, struct sc_error *err);
