#pragma once
/* What a new job will be: resolved and checked before anything is kept (submit.c). */

#include "pipeline/pipeline-internal.h"

/* ---- room (arrive.c) ---- */

/* Lets `size` bytes into the quota, with those that arrive (but of the recording of that sum; NULL:
 * not known) and those that open intakes (but the one of that id) will take; for whoever has
 * quota_turn. What is stored already needs no room. STORAGE_QUOTA. */
SC_MUST_USE enum sc_code sc_quota_check(struct sc_pipelines *p, int64_t size, int64_t but,
                                        const char *sha256, struct sc_error *err);
/* Takes quota_turn. */
SC_MUST_USE enum sc_code sc_quota_take_turn(struct sc_pipelines *p, struct sc_error *err);
/* NO_SPACE when `size` bytes more would leave less than upload.reserve free on the disk. */
SC_MUST_USE enum sc_code sc_disk_check(struct sc_pipelines *p, int64_t size, struct sc_error *err);

/* ---- bytes (bytes.c) ---- */

/* Feeds the bytes of fd from *at to `end` to the sum; *at: how far it came. IO_ERROR when there are
 * fewer, SHUTTING_DOWN. */
SC_MUST_USE enum sc_code sc_bytes_hash(struct sc_pipelines *p, int fd, int64_t *at, int64_t end,
                                       struct sc_hash *sum, struct sc_error *err);

/* ---- what a job will be ---- */

struct sc_plan { /* a job to be made, resolved and checked */
    struct sc_job_spec spec;
    char version[40];
    struct sc_model_identity model;
    bool is_english; /* the model knows no other language */
    bool is_ours;    /* the engine has models of ours: what it takes by itself is known */
    char dedupe[65];
    char dedupe_before[65]; /* of all settings, as earlier versions made it */
    char fingerprint[65];
    struct sc_buf settings; /* owned … */
    struct sc_buf identity; /* … and what of them the text depends on */
    const char *idempotency_key;
};
void sc_plan_done(struct sc_plan *plan);
/* Resolves engine and model and fills what does not depend on the file's row. options are borrowed
 * until the plan is done. */
SC_MUST_USE enum sc_code sc_plan_make(struct sc_pipelines *p, int64_t owner_id,
                                      struct sc_job_options *options, const char *key,
                                      struct sc_plan *plan, struct sc_error *err);
/* The same for a job on a recording: INVALID_VALUE where the pipeline takes none. */
SC_MUST_USE enum sc_code sc_plan_make_for_file(struct sc_pipelines *p, int64_t owner_id,
                                               struct sc_job_options *options, const char *key,
                                               struct sc_plan *plan, struct sc_error *err);
/* Has a recording of so many channels (0: not known) what the options ask for? */
SC_MUST_USE enum sc_code sc_plan_check_sound(const struct sc_job_options *options, int channels,
                                             struct sc_error *err);
/* Now the file is known ("" hash: none). */
void sc_plan_set_file(struct sc_plan *plan, const struct sc_job_options *options, int64_t file_id,
                      const char *hash, const char *name, int64_t duration_ms);
/* The same for bytes that come without a job. */
void sc_plan_set_bytes(struct sc_plan *plan, int64_t owner_id, const char *key, const char *hash);
/* IDEMPOTENCY_CONFLICT when the key was used with another request: told before anything is kept. */
SC_MUST_USE enum sc_code sc_plan_check_key(const struct sc_plan *plan, struct sc_conn *conn,
                                           struct sc_error *err);
/* What the plan would cost with this file (id 0: not there yet); storage_bytes is the caller's. */
SC_MUST_USE enum sc_code sc_plan_cost(struct sc_pipelines *p, const struct sc_plan *plan,
                                      const struct sc_file *file, struct sc_cost *out,
                                      struct sc_error *err);
/* Inside the write, without a job: out->file under its key. */
SC_MUST_USE enum sc_code sc_plan_write_file(struct sc_conn *tx, const struct sc_plan *plan,
                                            struct sc_arrived *out, struct sc_error *err);
/* Inside the write: the earlier answer of the key, the earlier job, or a new one. */
SC_MUST_USE enum sc_code sc_plan_write(struct sc_pipelines *p, struct sc_conn *tx,
                                       const struct sc_plan *plan, struct sc_arrived *out,
                                       struct sc_error *err);
