/* Measures the Whisper network alone, on a model of random weights.
 *
 *     engine-net make MODEL STATE LAYERS [BANDS]
 *                                              writes such a model, with a real vocabulary's size
 *     engine-net run MODEL KERNELS THREADS STEPS
 *     engine-net grow MODEL WINDOWS            encodes and decodes so many, one after the other
 *     engine-net stop MODEL THREADS MS         loads it and hears a clip twice, each time for so
 *                                              long at most
 *
 * The last three print a line `name value` for each figure. Times are milliseconds of processor
 * time, the least of some; of `longest_gap_ms` they are of the clock on the wall. */
#include "measure.h"
#include "model.h"
#include "whisper/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOWS 8
#define PROMPT 4

struct bench {
    const struct sc_whisper_dims *dims;
    struct sc_net *net;
    struct sc_pool *pool;
    struct sc_windows *windows;
    struct sc_sequences *sequences;
    float *logits;
    struct sc_stop stop;
    double asked, longest_gap;
    double asked_cpu, longest_work; /* the same in processor time, whatever else runs */
    double until;                   /* of the clock: then it says stop; 0: never */
};

/* Whoever wants to stop it waits for the next question. */
static bool note_question(void *ctx)
{
    struct bench *b = ctx;
    const double now = measure_wall_ms();
    b->longest_gap = SC_MAX(b->longest_gap, now - b->asked);
    b->longest_work = SC_MAX(b->longest_work, measure_cpu_ms() - b->asked_cpu);
    b->asked = now;
    b->asked_cpu = measure_cpu_ms();
    return b->until > 0 && now >= b->until;
}

/* Products that lie in the nearest cache: what one core can do at best. */
static double peak_gflops(const struct sc_kernels *k)
{
    enum { ROWS = 12, DEPTH = 192, COLUMNS = 32, TIMES = 4000 };
    static float in[ROWS * DEPTH], panel[DEPTH * COLUMNS], out[ROWS * COLUMNS];
    double best = 1e9;

    for (int i = 0; i < 5; i++) {
        const double begun = measure_cpu_ms();
        for (int n = 0; n < TIMES; n++)
            k->product(&(struct sc_product){ .in = in,
                                             .in_stride = DEPTH,
                                             .rows = ROWS,
                                             .depth = DEPTH,
                                             .columns = COLUMNS,
                                             .panels = panel,
                                             .out = out,
                                             .out_stride = COLUMNS });
        best = SC_MIN(best, measure_cpu_ms() - begun);
    }
    return 2.0 * ROWS * DEPTH * COLUMNS * TIMES / best / 1e6;
}

/* Multiplications and additions for a window, those of the decoder's keys and values included. */
static double encode_gflop(const struct sc_whisper_dims *d)
{
    const double rows = d->n_audio_ctx, n = d->n_audio_state;
    const double layer = rows * n * n * 12 + 2 * rows * rows * n;
    const double front = 2 * rows * n * 3 * d->n_mels + rows * n * 3 * n;
    return 2 * (front + layer * d->n_audio_layer + rows * n * 2 * n * d->n_text_layer) / 1e9;
}

/* Weights that a token needs, each once: of every layer both attentions' and the mlp's, and those
 * of the logits. */
static double token_weights(const struct sc_whisper_dims *d)
{
    const double n = d->n_text_state;
    return d->n_text_layer * 14 * n * n + d->n_vocab * n;
}

/* Keys and values of its window. */
static double token_window(const struct sc_whisper_dims *d)
{
    return 2.0 * d->n_text_layer * d->n_audio_ctx * d->n_text_state;
}

/* What a core reads of memory at best: more than any cache holds, in order. */
static double read_gbs(void)
{
    enum { COUNT = 32 << 20 };
    uint64_t *data = malloc(COUNT * sizeof(*data)), sum = 0;
    double best = 1e9;

    if (data == NULL)
        abort();
    memset(data, 1, COUNT * sizeof(*data));
    for (int i = 0; i < 5; i++) {
        const double begun = measure_cpu_ms();
        for (size_t k = 0; k < COUNT; k++)
            sum += data[k];
        data[sum % COUNT]++; /* so that it is read */
        best = SC_MIN(best, measure_cpu_ms() - begun);
    }
    free(data);
    return COUNT * sizeof(*data) / best / 1e6;
}

static float *make_mel(const struct sc_whisper_dims *d)
{
    const size_t floats = (size_t)d->n_mels * 2 * (size_t)d->n_audio_ctx;
    float *mel = malloc(floats * sizeof(*mel));

    if (mel == NULL)
        abort();
    for (size_t i = 0; i < floats; i++)
        mel[i] = (float)(i * 7919 % 1000) / 1000 - 0.5F;
    return mel;
}

static void encode(struct bench *b)
{
    float *mel = make_mel(b->dims);
    const float *mels[WINDOWS];
    struct sc_error err = { 0 };

    for (size_t i = 0; i < WINDOWS; i++)
        mels[i] = mel;
    for (int round = 0; round < 2; round++) {
        const double begun = measure_cpu_ms();
        b->asked = measure_wall_ms();
        measure_must(sc_net_encode(b->net, b->pool, mels, WINDOWS, &b->stop, b->windows, &err),
                     &err);
        (void)note_question(b);
        if (round == 1)
            printf("encode_ms %.3f\n", (measure_cpu_ms() - begun) / WINDOWS);
    }
    printf("encode_gflop %.3f\n", encode_gflop(b->dims));
    printf("weights_gb %.6f\n", token_weights(b->dims) * sizeof(float) / 1e9);
    printf("window_gb %.6f\n", token_window(b->dims) * sizeof(float) / 1e9);
    free(mel);
}

/* One call of `count` steps; what it took. */
static double decode(struct bench *b, size_t count, const int32_t *tokens, size_t length)
{
    struct sc_step steps[WINDOWS];
    struct sc_error err = { 0 };
    const struct sc_decode job = { .pool = b->pool,
                                   .windows = b->windows,
                                   .sequences = b->sequences,
                                   .steps = steps,
                                   .count = count,
                                   .logits = b->logits,
                                   .stop = &b->stop };

    for (size_t i = 0; i < count; i++)
        steps[i] = (struct sc_step){ i, tokens, length };
    const double begun = measure_cpu_ms();
    b->asked = measure_wall_ms();
    measure_must(sc_net_decode(b->net, &job, &err), &err);
    (void)note_question(b);
    return measure_cpu_ms() - begun;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Median of the steps of `count` chunks, each with a window of its own. */
static void decode_batch(struct bench *b, size_t count, int steps)
{
    const int32_t prompt[PROMPT] = { 1, 2, 3, 4 };
    double *times = malloc((size_t)steps * sizeof(*times));

    if (times == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        sc_sequences_start(b->sequences, i, i);
    printf("prompt_%zu_ms %.3f\n", count, decode(b, count, prompt, PROMPT));
    for (int32_t i = 0; i < steps; i++)
        times[i] = decode(b, count, &i, 1);
    qsort(times, (size_t)steps, sizeof(*times), by_value);
    printf("step_%zu_ms %.3f\n", count, times[steps / 2]);
    free(times);
}

static void open_all(struct bench *b, const char *path, const char *kernels, int threads)
{
    struct sc_whisper_file *file = NULL;
    struct sc_error err = { 0 };

    b->stop = (struct sc_stop){ note_question, b };
    measure_must(sc_whisper_file_open(path, &file, &err), &err);
    measure_must(sc_pool_open(threads, &b->pool, &err), &err);
    const double begun = measure_cpu_ms();
    const struct sc_net_options options = {
        .kernels = strcmp(kernels, "best") == 0 ? NULL : sc_kernels_find(kernels),
        .pool = b->pool,
        .stop = &b->stop,
    };
    b->asked = measure_wall_ms();
    measure_must(sc_net_open(file, &options, &b->net, &err), &err);
    printf("kernels %s\nopen_ms %.3f\n", sc_net_kernels(b->net)->name, measure_cpu_ms() - begun);
    sc_whisper_file_close(file);
    b->dims = sc_net_dims(b->net);
    b->logits = malloc(WINDOWS * (size_t)b->dims->n_vocab * sizeof(*b->logits));
    b->windows = sc_windows_open(b->net, false);
    measure_must(sc_sequences_open(b->net, WINDOWS, &b->sequences, &err), &err);
    if (b->logits == NULL)
        abort();
}

static void close_all(struct bench *b)
{
    sc_sequences_close(b->sequences);
    sc_windows_close(b->windows);
    sc_net_close(b->net);
    sc_pool_close(b->pool);
    free(b->logits);
}

static int run(const char *path, const char *kernels, int threads, int steps)
{
    const struct sc_whisper_use use = { .batch = WINDOWS };
    struct bench b = { 0 };

    open_all(&b, path, kernels, threads);
    printf("peak_gflops %.1f\n", peak_gflops(sc_net_kernels(b.net)));
    encode(&b);
    decode_batch(&b, 1, steps);
    decode_batch(&b, WINDOWS, steps);
    printf("longest_gap_ms %.3f\n", b.longest_gap);
    printf("resident_mb %.1f\n", (double)measure_memory_kb("VmHWM") / 1024);
    printf("foreseen_mb %.1f\n", (double)sc_whisper_memory(b.dims, &use) / (1024.0 * 1024.0));
    printf("read_gbs %.2f\n", read_gbs()); /* behind what is resident: it takes memory */
    close_all(&b);
    return 0;
}

/* What is resident after `windows` windows, more than after the first few. */
static int grow(const char *path, int windows)
{
    struct bench b = { 0 };
    struct sc_error err = { 0 };
    long before = 0;

    open_all(&b, path, "best", 1);
    float *mel = make_mel(b.dims);
    for (int i = 0; i < windows; i++) {
        measure_must(
            sc_net_encode(b.net, b.pool, (const float *const[]){ mel }, 1, NULL, b.windows, &err),
            &err);
        sc_sequences_start(b.sequences, 0, 0);
        for (size_t length = 1; length <= 8; length++)
            (void)decode(&b, 1, (const int32_t[8]){ 1, 2, 3, 4, 5, 6, 7, 8 }, length);
        if (i == SC_MIN(20, windows / 2))
            before = measure_memory_kb("VmRSS");
    }
    printf("grown_kb %ld\n", measure_memory_kb("VmRSS") - before);
    free(mel);
    close_all(&b);
    return 0;
}

/* The last wait is that for the answer, once it was told to stop. */
static void hear_until(struct bench *b, struct sc_listener *l, struct sc_listen_clip *clip,
                       int limit_ms)
{
    struct sc_error err = { 0 };

    b->asked = measure_wall_ms();
    b->until = b->asked + limit_ms;
    b->asked_cpu = measure_cpu_ms();
    const enum sc_code code = sc_listen(l, clip, 1, &b->stop, &err);
    if (code != SC_E_CANCELLED)
        measure_must(code, &err);
    (void)note_question(b);
    sc_listen_clip_done(clip);
}

/* How long whoever wants to stop it waits, at most: while the model is loaded, and in all that is
 * done with a clip. Random weights are never believed: at first all temperatures are tried, then
 * one, so that times of words are looked for, too. */
static int stop(const char *path, int threads, int limit_ms)
{
    enum { SAMPLES = 25 * 16000 };
    static int16_t pcm[SAMPLES];
    struct bench b = { 0 };
    struct sc_listener *l = NULL;
    struct sc_error err = { 0 };

    b.stop = (struct sc_stop){ note_question, &b };
    for (int i = 0; i < SAMPLES; i++)
        pcm[i] = (int16_t)(i % 6000 * 7919 % 6000 - 3000);
    b.asked = measure_wall_ms();
    b.asked_cpu = measure_cpu_ms();
    measure_must(sc_listener_open(path, threads, &b.stop, &l, &err), &err);
    (void)note_question(&b);
    printf("load_gap_ms %.3f\nload_work_ms %.3f\n", b.longest_gap, b.longest_work);
    b.longest_gap = b.longest_work = 0;
    struct sc_listen_clip clip = { .pcm = pcm, .samples = SAMPLES };
    clip.wishes = sc_listen_wishes_usual();
    hear_until(&b, l, &clip, limit_ms);
    clip.wishes.decode.temperature_step = 0;
    hear_until(&b, l, &clip, limit_ms);
    printf("hear_gap_ms %.3f\nhear_work_ms %.3f\n", b.longest_gap, b.longest_work);
    sc_listener_close(l);
    return 0;
}

int main(int argc, char **argv)
{
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "make") == 0) {
        const int bands = argc == 6 ? atoi(argv[5]) : 80;
        const struct test_model m = { .state = atoi(argv[3]),
                                      .layers = atoi(argv[4]),
                                      .mels = bands,
                                      .text_tokens = 50257,
                                      .languages = bands == 128 ? 100 : 99,
                                      .type = SC_WTYPE_F16 };
        return test_model_write(&m, argv[2]) ? 0 : 1;
    }
    if (argc == 6 && strcmp(argv[1], "run") == 0)
        return run(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]));
    if (argc == 4 && strcmp(argv[1], "grow") == 0)
        return grow(argv[2], atoi(argv[3]));
    if (argc == 5 && strcmp(argv[1], "stop") == 0)
        return stop(argv[2], atoi(argv[3]), atoi(argv[4]));
    (void)fprintf(stderr, "usage: engine-net make MODEL STATE LAYERS [BANDS]\n"
                          "       engine-net run MODEL KERNELS|best THREADS STEPS\n"
                          "       engine-net grow MODEL WINDOWS\n"
                          "       engine-net stop MODEL THREADS MS\n");
    return 2;
}
