#pragma once
/* One owner per data folder: an open file description lock on run/lock, with a line that says who.
 */

#include "base/error.h"

struct sc_lockfile;

/* Takes the lock or answers STORE_LOCKED at once, with the holder's line in the message.
 * `holder` is written into the file, e.g. "serve pid=12 since=…". The lock ends with the process.
 */
SC_MUST_USE enum sc_code sc_lockfile_take(const char *path, const char *holder,
                                          struct sc_lockfile **out, struct sc_error *err);
/* Was the holder before us killed, so that its line was still there? */
bool sc_lockfile_was_left(const struct sc_lockfile *lock);
void sc_lockfile_drop(struct sc_lockfile *lock);
SC_DEFINE_FREEP(struct sc_lockfile, sc_lockfile_drop);
/* The holder's line, or "" when nobody holds it. */
void sc_lockfile_holder(const char *path, char *out, size_t size);
