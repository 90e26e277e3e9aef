/* Layers work frame by frame: each keeps the inputs that its taps reach, and answers as soon as the
 * last of them is there. Sums are added up in one order, whatever came in one piece. */
#include "vad/voice.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

#define LOWEST_HZ 60.0
#define HIGHEST_HZ 4150.0
#define BIN_HZ 15.625
#define FLOOR 100.0F       /* power of a bin: what is lower, rounding makes */
#define WIDE_LEAST (-1.0F) /* logit: how sure of music the wide network may be */

static double mel_of(double hertz)
{
    return 1127 * log(1 + hertz / 700);
}

/* Band b rises from edge b to edge b + 1 and falls to edge b + 2. */
static void init_bank(struct sc_voice *n)
{
    double edge[SC_VOICE_BANDS + 2];
    const double low = mel_of(LOWEST_HZ), high = mel_of(HIGHEST_HZ);
    for (int i = 0; i < SC_VOICE_BANDS + 2; i++)
        edge[i] = 700 * (exp((low + (high - low) * i / (SC_VOICE_BANDS + 1)) / 1127) - 1) / BIN_HZ;
    for (int b = 0; b < SC_VOICE_BANDS; b++) {
        double sum = 0;
        n->bank_first[b] = SC_SPECTRUM_BINS;
        for (int k = 0; k < SC_SPECTRUM_BINS; k++) {
            const double up = (k - edge[b]) / (edge[b + 1] - edge[b]);
            const double down = (edge[b + 2] - k) / (edge[b + 2] - edge[b + 1]);
            const double weight = fmax(0, fmin(up, down));
            n->bank[b][k] = (float)weight;
            sum += weight;
            if (weight > 0) {
                n->bank_first[b] = SC_MIN(n->bank_first[b], k);
                n->bank_last[b] = k + 1;
            }
        }
        for (int k = 0; k < SC_SPECTRUM_BINS; k++)
            n->bank[b][k] /= (float)sum;
    }
}

void sc_voice_init(struct sc_voice *n, sc_voice_fn fn, void *ctx)
{
    memset(n, 0, sizeof(*n));
    n->fn = fn;
    n->ctx = ctx;
    init_bank(n);
}

/* Answer `made` of a layer; taps before the first input and behind the last one are silent. */
static void answer(const struct sc_voice_state *s, const struct sc_voice_layer *l, int64_t made,
                   float *out)
{
    const int64_t first = made * l->stride - (l->taps - 1) * l->apart / 2;
    memset(out, 0, (size_t)l->outputs * sizeof(*out));
    for (int tap = 0; tap < l->taps; tap++) {
        const int64_t at = first + tap * l->apart;
        if (at < 0 || at >= s->fed)
            continue;
        const float *in = s->ring[at % SC_VOICE_RING];
        const int8_t *weights = l->weights + (ptrdiff_t)tap * l->inputs * l->outputs;
        for (int i = 0; i < l->inputs; i++, weights += l->outputs) {
            const float value = in[i];
            if (value == 0) /* as many answers of a layer are: it adds nothing */
                continue;
            for (int o = 0; o < l->outputs; o++)
                out[o] += value * (float)weights[o];
        }
    }
    for (int o = 0; o < l->outputs; o++)
        out[o] = out[o] * l->scale + l->bias[o];
}

/* The narrow network, which sees less, answers first. It counts twice. */
static void take(struct sc_voice *n, int net, int64_t made, float logit)
{
    float *narrow = &n->narrow[made % SC_VOICE_RING];
    if (net == 0)
        *narrow = logit;
    else
        n->fn(n->ctx, made, (2 * *narrow + SC_MAX(logit, WIDE_LEAST)) / 3);
}

static void feed(struct sc_voice *n, int net, int layer, const float *in);

/* All answers of a layer that are due; at the end also those whose last taps have no input. */
static void settle(struct sc_voice *n, int net, int layer, bool ended)
{
    struct sc_voice_state *s = &n->nets[net][layer];
    const struct sc_voice_layer *l = &sc_voice_nets[net].layers[layer];
    float out[SC_VOICE_WIDEST];
    const int64_t reach = ended ? 0 : (l->taps - 1) * l->apart / 2;
    while (s->made * l->stride + reach < s->fed) {
        const int64_t made = s->made++;
        answer(s, l, made, out);
        if (layer == sc_voice_nets[net].count - 1) {
            take(n, net, made, out[0]);
            continue;
        }
        for (int o = 0; o < l->outputs; o++)
            out[o] = SC_MAX(out[o], 0);
        feed(n, net, layer + 1, out);
    }
}

static void feed(struct sc_voice *n, int net, int layer, const float *in)
{
    struct sc_voice_state *s = &n->nets[net][layer];
    memcpy(s->ring[s->fed++ % SC_VOICE_RING], in,
           (size_t)sc_voice_nets[net].layers[layer].inputs * sizeof(*in));
    settle(n, net, layer, false);
}

/* Frame `described`, whose surroundings are known. */
static void describe(struct sc_voice *n)
{
    float in[SC_VOICE_INPUTS], sum = 0;
    const int64_t at = n->described++;
    const int64_t first = SC_MAX(at - SC_VOICE_SIDE, 0);
    const int64_t last = SC_MIN(at + SC_VOICE_SIDE + 1, n->pushed);
    const float level = n->levels[at % SC_VOICE_LEVELS];
    for (int64_t f = first; f < last; f++)
        sum += n->levels[f % SC_VOICE_LEVELS];
    for (int b = 0; b < SC_VOICE_BANDS; b++)
        in[b] = n->bands[at % SC_VOICE_LEVELS][b] - level;
    in[SC_VOICE_BANDS] = level - sum / (float)(last - first);
    for (int net = 0; net < SC_VOICE_NETS; net++)
        feed(n, net, 0, in);
}

void sc_voice_push(struct sc_voice *n, const float power[SC_SPECTRUM_BINS])
{
    float *bands = n->bands[n->pushed % SC_VOICE_LEVELS], all = 0;
    for (int b = 0; b < SC_VOICE_BANDS; b++) {
        float sum = 0;
        for (int k = n->bank_first[b]; k < n->bank_last[b]; k++)
            sum += n->bank[b][k] * power[k];
        bands[b] = log10f(sum + FLOOR);
        all += bands[b];
    }
    n->levels[n->pushed++ % SC_VOICE_LEVELS] = all / SC_VOICE_BANDS;
    if (n->pushed > SC_VOICE_SIDE)
        describe(n);
}

void sc_voice_end(struct sc_voice *n)
{
    while (n->described < n->pushed)
        describe(n);
    for (int net = 0; net < SC_VOICE_NETS; net++) {
        for (int layer = 0; layer < sc_voice_nets[net].count; layer++)
            settle(n, net, layer, true);
    }
}
