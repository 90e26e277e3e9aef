/* The yardstick for `engine-net`: the same figures of libwhisper, on the same model. Compiled by
 * bench/engine.py against whatever REFERENCE names; no build of the project needs it.
 *
 *     engine-reference BACKENDS MODEL plain|blas net STEPS
 *     engine-reference BACKENDS MODEL plain|blas whole SOUND
 *
 * On one thread; the second hears the sound (s16, 16 kHz, mono) as engine-whole does. BACKENDS: a
 * folder of ggml's, or -. */

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

static int measure(struct whisper_context *w, int steps)
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
        if (whisper_encode(w, 0, 1) != 0)
            return 1;
        const double took = cpu_ms() - begun;
        best = took < best ? took : best;
    }
    printf("encode_ms %.3f\n", best);
    if (whisper_decode(w, prompt, PROMPT, 0, 1) != 0)
        return 1;
    for (whisper_token i = 0; i < steps; i++) {
        const double begun = cpu_ms();
        if (whisper_decode(w, &i, 1, PROMPT + i, 1) != 0)
            return 1;
        times[i] = cpu_ms() - begun;
    }
    qsort(times, (size_t)steps, sizeof(*times), by_value);
    printf("step_1_ms %.3f\n", times[steps / 2]);
    free(mel);
    free(times);
    return 0;
}

static double wall_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct first {
    double begun, seconds;
};

static void note_first(struct whisper_context *w, struct whisper_state *state, int count, void *ctx)
{
    struct first *f = ctx;
    (void)w;
    (void)state;
    (void)count;
    if (f->seconds <= 0)
        f->seconds = wall_s() - f->begun;
}

static double resident_mb(void)
{
    char line[128];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtol(line + 6, NULL, 10);
    }
    if (f != NULL)
        fclose(f);
    return (double)kb / 1024;
}

static float *read_sound(const char *path, int *samples)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        return NULL;
    *samples = (int)(ftell(f) / 2);
    rewind(f);
    float *sound = malloc((size_t)*samples * sizeof(*sound));
    for (int i = 0; sound != NULL && i < *samples; i++) {
        short value = 0;
        if (fread(&value, sizeof(value), 1, f) != 1)
            return NULL;
        sound[i] = (float)value / 32768;
    }
    fclose(f);
    return sound;
}

static int hear(struct whisper_context *w, const char *path)
{
    struct whisper_full_params p = whisper_full_default_params(WHISPER_SAMPLING_GREEDY);
    struct first first = { 0, 0 };
    int samples = 0;
    float *sound = read_sound(path, &samples);
    if (sound == NULL)
        return 1;
    p.n_threads = 1;
    p.language = "en";
    p.temperature_inc = 0;
    p.print_progress = false;
    p.new_segment_callback = note_first;
    p.new_segment_callback_user_data = &first;
    const double begun = cpu_ms();
    first.begun = wall_s();
    if (whisper_full(w, p, sound, samples) != 0)
        return 1;
    printf("hear_ms %.3f\nfirst_s %.3f\nsegments %d\nresident_mb %.1f\n", cpu_ms() - begun,
           first.seconds, whisper_full_n_segments(w), resident_mb());
    free(sound);
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
    params.use_gpu = strcmp(argv[3], "blas") == 0;
    const double begun = cpu_ms();
    struct whisper_context *w = whisper_init_from_file_with_params(argv[2], params);
    if (w == NULL)
        return 1;
    printf("open_ms %.3f\n", cpu_ms() - begun);
    const int code = strcmp(argv[4], "whole") == 0 ? hear(w, argv[5]) : measure(w, atoi(argv[5]));
    whisper_free(w);
    return code;
}
