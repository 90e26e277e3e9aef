#pragma once
/* The power spectrum of 64 ms of sound. For files of this module only. */

#include "base/macros.h"

#include <stddef.h>
#include <stdint.h>

#define SC_SPECTRUM_SAMPLES 1024
#define SC_SPECTRUM_BINS 272 /* of 15.625 Hz each, from 0 Hz on: up to 4.2 kHz */

struct sc_spectrum {
    float window[SC_SPECTRUM_SAMPLES];
    /* cos and -sin of k turns of SC_SPECTRUM_SAMPLES */
    float cosine[SC_SPECTRUM_SAMPLES / 2], sine[SC_SPECTRUM_SAMPLES / 2];
    uint16_t reversed[SC_SPECTRUM_SAMPLES / 2]; /* index with its bits in reverse */
    float re[SC_SPECTRUM_SAMPLES / 2], im[SC_SPECTRUM_SAMPLES / 2];
};

void sc_spectrum_init(struct sc_spectrum *s);
/* The power of each bin, never 0. */
void sc_spectrum_power(struct sc_spectrum *s, const int16_t pcm[SC_SPECTRUM_SAMPLES],
                       float power[SC_SPECTRUM_BINS]);
