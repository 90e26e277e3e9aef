#pragma once
/* Recordings that arrive in pieces: each piece goes behind the ones before it, and when all of them
 * are there the recording arrives as one that came at once (sc_pipelines_arrive).
 *
 * The bytes of an open intake are in incoming/<upload_id>.part of the data folder, its row
 * (library/intakes.h) says how many of them are on the disk for good. Whoever acts on one holds it:
 * one at a time, the others hear UPLOAD_LOCKED. Thread-safe; a held intake is its holder's. */

#include "base/hash.h"
#include "library/intakes.h"
#include "pipeline/pipeline.h"

struct sc_intake;

struct sc_intake_spec {
    int64_t owner_id;
    int64_t total;         /* bytes; -1: told later */
    const char *name;      /* of the file */
    const char *options;   /* of the job: a JSON object of texts; NULL: no job */
    const char *metadata;  /* kept for the client */
    const char *key;       /* Idempotency-Key; NULL: none */
    const char *temp_path; /* the first bytes, on the data folder's file system; NULL: none came */
    int fd;
    int64_t size;
    struct sc_hash *hash; /* their running sum; taken, also on failure */
};
/* Reads what sc_intake_spec has as options into a fresh struct, and *waiting (struct sc_arrival)
 * where they say so; INVALID_VALUE names the bad ones. */
SC_MUST_USE enum sc_code sc_intake_options(const char *json, struct sc_job_options *out,
                                           bool *waiting, struct sc_error *err);
/* A new one, durable and held by the caller, with the first bytes in it (their temp file is gone
 * then). Or the owner's open one of the same key, length and metadata: *out is not set then, the
 * bytes that came along are not used. *row: a copy, to be done with. FILE_TOO_LARGE, STORAGE_QUOTA,
 * NO_SPACE, RATE_LIMITED, IDEMPOTENCY_CONFLICT, and what the job's options give rise to. */
SC_MUST_USE enum sc_code sc_intake_create(struct sc_pipelines *p, const struct sc_intake_spec *spec,
                                          struct sc_intake **out, struct sc_intake_row *row,
                                          struct sc_error *err);
/* UPLOAD_NOT_FOUND, UPLOAD_LOCKED. */
SC_MUST_USE enum sc_code sc_intake_hold(struct sc_pipelines *p, int64_t owner_id,
                                        const char *upload_id, struct sc_intake **out,
                                        struct sc_error *err);
void sc_intake_release(struct sc_intake *in);
SC_DEFINE_FREEP(struct sc_intake, sc_intake_release);
/* As it stands; borrowed until the next call on it. Its offset is what is on the disk for good. */
const struct sc_intake_row *sc_intake_row(const struct sc_intake *in);
/* How far it has come. */
int64_t sc_intake_offset(const struct sc_intake *in);
/* Without holding it: what the row says, and in *come how far it has come, which may be further
 * than what is on the disk. */
SC_MUST_USE enum sc_code sc_intake_look(struct sc_pipelines *p, int64_t owner_id,
                                        const char *upload_id, struct sc_intake_row *out,
                                        int64_t *come, struct sc_error *err);
/* The length, where it was not told before. INVALID_VALUE, FILE_TOO_LARGE, STORAGE_QUOTA. */
SC_MUST_USE enum sc_code sc_intake_set_total(struct sc_intake *in, int64_t total,
                                             struct sc_error *err);

/* ---- a piece ---- */

struct sc_checksum {
    enum sc_hash_kind kind;
    unsigned char bytes[SC_HASH_BYTES_MAX];
    size_t len; /* 0: none was sent */
};
struct sc_intake_piece {
    int fd;
    int64_t offset, limit;         /* of the first byte; bytes that still belong to it */
    struct sc_hash *whole, *piece; /* to be fed what is written; NULL: not needed */
};
/* Opens the file behind what it has. `expected`: bytes that are coming, -1: unknown. out is
 * borrowed until the end. FILE_TOO_LARGE, STORAGE_QUOTA, NO_SPACE. */
SC_MUST_USE enum sc_code sc_intake_begin(struct sc_intake *in, const struct sc_checksum *sum,
                                         int64_t expected, struct sc_intake_piece *out,
                                         struct sc_error *err);
/* So many bytes of the piece are written by now: they are brought to the disk meanwhile. Does not
 * block. */
void sc_intake_progress(struct sc_intake *in, int64_t bytes);
/* The piece has ended after so many bytes. They stay, and SC_OK means that they stay for good;
 * CHECKSUM_MISMATCH: none of them do. */
SC_MUST_USE enum sc_code sc_intake_end(struct sc_intake *in, int64_t bytes, struct sc_error *err);
/* The client has gone. What came stays, unless it was to be held against a checksum. Does not wait
 * for the disk. */
void sc_intake_cut(struct sc_intake *in, int64_t bytes);

/* ---- the end ---- */

/* Brings what is written to the disk; when that is all, makes the recording and its job of it, also
 * after an earlier attempt that failed. What the recording is refused for it is refused for ever
 * (the row's state); other failures leave it as it is. */
SC_MUST_USE enum sc_code sc_intake_finish(struct sc_intake *in, struct sc_error *err);
/* Forgets it and removes its bytes; a recording that it has become stays. */
SC_MUST_USE enum sc_code sc_intake_remove(struct sc_intake *in, struct sc_error *err);
/* Removes one that has expired. *next_ms: when to call again; 0 at once, -1: there are none. */
SC_MUST_USE enum sc_code sc_intake_expire(struct sc_pipelines *p, int64_t *next_ms,
                                          struct sc_error *err);
