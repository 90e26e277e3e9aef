#pragma once
/* A small network that hears voices: what tools/train-music.py has learned. For files of this
 * module and their tests only.
 *
 * Of each frame of 20 ms it is told how strong 32 bands of frequency are, mel apart up to 4 kHz (so
 * that a telephone makes no difference), against their mean; and how loud the frame is against the
 * two seconds around it. Neither depends on the recording's loudness. Five convolutions along time,
 * the first three of which halve the rate, see 2.5 s; one answer comes for each eighth frame. The
 * same frames give the same answers, however they came. */

#include "base/macros.h"
#include "vad/spectrum.h"

#include <stdbool.h>
#include <stdint.h>

#define SC_NET_BANDS 32
#define SC_NET_INPUTS (SC_NET_BANDS + 1)
#define SC_NET_STEP 8 /* frames for each answer */
#define SC_NET_LAYERS 6
#define SC_NET_RING 32
#define SC_NET_SIDE 50 /* frames to either side, whose loudness is a frame's measure */
#define SC_NET_LEVELS 128

/* What was learned; in net-weights.c. */
struct sc_net_layer {
    int inputs, outputs, taps, stride, apart; /* apart: frames between taps */
    float scale;                              /* of the weights */
    const int8_t *weights;                    /* [taps][inputs][outputs] */
    const float *bias;
};
extern const struct sc_net_layer sc_net_layers[SC_NET_LAYERS];

/* One answer: how likely a voice is heard near frame `frame`, in logits. */
typedef void (*sc_net_fn)(void *ctx, int64_t step, float logit);

struct sc_net {
    sc_net_fn fn;
    void *ctx;
    float bank[SC_NET_BANDS][SC_SPECTRUM_BINS]; /* weights of bins; each band's add up to 1 */
    int bank_first[SC_NET_BANDS], bank_last[SC_NET_BANDS];
    float bands[SC_NET_LEVELS][SC_NET_BANDS];
    float levels[SC_NET_LEVELS];
    int64_t pushed, described; /* frames */
    struct {
        float ring[SC_NET_RING][SC_NET_INPUTS];
        int64_t fed, made;
    } layers[SC_NET_LAYERS];
};

void sc_net_init(struct sc_net *n, sc_net_fn fn, void *ctx);
/* The power spectrum of the next frame; calls fn for each answer that this completes, in order. */
void sc_net_push(struct sc_net *n, const float power[SC_SPECTRUM_BINS]);
/* No more frames follow: the rest of the answers, one for each SC_NET_STEP frames begun. */
void sc_net_end(struct sc_net *n);
