/* The rules of time on frames made by hand: 16 kHz mono in milliseconds, so that a pts is a time.
 */
#include "audio/timeline.h"

#include "testing.h"

#include "base/banned.h"

#define MS(n) ((size_t)(n)*16)

struct taken {
    int16_t pcm[MS(400000)];
    size_t samples;
};

static enum sc_code take(void *ctx, const int16_t *pcm, size_t samples, struct sc_error *err)
{
    struct taken *t = ctx;
    (void)err;
    assert_true(t->samples + samples <= SC_ARRAY_LEN(t->pcm));
    memcpy(t->pcm + t->samples, pcm, samples * sizeof(*pcm));
    t->samples += samples;
    return SC_OK;
}

static struct taken taken;
static struct sc_audio_sink sink = { .pcm = take, .ctx = &taken };

static struct timeline fresh(void)
{
    taken.samples = 0;
    struct timeline t = {
        .lost_at = -1,
        .mixer = { .streams = 1 },
        .sink = &sink,
        .max_samples = -1,
        .end_samples = -1,
        .limit_samples = -1,
        .time_base = { 1, 1000 },
        .piece = av_malloc_array(SC_AUDIO_PIECE, sizeof(int16_t)),
        .hold = av_malloc_array(MS(100), sizeof(int16_t)),
    };
    assert_true(t.piece != NULL && t.hold != NULL);
    return t;
}

/* A frame of `ms` with every sample `value`. */
static enum sc_code push(struct timeline *t, int64_t at_ms, int ms, int16_t value)
{
    SC_AUTO(av_framep) AVFrame *frame = av_frame_alloc();
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    struct sc_error err = { 0 };
    assert_non_null(frame);
    frame->nb_samples = (int)MS(ms);
    frame->format = AV_SAMPLE_FMT_S16;
    frame->sample_rate = 16000;
    frame->ch_layout = mono;
    frame->best_effort_timestamp = at_ms;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int i = 0; i < frame->nb_samples; i++)
        ((int16_t *)(void *)frame->data[0])[i] = value;
    return timeline_frame(t, frame, &err);
}

static void finish(struct timeline *t)
{
    struct sc_error err = { 0 };
    assert_int_equal(timeline_finish(t, &err), SC_OK);
    assert_int_equal(t->sent, taken.samples);
    timeline_done(t);
}

static int at(int64_t ms)
{
    assert_true(MS(ms) < taken.samples);
    return taken.pcm[MS(ms)];
}

static void gaps_over_50_ms_are_filled_and_smaller_ones_are_not(void **state)
{
    (void)state;
    struct timeline t = fresh();
    assert_int_equal(push(&t, 0, 100, 1), SC_OK);
    assert_int_equal(push(&t, 150, 100, 2), SC_OK); /* 50 ms: a muxer's rounding */
    assert_int_equal(push(&t, 400, 100, 3), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(500));
    assert_int_equal(at(110), 2);
    assert_int_equal(at(250), 0);
    assert_int_equal(at(399), 0);
    assert_int_equal(at(401), 3);
}

static void nothing_is_dropped_when_the_clock_steps_back(void **state)
{
    (void)state;
    struct timeline t = fresh();
    assert_int_equal(push(&t, 0, 5000, 1), SC_OK);
    assert_int_equal(push(&t, 0, 1000, 2), SC_OK); /* the clock has restarted */
    assert_int_equal(push(&t, 1500, 1000, 3), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(7500));
    assert_int_equal(at(5500), 2);
    assert_int_equal(at(6250), 0); /* a gap on the new clock */
    assert_int_equal(at(7000), 3);
}

static void a_far_leap_is_believed_only_within_the_declared_duration(void **state)
{
    (void)state;
    struct timeline t = fresh();
    assert_int_equal(push(&t, 0, 100, 1), SC_OK);
    assert_int_equal(push(&t, 300000, 100, 2), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(200));

    t = fresh();
    t.limit_samples = (int64_t)MS(301000);
    assert_int_equal(push(&t, 0, 100, 1), SC_OK);
    assert_int_equal(push(&t, 300000, 100, 2), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(300100));

    t = fresh();
    t.limit_samples = (int64_t)MS(301000);
    t.jumps = true;
    assert_int_equal(push(&t, 0, 100, 1), SC_OK);
    assert_int_equal(push(&t, 20000, 100, 2), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(200));
}

static void wild_timestamps_overflow_nothing(void **state)
{
    (void)state;
    static const int64_t wild[] = { INT64_MAX, INT64_MIN + 1, INT64_MAX - 1, -1, AV_NOPTS_VALUE };
    struct timeline t = fresh();
    t.origin = -5;
    for (size_t i = 0; i < SC_ARRAY_LEN(wild); i++)
        assert_int_equal(push(&t, wild[i], 10, 1), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(50));
}

static void padding_beyond_the_declared_end_is_cut(void **state)
{
    (void)state;
    struct timeline t = fresh();
    t.end_samples = (int64_t)MS(250);
    for (int i = 0; i < 3; i++)
        assert_int_equal(push(&t, i * (int64_t)100, 100, 1), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(250));
}

static void a_declared_end_that_is_wrong_cuts_nothing(void **state)
{
    (void)state;
    struct timeline t = fresh();
    t.end_samples = (int64_t)MS(250);
    for (int i = 0; i < 10; i++)
        assert_int_equal(push(&t, i * (int64_t)100, 100, (int16_t)(i + 1)), SC_OK);
    finish(&t);
    assert_int_equal(taken.samples, MS(1000));
    for (int i = 0; i < 10; i++)
        assert_int_equal(at(i * (int64_t)100 + 50), i + 1);
}

static void the_limit_holds_for_silence_too(void **state)
{
    (void)state;
    struct timeline t = fresh();
    t.max_samples = (int64_t)MS(10000);
    assert_int_equal(push(&t, 0, 100, 1), SC_OK);
    assert_int_equal(push(&t, 50000, 100, 1), SC_E_FILE_TOO_LARGE);
    timeline_done(&t);
    assert_true(taken.samples <= MS(10000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(gaps_over_50_ms_are_filled_and_smaller_ones_are_not),
        TEST(nothing_is_dropped_when_the_clock_steps_back),
        TEST(a_far_leap_is_believed_only_within_the_declared_duration),
        TEST(wild_timestamps_overflow_nothing),
        TEST(padding_beyond_the_declared_end_is_cut),
        TEST(a_declared_end_that_is_wrong_cuts_nothing),
        TEST(the_limit_holds_for_silence_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
