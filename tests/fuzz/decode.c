/* Any bytes through probe and decode: what an upload reaches first. The jail is not here; it must not be
 * what holds. */

#include "fuzz.h"

#include "audio/audio.h"

#include <stdlib.h>

#include "base/banned.h"

#define DECODE_MS 60000
#define LOOKS_MAX 20000 /* bounds the time of one input: FFmpeg asks at each read */

static enum sc_code on_info(void *ctx, const struct sc_audio_info *info, struct sc_error *err)
{
    (void)ctx;
    (void)err;
    if (info->tag_count > SC_AUDIO_TAGS || info->start_ms < 0)
        abort();
    return SC_OK;
}

static enum sc_code on_pcm(void *ctx, const int16_t *pcm, size_t samples, struct sc_error *err)
{
    int64_t *total = ctx;
    (void)pcm;
    (void)err;
    if (samples == 0 || samples > SC_AUDIO_PIECE)
        abort();
    *total += (int64_t)samples;
    return SC_OK;
}

static bool enough(void *ctx)
{
    int *looks = ctx;
    return ++*looks > LOOKS_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool warm;
    struct sc_str bytes = { (const char *)data, size };
    struct sc_audio_source source = sc_audio_source_memory(&bytes);
    struct sc_audio_stats stats = { 0 };
    struct sc_error err = { 0 };
    int64_t total = 0;
    int looks = 0;
    struct sc_audio_options options = { .max_ms = DECODE_MS, .stop = enough, .stop_ctx = &looks };
    struct sc_audio_sink sink = { on_info, on_pcm, &total };

    if (!warm)
        sc_audio_warm_up();
    warm = true;
    enum sc_code code = sc_audio_decode(&source, &options, &sink, &stats, &err);
    if (total > (int64_t)DECODE_MS * (SC_AUDIO_RATE / 1000))
        abort();
    if (code == SC_OK ? stats.samples != total : err.code != code || err.msg[0] == '\0')
        abort();
    return 0;
}
