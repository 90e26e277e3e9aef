#pragma once
/* Recordings for tests: the same in every run. */

#include "vad/detector.h"

#include "testing.h"

#include <math.h>

struct dice {
    uint64_t state; /* never 0 */
};

static inline uint64_t dice_next(struct dice *d)
{
    d->state ^= d->state >> 12;
    d->state ^= d->state << 25;
    d->state ^= d->state >> 27;
    return d->state * 2685821657736338717u;
}

static inline int64_t dice_between(struct dice *d, int64_t lowest, int64_t highest)
{
    return lowest + (int64_t)((dice_next(d) >> 8) % (uint64_t)(highest - lowest + 1));
}

struct recording {
    int16_t *pcm; /* owned */
    size_t samples, cap;
};

static inline void recording_done(struct recording *r)
{
    free(r->pcm);
    *r = (struct recording){ 0 };
}
#define RECORDING SC_AUTO(recording_done) struct recording

static inline void add_sample(struct recording *r, double value)
{
    if (r->samples == r->cap) {
        r->cap = r->cap == 0 ? 1 << 16 : r->cap * 2;
        r->pcm = realloc(r->pcm, r->cap * sizeof(*r->pcm));
        assert_non_null(r->pcm);
    }
    r->pcm[r->samples++] = (int16_t)lrint(fmax(-32768, fmin(32767, value)));
}

/* White noise with this peak. */
static inline void add_noise(struct dice *d, struct recording *r, int64_t ms, int64_t peak)
{
    for (int64_t i = 0; i < ms * SC_PCM_RATE / 1000; i++)
        add_sample(r, (double)dice_between(d, -peak, peak));
}

/* Something with the loudness of speech: syllables of 120 … 300 ms that swell and fade, and dips of
 * up to 120 ms between them, over noise. */
static inline void add_speech(struct dice *d, struct recording *r, int64_t ms, int64_t noise)
{
    size_t until = r->samples + (size_t)ms * SC_PCM_RATE / 1000;
    while (r->samples < until) {
        int64_t len = dice_between(d, 120, 300) * SC_PCM_RATE / 1000;
        int64_t dip = dice_between(d, 0, 120) * SC_PCM_RATE / 1000;
        double loud = (double)dice_between(d, 2000, 14000);
        double pitch = (double)dice_between(d, 90, 240);
        for (int64_t i = 0; i < len + dip && r->samples < until; i++) {
            double x = (double)i / (double)len;
            double swell = i < len ? sqrt(sin(3.14159265 * x)) : 0;
            add_sample(r, loud * swell * sin(6.2831853 * pitch * (double)i / SC_PCM_RATE) +
                              (double)dice_between(d, -noise, noise));
        }
    }
}
