#pragma once
/* Frames go in, and come out as soon as it is known whether they are speech: the detector, its
 * hangover, and music, which is none. For files of this module only. */

#include "vad/detector.h"

/* Frames that may be inside: music waits for 39 s, longer than the detector's 15 s, and until it
 * has lasted for 5 s. */
#define SC_DECIDER_FRAMES 2250

struct sc_decider;
/* Of the options the vad's. NULL: no memory. */
struct sc_decider *sc_decider_new(const struct sc_cut_options *options);
void sc_decider_free(struct sc_decider *d);
SC_DEFINE_FREEP(struct sc_decider, sc_decider_free);
/* SC_FRAME_SAMPLES samples, which are copied, of which the first `samples` are sound: fewer for the
 * last frame of a recording. What can be taken must be taken after each. */
void sc_decider_push(struct sc_decider *d, const int16_t *pcm, size_t samples);
/* No more frames follow. */
void sc_decider_end(struct sc_decider *d);
/* The oldest frame inside (NULL: it is not known yet, or there is none) and whether it is speech;
 * borrowed until the next push. */
const int16_t *sc_decider_next(struct sc_decider *d, bool *speech);
/* What was music so far, as sc_cutter_music tells it. */
const struct sc_music_span *sc_decider_music(const struct sc_decider *d, size_t *count);
