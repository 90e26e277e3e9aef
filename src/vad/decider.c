#include "vad/decider.h"

#include "base/alloc.h"
#include "base/macros.h"
#include "vad/music.h"

#include <string.h>

#include "base/banned.h"

#define MUSIC_APART_MS 2000 /* music that goes on after less is the same */

/* All positions are frames from the start of the recording. */
struct sc_decider {
    struct sc_detector detector;
    int64_t hangover, hang; /* frames that the last speech reaches, and still reaches */
    struct sc_music *music; /* NULL: it is not looked for */
    struct sc_music_span spans[SC_MUSIC_SPANS];
    size_t span_count;

    int64_t pushed;
    int64_t heard; /* of which is known whether they are sound … */
    int64_t known; /* … and whether speech */
    int64_t taken;
    bool flags[SC_DECIDER_FRAMES]; /* these two by frame number */
    int16_t pcm[SC_DECIDER_FRAMES][SC_FRAME_SAMPLES];
};

struct sc_decider *sc_decider_new(const struct sc_cut_options *options)
{
    struct sc_decider *d = sc_try_alloc(sizeof(*d));
    if (d == NULL)
        return NULL;
    d->hangover = SC_MAX(0, options->hangover_ms) / SC_FRAME_MS;
    sc_detector_init(&d->detector, options->threshold_db);
    if (options->leave_out_music) {
        d->music = sc_music_new();
        if (d->music == NULL)
            sc_decider_free(SC_TAKE(d));
    }
    return d;
}

void sc_decider_free(struct sc_decider *d)
{
    if (d == NULL)
        return;
    sc_music_free(d->music);
    free(d);
}

static bool *flag(struct sc_decider *d, int64_t frame)
{
    return &d->flags[frame % SC_DECIDER_FRAMES];
}

static void note_music(struct sc_decider *d)
{
    const int64_t start = d->known * SC_FRAME_MS;
    struct sc_music_span *last = d->span_count == 0 ? NULL : &d->spans[d->span_count - 1];
    if (last == NULL ||
        (start - last->end_ms >= MUSIC_APART_MS && d->span_count < SC_MUSIC_SPANS)) {
        last = &d->spans[d->span_count++];
        last->start_ms = start;
    }
    last->end_ms = start + SC_FRAME_MS;
}

static void take_music(struct sc_decider *d)
{
    bool music;
    while (sc_music_next(d->music, &music)) {
        /* Until now the flag has only said that there is sound. */
        if (music) {
            note_music(d);
            *flag(d, d->known) = false;
        }
        d->known++;
    }
}

/* Takes the decisions that are due. */
static void take_flags(struct sc_decider *d)
{
    bool speech;
    while (sc_detector_next(&d->detector, &speech)) {
        if (speech)
            d->hang = d->hangover + 1;
        *flag(d, d->heard) = d->hang > 0;
        d->hang -= d->hang > 0;
        d->heard++;
        if (d->music != NULL) {
            sc_music_flag(d->music, *flag(d, d->heard - 1));
            take_music(d);
        } else {
            d->known = d->heard;
        }
    }
}

void sc_decider_push(struct sc_decider *d, const int16_t *pcm, size_t samples)
{
    sc_assert(d->pushed - d->taken < SC_DECIDER_FRAMES);
    memcpy(d->pcm[d->pushed++ % SC_DECIDER_FRAMES], pcm, sizeof(d->pcm[0]));
    if (d->music != NULL)
        sc_music_push(d->music, pcm, samples);
    sc_detector_push(&d->detector, sc_vad_level(pcm, samples));
    take_flags(d);
}

void sc_decider_end(struct sc_decider *d)
{
    sc_detector_end(&d->detector);
    if (d->music != NULL)
        sc_music_end(d->music);
    take_flags(d);
}

const int16_t *sc_decider_next(struct sc_decider *d, bool *speech)
{
    if (d->taken >= d->known)
        return NULL;
    *speech = *flag(d, d->taken);
    return d->pcm[d->taken++ % SC_DECIDER_FRAMES];
}

const struct sc_music_span *sc_decider_music(const struct sc_decider *d, size_t *count)
{
    *count = d->span_count;
    return d->spans;
}
