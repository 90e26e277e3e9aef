#pragma once
/* Which stretches are music and nothing else? For files of this module and their tests only.
 *
 * A voice never stays on a pitch: the partials of its vowels, all together, move by a tenth of an
 * octave in a fifth of a second, and formants move where there are no partials. Notes of an
 * instrument stay where they are. So, on a logarithmic axis of frequency, the spectrum of a voice
 * looks like that of 60 ms before, but shifted; that of music like that of 60 ms before, unshifted.
 * What has sounded on unchanged for half a second is taken off first, so that a voice shows above
 * an accompaniment. Music is a stretch
 *   - of 5 s at least, around each frame of which, to 5 s on either side,
 *   - sustained partials hold most of the energy, and
 *   - almost nothing is shifted; and of which no 2 s hold as much as a short word.
 * Quick notes are not sustained, and from one to the next the spectrum is shifted. But that is one
 * jump, where a voice goes step by step, and notes are in tune. So music is also a stretch
 *   - in which nothing is shifted from frame to frame, and
 *   - steady partials lie whole semitones apart from each other, on changing notes (see
 * partials.c).
 *
 * From the literature: sustained partials as the mark of music, K. Seyerlehner, T. Pohle, M. Schedl
 * and G. Widmer, "Automatic Music Detection in Television Productions", DAFx 2007; sustained tones
 * taken off along time, D. FitzGerald, "Harmonic/Percussive Separation Using Median Filtering",
 * DAFx 2010 (with the mean, which is as good here); decisions over long windows, E. Scheirer and
 * M. Slaney, "Construction and Evaluation of a Robust Multifeature Speech/Music Discriminator",
 * ICASSP 1997. Their modulation at 4 Hz, share of quiet frames and changes of flux tell clear
 * speech from pop music, but were measured here to fail where one lies over the other.
 *
 * Figures were chosen by measurement, so that speech is kept. */

#include "vad/detector.h"

struct sc_music;
struct sc_music *sc_music_new(void); /* NULL: no memory */
void sc_music_free(struct sc_music *m);
SC_DEFINE_FREEP(struct sc_music, sc_music_free);
/* The sound of the next frame; the last of a recording may be shorter. */
void sc_music_push(struct sc_music *m, const int16_t *pcm, size_t samples);
/* Is the next frame sound at all, as the detector has it? In order, after its sound. */
void sc_music_flag(struct sc_music *m, bool sound);
/* No more sound follows; flags may. */
void sc_music_end(struct sc_music *m);
/* The decision on the next frame: sound that is nothing but music. False when it needs frames that
 * are not there yet: 10 s at most. Must be taken after each flag. */
bool sc_music_next(struct sc_music *m, bool *music);
