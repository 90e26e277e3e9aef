#pragma once
/* Exit codes of `scripta` and `scripta-media`: a contract with scripts, listed in docs/cli.md. */
enum sc_exit {
    SC_EXIT_OK = 0,
    SC_EXIT_FAILED = 1,      /* a job failed, or some of several things failed */
    SC_EXIT_USAGE = 2,       /* wrong command, option or value */
    SC_EXIT_MISSING = 3,     /* the thing named does not exist */
    SC_EXIT_CONFLICT = 4,    /* the state does not allow it */
    SC_EXIT_DATA = 5,        /* the input is no usable audio, or too large */
    SC_EXIT_ENGINE = 6,      /* engine or model unusable */
    SC_EXIT_STORE = 7,       /* store missing, damaged, locked, newer */
    SC_EXIT_NO_SPACE = 8,    /* disk or quota full */
    SC_EXIT_UNREACHABLE = 9, /* no server answers */
    SC_EXIT_DENIED = 10,     /* not allowed */
    SC_EXIT_TIMEOUT = 11,    /* waited long enough */
    SC_EXIT_CONFIG = 12,     /* configuration or installation is wrong */
    SC_EXIT_IO = 13,         /* a file could not be read or written */
    SC_EXIT_INTERNAL = 70,   /* a bug */
    SC_EXIT_CANCELLED = 130, /* Ctrl-C */
};
