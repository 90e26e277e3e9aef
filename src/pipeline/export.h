#pragma once
/* auto_export: what the settings name is written once a job is complete, and after each version. */

#include "pipeline/pipeline-internal.h"

/* Inside the write that completes the job. */
SC_MUST_USE enum sc_code sc_export_owe(struct sc_conn *tx, int64_t job, struct sc_error *err);
/* Writes what the settings name, of the current version. False, and a line of the log: something
 * could not be written and is owed still. */
bool sc_export_job(struct sc_pipelines *p, int64_t job);
/* The same for the next job that is owed its exports, by this server or an earlier one. False:
 * there is none to be tried now. */
bool sc_export_next_owed(struct sc_runner *r);
