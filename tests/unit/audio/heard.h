#pragma once
/* Recordings made by ffmpeg, so that nothing binary lies in the repository, and what the decoder
 * makes of them. */

#include "audio/audio.h"

#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/stat.h>

#include "base/banned.h"

#define RATE SC_AUDIO_RATE
/* Three seconds: silence, but for a tone of 1 kHz from 1.0 s to 2.0 s; stereo at 44.1 kHz. */
#define SOURCE \
    "-f lavfi -i \"aevalsrc='if(between(t,1,2),0.5*sin(2000*PI*t),0)':d=3:s=44100:c=mono\" -ac 2 "
#define PICTURE "-f lavfi -i testsrc=d=3:s=160x120:r=10 "

struct heard {
    struct sc_audio_info info;
    struct sc_audio_stats stats;
    struct sc_error err;
    int infos;
    int16_t *pcm; /* owned; of stream `ear` alone */
    size_t samples, cap;
    int ear;
};

static inline void heard_done(struct heard *h)
{
    free(h->pcm);
}

static inline enum sc_code on_info(void *ctx, const struct sc_audio_info *info,
                                   struct sc_error *err)
{
    struct heard *h = ctx;
    (void)err;
    h->info = *info;
    h->infos++;
    assert_int_equal(h->samples, 0);
    return SC_OK;
}

static inline enum sc_code on_pcm(void *ctx, const int16_t *pcm, size_t samples,
                                  struct sc_error *err)
{
    struct heard *h = ctx;
    (void)err;
    const size_t streams = (size_t)h->info.streams;
    assert_in_range(streams, 1, SC_AUDIO_STREAMS);
    assert_in_range(samples, 1, SC_AUDIO_PIECE / streams);
    if (h->samples + samples > h->cap) {
        h->cap = (h->samples + samples) * 2;
        h->pcm = realloc(h->pcm, h->cap * sizeof(*pcm));
        assert_non_null(h->pcm);
    }
    for (size_t i = 0; i < samples; i++)
        h->pcm[h->samples + i] = pcm[i * streams + (size_t)h->ear];
    h->samples += samples;
    return SC_OK;
}

static inline enum sc_code decode_with(const struct sc_audio_source *source,
                                       const struct sc_audio_options *options, struct heard *h)
{
    struct sc_audio_sink sink = { on_info, on_pcm, h };
    return sc_audio_decode(source, options, &sink, &h->stats, &h->err);
}

static inline enum sc_code decode_file(const struct test_dir *dir, const char *name,
                                       const struct sc_audio_options *options, struct heard *h)
{
    char path[PATH_MAX];
    struct stat st;
    SC_AUTO_CLOSE int fd = open(test_path(dir, name, path), O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &st), 0);
    struct sc_audio_source source = sc_audio_source_fd(&fd, st.st_size);
    return decode_with(&source, options, h);
}

static inline enum sc_code decode(const struct test_dir *dir, const char *name, struct heard *h)
{
    return decode_file(dir, name, &(struct sc_audio_options){ 0 }, h);
}

static inline void shell(const struct test_dir *dir, const char *command)
{
    SC_AUTO_FREE char *line = NULL;
    assert_true(asprintf(&line, "cd %s && %s", dir->path, command) > 0);
    /* The sanitizers' settings are for us, not for the programs that make the files. */
    if (system(line) != 0)
        fail_msg("'%s' failed", line);
}

static inline void ffmpeg(const struct test_dir *dir, const char *arguments)
{
    SC_AUTO_FREE char *line = NULL;
    assert_true(asprintf(&line, "ffmpeg -v error -y %s </dev/null", arguments) > 0);
    shell(dir, line);
}

static inline bool is_loud(const struct heard *h, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to && i < h->samples; i++)
        sum += (double)h->pcm[i] * h->pcm[i];
    return sqrt(sum / (double)(to - from)) > 1000;
}

/* Milliseconds at which the tone begins and ends, to 5 ms; -1: there is none. */
static inline int64_t tone_edge(const struct heard *h, bool end)
{
    const size_t step = RATE / 200;
    int64_t edge = -1;
    for (size_t at = 0; at + step <= h->samples; at += step) {
        if (!is_loud(h, at, at + step))
            continue;
        edge = (int64_t)(end ? at + step : at) * 1000 / RATE;
        if (!end)
            return edge;
    }
    return edge;
}

static inline void assert_near(int64_t value, int64_t want, int64_t off, const char *what)
{
    if (value < want - off || value > want + off)
        fail_msg("%s: %lld, not %lld +- %lld", what, (long long)value, (long long)want,
                 (long long)off);
}
