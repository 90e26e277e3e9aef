/* Any options and any loudness over time: pieces come in order, are short enough, hold the samples
 * that they name, and do not depend on how the samples are fed.
 *
 * The first six bytes are the options; each following byte stands for sound of 100 ms … 800 ms: the
 * low five bits are its loudness, the high three its length. */

#include "fuzz.h"

#include "base/macros.h"
#include "vad/vad.h"

#include <stdlib.h>
#include <string.h>

#define OPTION_BYTES 6
#define STEP_SAMPLES (SC_PCM_RATE / 10)
/* Longer than the longest piece; short enough for many runs a second. */
#define SOUND_MAX (45 * (size_t)SC_PCM_RATE)

struct seen {
    const struct sc_cut_options *options;
    const int16_t *pcm;
    int64_t samples;
    int64_t start, end;
    bool overlaps;
    uint64_t sum; /* over all pieces */
};

static void check_spans(const struct seen *s, const struct sc_cut *cut)
{
    size_t at = 0;
    if (cut->span_count == 0 || cut->span_count > (s->options->pack ? SC_CUT_SPANS : 1))
        abort();
    for (size_t i = 0; i < cut->span_count; i++) {
        const struct sc_cut_span *span = &cut->spans[i];
        size_t len = (size_t)(span->end_samples - span->start_samples);
        if (i > 0 && span->start_samples <= cut->spans[i - 1].end_samples)
            abort();
        if (len > cut->samples - at ||
            memcmp(cut->pcm + at, s->pcm + span->start_samples, len * sizeof(*cut->pcm)) != 0)
            abort();
        at += len;
    }
    if (at != cut->samples || cut->start_samples != cut->spans[0].start_samples ||
        cut->end_samples != cut->spans[cut->span_count - 1].end_samples)
        abort();
}

static enum sc_code check_piece(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    struct seen *s = ctx;
    (void)err;
    if (cut->samples == 0 || cut->samples > (size_t)s->options->max_chunk_s * SC_PCM_RATE)
        abort();
    if (cut->start_samples < s->start || cut->end_samples <= s->end ||
        cut->end_samples > s->samples)
        abort();
    if (s->overlaps ? cut->start_samples >= s->end : cut->start_samples < s->end)
        abort();
    check_spans(s, cut);
    s->start = cut->start_samples;
    s->end = cut->end_samples;
    s->overlaps = cut->overlaps_next;
    s->sum = (s->sum * 31 + (uint64_t)s->start) * 31 + (uint64_t)s->end * 2 + s->overlaps;
    return SC_OK;
}

static uint64_t cut_all(const struct sc_cut_options *o, const int16_t *pcm, size_t samples,
                        size_t slice)
{
    struct seen seen = { .options = o, .pcm = pcm, .samples = (int64_t)samples };
    SC_AUTO(sc_cutter_freep) struct sc_cutter *c = sc_cutter_new(o, check_piece, &seen);
    if (c == NULL)
        abort();
    for (size_t at = 0; at < samples; at += slice) {
        if (sc_cutter_feed(c, pcm + at, SC_MIN(slice, samples - at), NULL) != SC_OK)
            abort();
    }
    if (sc_cutter_finish(c, NULL) != SC_OK || seen.overlaps)
        abort();
    if (!o->vad && seen.end != (int64_t)samples)
        abort();
    return seen.sum;
}

static size_t make_sound(const uint8_t *data, size_t size, int16_t *pcm)
{
    size_t samples = 0;
    uint32_t random = 1;
    for (size_t i = 0; i < size; i++) {
        size_t len = ((size_t)(data[i] >> 5) + 1) * STEP_SAMPLES;
        int loudness = data[i] & 31;
        for (size_t k = 0; k < len && samples < SOUND_MAX; k++) {
            random = random * 1664525 + 1013904223;
            pcm[samples++] = (int16_t)((int)(random >> 17) * loudness / 32 - 512 * loudness);
        }
    }
    return samples;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < OPTION_BYTES)
        return 0;
    const struct sc_cut_options o = {
        .vad = (data[0] & 1) != 0,
        .leave_out_music = (data[0] & 2) != 0,
        .pack = (data[0] & 4) != 0,
        .max_chunk_s = 1 + data[0] / 8,
        .target_s = data[1],
        .overlap_ms = data[2] * 16,
        .threshold_db = data[3] / 8.0,
        .hangover_ms = data[4] * 8,
        .min_silence_ms = data[5] * 8,
    };
    int16_t *pcm = malloc(SOUND_MAX * sizeof(*pcm));
    if (pcm == NULL)
        abort();
    size_t samples = make_sound(data + OPTION_BYTES, size - OPTION_BYTES, pcm);
    samples -= SC_MIN(samples, (size_t)data[1]);
    if (cut_all(&o, pcm, samples, SOUND_MAX) != cut_all(&o, pcm, samples, 301 + data[2]))
        abort();
    free(pcm);
    return 0;
}
