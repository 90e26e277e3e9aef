#include "base/macros.h"
#include "vad/detector.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

/* A frame counts as speech only from -66 dBFS on (24 dB above a mean square of 1): below, in
 * digital silence, six decibels above the floor are rounding noise. */
#define LEVEL_MIN 97
#define PERCENT 10

int sc_vad_level(const int16_t *pcm, size_t samples)
{
    int64_t sum = 0, squares = 0;
    for (size_t i = 0; i < samples; i++) {
        sum += pcm[i];
        squares += (int32_t)pcm[i] * pcm[i];
    }
    if (samples == 0)
        return 0;
    double mean = (double)sum / (double)samples;
    double variance = (double)squares / (double)samples - mean * mean;
    int level = (int)lrint(40.0 * log10(SC_MAX(variance, 0.0) + 1.0));
    return SC_MIN(level, SC_VAD_LEVELS - 1);
}

void sc_detector_init(struct sc_detector *d, double threshold_db)
{
    memset(d, 0, sizeof(*d));
    d->threshold = (int)lrint(4.0 * threshold_db);
}

void sc_detector_push(struct sc_detector *d, int level)
{
    sc_assert(!d->ended && level >= 0 && level < SC_VAD_LEVELS);
    sc_assert(d->pushed - d->decided <= SC_VAD_SIDE_FRAMES);
    d->ring[d->pushed++ % SC_VAD_RING] = (int16_t)level;
}

void sc_detector_end(struct sc_detector *d)
{
    d->ended = true;
}

static int level_of(const struct sc_detector *d, int64_t frame)
{
    return d->ring[frame % SC_VAD_RING];
}

/* Moves the window to the frames around `decided`. */
static void slide(struct sc_detector *d)
{
    int64_t first = SC_MAX(0, d->decided - SC_VAD_SIDE_FRAMES);
    int64_t last = SC_MIN(d->pushed, d->decided + SC_VAD_SIDE_FRAMES + 1);
    for (; d->last < last; d->last++) {
        int level = level_of(d, d->last);
        d->histogram[level]++;
        d->below += level < d->floor;
    }
    for (; d->first < first; d->first++) {
        int level = level_of(d, d->first);
        d->histogram[level]--;
        d->below -= level < d->floor;
    }
}

/* The floor moves by the few levels that a frame more and a frame less make: no sorting. */
static void settle_floor(struct sc_detector *d)
{
    int64_t rank = (d->last - d->first) * PERCENT / 100;
    while (d->below > rank)
        d->below -= d->histogram[--d->floor];
    while (d->below + d->histogram[d->floor] <= rank)
        d->below += d->histogram[d->floor++];
}

bool sc_detector_next(struct sc_detector *d, bool *speech)
{
    if (d->decided >= d->pushed || (!d->ended && d->decided + SC_VAD_SIDE_FRAMES >= d->pushed))
        return false;
    slide(d);
    settle_floor(d);
    int level = level_of(d, d->decided++);
    *speech = level >= LEVEL_MIN && level >= d->floor + d->threshold;
    return true;
}
