/* Steps of eight frames go through three stages, each as far behind the one before as it looks
 * ahead, one step at a time: so nothing depends on how the sound came. */
#include "vad/music.h"

#include "base/alloc.h"
#include "vad/spectrum.h"
#include "vad/voice.h"

#include <string.h>

#include "base/banned.h"

#define STRONG 4.2F /* logits; voice.c makes the mean */
#define WEAK (-2.5F)
#define SMOOTH_SIDE 2 /* steps: the mean of 0.8 s */
#define AROUND 188    /* steps to either side in which strong evidence lets weak one count: 30 s */
#define NEAR 16       /* steps to either side of a voice that are no music: 2.5 s */
#define RUN_FRAMES 250
#define AUDIBLE_LEAST 50
#define AUDIBLE 1000 /* mean square: of sound, even of one that never changes */
#define PAUSE_FRAMES 500
#define KEPT_STEPS 512
#define KEPT_FRAMES 4096 /* of which flags and verdicts are kept */
#define NEVER (-1000000)

struct sc_music {
    struct sc_spectrum spectrum;
    struct sc_voice net;
    int16_t pcm[SC_SPECTRUM_SAMPLES];
    int64_t pushed; /* frames with sound */
    bool ended;

    float logits[KEPT_STEPS];
    int64_t answers;                 /* steps with logits */
    int64_t seen, heard;             /* steps looked at for strong evidence; for a voice */
    int64_t last_strong, last_voice; /* of these */
    struct {
        bool audible, sound, music;
    } kept[KEPT_FRAMES];
    int64_t flagged, judged, told; /* frames */
    /* A stretch up to `judged` without a voice: frames, audible ones, silent ones since. */
    int64_t run, run_audible, pause;
    bool sure; /* it is music */
};

static void take_answer(void *ctx, int64_t step, float logit)
{
    struct sc_music *m = ctx;
    m->logits[step % KEPT_STEPS] = logit;
    m->answers = step + 1;
}

struct sc_music *sc_music_new(void)
{
    struct sc_music *m = sc_try_alloc(sizeof(*m));
    if (m == NULL)
        return NULL;
    memset(m, 0, sizeof(*m));
    sc_spectrum_init(&m->spectrum);
    sc_voice_init(&m->net, take_answer, m);
    m->last_strong = m->last_voice = NEVER;
    return m;
}

void sc_music_free(struct sc_music *m)
{
    free(m);
}

static bool is_audible(const int16_t frame[SC_FRAME_SAMPLES])
{
    int64_t squares = 0;
    for (int i = 0; i < SC_FRAME_SAMPLES; i++)
        squares += frame[i] * frame[i];
    return squares > AUDIBLE * SC_FRAME_SAMPLES;
}

void sc_music_push(struct sc_music *m, const int16_t *pcm, size_t samples)
{
    float power[SC_SPECTRUM_BINS];
    sc_assert(samples <= SC_FRAME_SAMPLES);
    memmove(m->pcm, m->pcm + SC_FRAME_SAMPLES, sizeof(m->pcm) - SC_FRAME_SAMPLES * sizeof(*pcm));
    int16_t *end = m->pcm + SC_SPECTRUM_SAMPLES - SC_FRAME_SAMPLES;
    memset(end, 0, SC_FRAME_SAMPLES * sizeof(*end));
    if (samples > 0)
        memcpy(end, pcm, samples * sizeof(*end));
    m->kept[m->pushed % KEPT_FRAMES].audible = is_audible(end);
    /* The samples at hand lie around the middle of the frame before this one. */
    if (m->pushed++ == 0)
        return;
    sc_spectrum_power(&m->spectrum, m->pcm, power);
    sc_voice_push(&m->net, power);
}

void sc_music_flag(struct sc_music *m, bool sound)
{
    m->kept[m->flagged++ % KEPT_FRAMES].sound = sound;
}

void sc_music_end(struct sc_music *m)
{
    if (m->pushed > 0) {
        sc_music_push(m, NULL, 0);
        m->pushed--;
    }
    sc_voice_end(&m->net);
    m->ended = true;
}

/* Steps before the first and behind the last one count as 0. */
static float evidence_at(const struct sc_music *m, int64_t step)
{
    float sum = 0;
    for (int64_t s = SC_MAX(step - SMOOTH_SIDE, 0); s <= SC_MIN(step + SMOOTH_SIDE, m->answers - 1);
         s++)
        sum += m->logits[s % KEPT_STEPS];
    return sum / (2 * SMOOTH_SIDE + 1);
}

/* Goes on to hear whether there is a voice in the steps before `end`. */
static void hear(struct sc_music *m, int64_t end)
{
    for (; m->heard < SC_MIN(end, m->answers); m->heard++) {
        for (; m->seen < SC_MIN(m->heard + AROUND + 1, m->answers); m->seen++) {
            if (evidence_at(m, m->seen) > STRONG)
                m->last_strong = m->seen;
        }
        if (evidence_at(m, m->heard) > (m->last_strong >= m->heard - AROUND ? WEAK : STRONG))
            m->last_voice = m->heard;
    }
}

/* Judges frame `judged`. */
static void judge(struct sc_music *m)
{
    const int64_t at = m->judged++, step = at / SC_VOICE_STEP;
    hear(m, step + NEAR + 1);
    const bool audible = m->kept[at % KEPT_FRAMES].sound || m->kept[at % KEPT_FRAMES].audible;
    m->pause = audible ? 0 : m->pause + 1;
    m->kept[at % KEPT_FRAMES].music = false;
    if (m->last_voice >= step - NEAR || m->pause >= PAUSE_FRAMES) {
        m->run = m->run_audible = 0;
        m->sure = false;
        return;
    }
    m->run++;
    m->run_audible += audible;
    if (m->run < RUN_FRAMES || m->run_audible < AUDIBLE_LEAST)
        return;
    /* Of what was in doubt until now, all that has not been told yet is music. */
    for (int64_t f = SC_MAX(m->told, m->judged - m->run); !m->sure && f < at; f++)
        m->kept[f % KEPT_FRAMES].music = true;
    m->kept[at % KEPT_FRAMES].music = m->sure = true;
}

bool sc_music_next(struct sc_music *m, bool *music)
{
    const int64_t ahead = (NEAR + AROUND + SMOOTH_SIDE + 2) * SC_VOICE_STEP;
    const int64_t described = m->answers * SC_VOICE_STEP;
    const int64_t known = m->ended ? m->flagged : SC_MIN(m->flagged, described - ahead);
    const bool all = m->ended && m->flagged == m->pushed;
    while (m->judged < known)
        judge(m);
    if (m->told >= (all ? m->pushed : m->judged - RUN_FRAMES))
        return false;
    const int64_t at = m->told++ % KEPT_FRAMES;
    *music = m->kept[at].sound && m->kept[at].music;
    return true;
}
