#pragma once
/* What the list and show commands share. */

#include "cli/args.h"
#include "cli/session.h"
#include "cli/view.h"

struct sc_list {
    const char *path;   /* "/api/jobs" */
    const char *member; /* "jobs" */
    const struct sc_view_column *columns;
    /* Flags that become query parameters of the same name (with _ for -); ends in NULL. */
    const char *const *filters;
    const char *empty; /* said instead of an empty table */
};
/* Flags that every list takes. */
#define SC_LIST_FLAGS                                                             \
    { "limit", 'n', SC_FLAG_VALUE, "N", "Rows at most, 1 to 500. Default: 50" },  \
    {                                                                             \
        "cursor", 0, SC_FLAG_VALUE, "CURSOR", "Go on where the page before ended" \
    }
int sc_list_run(struct sc_cli *cli, const struct sc_args *args, const struct sc_list *list);

/* Appends "&name=value" for each flag that was given. */
void sc_list_parameters(struct sc_buf *path, const struct sc_args *args, const char *const *flags);

/* GETs one thing and prints it as sc_view_object does. */
int sc_show_run(struct sc_cli *cli, const char *before, const char *id, const char *const *skip);

/* One call for each word of the command line. */
struct sc_each {
    const char *method;
    const char *what; /* "job": said in front of a message that does not name which of several */
    const char *before, *after; /* the path around the word */
    const char *done;           /* "cancelled": printed behind the word */
    const char *refused;        /* what to do about a CONFLICT; may be NULL */
};
/* Prints the reply with --json, else "<word> <done>". The exit status is that of the one failure,
 * or 1 of several. */
int sc_each_run(struct sc_cli *cli, const struct sc_args *args, const struct sc_each *each);
/* The status of several things of which `failed` failed, the last with `last`. */
int sc_exit_of_several(size_t count, size_t failed, int last);
/* Width for tables: of the terminal, or 0 (never cut) in a pipe. */
int sc_list_width(const struct sc_cli *cli);
/* Times for tables: as seen from now on a terminal; in a pipe, or a file that is read later, as
 * they are (-1). */
int64_t sc_list_now(const struct sc_cli *cli);
