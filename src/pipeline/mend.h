#pragma once
/* Cleaning and mending of what lies in the data folder. */

#include "pipeline/pipeline-internal.h"

/* Removes bytes that no row names at that place; false: one does, or somebody is about to. */
bool sc_orphan_remove(struct sc_pipelines *p, const char *sha256, const char *place, bool dry_run);
/* Adds the files below a path, or the file itself. */
void sc_tree_measure(const char *path, struct sc_cleaned *sum);
typedef void (*sc_entry_fn)(void *ctx, const char *name, const char *path);
/* Each entry of a folder of the data folder, until the server stops. */
void sc_each_entry(const struct sc_pipelines *p, const char *below, sc_entry_fn fn, void *ctx);
/* Starts and ends the thread that mends what earlier servers left. */
void sc_mend_start(struct sc_pipelines *p);
void sc_mend_stop(struct sc_pipelines *p);
/* recover.c: removes what earlier servers left in work/ of jobs that have completed or gone. */
void sc_recover_work(struct sc_pipelines *p);
