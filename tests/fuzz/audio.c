/* Recordings from memory: the demuxers and decoders that the jail lets in. */

#include "fuzz.h"

#include "audio/input.h"

#include <stdlib.h>

#include "base/banned.h"

struct listener {
    size_t streams;
    int64_t left; /* samples that it still wants */
};

static enum sc_code take_info(void *ctx, const struct sc_audio_info *info, struct sc_error *err)
{
    struct listener *l = ctx;
    (void)err;
    if (info->sample_rate <= 0 || info->channels <= 0 || info->tag_count > SC_AUDIO_TAGS ||
        info->streams < 1 || info->streams > SC_AUDIO_STREAMS || info->track < 1 ||
        info->track > info->tracks)
        abort();
    l->streams = (size_t)info->streams;
    return SC_OK;
}

static enum sc_code take_pcm(void *ctx, const int16_t *pcm, size_t samples, struct sc_error *err)
{
    struct listener *l = ctx;
    volatile int16_t last = 0;

    if (samples == 0 || samples > SC_AUDIO_PIECE / l->streams)
        abort();
    last = pcm[samples * l->streams - 1];
    (void)last;
    l->left -= (int64_t)samples;
    return l->left < 0 ? sc_error_set(err, SC_E_CANCELLED, "enough") : SC_OK;
}

static void check_losses(const struct sc_audio_stats *stats)
{
    if (stats->lost_count > SC_AUDIO_LOST)
        abort();
    for (size_t i = 0; i < stats->lost_count; i++) {
        if (stats->lost[i].start_ms >= stats->lost[i].end_ms ||
            (i > 0 && stats->lost[i].start_ms < stats->lost[i - 1].end_ms))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int channels[] = { SC_AUDIO_MIX, SC_AUDIO_SPLIT, 1, SC_AUDIO_MIX };
    struct sc_str bytes = { (const char *)data, size };
    struct sc_audio_source source = sc_audio_source_memory(&bytes);
    struct listener listener = { .streams = 1, .left = INT64_C(60) * SC_AUDIO_RATE };
    struct sc_audio_sink sink = { .info = take_info, .pcm = take_pcm, .ctx = &listener };
    struct sc_audio_options options = {
        .max_ms = 3600000,
        .channels = channels[size % SC_ARRAY_LEN(channels)],
    };
    struct sc_audio_stats stats = { 0 };
    struct sc_error err = { 0 };
    static bool warm;

    /* Only long files have their edits read. */
    (void)input_has_plain_edits(&(struct input){ .source = &source }, 0);
    if (!warm)
        sc_audio_warm_up();
    warm = true;
    enum sc_code code = sc_audio_decode(&source, &options, &sink, &stats, &err);
    if (code != SC_OK && (err.code != code || err.msg[0] == 0))
        abort();
    check_losses(&stats);
    return 0;
}
