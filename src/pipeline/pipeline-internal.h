#pragma once
/* What the files of the module share. */

#include "base/lock.h"
#include "base/log.h"
#include "pipeline/decoder.h"
#include "pipeline/engines.h"
#include "pipeline/intakes.h"
#include "pipeline/pipeline.h"
#include "pipeline/stretches.h"
#include "transcript/seam.h"

#include <stdatomic.h>

#define SC_LANE_SPLIT "server:split"
#define SC_LANE_MERGE "server:merge"
#define SC_LANE_NOOP "noop"
#define SC_CUT_OVERLAP_MS 1000

/* ---- pipelines: one row each ---- */

struct sc_pipeline_info {
    const char *name;
    bool needs_file;
    bool counted; /* takes a place of max_concurrent */
    enum sc_stage first_stage;
    const char *first_lane;
};
/* NULL: no such pipeline. */
const struct sc_pipeline_info *sc_pipeline_find(const char *name);

/* ---- what scripta-media can do here (ready.c) ---- */

struct sc_ready {
    pthread_mutex_t lock;
    /* -- protected by lock -- */
    enum sc_able decoder;
    struct sc_error why; /* while it is NO */
    int64_t tried_ms;    /* monotonic: when that was found out, or the start */
    pthread_t thread;
    bool started, running; /* a thread to join; it has not ended */
    bool closed;

    /* -- of whoever has p->devices_turn -- */
    int64_t devices_ms; /* monotonic: when they were asked for */
    char *devices;      /* owned; NULL: not yet */
    bool has_devices;   /* it names some */
};
void sc_ready_init(struct sc_ready *r);
/* Ends an attempt that is under way; p->stopping is set. */
void sc_ready_stop(struct sc_ready *r);
void sc_ready_done(struct sc_ready *r);
/* A recording has been probed: that shows it, too. */
void sc_ready_note(struct sc_pipelines *p, enum sc_code code, const struct sc_error *err);

/* ---- runners (runner.c) ---- */

struct sc_runner {
    struct sc_pipelines *p;
    pthread_t thread;
    bool started;
    const char *lane;
    enum sc_code (*run)(struct sc_runner *r, struct sc_error *err);
    atomic_bool cancelled; /* the task at hand is no longer ours */
    /* -- protected by p->lock -- */
    struct sc_task task; /* id 0: idle */
    int64_t exporting;   /* the job whose exports it writes, beside a task of it; 0: none */

    /* -- of its thread -- */
    int64_t owed_after;   /* exports of this job could not be written; 0: none are passed over */
    int64_t owed_from_ms; /* monotonic: they are tried again from then on */
};
/* Is it at work on the job? Under p->lock. */
static inline bool sc_runner_holds_locked(const struct sc_runner *r, int64_t job)
{
    return (r->task.id != 0 && r->task.job == job) || r->exporting == job;
}
/* Polled by what runs for long. */
bool sc_runner_should_stop(void *runner);
/* Waits up to ms, or until stop, cancel or a sc_pipelines_wake after `seen` was read: read it
 * before looking for work, so that no wake-up in between is lost. */
void sc_runner_pause(struct sc_runner *r, uint64_t seen, int64_t ms);
uint64_t sc_pipelines_wakes(struct sc_pipelines *p);
struct sc_fence sc_runner_fence(const struct sc_runner *r);
enum sc_code sc_split_run(struct sc_runner *r, struct sc_error *err);
enum sc_code sc_merge_run(struct sc_runner *r, struct sc_error *err);
/* Settles the seam behind a chunk that ends there, in samples of the recording; left and right are
 * what the two chunks say. */
SC_MUST_USE enum sc_code sc_merge_seam(struct sc_segments *left, struct sc_segments *right,
                                       int64_t end_samples, struct sc_seam_changes *changes,
                                       struct sc_error *err);

/* One at a time, the others wait: passes over recordings that requests ask for. */
struct sc_turn {
    bool taken; /* -- protected by p->lock -- */
    int waiting;
};
/* TIMEOUT after wait_ms, or at once when `most` wait already; SHUTTING_DOWN. */
SC_MUST_USE enum sc_code sc_turn_take(struct sc_pipelines *p, struct sc_turn *turn, int64_t wait_ms,
                                      int most, struct sc_error *err);
void sc_turn_leave(struct sc_pipelines *p, struct sc_turn *turn);

/* An arrival that has its place in the quota, and maybe no row yet. */
struct sc_arriving {
    const char *sha256; /* borrowed */
    int64_t size;
    struct sc_arriving *next;
};

struct sc_verifier; /* verify.c */
struct sc_verifier *sc_verifier_new(struct sc_pipelines *p);
void sc_verifier_free(struct sc_verifier *v);

struct sc_pipelines {
    struct sc_pipelines_options o;
    const char *root; /* the data folder */
    struct sc_engines engines;
    struct sc_ready ready;
    struct sc_verifier *verifier;
    int64_t worker_id; /* of this process's own stages */
    struct sc_runner *runners;
    size_t runner_count;
    pthread_t beat_thread;
    bool beat_started;
    atomic_bool stopping;
    pthread_mutex_t lock;
    pthread_cond_t wake;      /* tasks became ready, or stop */
    pthread_cond_t beat_wake; /* a task was cancelled, or stop */
    uint64_t wakes;           /* -- protected by lock -- */
    pthread_cond_t turns;     /* one has become free, or stop */
    struct sc_turn peaks_turn, recut_turn, quota_turn, devices_turn;
    struct sc_intakes intakes;
    struct sc_arriving *arriving; /* -- protected by lock -- */
    bool beat_now;                /* -- protected by lock -- */
    pthread_t mend_thread;
    bool mending;
    struct sc_mended mended; /* -- protected by lock -- */
    int64_t expired;         /* jobs of which the history is to tell; of upkeep's thread */
    int64_t forget_ms;       /* monotonic: before it the history forgets nothing more */
};
SC_MUST_USE enum sc_code sc_runners_start(struct sc_pipelines *p, struct sc_error *err);
void sc_runners_stop(struct sc_pipelines *p);
/* Does the server stop? For whoever is asked by a long pass; ctx: the struct sc_pipelines. */
bool sc_pipelines_is_stopping(void *ctx);

/* Those of a row of chunks (chunks.c). */
SC_MUST_USE enum sc_code sc_stretches_of_row(struct sc_stmt *st, struct sc_stretches *out,
                                             struct sc_error *err);

/* ---- paths: owned by the caller ---- */
char *sc_work_dir(struct sc_pipelines *p, const char *job_id);
char *sc_chunk_path(struct sc_pipelines *p, const char *job_id, int chunk);
/* With all that is in it; false, and a line of the log, when it stays. */
bool sc_folder_remove(const char *path);

/* A line of the job's log of that stage (joblog.c); SC_JOB_LOG takes fields as SC_LOG does. */
void sc_job_log(struct sc_pipelines *p, const char *job_id, enum sc_stage stage,
                const char *message, const struct sc_log_field *fields);
/* What an engine said about a chunk, a line of the log for each of its lines; nothing more once the
 * log has grown to SC_JOB_LOG_SAID_MAX bytes. */
#define SC_JOB_LOG_SAID_MAX ((int64_t)8 << 20)
void sc_job_log_said(struct sc_pipelines *p, const char *job_id, int chunk, struct sc_str text);
#define SC_JOB_LOG(p, job_id, stage, message, ...) \
    sc_job_log((p), (job_id), (stage), (message),  \
               (const struct sc_log_field[]){ __VA_ARGS__, { 0 } })

/* ---- inside a write ---- */

/* Adds the merge task once the recording is cut and every chunk is done. */
SC_MUST_USE enum sc_code sc_merge_when_ready(struct sc_pipelines *p, struct sc_conn *tx,
                                             int64_t job, struct sc_error *err);
