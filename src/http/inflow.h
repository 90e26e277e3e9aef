#pragma once
/* Bytes of a body on their way into a file: hashed, and where that may be, written in blocks beside
 * the thread that receives them. Used by one thread at a time. */

#include "base/error.h"
#include "http/hasher.h"

struct sc_inflow {
    int fd;      /* borrowed; its position is where the first byte goes */
    bool beside; /* the line writes */
    int64_t limit;
    const char *field; /* that FILE_TOO_LARGE names */
    struct sc_hash_line *line;
    char *block; /* of the line; the bytes that are not written yet */
    size_t filled;
    int64_t size;    /* bytes that came */
    int64_t written; /* … that are in the file and in the sums, or on their way into these */
    int64_t begun;   /* … that are on their way to the disk, unless the line writes */
    int64_t offset;  /* of the first byte in the file */
};

/* A file of which nothing counts before all of it has come: written by other threads. */
void sc_inflow_begin(struct sc_inflow *in, int fd, struct sc_hasher *hasher,
                     const struct sc_hash_sums *sums);
/* A file of which each byte counts that is in it: written by the caller's thread, before it is
 * hashed. */
void sc_inflow_begin_at(struct sc_inflow *in, int fd, int64_t offset, struct sc_hasher *hasher,
                        const struct sc_hash_sums *sums);
/* FILE_TOO_LARGE, and what the disk says, at the latest some blocks later: nothing may be added
 * afterwards. *passed: another stretch of some MiB has been written. */
SC_MUST_USE enum sc_code sc_inflow_add(struct sc_inflow *in, const char *bytes, size_t len,
                                       bool *passed, struct sc_error *err);
/* Writes what is left over and waits for the file and the sums. */
SC_MUST_USE enum sc_code sc_inflow_finish(struct sc_inflow *in, struct sc_error *err);
/* Waits for the sums to hold what was written; a zeroed one is fine. */
void sc_inflow_done(struct sc_inflow *in);
