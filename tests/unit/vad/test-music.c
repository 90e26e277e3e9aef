#include "cutting.h"

#include "base/banned.h"

#define TURN 6.283185307179586

static const struct sc_cut_options options = { CUT_DEFAULTS, .leave_out_music = true };

struct heard {
    int64_t samples; /* of all pieces */
    uint64_t sum;    /* of where they are */
    int64_t first;   /* start of the first piece; -1: none */
    int64_t last;    /* end of the last one */
    struct sc_music_span spans[SC_MUSIC_SPANS];
    size_t spans_count;
};

static enum sc_code take_piece(void *ctx, const struct sc_cut *cut, struct sc_error *err)
{
    struct heard *h = ctx;
    (void)err;
    if (h->first < 0)
        h->first = cut->start_samples;
    h->last = cut->end_samples;
    h->samples += cut->end_samples - cut->start_samples;
    h->sum = (h->sum * 31 + (uint64_t)cut->start_samples) * 31 + (uint64_t)cut->end_samples;
    return SC_OK;
}

static struct heard hear(const struct recording *r, const struct sc_cut_options *o, size_t slice)
{
    struct heard h = { .first = -1 };
    SC_AUTO(sc_cutter_freep) struct sc_cutter *c = sc_cutter_new(o, take_piece, &h);
    assert_non_null(c);
    for (size_t at = 0; at < r->samples; at += slice)
        assert_int_equal(sc_cutter_feed(c, r->pcm + at, SC_MIN(slice, r->samples - at), NULL),
                         SC_OK);
    assert_int_equal(sc_cutter_finish(c, NULL), SC_OK);
    const struct sc_music_span *spans = sc_cutter_music(c, &h.spans_count);
    memcpy(h.spans, spans, h.spans_count * sizeof(*spans));
    return h;
}

/* Struck chords of a few partials, two a second. */
static void add_chords(struct dice *d, struct recording *r, int seconds)
{
    static const double steps[] = { 1, 1.25, 1.5, 2 };
    for (int beat = 0; beat < 2 * seconds; beat++) {
        double root = 130 * pow(2, (double)dice_between(d, 0, 12) / 12);
        for (int i = 0; i < SC_PCM_RATE / 2; i++) {
            double sum = 0;
            for (int k = 0; k < 12; k++)
                sum +=
                    sin(TURN * root * steps[k % 4] * (1 + k / 4) * i / SC_PCM_RATE) / (1 + k / 4);
            add_sample(r, 1500 * sum * exp(-i / 3000.0));
        }
    }
}

/* A bar of bass and snare, again and again. */
static void add_drums(struct dice *d, struct recording *r, int seconds)
{
    for (int beat = 0; beat < 4 * seconds; beat++) {
        for (int i = 0; i < SC_PCM_RATE / 4; i++) {
            double noise = (double)dice_between(d, -9000, 9000);
            double value = 0.3 * noise * exp(-i / 300.0);
            if (beat % 4 == 0)
                value += 12000 * sin(TURN * 60 * i / SC_PCM_RATE) * exp(-i / 1200.0);
            if (beat % 4 == 2)
                value += noise * exp(-i / 900.0);
            add_sample(r, value);
        }
    }
}

/* One note after the other, of 100 to 400 ms, up and down a scale; they sound for this part of
 * their time. */
static void add_notes(struct dice *d, struct recording *r, int seconds, double part)
{
    static const int scale[] = { 0, 2, 4, 5, 7, 9, 11 };
    const size_t until = r->samples + (size_t)seconds * SC_PCM_RATE;
    int64_t degree = 7;
    while (r->samples < until) {
        const double count = (double)dice_between(d, 1, 4) * 0.1 * SC_PCM_RATE;
        const double key = (double)(degree / 7 * 12 + scale[degree % 7]);
        const double hertz = 262 * pow(2, key / 12);
        const double loud = (double)dice_between(d, 300, 3000);
        for (int i = 0; i < count; i++) {
            const double sounds = part * count, swell = fmin(i, sounds - i) / 100;
            double sum = 0;
            for (int k = 1; k <= 10; k++)
                sum += sin(TURN * hertz * k * i / SC_PCM_RATE) / k;
            add_sample(r, loud * sum * fmax(0, fmin(1, swell)));
        }
        degree += dice_between(d, -2, 2);
        degree = SC_MAX(0, SC_MIN(14, degree));
    }
}

static void add_legato(struct dice *d, struct recording *r, int seconds)
{
    add_notes(d, r, seconds, 1);
}

static void add_detached(struct dice *d, struct recording *r, int seconds)
{
    add_notes(d, r, seconds, 0.6);
}

static void add_to(struct recording *r, const struct recording *other)
{
    for (size_t i = 0; i < SC_MIN(r->samples, other->samples); i++)
        r->pcm[i] = (int16_t)SC_MAX(-32768, SC_MIN(32767, r->pcm[i] + other->pcm[i]));
}

/* A bass that walks over drums of a player who is no machine. */
static void add_bass_and_drums(struct dice *d, struct recording *r, int seconds)
{
    static const int scale[] = { 0, 3, 5, 7, 10, 12 };
    RECORDING drums = { 0 };
    for (int beat = 0; beat < 4 * seconds; beat++) {
        const double hertz = 65 * pow(2, scale[dice_between(d, 0, 5)] / 12.0);
        const double loud = (double)dice_between(d, 60, 100) / 100;
        const int64_t late = dice_between(d, 0, 300);
        for (int i = 0; i < SC_PCM_RATE / 4; i++) {
            double sum = 0;
            for (int k = 1; k <= 8; k++)
                sum += sin(TURN * hertz * k * i / SC_PCM_RATE) / sqrt(k);
            add_sample(r, 2500 * sum * exp(-i / 3000.0) * fmin(1, fmin(i, 3999 - i) / 60.0));
            const double noise = loud * (double)dice_between(d, -9000, 9000);
            const double struck = i < late ? 0 : exp(-(double)(i - late) / 700);
            add_sample(&drums, (beat % 2 == 1 ? 1 : 0.3) * noise * struck);
        }
    }
    add_to(r, &drums);
}

/* How strongly a mouth lets this frequency through, with resonances at three others. */
static double mouth(double hertz, const double formant[3])
{
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        const double apart = (hertz - formant[i]) / (60 + 30 * i);
        sum += 1 / ((1 + i) * (1 + apart * apart));
    }
    return sum;
}

/* Something like a voice: syllables of a hiss and a vowel, on pitches and with resonances that
 * never stand still, and a pause behind some. */
static void add_voice(struct dice *d, struct recording *r, int64_t ms, double loudness)
{
    const size_t until = r->samples + (size_t)ms * SC_PCM_RATE / 1000;
    static const double vowels[][3] = {
        { 300, 2200, 2900 }, { 750, 1200, 2500 }, { 350, 800, 2400 },
        { 550, 1800, 2500 }, { 500, 1000, 2400 },
    };
    double phase = 0;
    while (r->samples < until) {
        const double *first = vowels[dice_between(d, 0, 4)], *last = vowels[dice_between(d, 0, 4)];
        const double from = (double)dice_between(d, 110, 170);
        const double to = from * (dice_between(d, 0, 2) == 0 ? 1.2 : 0.8);
        const int64_t hiss = dice_between(d, 400, 1400), length = dice_between(d, 1800, 4200);
        for (int64_t i = 0; i < hiss && r->samples < until; i++)
            add_sample(r, loudness * 0.0002 * (double)dice_between(d, -1000, 1000));
        for (int64_t i = 0; i < length && r->samples < until; i++) {
            const double part = (double)i / (double)length, hertz = from + (to - from) * part;
            double formant[3], sum = 0;
            for (int k = 0; k < 3; k++)
                formant[k] = first[k] + (last[k] - first[k]) * part;
            phase += TURN * hertz / SC_PCM_RATE;
            for (int k = 1; k * hertz < 3500; k++)
                sum += sin(k * phase) * mouth(k * hertz, formant);
            add_sample(r, loudness * sum * fmin(1, 4 * sin(TURN / 2 * part)));
        }
        for (int64_t i = dice_between(d, 0, 3) * 600; i > 0 && r->samples < until; i--)
            add_sample(r, 0);
    }
}

static void music_alone_is_left_out_and_told(void **state)
{
    (void)state;
    static void (*const kinds[])(struct dice *, struct recording *, int) = { add_chords,
                                                                             add_drums };
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        struct dice d = { 5 };
        RECORDING r = { 0 };
        kinds[i](&d, &r, 30);
        struct heard h = hear(&r, &options, 5000);
        assert_int_equal(h.samples, 0);
        assert_int_equal(h.spans_count, 1);
        assert_true(h.spans[0].start_ms < 1000);
        assert_int_equal(h.spans[0].end_ms, 30000); /* behind the last frame of it */

        struct sc_cut_options keep = options;
        keep.leave_out_music = false;
        h = hear(&r, &keep, 5000);
        assert_true(h.samples > 20 * SC_PCM_RATE);
        assert_int_equal(h.spans_count, 0);
    }
}

/* Their last note may be too soft to be sound at all. */
static void quick_notes_are_music_too(void **state)
{
    (void)state;
    static void (*const kinds[])(struct dice *, struct recording *, int) = {
        add_legato,
        add_detached,
        add_bass_and_drums,
    };
    for (size_t i = 0; i < SC_ARRAY_LEN(kinds); i++) {
        struct dice d = { 5 };
        RECORDING r = { 0 };
        kinds[i](&d, &r, 30);
        struct heard h = hear(&r, &options, 5000);
        assert_int_equal(h.samples, 0);
        assert_int_equal(h.spans_count, 1);
        assert_true(h.spans[0].start_ms < 1000 && h.spans[0].end_ms > 29000);
    }
}

/* An organ that hardly changes: of each seven seconds, half a one is louder. */
static void add_organ(struct recording *r, int seconds)
{
    static const double steps[] = { 1, 1.25, 1.5, 2 };
    for (int i = 0; i < seconds * SC_PCM_RATE; i++) {
        const double loud = i % (7 * SC_PCM_RATE) < SC_PCM_RATE / 2 ? 2000 : 600;
        double sum = 0;
        for (int k = 0; k < 12; k++)
            sum += sin(TURN * 330 * steps[k % 4] * (1 + k / 4) * i / SC_PCM_RATE) / (1 + k / 4);
        add_sample(r, loud * sum);
    }
}

static void music_that_hardly_changes_is_left_out_from_its_start(void **state)
{
    (void)state;
    RECORDING r = { 0 };
    add_organ(&r, 40);
    struct sc_cut_options keep = options;
    keep.leave_out_music = false;
    assert_true(hear(&r, &keep, 5000).samples > 20 * SC_PCM_RATE);
    assert_int_equal(hear(&r, &options, 5000).samples, 0);
}

static void a_short_piece_of_music_is_kept(void **state)
{
    (void)state;
    struct dice d = { 5 };
    RECORDING r = { 0 };
    add_chords(&d, &r, 4);
    struct heard h = hear(&r, &options, 5000);
    assert_true(h.samples > 2 * SC_PCM_RATE);
    assert_int_equal(h.spans_count, 0);
}

static void a_voice_is_cut_as_if_nobody_looked_for_music(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct dice d = { seed };
        RECORDING r = { 0 };
        RECORDING band = { 0 };
        add_voice(&d, &r, 40000, seed == 1 ? 30 : 3000);
        if (seed > 2) { /* over music */
            (seed % 2 == 0 ? add_chords : add_legato)(&d, &band, 40);
            add_to(&r, &band);
        }
        struct sc_cut_options keep = options;
        keep.leave_out_music = false;
        struct heard with = hear(&r, &options, 7000), without = hear(&r, &keep, 7000);
        assert_true(with.samples > 0 && with.sum == without.sum);
        assert_int_equal(with.spans_count, 0);
    }
}

static void a_voice_between_music_is_kept_with_what_is_near_it(void **state)
{
    (void)state;
    struct dice d = { 9 };
    RECORDING r = { 0 };
    add_drums(&d, &r, 25);
    add_voice(&d, &r, 3000, 4000);
    add_drums(&d, &r, 25);
    struct heard h = hear(&r, &options, 7000);
    assert_int_equal(h.spans_count, 2);
    assert_true(h.spans[0].start_ms < 1000 && h.spans[1].end_ms > 52000);
    assert_true(h.spans[0].end_ms < 25000 && h.spans[1].start_ms > 28000);
    assert_true(h.first <= INT64_C(25) * SC_PCM_RATE && h.last >= INT64_C(28) * SC_PCM_RATE);
}

static void nothing_depends_on_how_samples_are_fed(void **state)
{
    (void)state;
    static const size_t slices[] = { 1, 319, 100000 };
    struct dice d = { 3 };
    RECORDING r = { 0 };
    add_drums(&d, &r, 50); /* longer than what is kept of sound */
    add_voice(&d, &r, 6000, 2000);
    add_chords(&d, &r, 60);
    struct heard first = hear(&r, &options, 16000);
    for (size_t i = 0; i < SC_ARRAY_LEN(slices); i++) {
        struct heard h = hear(&r, &options, slices[i]);
        assert_true(h.sum == first.sum && h.samples == first.samples);
        assert_int_equal(h.spans_count, first.spans_count);
    }
}

static void what_is_too_short_for_a_window_is_no_music(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 1, 319, 320, 321, 640, 5000, 16000 };
    for (size_t i = 0; i < SC_ARRAY_LEN(lengths); i++) {
        struct dice d = { 3 };
        RECORDING r = { 0 };
        add_chords(&d, &r, 1);
        r.samples = lengths[i];
        assert_int_equal(hear(&r, &options, 700).spans_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(music_alone_is_left_out_and_told),
        TEST(quick_notes_are_music_too),
        TEST(music_that_hardly_changes_is_left_out_from_its_start),
        TEST(a_short_piece_of_music_is_kept),
        TEST(a_voice_is_cut_as_if_nobody_looked_for_music),
        TEST(a_voice_between_music_is_kept_with_what_is_near_it),
        TEST(nothing_depends_on_how_samples_are_fed),
        TEST(what_is_too_short_for_a_window_is_no_music),
    };
    return cmocka_run_group_tests_name("vad/music", tests, NULL, NULL);
}
