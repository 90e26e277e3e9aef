/* Two parts: features of each frame, some 300 ms behind its sound, and the verdict on stretches,
 * 10 s behind the flags. What is summed up is whole numbers, so that a sum that slides over ten
 * hours is as exact as on its first day. */
#include "vad/music.h"

#include "base/alloc.h"
#include "vad/partials.h"
#include "vad/rhythm.h"
#include "vad/spectrum.h"

#include <math.h>
#include <string.h>

#include "base/banned.h"

/* ---- figures ---- */

#define FIRST_BIN 10 /* 156 Hz … */
#define LAST_BIN 256 /* … to 4 kHz: where partials are looked for */
#define AROUND_BINS 12
#define AROUND_FRAMES 12 /* what is taken off: the mean of half a second */
#define HELD_FRAMES 5    /* a partial is held when it is in nine of eleven frames … */
#define HELD_LEAST 9
#define LEVEL_STEPS 64                /* of a decibel */
#define PEAK (6 * LEVEL_STEPS)        /* above its surroundings … */
#define CLEAR_PEAK (10 * LEVEL_STEPS) /* … as those of noise are not */
#define ABOVE_MEAN (3 * LEVEL_STEPS)  /* what is left when the mean is taken off */
#define PITCHES 192                   /* 48 in an octave: 25 cents each */
#define LOWEST_HZ 200.0               /* … to 3.2 kHz */
#define APART 3                       /* frames between the spectra that are compared: 60 ms */
#define SHIFT_MAX 10                  /* two and a half semitones */
#define ALIKE 0.4F                   /* least correlation of shifted spectra, and by how much … */
#define SHIFTED 0.075F               /* … it must be better than that of unshifted ones */
#define LEFT_LEAST (1 * LEVEL_STEPS) /* less that is left is ripple */

#define SIDE_FRAMES 250 /* 5 s */
#define RUN_FRAMES 250  /* shortest stretch */
#define SYLLABLE_FRAMES 20
#define SYLLABLE_MOVES 80 /* of 255: the mean of what moves in a syllable */
#define NEAR_FRAMES 50    /* what is not dropped to either side of one */
#define SOUND_LEAST 25    /* frames of a window with sound */

/* Two views of what moves, as short notes may be vowels, and a jump from note to note a glide that
 * a noise covers. They count as moving, unless music is told by its tune. */
enum view { HELD, IN_TUNE, VIEWS };

/* What is clear enough: the more energy is held, the more may move. */
static const struct rule {
    enum view view;
    int32_t held;   /* least share of the energy, of 255 */
    int32_t one_in; /* of so many frames with sound less than one may move */
    float tuning;   /* least, of what sc_tuning_share says */
    int32_t clear;  /* least share of the energy in clear partials, of 255 */
    float rhythm;   /* least */
} rules[] = {
    { .view = HELD, .held = 212, .one_in = 20 },                      /* instruments */
    { .view = HELD, .held = 102, .one_in = 40 },                      /* … with drums */
    { .view = HELD, .one_in = 25, .rhythm = 0.85F },                  /* drums */
    { .view = IN_TUNE, .one_in = 400, .tuning = 0.52F, .clear = 72 }, /* quick notes */
};
#define RHYTHM_FRAMES 25 /* it is looked at anew after so many */
/* First bins of the bands whose rhythm that is, and the end of the last. */
static const int bands[SC_RHYTHM_BANDS + 1] = { 10, 20, 32, 48, 72, 110, 160, 256 };
#define BAND_LEAST 100  /* power: what is lower is silence */
#define POWER_STEP 4096 /* the powers of ten seconds can be added up in these */

#define RING 32
#define LATE (AROUND_FRAMES + APART) /* frames between a spectrum and its features */
#define KEPT 2048                    /* frames with features; a power of two */

enum { PEAK_IS = 1, PEAK_IS_CLEAR = 2 };

struct spectrum_row {
    int16_t level[SC_SPECTRUM_BINS];
    float power[SC_SPECTRUM_BINS];
    uint8_t peak[SC_SPECTRUM_BINS];
    struct sc_partials partials;
    float left[PITCHES]; /* above the mean over time, less its own mean */
    float left_norm, left_mean;
};

struct frame {
    bool sound, music;
    uint8_t held; /* share of the energy, of 255 */
    /* By either view: does it move, and how much of its energy? Is it the end of a syllable? */
    bool moves[VIEWS], syllable[VIEWS];
    uint8_t moving[VIEWS];
    struct sc_notes notes;
    int64_t power, clear; /* of all, and of clear partials; in POWER_STEPs */
    float levels[SC_RHYTHM_BANDS];
};

struct sc_music {
    struct sc_spectrum spectrum;
    int16_t pcm[SC_SPECTRUM_SAMPLES];
    struct spectrum_row rows[RING];
    int32_t sums[SC_SPECTRUM_BINS]; /* levels of the frames around the one whose mean is next */
    int16_t bin_of[PITCHES];
    float part_of[PITCHES];
    int64_t pushed;  /* frames with sound */
    int64_t spectra; /* frames with a spectrum */

    int64_t frames;                           /* of the recording; -1: it goes on */
    int64_t described, flagged, judged, told; /* frames */
    struct frame kept[KEPT];
    /* Of the window around frame `judged`, [window_first, window_last). */
    int64_t window_first, window_last;
    int32_t window_sound, window_held, window_moves[VIEWS];
    int64_t window_power, window_clear;
    struct sc_tuning tuning;
    /* Of the frames near it, [near_first, near_last). */
    int64_t near_first, near_last;
    int32_t near_syllables[VIEWS];
    int32_t moved[VIEWS]; /* in the last SYLLABLE_FRAMES before near_last */
    float rhythm;         /* of the frames around frame rhythm_at */
    int64_t rhythm_at;
    int64_t run; /* frames up to `judged` of which none is in doubt */
};

struct sc_music *sc_music_new(void)
{
    struct sc_music *m = sc_try_alloc(sizeof(*m));
    if (m == NULL)
        return NULL;
    memset(m, 0, sizeof(*m));
    sc_spectrum_init(&m->spectrum);
    m->frames = -1;
    m->rhythm_at = -RHYTHM_FRAMES;
    for (int i = 0; i < PITCHES; i++) {
        double bin = LOWEST_HZ * pow(2, i / 48.0) * SC_SPECTRUM_SAMPLES / SC_PCM_RATE;
        m->bin_of[i] = (int16_t)bin;
        m->part_of[i] = (float)(bin - floor(bin));
    }
    return m;
}

void sc_music_free(struct sc_music *m)
{
    free(m);
}

/* ---- features ---- */

static struct frame *frame_at(struct sc_music *m, int64_t frame)
{
    return &m->kept[frame % KEPT];
}

static struct spectrum_row *row_at(struct sc_music *m, int64_t frame)
{
    return &m->rows[(frame + RING) % RING];
}

/* Mean level of the bins around each. */
static void level_around(const int16_t *level, int32_t mean[SC_SPECTRUM_BINS])
{
    int32_t sum = 0;
    int first = 0, last = 0;
    for (int k = 0; k < SC_SPECTRUM_BINS; k++) {
        for (; last < SC_MIN(k + AROUND_BINS + 1, SC_SPECTRUM_BINS); last++)
            sum += level[last];
        for (; first < k - AROUND_BINS; first++)
            sum -= level[first];
        mean[k] = sum / (last - first);
    }
}

static void find_peaks(struct spectrum_row *row, const int32_t mean[SC_SPECTRUM_BINS])
{
    memset(row->peak, 0, sizeof(row->peak));
    row->partials.count = 0;
    for (int k = 1; k + 1 < SC_SPECTRUM_BINS; k++) {
        const int32_t above = row->level[k] - mean[k];
        if (above <= PEAK || row->level[k] <= row->level[k - 1] ||
            row->level[k] < row->level[k + 1])
            continue;
        row->peak[k] = above > CLEAR_PEAK ? PEAK_IS_CLEAR : PEAK_IS;
        if (k >= FIRST_BIN && k < LAST_BIN)
            sc_partials_add(&row->partials, row->level, k, row->power[k], above > CLEAR_PEAK);
    }
}

/* What of frame `at` lies above the mean of the frames around it, by pitch. */
static void take_off_mean(struct sc_music *m, int64_t at, int32_t frames)
{
    struct spectrum_row *row = row_at(m, at);
    int32_t around[SC_SPECTRUM_BINS];
    float left[SC_SPECTRUM_BINS];
    float sum = 0, squares = 0;
    level_around(row->level, around);
    for (int k = 0; k < SC_SPECTRUM_BINS; k++) {
        int32_t above = row->level[k] - m->sums[k] / frames - ABOVE_MEAN;
        left[k] = above > 0 && row->level[k] > around[k] ? (float)above : 0;
    }
    for (int i = 0; i < PITCHES; i++) {
        const float *at_bin = left + m->bin_of[i];
        row->left[i] = at_bin[0] + (at_bin[1] - at_bin[0]) * m->part_of[i];
        sum += row->left[i];
    }
    row->left_mean = sum / PITCHES;
    for (int i = 0; i < PITCHES; i++) {
        row->left[i] -= row->left_mean;
        squares += row->left[i] * row->left[i];
    }
    row->left_norm = sqrtf(squares) + 1;
}

/* Correlation of a with b, moved up by `shift` pitches. */
static float likeness(const struct spectrum_row *a, const struct spectrum_row *b, int shift)
{
    const int from = SC_MAX(0, -shift), to = SC_MIN(PITCHES, PITCHES - shift);
    float sum = 0;
    for (int i = from; i < to; i++)
        sum += a->left[i] * b->left[i + shift];
    return sum / (a->left_norm * b->left_norm);
}

/* Is the frame alike to the one behind it, but moved by a step or two? */
static bool goes_on(struct sc_music *m, int64_t at, int step)
{
    const struct spectrum_row *a = row_at(m, at), *b = row_at(m, at + 1);
    return SC_MAX(likeness(a, b, step), likeness(a, b, 2 * step)) > likeness(a, b, 0);
}

/* Does what is left of the frame lie elsewhere 60 ms later? And has it gone there step by step, as
 * a voice does, rather than at once, as notes follow each other? */
static void find_moves(struct sc_music *m, int64_t at)
{
    const struct spectrum_row *a = row_at(m, at), *b = row_at(m, at + APART);
    struct frame *frame = frame_at(m, at);
    float still = 0, moved = 0;
    int step = 0;
    bool glides = true;
    frame->moves[HELD] = frame->moves[IN_TUNE] = false;
    if (a->left_mean <= (float)LEFT_LEAST)
        return;
    for (int shift = -SHIFT_MAX; shift <= SHIFT_MAX; shift++) {
        const float alike = likeness(a, b, shift);
        if (shift >= -1 && shift <= 1) {
            still = SC_MAX(still, alike);
        } else if (alike > moved) {
            moved = alike;
            step = shift < 0 ? -1 : 1;
        }
    }
    if (moved <= ALIKE || moved - still <= SHIFTED)
        return;
    for (int i = 0; i < APART && glides; i++)
        glides = goes_on(m, at + i, step);
    frame->moves[HELD] = true;
    frame->moves[IN_TUNE] = glides;
}

static bool is_held(struct sc_music *m, int64_t at, int bin)
{
    int count = 0;
    if (!row_at(m, at)->peak[bin])
        return false;
    for (int64_t f = at - HELD_FRAMES; f <= at + HELD_FRAMES; f++) {
        const uint8_t *peak = row_at(m, f)->peak + bin;
        count += (peak[-1] | peak[0] | peak[1]) != 0;
    }
    return count >= HELD_LEAST;
}

/* How much of the energy lies in partials, and in those that are held. */
static void share_out(struct sc_music *m, int64_t at)
{
    const struct spectrum_row *row = row_at(m, at);
    float all = 0, tonal = 0, held = 0;
    int tonal_done = FIRST_BIN, held_done = FIRST_BIN;
    for (int k = FIRST_BIN; k < LAST_BIN; k++) {
        all += row->power[k];
        if (!row->peak[k])
            continue;
        for (; row->peak[k] == PEAK_IS_CLEAR && tonal_done <= k + 1 && tonal_done < LAST_BIN;
             tonal_done++)
            tonal += tonal_done < k - 1 ? 0 : row->power[tonal_done];
        for (; is_held(m, at, k) && held_done <= k + 2 && held_done < LAST_BIN; held_done++)
            held += held_done < k - 2 ? 0 : row->power[held_done];
    }
    struct frame *frame = frame_at(m, at);
    struct sc_notes *notes = &frame->notes;
    sc_partials_notes(&row_at(m, at - 1)->partials, &row->partials, &row_at(m, at + 1)->partials,
                      all, notes);
    /* Short notes are not held, but stay where they are. */
    const float steady = notes->clear == 0 ? 0 : tonal * (float)notes->steady / (float)notes->clear;
    const float stays[VIEWS] = { [HELD] = held, [IN_TUNE] = SC_MAX(held, steady) };
    frame->power = llrintf(all / POWER_STEP);
    frame->clear = frame->power * notes->clear / 255;
    frame->held = (uint8_t)lrintf(255 * held / all);
    for (int v = 0; v < VIEWS; v++)
        /* What glides is no note at all. */
        frame->moving[v] =
            (uint8_t)(frame->moves[v] ? 255 : lrintf(255 * SC_MAX(tonal - stays[v], 0) / all));
}

static void note_bands(struct sc_music *m, int64_t at)
{
    const float *power = row_at(m, at)->power;
    for (int b = 0; b < SC_RHYTHM_BANDS; b++) {
        float sum = BAND_LEAST;
        for (int k = bands[b]; k < bands[b + 1]; k++)
            sum += power[k];
        frame_at(m, at)->levels[b] = 10 * log10f(sum);
    }
}

/* The frames whose mean is taken come and go. */
static void slide_mean(struct sc_music *m, const int16_t *level, int sign)
{
    for (int k = 0; k < SC_SPECTRUM_BINS; k++)
        m->sums[k] += sign * level[k];
}

/* A spectrum more: of frame `spectra`. With it the mean around one frame is known, and with that
 * the features of one before. */
static void add_spectrum(struct sc_music *m)
{
    int32_t around[SC_SPECTRUM_BINS];
    const int64_t frame = m->spectra++;
    struct spectrum_row *row = row_at(m, frame);
    sc_spectrum_power(&m->spectrum, m->pcm, row->power);
    for (int k = 0; k < SC_SPECTRUM_BINS; k++)
        row->level[k] = (int16_t)lrintf(10 * LEVEL_STEPS * log10f(row->power[k]));
    level_around(row->level, around);
    find_peaks(row, around);
    slide_mean(m, row->level, 1);
    const int64_t middle = frame - AROUND_FRAMES, gone = middle - AROUND_FRAMES - 1;
    if (gone >= 0)
        slide_mean(m, row_at(m, gone)->level, -1);
    if (middle >= 0)
        take_off_mean(m, middle, (int32_t)(frame - SC_MAX(gone, -1)));
    const int64_t at = middle - APART;
    if (at < 0)
        return;
    find_moves(m, at);
    share_out(m, at);
    note_bands(m, at);
    m->described = at + 1;
}

void sc_music_push(struct sc_music *m, const int16_t *pcm, size_t samples)
{
    sc_assert(samples <= SC_FRAME_SAMPLES);
    memmove(m->pcm, m->pcm + SC_FRAME_SAMPLES, sizeof(m->pcm) - SC_FRAME_SAMPLES * sizeof(*pcm));
    int16_t *end = m->pcm + SC_SPECTRUM_SAMPLES - SC_FRAME_SAMPLES;
    memset(end, 0, SC_FRAME_SAMPLES * sizeof(*end));
    if (samples > 0)
        memcpy(end, pcm, samples * sizeof(*end));
    /* The samples at hand lie around the middle of the frame before this one. */
    if (m->pushed++ > 0)
        add_spectrum(m);
}

/* ---- verdict ---- */

void sc_music_flag(struct sc_music *m, bool sound)
{
    frame_at(m, m->flagged++)->sound = sound;
}

void sc_music_end(struct sc_music *m)
{
    m->frames = m->pushed;
    while (m->described < m->frames)
        sc_music_push(m, NULL, 0);
}

/* A frame comes into the window, or leaves it. */
static void count_frame(struct sc_music *m, int64_t at, int sign)
{
    const struct frame *frame = frame_at(m, at);
    if (!frame->sound)
        return;
    m->window_sound += sign;
    m->window_held += sign * frame->held;
    for (int v = 0; v < VIEWS; v++)
        m->window_moves[v] += sign * frame->moves[v];
    sc_tuning_add(&m->tuning, &frame->notes, sign);
    m->window_power += sign * frame->power;
    m->window_clear += sign * frame->clear;
}

static void slide_window(struct sc_music *m)
{
    int64_t last = SC_MIN(m->judged + SIDE_FRAMES + 1, m->flagged);
    while (m->window_last < last)
        count_frame(m, m->window_last++, 1);
    while (m->window_first < m->judged - SIDE_FRAMES)
        count_frame(m, m->window_first++, -1);
}

static int32_t moving_at(struct sc_music *m, int64_t at, int view)
{
    return at >= 0 && frame_at(m, at)->sound ? frame_at(m, at)->moving[view] : 0;
}

static void slide_near(struct sc_music *m)
{
    int64_t last = SC_MIN(m->judged + NEAR_FRAMES + 1, m->flagged);
    for (; m->near_last < last; m->near_last++) {
        struct frame *frame = frame_at(m, m->near_last);
        for (int v = 0; v < VIEWS; v++) {
            m->moved[v] += moving_at(m, m->near_last, v);
            m->moved[v] -= moving_at(m, m->near_last - SYLLABLE_FRAMES, v);
            frame->syllable[v] = m->moved[v] >= SYLLABLE_FRAMES * SYLLABLE_MOVES;
            m->near_syllables[v] += frame->syllable[v];
        }
    }
    for (; m->near_first < m->judged - NEAR_FRAMES; m->near_first++) {
        for (int v = 0; v < VIEWS; v++)
            m->near_syllables[v] -= frame_at(m, m->near_first)->syllable[v];
    }
}

static float rhythm_around(struct sc_music *m)
{
    float levels[SC_RHYTHM_FRAMES][SC_RHYTHM_BANDS];
    if (m->judged - m->rhythm_at >= RHYTHM_FRAMES) {
        for (int64_t f = m->window_first; f < m->window_last; f++)
            memcpy(levels[f - m->window_first], frame_at(m, f)->levels, sizeof(levels[0]));
        m->rhythm = sc_rhythm(levels, (int)(m->window_last - m->window_first));
        m->rhythm_at = m->judged;
    }
    return m->rhythm;
}

static bool is_clear(struct sc_music *m)
{
    const int32_t sound = m->window_sound;
    if (sound < SOUND_LEAST)
        return false;
    for (size_t i = 0; i < SC_ARRAY_LEN(rules); i++) {
        const struct rule *r = &rules[i];
        if (m->near_syllables[r->view] == 0 && m->window_held >= sound * r->held &&
            m->window_moves[r->view] * r->one_in < sound &&
            (r->tuning <= 0 || sc_tuning_share(&m->tuning) >= r->tuning) &&
            m->window_clear * 255 >= m->window_power * r->clear &&
            (r->rhythm <= 0 || rhythm_around(m) >= r->rhythm))
            return true;
    }
    return false;
}

/* Judges frame `judged` by the windows around it. */
static void judge(struct sc_music *m)
{
    slide_window(m);
    slide_near(m);
    frame_at(m, m->judged)->music = false;
    m->run = is_clear(m) ? m->run + 1 : 0;
    m->judged++;
    for (int64_t f = m->judged - (m->run == RUN_FRAMES ? RUN_FRAMES : 1);
         m->run >= RUN_FRAMES && f < m->judged; f++)
        frame_at(m, f)->music = true;
}

bool sc_music_next(struct sc_music *m, bool *music)
{
    const bool ended = m->frames >= 0 && m->flagged == m->frames;
    const int64_t known = ended ? m->frames : m->flagged - SIDE_FRAMES;
    while (m->judged < known)
        judge(m);
    if (m->told >= (ended ? m->frames : m->judged - RUN_FRAMES))
        return false;
    const struct frame *frame = frame_at(m, m->told++);
    *music = frame->sound && frame->music;
    return true;
}
