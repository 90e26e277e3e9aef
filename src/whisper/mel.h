#pragma once
/* The log-mel spectrum that Whisper hears: 16 kHz, 25 ms of Hann window every 10 ms, decades of
 * power down to 8 below the loudest of the clip, around 0. Of a clip in three steps, the second of
 * which may be shared among threads:
 *
 *     sc_mel_open(pcm, samples, bands, filters, &mel, err)
 *     for each part on some thread: sc_mel_part(mel, part, parts)
 *     sc_mel_finish(mel)
 *     sc_mel_window(mel, first, out) as often as wanted */

#include "base/error.h"
#include "whisper/file.h"

#include <stddef.h>
#include <stdint.h>

#define SC_MEL_RATE 16000
#define SC_MEL_STEP 160    /* samples from frame to frame: 10 ms */
#define SC_MEL_WINDOW 3000 /* frames that the encoder takes: 30 s */
#define SC_MEL_MAX_BANDS 256

struct sc_mel;

/* pcm (16 kHz, mono) and filters (bands rows of SC_WHISPER_BINS) are borrowed until
 * sc_mel_finish. INVALID_VALUE when memory is exhausted. */
SC_MUST_USE enum sc_code sc_mel_open(const int16_t *pcm, size_t samples, int bands,
                                     const float *filters, struct sc_mel **out,
                                     struct sc_error *err);
void sc_mel_free(struct sc_mel *m);
SC_DEFINE_FREEP(struct sc_mel, sc_mel_free);
/* Computes one of `parts` shares; each must be done once. Different parts at the same time are
 * fine, and how many there are changes no bit. */
void sc_mel_part(struct sc_mel *m, int part, int parts);
/* Once all parts are done. loudest: of the sound that the clip is a part of, as far as it is known,
 * in decades; of all of it, and of the clip, the loudest counts. Returns that. */
#define SC_MEL_SILENCE (-10.0F)
float sc_mel_finish(struct sc_mel *m, float loudest);
/* Frames that hold something of the clip; silence follows for ever. For tests. */
size_t sc_mel_frames(const struct sc_mel *m);
/* SC_MEL_WINDOW frames from `first` on: a row for each band. Thread-safe. */
void sc_mel_window(const struct sc_mel *m, size_t first, float *out);

/* The filters that the model files carry, by their formula: triangles of area 1 between points that
 * are evenly spaced on Slaney's scale, 0 to 8 kHz. `out`: bands rows of SC_WHISPER_BINS. */
void sc_mel_filters(int bands, float *out);
