/* A frame is 400 samples: as many of a real transform are one of 200 complex numbers, the even
 * samples as real and the odd ones as imaginary parts, and its two spectra are told apart
 * afterwards. 200 is 5*5*2*2*2, for which Stockham's order of the passes needs no sorting. Eight
 * frames go through it side by side, so that the compiler has vectors for every step. */
#include "whisper/mel.h"

#include "base/alloc.h"

#include <math.h>

#include "base/banned.h"

#define LANES 8
#define FRAME 400
#define HALF (FRAME / 2)
#define BINS SC_WHISPER_BINS
#define TURN 6.283185307179586
/* Power below this is silence. */
#define LEAST 1e-10F
#define LEAST_LOG SC_MEL_SILENCE
#define DECADES 8.0F

/* One number of each frame. */
struct lane {
    float at[LANES];
};

struct complex_lanes {
    struct lane re[HALF], im[HALF];
};

struct band {
    int first, count; /* bins that the filter weighs */
};

struct sc_mel {
    const int16_t *pcm;
    size_t samples;
    int bands;
    const float *filters;
    size_t frames;
    float *values; /* of each frame all bands */
    float silence; /* the value of frames without sound; set by finish */
    struct band band[SC_MEL_MAX_BANDS];
    float window[FRAME];
    float cosine[FRAME], sine[FRAME]; /* cos and -sin of k turns of FRAME */
};

static struct band band_of(const float filter[BINS])
{
    int first = 0, end = BINS;
    while (first < BINS && filter[first] == 0)
        first++;
    while (end > first && filter[end - 1] == 0)
        end--;
    return (struct band){ first, end - first };
}

enum sc_code sc_mel_open(const int16_t *pcm, size_t samples, int bands, const float *filters,
                         struct sc_mel **out, struct sc_error *err)
{
    sc_assert(bands > 0 && bands <= SC_MEL_MAX_BANDS);
    /* The last frame that reaches into the clip; half of the first one lies before it. */
    const size_t frames = samples == 0 ? 0 : (samples + FRAME / 2 - 1) / SC_MEL_STEP + 1;
    SC_AUTO(sc_mel_freep) struct sc_mel *m = sc_alloc(sizeof(*m));
    m->values = sc_try_alloc((frames + 1) * (size_t)bands * sizeof(*m->values));
    if (m->values == NULL)
        return sc_error_set(err, SC_E_INTERNAL, "memory is exhausted");
    m->pcm = pcm;
    m->samples = samples;
    m->bands = bands;
    m->filters = filters;
    m->frames = frames;
    for (int i = 0; i < bands; i++)
        m->band[i] = band_of(filters + (ptrdiff_t)i * BINS);
    for (int i = 0; i < FRAME; i++) {
        m->window[i] = (float)(0.5 - 0.5 * cos(TURN * i / FRAME));
        m->cosine[i] = (float)cos(TURN * i / FRAME);
        m->sine[i] = (float)-sin(TURN * i / FRAME);
    }
    *out = SC_TAKE(m);
    return SC_OK;
}

void sc_mel_free(struct sc_mel *m)
{
    if (m == NULL)
        return;
    free(m->values);
    free(m);
}

/* The sound before the clip is what follows its beginning, mirrored; behind it is silence. */
static float sample_at(const struct sc_mel *m, int64_t at)
{
    const uint64_t i = (uint64_t)(at < 0 ? -at : at);
    return i < m->samples ? (float)m->pcm[i] * (1.0F / 32768) : 0;
}

static void load(const struct sc_mel *m, size_t frame, struct complex_lanes *out)
{
    for (int lane = 0; lane < LANES; lane++) {
        const int64_t from = (int64_t)(frame + (size_t)lane) * SC_MEL_STEP - FRAME / 2;
        for (int i = 0; i < HALF; i++) {
            out->re[i].at[lane] = sample_at(m, from + 2 * i) * m->window[2 * i];
            out->im[i].at[lane] = sample_at(m, from + 2 * i + 1) * m->window[2 * i + 1];
        }
    }
}

/* Where a pass reads and writes, and the turn that its k-th output makes. */
struct pass {
    const struct complex_lanes *in;
    struct complex_lanes *out;
    const struct sc_mel *m;
    int from, stride; /* inputs */
    int to, step;     /* outputs */
    int turn;         /* of FRAME, for each k */
};

static void put(const struct pass *p, int k, const float *restrict re, const float *restrict im)
{
    const float c = p->m->cosine[p->turn * k % FRAME], s = p->m->sine[p->turn * k % FRAME];
    float *restrict out_re = p->out->re[p->to + p->step * k].at;
    float *restrict out_im = p->out->im[p->to + p->step * k].at;
    for (int i = 0; i < LANES; i++) {
        out_re[i] = re[i] * c - im[i] * s;
        out_im[i] = re[i] * s + im[i] * c;
    }
}

static void butterfly_2(const struct pass *p)
{
    const float *restrict a_re = p->in->re[p->from].at;
    const float *restrict a_im = p->in->im[p->from].at;
    const float *restrict b_re = p->in->re[p->from + p->stride].at;
    const float *restrict b_im = p->in->im[p->from + p->stride].at;
    float sum_re[LANES], sum_im[LANES], gap_re[LANES], gap_im[LANES];

    for (int i = 0; i < LANES; i++) {
        sum_re[i] = a_re[i] + b_re[i];
        sum_im[i] = a_im[i] + b_im[i];
        gap_re[i] = a_re[i] - b_re[i];
        gap_im[i] = a_im[i] - b_im[i];
    }
    put(p, 0, sum_re, sum_im);
    put(p, 1, gap_re, gap_im);
}

/* Inputs that lie mirrored share their cosines, and their sines but for the sign. */
static void butterfly_5(const struct pass *p)
{
    const float c1 = 0.30901699437494745F, c2 = -0.8090169943749475F; /* of 1/5 and 2/5 turn */
    const float s1 = 0.9510565162951535F, s2 = 0.5877852522924731F;
    const struct lane *re = p->in->re + p->from, *im = p->in->im + p->from;
    const int d = p->stride;
    float y_re[5][LANES], y_im[5][LANES];

    for (int i = 0; i < LANES; i++) {
        const float x_re = re[0].at[i], x_im = im[0].at[i];
        const float p1_re = re[d].at[i] + re[4 * d].at[i], m1_re = re[d].at[i] - re[4 * d].at[i];
        const float p1_im = im[d].at[i] + im[4 * d].at[i], m1_im = im[d].at[i] - im[4 * d].at[i];
        const float p2_re = re[2 * d].at[i] + re[3 * d].at[i];
        const float m2_re = re[2 * d].at[i] - re[3 * d].at[i];
        const float p2_im = im[2 * d].at[i] + im[3 * d].at[i];
        const float m2_im = im[2 * d].at[i] - im[3 * d].at[i];
        const float a1_re = x_re + c1 * p1_re + c2 * p2_re, b1_re = s1 * m1_re + s2 * m2_re;
        const float a1_im = x_im + c1 * p1_im + c2 * p2_im, b1_im = s1 * m1_im + s2 * m2_im;
        const float a2_re = x_re + c2 * p1_re + c1 * p2_re, b2_re = s2 * m1_re - s1 * m2_re;
        const float a2_im = x_im + c2 * p1_im + c1 * p2_im, b2_im = s2 * m1_im - s1 * m2_im;
        y_re[0][i] = x_re + p1_re + p2_re;
        y_im[0][i] = x_im + p1_im + p2_im;
        y_re[1][i] = a1_re + b1_im;
        y_im[1][i] = a1_im - b1_re;
        y_re[2][i] = a2_re + b2_im;
        y_im[2][i] = a2_im - b2_re;
        y_re[3][i] = a2_re - b2_im;
        y_im[3][i] = a2_im + b2_re;
        y_re[4][i] = a1_re - b1_im;
        y_im[4][i] = a1_im + b1_re;
    }
    for (int k = 0; k < 5; k++)
        put(p, k, y_re[k], y_im[k]);
}

/* In place, by way of `spare`. */
static void transform(const struct sc_mel *m, struct complex_lanes *x, struct complex_lanes *spare)
{
    static const int radices[] = { 5, 5, 2, 2, 2 };
    struct complex_lanes *in = x, *out = spare;
    int length = HALF, stride = 1;

    for (size_t n = 0; n < SC_ARRAY_LEN(radices); n++) {
        const int radix = radices[n], parts = length / radix;
        for (int part = 0; part < parts; part++) {
            for (int i = 0; i < stride; i++) {
                const struct pass p = {
                    .in = in,
                    .out = out,
                    .m = m,
                    .from = i + stride * part,
                    .stride = stride * parts,
                    .to = i + stride * radix * part,
                    .step = stride,
                    .turn = FRAME / length * part,
                };
                if (radix == 5)
                    butterfly_5(&p);
                else
                    butterfly_2(&p);
            }
        }
        struct complex_lanes *swap = in;
        in = out;
        out = swap;
        length = parts;
        stride *= radix;
    }
    if (in != x)
        *x = *in;
}

/* The spectra of even and odd samples, put together to that of the frame. */
static void power_of(const struct sc_mel *m, const struct complex_lanes *x, struct lane power[BINS])
{
    for (int k = 0; k < BINS; k++) {
        const int a = k % HALF, b = (HALF - k) % HALF;
        const float c = m->cosine[k], s = m->sine[k];
        for (int i = 0; i < LANES; i++) {
            const float even_re = (x->re[a].at[i] + x->re[b].at[i]) / 2;
            const float even_im = (x->im[a].at[i] - x->im[b].at[i]) / 2;
            const float odd_re = (x->im[a].at[i] + x->im[b].at[i]) / 2;
            const float odd_im = (x->re[b].at[i] - x->re[a].at[i]) / 2;
            const float re = even_re + odd_re * c - odd_im * s;
            const float im = even_im + odd_re * s + odd_im * c;
            power[k].at[i] = re * re + im * im;
        }
    }
}

static void bands_of(struct sc_mel *m, size_t frame, const struct lane power[BINS])
{
    const size_t lanes = SC_MIN((size_t)LANES, m->frames - frame);
    float *out = m->values + frame * (size_t)m->bands;

    for (int b = 0; b < m->bands; b++) {
        const struct band band = m->band[b];
        const float *filter = m->filters + (ptrdiff_t)b * BINS;
        float sum[LANES] = { 0 };
        for (int k = band.first; k < band.first + band.count; k++) {
            for (int i = 0; i < LANES; i++)
                sum[i] += power[k].at[i] * filter[k];
        }
        for (size_t i = 0; i < lanes; i++)
            out[i * (size_t)m->bands + (size_t)b] = log10f(fmaxf(sum[i], LEAST));
    }
}

void sc_mel_part(struct sc_mel *m, int part, int parts)
{
    struct complex_lanes x, spare;
    struct lane power[BINS];
    /* Whole groups, so that the same frames always go side by side. */
    const size_t groups = (m->frames + LANES - 1) / LANES;
    const size_t first = groups * (size_t)part / (size_t)parts;
    const size_t end = groups * ((size_t)part + 1) / (size_t)parts;

    sc_assert(part >= 0 && part < parts);
    for (size_t group = first; group < end; group++) {
        load(m, group * LANES, &x);
        transform(m, &x, &spare);
        power_of(m, &x, power);
        bands_of(m, group * LANES, power);
    }
}

float sc_mel_finish(struct sc_mel *m, float loudest)
{
    const size_t count = m->frames * (size_t)m->bands;

    for (size_t i = 0; i < count; i++)
        loudest = fmaxf(loudest, m->values[i]);
    const float floor = loudest - DECADES;
    for (size_t i = 0; i < count; i++)
        m->values[i] = (fmaxf(m->values[i], floor) + 4) / 4;
    m->silence = (fmaxf(LEAST_LOG, floor) + 4) / 4;
    m->pcm = NULL;
    m->filters = NULL;
    return loudest;
}

size_t sc_mel_frames(const struct sc_mel *m)
{
    return m->frames;
}

void sc_mel_window(const struct sc_mel *m, size_t first, float *out)
{
    const size_t there = first < m->frames ? SC_MIN(m->frames - first, (size_t)SC_MEL_WINDOW) : 0;

    for (size_t b = 0; b < (size_t)m->bands; b++) {
        float *row = out + b * SC_MEL_WINDOW;
        for (size_t i = 0; i < there; i++)
            row[i] = m->values[(first + i) * (size_t)m->bands + b];
        for (size_t i = there; i < SC_MEL_WINDOW; i++)
            row[i] = m->silence;
    }
}

/* Slaney's scale: even up to 1 kHz, 15 steps; above it 27 steps for each 6.4-fold. */
static double hertz_of(double mel)
{
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

void sc_mel_filters(int bands, float *out)
{
    const double top = 15 + log(8.0) * 27 / log(6.4); /* 8 kHz */
    const double hertz_per_bin = (double)SC_MEL_RATE / FRAME;

    for (int b = 0; b < bands; b++) {
        const double low = hertz_of(top * b / (bands + 1));
        const double middle = hertz_of(top * (b + 1) / (bands + 1));
        const double high = hertz_of(top * (b + 2) / (bands + 1));
        for (int k = 0; k < BINS; k++) {
            const double at = k * hertz_per_bin;
            const double weight = fmin((at - low) / (middle - low), (high - at) / (high - middle));
            out[(ptrdiff_t)b * BINS + k] = (float)(fmax(weight, 0) * 2 / (high - low));
        }
    }
}
