#pragma once
/* Transcripts that no job made: read from a file that somebody brought. */

#include "library/transcripts.h"

struct sc_import {
    int64_t owner_id, by;
    int64_t file_id;      /* of the recording */
    const char *language; /* "": not known */
    const char *format;   /* that it was read from, for its origin */
};
/* Makes a complete transcript of the recording, version 1, with index rows and a row of the
 * history. Inside a write. FILE_NOT_FOUND also for another owner's; INVALID_VALUE for what is no
 * list of segments. Their ids are given anew. */
SC_MUST_USE enum sc_code sc_transcript_import(struct sc_conn *tx, const struct sc_import *import,
                                              const struct sc_segments *segments, int64_t now_ms,
                                              int64_t *id, struct sc_error *err);
