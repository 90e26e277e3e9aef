#pragma once
/* A small network that hears voices: what tools/train-music.py has learned. For files of this
 * module and their tests only.
 *
 * Of each frame of 20 ms it is told how strong 32 bands of frequency are, mel apart up to 4 kHz (so
 * that a telephone makes no difference), against their mean; and how loud the frame is against the
 * two seconds around it. Neither depends on the recording's loudness. Six convolutions along time,
 * the first three of which halve the rate, see 5 s; one answer comes for each eighth frame. The
 * same frames give the same answers, however they came. */

#include "base/macros.h"
#include "vad/spectrum.h"

#include <stdbool.h>
#include <stdint.h>

#define SC_VOICE_BANDS 32
#define SC_VOICE_INPUTS (SC_VOICE_BANDS + 1)
#define SC_VOICE_STEP 8 /* frames for each answer */
#define SC_VOICE_LAYERS 7
#define SC_VOICE_RING 32
#define SC_VOICE_SIDE 50 /* frames to either side, whose loudness is a frame's measure */
#define SC_VOICE_LEVELS 128

/* What was learned; in voice-weights.c. */
struct sc_voice_layer {
    int inputs, outputs, taps, stride, apart; /* apart: frames between taps */
    float scale;                              /* of the weights */
    const int8_t *weights;                    /* [taps][inputs][outputs] */
    const float *bias;
};
extern const struct sc_voice_layer sc_voice_layers[SC_VOICE_LAYERS];

/* One answer: how likely a voice is heard near frame `frame`, in logits. */
typedef void (*sc_voice_fn)(void *ctx, int64_t step, float logit);

struct sc_voice {
    sc_voice_fn fn;
    void *ctx;
    float bank[SC_VOICE_BANDS][SC_SPECTRUM_BINS]; /* weights of bins; each band's add up to 1 */
    int bank_first[SC_VOICE_BANDS], bank_last[SC_VOICE_BANDS];
    float bands[SC_VOICE_LEVELS][SC_VOICE_BANDS];
    float levels[SC_VOICE_LEVELS];
    int64_t pushed, described; /* frames */
    struct {
        float ring[SC_VOICE_RING][SC_VOICE_INPUTS];
        int64_t fed, made;
    } layers[SC_VOICE_LAYERS];
};

void sc_voice_init(struct sc_voice *n, sc_voice_fn fn, void *ctx);
/* The power spectrum of the next frame; calls fn for each answer that this completes, in order. */
void sc_voice_push(struct sc_voice *n, const float power[SC_SPECTRUM_BINS]);
/* No more frames follow: the rest of the answers, one for each SC_VOICE_STEP frames begun. */
void sc_voice_end(struct sc_voice *n);
