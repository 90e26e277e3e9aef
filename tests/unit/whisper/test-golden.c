/* Holds spectrum, encoder and decoder against what libwhisper answers for the same model and sound;
 * `GOLDEN_UPDATE=1 make parity REFERENCE=PREFIX` writes that file. */
#include "testing.h"

#include "model.h"
#include "whisper/decoder.h"
#include "whisper/listen.h"
#include "whisper/mel.h"

#include <math.h>
#include <stdlib.h>

#include "base/banned.h"

#define STEPS 4
#define TOLD_MAX 2000

/* Of values around 1, where the reference keeps its keys and values in f16. */
#define MEL_ALLOWED 1e-4
#define ENCODER_ALLOWED 3e-3
#define LOGIT_ALLOWED 5e-3

struct answers {
    struct sc_whisper_dims dims;
    float *mel, *encoder;
    float *logits[STEPS];
    int32_t told[TOLD_MAX];
    int told_count, compared;
    int first_time;
};

static void answers_done(struct answers *a)
{
    free(a->mel);
    free(a->encoder);
    for (int i = 0; i < STEPS; i++)
        free(a->logits[i]);
}

static float *floats(int count)
{
    float *x = calloc((size_t)count, sizeof(*x));
    assert_non_null(x);
    return x;
}

static int best_of(const float *logits, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        best = logits[i] > logits[best] ? i : best;
    return best;
}

static void hear(struct answers *a, const float *filters)
{
    static int16_t pcm[TEST_GOLDEN_SAMPLES];
    SC_AUTO(sc_mel_freep) struct sc_mel *m = NULL;

    test_golden_sound(pcm, TEST_GOLDEN_SAMPLES);
    assert_int_equal(sc_mel_open(pcm, TEST_GOLDEN_SAMPLES, a->dims.n_mels, filters, &m, NULL),
                     SC_OK);
    sc_mel_part(m, 0, 1);
    (void)sc_mel_finish(m, SC_MEL_SILENCE);
    a->mel = floats(a->dims.n_mels * SC_MEL_WINDOW);
    sc_mel_window(m, 0, a->mel);
}

static void encode(struct answers *a, const struct sc_net *net, struct sc_pool *pool,
                   struct sc_windows *w)
{
    const int count = a->dims.n_audio_ctx * a->dims.n_audio_state;
    const float *mel = a->mel;

    assert_int_equal(sc_net_encode(net, pool, &mel, 1, NULL, w, NULL), SC_OK);
    a->encoder = floats(count);
    memcpy(a->encoder, sc_windows_output(w, 0), (size_t)count * sizeof(*a->encoder));
}

static void decode(struct answers *a, const struct sc_net *net, struct sc_pool *pool,
                   const struct sc_windows *w)
{
    SC_AUTO(sc_sequences_closep) struct sc_sequences *s = NULL;
    int32_t tokens[4] = TEST_GOLDEN_PROMPT;

    assert_int_equal(sc_sequences_open(net, 1, &s, NULL), SC_OK);
    sc_sequences_start(s, 0, 0);
    for (int step = 0; step < STEPS; step++) {
        const struct sc_step one = { 0, tokens, step == 0 ? 4 : 1 };
        a->logits[step] = floats(a->dims.n_vocab);
        const struct sc_decode job = {
            .pool = pool,
            .windows = w,
            .sequences = s,
            .steps = &one,
            .count = 1,
            .logits = a->logits[step],
        };
        assert_int_equal(sc_net_decode(net, &job, NULL), SC_OK);
        tokens[0] = best_of(a->logits[step], a->dims.n_vocab);
    }
}

static void answer(struct answers *a)
{
    SC_AUTO_BUF bytes = { 0 };
    SC_AUTO(sc_whisper_file_closep) struct sc_whisper_file *f = NULL;
    SC_AUTO(sc_net_closep) struct sc_net *net = NULL;
    SC_AUTO(sc_pool_closep) struct sc_pool *pool = NULL;
    SC_AUTO(sc_windows_closep) struct sc_windows *w = NULL;

    test_model_ggml(&test_golden_model, &bytes);
    assert_int_equal(sc_whisper_file_of(sc_buf_str(&bytes), &f, NULL), SC_OK);
    assert_int_equal(sc_net_open(f, &(struct sc_net_options){ 0 }, &net, NULL), SC_OK);
    assert_int_equal(sc_pool_open(1, &pool, NULL), SC_OK);
    w = sc_windows_open(net, true);
    a->dims = *sc_whisper_file_dims(f);
    hear(a, sc_whisper_file_mel(f));
    encode(a, net, pool, w);
    decode(a, net, pool, w);
}

/* The reference keeps the time behind a text, not the one ahead of it. */
static void note_told(void *ctx, const struct sc_decode_window *w, int frame)
{
    struct answers *a = ctx;
    (void)frame;
    assert_false(w->silence);
    for (size_t i = 0; i < w->said_count; i++) {
        bool time = w->said[i].token > a->first_time;
        if (time && (i == 0 || w->said[i - 1].token > a->first_time))
            continue;
        assert_true(a->told_count < TOLD_MAX);
        a->told[a->told_count++] = w->said[i].token;
    }
}

/* As the reference decodes where nobody asks for anything. */
static void tell(struct answers *a)
{
    static int16_t pcm[TEST_TOLD_SAMPLES];
    struct test_dir dir = test_dir_new();
    char path[PATH_MAX];
    struct sc_listen_clip clip = { .pcm = pcm,
                                   .samples = TEST_TOLD_SAMPLES,
                                   .wishes = sc_listen_wishes_usual(),
                                   .told = note_told,
                                   .told_ctx = a };
    SC_AUTO(sc_listener_closep) struct sc_listener *l = NULL;

    test_golden_sound(pcm, TEST_TOLD_SAMPLES);
    assert_true(test_model_write(&test_told_model, test_path(&dir, "told.bin", path)));
    assert_int_equal(sc_listener_open(path, 1, NULL, &l, NULL), SC_OK);
    a->first_time = sc_listener_vocab(l)->first_time;
    clip.wishes.language = "en";
    clip.wishes.words = false;
    clip.wishes.previous = true;
    clip.wishes.non_speech = true;
    clip.wishes.decode.temperature_step = 0;
    clip.wishes.decode.limits.loops = false;
    clip.wishes.decode.limits.compression_max = 0;
    assert_int_equal(sc_listen(l, &clip, 1, NULL, NULL), SC_OK);
    sc_listen_clip_done(&clip);
    test_dir_done(&dir);
}

static void assert_near(const char *line, double value, double expected, double allowed)
{
    if (!(fabs(value - expected) <= allowed))
        fail_msg("%.40s: here it is %.6f", line, value);
}

/* Compares one line; false: it is none that is known. */
static bool compare(struct answers *a, const char *line)
{
    char what[16];
    int i, j;
    double expected;

    if (sscanf(line, "told %d %d", &i, &j) == 2) {
        assert_true(i == a->compared && i < a->told_count);
        assert_int_equal(a->told[i], j);
        a->compared++;
        return true;
    }
    if (sscanf(line, "%15s %d %d %lf", what, &i, &j, &expected) != 4)
        return false;
    if (strcmp(what, "mel") == 0)
        assert_near(line, (double)a->mel[i * SC_MEL_WINDOW + j], expected, MEL_ALLOWED);
    else if (strcmp(what, "encoder") == 0)
        assert_near(line, (double)a->encoder[i * a->dims.n_audio_state + j], expected,
                    ENCODER_ALLOWED);
    else if (strcmp(what, "logit") == 0)
        assert_near(line, (double)a->logits[i][j], expected, LOGIT_ALLOWED);
    else if (strcmp(what, "best") == 0)
        assert_int_equal(best_of(a->logits[i], a->dims.n_vocab), j);
    else
        return false;
    return true;
}

static void answers_are_the_references(void **state)
{
    SC_AUTO(answers_done) struct answers a = { 0 };
    const char *folder = getenv("SC_GOLDEN_DIR");
    char path[PATH_MAX], line[80];
    int lines = 0;
    (void)state;

    assert_non_null(folder);
    (void)snprintf(path, sizeof(path), "%s/whisper/reference.txt", folder);
    SC_AUTO_FCLOSE FILE *f = fopen(path, "r");
    assert_non_null(f);
    answer(&a);
    tell(&a);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (!compare(&a, line))
            fail_msg("'%s' is no line of this file", line);
        lines++;
    }
    assert_true(lines > 200);
    assert_true(a.compared > 10);
    assert_int_equal(a.compared, a.told_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(answers_are_the_references) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
