#pragma once
/* Is a frame of 20 ms speech? Levels go in, decisions come out 15 s later. For files of this module
 * and their tests only. */

#include "vad/vad.h"

#define SC_FRAME_SAMPLES 320
#define SC_FRAME_MS 20
#define SC_VAD_SIDE_FRAMES 750 /* 15 s to either side */

/* Level of a frame in quarters of a decibel above a mean square of 1; a constant offset does not
 * count. 0 … 361. */
int sc_vad_level(const int16_t *pcm, size_t samples);

#define SC_VAD_LEVELS 362
#define SC_VAD_RING 2048

struct sc_detector {
    int threshold; /* quarters of a decibel above the floor */
    int64_t pushed, decided;
    bool ended;
    int16_t ring[SC_VAD_RING]; /* levels of the last frames, by frame number */
    /* The levels of the window around frame `decided`: how often each occurs, frames [first, last).
     */
    uint16_t histogram[SC_VAD_LEVELS];
    int64_t first, last;
    int floor;     /* the 10th percentile … */
    int64_t below; /* … and how many frames of the window lie below it */
};

void sc_detector_init(struct sc_detector *d, double threshold_db);
/* Adds the next frame. Decisions must be taken after each. */
void sc_detector_push(struct sc_detector *d, int level);
/* No more frames follow: the windows of the last ones end here. */
void sc_detector_end(struct sc_detector *d);
/* The decision on the next frame; false when it needs frames that are not there yet. */
bool sc_detector_next(struct sc_detector *d, bool *speech);
