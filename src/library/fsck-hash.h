#pragma once
/* A recording against its hash. */

#include "library/fsck-internal.h"

/* The SHA-256 of all bytes behind the descriptor. */
SC_MUST_USE enum sc_code sc_fsck_hash_bytes(int fd, char out[SC_SHA256_TEXT], struct sc_error *err);

/* A row whose hash is not the name of its bytes, while these have that name by right, is told, and
 * with `repair` restored: *lost. */
SC_MUST_USE enum sc_code sc_fsck_check_hash(struct sc_fsck *f, const struct sc_file *file,
                                            bool *lost, struct sc_error *err);
