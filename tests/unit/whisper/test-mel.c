#include "testing.h"

#include "whisper/mel.h"

#include <math.h>

#include "base/banned.h"

#define BANDS 80
#define PI 3.14159265358979323846

/* One value by the book, in double: before the clamp. */
static double by_the_book(const int16_t *pcm, size_t samples, size_t frame, const float *filter)
{
    double sum = 0;
    for (int k = 0; k < SC_WHISPER_BINS; k++) {
        double re = 0, im = 0;
        if (filter[k] == 0)
            continue;
        for (int i = 0; i < 400; i++) {
            int64_t at = (int64_t)frame * 160 + i - 200;
            at = at < 0 ? -at : at;
            const double x = (size_t)at < samples ? pcm[at] / 32768.0 : 0;
            const double hann = 0.5 - 0.5 * cos(2 * PI * i / 400);
            re += x * hann * cos(2 * PI * k * i / 400);
            im -= x * hann * sin(2 * PI * k * i / 400);
        }
        sum += (re * re + im * im) * (double)filter[k];
    }
    return log10(fmax(sum, 1e-10));
}

static struct sc_mel *mel_of(const int16_t *pcm, size_t samples, const float *filters, int parts)
{
    struct sc_mel *m = NULL;
    struct sc_error err;
    assert_int_equal(sc_mel_open(pcm, samples, BANDS, filters, &m, &err), SC_OK);
    for (int i = parts; i-- > 0;)
        sc_mel_part(m, i, parts);
    (void)sc_mel_finish(m, SC_MEL_SILENCE);
    return m;
}

/* Tones that come and go, and noise. */
static void make_sound(int16_t *pcm, size_t samples)
{
    uint32_t random = 1;
    for (size_t i = 0; i < samples; i++) {
        const double t = (double)i / SC_MEL_RATE;
        random = random * 1664525 + 1013904223;
        pcm[i] =
            (int16_t)(8000 * sin(2 * PI * 220 * t) * sin(PI * t) +
                      4000 * sin(2 * PI * (300 + 3000 * t) * t) + (double)(random >> 24) - 128);
    }
}

static void equals_the_formula_to_some_millionths(void **state)
{
    enum { SAMPLES = 10000 };
    static int16_t pcm[SAMPLES];
    static float filters[BANDS * SC_WHISPER_BINS], out[BANDS * SC_MEL_WINDOW];
    static double expected[BANDS * 100];
    double loudest = -10, worst = 0;
    (void)state;
    make_sound(pcm, SAMPLES);
    sc_mel_filters(BANDS, filters);
    SC_AUTO(sc_mel_freep) struct sc_mel *m = mel_of(pcm, SAMPLES, filters, 1);
    /* Of frame 63 the first samples are the clip's last. */
    assert_int_equal(sc_mel_frames(m), 64);
    sc_mel_window(m, 0, out);
    for (size_t b = 0; b < BANDS; b++) {
        for (size_t f = 0; f < 70; f++) {
            expected[b * 100 + f] = by_the_book(pcm, SAMPLES, f, filters + b * SC_WHISPER_BINS);
            loudest = fmax(loudest, expected[b * 100 + f]);
        }
    }
    for (size_t b = 0; b < BANDS; b++) {
        for (size_t f = 0; f < 70; f++) {
            const double value = (fmax(expected[b * 100 + f], loudest - 8) + 4) / 4;
            worst = fmax(worst, fabs(value - (double)out[b * SC_MEL_WINDOW + f]));
        }
    }
    if (worst > 2e-5)
        fail_msg("off by %g", worst);
}

static void parts_change_no_bit(void **state)
{
    enum { SAMPLES = 50001 };
    static int16_t pcm[SAMPLES];
    static float filters[BANDS * SC_WHISPER_BINS];
    static float one[BANDS * SC_MEL_WINDOW], many[BANDS * SC_MEL_WINDOW];
    (void)state;
    make_sound(pcm, SAMPLES);
    sc_mel_filters(BANDS, filters);
    SC_AUTO(sc_mel_freep) struct sc_mel *a = mel_of(pcm, SAMPLES, filters, 1);
    sc_mel_window(a, 0, one);
    for (int parts = 2; parts < 100; parts += 31) {
        SC_AUTO(sc_mel_freep) struct sc_mel *b = mel_of(pcm, SAMPLES, filters, parts);
        sc_mel_window(b, 0, many);
        assert_memory_equal(one, many, sizeof(one));
    }
    /* A window from elsewhere holds the same frames. */
    sc_mel_window(a, 100, many);
    for (size_t b = 0; b < BANDS; b++)
        assert_memory_equal(one + b * SC_MEL_WINDOW + 100, many + b * SC_MEL_WINDOW,
                            (SC_MEL_WINDOW - 100) * sizeof(float));
}

static void short_clips_and_silence_have_a_floor(void **state)
{
    static int16_t pcm[200];
    static float filters[BANDS * SC_WHISPER_BINS], out[BANDS * SC_MEL_WINDOW];
    (void)state;
    sc_mel_filters(BANDS, filters);
    for (size_t samples = 0; samples <= 200; samples += 50) {
        SC_AUTO(sc_mel_freep) struct sc_mel *m = mel_of(pcm, samples, filters, 2);
        assert_int_equal(sc_mel_frames(m), samples == 0 ? 0 : samples < 121 ? 2 : 3);
        sc_mel_window(m, 0, out);
        for (size_t i = 0; i < BANDS * SC_MEL_WINDOW; i++)
            assert_true(out[i] == -1.5F);
    }
    /* One click: what is 8 decades below it is as silent as what follows. */
    pcm[60] = 32767;
    SC_AUTO(sc_mel_freep) struct sc_mel *m = mel_of(pcm, 200, filters, 1);
    sc_mel_window(m, 0, out);
    float loudest = -2;
    for (size_t i = 0; i < BANDS * SC_MEL_WINDOW; i++)
        loudest = fmaxf(loudest, out[i]);
    assert_true(fabsf(out[SC_MEL_WINDOW - 1] - (loudest - 2)) < 1e-6F);
    sc_mel_window(m, 1000000, out);
    assert_true(fabsf(out[0] - (loudest - 2)) < 1e-6F);
}

static void filters_are_triangles_of_area_1(void **state)
{
    static float filters[128 * SC_WHISPER_BINS];
    (void)state;
    /* Of the first of 80: from 0 by 37.24 to 74.48 Hz, so 40 Hz lies on the falling side. */
    sc_mel_filters(80, filters);
    assert_true(filters[0] == 0 && fabsf(filters[1] - 0.0248626F) < 1e-7F && filters[2] == 0);
    for (int bands = 80; bands <= 128; bands += 48) {
        sc_mel_filters(bands, filters);
        for (int b = bands - 20; b < bands; b++) {
            float area = 0, last = 0;
            int turns = 0;
            bool rising = true;
            for (int k = 0; k < SC_WHISPER_BINS; k++) {
                const float x = filters[b * SC_WHISPER_BINS + k];
                area += x * 40;
                turns += (x > last) != rising && x != last;
                rising = x == last ? rising : x > last;
                last = x;
            }
            assert_true(fabsf(area - 1) < 0.03F);
            assert_int_equal(turns, 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(equals_the_formula_to_some_millionths),
        TEST(parts_change_no_bit),
        TEST(short_clips_and_silence_have_a_floor),
        TEST(filters_are_triangles_of_area_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
