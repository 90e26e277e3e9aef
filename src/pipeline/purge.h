#pragma once
/* Removing what is marked, in slices. */

#include "pipeline/pipeline-internal.h"

#define SC_PURGE_SLICE 100 /* rows per write */

enum sc_purge_state {
    SC_PURGE_NOTHING,
    SC_PURGE_MORE,
    SC_PURGE_HELD, /* what is left is in use for a while */
};
SC_MUST_USE enum sc_code sc_purge_step(struct sc_pipelines *p, enum sc_purge_state *state,
                                       struct sc_error *err);
/* The part of a step that looks after files. */
SC_MUST_USE enum sc_code sc_purge_files(struct sc_pipelines *p, enum sc_purge_state *state,
                                        struct sc_error *err);
/* Waits a little, at most until then (monotonic), for one of our threads to let go of its task. */
void sc_runners_wait_turn(struct sc_pipelines *p, int64_t until_ms);
/* Waits for our threads to let go of a job, whose exports they may write; false: not until then. */
bool sc_runners_wait_for(struct sc_pipelines *p, int64_t job, int64_t until_ms);

/* ---- inside a write ---- */

/* Runs a statement about a row; takes what it changed off what this write may still remove. */
SC_MUST_USE enum sc_code sc_purge_rows(struct sc_conn *tx, enum sc_sql sql, const char *name,
                                       int64_t id, int64_t *left, struct sc_error *err);
/* Before the row `id` of files or transcripts goes; counter: "files.last_id",
 * "transcripts.last_id". */
SC_MUST_USE enum sc_code sc_purge_keep_id(struct sc_conn *tx, const char *counter, int64_t id,
                                          struct sc_error *err);
/* Which transcripts: the statement that finds the next one, with its parameter. */
struct sc_purge_of {
    enum sc_sql next;
    const char *name;
    int64_t id;
};
/* Transcripts with all that hangs on them, also the files that they were exported to, as far as
 * *left goes. */
SC_MUST_USE enum sc_code sc_purge_transcripts(struct sc_pipelines *p, struct sc_conn *tx,
                                              const struct sc_purge_of *of, int64_t *left,
                                              struct sc_error *err);
