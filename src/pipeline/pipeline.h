#pragma once
/* Pipelines: what a job is made of, from the arrival of bytes to the finished transcript.
 *
 * The stages `split` and `merge` run on threads of this module in the server's process; engine
 * chunks go to workers through sc_chunk_*. Everything durable is in the store, so that a kill at
 * any moment costs at most the chunk at hand. */

#include "blob/blob.h"
#include "config/job-options.h"
#include "config/live.h"
#include "library/files.h"
#include "library/transcripts.h"
#include "pipeline/chunks.h"
#include "pipeline/peaks.h"
#include "pipeline/ready.h"
#include "pipeline/removal.h"
#include "queue/queue.h"

struct sc_pipelines;

struct sc_pipelines_options {
    struct sc_store *store; /* all borrowed until close */
    struct sc_queue *queue;
    struct sc_hub *hub;
    struct sc_blobs *blobs;
    const struct sc_live_config *config;
};
SC_MUST_USE enum sc_code sc_pipelines_open(const struct sc_pipelines_options *options,
                                           struct sc_pipelines **out, struct sc_error *err);
/* Starts the threads that split and merge. */
SC_MUST_USE enum sc_code sc_pipelines_start(struct sc_pipelines *p, struct sc_error *err);
/* Stops them: what they hold is released at no charge. */
void sc_pipelines_stop(struct sc_pipelines *p);
void sc_pipelines_close(struct sc_pipelines *p);
SC_DEFINE_FREEP(struct sc_pipelines, sc_pipelines_close);

/* ---- arrivals ---- */

struct sc_arrival {
    int64_t owner_id;
    const char *temp_path; /* spooled bytes on the data folder's file system */
    int fd;
    int64_t size;
    const char *sha256;
    const char *name;            /* the client's */
    const char *source;          /* "api" */
    const char *idempotency_key; /* NULL: none */
    int64_t min_duration_ms;     /* AUDIO_TOO_SHORT below it; 0: any length */
    bool waiting; /* the client waits for the job's end; asked_by: the call (sc_job_create) */
    const char *asked_by;
    /* The row of library/intakes.h that these bytes complete: settled in the same write, and only
     * behind it the temp file goes, so that a kill costs none of the bytes; they are synced, and
     * temp_place is temp_path below the data folder. 0: none. */
    int64_t intake;
    const char *temp_place;
};
struct sc_arrived {
    struct sc_file file; /* owned: sc_file_done */
    bool duplicate;      /* the owner had these bytes */
    struct sc_job job;   /* owned: sc_job_done; id 0: none was asked for */
    bool existing_job;   /* the same work, answered with the earlier job */
    bool replayed;       /* Idempotency-Key seen before */
};
void sc_arrived_done(struct sc_arrived *a);
/* Checks (size, quota, space, jailed probe), keeps the bytes durably, writes the file's row and,
 * with options, its job and first task in one transaction. Acknowledged means durable. On success
 * the temp file is gone (moved or removed). FILE_FORMAT, AUDIO_TOO_SHORT, FILE_TOO_LARGE,
 * STORAGE_QUOTA, NO_SPACE, INVALID_VALUE, ENGINE_UNAVAILABLE, IDEMPOTENCY_CONFLICT, …; nothing is
 * kept then. */
SC_MUST_USE enum sc_code sc_pipelines_arrive(struct sc_pipelines *p,
                                             const struct sc_arrival *arrival,
                                             struct sc_job_options *options, struct sc_arrived *out,
                                             struct sc_error *err);
/* A job on a file that is there, or on none (file_id 0). Fills job, existing_job, replayed. */
SC_MUST_USE enum sc_code sc_pipelines_submit(struct sc_pipelines *p, int64_t owner_id,
                                             int64_t file_id, struct sc_job_options *options,
                                             const char *idempotency_key, struct sc_arrived *out,
                                             struct sc_error *err);
/* Would a job on a recording be taken with these options, as far as they alone tell? Resolves
 * them. INVALID_VALUE, ENGINE_UNAVAILABLE, MODEL_ERROR. */
SC_MUST_USE enum sc_code sc_pipelines_check(struct sc_pipelines *p, int64_t owner_id,
                                            struct sc_job_options *options, struct sc_error *err);

/* What a job would cost. */
struct sc_cost {
    int64_t file_id;           /* of the owner's row with these bytes; 0: they are new */
    char job_id[SC_UUID_TEXT]; /* the earlier job of the same work; "": a new one would be made */
    char pipeline[24], engine[24], model[120];
    bool model_unchecked;  /* only what is behind the engine knows whether it has the model */
    int64_t duration_ms;   /* -1: not known before it is decoded */
    int64_t streams;       /* recognised each by itself */
    int64_t chunks;        /* expected; -1: not known */
    int64_t estimate_ms;   /* at the pace of earlier jobs; -1: there are none */
    int64_t storage_bytes; /* that would stay */
    int64_t work_bytes;    /* at most, until the job ends */
};
/* The checks of sc_pipelines_arrive and sc_pipelines_submit, and nothing is kept. The temp file
 * stays. */
SC_MUST_USE enum sc_code sc_pipelines_arrive_cost(struct sc_pipelines *p,
                                                  const struct sc_arrival *arrival,
                                                  struct sc_job_options *options,
                                                  struct sc_cost *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_pipelines_submit_cost(struct sc_pipelines *p, int64_t owner_id,
                                                  int64_t file_id, struct sc_job_options *options,
                                                  struct sc_cost *out, struct sc_error *err);

/* Where the bytes of recordings are; borrowed. */
struct sc_blobs *sc_pipelines_blobs(struct sc_pipelines *p);
/* Opens the bytes of a file for reading, also when they move just now. FILE_NOT_FOUND with the
 * remedy when they are gone. */
SC_MUST_USE enum sc_code sc_pipelines_open_file(struct sc_pipelines *p, const struct sc_file *file,
                                                int *fd, struct sc_error *err);

struct sc_job_change {
    struct sc_job_edit edit;               /* its tags and settings follow from what stands below */
    const struct sc_job_options *settings; /* those that are to change; NULL: none */
    const struct sc_marks_edit *marks;     /* its tags, when `edit` names them */
    int64_t by;                            /* the principal who does it */
};
/* Changes a job (sc_job_edit). New settings are resolved with the job's other ones and checked as
 * for a new job, so that engine, model and dedupe key follow. out is as the change leaves it. Also
 * CONFLICT, INVALID_VALUE, ENGINE_UNAVAILABLE. */
SC_MUST_USE enum sc_code sc_pipelines_edit(struct sc_pipelines *p, int64_t owner_id,
                                           const char *job_id, struct sc_job_change *change,
                                           struct sc_job *out, struct sc_error *err);

/* ---- what is exported unasked ---- */

/* Inside the write that makes a version of a transcript: what `auto_export` wrote of its job is
 * written again, once sc_pipelines_wake says so or a server starts. Nothing for one without a job.
 */
SC_MUST_USE enum sc_code sc_pipelines_owe_exports(struct sc_conn *tx, int64_t transcript,
                                                  struct sc_error *err);
/* Wakes the threads that wait for tasks, for room ahead or for exports that are owed; from any
 * thread. */
void sc_pipelines_wake(struct sc_pipelines *p);

/* ---- what ends ---- */

/* One step of ending what the times-to-live of ended jobs say: tasks, work files, then logs; never
 * a transcript, an output or an upload. *next_ms: in how many milliseconds to call again, 0: at
 * once, -1: not before another job ends. For one thread at a time. */
SC_MUST_USE enum sc_code sc_pipelines_expire(struct sc_pipelines *p, int64_t *next_ms,
                                             struct sc_error *err);
/* A slice of what the history is to forget (history.max_age); *next_ms: 0: there may be more, -1:
 * nothing for a while. For one thread at a time. */
SC_MUST_USE enum sc_code sc_pipelines_forget(struct sc_pipelines *p, int64_t *next_ms,
                                             struct sc_error *err);
struct sc_clean {
    int64_t owner_id;
    int64_t before_ms;     /* jobs that ended before it */
    int state;             /* sc_job_state, -1: completed, failed and cancelled ones */
    bool with_transcripts; /* else transcripts and what was exported stay, without their job */
    bool dry_run;
};
/* Removes the jobs, in slices; *jobs: how many they are. Nobody finds them once it returns, which
 * takes two seconds or a little more; what is left then, or after a kill, is for whoever calls
 * sc_pipelines_purge. */
SC_MUST_USE enum sc_code sc_pipelines_clean(struct sc_pipelines *p, const struct sc_clean *what,
                                            int64_t *jobs, struct sc_error *err);
/* A slice of what is marked to be removed, of any owner. *next_ms: when to call again; 0 at once,
 * -1 when nothing is left, else somebody holds what is next. */
SC_MUST_USE enum sc_code sc_pipelines_purge(struct sc_pipelines *p, int64_t *next_ms,
                                            struct sc_error *err);

/* ---- logs of jobs ---- */

/* The last lines, at most `limit` bytes of them, that a stage wrote; NOT_FOUND: it wrote none. */
SC_MUST_USE enum sc_code sc_job_log_read(const char *root, const char *job_id, enum sc_stage stage,
                                         size_t limit, struct sc_buf *out, bool *cut,
                                         struct sc_error *err);
/* preview.c: the text of a running job as it becomes certain, from the start on: what a chunk says
 * is told once no later chunk can change it, seams settled as the merge will settle them. For one
 * thread at a time. */
struct sc_preview;
struct sc_preview *sc_preview_new(int64_t job);
void sc_preview_free(struct sc_preview *p);
SC_DEFINE_FREEP(struct sc_preview, sc_preview_free);
/* Appends what has become certain since the last call, with times of the recording: some chunks of
 * it, so whoever gets any asks again. Nothing of recordings whose channels are recognised apart.
 * After an error it can only be freed. */
SC_MUST_USE enum sc_code sc_preview_next(struct sc_preview *p, struct sc_conn *conn,
                                         struct sc_segments *out, struct sc_error *err);
/* The same of one event of the log, the completion of a chunk: what that has made certain, now or
 * when the log is read again. Nothing of jobs whose chunks have gone. */
SC_MUST_USE enum sc_code sc_preview_of_event(struct sc_conn *conn, const struct sc_event *event,
                                             struct sc_segments *out, struct sc_error *err);
/* The text of the chunk that it completed, where that is not certain yet: the chunk overlaps the
 * next one, or one in front of it is not done. */
SC_MUST_USE enum sc_code sc_preview_pending(struct sc_conn *conn, const struct sc_event *event,
                                            struct sc_segments *out, struct sc_error *err);
