#include "golden.h"

#include "heard.h"
#include "model.h"
#include "whisper/mel.h"

#include <stdio.h>
#include <stdlib.h>
#include <whisper.h>

#include "base/banned.h"

#define STEPS 4

static bool put_mel(FILE *f, struct reference *r, const struct sc_whisper_dims *d)
{
    static const size_t at[] = { 0, 1, 2, 77, 150, 298, 299, 300, 302, 2999 };
    static int16_t pcm[TEST_GOLDEN_SAMPLES];
    size_t frames;

    test_golden_sound(pcm, TEST_GOLDEN_SAMPLES);
    const float *mel = reference_mel(r, pcm, TEST_GOLDEN_SAMPLES, d->n_mels, &frames);
    for (size_t b = 0; mel != NULL && b < (size_t)d->n_mels; b += 7) {
        for (size_t i = 0; i < SC_ARRAY_LEN(at); i++)
            fprintf(f, "mel %zu %zu %.6f\n", b, at[i], (double)mel[b * frames + at[i]]);
    }
    return mel != NULL;
}

static bool put_encoder(FILE *f, struct reference *r, const struct sc_whisper_dims *d)
{
    static const int at[] = { 0, 1, 75, 149, 150, 700, 1499 };
    SC_AUTO_FREE float *output = reference_encode(r, d->n_audio_ctx, d->n_audio_state);

    for (size_t i = 0; output != NULL && i < SC_ARRAY_LEN(at); i++) {
        for (int n = 0; n < d->n_audio_state; n += 9)
            fprintf(f, "encoder %d %d %.6f\n", at[i], n,
                    (double)output[at[i] * d->n_audio_state + n]);
    }
    return output != NULL;
}

/* After the prompt, then after the token that was likeliest, and so on: that comes first. */
static bool put_logits(FILE *f, struct reference *r, const struct sc_whisper_dims *d)
{
    int32_t tokens[4] = TEST_GOLDEN_PROMPT;
    int past = 0, count = 4;

    for (int step = 0; step < STEPS; step++) {
        const float *logits = reference_decode(r, tokens, count, past);
        int best = 0;
        if (logits == NULL)
            return false;
        for (int i = 1; i < d->n_vocab; i++)
            best = logits[i] > logits[best] ? i : best;
        fprintf(f, "best %d %d %.6f\n", step, best, (double)logits[best]);
        for (int i = 100 * step; i < d->n_vocab; i += 4001)
            fprintf(f, "logit %d %d %.6f\n", step, i, (double)logits[i]);
        past += count;
        count = 1;
        tokens[0] = best;
    }
    return true;
}

/* What is told of a sound of several windows: the tokens of each text and the time behind it. */
static bool put_told(FILE *f, const char *model)
{
    static const struct way greedy = { "greedy", "en", "", .beam = 1 };
    static int16_t pcm[TEST_TOLD_SAMPLES];
    static struct heard heard;
    struct reference *r = test_model_write(&test_told_model, model) ? reference_open(model) : NULL;

    if (r == NULL)
        return false;
    test_golden_sound(pcm, TEST_TOLD_SAMPLES);
    whisper_free_state(
        hear_reference(reference_context(r), &greedy, pcm, TEST_TOLD_SAMPLES, &heard));
    for (int i = 0; i < heard.token_count; i++)
        fprintf(f, "told %d %d\n", i, (int)heard.tokens[i]);
    reference_close(r);
    return true;
}

bool golden_write(const char *path, const char *model)
{
    struct sc_whisper_file *file = NULL;
    struct reference *r = NULL;
    bool good = false;
    FILE *f = fopen(path, "w");

    if (f != NULL && test_model_write(&test_golden_model, model) &&
        sc_whisper_file_open(model, &file, NULL) == SC_OK && (r = reference_open(model)) != NULL) {
        const struct sc_whisper_dims *d = sc_whisper_file_dims(file);
        good = put_mel(f, r, d) && put_encoder(f, r, d) && put_logits(f, r, d);
    }
    if (r != NULL)
        reference_close(r);
    sc_whisper_file_close(file);
    good = good && put_told(f, model);
    return f != NULL && fclose(f) == 0 && good;
}
