/* Cooley and Tukey's transform. Of 1024 real samples the even ones are taken as real, the odd ones
 * as imaginary parts of 512 complex ones, and the two spectra are told apart afterwards. */
#include "vad/spectrum.h"

#include <math.h>

#include "base/banned.h"

#define HALF (SC_SPECTRUM_SAMPLES / 2)
#define HALF_BITS 9
#define TURN 6.283185307179586

void sc_spectrum_init(struct sc_spectrum *s)
{
    for (int i = 0; i < SC_SPECTRUM_SAMPLES; i++)
        s->window[i] = (float)(0.5 - 0.5 * cos(TURN * i / SC_SPECTRUM_SAMPLES));
    for (int i = 0; i < HALF; i++) {
        s->cosine[i] = (float)cos(TURN * i / SC_SPECTRUM_SAMPLES);
        s->sine[i] = (float)-sin(TURN * i / SC_SPECTRUM_SAMPLES);
        unsigned from = (unsigned)i, to = 0;
        for (int bit = 0; bit < HALF_BITS; bit++) {
            to = to << 1 | (from & 1);
            from >>= 1;
        }
        s->reversed[i] = (uint16_t)to;
    }
}

/* In place; the input lies in the order of reversed bits. */
static void transform(struct sc_spectrum *s)
{
    for (int len = 1; len < HALF; len *= 2) {
        const int step = HALF / len;
        for (int at = 0; at < HALF; at += 2 * len) {
            for (int k = 0; k < len; k++) {
                const int a = at + k, b = a + len;
                const float c = s->cosine[k * step], d = s->sine[k * step];
                const float re = s->re[b] * c - s->im[b] * d;
                const float im = s->re[b] * d + s->im[b] * c;
                s->re[b] = s->re[a] - re;
                s->im[b] = s->im[a] - im;
                s->re[a] += re;
                s->im[a] += im;
            }
        }
    }
}

void sc_spectrum_power(struct sc_spectrum *s, const int16_t pcm[SC_SPECTRUM_SAMPLES],
                       float power[SC_SPECTRUM_BINS])
{
    for (int i = 0; i < HALF; i++) {
        const int to = s->reversed[i];
        s->re[to] = (float)pcm[2 * i] * s->window[2 * i];
        s->im[to] = (float)pcm[2 * i + 1] * s->window[2 * i + 1];
    }
    transform(s);
    for (int k = 0; k < SC_SPECTRUM_BINS; k++) {
        const int m = (HALF - k) % HALF;
        const float even_re = (s->re[k] + s->re[m]) / 2, even_im = (s->im[k] - s->im[m]) / 2;
        const float odd_re = (s->im[k] + s->im[m]) / 2, odd_im = (s->re[m] - s->re[k]) / 2;
        const float re = even_re + odd_re * s->cosine[k] - odd_im * s->sine[k];
        const float im = even_im + odd_re * s->sine[k] + odd_im * s->cosine[k];
        power[k] = re * re + im * im + 1;
    }
}
