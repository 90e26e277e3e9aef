#pragma once
/* Content-addressed bytes in a folder: audio/uploads/YYYY/MM/<sha256>.<ext> below a root. Paths
 * that leave this module are relative to the root. Thread-safe. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sc_blobs;

/* root is the data folder; creates what is missing below it. */
SC_MUST_USE enum sc_code sc_blobs_open(const char *root, struct sc_blobs **out,
                                       struct sc_error *err);
void sc_blobs_close(struct sc_blobs *blobs);
SC_DEFINE_FREEP(struct sc_blobs, sc_blobs_close);

/* Where bytes of this hash and extension go when they arrive at now_ms; owned by the caller. */
char *sc_blobs_place(const char *sha256, const char *extension, int64_t now_ms);
/* Moves a temp file of the same file system to its place: fsync of the bytes, rename, fsync of the
 * folders. Durable when it returns SC_OK; an existing file of that name is replaced by equal bytes.
 * The temp file stays where it is on failure. */
SC_MUST_USE enum sc_code sc_blobs_put(struct sc_blobs *blobs, const char *temp_path, int fd,
                                      const char *place, struct sc_error *err);
/* Opens for reading; FILE_NOT_FOUND when the bytes are gone. */
SC_MUST_USE enum sc_code sc_blobs_get(struct sc_blobs *blobs, const char *place, int *fd,
                                      struct sc_error *err);
bool sc_blobs_exists(struct sc_blobs *blobs, const char *place);
