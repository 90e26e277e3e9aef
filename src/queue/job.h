#pragma once
/* Jobs of the queue: making, finding, listing, ending them. Part of queue/queue.h. */

#include "base/enum.h"
#include "base/id.h"
#include "store/store.h"

struct sc_queue;

enum sc_class { SC_CLASS_HIGH, SC_CLASS_NORMAL, SC_CLASS_LOW, SC_CLASS_COUNT_ };
enum sc_stage {
    SC_STAGE_INGEST,
    SC_STAGE_SPLIT,
    SC_STAGE_TRANSCRIBE,
    SC_STAGE_CONVERT,
    SC_STAGE_MERGE,
    SC_STAGE_JOIN,
    SC_STAGE_NOOP,
    SC_STAGE_COUNT_
};
enum sc_job_state {
    SC_JOB_PENDING,
    SC_JOB_PROCESSING,
    SC_JOB_COMPLETED,
    SC_JOB_FAILED,
    SC_JOB_CANCELLED,
    SC_JOB_STATE_COUNT_
};
enum sc_admission {
    SC_ADMISSION_SCHEDULED,
    SC_ADMISSION_WAITING,
    SC_ADMISSION_ADMITTED,
    SC_ADMISSION_ENDED
};
SC_DECLARE_ENUM_STRINGS(sc_class);
SC_DECLARE_ENUM_STRINGS(sc_stage);
SC_DECLARE_ENUM_STRINGS(sc_job_state);

struct sc_job {
    int64_t id, owner_id, file_id, transcript_id; /* 0: none */
    int64_t campaign_id;                          /* 0: none */
    int64_t worker_id;                            /* one that holds a task of it; 0: none */
    char job_id[SC_UUID_TEXT];
    char pipeline[24], engine[24], engine_version[40], model[120], task[16], language[24];
    char model_hash[80]; /* what tells its file (sc_model_identify); "": not known */
    char detected_language[24];
    char file_name[512], name[512];
    char compute_type[24], device[32];                /* "": not known yet */
    char input_file_path[160], output_file_path[160]; /* below the data folder; "": none */
    enum sc_class class;
    int priority;
    enum sc_job_state state;
    int stage; /* sc_stage or -1 */
    enum sc_admission admission;
    bool counted, split_done, dead_letter;
    int chunks_total, chunks_completed, retry_count, error_chunk;
    int error_stage;
    int64_t split_samples, run_after_ms, timeout_ms, processing_ms;
    int64_t duration_ms;     /* -1: unknown */
    enum sc_code error_code; /* SC_OK: none */
    char error_message[240];
    int64_t created_ms, started_ms, completed_ms, updated_ms; /* 0: not yet */
    int64_t archived_ms;                                      /* 0: not */
    char *settings;                                           /* canonical JSON; owned */
    char *warnings;     /* JSON array of what was lost, and where; owned */
    char *notes, *tags; /* owned; tags are a JSON array of texts in order */
};
void sc_job_done(struct sc_job *job); /* frees what it owns */

struct sc_job_order { /* what a worker has to know of a job */
    char engine[24], model[120], model_hash[80], task[16], language[24];
    int64_t timeout_ms; /* 0: none */
    char *settings;     /* canonical JSON; owned */
};
void sc_job_order_done(struct sc_job_order *order);
/* JOB_NOT_FOUND. *out is then owned: sc_job_order_done(). */
SC_MUST_USE enum sc_code sc_job_order_get(struct sc_conn *conn, int64_t id,
                                          struct sc_job_order *out, struct sc_error *err);
#define SC_AUTO_JOB SC_AUTO(sc_job_done) struct sc_job

struct sc_job_spec {
    int64_t owner_id, file_id;
    const char *pipeline, *engine, *engine_version, *model, *task, *language, *file_name, *name;
    const char *model_hash;    /* as in sc_job; NULL: not known */
    const char *settings;      /* canonical JSON of the resolved options … */
    const char *identity;      /* … and of those that the text depends on; NULL: the same */
    bool is_ours;              /* as sc_job_options_identity() takes it */
    const char *dedupe_key;    /* NULL: none */
    const char *dedupe_before; /* that an earlier version would have given it; NULL: the same */
    bool force;                /* takes the key from an earlier job */
    bool waiting;              /* somebody waits for its end */
    const char *asked_by;      /* for the log of an earlier job that this changes; NULL: nobody */
    bool counted;              /* takes a place of max_concurrent */
    enum sc_class class;
    int priority;
    int64_t run_after_ms; /* 0: now */
    int64_t timeout_ms;   /* 0: the queue's */
    int max_failures;     /* of one task; 0: the queue's */
    int64_t duration_ms;  /* -1: unknown */
    enum sc_stage first_stage;
    const char *first_lane;
};

/* Makes the job and its first task, or finds the one that has the same dedupe key (*existing). That
 * one takes the class of the spec when it is the higher one and the job has not ended. When the
 * spec's asker waits and names no time, a job that is scheduled for later is passed over for a
 * completed one of the same work, else its turn comes now. */
SC_MUST_USE enum sc_code sc_job_create(struct sc_queue *queue, struct sc_conn *tx,
                                       const struct sc_job_spec *spec, struct sc_job *out,
                                       bool *existing, struct sc_error *err);
/* The job that answers for the same work; *job 0: none. */
SC_MUST_USE enum sc_code sc_job_same(struct sc_conn *conn, const struct sc_job_spec *spec,
                                     int64_t *job, struct sc_error *err);
/* owner_id 0: of anybody. JOB_NOT_FOUND also for another owner's. */
SC_MUST_USE enum sc_code sc_job_find(struct sc_conn *conn, int64_t owner_id, const char *job_id,
                                     struct sc_job *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_job_get(struct sc_conn *conn, int64_t id, struct sc_job *out,
                                    struct sc_error *err);

/* 0..100, with what workers have told of the chunks that they are at. */
int sc_job_progress(struct sc_queue *queue, const struct sc_job *job);
/* Milliseconds until it is done, from what its chunks took so far or, before the first is done,
 * from how far that is or from what like jobs took. Of one that waits: from what is before it and
 * what like jobs took (queue/eta.c). -1: unknown, or its class is paused. */
int64_t sc_job_eta_ms(struct sc_queue *queue, struct sc_conn *conn, const struct sc_job *job);
/* Jobs before it in its class (exact to 1 000, more: 1 001); -1 unless it waits. */
SC_MUST_USE enum sc_code sc_job_position(struct sc_conn *conn, const struct sc_job *job,
                                         int *position, struct sc_error *err);

/* Ends a pending or processing job; its running tasks are told at their next heartbeat. CONFLICT
 * when it has ended. Repeating on a cancelled one is OK. */
SC_MUST_USE enum sc_code sc_job_cancel(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                       struct sc_error *err);
/* A failed or cancelled job goes on where it stopped: done tasks stay done, the others start
 * without failures. It queues for admission like a new one, and has lost its dedupe key. CONFLICT
 * otherwise. */
SC_MUST_USE enum sc_code sc_job_retry(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                      struct sc_error *err);
/* What a user changes of a job that is there. */
enum sc_edit_field {
    SC_EDIT_CLASS = 1u << 0,
    SC_EDIT_PRIORITY = 1u << 1,
    SC_EDIT_RUN_AFTER = 1u << 2,
    SC_EDIT_TIMEOUT = 1u << 3,
    SC_EDIT_NAME = 1u << 4,
    SC_EDIT_NOTES = 1u << 5,
    SC_EDIT_TAGS = 1u << 6,
    SC_EDIT_SETTINGS = 1u << 7,
};
struct sc_job_edit {
    unsigned given; /* sc_edit_field bits: the members that count */
    enum sc_class class;
    int priority;
    int64_t run_after_ms;      /* 0: at once */
    int64_t timeout_ms;        /* 0: none */
    const char *name, *notes;  /* borrowed, as all of it */
    const struct sc_str *tags; /* replace those it has; no two alike */
    size_t tag_count;
    const char *asked_by; /* who wants it, where that is not its owner's doing; NULL: it is */
    const struct sc_job_spec *settings; /* engine to language, settings and dedupe_key */
};
/* Logs one event that names the fields. CONFLICT, with the field, for what has no effect any more:
 * priority and time-out of an ended job, run_after of an admitted one, settings once work has begun
 * or when another job does that work. A running job that changes its class keeps its place, so the
 * class may have one more than max_concurrent for a while. */
SC_MUST_USE enum sc_code sc_job_edit(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                     const struct sc_job_edit *edit, struct sc_error *err);

struct sc_job_failure {
    const struct sc_error *why;
    int stage, chunk; /* where; -1: nowhere in particular */
};
/* The pipeline's verdicts. Both cancel the tasks that are left and admit the next job of the class.
 * CONFLICT when the job has ended, or is to be completed before any task was claimed; completing a
 * completed job again is OK. */
SC_MUST_USE enum sc_code sc_job_complete(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                         struct sc_error *err);
SC_MUST_USE enum sc_code sc_job_fail(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                     const struct sc_job_failure *failure, struct sc_error *err);
/* A stage began or ended: sets jobs.stage, logs with its duration. */
SC_MUST_USE enum sc_code sc_job_enter_stage(struct sc_queue *queue, struct sc_conn *tx, int64_t job,
                                            enum sc_stage stage, struct sc_error *err);
