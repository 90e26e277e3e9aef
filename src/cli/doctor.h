#pragma once
/* What `scripta doctor` looks at. Each check says one thing: that it is well, what is odd, or what
 * is wrong and how to mend it. Checks change nothing, and start no server. */

#include "cli/session.h"
#include "json/writer.h"

enum sc_mark {
    SC_MARK_OK,
    SC_MARK_NOTE,    /* could not be looked at, or worth knowing */
    SC_MARK_WARNING, /* works, but */
    SC_MARK_PROBLEM,
};

struct sc_doctor {
    struct sc_cli *cli;
    bool media;            /* scripta-media runs */
    bool server;           /* one answers */
    bool asked;            /* … and it answered with its version */
    size_t model_problems; /* that sc_doctor_models told of */
    struct sc_buf text;    /* lines for a person; owned */
    struct sc_json *json;  /* an open array */
    int warnings, problems;
};

/* One finding. fix may be NULL for what is well. */
void sc_doctor_say(struct sc_doctor *d, enum sc_mark mark, const char *what, const char *fix,
                   const char *fmt, ...) SC_PRINTF(5, 6);

/* doctor-host.c: programs, kernel, jail, clock, limits, settings. */
void sc_doctor_programs(struct sc_doctor *d);
void sc_doctor_kernel(struct sc_doctor *d);
void sc_doctor_limits(struct sc_doctor *d);
void sc_doctor_settings(struct sc_doctor *d);
void sc_doctor_certificate(struct sc_doctor *d); /* needs settings */

/* doctor-folder.c: the data folder, its lock, the store in it. Need settings. */
void sc_doctor_folder(struct sc_doctor *d);
void sc_doctor_clock(struct sc_doctor *d);
void sc_doctor_store(struct sc_doctor *d);
void sc_doctor_address(struct sc_doctor *d);

/* doctor-models.c: needs settings, and that the server was asked. */
void sc_doctor_models(struct sc_doctor *d);

/* doctor-server.c: what a running server says, and the engines. Need settings. */
void sc_doctor_server(struct sc_doctor *d);
void sc_doctor_engines(struct sc_doctor *d);
void sc_doctor_queue(struct sc_doctor *d);
void sc_doctor_files(struct sc_doctor *d);
void sc_doctor_recovery(struct sc_doctor *d);
