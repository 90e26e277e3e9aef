#pragma once
/* Chunks of a sequential job (vad/chain.h cuts them): each stream of the recording is a chain. All
 * of its chunks are in the table, but only the first that is not done has a task: the next gets its
 * own in the write that ends the one before, with what the engine hands on (chunks.carry). So after
 * a kill a chain goes on at its last chunk. For files of the module. */

#include "base/error.h"
#include "base/str.h"

#include <stdint.h>

struct sc_conn;
struct sc_pipelines;

struct sc_chain_link {
    int64_t job;
    int chunk, channel; /* as chunks.channel */
    const char *lane;   /* of its task; borrowed */
};
/* Inside the write that adds a chunk's row: counts it, and adds its task if it is its turn: none in
 * front of it is still to be heard. Once more changes nothing. */
SC_MUST_USE enum sc_code sc_chain_add(struct sc_pipelines *p, struct sc_conn *tx,
                                      const struct sc_chain_link *link, struct sc_error *err);
/* Inside the write that ends it: adds the task of the next one, if that is there already; *next:
 * its chunk, or -1. */
SC_MUST_USE enum sc_code sc_chain_next(struct sc_pipelines *p, struct sc_conn *tx,
                                       const struct sc_chain_link *link, int *next,
                                       struct sc_error *err);
/* The same, and keeps what is handed on, forgets what was handed on before. */
SC_MUST_USE enum sc_code sc_chain_go_on(struct sc_pipelines *p, struct sc_conn *tx,
                                        const struct sc_chain_link *link, struct sc_str carry,
                                        struct sc_error *err);
/* What the chunk before hands to this one; *out is the caller's, NULL: it is the first. */
SC_MUST_USE enum sc_code sc_chain_carry(struct sc_conn *conn, int64_t job, int chunk, int channel,
                                        char **out, struct sc_error *err);
/* Is it handed on what must be, and nothing where nobody takes it? INVALID_VALUE names `carry`.
 * until and end in samples; until 0: no chain. */
SC_MUST_USE enum sc_code sc_chain_check(struct sc_str carry, int64_t until, int64_t end,
                                        struct sc_error *err);
