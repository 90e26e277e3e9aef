/* The yardstick for `engine-net`: the same figures of libwhisper, on the same model. Compiled by
 * bench/engine.py against whatever REFERENCE names; no build of the project needs it.
 *
 *     engine-reference BACKENDS MODEL THREADS STEPS plain|blas
 *
 * BACKENDS: a folder of ggml's, or -. */

#include <ggml-backend.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <whisper.h>

#define PROMPT 4

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void be_silent(enum ggml_log_level level, const char *text, void *ctx)
{
    (void)level;
    (void)text;
    (void)ctx;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int measure(struct whisper_context *w, int threads, int steps)
{
    const int mels = whisper_model_n_mels(w);
    const size_t floats = (size_t)mels * 3000;
    float *mel = malloc(floats * sizeof(*mel));
    double *times = malloc((size_t)steps * sizeof(*times));
    const whisper_token prompt[PROMPT] = { 1, 2, 3, 4 };

    if (mel == NULL || times == NULL)
        return 1;
    for (size_t i = 0; i < floats; i++)
        mel[i] = (float)(i * 7919 % 1000) / 1000 - 0.5F;
    if (whisper_set_mel(w, mel, 3000, mels) != 0)
        return 1;
    double best = 1e9;
    for (int i = 0; i < 3; i++) {
        const double begun = cpu_ms();
        if (whisper_encode(w, 0, threads) != 0)
            return 1;
        const double took = cpu_ms() - begun;
        best = took < best ? took : best;
    }
    printf("encode_ms %.3f\n", best);
    if (whisper_decode(w, prompt, PROMPT, 0, threads) != 0)
        return 1;
    for (whisper_token i = 0; i < steps; i++) {
        const double begun = cpu_ms();
        if (whisper_decode(w, &i, 1, PROMPT + i, threads) != 0)
            return 1;
        times[i] = cpu_ms() - begun;
    }
    qsort(times, (size_t)steps, sizeof(*times), by_value);
    printf("step_1_ms %.3f\n", times[steps / 2]);
    free(mel);
    free(times);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return 2;
    if (strcmp(argv[1], "-") == 0)
        ggml_backend_load_all();
    else
        ggml_backend_load_all_from_path(argv[1]);
    whisper_log_set(be_silent, NULL);
    struct whisper_context_params params = whisper_context_default_params();
    /* Its OpenBLAS is a back end that is taken only where a GPU would be. */
    params.use_gpu = strcmp(argv[5], "blas") == 0;
    struct whisper_context *w = whisper_init_from_file_with_params(argv[2], params);
    if (w == NULL)
        return 1;
    const int code = measure(w, atoi(argv[3]), atoi(argv[4]));
    whisper_free(w);
    return code;
}
