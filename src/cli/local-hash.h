#pragma once
/* The SHA-256 of a local file, with a progress line when it takes a while. */

#include "base/hash.h"
#include "cli/session.h"

/* Of what is left to be read of fd; *bytes (NULL allowed): how much that was. CANCELLED on Ctrl-C.
 */
SC_MUST_USE enum sc_code sc_local_hash_fd(const struct sc_cli *cli, int fd, const char *label,
                                          char out[SC_SHA256_TEXT], int64_t *bytes,
                                          struct sc_error *err);
/* Of a regular file; INVALID_VALUE for anything else. */
SC_MUST_USE enum sc_code sc_local_hash(const struct sc_cli *cli, const char *path,
                                       char out[SC_SHA256_TEXT], struct sc_error *err);
