/* Notes of one tune are whole semitones apart, and so are the stronger ones of their partials:
 * twice a frequency is 12 semitones, three times 19 and 2 cents. The places of partials within a
 * semitone are drawn as vectors in a circle; those of music add up, those of a voice, which goes
 * through all of them, do not. Which tuning it is does not matter. */
#include "vad/partials.h"

#include "base/macros.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

#define TURN 6.2831853F
#define STAYS 0.12F     /* bins; 2 Hz */
#define LOWEST_BIN 9.0F /* below the first where partials are looked for */

void sc_partials_add(struct sc_partials *p, const int16_t *level, int bin, float power, bool clear)
{
    sc_assert(p->count < SC_PARTIALS);
    /* The vertex of the parabola through three levels. */
    const int low = level[bin - 1], high = level[bin + 1];
    const int bend = low - 2 * level[bin] + high;
    p->bin[p->count] = (float)bin + (float)(low - high) / (float)(2 * bend);
    p->power[p->count] = power;
    p->clear[p->count++] = clear;
}

/* Is one of the partials at this place? `from` is where the search goes on for higher places. */
static bool has_partial(const struct sc_partials *p, float bin, int *from)
{
    while (*from < p->count && p->bin[*from] < bin - STAYS)
        (*from)++;
    return *from < p->count && p->bin[*from] < bin + STAYS;
}

static int share(float part, float all)
{
    return (int)lrintf(255 * part / all);
}

void sc_partials_notes(const struct sc_partials *before, const struct sc_partials *at,
                       const struct sc_partials *after, float all, struct sc_notes *out)
{
    float clear = 0, steady = 0, cosine = 0, sine = 0;
    float note[SC_NOTES] = { 0 };
    int before_from = 0, after_from = 0;
    for (int i = 0; i < at->count; i++) {
        if (!at->clear[i])
            continue;
        clear += at->power[i];
        if (!has_partial(before, at->bin[i], &before_from) &&
            !has_partial(after, at->bin[i], &after_from))
            continue;
        const float semitone = 12 * log2f(at->bin[i] / LOWEST_BIN);
        const int below = (int)semitone;
        const float part = semitone - (float)below;
        steady += at->power[i];
        cosine += at->power[i] * cosf(TURN * part);
        sine += at->power[i] * sinf(TURN * part);
        note[below] += at->power[i] * (1 - part);
        note[below + 1] += at->power[i] * part;
    }
    out->clear = (uint8_t)share(clear, all);
    out->steady = (uint8_t)share(steady, all);
    out->cosine = (int16_t)share(cosine, all);
    out->sine = (int16_t)share(sine, all);
    for (int i = 0; i < SC_NOTES; i++)
        out->note[i] = (uint8_t)share(note[i], all);
}

void sc_tuning_add(struct sc_tuning *t, const struct sc_notes *notes, int sign)
{
    t->clear += sign * notes->clear;
    t->cosine += sign * notes->cosine;
    t->sine += sign * notes->sine;
    for (int i = 0; i < SC_NOTES; i++)
        t->note[i] += sign * notes->note[i];
}

float sc_tuning_share(const struct sc_tuning *t)
{
    const float cosine = (float)t->cosine, sine = (float)t->sine;
    float sum = 1, squares = 0;
    for (int i = 0; i < SC_NOTES; i++) {
        sum += (float)t->note[i];
        squares += (float)t->note[i] * (float)t->note[i];
    }
    /* A voice on one pitch has few notes, and always the same. */
    return sqrtf(cosine * cosine + sine * sine) / ((float)t->clear + 1) - squares / (sum * sum);
}
