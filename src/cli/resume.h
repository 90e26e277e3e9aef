#pragma once
/* Sending a recording to a server far away: in a piece that goes on where it was cut, by a broken
 * line, a server that starts again, or the end of an earlier command that sent the same. */

#include "cli/session.h"

struct sc_resume {
    const char *file; /* a regular one */
    const char *file_name;
    const struct sc_upload_field *fields; /* options of the job */
    size_t field_count;
    bool waiting; /* as sc_submission has it */
    sc_upload_progress_fn progress;
    bool (*stop)(void *ctx); /* true: CANCELLED */
    void *ctx;
};

/* Is it worth it? Smaller files are sent again as a whole. */
bool sc_resume_suits(const struct sc_cli *cli, const char *file);
/* What POST /api/upload would: *status 200 for an earlier job, else 201; reply: the job. Goes on by
 * itself for as long as something comes through now and then; *kept: what came waits for the same
 * command. NOT_FOUND: the server is an older one, which knows no pieces. */
SC_MUST_USE enum sc_code sc_resume_send(struct sc_cli *cli, const struct sc_resume *what,
                                        int *status, struct sc_buf *reply, bool *kept,
                                        struct sc_error *err);
