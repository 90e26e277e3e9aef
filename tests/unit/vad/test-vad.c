#include "make.h"

#include "base/banned.h"

static void levels_are_decibels_in_quarters_without_the_offset(void **state)
{
    (void)state;
    int16_t pcm[SC_FRAME_SAMPLES] = { 0 };
    assert_int_equal(sc_vad_level(pcm, SC_FRAME_SAMPLES), 0);
    assert_int_equal(sc_vad_level(pcm, 0), 0);
    for (size_t i = 0; i < SC_FRAME_SAMPLES; i++)
        pcm[i] = -12000;
    assert_int_equal(sc_vad_level(pcm, SC_FRAME_SAMPLES), 0);
    for (size_t i = 0; i < SC_FRAME_SAMPLES; i++)
        pcm[i] = (int16_t)(i % 2 == 0 ? 5100 : 4900); /* swings by 100: 40 dB */
    assert_int_equal(sc_vad_level(pcm, SC_FRAME_SAMPLES), 160);
    for (size_t i = 0; i < SC_FRAME_SAMPLES; i++)
        pcm[i] = i % 2 == 0 ? INT16_MIN : INT16_MAX;
    assert_int_equal(sc_vad_level(pcm, SC_FRAME_SAMPLES), SC_VAD_LEVELS - 1);
}

static int by_size(const void *a, const void *b)
{
    int16_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x - y;
}

/* The rule by sorting: 6 dB above the 10th percentile of the frames within 15 s to either side. */
static bool expected_speech(const int16_t *levels, int64_t count, int64_t frame)
{
    int16_t sorted[2 * SC_VAD_SIDE_FRAMES + 1];
    int64_t first = SC_MAX(0, frame - SC_VAD_SIDE_FRAMES);
    int64_t last = SC_MIN(count, frame + SC_VAD_SIDE_FRAMES + 1);
    memcpy(sorted, levels + first, (size_t)(last - first) * sizeof(*sorted));
    qsort(sorted, (size_t)(last - first), sizeof(*sorted), by_size);
    return levels[frame] >= 97 && levels[frame] >= sorted[(last - first) / 10] + 24;
}

static void decisions_equal_those_by_sorting(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    static int16_t levels[COUNT];
    struct dice d = { 3 };
    static const int64_t counts[] = { 1, 20, 751, 1600, COUNT };
    for (size_t n = 0; n < SC_ARRAY_LEN(counts); n++) {
        int64_t count = counts[n];
        int64_t at = 150;
        for (int64_t i = 0; i < count; i++) {
            at += dice_between(&d, -20, 20);
            at = SC_MAX(0, SC_MIN(SC_VAD_LEVELS - 1, at));
            levels[i] = (int16_t)(i % 500 < 3 ? 0 : at);
            /* The floor at the edge between two levels: one frame more or less decides. */
            if (i >= 1800)
                levels[i] = i % 20 < 2 ? 100 : 124;
        }
        SC_AUTO_FREE struct sc_detector *det = calloc(1, sizeof(*det));
        sc_detector_init(det, 6.0);
        int64_t decided = 0;
        bool speech;
        for (int64_t i = 0; i < count; i++) {
            sc_detector_push(det, levels[i]);
            while (sc_detector_next(det, &speech)) {
                assert_true(i == decided + SC_VAD_SIDE_FRAMES);
                assert_true(speech == expected_speech(levels, count, decided++));
            }
        }
        sc_detector_end(det);
        while (sc_detector_next(det, &speech))
            assert_true(speech == expected_speech(levels, count, decided++));
        assert_int_equal(decided, count);
    }
}

static int64_t speech_frames(const struct recording *r)
{
    SC_AUTO_FREE struct sc_detector *det = calloc(1, sizeof(*det));
    int64_t n = 0;
    bool speech;
    sc_detector_init(det, 6.0);
    for (size_t at = 0; at + SC_FRAME_SAMPLES <= r->samples; at += SC_FRAME_SAMPLES) {
        sc_detector_push(det, sc_vad_level(r->pcm + at, SC_FRAME_SAMPLES));
        while (sc_detector_next(det, &speech))
            n += speech;
    }
    sc_detector_end(det);
    while (sc_detector_next(det, &speech))
        n += speech;
    return n;
}

static void steady_noise_is_no_speech_however_loud(void **state)
{
    (void)state;
    static const int64_t peaks[] = { 0, 1, 30, 1000, 32767 };
    struct dice d = { 5 };
    for (size_t i = 0; i < SC_ARRAY_LEN(peaks); i++) {
        RECORDING r = { 0 };
        add_noise(&d, &r, 40000, peaks[i]);
        assert_int_equal(speech_frames(&r), 0);
    }
}

static void speech_is_found_in_noise(void **state)
{
    (void)state;
    static const int64_t peaks[] = { 0, 100, 1500 };
    struct dice d = { 6 };
    for (size_t i = 0; i < SC_ARRAY_LEN(peaks); i++) {
        RECORDING r = { 0 };
        add_noise(&d, &r, 10000, peaks[i]);
        add_speech(&d, &r, 10000, peaks[i]);
        add_noise(&d, &r, 10000, peaks[i]);
        assert_in_range(speech_frames(&r), 250, 510);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(levels_are_decibels_in_quarters_without_the_offset),
        TEST(decisions_equal_those_by_sorting),
        TEST(steady_noise_is_no_speech_however_loud),
        TEST(speech_is_found_in_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
