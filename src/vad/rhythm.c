#include "vad/rhythm.h"

#include "base/macros.h"

#include <stdbool.h>

#include "base/banned.h"

#define FRAMES_LEAST 250
#define LAG_LEAST 10
#define LAG_MOST 200

static void take_off_means(float levels[][SC_RHYTHM_BANDS], int frames)
{
    for (int band = 0; band < SC_RHYTHM_BANDS; band++) {
        float sum = 0;
        for (int i = 0; i < frames; i++)
            sum += levels[i][band];
        for (int i = 0; i < frames; i++)
            levels[i][band] -= sum / (float)frames;
    }
}

static float product(float (*a)[SC_RHYTHM_BANDS], float (*b)[SC_RHYTHM_BANDS], int frames)
{
    float sum = 0;
    for (int i = 0; i < frames; i++) {
        for (int band = 0; band < SC_RHYTHM_BANDS; band++)
            sum += a[i][band] * b[i][band];
    }
    return sum;
}

float sc_rhythm(float levels[][SC_RHYTHM_BANDS], int frames)
{
    if (frames < FRAMES_LEAST)
        return 0;
    take_off_means(levels, frames);
    const float all = product(levels, levels, frames) + 1;
    float best = 0, before = 1;
    bool rising = false;
    for (int lag = LAG_LEAST; lag <= SC_MIN(LAG_MOST, frames / 2); lag++) {
        const int n = frames - lag;
        float alike = product(levels, levels + lag, n) / all * (float)frames / (float)n;
        /* Any sound is like itself of a moment ago: up to the first dip that says nothing. */
        rising = rising || alike > before;
        before = alike;
        if (rising)
            best = SC_MAX(best, alike);
    }
    return best;
}
