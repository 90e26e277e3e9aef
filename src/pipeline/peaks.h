#pragma once
/* Waveform peaks of stored recordings. Part of pipeline/pipeline.h. */

#include "library/files.h"
#include "vad/peaks.h"

struct sc_pipelines;

struct sc_peaks_query {
    int zoom;                 /* 0 … SC_PEAKS_ZOOMS - 1; -1: by points */
    int64_t points;           /* from 1 */
    int64_t start_ms, end_ms; /* end -1: to the end */
};
struct sc_peaks_view {
    struct sc_peaks_layout layout; /* of all that is stored */
    struct sc_peaks_window window;
    struct sc_peak *rows; /* of the window; owned */
};
void sc_peaks_view_done(struct sc_peaks_view *view);
/* Computed now by a pass of the jailed decoder when no job has done so. TIMEOUT while others are
 * being computed, FILE_NOT_FOUND when the bytes have gone, and what the decoder says. */
SC_MUST_USE enum sc_code sc_pipelines_peaks(struct sc_pipelines *p, const struct sc_file *file,
                                            const struct sc_peaks_query *query,
                                            struct sc_peaks_view *out, struct sc_error *err);
