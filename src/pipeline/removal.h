#pragma once
/* Deleting files, jobs and transcripts; archiving and cleaning. Part of pipeline/pipeline.h. */

#include "base/enum.h"
#include "library/files.h"

struct sc_pipelines;

/* Deletes a job with its transcripts, exports and logs. CONFLICT while it is pending or processing,
 * unless force cancels it. Nobody finds it from the return on; the room may take a while longer. */
SC_MUST_USE enum sc_code sc_pipelines_delete_job(struct sc_pipelines *p, int64_t owner_id,
                                                 const char *job_id, bool force,
                                                 struct sc_error *err);
/* Deletes a transcript that has no job, as an import, or one whose job was cleaned away, with its
 * versions and exports. CONFLICT names the job of any other. As above. */
SC_MUST_USE enum sc_code sc_pipelines_delete_transcript(struct sc_pipelines *p, int64_t owner_id,
                                                        int64_t transcript_id,
                                                        struct sc_error *err);
/* Deletes a file, its bytes when no other owner has them, and with force all that was made of it
 * (*gone); CONFLICT tells how much that is. As above. */
SC_MUST_USE enum sc_code sc_pipelines_delete_file(struct sc_pipelines *p, int64_t owner_id,
                                                  int64_t file_id, bool force,
                                                  struct sc_file_uses *gone, struct sc_error *err);

/* ---- archive ---- */

struct sc_archiving {
    int64_t owner_id;
    int64_t file_id;    /* of a file alone */
    const char *job_id; /* of a job, with its file; NULL: the file */
    bool archive;       /* else restore */
};
/* Moves the bytes to audio/archive/ or back, and a job's exports with them; bytes that another
 * owner has in use stay where they are. Everything can be read as before, and new jobs read from
 * the archive. Repeating it is fine. CONFLICT while a job of the file has not ended, and for bytes
 * that were cleaned out of the archive. */
SC_MUST_USE enum sc_code sc_pipelines_archive(struct sc_pipelines *p,
                                              const struct sc_archiving *what,
                                              struct sc_error *err);

/* ---- clean ---- */

enum sc_clean_kind {
    SC_CLEAN_ORPHANS, /* bytes that no row names */
    SC_CLEAN_TEMP,    /* what killed programs left */
    SC_CLEAN_WORK,    /* sound of ended jobs, which a retry cuts again */
    SC_CLEAN_ARCHIVE, /* archived recordings: rows and transcripts stay */
    SC_CLEAN_KIND_COUNT_
};
SC_DECLARE_ENUM_STRINGS(sc_clean_kind);
struct sc_clean_files {
    enum sc_clean_kind kind;
    int64_t by;        /* the principal who asks, for the history */
    int64_t before_ms; /* last changed, ended or archived before it */
    bool dry_run;
};
struct sc_cleaned {
    int64_t files, bytes;
};
/* Of all owners; the history tells of what was removed. Temp files at rest for less than an hour
 * stay in any case. */
SC_MUST_USE enum sc_code sc_pipelines_clean_files(struct sc_pipelines *p,
                                                  const struct sc_clean_files *what,
                                                  struct sc_cleaned *out, struct sc_error *err);

/* ---- the recovery pass ---- */

struct sc_mended {
    int64_t finished_ms; /* 0: it is not through */
    int64_t took_ms;
    int64_t arrivals;              /* bytes removed whose upload a kill had cut off */
    int64_t half_moved;            /* second names removed of bytes on their way to the archive */
    int64_t temp, folders;         /* removed */
    int64_t exports;               /* folders moved to where their job's row says */
    int64_t missing;               /* files whose bytes have gone: reported */
    int64_t checksums;             /* rows whose hash is not the name of their bytes: reported */
    int64_t orphans, orphan_bytes; /* bytes without a row: reported */
};
void sc_pipelines_mended(struct sc_pipelines *p, struct sc_mended *out);
