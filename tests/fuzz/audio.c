/* Recordings from memory: the demuxers and decoders that the jail lets in. */

#include "fuzz.h"

#include "audio/audio.h"

#include <stdlib.h>

#include "base/banned.h"

static enum sc_code take_info(void *ctx, const struct sc_audio_info *info, struct sc_error *err)
{
    (void)ctx;
    (void)err;
    if (info->sample_rate <= 0 || info->channels <= 0 || info->tag_count > SC_AUDIO_TAGS)
        abort();
    return SC_OK;
}

static enum sc_code take_pcm(void *ctx, const int16_t *pcm, size_t samples, struct sc_error *err)
{
    int64_t *left = ctx;

    (void)pcm;
    if (samples == 0 || samples > SC_AUDIO_PIECE)
        abort();
    *left -= (int64_t)samples;
    return *left < 0 ? sc_error_set(err, SC_E_CANCELLED, "enough") : SC_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_str bytes = { (const char *)data, size };
    struct sc_audio_source source = sc_audio_source_memory(&bytes);
    int64_t left = INT64_C(60) * SC_AUDIO_RATE;
    struct sc_audio_sink sink = { .info = take_info, .pcm = take_pcm, .ctx = &left };
    struct sc_audio_options options = { .max_ms = 3600000 };
    struct sc_audio_stats stats = { 0 };
    struct sc_error err = { 0 };
    static bool warm;

    if (!warm)
        sc_audio_warm_up();
    warm = true;
    enum sc_code code = sc_audio_decode(&source, &options, &sink, &stats, &err);
    if (code != SC_OK && (err.code != code || err.msg[0] == 0))
        abort();
    return 0;
}
