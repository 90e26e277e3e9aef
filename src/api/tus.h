#pragma once
/* Headers of the tus protocol, version 1.0.0 (https://tus.io/protocols/resumable-upload), as far as
 * clients send them. Pure. */

#include "base/buf.h"
#include "base/error.h"
#include "pipeline/intake.h"

#define SC_TUS_VERSION "1.0.0"
#define SC_TUS_EXTENSIONS \
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination"

/* A number of bytes: digits only, at most INT64_MAX; INVALID_VALUE names the header. */
SC_MUST_USE enum sc_code sc_tus_bytes(const char *header, struct sc_str text, int64_t *out,
                                      struct sc_error *err);
/* "sha1 BASE64": INVALID_VALUE for unknown algorithms and sums of another length. */
SC_MUST_USE enum sc_code sc_tus_checksum(struct sc_str text, struct sc_checksum *out,
                                         struct sc_error *err);

/* What Upload-Metadata says. */
struct sc_tus_metadata {
    struct sc_buf name;    /* of the file; "": none */
    struct sc_buf options; /* of the job: a JSON object of texts */
    bool job;              /* one is wanted */
};
void sc_tus_metadata_done(struct sc_tus_metadata *m);
/* "key BASE64, key": `filename` (or `name`) is the file's, what clients tell of files otherwise is
 * passed over, `job` says whether one is wanted, and everything else is an option of it, which
 * makes one wanted too. INVALID_VALUE for what is malformed or given twice; options are not
 * checked. */
SC_MUST_USE enum sc_code sc_tus_metadata(struct sc_str text, struct sc_tus_metadata *out,
                                         struct sc_error *err);
/* "Sat, 21 Nov 2026 14:30:45 GMT", the next whole second. */
#define SC_HTTP_DATE_TEXT 32
const char *sc_tus_date(int64_t wall_ms, char out[SC_HTTP_DATE_TEXT]);
