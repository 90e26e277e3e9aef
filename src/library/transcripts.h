#pragma once
/* Transcripts: from the first chunk's result (partial, version 0) to version 1. A version is the
 * rows of `segments` that are alive in it. Functions with a `tx` run inside a write. */

#include "base/id.h"
#include "library/marks.h"
#include "library/sum.h"
#include "store/store.h"
#include "transcript/writer.h"

struct sc_transcript {
    int64_t id, owner_id, job, file_id; /* job 0: none */
    char job_id[SC_UUID_TEXT];
    char file_name[512]; /* the recording's; data, never a path */
    bool complete;
    char language[24];
    char srt_path[160], cloud_url[512];             /* of the automatic exports; "": none */
    int version;                                    /* the current one; 0 while partial */
    int64_t segment_count, word_count, duration_ms; /* duration -1: unknown */
    double confidence;                              /* negative: unknown */
    int64_t created_ms, updated_ms;
    const struct sc_marks *marks; /* borrowed of whoever read them; NULL: nobody did */
};

/* TRANSCRIPT_NOT_FOUND also for another owner's; owner_id 0: anybody's. */
SC_MUST_USE enum sc_code sc_transcript_find(struct sc_conn *conn, int64_t owner_id, int64_t id,
                                            struct sc_transcript *out, struct sc_error *err);
SC_MUST_USE enum sc_code sc_transcript_of_job(struct sc_conn *conn, int64_t job,
                                              struct sc_transcript *out, struct sc_error *err);
struct sc_transcript_filter {
    int64_t owner_id;
    int64_t job, file_id; /* 0: all */
    int64_t before_id;    /* cursor; 0: from the newest */
    int limit;
    const char *language, *model, *tag; /* NULL: all */
    int64_t since_ms, until_ms;         /* made from since, before until; 0: no end */
};
typedef enum sc_code (*sc_transcript_fn)(void *ctx, const struct sc_transcript *t,
                                         struct sc_error *err);
/* With their marks. */
SC_MUST_USE enum sc_code sc_transcript_list(struct sc_conn *conn,
                                            const struct sc_transcript_filter *filter,
                                            sc_transcript_fn fn, void *ctx, struct sc_error *err);
/* The segments of a version (0: those that a partial transcript has so far), in order. Memory: the
 * caller's, some 100 bytes a word. Every checksum is checked: TRANSCRIPT_DAMAGED names the job and
 * the remedy, and *out is untouched. VERSION_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_transcript_segments(struct sc_conn *conn, const struct sc_transcript *t,
                                                int version, struct sc_segments *out,
                                                struct sc_error *err);

/* The same one at a time, in the read transaction of conn. That all segments of the version are
 * there is known behind the last one: what was made of those before it counts only then. Borrows
 * conn and t; while it is open nothing else may read segments through conn. */
struct sc_transcript_source {
    struct sc_source source; /* first */
    struct sc_conn *conn;
    const struct sc_transcript *t;
    int version;
    bool begun, ended;
    struct sc_stmt st;
    struct sc_segment segment;   /* owned */
    struct sc_sum *sum;          /* owned */
    struct sc_sum_stored wanted; /* hash "": a partial one has no sum */
    int64_t count;
};
SC_MUST_USE enum sc_code sc_transcript_source_open(struct sc_conn *conn,
                                                   const struct sc_transcript *t, int version,
                                                   struct sc_transcript_source *out,
                                                   struct sc_error *err);
void sc_transcript_source_done(struct sc_transcript_source *s);
#define SC_AUTO_TRANSCRIPT_SOURCE SC_AUTO(sc_transcript_source_done) struct sc_transcript_source

/* ---- made by the pipeline ---- */

struct sc_origin {
    const char *engine, *engine_version, *model;
    const char *model_hash; /* as in sc_job; NULL: not known */
};
/* The job's transcript row, made when missing; *id is set. */
SC_MUST_USE enum sc_code sc_transcript_begin(struct sc_conn *tx, int64_t job, int64_t now_ms,
                                             int64_t *id, struct sc_error *err);
/* Replaces what chunk has in a partial transcript by these segments (recording times, row ids are
 * given anew), with their index rows. */
SC_MUST_USE enum sc_code sc_transcript_put_chunk(struct sc_conn *tx, int64_t id, int chunk,
                                                 const struct sc_segments *segments,
                                                 const struct sc_origin *origin,
                                                 struct sc_error *err);
SC_MUST_USE enum sc_code sc_transcript_chunk(struct sc_conn *conn, int64_t id, int chunk,
                                             struct sc_segments *out, struct sc_error *err);
/* Makes version 1 current. language: detected, may be "". */
SC_MUST_USE enum sc_code sc_transcript_finish(struct sc_conn *tx, int64_t id, const char *language,
                                              const struct sc_segments *all, int64_t duration_ms,
                                              int64_t now_ms, struct sc_error *err);

/* What recognised it, as its words know it, also once the job was cleaned away. Owned by the
 * caller; NULL: no engine, or it cannot be told any more. */
void sc_transcript_engine(struct sc_conn *conn, int64_t id, char **engine, char **model);

/* ---- deleting (removal.c) ---- */

/* From now on nobody finds it: one without a job, or of a job that is being cleaned away. Recorded
 * as a change of its file. The sweeper (pipeline/purge.c) removes the rows. */
SC_MUST_USE enum sc_code sc_transcript_mark_deleted(struct sc_conn *tx,
                                                    const struct sc_transcript *t, int64_t by,
                                                    int64_t now_ms, struct sc_error *err);

/* ---- versions ---- */

struct sc_version {
    int version;
    bool current;
    int restored_from; /* the version that it was made equal to; 0: none */
    int64_t segment_count, word_count, created_ms;
    char created_by[64]; /* the user's name */
    char *change_note;   /* owned; never NULL */
    char content_hash[SC_SHA256_TEXT];
};
void sc_version_done(struct sc_version *v);
#define SC_AUTO_VERSION SC_AUTO(sc_version_done) struct sc_version
typedef enum sc_code (*sc_version_fn)(void *ctx, const struct sc_version *v, struct sc_error *err);
/* The newest `limit` versions below `before` (0: from the newest), newest first. */
SC_MUST_USE enum sc_code sc_version_list(struct sc_conn *conn, int64_t transcript, int64_t before,
                                         int limit, sc_version_fn fn, void *ctx,
                                         struct sc_error *err);
/* VERSION_NOT_FOUND. */
SC_MUST_USE enum sc_code sc_version_find(struct sc_conn *conn, int64_t transcript, int version,
                                         struct sc_version *out, struct sc_error *err);

/* ---- export formats ---- */

#define SC_FORMATS_MAX 16
/* Which formats exports may be made in, by sc_format_index. */
struct sc_formats_active {
    bool is[SC_FORMATS_MAX];
};
SC_MUST_USE enum sc_code sc_formats_active(struct sc_conn *conn, struct sc_formats_active *out,
                                           struct sc_error *err);
/* FORMAT_DISABLED when exports may not be made in it. */
SC_MUST_USE enum sc_code sc_format_check(struct sc_conn *conn, const struct sc_format *format,
                                         struct sc_error *err);
/* Switches it, and records who did; nothing when it is so already. */
SC_MUST_USE enum sc_code sc_format_switch(struct sc_conn *tx, const struct sc_format *format,
                                          bool active, int64_t by, int64_t now_ms,
                                          struct sc_error *err);

/* ---- exports ---- */

struct sc_export {
    int64_t transcript_id;
    int version;
    const char *format;
    const char *path; /* NULL: sent, not kept */
    int64_t by;       /* the user's id */
    int keep;         /* rows of the transcript that stay, with this one; 0: all */
};
/* Records an export (T3) and forgets the oldest of its transcript, but not the newest of each file;
 * a failure to record is the caller's to log, never to pass on. The row's id is sc_conn_last_id. */
SC_MUST_USE enum sc_code sc_export_record(struct sc_conn *tx, const struct sc_export *export,
                                          int64_t now_ms, struct sc_error *err);
struct sc_export_row {
    int64_t id, exported_ms;
    int version;
    const char *format, *path, *by; /* borrowed until fn returns; path NULL: sent, not kept */
};
typedef enum sc_code (*sc_export_fn)(void *ctx, const struct sc_export_row *row,
                                     struct sc_error *err);
/* The newest `limit` exports below `before` (0: from the newest), newest first. */
SC_MUST_USE enum sc_code sc_export_list(struct sc_conn *conn, int64_t transcript, int64_t before,
                                        int limit, sc_export_fn fn, void *ctx,
                                        struct sc_error *err);
/* The transcript that was exported to this path last; 0: none was. */
SC_MUST_USE enum sc_code sc_export_owner_of(struct sc_conn *conn, const char *path,
                                            int64_t *transcript, struct sc_error *err);
