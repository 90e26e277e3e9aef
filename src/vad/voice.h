#pragma once
/* Two small networks that hear voices: what tools/train-music.py has learned. For files of this
 * module and their tests only.
 *
 * Of each frame of 20 ms it is told how strong 32 bands of frequency are, mel apart up to 4 kHz (so
 * that a telephone makes no difference), against their mean; and how loud the frame is against the
 * two seconds around it. Neither depends on the recording's loudness. Convolutions along time, the
 * first three of which halve the rate, see 5 s (six of them) or 7.5 s (seven, twice as wide). For
 * each eighth frame there is one answer, a mean of both: they err at different places. The same
 * frames give the same answers, however they came. */

#include "base/macros.h"
#include "vad/spectrum.h"

#include <stdbool.h>
#include <stdint.h>

#define SC_VOICE_BANDS 32
#define SC_VOICE_INPUTS (SC_VOICE_BANDS + 1)
#define SC_VOICE_STEP 8 /* frames for each answer */
#define SC_VOICE_NETS 2
#define SC_VOICE_LAYERS 8  /* of a network at most */
#define SC_VOICE_WIDEST 64 /* inputs or outputs of a layer */
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
struct sc_voice_net {
    const struct sc_voice_layer *layers;
    int count;
};
extern const struct sc_voice_net sc_voice_nets[SC_VOICE_NETS];

/* What a layer has at hand. */
struct sc_voice_state {
    float ring[SC_VOICE_RING][SC_VOICE_WIDEST];
    int64_t fed, made;
};

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
    struct sc_voice_state nets[SC_VOICE_NETS][SC_VOICE_LAYERS];
    float narrow[SC_VOICE_RING]; /* answers of the first network that wait for the second's */
};

void sc_voice_init(struct sc_voice *n, sc_voice_fn fn, void *ctx);
/* The power spectrum of the next frame; calls fn for each answer that this completes, in order. */
void sc_voice_push(struct sc_voice *n, const float power[SC_SPECTRUM_BINS]);
/* No more frames follow: the rest of the answers, one for each SC_VOICE_STEP frames begun. */
void sc_voice_end(struct sc_voice *n);
