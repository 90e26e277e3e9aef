#pragma once
/* Where an export that is kept goes: below transcripts/ of the data folder. Pure. */

#include "base/buf.h"
#include "base/error.h"

struct sc_export_home {
    const char *folder; /* the transcript's own: its job's id */
    bool anywhere;      /* other folders too, but none of another job */
};
/* Appends the path below the data folder for what a client asked for: "transcripts/" may stand in
 * front of it. INVALID_VALUE (field output_path) for a path that leads out, is absolute, hidden, or
 * ends in anything but the format's extension. */
SC_MUST_USE enum sc_code sc_export_place(struct sc_str wanted, const struct sc_export_home *home,
                                         const char *extension, struct sc_buf *out,
                                         struct sc_error *err);
