/* The yardstick for transcription: PocketSphinx in the plainest loop that there is. Opens the same
 * model with the same settings as src/engine/pocketsphinx.c, recognises files of 16 kHz mono s16
 * one after the other and counts their words. Prints the seconds of processor time that it took:
 *
 *   bare-engine FILE... */

#include <pocketsphinx.h>
#include <sphinxbase/err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MODEL "/usr/share/pocketsphinx/model/en-us/"
#define SAMPLES_MAX (16000 * 60)

/* Samples of a file; -1: it cannot be read. */
static long read_samples(const char *path, int16_t *samples)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return -1;
    size_t n = fread(samples, sizeof(*samples), SAMPLES_MAX, f);
    (void)fclose(f);
    return (long)n;
}

static int recognise(ps_decoder_t *decoder, const char *path)
{
    static int16_t samples[SAMPLES_MAX];
    int words = 0;
    long n = read_samples(path, samples);
    if (n < 0 || ps_start_stream(decoder) < 0 || ps_start_utt(decoder) < 0 ||
        ps_process_raw(decoder, samples, (size_t)n, FALSE, TRUE) < 0 || ps_end_utt(decoder) < 0) {
        fprintf(stderr, "bare-engine: cannot recognise %s\n", path);
        exit(1);
    }
    for (ps_seg_t *seg = ps_seg_iter(decoder); seg != NULL; seg = ps_seg_next(seg))
        words++;
    return words;
}

int main(int argc, char **argv)
{
    int words = 0;
    struct timespec cpu;
    err_set_logfp(NULL);
    cmd_ln_t *config =
        cmd_ln_init(NULL, ps_args(), TRUE, "-hmm", MODEL "en-us", "-lm", MODEL "en-us.lm.bin",
                    "-dict", MODEL "cmudict-en-us.dict", "-bestpath", "yes", "-remove_silence",
                    "no", "-logfn", "/dev/null", NULL);
    ps_decoder_t *decoder = config == NULL ? NULL : ps_init(config);
    if (decoder == NULL || argc < 2) {
        fprintf(stderr, "usage: bare-engine FILE...; needs pocketsphinx-en-us\n");
        return 1;
    }
    for (int i = 1; i < argc; i++)
        words += recognise(decoder, argv[i]);
    (void)ps_free(decoder);
    (void)cmd_ln_free_r(config);
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    printf("%.3f %d\n", (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9, words);
    return 0;
}
