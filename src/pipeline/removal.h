#pragma once
/* Deleting files and jobs. Part of pipeline/pipeline.h. */

#include "library/files.h"

struct sc_pipelines;

/* Deletes a job with its transcripts, exports and logs. CONFLICT while it is pending or processing,
 * unless force cancels it. Nobody finds it from the return on; the room may take a while longer. */
SC_MUST_USE enum sc_code sc_pipelines_delete_job(struct sc_pipelines *p, int64_t owner_id,
                                                 const char *job_id, bool force,
                                                 struct sc_error *err);
/* Deletes a file, its bytes when no other owner has them, and with force all that was made of it
 * (*gone); CONFLICT tells how much that is. As above. */
SC_MUST_USE enum sc_code sc_pipelines_delete_file(struct sc_pipelines *p, int64_t owner_id,
                                                  int64_t file_id, bool force,
                                                  struct sc_file_uses *gone, struct sc_error *err);
