#pragma once
/* How exactly does sound repeat itself, beat after beat? For files of this module only. */

#define SC_RHYTHM_BANDS 7
#define SC_RHYTHM_FRAMES 512 /* at most */

/* Levels of each band in decibels, frame by frame of 20 ms; they are changed. The best correlation
 * of the sound with itself after 0.2 to 4 s: 1 for a loop, of speech 0.7 at most. 0 where there are
 * less than 5 s. */
float sc_rhythm(float levels[][SC_RHYTHM_BANDS], int frames);
