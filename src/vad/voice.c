/* Layers work frame by frame: each keeps the inputs that its taps reach, and answers as soon as the
 * last of them is there. Sums are added up in one order, whatever came in one piece. */
#include "vad/voice.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

#define LOWEST_HZ 60.0
#define HIGHEST_HZ 4150.0
#define BIN_HZ 15.625
#define FLOOR 100.0F /* power of a bin: what is lower, rounding makes */
#define OUTPUTS_MOST 64

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
static void answer(const struct sc_voice *n, int layer, int64_t made, float *out)
{
    const struct sc_voice_layer *l = &sc_voice_layers[layer];
    const int64_t first = made * l->stride - (l->taps - 1) * l->apart / 2;
    memset(out, 0, (size_t)l->outputs * sizeof(*out));
    for (int tap = 0; tap < l->taps; tap++) {
        const int64_t at = first + tap * l->apart;
        if (at < 0 || at >= n->layers[layer].fed)
            continue;
        const float *in = n->layers[layer].ring[at % SC_VOICE_RING];
        const int8_t *weights = l->weights + (ptrdiff_t)tap * l->inputs * l->outputs;
        for (int i = 0; i < l->inputs; i++, weights += l->outputs) {
            for (int o = 0; o < l->outputs; o++)
                out[o] += in[i] * (float)weights[o];
        }
    }
    for (int o = 0; o < l->outputs; o++)
        out[o] = out[o] * l->scale + l->bias[o];
}

static void feed(struct sc_voice *n, int layer, const float *in);

/* All answers of a layer that are due; at the end also those whose last taps have no input. */
static void settle(struct sc_voice *n, int layer, bool ended)
{
    const struct sc_voice_layer *l = &sc_voice_layers[layer];
    float out[OUTPUTS_MOST];
    const int64_t reach = ended ? 0 : (l->taps - 1) * l->apart / 2;
    while (n->layers[layer].made * l->stride + reach < n->layers[layer].fed) {
        const int64_t made = n->layers[layer].made++;
        answer(n, layer, made, out);
        if (layer == SC_VOICE_LAYERS - 1) {
            n->fn(n->ctx, made, out[0]);
            continue;
        }
        for (int o = 0; o < l->outputs; o++)
            out[o] = SC_MAX(out[o], 0);
        feed(n, layer + 1, out);
    }
}

static void feed(struct sc_voice *n, int layer, const float *in)
{
    memcpy(n->layers[layer].ring[n->layers[layer].fed++ % SC_VOICE_RING], in,
           (size_t)sc_voice_layers[layer].inputs * sizeof(*in));
    settle(n, layer, false);
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
    feed(n, 0, in);
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
    for (int layer = 0; layer < SC_VOICE_LAYERS; layer++)
        settle(n, layer, true);
}
