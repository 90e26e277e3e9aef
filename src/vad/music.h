#pragma once
/* Which stretches are music and nothing else? For files of this module and their tests only.
 *
 * A network (voice.h) says every 160 ms how likely a voice is heard. The mean of that over 0.8 s is
 * evidence of a voice where it is strong; or where it is weak and strong evidence lies half a
 * minute before or behind at most: people who speak go on to speak, and what sounds somewhat like a
 * voice here and there in a long piece is an instrument. Music is a stretch
 *   - of 5 s at least, with an audible second (of sound that changes or not), whose silences are
 *     shorter than 10 s,
 *   - without evidence of a voice, to 2.5 s on either side.
 *
 * Limits were chosen by measurement (tools/music.py), so that speech is kept. */

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
 * are not there yet: 5 s of flags and 39 s of sound at most. Must be taken after each flag. */
bool sc_music_next(struct sc_music *m, bool *music);
