#include "vad/vad.h"
#include "vad/voice.h"

#include "make.h"

#include "base/banned.h"

#define FRAMES 300
#define HOP 320

/* Made by tools/train-music.py: what numpy answers to the same sound, with the same weights. */
static const float expected[] = {
#include "voice-answers.inc"
};

struct answers {
    int64_t count;
    float logits[FRAMES];
};

static void take_answer(void *ctx, int64_t step, float logit)
{
    struct answers *a = ctx;
    assert_int_equal(step, a->count);
    assert_true(a->count < FRAMES);
    a->logits[a->count++] = logit;
}

/* Saw teeth that rise, with gaps: sample i of the sound that both are asked about. */
static int16_t sample_at(int64_t i)
{
    if (i < 0 || i >= (int64_t)FRAMES * HOP || i / 8000 % 3 == 2)
        return 0;
    return (int16_t)(i * (100 + i / 200) % 8192 - 4096);
}

/* The answers to the first frames of that sound. */
static struct answers ask(int frames)
{
    static struct sc_voice net;
    static struct sc_spectrum spectrum;
    struct answers a = { 0 };
    int16_t pcm[SC_SPECTRUM_SAMPLES];
    float power[SC_SPECTRUM_BINS];
    sc_spectrum_init(&spectrum);
    sc_voice_init(&net, take_answer, &a);
    for (int f = 0; f < frames; f++) {
        for (int i = 0; i < SC_SPECTRUM_SAMPLES; i++)
            pcm[i] = sample_at((int64_t)(f + 2) * HOP - SC_SPECTRUM_SAMPLES + i);
        sc_spectrum_power(&spectrum, pcm, power);
        sc_voice_push(&net, power);
    }
    sc_voice_end(&net);
    return a;
}

static void it_answers_what_the_training_program_answers(void **state)
{
    (void)state;
    const struct answers a = ask(FRAMES);
    assert_int_equal(a.count, SC_ARRAY_LEN(expected));
    for (int64_t i = 0; i < a.count; i++)
        assert_true(fabsf(a.logits[i] - expected[i]) < 0.02F);
}

static void each_eight_frames_begun_have_an_answer(void **state)
{
    (void)state;
    for (int frames = 0; frames <= 70; frames++)
        assert_int_equal(ask(frames).count, (frames + SC_VOICE_STEP - 1) / SC_VOICE_STEP);
}

static void what_lies_far_behind_changes_no_answer(void **state)
{
    (void)state;
    const struct answers all = ask(FRAMES), some = ask(280);
    for (int i = 0; i < 3; i++)
        assert_true(all.logits[i] == some.logits[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_answers_what_the_training_program_answers),
        TEST(each_eight_frames_begun_have_an_answer),
        TEST(what_lies_far_behind_changes_no_answer),
    };
    return cmocka_run_group_tests_name("vad/voice", tests, NULL, NULL);
}
