#pragma once
/* Moving recordings and exports to audio/archive/ and back. */

#include "pipeline/pipeline-internal.h"

/* Moves the exports of a job; those that are there already stay. */
SC_MUST_USE enum sc_code sc_exports_move(struct sc_pipelines *p, const char *job_id, bool archive,
                                         struct sc_error *err);
/* Inside a write: their paths in the rows follow. */
SC_MUST_USE enum sc_code sc_exports_record(struct sc_conn *tx, int64_t job, const char *job_id,
                                           bool archive, struct sc_error *err);
/* FILE_NOT_FOUND for a file whose bytes were cleaned out of the archive (bytes.c). */
SC_MUST_USE enum sc_code sc_file_check_bytes(const struct sc_file *file, struct sc_error *err);
