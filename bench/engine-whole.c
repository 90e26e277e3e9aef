/* Measures the whole engine `whisper`.
 *
 *     engine-whole make MODEL STATE LAYERS TYPE
 *         writes a scripted model with a real vocabulary's size, that says five words in two
 *         seconds
 *     engine-whole hear MODEL SOUND
 *         opens it and hears the sound (s16, 16 kHz, mono) as one clip on one thread, text of each
 *         window ahead of the next
 *     engine-whole grow MODEL CHUNKS
 *         so many chunks by the engine's contract, with words, by five beams and then, as the
 *         script repeats itself, by five draws, the model opened for each hundred
 *     engine-whole fill MODEL CHUNKS SECONDS OPTIONS
 *         so many chunks of that length in one call, with a job's options (JSON): what it holds
 *         beside what was counted for it
 *
 * The last three print a line `name value` for each figure; *_ms is processor time. */
#include "engine/engine.h"
#include "measure.h"
#include "model.h"
#include "whisper/listen.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE 16000
#define PER_OPEN 100
#define BATCH_MAX 16
#define MIB (1024.0 * 1024.0)

static int16_t *read_sound(const char *path, size_t *samples)
{
    FILE *f = fopen(path, "rb");
    int16_t *pcm = NULL;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        exit(1);
    *samples = (size_t)ftell(f) / sizeof(*pcm);
    rewind(f);
    pcm = malloc(*samples * sizeof(*pcm));
    if (pcm == NULL || fread(pcm, sizeof(*pcm), *samples, f) != *samples)
        exit(1);
    (void)fclose(f);
    return pcm;
}

/* "<|0.00|> the of to and in<|2.00|> the …<|28.00|>" */
static int make(const char *path, int state, int layers, const char *type)
{
    struct sc_buf script = { 0 };
    struct test_model m = {
        .state = state, .layers = layers, .text_tokens = 50257, .languages = 99
    };

    for (int t = 0; t < SC_WTYPE_COUNT_; t++) {
        if (strcmp(type, sc_wtype_name((enum sc_wtype)t)) == 0)
            m.type = (enum sc_wtype)t;
    }
    for (int s = 0; s < 28; s += 2)
        sc_buf_printf(&script, "<|%d.00|> the of to and in", s);
    sc_buf_printf(&script, "<|28.00|>");
    sc_buf_putc(&script, '\0');
    m.script = script.ptr;
    const bool made = test_model_write(&m, path);
    sc_buf_done(&script);
    return made ? 0 : 1;
}

struct first {
    double begun, seconds;
};

static void note_first(void *ctx, const struct sc_decode_window *w, int frame)
{
    struct first *f = ctx;

    (void)frame;
    if (f->seconds <= 0 && w->said_count > 0)
        f->seconds = (measure_wall_ms() - f->begun) / 1e3;
}

static int hear(const char *model, const char *sound)
{
    struct sc_listener *l = NULL;
    struct sc_listen_clip clip = { .wishes = sc_listen_wishes_usual() };
    struct first first = { 0 };
    struct sc_error err = { 0 };
    double begun = measure_cpu_ms();

    measure_must(sc_listener_open(model, 1, NULL, &l, &err), &err);
    printf("open_ms %.3f\n", measure_cpu_ms() - begun);
    int16_t *pcm = read_sound(sound, &clip.samples);
    clip.pcm = pcm;
    clip.wishes.language = "en";
    clip.wishes.previous = true;
    clip.wishes.words = false;
    clip.wishes.decode.temperature_step = 0;
    clip.told = note_first;
    clip.told_ctx = &first;
    begun = measure_cpu_ms();
    first.begun = measure_wall_ms();
    measure_must(sc_listen(l, &clip, 1, NULL, &err), &err);
    printf("hear_ms %.3f\nfirst_s %.3f\nsegments %zu\nresident_mb %.1f\n", measure_cpu_ms() - begun,
           first.seconds, clip.segments.count, (double)measure_memory_kb("VmHWM") / 1024);
    sc_listen_clip_done(&clip);
    sc_listener_close(l);
    free(pcm);
    return 0;
}

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* What differs everywhere, so that no page of it is spared. */
static void make_noise(int16_t *pcm, size_t samples)
{
    for (size_t i = 0; i < samples; i++)
        pcm[i] = (int16_t)((int)(i * 7919 % 16000) - 8000);
}

static int grow(const char *model, int chunks)
{
    const struct sc_engine_ops *ops = sc_engine_find("whisper");
    const struct sc_engine_stop stop = { never, NULL };
    struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    static int16_t pcm[5 * RATE];
    long before = 0;

    make_noise(pcm, SC_ARRAY_LEN(pcm));
    measure_must(sc_config_receive(SC_STR(""), &config, &err), &err);
    for (int done = 0; done < chunks;) {
        void *state = NULL;
        measure_must(ops->open(config, model, &stop, &state, &err), &err);
        for (int i = 0; i < PER_OPEN && done < chunks; i++, done++) {
            const struct sc_engine_request request = {
                .pcm = pcm,
                .samples = 5 * RATE,
                .attempt = 1,
                .language = "en",
                .settings = "{\"beam_size\":5,\"word_timestamps\":true,"
                            "\"temperature_increment_on_fallback\":1}",
            };
            struct sc_engine_result result = { 0 };
            measure_must(ops->transcribe(state, &request, &result, 1, &stop, &err), &err);
            measure_must(result.code, &result.error);
            if (result.segments.count == 0 || result.segments.items[0].word_count == 0)
                exit(1);
            sc_engine_result_done(&result);
        }
        ops->close(state);
        (void)malloc_trim(0); /* as a worker does; else what is free stays the process's */
        if (before == 0)
            before = measure_memory_kb("VmRSS");
    }
    printf("grown_kb %ld\n", measure_memory_kb("VmRSS") - before);
    sc_config_free(config);
    return 0;
}

/* After two windows nothing more is needed. */
static bool is_full(void *ctx)
{
    const struct sc_engine_request *first = ctx;
    const size_t windows = first->samples / (size_t)(SC_WHISPER_WINDOW_S * RATE);
    return windows > 2 && (size_t)atomic_load(first->progress) * windows >= 200;
}

static int fill(const char *model, int chunks, int seconds, const char *options)
{
    const struct sc_engine_ops *ops = sc_engine_find("whisper");
    struct sc_engine_request requests[BATCH_MAX] = { 0 };
    struct sc_engine_result results[BATCH_MAX] = { 0 };
    const struct sc_engine_stop stop = { is_full, requests };
    const long before = measure_memory_kb("VmRSS");
    atomic_int progress = 0;
    struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    int64_t foreseen = 0;
    void *state = NULL;

    if (chunks < 1 || chunks > BATCH_MAX || seconds < 1)
        return 2;
    measure_must(sc_config_receive(SC_STR(""), &config, &err), &err);
    config->engine_whisper_batch = chunks;
    measure_must(ops->memory(config, model, options, &foreseen, &err), &err);
    const size_t samples = (size_t)seconds * RATE, all = (size_t)chunks * samples;
    int16_t *pcm = malloc(all * sizeof(*pcm));
    if (pcm == NULL)
        abort();
    make_noise(pcm, all);
    for (int i = 0; i < chunks; i++) {
        requests[i] = (struct sc_engine_request){ .pcm = pcm + (size_t)i * samples,
                                                  .samples = samples,
                                                  .attempt = 1,
                                                  .language = "",
                                                  .settings = options,
                                                  .progress = &progress };
    }
    measure_must(ops->open(config, model, &stop, &state, &err), &err);
    const enum sc_code code =
        ops->transcribe(state, requests, results, (size_t)chunks, &stop, &err);
    if (code != SC_E_CANCELLED)
        measure_must(code, &err);
    printf("resident_mb %.1f\nforeseen_mb %.1f\n",
           (double)(measure_memory_kb("VmHWM") - before) / 1024, (double)foreseen / MIB);
    for (int i = 0; i < chunks; i++) {
        measure_must(results[i].code, &results[i].error);
        sc_engine_result_done(&results[i]);
    }
    ops->close(state);
    free(pcm);
    sc_config_free(config);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "make") == 0)
        return make(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
    if (argc == 4 && strcmp(argv[1], "hear") == 0)
        return hear(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "grow") == 0)
        return grow(argv[2], atoi(argv[3]));
    if (argc == 6 && strcmp(argv[1], "fill") == 0)
        return fill(argv[2], atoi(argv[3]), atoi(argv[4]), argv[5]);
    (void)fprintf(stderr, "usage: engine-whole make MODEL STATE LAYERS TYPE\n"
                          "       engine-whole hear MODEL SOUND\n"
                          "       engine-whole grow MODEL CHUNKS\n"
                          "       engine-whole fill MODEL CHUNKS SECONDS OPTIONS\n");
    return 2;
}
