/* Measures the whole engine `whisper`.
 *
 *     engine-whole make MODEL STATE LAYERS TYPE   writes a scripted model with a real vocabulary's
 *                                                 size, that says five words in two seconds
 *     engine-whole hear MODEL SOUND               opens it and hears the sound (s16, 16 kHz, mono)
 * as one clip on one thread, text of each window ahead of the next engine-whole grow MODEL CHUNKS
 * so many chunks by the engine's contract, with words and five beams, the model opened for each
 * hundred
 *
 * The last two print a line `name value` for each figure; *_ms is processor time. */
#include "engine/engine.h"
#include "model.h"
#include "whisper/listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RATE 16000
#define PER_OPEN 100

static double ms(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double cpu_ms(void)
{
    return ms(CLOCK_PROCESS_CPUTIME_ID);
}

static void must(enum sc_code code, const struct sc_error *err)
{
    if (code == SC_OK)
        return;
    (void)fprintf(stderr, "engine-whole: %s\n", err->msg);
    exit(1);
}

/* A line of /proc/self/status, in KiB. */
static long memory_kb(const char *name)
{
    char line[128];
    long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0)
            kb = strtol(line + strlen(name) + 1, NULL, 10);
    }
    if (f != NULL)
        (void)fclose(f);
    return kb;
}

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
        f->seconds = (ms(CLOCK_MONOTONIC) - f->begun) / 1e3;
}

static int hear(const char *model, const char *sound)
{
    struct sc_listener *l = NULL;
    struct sc_listen_clip clip = { .wishes = sc_listen_wishes_usual() };
    struct first first = { 0 };
    struct sc_error err = { 0 };
    double begun = cpu_ms();

    must(sc_listener_open(model, 1, NULL, &l, &err), &err);
    printf("open_ms %.3f\n", cpu_ms() - begun);
    int16_t *pcm = read_sound(sound, &clip.samples);
    clip.pcm = pcm;
    clip.wishes.language = "en";
    clip.wishes.previous = true;
    clip.wishes.words = false;
    clip.wishes.decode.temperature_step = 0;
    clip.told = note_first;
    clip.told_ctx = &first;
    begun = cpu_ms();
    first.begun = ms(CLOCK_MONOTONIC);
    must(sc_listen(l, &clip, 1, NULL, &err), &err);
    printf("hear_ms %.3f\nfirst_s %.3f\nsegments %zu\nresident_mb %.1f\n", cpu_ms() - begun,
           first.seconds, clip.segments.count, (double)memory_kb("VmHWM") / 1024);
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

static int grow(const char *model, int chunks)
{
    const struct sc_engine_ops *ops = sc_engine_find("whisper");
    const struct sc_engine_stop stop = { never, NULL };
    struct sc_config *config = NULL;
    struct sc_error err = { 0 };
    static int16_t pcm[5 * RATE];
    long before = 0;

    for (int i = 0; i < 5 * RATE; i++)
        pcm[i] = (int16_t)(i * 7919 % 16000 - 8000);
    must(sc_config_receive(SC_STR(""), &config, &err), &err);
    for (int done = 0; done < chunks;) {
        void *state = NULL;
        must(ops->open(config, model, &stop, &state, &err), &err);
        for (int i = 0; i < PER_OPEN && done < chunks; i++, done++) {
            const struct sc_engine_request request = {
                .pcm = pcm,
                .samples = 5 * RATE,
                .attempt = 1,
                .language = "en",
                .settings = "{\"beam_size\":5,\"word_timestamps\":true}",
            };
            struct sc_engine_result result = { 0 };
            must(ops->transcribe(state, &request, &result, 1, &stop, &err), &err);
            must(result.code, &result.error);
            if (result.segments.count == 0 || result.segments.items[0].word_count == 0)
                exit(1);
            sc_engine_result_done(&result);
        }
        ops->close(state);
        if (before == 0)
            before = memory_kb("VmRSS");
    }
    printf("grown_kb %ld\n", memory_kb("VmRSS") - before);
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
    (void)fprintf(stderr, "usage: engine-whole make MODEL STATE LAYERS TYPE\n"
                          "       engine-whole hear MODEL SOUND\n"
                          "       engine-whole grow MODEL CHUNKS\n");
    return 2;
}
